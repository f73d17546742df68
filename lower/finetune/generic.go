// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	choose := func(first func(a, b float32) bool) kernel {
		return kernel{
			pairwise(func(a, b float32) float32 {
				if first(a, b) {
					return a
				}
				return b
			}),
			pairwiseBack(func(d, a, b float32) (float32, float32) {
				if first(a, b) {
					return d, 0
				}
				return 0, d
			}),
		}
	}
	kernels.Set(choose(func(a, b float32) bool { return a >= b }), graph.Maximum)
	kernels.Set(choose(func(a, b float32) bool { return a <= b }), graph.Minimum)
	kernels.Set(kernel{pairwise(func(a, b float32) float32 { return a / b }), pairwiseBack(func(d, a, b float32) (float32, float32) { return d / b, -d * a / (b * b) })}, graph.Div)
	kernels.Set(kernel{pairwise(func(a, b float32) float32 { return (a - b) * (a - b) }), pairwiseBack(func(d, a, b float32) (float32, float32) { return 2 * d * (a - b), 2 * d * (b - a) })}, graph.SquaredDifference)
	kernels.Set(kernel{reduced, reducedBack}, graph.Mean, graph.Sum)
	kernels.Set(kernel{real, flat}, graph.Floor, graph.Ceil, graph.Round, graph.Sign)
}

// real applies an operator's function of one real number.
func real(t *tape, op *graph.Op) {
	f := graph.Describe(op.Kind).Real
	for s := range t.batch {
		x, y := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s)
		for i, v := range x {
			y[i] = float32(f(op, float64(v)))
		}
	}
}

// flat is the slope of a function that is level wherever it has one: nothing is learned
// through it.
func flat(*tape, *graph.Op) {}

// realBack takes the slope of the function from two values beside it.
func realBack(t *tape, op *graph.Op) {
	const h = 1e-4
	f := graph.Describe(op.Kind).Real
	for s := range t.batch {
		x, dx, dy := t.value(op.Inputs[0], s), t.slope(op.Inputs[0], s), t.slope(op.Outputs[0], s)
		for i, v := range x {
			if slope := (f(op, float64(v)+h) - f(op, float64(v)-h)) / (2 * h); slope == slope { // not beside an end of its domain
				dx[i] += float32(dy[i] * float32(slope))
			}
		}
	}
}

// moved copies the blocks of a movement.
func moved(t *tape, op *graph.Op) {
	for s := range t.batch {
		for _, id := range op.Outputs {
			clear(t.value(id, s))
		}
		t.blocks(op, s, func(in, out graph.TensorID, from, to int) { t.value(out, s)[to] = t.value(in, s)[from] })
	}
}

func movedBack(t *tape, op *graph.Op) {
	for s := range t.batch {
		t.blocks(op, s, func(in, out graph.TensorID, from, to int) { t.slope(in, s)[from] += t.slope(out, s)[to] })
	}
}

// blocks calls f for every element that a movement copies.
func (t *tape) blocks(op *graph.Op, s int, f func(in, out graph.TensorID, from, to int)) {
	moves, err := graph.Describe(op.Kind).Moves(t.p.g, op)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v of a valid graph: %v", op.Kind, err))
	}
	for _, m := range moves {
		if m.In == graph.Zero {
			continue
		}
		in, out := op.Inputs[m.In], op.Outputs[m.Out]
		index := make([]int, len(m.Shape))
		for range graph.Elems(m.Shape) {
			from, to := m.Src, m.Dst
			for d, i := range index {
				from += i * m.SrcStep[d]
				to += i * m.DstStep[d]
			}
			f(in, out, from, to)
			for d := len(index) - 1; d >= 0; d-- {
				if index[d]++; index[d] < m.Shape[d] {
					break
				}
				index[d] = 0
			}
		}
	}
}

// reduced sums or averages along dimensions.
func reduced(t *tape, op *graph.Op) {
	to, n := reduction(t, op)
	for s := range t.batch {
		x, y := t.value(op.Inputs[0], s), t.value(op.Outputs[0], s)
		clear(y)
		for i, v := range x {
			y[to[i]] += float32(v * n)
		}
	}
}

func reducedBack(t *tape, op *graph.Op) {
	to, n := reduction(t, op)
	for s := range t.batch {
		dx, dy := t.slope(op.Inputs[0], s), t.slope(op.Outputs[0], s)
		for i := range dx {
			dx[i] += float32(dy[to[i]] * n)
		}
	}
}

// reduction returns the output that every input element adds to, and with what factor.
func reduction(t *tape, op *graph.Op) (to []int, factor float32) {
	along, err := t.p.g.Reduced(op)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v of a valid graph: %v", op.Kind, err))
	}
	shape := t.p.g.Tensors[op.Inputs[0]].Shape
	steps, out := make([]int, len(shape)), 1
	for d := len(shape) - 1; d >= 0; d-- {
		if !along[d] {
			steps[d] = out
			out *= shape[d]
		}
	}
	to = make([]int, graph.Elems(shape))
	strides := graph.Strides(shape)
	for i := range to {
		for d, n := range shape {
			to[i] += i / strides[d] % n * steps[d]
		}
	}
	if factor = 1; op.Kind == graph.Mean {
		factor = float32(out) / float32(len(to))
	}
	return to, factor
}
