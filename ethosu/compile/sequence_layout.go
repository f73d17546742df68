// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/emit"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// layout is a sequence whose parts have their places.
type layout struct {
	p        *ethosu.Program
	bodySRAM int // of the step alone
}

// sram returns the bytes that a budget counts: of arena and scratch.
func (l *layout) sram() int { return sramOf(l.p) }

func sramOf(p *ethosu.Program) int {
	q := *p
	q.WeightsInSRAM = false
	return q.SRAM()
}

// layout compiles the parts and places them.
//
//	arena:     body | rows of moved tensors and inputs | scratch of input and head, over the resident constants
//	constants: body | input | head
//
// With a dedicated SRAM the constants, the rows that the input stage makes, and the
// scratch of input and head, follow that of body there.
func (b *sequence) layout(of *graph.Graph, opt Options, f form) (*layout, error) {
	moved := b.moved(of)
	at := ownPlaces()
	for i, id := range moved {
		at.Own[id] = firstOwn + i
		if b.rowsIn(id, f) != ethosu.RegionArena {
			at.memory[firstOwn+i] = b.rowsIn(id, f)
		}
	}
	body, err := compileInPlace(of, opt, at)
	if err != nil {
		return nil, err
	}
	p := &ethosu.Program{Name: b.g.Name, Accel: opt.Accel, System: b.opt.System, Mode: b.single.Mode, WeightsInSRAM: b.opt.WeightsInSRAM,
		Constants: append([]byte(nil), body.Constants...), ArenaSize: body.ArenaSize, FastSize: body.FastSize,
		States: append([]ethosu.StatePair(nil), b.single.States...), Steps: b.seq.Steps, Single: b.single}
	l := &layout{p: p, bodySRAM: sramOf(body)}

	run := stageOf("step", b.seq.Steps, body)
	run.window(ethosu.RegionConstants, ethosu.RegionConstants, 0, len(body.Constants), 0)
	run.window(ethosu.RegionArena, ethosu.RegionArena, 0, body.ArenaSize, 0)
	run.window(ethosu.RegionFast, ethosu.RegionFast, 0, body.FastSize, 0)
	rows := map[graph.TensorID]ethosu.Binding{} // of the whole call
	for i, id := range moved {
		stride := kernel.Align(of.Tensors[id].Bytes())
		r := b.rows(p, id, b.rowsIn(id, f), stride)
		run.window(firstOwn+i, r.Region, r.Offset, stride, stride)
		rows[id] = r
	}
	if f.input {
		for _, id := range b.input.g.Inputs {
			if _, ok := rows[id]; !ok {
				rows[id] = b.rows(p, id, ethosu.RegionArena, of.Tensors[id].Bytes())
			}
		}
	}
	tail := [3]int{ethosu.RegionArena: p.ArenaSize, ethosu.RegionFast: p.FastSize}
	grow := func(region, n int) {
		switch region {
		case ethosu.RegionArena:
			p.ArenaSize = max(p.ArenaSize, tail[region]+n)
		case ethosu.RegionFast:
			p.FastSize = max(p.FastSize, tail[region]+n)
		}
	}
	if f.input {
		if err := b.addInput(l, rows, tail, grow); err != nil {
			return nil, err
		}
	}
	if f.resident && len(body.Constants) > 0 {
		in := ethosu.RegionArena
		if b.opt.Mode.Spills() {
			in = ethosu.RegionFast
		}
		run.Windows[0].In, run.Windows[0].Offset = in, tail[in]
		grow(in, len(body.Constants))
		load, err := loadStage(opt.Accel, in, tail[in], len(body.Constants))
		if err != nil {
			return nil, err
		}
		p.Stages = append(p.Stages, load)
	}
	p.Stages = append(p.Stages, run.Stage)
	b.bindBody(p, of, body, rows)
	if b.head == nil {
		return l, nil
	}

	at = ownPlaces()
	for i, id := range b.head.Inputs {
		at.Own[id] = firstOwn + i
	}
	head, err := compileWith(b.head, b.opt, at)
	if err != nil {
		return nil, err
	}
	end := stageOf("head", 1, head)
	end.window(ethosu.RegionConstants, ethosu.RegionConstants, len(p.Constants), len(head.Constants), 0)
	end.window(ethosu.RegionArena, ethosu.RegionArena, tail[ethosu.RegionArena], head.ArenaSize, 0)
	end.window(ethosu.RegionFast, ethosu.RegionFast, tail[ethosu.RegionFast], head.FastSize, 0)
	for i, id := range b.head.Inputs {
		from := body.Outputs[slices.Index(of.Outputs, id)]
		end.window(firstOwn+i, from.Region, from.Offset, kernel.Align(from.Size), 0)
	}
	p.Constants = append(p.Constants, head.Constants...)
	grow(ethosu.RegionArena, head.ArenaSize)
	grow(ethosu.RegionFast, head.FastSize)
	for i, id := range b.g.Outputs {
		if k := slices.Index(b.head.Outputs, id); k >= 0 {
			p.Outputs[i] = head.Outputs[k]
			p.Outputs[i].Offset += tail[ethosu.RegionArena]
		}
	}
	p.Stages = append(p.Stages, end.Stage)
	return l, nil
}

