// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// partsWriter makes a file of several operators.
type partsWriter struct {
	p       *ethosu.Program
	g       *graph.Graph
	offsets []int32
	values  map[string]graph.TensorID // by name
}

// writeParts writes streams and operators of the CPU in order. All streams have the same
// scratch, which is the arena from its first byte.
func writeParts(p *ethosu.Program, more ...tflite.Metadata) ([]byte, error) {
	w := &partsWriter{p: p, g: &graph.Graph{Name: p.Name}, values: map[string]graph.TensorID{}}
	var err error
	bind := func(list []ethosu.Binding) (ids []graph.TensorID) {
		for _, b := range list {
			id, e := w.value(b)
			if e != nil && err == nil {
				err = e
			}
			ids = append(ids, id)
		}
		return ids
	}
	w.g.Inputs = bind(p.Inputs)
	for _, id := range bind(p.Variables) {
		w.g.Tensors[id].Variable = true
	}
	scratch := w.raw("scratch", p.ArenaSize, nil, 0)
	fast := scratch
	if p.FastSize > 0 {
		fast = w.raw("scratch_fast", p.FastSize, nil, align16(p.ArenaSize))
	} else {
		fast = w.raw("scratch_fast", p.ArenaSize, nil, 0)
	}
	n := notes{Name: p.Name, System: p.System, Mode: p.Mode, InSRAM: p.WeightsInSRAM, Variables: p.Variables, States: p.States}
	for i := range p.Stages {
		s := &p.Stages[i]
		if o := s.CPU; o != nil {
			ins, outs := bind(o.Inputs), bind(o.Outputs)
			w.operator(o, ins, outs)
			n.Parts = append(n.Parts, partNotes{Name: s.Name, Why: o.Why})
			continue
		}
		constants := w.constants(s)
		payload := (&isa.Payload{Config: p.Accel.ConfigWord, Words: s.Commands}).Append(nil)
		op := &graph.Op{Kind: graph.Custom, Version: 1, Attr: graph.CustomAttr{Code: "ethos-u", Options: options}}
		op.Inputs = []graph.TensorID{w.raw("ethos_u_command_stream", len(payload), payload, -1),
			w.raw("read_only", max(len(constants), 16), append(bytes.Clone(constants), make([]byte, max(16-len(constants), 0))...), -1), scratch, fast}
		op.Inputs = append(op.Inputs, bind(s.Reads)...)
		op.Outputs = bind(s.Writes)
		w.g.Ops = append(w.g.Ops, op)
		n.Parts = append(n.Parts, partNotes{Name: s.Name, Constants: len(constants), Map: s.Map, Ops: s.Ops})
	}
	w.g.Outputs = bind(p.Outputs)
	if err != nil {
		return nil, err
	}
	for _, s := range p.States {
		w.g.States = append(w.g.States, graph.State{In: w.g.Inputs[s.In], Out: w.g.Outputs[s.Out]})
	}
	b, err := packNotes(n)
	if err != nil {
		return nil, fmt.Errorf("vela: %v", err)
	}
	out, err := tflite.WriteModel(&tflite.Model{Graph: w.g, Metadata: append([]tflite.Metadata{planOf(w.offsets), {Name: metaNotes, Data: b}}, more...)})
	if err != nil {
		return nil, fmt.Errorf("vela: %v", err)
	}
	return out, nil
}

func (w *partsWriter) add(t *graph.Tensor, offset int) graph.TensorID {
	w.offsets = append(w.offsets, int32(offset))
	return w.g.Add(t)
}

func (w *partsWriter) raw(name string, size int, data []byte, offset int) graph.TensorID {
	return w.add(&graph.Tensor{Name: name, Type: graph.Uint8, Shape: []int{size}, Data: data}, offset)
}

