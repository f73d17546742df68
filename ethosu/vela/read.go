// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// IsCompiled reports whether a graph holds an "ethos-u" custom operator.
func IsCompiled(g *graph.Graph) bool {
	for _, op := range g.Ops {
		if a, ok := op.Attr.(graph.CustomAttr); ok && a.Code == "ethos-u" {
			return true
		}
	}
	return false
}

// File is a compiled .tflite, ours or Vela's: streams for the NPU, and maybe operators
// that the CPU runs between them.
type File struct {
	Graph    *graph.Graph
	Programs []*ethosu.Program // of the "ethos-u" operators, in order
	CPUOps   int
}

// Open reads a compiled .tflite. name says in errors where data came from. Files of Vela
// do not name the memories that they were compiled for: System is then the default of the
// accelerator, and Mode one with the file's memories (modeOf).
func Open(name string, data []byte) (*File, error) {
	m, err := tflite.ReadModel(name, data)
	if err != nil {
		return nil, err
	}
	f, err := fileOf(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", name, err)
	}
	return f, nil
}

// Read returns the program of a compiled .tflite, the operators that the CPU runs
// included.
func Read(name string, data []byte) (*ethosu.Program, error) {
	m, err := tflite.ReadModel(name, data)
	if err != nil {
		return nil, err
	}
	f, err := fileOf(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", name, err)
	}
	if f.CPUOps == 0 && len(f.Programs) == 1 {
		return f.Programs[0], nil
	}
	p, err := programOfParts(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", name, err)
	}
	return p, nil
}

func fileOf(m *tflite.Model) (*File, error) {
	f := &File{Graph: m.Graph}
	if !IsCompiled(f.Graph) {
		return nil, fmt.Errorf("holds no \"ethos-u\" operator: compile it first")
	}
	alone := len(f.Graph.Ops) == 1
	for _, op := range f.Graph.Ops {
		if a, ok := op.Attr.(graph.CustomAttr); !ok || a.Code != "ethos-u" {
			f.CPUOps++
			continue
		}
		inputs, outputs := f.Graph.Inputs, f.Graph.Outputs
		if !alone {
			inputs, outputs = nil, op.Outputs
			for _, id := range op.Inputs[min(4, len(op.Inputs)):] {
				if id != graph.None && !f.Graph.Tensors[id].Variable {
					inputs = append(inputs, id)
				}
			}
		}
		p, err := programOf(m, op, inputs, outputs)
		if err != nil {
			return nil, err
		}
		f.Programs = append(f.Programs, p)
	}
	return f, nil
}

// Of reports why the file cannot be a compilation of a graph: other inputs or outputs.
func (f *File) Of(g *graph.Graph) error {
	for _, side := range []struct {
		what       string
		file, want []graph.TensorID
	}{{"input", f.Graph.Inputs, g.Inputs}, {"output", f.Graph.Outputs, g.Outputs}} {
		if len(side.file) != len(side.want) {
			return fmt.Errorf("it has %d %ss, the model %d", len(side.file), side.what, len(side.want))
		}
		for i, id := range side.file {
			a, b := f.Graph.Tensors[id], g.Tensors[side.want[i]]
			if a.Type != b.Type || !slices.Equal(a.Shape, b.Shape) || !reflect.DeepEqual(a.Quant, b.Quant) {
				return fmt.Errorf("its %s %d, %q, is %v %v, that of the model, %q, %v %v, or of another quantization", side.what, i, a.Name, a.Type, a.Shape, b.Name, b.Type, b.Shape)
			}
		}
	}
	return nil
}

