// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { lowerers.Set(lowerBatchMatMul, graph.BatchMatMul) }

// lowerBatchMatMul lowers BATCH_MATMUL with one constant operand to a product for each
// matrix of the batch. With a constant first operand it is the transposed product.
func lowerBatchMatMul(l *lowering, gop *graph.Op) error {
	q, err := quant.ForMatMul(l.g, gop)
	if err != nil {
		return err
	}
	a := gop.Attr.(graph.BatchMatMulAttr)
	x, y, ot := l.g.Tensors[gop.Inputs[0]], l.g.Tensors[gop.Inputs[1]], l.g.Tensors[gop.Outputs[0]]
	in, constant, transposed := gop.Inputs[0], y, false
	zpIn, zpConst := q.A, q.B
	adjIn, adjConst := a.AdjX, a.AdjY
	if !y.IsConst() {
		if !x.IsConst() {
			return l.dynamicMatMul(gop, q)
		}
		in, constant, transposed = gop.Inputs[1], x, true
		zpIn, zpConst = q.B, q.A
		adjIn, adjConst = !a.AdjY, !a.AdjX
	}
	if ot.Type != graph.Int8 {
		return fmt.Errorf("of %v: the NPU's weights have 8 bits; use int8", ot.Type)
	}
	if zpConst != 0 { // the MAC array has no zero point of weights
		return l.dynamicMatMul(gop, q)
	}
	v, err := l.in(in)
	if err != nil {
		return err
	}
	out := l.out(gop.Outputs[0])
	if adjIn {
		v = v.swapped()
	}
	if transposed {
		out = out.swapped()
	}
	rank := len(out.shape)
	batch := out.shape[:rank-2]
	rows, cols, inner := out.shape[rank-2], out.shape[rank-1], v.shape[len(v.shape)-1]
	scale, err := kernel.ScaleOf(q.Mult)
	if err != nil {
		return err
	}
	records := make([]weights.Record, cols)
	for i := range records {
		records[i] = weights.Record{Scale: scale.Mul, Shift: uint8(scale.Shift)}
	}
	p := kernel.Kernel{Kind: kernel.Conv, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}, Records: records}
	if graph.Elems(batch) > mostCopies {
		return fmt.Errorf("%d products, more than %d; use a smaller batch", graph.Elems(batch), mostCopies)
	}
	shared := graph.Elems(constant.Shape[:len(constant.Shape)-2]) == 1
	if shared && v.contiguous() && out.contiguous() { // one product of all rows
		rows, batch = rows*graph.Elems(batch), nil
	}
	for b := range graph.Elems(batch) {
		k, at := 0, b
		from, to := v, out
		for d := len(batch) - 1; d >= 0; d-- {
			i := at % batch[d]
			at /= batch[d]
			to = to.cut(d, i, 1, 1)
			from = from.entry(d-(rank-len(v.shape)), i)
			if e := d - (rank - len(constant.Shape)); e >= 0 && constant.Shape[e] > 1 {
				k += i * graph.Strides(constant.Shape)[e]
			}
		}
		data := matrix(constant.Data[k:k+inner*cols], inner, cols, adjConst)
		if p.Weights, err = l.m.Weights.Of(fmt.Sprintf("%s[%d]", constant.Name, b), data, cols, 1, 1, inner, false); err != nil {
			return err
		}
		m, err := l.matrix(from, rows, inner)
		if err != nil {
			return err
		}
		dst, ok := to.reshape([]int{rows, cols})
		if !ok {
			return fmt.Errorf("result of shape %v has no rows of %d", to.shape, cols)
		}
		if err := l.matmul(p, m, dst, int(zpIn), int(q.Out)); err != nil {
			return err
		}
	}
	return nil
}

// matrix returns weights [cols, inner] of a constant [inner, cols], or [cols, inner]
// where that is how it lies.
func matrix(data []byte, inner, cols int, as bool) []byte {
	if as {
		return data
	}
	t := make([]byte, len(data))
	for i := range inner {
		for c := range cols {
			t[c*inner+i] = data[i*cols+c]
		}
	}
	return t
}

// matrix returns a view as rows that each lie together.
func (l *lowering) matrix(v view, rows, inner int) (view, error) {
	r, ok := v.reshape([]int{rows, inner})
	if ok && (r.strides[1] == v.dt.Size() || inner == 1) {
		return r, nil
	}
	d, err := l.dense(v)
	if err != nil {
		return v, err
	}
	r, _ = d.reshape([]int{rows, inner})
	return r, nil
}

// swapped returns the view with its last two dimensions exchanged.
func (v view) swapped() view {
	perm := make([]int, len(v.shape))
	for i := range perm {
		perm[i] = i
	}
	n := len(perm)
	perm[n-1], perm[n-2] = n-2, n-1
	return v.permute(perm)
}