// value returns the tensor of a value between parts.
func (w *partsWriter) value(b ethosu.Binding) (graph.TensorID, error) {
	if b.Region != ethosu.RegionArena || b.Offset%16 != 0 {
		return 0, fmt.Errorf("vela: tensor %q lies at offset %d of region %d, expected a multiple of 16 in the arena, region %d", b.Name, b.Offset, b.Region, ethosu.RegionArena)
	}
	if id, ok := w.values[b.Name]; ok {
		if t := w.g.Tensors[id]; w.offsets[id] != int32(b.Offset) || t.Type != b.Type || !slices.Equal(t.Shape, b.Shape) {
			return 0, fmt.Errorf("vela: two values are called %q, at %d and %d", b.Name, w.offsets[id], b.Offset)
		}
		return id, nil
	}
	id := w.add(&graph.Tensor{Name: b.Name, Type: b.Type, Shape: b.Shape, Quant: b.Quant}, b.Offset)
	w.values[b.Name] = id
	return id, nil
}

// operator adds an operator of the CPU, given the values of its graph.
func (w *partsWriter) operator(o *ethosu.CPUOp, ins, outs []graph.TensorID) {
	to := map[graph.TensorID]graph.TensorID{graph.None: graph.None}
	for i, id := range o.Graph.Inputs {
		to[id] = ins[i]
	}
	for i, id := range o.Graph.Outputs {
		to[id] = outs[i]
	}
	for i, t := range o.Graph.Tensors {
		id := graph.TensorID(i)
		if _, ok := to[id]; !ok {
			c := *t
			to[id] = w.add(&c, -1)
		}
	}
	op := *o.Graph.Ops[0]
	moved := func(ids []graph.TensorID) []graph.TensorID {
		list := make([]graph.TensorID, len(ids))
		for i, id := range ids {
			list[i] = to[id]
		}
		return list
	}
	op.Inputs, op.Outputs = moved(op.Inputs), moved(op.Outputs)
	w.g.Ops = append(w.g.Ops, &op)
}

// constants returns those of a stream.
func (w *partsWriter) constants(s *ethosu.Stage) []byte {
	for _, win := range s.Windows {
		if win.Region == ethosu.RegionConstants {
			return w.p.Constants[win.Offset : win.Offset+win.Size]
		}
	}
	return nil
}

// partsReader makes the program of such a file, ours or Vela's.
type partsReader struct {
	m       *tflite.Model
	g       *graph.Graph
	p       *ethosu.Program
	offsets []int
	blobs   map[graph.TensorID]int // where the constants of an operator are
	n       notes
}

func programOfParts(m *tflite.Model) (*ethosu.Program, error) {
	r := &partsReader{m: m, g: m.Graph, blobs: map[graph.TensorID]int{}}
	if b := m.Find(metaNotes); b != nil {
		if err := unpackNotes(metaNotes, b, &r.n); err != nil {
			return nil, err
		}
		if len(r.n.Parts) != len(r.g.Ops) {
			return nil, fmt.Errorf("metadata %s describes %d operators, the file has %d", metaNotes, len(r.n.Parts), len(r.g.Ops))
		}
	}
	r.p = &ethosu.Program{Name: r.g.Name}
	if err := r.plan(); err != nil {
		return nil, err
	}
	streams, operators := 0, 0
	for i, op := range r.g.Ops {
		if a, ok := op.Attr.(graph.CustomAttr); ok && a.Code == "ethos-u" {
			streams++
			if err := r.stream(i, fmt.Sprintf("npu%d", streams)); err != nil {
				return nil, err
			}
			continue
		}
		operators++
		if err := r.operator(i, fmt.Sprintf("cpu%d", operators)); err != nil {
			return nil, err
		}
	}
	if r.n.System.Name != "" {
		r.p.Name, r.p.System, r.p.Mode, r.p.WeightsInSRAM = r.n.Name, r.n.System, r.n.Mode, r.n.InSRAM
	}
	var err error
	if r.p.Inputs, err = r.bindings(r.g.Inputs); err != nil {
		return nil, err
	}
	if r.p.Outputs, err = r.bindings(r.g.Outputs); err != nil {
		return nil, err
	}
	var variables []graph.TensorID
	for id, t := range r.g.Tensors {
		if t.Variable {
			variables = append(variables, graph.TensorID(id))
		}
	}
	if r.p.Variables, err = r.bindings(variables); err != nil {
		return nil, err
	}
	if len(r.n.Parts) > 0 { // they say which states there are, the file's names only may
		r.p.States = r.n.States
		for _, s := range r.n.States {
			if s.In < 0 || s.In >= len(r.p.Inputs) || s.Out < 0 || s.Out >= len(r.p.Outputs) {
				return nil, fmt.Errorf("metadata %s pairs input %d with output %d, which do not exist", metaNotes, s.In, s.Out)
			}
		}
		return r.p, r.p.CheckStages()
	}
	for _, s := range r.g.States {
		r.p.States = append(r.p.States, ethosu.StatePair{In: slices.Index(r.g.Inputs, s.In), Out: slices.Index(r.g.Outputs, s.Out)})
	}
	return r.p, r.p.CheckStages()
}

