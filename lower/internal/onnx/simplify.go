// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// simplify moves factors, summands and simple activations that follow a product
// with weights into it, and drops what no output needs.
func (c *converter) simplify() {
	s := &simplifier{converter: c, scaled: map[scaledKey]graph.TensorID{}}
	s.index()
	for i, op := range c.g.Ops {
		if s.fuse(op) {
			c.g.Ops[i] = nil
		}
	}
	kept := c.g.Ops[:0]
	for _, op := range c.g.Ops {
		if op != nil {
			kept = append(kept, op)
		}
	}
	c.g.Ops = kept
}

type simplifier struct {
	*converter
	producer map[graph.TensorID]*graph.Op
	readers  map[graph.TensorID]int // outputs of the graph count
	scaled   map[scaledKey]graph.TensorID
}

// scaledKey is a constant that a factor is moved into, once for all that share both.
type scaledKey struct{ weights, factor graph.TensorID }

func (s *simplifier) index() {
	s.producer, s.readers = map[graph.TensorID]*graph.Op{}, map[graph.TensorID]int{}
	for _, op := range s.g.Ops {
		for _, id := range op.Inputs {
			s.readers[id]++
		}
		for _, id := range op.Outputs {
			s.producer[id] = op
		}
	}
	for _, id := range s.g.Outputs {
		s.readers[id]++
	}
}

// linear returns the product with weights that alone makes id, and the operator
// that gives it its shape after it, if any.
func (s *simplifier) linear(id graph.TensorID) (op, view *graph.Op) {
	op = s.producer[id]
	if op != nil && op.Kind == graph.Reshape && s.readers[id] == 1 {
		in, out := s.shapeOf(op.Inputs[0]), s.shapeOf(id)
		if len(in) > 0 && len(out) > 0 && in[len(in)-1] == out[len(out)-1] {
			view, id = op, op.Inputs[0]
			op = s.producer[id]
		}
	}
	if op == nil || s.readers[id] != 1 {
		return nil, nil
	}
	switch op.Kind {
	case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D:
		if op.Fused() == graph.ActNone {
			return op, view
		}
	}
	return nil, nil
}

// fuse moves an operator into the product before it; true if it did.
func (s *simplifier) fuse(op *graph.Op) bool {
	act := map[graph.Kind]graph.Activation{graph.Relu: graph.ActRelu, graph.Relu6: graph.ActRelu6, graph.ReluN1To1: graph.ActReluN1To1}[op.Kind]
	out := op.Outputs[0]
	if act != graph.ActNone {
		lin, view := s.linear(op.Inputs[0])
		if lin == nil {
			return false
		}
		lin.Attr, _ = lin.WithFused(act)
		s.replace(lin, view, out)
		return true
	}
	if op.Kind != graph.Mul && op.Kind != graph.Add && op.Kind != graph.Sub {
		return false
	}
	x, k := op.Inputs[0], op.Inputs[1]
	if s.g.Tensors[x].IsConst() && op.Kind != graph.Sub {
		x, k = k, x
	}
	if !s.g.Tensors[k].IsConst() || s.g.Tensors[x].IsConst() || !sameShape(s.shapeOf(x), s.shapeOf(out)) {
		return false
	}
	lin, view := s.linear(x)
	if lin == nil {
		return false
	}
	shape := s.shapeOf(lin.Outputs[0])
	channels := shape[len(shape)-1]
	t := s.g.Tensors[k]
	if t.Elems() != 1 && (t.Elems() != channels || t.Shape[len(t.Shape)-1] != channels) {
		return false
	}
	if op.Kind == graph.Mul {
		lin.Inputs[1] = s.times(lin.Inputs[1], k, lin.Kind == graph.DepthwiseConv2D)
		if len(lin.Inputs) > 2 && lin.Inputs[2] != graph.None {
			lin.Inputs[2] = s.times(lin.Inputs[2], k, false)
		}
	} else {
		sign := float32(1)
		if op.Kind == graph.Sub {
			sign = -1
		}
		add, bias := s.constantOf(&value{id: k}), make([]float32, channels)
		for i := range bias {
			bias[i] = sign * add[i%len(add)]
		}
		for len(lin.Inputs) < 3 {
			lin.Inputs = append(lin.Inputs, graph.None)
		}
		if b := lin.Inputs[2]; b != graph.None {
			for i, v := range s.constantOf(&value{id: b}) {
				bias[i] += v
			}
		}
		lin.Inputs[2] = s.floats(s.g.Tensors[out].Name+"/bias", bias, channels)
	}
	s.replace(lin, view, out)
	return true
}

// replace makes the product, or its view, give out.
func (s *simplifier) replace(lin, view *graph.Op, out graph.TensorID) {
	if view != nil {
		lin = view
	}
	lin.Outputs[0] = out
	s.producer[out] = lin
}

// times multiplies the outputs of weights, their first dimension or their last.
func (s *simplifier) times(id, factor graph.TensorID, last bool) graph.TensorID {
	key := scaledKey{id, factor}
	if got, ok := s.scaled[key]; ok {
		return got
	}
	t := s.g.Tensors[id]
	k := s.constantOf(&value{id: factor})
	data := make([]byte, 0, len(t.Data))
	rows := t.Shape[0]
	for i, v := range s.constantOf(&value{id: id}) {
		at := i / (t.Elems() / rows)
		if last {
			at = i % t.Shape[len(t.Shape)-1]
		}
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v*k[at%len(k)]))
	}
	got := s.add(&graph.Tensor{Name: t.Name + "/scaled", Type: t.Type, Shape: t.Shape, Data: data})
	s.scaled[key] = got
	return got
}

// compact drops operators that no output needs, and tensors that none has. It
// returns the new id of every tensor.
func (b *builder) compact() []graph.TensorID {
	g := b.g
	needed := make([]bool, len(g.Tensors))
	for _, id := range g.Outputs {
		needed[id] = true
	}
	var ops []*graph.Op
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op, used := g.Ops[i], false
		for _, id := range op.Outputs {
			used = used || needed[id]
		}
		if !used {
			continue
		}
		ops = append(ops, op)
		for _, ids := range [][]graph.TensorID{op.Inputs, op.Outputs} {
			for _, id := range ids {
				if id != graph.None {
					needed[id] = true
				}
			}
		}
	}
	for _, id := range g.Inputs {
		needed[id] = true
	}
	next := make([]graph.TensorID, len(g.Tensors))
	var tensors []*graph.Tensor
	for id, t := range g.Tensors {
		if next[id] = graph.None; needed[id] {
			next[id] = graph.TensorID(len(tensors))
			tensors = append(tensors, t)
		}
	}
	move := func(ids []graph.TensorID) {
		for i, id := range ids {
			if id != graph.None {
				ids[i] = next[id]
			}
		}
	}
	g.Tensors, g.Ops = tensors, nil
	for i := len(ops) - 1; i >= 0; i-- {
		move(ops[i].Inputs)
		move(ops[i].Outputs)
		g.Ops = append(g.Ops, ops[i])
	}
	move(g.Inputs)
	move(g.Outputs)
	return next
}
