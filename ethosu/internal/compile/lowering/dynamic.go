// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// Products of two computed matrices, which the MAC array cannot do: its weights are
// compressed at compile time.

// dynamicFullyConnected lowers a FULLY_CONNECTED whose weights are computed: for each
// row of the input the sums with all rows of the weights.
func (l *lowering) dynamicFullyConnected(gop *graph.Op, q quant.MAC, bias graph.TensorID) error {
	wt := l.g.Tensors[gop.Inputs[1]]
	if l.g.Tensors[gop.Inputs[0]].Type != graph.Int8 {
		return fmt.Errorf("weights %q are computed and the values int16: the sums need more than 32 bits; use int8", wt.Name)
	}
	for _, m := range q.Mult {
		if m != q.Mult[0] {
			return fmt.Errorf("weights %q are computed and have a scale for each channel, expected one", wt.Name)
		}
	}
	outputs, inputs := wt.Shape[0], wt.Shape[1]
	x, err := l.rows(gop.Inputs[0], inputs)
	if err != nil {
		return err
	}
	w, err := l.rows(gop.Inputs[1], inputs)
	if err != nil {
		return err
	}
	out := l.out(gop.Outputs[0])
	dst, ok := out.reshape([]int{x.shape[0], outputs})
	if !ok {
		return fmt.Errorf("output of shape %v has no rows of %d", out.shape, outputs)
	}
	s := &sums{l: l, name: out.name, rows: outputs, terms: inputs}
	if s.bias, err = l.bias(bias, outputs); err != nil {
		return err
	}
	if x.shape[0] > mostCopies {
		return fmt.Errorf("weights %q are computed, for %d rows, more than %d", wt.Name, x.shape[0], mostCopies)
	}
	for r := range x.shape[0] {
		if err := s.emit(operand{v: w}, operand{v: x.cut(0, r, 1, 1), zp: int(q.In)}, q.Mult[0], dst.cut(0, r, 1, 1).drop(0), int(q.Out), int(q.Lo), int(q.Hi)); err != nil {
			return err
		}
	}
	return nil
}

// dynamicMatMul lowers a BATCH_MATMUL of two computed operands: sums for each row of
// the result, or for each column where these are fewer.
func (l *lowering) dynamicMatMul(gop *graph.Op, q quant.MatMul) error {
	a := gop.Attr.(graph.BatchMatMulAttr)
	out := l.out(gop.Outputs[0])
	if out.dt != graph.Int8 {
		return fmt.Errorf("both operands are computed, of %v: the sums need more than 32 bits; use int8, or make one constant", out.dt)
	}
	x, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	y, err := l.in(gop.Inputs[1])
	if err != nil {
		return err
	}
	if a.AdjX {
		x = x.swapped()
	}
	if !a.AdjY { // columns of y lie together
		y = y.swapped()
	}
	if x, err = l.dense(x); err != nil {
		return err
	}
	if y, err = l.dense(y); err != nil {
		return err
	}
	zpX, zpY := int(q.A), int(q.B)
	rank := len(out.shape)
	batch := out.shape[:rank-2]
	rows, cols, inner := out.shape[rank-2], out.shape[rank-1], x.shape[len(x.shape)-1]
	if rows > cols {
		x, y, zpX, zpY, rows, cols, out = y, x, zpY, zpX, cols, rows, out.swapped()
	}
	if n := graph.Elems(batch) * rows; n > mostCopies {
		return fmt.Errorf("both operands are computed, of %d rows in all, more than %d", n, mostCopies)
	}
	s := &sums{l: l, name: out.name, rows: cols, terms: inner}
	for b := range graph.Elems(batch) {
		at, vx, vy, to := b, x, y, out
		for d := len(batch) - 1; d >= 0; d-- {
			i := at % batch[d]
			at /= batch[d]
			to = to.cut(d, i, 1, 1)
			vx, vy = vx.entry(d-(rank-len(vx.shape)), i), vy.entry(d-(rank-len(vy.shape)), i)
		}
		vx, _ = vx.reshape([]int{rows, inner})
		vy, _ = vy.reshape([]int{cols, inner})
		for len(to.shape) > 2 {
			to = to.drop(0)
		}
		for r := range rows {
			if err := s.emit(operand{v: vy, zp: zpY}, operand{v: vx.cut(0, r, 1, 1), zp: zpX}, q.Mult, to.cut(0, r, 1, 1).drop(0), int(q.Out), int(q.Lo), int(q.Hi)); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry returns entry i of a batch dimension, which a dimension of 1, or none, has for all.
func (v view) entry(d, i int) view {
	if d < 0 {
		return v
	}
	return v.cut(d, min(i, v.shape[d]-1), 1, 1)
}