// programOf returns the program of one operator, given which tensors pass in and out.
func programOf(m *tflite.Model, op *graph.Op, inputs, outputs []graph.TensorID) (*ethosu.Program, error) {
	g := m.Graph
	if len(op.Inputs) < 4 {
		return nil, fmt.Errorf("the \"ethos-u\" operator has %d inputs, expected at least 4", len(op.Inputs))
	}
	for _, id := range op.Inputs {
		if id == graph.None {
			return nil, fmt.Errorf("the \"ethos-u\" operator lacks an input")
		}
	}
	payload, err := isa.ParsePayload(g.Tensors[op.Inputs[0]].Data)
	if err != nil {
		return nil, err
	}
	accel, err := ethosu.AcceleratorOf(payload.Config)
	if err != nil {
		return nil, err
	}
	offsets, err := offsetsOf(m)
	if err != nil {
		return nil, err
	}
	scratch, fast := op.Inputs[2], op.Inputs[3]
	p := &ethosu.Program{Name: g.Name, Accel: accel, System: ethosu.DefaultSystemConfig(accel), Mode: ethosu.DefaultMemoryMode(),
		Constants: padded(g.Tensors[op.Inputs[1]].Data), ArenaSize: align16(g.Tensors[scratch].Elems())}
	// Without a fast scratch Vela 5.1 passes the scratch twice, and 3.10 another tensor of its
	// offset and size; but a real one can have those, too, and is then told by its use.
	if fast != scratch && (offsets[fast] != offsets[scratch] || g.Tensors[fast].Elems() != g.Tensors[scratch].Elems() || usesFast(accel, payload.Words)) {
		p.FastSize = align16(g.Tensors[fast].Elems())
		p.Mode = modeOf(p)
	}
	in, out := map[graph.TensorID]int{}, map[graph.TensorID]int{}
	planned, beside := p.ArenaSize, map[graph.TensorID]int{}
	bind := func(ids []graph.TensorID, index map[graph.TensorID]int) ([]ethosu.Binding, error) {
		var list []ethosu.Binding
		for i, id := range ids {
			t := g.Tensors[id]
			off := int(offsets[id]) - int(offsets[scratch])
			if offsets[id] < 0 && !slices.Contains(op.Inputs, id) && !slices.Contains(op.Outputs, id) {
				// The operator does not touch it: the runtime puts it anywhere.
				at, placed := beside[id]
				if !placed {
					at, beside[id] = p.ArenaSize, p.ArenaSize
					p.ArenaSize = align16(at + t.Bytes())
				}
				index[id] = i
				list = append(list, ethosu.Binding{Name: t.Name, Type: t.Type, Shape: t.Shape, Quant: t.Quant, Region: ethosu.RegionArena, Offset: at, Size: t.Bytes()})
				continue
			}
			if offsets[id] < 0 || off < 0 || off+t.Bytes() > planned {
				return nil, fmt.Errorf("tensor %q at offset %d with %d bytes is outside the arena of %d", t.Name, off, t.Bytes(), planned)
			}
			index[id] = i
			list = append(list, ethosu.Binding{Name: t.Name, Type: t.Type, Shape: t.Shape, Quant: t.Quant, Region: ethosu.RegionArena, Offset: off, Size: t.Bytes()})
		}
		return list, nil
	}
	if p.Inputs, err = bind(inputs, in); err != nil {
		return nil, err
	}
	if p.Outputs, err = bind(outputs, out); err != nil {
		return nil, err
	}
	// Vela passes the variable tensors of a network as inputs of the operator.
	var variables []graph.TensorID
	for _, id := range op.Inputs[4:] {
		if g.Tensors[id].Variable {
			variables = append(variables, id)
		}
	}
	if p.Variables, err = bind(variables, map[graph.TensorID]int{}); err != nil {
		return nil, err
	}
	for _, s := range g.States {
		i, has := in[s.In]
		o, leaves := out[s.Out]
		if has && leaves {
			p.States = append(p.States, ethosu.StatePair{In: i, Out: o})
		}
	}
	var n notes
	if b := m.Find(metaNotes); b != nil && len(g.Ops) == 1 {
		if err := unpackNotes(metaNotes, b, &n); err != nil {
			return nil, err
		}
		p.Name, p.System, p.Mode, p.Variables = n.Name, n.System, n.Mode, n.Variables
		p.WeightsInSRAM = n.InSRAM
		for _, s := range n.States {
			if s.In < 0 || s.In >= len(p.Inputs) || s.Out < 0 || s.Out >= len(p.Outputs) {
				return nil, fmt.Errorf("metadata %s pairs input %d with output %d, which do not exist", metaNotes, s.In, s.Out)
			}
		}
		p.States = n.States
		for _, v := range n.Variables {
			if v.Offset < 0 || v.Size < 0 || v.Offset+v.Size > p.ArenaSize+p.FastSize {
				return nil, fmt.Errorf("metadata %s places variable %q outside memory", metaNotes, v.Name)
			}
		}
	}
	p.Stages = []ethosu.Stage{p.Whole(payload.Words, n.Map, n.Ops)}
	if b := m.Find(metaSequence); b != nil {
		var n stepNotes
		if err := unpackNotes(metaSequence, b, &n); err != nil {
			return nil, err
		}
		return n.program(p)
	}
	return p, nil
}

