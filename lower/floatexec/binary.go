// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// binaryRows are the functions of two values, a row at a time.
var binaryRows = map[graph.Kind]func(y, a, b []float32){
	graph.Add: addRow, graph.Sub: subRow, graph.Mul: mulRow,
	graph.Minimum: rowOf(func(a, b float32) float32 { return min(a, b) }),
	graph.Maximum: rowOf(func(a, b float32) float32 { return max(a, b) }),
	graph.Div:     rowOf(func(a, b float32) float32 { return a / b }),
	graph.Pow:     rowOf(func(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }),
	graph.SquaredDifference: rowOf(func(a, b float32) float32 {
		d := a - b
		return d * d
	}),
	graph.PRelu: rowOf(func(a, b float32) float32 {
		if a < 0 {
			return a * b
		}
		return a
	}),
}

func rowOf(f func(a, b float32) float32) func(y, a, b []float32) {
	return func(y, a, b []float32) {
		a, b = a[:len(y)], b[:len(y)]
		for i := range y {
			y[i] = f(a[i], b[i])
		}
	}
}

// planBinary broadcasts by NumPy's rule.
func (e *Exec) planBinary(op *graph.Op) (kernel, error) {
	f, act := binaryRows[op.Kind], op.Fused()
	lo, hi, err := clampOf(act)
	if err != nil {
		return nil, err
	}
	ida, idb, out := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	n := e.g.Tensors[out].Elems()
	var maps [2][]int // offsets of the operand's elements, where it is not as large as the output
	for i, id := range []graph.TensorID{ida, idb} {
		if maps[i], err = spread(e.shape(id), e.shape(out)); err != nil {
			return nil, err
		}
	}
	return func(r *Runner, batch int) error {
		a, b, y := r.views[ida], r.views[idb], r.alloc(out, batch)
		var wide [2][]float32
		for i := range wide {
			if maps[i] != nil {
				wide[i] = make([]float32, n)
			}
		}
		for s := range batch {
			f(y.Row(s), widen(a.Row(s), wide[0], maps[0], s > 0 && a.Stride == 0), widen(b.Row(s), wide[1], maps[1], s > 0 && b.Stride == 0))
		}
		if act != graph.ActNone {
			clamp(y.Data, lo, hi)
		}
		return nil
	}, nil
}

// spread returns, for every element of a shape, the offset in an operand that is
// repeated along it; nil where both are the same.
func spread(own, shape []int) ([]int, error) {
	n := graph.Elems(shape)
	if graph.Elems(own) == n {
		return nil, nil
	}
	if s, err := graph.Broadcast(own, shape); err != nil || graph.Elems(s) != n {
		return nil, fmt.Errorf("operand %v does not fit output %v", own, shape)
	}
	step := make([]int, len(shape))
	for i, s := range graph.Strides(own) {
		if own[i] != 1 {
			step[len(shape)-len(own)+i] = s
		}
	}
	out, index := make([]int, n), make([]int, len(shape))
	for at := range out {
		for d, i := range index {
			out[at] += i * step[d]
		}
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out, nil
}

// widen repeats the elements of a row over wide, if that is given and not done.
func widen(row, wide []float32, from []int, done bool) []float32 {
	if wide == nil {
		return row
	}
	if !done {
		for i, at := range from {
			wide[i] = row[at]
		}
	}
	return wide
}
