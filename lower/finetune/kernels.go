// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// kernel is one operator, forward and back. backward adds to the gradients of
// the inputs.
type kernel struct{ forward, backward func(t *tape, op *graph.Op) }

// kernels is the table of operators that fine-tuning runs.
var kernels = graph.NewStage("fine-tuning", func(d *graph.Descriptor) (kernel, bool) {
	switch {
	case d.Moves != nil:
		return kernel{moved, movedBack}, true
	case d.Real != nil:
		return kernel{real, realBack}, true
	}
	return kernel{}, false
})

func init() {
	pass := func(d, y float32) float32 { return d }
	kernels.Set(kernel{fullyConnected, fullyConnectedBack}, graph.FullyConnected)
	kernels.Set(kernel{pairwise(func(a, b float32) float32 { return a + b }), pairwiseBack(func(d, _, _ float32) (float32, float32) { return d, d })}, graph.Add)
	kernels.Set(kernel{pairwise(func(a, b float32) float32 { return a - b }), pairwiseBack(func(d, _, _ float32) (float32, float32) { return d, -d })}, graph.Sub)
	kernels.Set(kernel{pairwise(func(a, b float32) float32 { return a * b }), pairwiseBack(func(d, a, b float32) (float32, float32) { return d * b, d * a })}, graph.Mul)
	kernels.Set(kernel{unary(elementwise.Sigmoid), unaryBack(func(d, y float32) float32 { return d * y * (1 - y) })}, graph.Logistic)
	kernels.Set(kernel{unary(elementwise.Tanh), unaryBack(func(d, y float32) float32 { return d * (1 - float32(y*y)) })}, graph.Tanh)
	kernels.Set(kernel{unary(relu), unaryBack(func(d, y float32) float32 {
		if y > 0 {
			return d
		}
		return 0
	})}, graph.Relu)
	kernels.Set(kernel{unary(func([]float32) {}), unaryBack(pass)}, graph.Reshape)
	kernels.Set(kernel{unary(func([]float32) {}), unaryBack(pass)}, graph.Quantize)
	kernels.Set(kernel{unary(func([]float32) {}), unaryBack(pass)}, graph.Dequantize)
	kernels.Set(kernel{func(*tape, *graph.Op) {}, nil}, graph.Softmax)
	kernels.Set(kernel{func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[1], splitAxis(t, op), false) }, func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[1], splitAxis(t, op), true) }}, graph.Split)
	kernels.Set(kernel{func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[0], splitAxis(t, op), false) }, func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[0], splitAxis(t, op), true) }}, graph.SplitV)
	kernels.Set(kernel{func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[0], op.Attr.(graph.UnpackAttr).Axis, false) }, func(t *tape, op *graph.Op) { t.parts(op, op.Inputs[0], op.Attr.(graph.UnpackAttr).Axis, true) }}, graph.Unpack)
	kernels.Set(kernel{func(t *tape, op *graph.Op) { t.join(op, op.Attr.(graph.PackAttr).Axis, false) }, func(t *tape, op *graph.Op) { t.join(op, op.Attr.(graph.PackAttr).Axis, true) }}, graph.Pack)
	kernels.Set(kernel{func(t *tape, op *graph.Op) { t.join(op, op.Attr.(graph.ConcatenationAttr).Axis, false) }, func(t *tape, op *graph.Op) { t.join(op, op.Attr.(graph.ConcatenationAttr).Axis, true) }}, graph.Concatenation)
	kernels.Otherwise("its gradient is not known here; lower without --distill")
}

func relu(v []float32) {
	for i, x := range v {
		if x < 0 {
			v[i] = 0
		}
	}
}

// fused clamps the output of an operator by its activation.
func (t *tape) fused(op *graph.Op) {
	var low, high float32
	switch op.Fused() {
	case graph.ActRelu:
		high = float32(math.Inf(1))
	case graph.ActReluN1To1:
		low, high = -1, 1
	case graph.ActRelu6:
		high = 6
	default:
		return
	}
	id := op.Outputs[0]
	for i, v := range t.values[id] {
		if v < low || v > high {
			t.values[id][i], t.dead[id][i] = min(max(v, low), high), true
		}
	}
}