// plan finds the place of every value. Those that the file leaves to the runtime come
// behind all others.
func (r *partsReader) plan() error {
	offsets, err := offsetsOf(r.m)
	if err != nil {
		return err
	}
	r.offsets = make([]int, len(offsets))
	end := 0
	fast := map[graph.TensorID]bool{} // a memory of its own, or the scratch once more
	for _, op := range r.g.Ops {
		if a, ok := op.Attr.(graph.CustomAttr); ok && a.Code == "ethos-u" && len(op.Inputs) > 3 && op.Inputs[2] != op.Inputs[3] {
			fast[op.Inputs[3]] = true
		}
	}
	extent := func(id int) (int, error) {
		n := r.g.Tensors[id].Bytes()
		if n < 0 || n > mostArena {
			return 0, fmt.Errorf("tensor %q has %d bytes, expected at most %d", r.g.Tensors[id].Name, n, mostArena)
		}
		return n, nil
	}
	for id, off := range offsets {
		n, err := extent(id)
		if err != nil {
			return err
		}
		if r.offsets[id] = int(off); off >= 0 && !r.g.Tensors[id].IsConst() && !fast[graph.TensorID(id)] {
			end = max(end, int(off)+n)
		}
	}
	for id, off := range offsets {
		if t := r.g.Tensors[id]; off < 0 && !t.IsConst() {
			n, err := extent(id)
			if err != nil {
				return err
			}
			r.offsets[id] = align16(end)
			end = r.offsets[id] + n
		}
	}
	if end > mostArena {
		return fmt.Errorf("the arena has %d bytes, expected at most %d", end, mostArena)
	}
	r.p.ArenaSize = align16(end)
	return nil
}

// constantsAlign is where the constants of one stream begin behind those of another: at a
// cache line, as Arm's driver asks for.
const constantsAlign = 32

// mostArena bounds what a file can ask for.
const mostArena = 1 << 30

func (r *partsReader) bindings(ids []graph.TensorID) ([]ethosu.Binding, error) {
	var list []ethosu.Binding
	for _, id := range ids {
		if id == graph.None {
			return nil, fmt.Errorf("an operator lacks a value that it takes or makes")
		}
		t := r.g.Tensors[id]
		if t.IsConst() {
			return nil, fmt.Errorf("tensor %q is constant and passes between operators", t.Name)
		}
		list = append(list, ethosu.Binding{Name: t.Name, Type: t.Type, Shape: t.Shape, Quant: t.Quant, Region: ethosu.RegionArena, Offset: r.offsets[id], Size: t.Bytes()})
	}
	return list, nil
}

