package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// program collects the result of the passes.
func (m *module) program() *ethosu.Program {
	g := m.g
	p := &ethosu.Program{Name: g.Name, Accel: m.accel, System: m.opt.System, Mode: m.opt.Mode,
		Constants: m.blob, WeightsInSRAM: m.opt.WeightsInSRAM, ArenaSize: m.arenaSize, FastSize: m.fastSize}
	bind := func(v kernel.Bound) ethosu.Binding {
		t := g.Tensors[v.ID]
		region, addr := at(v.Buf, v.Off)
		return ethosu.Binding{Name: t.Name, Type: t.Type, Shape: append([]int(nil), t.Shape...), Quant: t.Quant, Region: region, Offset: addr, Size: t.Bytes()}
	}
	in, out := map[graph.TensorID]int{}, map[graph.TensorID]int{}
	for i, v := range m.low.Inputs {
		p.Inputs = append(p.Inputs, bind(v))
		in[v.ID] = i
	}
	for i, v := range m.low.Outputs {
		p.Outputs = append(p.Outputs, bind(v))
		out[v.ID] = i
	}
	for _, v := range m.low.Variables {
		p.Variables = append(p.Variables, bind(v))
	}
	for _, s := range g.States {
		p.States = append(p.States, ethosu.StatePair{In: in[s.In], Out: out[s.Out]})
	}
	var ops []ethosu.OpInfo
	for _, o := range m.ops {
		ops = append(ops, o.info())
	}
	p.Stages = []ethosu.Stage{p.Whole(m.words, m.placements(), ops)}
	return p
}

func (o *op) info() ethosu.OpInfo {
	n := ethosu.OpInfo{Word: o.word, Name: o.Name, Source: o.Source, Step: o.Step}
	if o.dma {
		n.IFM = o.src.Name
		if o.dst != nil {
			n.OFM = o.dst.Name
		}
		return n
	}
	n.IFM, n.OFM, n.IFM2 = o.IFM.Name, o.OFM.Name, o.IFM.LowName
	if o.IFM2 != nil {
		n.IFM2 = o.IFM2.Name
	}
	return n
}

// placements lists every buffer and every operand window that has a name of its own.
func (m *module) placements() []ethosu.Placement {
	type key struct {
		name           string
		region, offset int
	}
	index := map[key]int{}
	var list []ethosu.Placement
	add := func(name string, b *kernel.Buffer, off, size, i int) {
		region, addr := at(b, off)
		k := key{name, region, addr}
		j, ok := index[k]
		if !ok {
			j = len(list)
			index[k] = j
			list = append(list, ethosu.Placement{Name: name, Region: region, Offset: addr, Size: size, First: i, Last: i})
		}
		p := &list[j]
		p.Size = max(p.Size, size)
		p.First, p.Last = min(p.First, i), max(p.Last, i)
	}
	addMap := func(f *kernel.Map, i int) {
		if f == nil || f.Buf == nil {
			return
		}
		s := mapSpans(f)
		add(f.Name, f.Buf, f.Off, s[0].end-s[0].start, i)
		if f.Low != nil {
			add(f.LowName, f.Low, f.LowOff, s[1].end-s[1].start, i)
		}
	}
	for i, o := range m.ops {
		if o.dma {
			add(o.src.Name, o.src, o.srcOff, o.length, i)
			if o.dst != nil {
				add(o.dst.Name, o.dst, o.dstOff, o.length, i)
			}
			continue
		}
		addMap(o.IFM, i)
		addMap(o.IFM2, i)
		addMap(o.OFM, i)
		if o.stream != nil {
			add(o.stream.home().Name, o.stream.home(), 0, o.stream.total(), i)
			add(o.recBuf.home().Name, o.recBuf.home(), 0, o.recBuf.total(), i)
		}
	}
	for _, group := range [][]kernel.Bound{m.low.Inputs, m.low.Outputs, m.low.Variables} {
		for _, v := range group {
			t := m.g.Tensors[v.ID]
			b := v.Buf.Root()
			add(t.Name, v.Buf, v.Off, t.Bytes(), min(max(b.First, 0), len(m.ops)-1))
			add(t.Name, v.Buf, v.Off, t.Bytes(), min(max(b.Last, 0), len(m.ops)-1))
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Region != b.Region {
			return a.Region < b.Region
		}
		return a.Offset < b.Offset
	})
	return list
}