// rowsOf returns the rows that a matrix of the given inner size takes from the
// whole batch.
func (t *tape) rowsOf(id graph.TensorID, inner int) int {
	return t.batch * t.p.g.Tensors[id].Elems() / inner
}

func fullyConnected(t *tape, op *graph.Op) {
	x, w, y := op.Inputs[0], t.p.consts[op.Inputs[1]], t.values[op.Outputs[0]]
	out, in := w.shape[0], w.shape[1]
	rows := t.rowsOf(x, in)
	gemm.BLAS{}.Sgemm(blas.NoTrans, blas.Trans, rows, out, in, 1, t.values[x], in, w.rounded, in, 0, y, out)
	if bias := optional(op, 2); bias != graph.None {
		b := t.p.consts[bias].rounded
		for r := range rows {
			for j, v := range b {
				y[r*out+j] += v
			}
		}
	}
	t.fused(op)
}

func fullyConnectedBack(t *tape, op *graph.Op) {
	x, w, dy := op.Inputs[0], t.p.consts[op.Inputs[1]], t.gradients[op.Outputs[0]]
	out, in := w.shape[0], w.shape[1]
	rows := t.rowsOf(x, in)
	gemm.BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, rows, in, out, 1, dy, out, w.rounded, in, 1, t.gradients[x], in)
	gemm.BLAS{}.Sgemm(blas.Trans, blas.NoTrans, out, in, rows, 1, dy, out, t.values[x], in, 1, t.constants[op.Inputs[1]], in)
	if bias := optional(op, 2); bias != graph.None {
		db := t.constants[bias]
		for r := range rows {
			for j := range db {
				db[j] += dy[r*out+j]
			}
		}
	}
}

func optional(op *graph.Op, i int) graph.TensorID {
	if i < len(op.Inputs) {
		return op.Inputs[i]
	}
	return graph.None
}

// pairwise applies f to two operands; the smaller one repeats.
func pairwise(f func(a, b float32) float32) func(*tape, *graph.Op) {
	return func(t *tape, op *graph.Op) {
		for s := range t.batch {
			a, b, y := t.value(op.Inputs[0], s), t.value(op.Inputs[1], s), t.value(op.Outputs[0], s)
			for i := range y {
				y[i] = f(a[i%len(a)], b[i%len(b)])
			}
		}
		t.fused(op)
	}
}

func pairwiseBack(f func(d, a, b float32) (da, db float32)) func(*tape, *graph.Op) {
	return func(t *tape, op *graph.Op) {
		for s := range t.batch {
			a, b, dy := t.value(op.Inputs[0], s), t.value(op.Inputs[1], s), t.slope(op.Outputs[0], s)
			da, db := t.slope(op.Inputs[0], s), t.slope(op.Inputs[1], s)
			for i, d := range dy {
				x, y := f(d, a[i%len(a)], b[i%len(b)])
				da[i%len(a)] += x
				db[i%len(b)] += y
			}
		}
	}
}

// unary applies f in place to a copy of the input.
func unary(f func([]float32)) func(*tape, *graph.Op) {
	return func(t *tape, op *graph.Op) {
		n := t.batch * t.p.g.Tensors[op.Outputs[0]].Elems()
		y := t.values[op.Outputs[0]][:n]
		copy(y, t.values[op.Inputs[0]])
		f(y)
	}
}

// unaryBack takes the derivative as a function of the output.
func unaryBack(f func(d, y float32) float32) func(*tape, *graph.Op) {
	return func(t *tape, op *graph.Op) {
		n := t.batch * t.p.g.Tensors[op.Outputs[0]].Elems()
		y, dy, dx := t.values[op.Outputs[0]], t.gradients[op.Outputs[0]], t.gradients[op.Inputs[0]]
		for i := range n {
			dx[i] += f(dy[i], y[i])
		}
	}
}
