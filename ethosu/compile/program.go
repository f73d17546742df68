package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// program collects the result of the passes.
func (m *module) program() *ethosu.Program {
	g := m.g
	p := &ethosu.Program{Name: g.Name, Accel: m.accel, System: m.opt.System, Mode: m.opt.Mode,
		Constants: m.blob, WeightsInSRAM: m.opt.WeightsInSRAM, ArenaSize: m.arenaSize, FastSize: m.fastSize}
	bind := func(v boundView) ethosu.Binding {
		t := g.Tensors[v.id]
		region, addr := at(v.v.buf, v.v.off)
		return ethosu.Binding{Name: t.Name, Type: t.Type, Shape: append([]int(nil), t.Shape...), Quant: t.Quant, Region: region, Offset: addr, Size: t.Bytes()}
	}
	in, out := map[graph.TensorID]int{}, map[graph.TensorID]int{}
	for i, v := range m.inputs {
		p.Inputs = append(p.Inputs, bind(v))
		in[v.id] = i
	}
	for i, v := range m.outputs {
		p.Outputs = append(p.Outputs, bind(v))
		out[v.id] = i
	}
	for _, v := range m.variables {
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
	n := ethosu.OpInfo{Word: o.word, Name: o.name, Source: o.source, Step: o.step}
	if o.kind == opDMA {
		n.IFM = o.src.name
		if o.dst != nil {
			n.OFM = o.dst.name
		}
		return n
	}
	n.IFM, n.OFM, n.IFM2 = o.ifm.name, o.ofm.name, o.ifm.lowName
	if o.ifm2 != nil {
		n.IFM2 = o.ifm2.name
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
	add := func(name string, b *buffer, off, size, i int) {
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
	addMap := func(f *fmap, i int) {
		if f == nil || f.buf == nil {
			return
		}
		s := f.spans()
		add(f.name, f.buf, f.off, s[0].end-s[0].start, i)
		if f.low != nil {
			add(f.lowName, f.low, f.lowOff, s[1].end-s[1].start, i)
		}
	}
	for i, o := range m.ops {
		if o.kind == opDMA {
			add(o.src.name, o.src, o.srcOff, o.length, i)
			if o.dst != nil {
				add(o.dst.name, o.dst, o.dstOff, o.length, i)
			}
			continue
		}
		addMap(o.ifm, i)
		addMap(o.ifm2, i)
		addMap(o.ofm, i)
		if o.stream != nil {
			add(o.stream.home().name, o.stream.home(), 0, o.stream.total(), i)
			add(o.recBuf.home().name, o.recBuf.home(), 0, o.recBuf.total(), i)
		}
	}
	for _, group := range [][]boundView{m.inputs, m.outputs, m.variables} {
		for _, v := range group {
			t := m.g.Tensors[v.id]
			b := v.v.buf.root()
			add(t.Name, v.v.buf, v.v.off, t.Bytes(), min(max(b.first, 0), len(m.ops)-1))
			add(t.Name, v.v.buf, v.v.off, t.Bytes(), min(max(b.last, 0), len(m.ops)-1))
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
