// SPDX-License-Identifier: Apache-2.0

package equalize

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Chain is a value whose channels can be scaled: one operator makes it, others weigh it.
type Chain struct {
	Value    graph.TensorID // what the operator gives; channels are its last dimension
	Channels int

	maker   *graph.Op
	readers []*graph.Op // behind operators that a factor passes through
}

// Chains returns the values of a float graph that can be scaled, in the order in which
// they are computed.
func Chains(g *graph.Graph) []*Chain {
	f := finder{g: g, readers: map[graph.TensorID][]*graph.Op{}, kept: map[graph.TensorID]bool{}, uses: map[graph.TensorID]int{}}
	for _, op := range g.Ops {
		for i, id := range op.Inputs {
			if id == graph.None {
				continue
			}
			f.uses[id]++
			if !slices.Contains(op.Inputs[:i], id) {
				f.readers[id] = append(f.readers[id], op)
			}
		}
	}
	for _, id := range g.Outputs {
		f.kept[id] = true
	}
	var list []*Chain
	for _, op := range g.Ops {
		if !f.linear(op) || !homogeneous(op.Fused()) {
			continue
		}
		y := g.Tensors[op.Outputs[0]]
		c := &Chain{Value: op.Outputs[0], Channels: y.Shape[len(y.Shape)-1], maker: op}
		if c.Channels > 1 && f.follow(c, c.Value) && len(c.readers) > 0 {
			list = append(list, c)
		}
	}
	return list
}

type finder struct {
	g       *graph.Graph
	readers map[graph.TensorID][]*graph.Op
	kept    map[graph.TensorID]bool // an output of the graph, a state perhaps
	uses    map[graph.TensorID]int  // how many operators read a tensor
}

// linear reports whether an operator multiplies by float constants that nobody else reads.
func (f *finder) linear(op *graph.Op) bool {
	switch op.Kind {
	case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D:
	default:
		return false
	}
	for i, id := range op.Inputs[1:] {
		if id == graph.None && i > 0 {
			continue
		}
		t := f.g.Tensors[id]
		if !t.IsConst() || t.Type != graph.Float32 || f.uses[id] > 1 {
			return false
		}
	}
	return true
}

// follow adds to a chain whatever reads a value of it. It reports false where a factor
// would not come to an end.
func (f *finder) follow(c *Chain, id graph.TensorID) bool {
	if f.kept[id] {
		return false
	}
	for _, op := range f.readers[id] {
		switch {
		case f.linear(op) && op.Inputs[0] == id && f.weighs(op, c.Channels):
			c.readers = append(c.readers, op)
		case f.passes(op, c.Channels):
			if !f.follow(c, op.Outputs[0]) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// weighs reports whether an operator has weights for every channel of its input by itself.
func (f *finder) weighs(op *graph.Op, channels int) bool {
	w := f.g.Tensors[op.Inputs[1]]
	return w.Shape[len(w.Shape)-1] == channels // [out,in], [out,h,w,in]; [1,h,w,in] with one output for each
}

// passes reports whether an operator gives its input's channels, each times a factor when
// the input is.
func (f *finder) passes(op *graph.Op, channels int) bool {
	y := f.g.Tensors[op.Outputs[0]].Shape
	if len(op.Outputs) != 1 || len(y) == 0 || y[len(y)-1] != channels {
		return false
	}
	switch op.Kind {
	case graph.Relu, graph.LeakyRelu, graph.Reshape:
		return true
	case graph.PRelu:
		return f.g.Tensors[op.Inputs[1]].IsConst()
	case graph.Mean:
		over, err := f.g.Reduced(op)
		return err == nil && !over[len(over)-1]
	case graph.MaxPool2D, graph.AveragePool2D:
		return homogeneous(op.Fused())
	case graph.Pad:
		return len(op.Inputs) == 2 // zeros
	}
	return false
}

// homogeneous reports whether an activation of a multiple is the multiple of it.
func homogeneous(a graph.Activation) bool { return a == graph.ActNone || a == graph.ActRelu }