// rowsIn returns the memory for the rows of a moved tensor: that of the arena, where the
// interface lies; a fast scratch for those that never leave the NPU.
func (b *sequence) rowsIn(id graph.TensorID, f form) int {
	if f.input && b.opt.Mode.Spills() && slices.Index(b.input.g.Outputs, id) >= 0 {
		return ethosu.RegionFast
	}
	return ethosu.RegionArena
}

// rows appends memory for a tensor's values of all steps.
func (b *sequence) rows(p *ethosu.Program, id graph.TensorID, region, stride int) ethosu.Binding {
	t := b.g.Tensors[id]
	end := &p.ArenaSize
	if region == ethosu.RegionFast {
		end = &p.FastSize
	}
	r := ethosu.Binding{Name: t.Name, Type: t.Type, Shape: ethosu.WithTime(t.Shape, b.seq.Steps), Quant: t.Quant,
		Region: region, Offset: *end, Size: t.Bytes() * b.seq.Steps, Rows: b.seq.Steps, Stride: stride}
	if stride == t.Bytes() {
		r.Rows, r.Stride = 0, 0
	}
	*end += kernel.Align(stride * b.seq.Steps)
	return r
}

// bindBody fills the interface of the call with the places that the body decides,
// and leaves the outputs of the head open.
func (b *sequence) bindBody(p *ethosu.Program, of *graph.Graph, body *ethosu.Program, rows map[graph.TensorID]ethosu.Binding) {
	p.Variables = body.Variables
	bind := func(ids, of []graph.TensorID, list []ethosu.Binding) []ethosu.Binding {
		out := make([]ethosu.Binding, len(ids))
		for i, id := range ids {
			if r, ok := rows[id]; ok {
				out[i] = r
			} else if k := slices.Index(of, id); k >= 0 {
				out[i] = list[k]
			}
		}
		return out
	}
	p.Inputs = bind(b.g.Inputs, of.Inputs, body.Inputs)
	p.Outputs = bind(b.g.Outputs, of.Outputs, body.Outputs)
	for _, s := range p.States { // a copy leaves it where it is read
		p.Outputs[s.Out].Region, p.Outputs[s.Out].Offset = p.Inputs[s.In].Region, p.Inputs[s.In].Offset
	}
}

// windowed is a stage that gets its windows.
type windowed struct{ ethosu.Stage }

func stageOf(name string, times int, p *ethosu.Program) *windowed {
	return &windowed{ethosu.Stage{Name: name, Times: times, Commands: p.Stages[0].Commands, Map: p.Stages[0].Map, Ops: p.Stages[0].Ops}}
}

func (s *windowed) window(region, in, offset, size, advance int) {
	if size > 0 {
		s.Windows = append(s.Windows, ethosu.Window{Region: region, In: in, Offset: offset, Size: size, Advance: advance})
	}
}

// loadStage copies the first n bytes of the constants to a memory.
func loadStage(a *ethosu.Accelerator, in, offset, n int) (ethosu.Stage, error) {
	load, err := emit.Load(a, in, n)
	if err != nil {
		return load, err
	}
	s := windowed{load}
	s.Name, s.Times = "load", 1
	s.window(ethosu.RegionConstants, ethosu.RegionConstants, 0, n, 0)
	s.window(in, in, offset, n, 0)
	return s.Stage, nil
}
