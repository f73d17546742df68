// SPDX-License-Identifier: Apache-2.0

package arrange

import "github.com/unroll-npu/unroll/lower/graph"

// rows writes operators that normalize the rows of the last dimension, and that the NPU
// has not, as operators that it has: LOG_SOFTMAX is d - log Σ exp d with d = x - max x,
// L2_NORMALIZATION is x·rsqrt(Σ x²).
func (a *arranger) rows() {
	var ops []*graph.Op
	for _, op := range a.g.Ops {
		switch op.Kind {
		case graph.LogSoftmax:
			ops = append(ops, a.logSoftmax(op)...)
		case graph.L2Normalization:
			ops = append(ops, a.unitRows(op)...)
		default:
			ops = append(ops, op)
		}
	}
	a.g.Ops = ops
}

// rowed writes operators on the rows of one tensor.
type rowed struct {
	a          *arranger
	ops        []*graph.Op
	name, role string
	shape, one []int // of the tensor, and with one value a row
	last       graph.TensorID
}

func (a *arranger) rowed(op *graph.Op) *rowed {
	shape := a.g.Tensors[op.Inputs[0]].Shape
	one := append([]int(nil), shape...)
	one[len(one)-1] = 1
	r := &rowed{a: a, name: a.g.Tensors[op.Outputs[0]].Name, shape: shape, one: one}
	r.role = r.name
	if a.role != nil && a.role[op.Outputs[0]] != "" {
		r.role = a.role[op.Outputs[0]]
	}
	r.last = a.ints(r.name+"/last", []int{len(shape) - 1})
	return r
}

// op appends an operator whose result has a role beside that of the whole.
func (r *rowed) op(k graph.Kind, attr any, what string, shape []int, in ...graph.TensorID) graph.TensorID {
	id := r.a.value(r.name+"/"+what, shape...)
	if r.a.role != nil {
		r.a.role[id] = r.role + "/" + what
	}
	r.ops = append(r.ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{id}})
	return id
}

func (r *rowed) reduced(k graph.Kind, what string, x graph.TensorID) graph.TensorID {
	return r.op(k, graph.ReducerAttr{KeepDims: true}, what, r.one, x, r.last)
}

func (a *arranger) logSoftmax(op *graph.Op) []*graph.Op {
	r := a.rowed(op)
	x := op.Inputs[0]
	d := r.op(graph.Sub, graph.SubAttr{}, "below", r.shape, x, r.reduced(graph.ReduceMax, "most", x))
	sum := r.reduced(graph.Sum, "sum", r.op(graph.Exp, nil, "exp", r.shape, d))
	log := r.op(graph.Log, nil, "log", r.one, sum)
	return append(r.ops, &graph.Op{Kind: graph.Sub, Attr: graph.SubAttr{}, Inputs: []graph.TensorID{d, log}, Outputs: op.Outputs})
}

func (a *arranger) unitRows(op *graph.Op) []*graph.Op {
	r := a.rowed(op)
	x := op.Inputs[0]
	// Rows of nothing stay nothing: the kernel takes 1e-6 for the smallest length.
	sum := r.reduced(graph.Sum, "sum", r.op(graph.Mul, graph.MulAttr{}, "squares", r.shape, x, x))
	least := r.op(graph.Maximum, nil, "length2", r.one, sum, a.floats(r.name+"/least", []float32{1e-12}))
	inverse := r.op(graph.Rsqrt, nil, "inverse", r.one, least)
	out := &graph.Op{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{x, inverse}, Outputs: op.Outputs}
	if attr, ok := op.Attr.(graph.L2NormAttr); ok {
		out.Attr = graph.MulAttr(attr) // both have an activation and nothing else
	}
	return append(r.ops, out)
}
