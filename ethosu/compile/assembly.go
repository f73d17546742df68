// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/lower/graph"
)

// cacheLine is what the CPU's cache holds at a time, in bytes: a value that the CPU
// touches shares none with what the NPU writes.
const cacheLine = 32

// assembly puts the parts of a graph together. Values that pass between parts, or in and
// out, have fixed places in one arena; what is inside a stream lies around those that are
// alive then.
type assembly struct {
	g     *graph.Graph
	opt   Options
	parts []part

	values []*passing
	at     map[graph.TensorID]*passing
}

// passing is a value between parts.
type passing struct {
	id          graph.TensorID
	name        string
	first, last int // parts that make it, -1 for the caller, and that read it last
	offset      int
	size        int
	with        *passing // state that it shares its place with
}

func (v *passing) place() int {
	if v.with != nil {
		return v.with.offset
	}
	return v.offset
}

func (b *assembly) build() (*ethosu.Program, error) {
	b.lives()
	b.pack()
	p := &ethosu.Program{Name: b.g.Name, Accel: b.opt.Accel, WeightsInSRAM: b.opt.WeightsInSRAM}
	streams, operators := 0, 0
	for i, part := range b.parts {
		if part.cpu {
			operators++
			p.Stages = append(p.Stages, ethosu.Stage{Name: fmt.Sprintf("cpu%d", operators), Times: 1, CPU: b.operator(part)})
			continue
		}
		streams++
		if err := b.stream(p, i, fmt.Sprintf("npu%d", streams)); err != nil {
			return nil, err
		}
	}
	for _, v := range b.values {
		p.ArenaSize = max(p.ArenaSize, v.place()+v.size)
	}
	for i := range p.Stages { // an operator of a file has the whole scratch
		if s := (&windowed{p.Stages[i]}); s.CPU == nil {
			s.window(ethosu.RegionArena, ethosu.RegionArena, 0, p.ArenaSize, 0)
			s.window(ethosu.RegionFast, ethosu.RegionFast, 0, p.FastSize, 0)
			p.Stages[i] = s.Stage
		}
	}
	for _, id := range b.g.Inputs {
		p.Inputs = append(p.Inputs, b.binding(id))
	}
	for _, id := range b.g.Outputs {
		p.Outputs = append(p.Outputs, b.binding(id))
	}
	for i, t := range b.g.Tensors {
		if v := b.at[graph.TensorID(i)]; t.Variable && v != nil {
			p.Variables = append(p.Variables, b.binding(v.id))
		}
	}
	for _, s := range b.g.States {
		p.States = append(p.States, ethosu.StatePair{In: slices.Index(b.g.Inputs, s.In), Out: slices.Index(b.g.Outputs, s.Out)})
	}
	return p, p.CheckStages()
}

// lives finds the values between parts and when they are alive.
func (b *assembly) lives() {
	b.at = map[graph.TensorID]*passing{}
	inside := map[graph.TensorID]int{} // made by a part
	touch := func(id graph.TensorID, i int) {
		v := b.at[id]
		if v == nil {
			first, ok := inside[id]
			if !ok {
				first = i
			}
			v = &passing{id: id, first: first, size: (b.g.Tensors[id].Bytes() + cacheLine - 1) / cacheLine * cacheLine}
			b.at[id] = v
			b.values = append(b.values, v)
		}
		v.last = max(v.last, i)
	}
	for _, id := range b.g.Inputs {
		touch(id, -1)
	}
	for i, part := range b.parts {
		for _, k := range part.ops {
			op := b.g.Ops[k]
			for _, id := range op.Inputs {
				if id == graph.None || b.g.Tensors[id].IsConst() {
					continue
				}
				if b.g.Tensors[id].Variable {
					touch(id, -1)
					touch(id, len(b.parts))
				} else if from, made := inside[id]; !made || from != i || part.cpu {
					touch(id, i)
				}
			}
			for _, id := range op.Outputs {
				inside[id] = i
				if part.cpu || slices.Contains(b.g.Outputs, id) {
					touch(id, i)
				}
			}
		}
	}
	for _, id := range b.g.Outputs {
		touch(id, len(b.parts))
	}
	b.title()
	// A state whose input has been read when its output is made keeps its place.
	for _, s := range b.g.States {
		in, out := b.at[s.In], b.at[s.Out]
		if in.last < out.first && in.with == nil && out.with == nil && in.size == out.size && in != out {
			out.with, in.last = in, out.last
		}
	}
}

