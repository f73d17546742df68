// SPDX-License-Identifier: Apache-2.0

package arrange

import "github.com/unroll-npu/unroll/lower/graph"

// widestCumsum is the longest dimension whose running sums are written as a product with
// a triangle of ones; its weights are the square of that.
const widestCumsum = 512

// sums writes ADD_N as ADD of two at a time, and CUMSUM as a product with a triangle of
// ones: the NPU has neither.
func (a *arranger) sums() {
	var ops []*graph.Op
	for _, op := range a.g.Ops {
		switch {
		case op.Kind == graph.AddN && len(op.Inputs) > 1:
			ops = append(ops, a.pairs(op)...)
		case op.Kind == graph.Cumsum:
			ops = append(ops, a.running(op)...)
		default:
			ops = append(ops, op)
		}
	}
	a.g.Ops = ops
}

func (a *arranger) pairs(op *graph.Op) []*graph.Op {
	r := a.rowed(op)
	sum := op.Inputs[0]
	for _, id := range op.Inputs[1 : len(op.Inputs)-1] {
		sum = r.op(graph.Add, graph.AddAttr{}, "part", r.shape, sum, id)
	}
	return append(r.ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{sum, op.Inputs[len(op.Inputs)-1]}, Outputs: op.Outputs})
}

func (a *arranger) running(op *graph.Op) []*graph.Op {
	attr := op.Attr.(graph.CumsumAttr)
	axis, err := a.g.Axis(op)
	r := a.rowed(op)
	if err != nil || r.shape[axis] > widestCumsum || r.shape[axis] < 1 {
		return []*graph.Op{op}
	}
	n, last := r.shape[axis], len(r.shape)-1
	triangle := make([]float32, n*n)
	for to := range n {
		for from := range n {
			before := from < to
			if attr.Reverse {
				before = from > to
			}
			if before || from == to && !attr.Exclusive {
				triangle[to*n+from] = 1
			}
		}
	}
	x, out := op.Inputs[0], op.Outputs[0]
	perm := make([]int, len(r.shape))
	turned := append([]int(nil), r.shape...)
	for d := range perm {
		perm[d] = d
	}
	perm[axis], perm[last] = last, axis
	turned[axis], turned[last] = r.shape[last], n
	product := graph.FullyConnectedAttr{KeepNumDims: true}
	weights := a.floats(r.name+"/triangle", triangle, n, n)
	if axis == last {
		return append(r.ops, &graph.Op{Kind: graph.FullyConnected, Attr: product, Inputs: []graph.TensorID{x, weights, graph.None}, Outputs: []graph.TensorID{out}})
	}
	order := a.ints(r.name+"/order", perm)
	x = r.op(graph.Transpose, nil, "turned", turned, x, order)
	y := r.op(graph.FullyConnected, product, "running", turned, x, weights, graph.None)
	return append(r.ops, &graph.Op{Kind: graph.Transpose, Inputs: []graph.TensorID{y, order}, Outputs: []graph.TensorID{out}})
}