// stream adds the stage of an "ethos-u" operator.
func (r *partsReader) stream(i int, title string) error {
	op := r.g.Ops[i]
	one, err := programOf(r.m, op, nil, nil) // checks what the operator has
	if err != nil {
		return err
	}
	if r.p.Accel == nil {
		r.p.Accel, r.p.System, r.p.Mode = one.Accel, one.System, one.Mode
	} else if r.p.Accel != one.Accel {
		return fmt.Errorf("operators for %s and %s", r.p.Accel.Name, one.Accel.Name)
	}
	s := ethosu.Stage{Name: title, Times: 1, Commands: one.Stages[0].Commands}
	size := len(one.Constants)
	if len(r.n.Parts) > 0 {
		n := &r.n.Parts[i]
		s.Name, s.Map, s.Ops = n.Name, n.Map, n.Ops
		if n.Constants < 0 || n.Constants > size {
			return fmt.Errorf("metadata %s gives operator %d %d bytes of constants, it has %d", metaNotes, i, n.Constants, size)
		}
		size = n.Constants
	}
	at, ok := r.blobs[op.Inputs[1]]
	if !ok {
		r.p.Constants = append(r.p.Constants, make([]byte, (constantsAlign-len(r.p.Constants)%constantsAlign)%constantsAlign)...)
		at = len(r.p.Constants)
		r.blobs[op.Inputs[1]] = at
		r.p.Constants = append(r.p.Constants, one.Constants[:size]...)
	}
	window := func(region, offset, n int) {
		if n > 0 {
			s.Windows = append(s.Windows, ethosu.Window{Region: region, In: region, Offset: offset, Size: n})
		}
	}
	window(ethosu.RegionConstants, at, size)
	window(ethosu.RegionArena, r.offsets[op.Inputs[2]], one.ArenaSize)
	window(ethosu.RegionFast, 0, one.FastSize)
	r.p.FastSize = max(r.p.FastSize, one.FastSize)
	if s.Reads, err = r.bindings(op.Inputs[4:]); err != nil {
		return err
	}
	if s.Writes, err = r.bindings(op.Outputs); err != nil {
		return err
	}
	r.p.Stages = append(r.p.Stages, s)
	return nil
}

// operator adds the stage of any other one.
func (r *partsReader) operator(i int, title string) error {
	if op := r.g.Ops[i]; op.Kind == graph.AssignVariable {
		return r.assign(op, title)
	}
	alone, ids := r.g.Alone(i)
	o := &ethosu.CPUOp{Graph: alone}
	if len(r.n.Parts) > 0 {
		title, o.Why = r.n.Parts[i].Name, r.n.Parts[i].Why
	}
	var err error
	in := func(list []graph.TensorID) (out []graph.TensorID) {
		for _, id := range list {
			if id != graph.None {
				id = ids[id]
			}
			out = append(out, id)
		}
		return out
	}
	if o.Inputs, err = r.bindings(in(alone.Inputs)); err != nil {
		return err
	}
	if o.Outputs, err = r.bindings(in(alone.Outputs)); err != nil {
		return err
	}
	r.p.Stages = append(r.p.Stages, ethosu.Stage{Name: title, Times: 1, CPU: o})
	return nil
}

// assign adds the copy of a value to a variable.
func (r *partsReader) assign(op *graph.Op, title string) error {
	to, err := r.bindings(op.Inputs[:1])
	if err != nil {
		return err
	}
	from, err := r.bindings(op.Inputs[1:])
	if err != nil {
		return err
	}
	g := &graph.Graph{}
	for _, b := range []ethosu.Binding{from[0], to[0]} {
		g.Add(&graph.Tensor{Name: b.Name, Type: b.Type, Shape: b.Shape, Quant: b.Quant})
	}
	g.Inputs, g.Outputs = []graph.TensorID{0}, []graph.TensorID{1}
	g.Ops = []*graph.Op{{Kind: graph.Reshape, Version: 1, Attr: graph.ReshapeAttr{}, Inputs: g.Inputs, Outputs: g.Outputs}}
	r.p.Stages = append(r.p.Stages, ethosu.Stage{Name: title, Times: 1, CPU: &ethosu.CPUOp{Graph: g, Inputs: from, Outputs: to}})
	return nil
}
