// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// The GRU with the reset gate applied before the recurrent product. Gate blocks: n,
// z, r. The candidate's product takes r*h, so it follows the gates:
// n = tanh(xn + (r*h).V).

func classicLayout() Layout {
	return Layout{Blocks: 3,
		Matrices: []Part{{FromInput, true, 0, 3}, {FromState, false, 1, 2}, {FromRows, false, 0, 1}},
		Rows:     []Extra{EachStep}, // r*h
		Gates:    []Place{{1, 1, 0}, {2, 1, 1}, {0, 2, 0}}}
}

func classicForward(r *Run, first, after, t int) {
	n := r.N
	r.Recur(r.Matrices[1], first, after, t, 0, 2*n/gemm.Width, n, true)
	for b := first; b < after; b++ {
		gates, h, s := r.Gates.At(b, t), r.H.At(b, t), r.Rows[0].At(b, t)
		elementwise.Sigmoid(gates[n : 3*n])
		for i, gate := range gates[2*n : 3*n] {
			s[i] = gate * h[i]
		}
	}
	r.Matrices[2].Mul(after-first, r.Rows[0].At(first, t), r.Rows[0].Sequence, 0, n/gemm.Width, r.Gates.At(first, t), r.Gates.Sequence, true)
	for b := first; b < after; b++ {
		gates, h0, h1 := r.Gates.At(b, t), r.H.At(b, t), r.H.At(b, t+1)
		elementwise.Tanh(gates[:n])
		for i, z := range gates[n : 2*n] {
			c := gates[i]
			h1[i] = c + float32(z*(h0[i]-c))
		}
	}
}

func classicBackward(r *Run, first, after, t int) {
	n := r.N
	for b := first; b < after; b++ {
		gates, h0, dh := r.Gates.At(b, t), r.H.At(b, t), r.DH[b*n:][:n]
		for i, d := range dh {
			c, z := gates[i], gates[n+i]
			gates[i] = d * (1 - z) * (1 - float32(c*c))
			gates[n+i] = d * (h0[i] - c) * z * (1 - z)
			dh[i] = d * z
		}
	}
	// q = dn.V^T is the gradient of r*h; dc, which only an LSTM uses, holds it.
	r.Matrices[2].MulTransposed(after-first, r.Gates.At(first, t), r.Gates.Sequence, r.DC[first*n:], n, false)
	for b := first; b < after; b++ {
		gates, h0, dh, q := r.Gates.At(b, t), r.H.At(b, t), r.DH[b*n:][:n], r.DC[b*n:][:n]
		for i := range dh {
			gate := gates[2*n+i]
			dh[i] += float32(q[i] * gate)
			gates[2*n+i] = q[i] * h0[i] * gate * (1 - gate)
		}
	}
	r.RecurBack(r.Matrices[1], first, after, t, n, true)
}

// classicStep is the step of the variant that resets before the product.
func (c *Lowering) classicStep(x, gatesU, candU Value) {
	h := c.Units
	xs := c.SplitV(x, 1, []int{2 * h, h}, c.At("x_g"), c.At("x_n"))
	pre := xs[0]
	if c.S[H] != None {
		rec := c.FC(c.At("rec"), c.TiedRole("rec", "pre"), c.S[H], gatesU, None)
		pre = c.Sum(c.At("pre_g"), c.Role("pre_g"), false, xs[0], rec)
	}
	g := c.Split(c.Logistic(c.At("g"), c.Role("g"), pre), 1, c.At("u"), c.At("r"))
	var n Value
	if c.S[H] == None {
		n = c.activate("n", xs[1])
	} else {
		rh := c.Mul(c.At("rh"), c.Role("rh"), g[1], c.S[H])
		n = c.candidate("n", xs[1], c.FC(c.At("rec_n"), c.TiedRole("rec_n", "pre"), rh, candU, None))
	}
	c.blend(g[0], n)
}
