// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Program completes p, which has what it was compiled for: the memories, the interface of
// graph g, and the stream with its description.
func Program(p *ethosu.Program, g *graph.Graph, mod *kernel.Module, s *Stream) *ethosu.Program {
	p.Name, p.Constants, p.ArenaSize, p.FastSize = g.Name, s.layout.Blob, s.layout.Arena, s.layout.Fast
	bind := func(v kernel.Bound) ethosu.Binding {
		t := g.Tensors[v.ID]
		at := s.layout.At(v.Buf, v.Off)
		return ethosu.Binding{Name: t.Name, Type: t.Type, Shape: append([]int(nil), t.Shape...), Quant: t.Quant, Region: at.Region, Offset: at.Offset, Size: t.Bytes()}
	}
	in, out := map[graph.TensorID]int{}, map[graph.TensorID]int{}
	for i, v := range mod.Inputs {
		p.Inputs = append(p.Inputs, bind(v))
		in[v.ID] = i
	}
	for i, v := range mod.Outputs {
		p.Outputs = append(p.Outputs, bind(v))
		out[v.ID] = i
	}
	for _, v := range mod.Variables {
		p.Variables = append(p.Variables, bind(v))
	}
	for _, s := range g.States {
		p.States = append(p.States, ethosu.StatePair{In: in[s.In], Out: out[s.Out]})
	}
	p.Stages = []ethosu.Stage{p.Whole(s.Words, s.placements(g, mod), s.Info())}
	return p
}

// Info describes the operations of the stream, in order.
func (s *Stream) Info() []ethosu.OpInfo {
	var list []ethosu.OpInfo
	for i := range s.commands {
		list = append(list, s.info(&s.commands[i]))
	}
	return list
}

func (s *Stream) info(c *command) ethosu.OpInfo {
	if t := c.Transfer; t != nil {
		n := ethosu.OpInfo{Word: c.word, Name: t.Name, Source: t.Source, Step: t.Step, IFM: t.Src.Name}
		if t.Dst != nil {
			n.OFM = t.Dst.Name
		}
		return n
	}
	o := c.Kernel
	n := ethosu.OpInfo{Word: c.word, Name: o.Name, Source: o.Source, Step: o.Step, IFM: o.IFM.Name, OFM: o.OFM.Name, IFM2: o.IFM.LowName}
	if o.IFM2 != nil {
		n.IFM2 = o.IFM2.Name
	}
	if s.accel.OwnMemories && o.Swapped { // registers have the operands in their order
		n.IFM, n.IFM2 = n.IFM2, n.IFM
	}
	return n
}

// placements lists every buffer and every operand window that has a name of its own.
func (s *Stream) placements(g *graph.Graph, mod *kernel.Module) []ethosu.Placement {
	type key struct {
		name           string
		region, offset int
	}
	index := map[key]int{}
	var list []ethosu.Placement
	add := func(name string, b *kernel.Buffer, off, size, i int) {
		at := s.layout.At(b, off)
		k := key{name, at.Region, at.Offset}
		j, ok := index[k]
		if !ok {
			j = len(list)
			index[k] = j
			list = append(list, ethosu.Placement{Name: name, Region: at.Region, Offset: at.Offset, Size: size, First: i, Last: i})
		}
		p := &list[j]
		p.Size = max(p.Size, size)
		p.First, p.Last = min(p.First, i), max(p.Last, i)
	}
	addMap := func(f *kernel.Map, i int) {
		if f == nil || f.Buf == nil {
			return
		}
		spans := s.layout.Spans(f)
		add(f.Name, f.Buf, f.Off, spans[0].End-spans[0].Start, i)
		if f.Low != nil {
			add(f.LowName, f.Low, f.LowOff, spans[1].End-spans[1].Start, i)
		}
	}
	for i := range s.commands {
		if t := s.commands[i].Transfer; t != nil {
			add(t.Src.Name, t.Src, 0, t.From+t.Length, i)
			if t.Dst != nil {
				add(t.Dst.Name, t.Dst, 0, t.To+t.Length, i)
			}
			continue
		}
		o := s.commands[i].Kernel
		addMap(o.IFM, i)
		addMap(o.IFM2, i)
		addMap(o.OFM, i)
		if o.Stream != nil {
			add(o.Stream.Home().Name, o.Stream.Home(), 0, o.Stream.Total(), i)
			add(o.Scales.Home().Name, o.Scales.Home(), 0, o.Scales.Total(), i)
		}
	}
	end := len(s.commands) - 1
	for _, group := range [][]kernel.Bound{mod.Inputs, mod.Outputs, mod.Variables} {
		for _, v := range group {
			t := g.Tensors[v.ID]
			first, last := s.layout.Live(v.Buf)
			add(t.Name, v.Buf, v.Off, t.Bytes(), min(max(first, 0), end))
			add(t.Name, v.Buf, v.Off, t.Bytes(), min(max(last, 0), end))
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
