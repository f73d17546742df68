// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// rowFunc computes n elements of y from a and b, which advance by their step
// (0 or 1 element) after each.
type rowFunc func(y, a, b []byte, n, stepA, stepB int)

// planBroadcast applies row over two tensors by NumPy's broadcasting rule:
// in one go when the shapes are equal or one is a scalar, else row by row.
func planBroadcast(p *plan, op *graph.Op, row rowFunc) (step, error) {
	a, b, y := p.in(op, 0), p.in(op, 1), p.out(op, 0)
	ia, ib, iy := op.Inputs[0], op.Inputs[1], op.Outputs[0]
	n := y.Elems()
	stepOf := func(t *graph.Tensor) int {
		if t.Elems() == 1 {
			return 0
		}
		return 1
	}
	if sa, sb := stepOf(a), stepOf(b); (sa == 0 || a.Elems() == n) && (sb == 0 || b.Elems() == n) {
		return func(m *memory) { row(m.v[iy], m.v[ia], m.v[ib], n, sa, sb) }, nil
	}
	size, sizeA, sizeB := y.Type.Size(), a.Type.Size(), b.Type.Size()
	sa, sb := broadcastStrides(a.Shape, y.Shape), broadcastStrides(b.Shape, y.Shape)
	last := len(y.Shape) - 1
	inner := y.Shape[last]
	outer := y.Shape[:last]
	rows := graph.Elems(outer)
	if n == 0 {
		rows = 0
	}
	return func(m *memory) {
		for r := range rows {
			offA, offB := 0, 0
			for d, rest := last-1, r; d >= 0; d-- {
				i := rest % outer[d]
				rest /= outer[d]
				offA += i * sa[d]
				offB += i * sb[d]
			}
			row(m.v[iy][r*inner*size:], m.v[ia][offA*sizeA:], m.v[ib][offB*sizeB:], inner, sa[last], sb[last])
		}
	}, nil
}

// broadcastStrides returns for every dimension of out how many elements of in
// one step is: 0 where in is broadcast.
func broadcastStrides(in, out []int) []int {
	s := make([]int, len(out))
	n := 1
	for d := len(in) - 1; d >= 0; d-- {
		if in[d] != 1 {
			s[len(out)-len(in)+d] = n
		}
		n *= in[d]
	}
	return s
}

// planAddSub handles int8 with a table for each operand, which leaves one
// multiplication for each element.
func planAddSub(p *plan, op *graph.Op) (step, error) {
	if p.in(op, 0).Type == graph.Float32 {
		return planRealPairs(p, op)
	}
	q, err := quant.ForAddSub(p.g, op)
	if err != nil {
		return nil, err
	}
	sign := int32(1)
	if op.Kind == graph.Sub {
		sign = -1
	}
	out := newScaler(q.Out)
	if p.out(op, 0).Type == graph.Int16 {
		sa, sb := newScaler(q.A), newScaler(q.B)
		return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
			for i, ja, jb := 0, 0, 0; i < n; i, ja, jb = i+1, ja+stepA, jb+stepB {
				x := sa.apply((get16(a, ja)-q.ZeroA)<<q.LeftShift) + sign*sb.apply((get16(b, jb)-q.ZeroB)<<q.LeftShift)
				put16(y, i, min(max(out.apply(x)+q.ZeroOut, q.Lo), q.Hi))
			}
		})
	}
	var ta, tb [256]int32
	for i := range ta {
		v := int32(int8(i))
		ta[i] = quant.MBQM((v-q.ZeroA)<<q.LeftShift, q.A)
		tb[i] = sign * quant.MBQM((v-q.ZeroB)<<q.LeftShift, q.B)
	}
	lo, hi, zero := q.Lo, q.Hi, q.ZeroOut
	return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
		y = y[:n]
		if stepA == 1 && stepB == 1 {
			a, b = a[:n], b[:n]
			for i := range y {
				y[i] = byte(min(max(out.apply(ta[a[i]]+tb[b[i]])+zero, lo), hi))
			}
			return
		}
		ja, jb := 0, 0
		for i := range y {
			y[i] = byte(min(max(out.apply(ta[a[ja]]+tb[b[jb]])+zero, lo), hi))
			ja, jb = ja+stepA, jb+stepB
		}
	})
}

func planMul(p *plan, op *graph.Op) (step, error) {
	if p.in(op, 0).Type == graph.Float32 {
		return planRealPairs(p, op)
	}
	q, err := quant.ForMul(p.g, op)
	if err != nil {
		return nil, err
	}
	out := newScaler(q.Out)
	lo, hi, zero, za, zb := q.Lo, q.Hi, q.ZeroOut, q.ZeroA, q.ZeroB
	if p.out(op, 0).Type == graph.Int16 {
		return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
			for i, ja, jb := 0, 0, 0; i < n; i, ja, jb = i+1, ja+stepA, jb+stepB {
				put16(y, i, min(max(out.apply(get16(a, ja)*get16(b, jb))+zero, lo), hi))
			}
		})
	}
	return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
		y = y[:n]
		if stepA == 1 && stepB == 1 {
			a, b = a[:n], b[:n]
			for i := range y {
				y[i] = byte(min(max(out.apply((int32(int8(a[i]))-za)*(int32(int8(b[i]))-zb))+zero, lo), hi))
			}
			return
		}
		ja, jb := 0, 0
		for i := range y {
			y[i] = byte(min(max(out.apply((int32(int8(a[ja]))-za)*(int32(int8(b[jb]))-zb))+zero, lo), hi))
			ja, jb = ja+stepA, jb+stepB
		}
	})
}

// planMinMax compares raw values; the graph's validation has made sure that
// all tensors have one quantization.
func planMinMax(p *plan, op *graph.Op) (step, error) {
	pick := func(a, b int32) int32 { return min(a, b) }
	if op.Kind == graph.Maximum {
		pick = func(a, b int32) int32 { return max(a, b) }
	}
	switch p.out(op, 0).Type {
	case graph.Int8:
		return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
			for i, ja, jb := 0, 0, 0; i < n; i, ja, jb = i+1, ja+stepA, jb+stepB {
				y[i] = byte(pick(int32(int8(a[ja])), int32(int8(b[jb]))))
			}
		})
	case graph.Int16:
		return planBroadcast(p, op, func(y, a, b []byte, n, stepA, stepB int) {
			for i, ja, jb := 0, 0, 0; i < n; i, ja, jb = i+1, ja+stepA, jb+stepB {
				put16(y, i, pick(get16(a, ja), get16(b, jb)))
			}
		})
	}
	return planRealPairs(p, op)
}