// title gives every value a name of its own, those of the interface first.
func (b *assembly) title() {
	taken := map[string]bool{}
	for _, list := range [][]graph.TensorID{b.g.Inputs, b.g.Outputs} {
		for _, id := range list {
			b.at[id].name = b.g.Tensors[id].Name
			taken[b.at[id].name] = true
		}
	}
	for _, v := range b.values {
		if v.name != "" {
			continue
		}
		v.name = b.g.Tensors[v.id].Name
		for n := 2; taken[v.name] || v.name == ""; n++ {
			v.name = fmt.Sprintf("%s_%d", b.g.Tensors[v.id].Name, n)
		}
		taken[v.name] = true
	}
}

// pack gives the values their places: the largest first, each at the lowest address that
// is free while it is alive.
func (b *assembly) pack() {
	list := slices.DeleteFunc(slices.Clone(b.values), func(v *passing) bool { return v.with != nil })
	sort.SliceStable(list, func(i, j int) bool { return list[i].size > list[j].size })
	for i, v := range list {
		var near []*passing
		for _, w := range list[:i] {
			if w.first <= v.last && v.first <= w.last {
				near = append(near, w)
			}
		}
		sort.SliceStable(near, func(i, j int) bool { return near[i].offset < near[j].offset })
		for _, w := range near {
			if w.offset >= v.offset+v.size {
				break
			}
			v.offset = max(v.offset, w.offset+w.size)
		}
	}
}

func (b *assembly) binding(id graph.TensorID) ethosu.Binding {
	t := b.g.Tensors[id]
	return ethosu.Binding{Name: b.at[id].name, Type: t.Type, Shape: append([]int(nil), t.Shape...), Quant: t.Quant,
		Region: ethosu.RegionArena, Offset: b.at[id].place(), Size: t.Bytes()}
}

// operator describes an operator of the CPU.
func (b *assembly) operator(p part) *ethosu.CPUOp {
	alone, ids := b.g.Alone(p.ops[0])
	o := &ethosu.CPUOp{Graph: alone, Why: p.why}
	for _, id := range alone.Inputs {
		o.Inputs = append(o.Inputs, b.binding(ids[id]))
	}
	for _, id := range alone.Outputs {
		o.Outputs = append(o.Outputs, b.binding(ids[id]))
	}
	return o
}

// stream compiles part i and appends it to the program.
func (b *assembly) stream(p *ethosu.Program, i int, title string) error {
	g := &graph.Graph{Name: b.g.Name, Tensors: b.g.Tensors}
	at := places{Places: lowering.Places{At: map[graph.TensorID]int{}, Keep: map[graph.TensorID]bool{}}, line: cacheLine}
	mine := map[graph.TensorID]bool{}
	for _, k := range b.parts[i].ops {
		op := b.g.Ops[k]
		g.Ops = append(g.Ops, op)
		for _, id := range slices.Concat(op.Inputs, op.Outputs) {
			if id != graph.None {
				mine[id] = true
			}
		}
	}
	// The tensors of others are not the part's, variables above all.
	g.Tensors = slices.Clone(g.Tensors)
	for id, t := range g.Tensors {
		if t.Variable && !mine[graph.TensorID(id)] {
			alien := *t
			alien.Variable = false
			g.Tensors[id] = &alien
		}
	}
	for _, v := range b.values {
		switch t := b.g.Tensors[v.id]; {
		case !mine[v.id]:
			if v.first < i && i < v.last {
				at.taken = append(at.taken, place.Span{Region: ethosu.RegionArena, Start: v.place(), End: v.place() + v.size})
			}
			continue
		case t.Variable:
		case v.first == i:
			g.Outputs = append(g.Outputs, v.id)
		default:
			g.Inputs = append(g.Inputs, v.id)
			at.Keep[v.id] = v.last > i
		}
		at.At[v.id] = v.place()
	}
	q, err := compileWith(g, b.opt, at)
	if err != nil {
		return err
	}
	p.System, p.Mode = q.System, q.Mode
	// Arm's driver asks for base addresses at cache lines.
	p.Constants = append(p.Constants, make([]byte, (cacheLine-len(p.Constants)%cacheLine)%cacheLine)...)
	s := stageOf(title, 1, q)
	s.window(ethosu.RegionConstants, ethosu.RegionConstants, len(p.Constants), len(q.Constants), 0)
	for _, v := range b.values {
		switch {
		case !mine[v.id]:
		case slices.Contains(g.Outputs, v.id):
			s.Writes = append(s.Writes, b.binding(v.id))
		default:
			s.Reads = append(s.Reads, b.binding(v.id))
		}
	}
	p.Stages = append(p.Stages, s.Stage)
	p.Constants = append(p.Constants, q.Constants...)
	p.ArenaSize, p.FastSize = max(p.ArenaSize, q.ArenaSize), max(p.FastSize, q.FastSize)
	return nil
}
