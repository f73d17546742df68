// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// value adds an operator, or computes it where all that it reads is known. shape says what
// the kind does not; nil asks the kind.
func (b *block) value(k graph.Kind, attr any, name string, shape []int, in ...graph.TensorID) graph.TensorID {
	id := b.add(&graph.Tensor{Name: b.name() + name, Type: graph.Float32, Shape: append([]int{}, shape...)})
	if b.ids != nil {
		b.roles[id] = b.role + strings.TrimPrefix(b.name(), b.pre) + name
	}
	op := &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{id}}
	shapes, err := b.out.InferShapes(op)
	if err != nil {
		b.refuse("as %v: %w", k, err)
	}
	b.out.Tensors[op.Outputs[0]].Shape = append([]int{}, shapes[0]...)
	b.emit(op)
	return op.Outputs[0]
}

// end adds the operator that makes the output.
func (b *block) end(k graph.Kind, attr any, in ...graph.TensorID) {
	op := &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: b.made[:1]}
	b.shaped(op)
	b.emit(op)
}

// emit appends an operator, or computes it where all that it reads is known.
func (b *block) emit(op *graph.Op) {
	known := true
	for _, id := range op.Inputs {
		known = known && (id == graph.None || b.out.Tensors[id].IsConst())
	}
	if !known {
		b.out.Ops = append(b.out.Ops, op)
		return
	}
	small := &graph.Graph{Name: "constants"}
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	for _, id := range op.Inputs {
		if id == graph.None {
			next.Inputs = append(next.Inputs, id)
			continue
		}
		next.Inputs = append(next.Inputs, small.Add(b.out.Tensors[id]))
	}
	for _, id := range op.Outputs {
		t := *b.out.Tensors[id]
		t.Type = graph.Float32
		if _, err := t.CheckSize(); err != nil {
			b.refuse("%v", err)
		}
		next.Outputs = append(next.Outputs, small.Add(&t))
	}
	small.Ops, small.Outputs = []*graph.Op{next}, next.Outputs
	if err := small.CheckOp(next); err != nil {
		b.refuse("%v", err)
	}
	exec, err := floatexec.New(small)
	if err != nil {
		b.refuse("%v", err)
	}
	views, err := exec.Runner().Run(1, nil)
	if err != nil {
		b.refuse("%v", err)
	}
	for i, id := range op.Outputs {
		raw := []byte{}
		for _, x := range views[i].Row(0) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		t := b.out.Tensors[id]
		t.Type, t.Data = graph.Float32, raw
	}
}

// shaped gives the outputs of an operator of a subgraph their shapes, which files leave
// open there.
func (b *block) shaped(op *graph.Op) {
	if b.ids == nil {
		return
	}
	switch op.Kind {
	case graph.Reshape:
		b.reshaped(op)
	case graph.SplitV:
		b.splits(op)
	case graph.FullyConnected:
		x, w := b.shape(op.Inputs[0]), b.shape(op.Inputs[1])
		if a := op.Attr.(graph.FullyConnectedAttr); len(w) == 2 && len(x) > 0 {
			shape := append(append([]int{}, x[:len(x)-1]...), w[0])
			if !a.KeepNumDims && w[1] > 0 {
				shape = []int{graph.Elems(x) / w[1], w[0]}
			}
			b.out.Tensors[op.Outputs[0]].Shape = shape
		}
	}
	shapes, err := b.out.InferShapes(op)
	if err != nil {
		b.refuse("%v", err)
	}
	for i, id := range op.Outputs {
		b.out.Tensors[id].Shape = append([]int{}, shapes[i]...)
	}
}

// reshaped is the shape that a RESHAPE asks for.
func (b *block) reshaped(op *graph.Op) {
	want := append([]int{}, op.Attr.(graph.ReshapeAttr).NewShape...)
	if len(op.Inputs) > 1 {
		v, err := b.out.Tensors[op.Inputs[1]].Ints()
		if err != nil {
			b.refuse("%v", err)
		}
		want = append([]int{}, v...)
	}
	known, open := 1, -1
	for i, d := range want {
		if d < 0 {
			open = i
			continue
		}
		known *= d
	}
	if n := graph.Elems(b.shape(op.Inputs[0])); open >= 0 && known > 0 {
		want[open] = n / known
	}
	b.out.Tensors[op.Outputs[0]].Shape = want
}

// splits are the shapes that a SPLIT_V asks for.
func (b *block) splits(op *graph.Op) {
	sizes, err := b.out.Tensors[op.Inputs[1]].Ints()
	axis, err2 := b.out.Axis(op)
	if err != nil || err2 != nil || len(sizes) != len(op.Outputs) {
		b.refuse("%v", errors.Join(err, err2))
	}
	left := b.shape(op.Inputs[0])[axis]
	for _, n := range sizes {
		left -= max(n, 0)
	}
	for i, id := range op.Outputs {
		s := append([]int{}, b.shape(op.Inputs[0])...)
		if s[axis] = sizes[i]; sizes[i] < 0 {
			s[axis] = left
		}
		b.out.Tensors[id].Shape = s
	}
}
