package train

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// GRU with the reset gate applied before the recurrent product. Gate blocks: n,
// z, r. The candidate's product takes r*h, so it follows the gates:
// n = tanh(xn + (r*h).V).

func (l *layer) classicForward(first, after, t int) {
	n := l.n
	l.recur(l.u, first, after, t, 0, 2*n/gemm.Width, n, true)
	for b := first; b < after; b++ {
		gates, h, s := l.gates.at(b, t), l.h.at(b, t), l.reset.at(b, t)
		elementwise.Sigmoid(gates[n : 3*n])
		for i, r := range gates[2*n : 3*n] {
			s[i] = r * h[i]
		}
	}
	l.v.mul(after-first, l.reset.at(first, t), l.reset.sequence, 0, n/gemm.Width, l.gates.at(first, t), l.gates.sequence, true)
	for b := first; b < after; b++ {
		gates, h0, h1 := l.gates.at(b, t), l.h.at(b, t), l.h.at(b, t+1)
		elementwise.Tanh(gates[:n])
		for i, z := range gates[n : 2*n] {
			c := gates[i]
			h1[i] = c + float32(z*(h0[i]-c))
		}
	}
}

func (l *layer) classicBackward(first, after, t int) {
	n := l.n
	for b := first; b < after; b++ {
		gates, h0, dh := l.gates.at(b, t), l.h.at(b, t), l.dh[b*n:][:n]
		for i, d := range dh {
			c, z := gates[i], gates[n+i]
			gates[i] = d * (1 - z) * (1 - float32(c*c))
			gates[n+i] = d * (h0[i] - c) * z * (1 - z)
			dh[i] = d * z
		}
	}
	// q = dn.V^T is the gradient of r*h; dc, which only an LSTM uses, holds it.
	l.v.mulTransposed(after-first, l.gates.at(first, t), l.gates.sequence, l.dc[first*n:], n, false)
	for b := first; b < after; b++ {
		gates, h0, dh, q := l.gates.at(b, t), l.h.at(b, t), l.dh[b*n:][:n], l.dc[b*n:][:n]
		for i := range dh {
			r := gates[2*n+i]
			dh[i] += float32(q[i] * r)
			gates[2*n+i] = q[i] * h0[i] * r * (1 - r)
		}
	}
	if t > 0 {
		l.u.mulTransposed(after-first, l.gates.at(first, t)[n:], l.gates.sequence, l.dh[first*n:], n, true)
	}
}