// usesFast reports whether a stream has anything in the region of the fast scratch.
func usesFast(a *ethosu.Accelerator, words []uint32) bool {
	uses := false
	at := func(spans ...isa.Span) {
		for _, s := range spans {
			uses = uses || s.Region == ethosu.RegionFast && s.End > s.Start
		}
	}
	_ = a.Product.Walk(words, func(o *isa.Operation) error { // what cannot be read is said when it is run
		switch {
		case a.Product == isa.U85 && o.IsDMA():
			d := o.DMAU85()
			uses = uses || !d.SrcInternal && d.SrcRegion == ethosu.RegionFast || !d.DstInternal && d.DstRegion == ethosu.RegionFast
		case a.Product == isa.U85 && o.IsBlock():
			k := o.KernelU85()
			written := k.Written()
			at(append(k.IFM.Spans(), written.Spans()...)...)
			if k.HasIFM2() {
				at(k.IFM2.Spans()...)
			}
			at(append(k.Weights[:], k.Records)...)
		case o.IsDMA():
			d := o.DMA()
			uses = uses || !d.SrcInternal && d.SrcRegion == ethosu.RegionFast || !d.DstInternal && d.DstRegion == ethosu.RegionFast
		case o.IsBlock():
			ifm, ofm := o.IFM(), o.OFM()
			at(append(ifm.Spans(), ofm.Spans()...)...)
			if o.HasIFM2() {
				ifm2 := o.IFM2()
				at(ifm2.Spans()...)
			}
			if o.HasWeights() {
				at(o.Weights(0), o.Scales(0), o.Weights(1), o.Scales(1))
			}
		}
		return nil
	})
	return uses
}

// modeOf returns the memory mode of a program whose fast scratch is apart from the arena:
// the smallest of Vela's that has one and takes it. Where the accelerator cannot have such
// a mode, or none is large enough, the mode stays what it was.
func modeOf(p *ethosu.Program) ethosu.MemoryMode {
	for _, m := range ethosu.MemoryModes {
		if m.Spills() && p.FastSize <= m.CacheSize && ethosu.CheckMemory(p.Accel, p.System, m) == nil {
			return m
		}
	}
	return p.Mode
}

// offsetsOf returns the planned arena offset of every tensor, -1 of those that the runtime
// places. The metadata lists the tensors of all subgraphs, one subgraph after the other, and
// the first one's come first; a runtime that has one subgraph's looks no further.
func offsetsOf(m *tflite.Model) ([]int32, error) {
	if len(m.Tensors) == 0 || len(m.Numbers) != len(m.Graph.Tensors) {
		return nil, fmt.Errorf("the tensors have no numbers to find them by in metadata %s; read the model from a file", metaOffsets)
	}
	b, n, all := m.Find(metaOffsets), m.Tensors[0], 0
	for _, k := range m.Tensors {
		all += k
	}
	if len(b) < 12 {
		return nil, fmt.Errorf("metadata %s has %d bytes, expected at least 12", metaOffsets, len(b))
	}
	c := int(binary.LittleEndian.Uint32(b[8:]))
	switch {
	case c != n && c != all && n != all:
		return nil, fmt.Errorf("metadata %s plans %d tensors, expected the %d of the first subgraph or the %d of all %d", metaOffsets, c, n, all, len(m.Tensors))
	case c != n && c != all:
		return nil, fmt.Errorf("metadata %s plans %d tensors, the model has %d", metaOffsets, c, n)
	case len(b) < 12+4*c:
		return nil, fmt.Errorf("metadata %s has %d bytes, expected %d for %d tensors", metaOffsets, len(b), 12+4*c, c)
	}
	offsets := make([]int32, len(m.Numbers))
	for i, number := range m.Numbers {
		if offsets[i] = -1; number >= 0 {
			offsets[i] = int32(binary.LittleEndian.Uint32(b[12+4*number:]))
		}
	}
	return offsets, nil
}

func align16(n int) int { return (n + 15) &^ 15 }

func padded(b []byte) []byte {
	return append(b[:len(b):len(b)], make([]byte, align16(len(b))-len(b))...)
}
