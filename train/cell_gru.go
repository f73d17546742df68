package train

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// GRU with the reset gate applied after the recurrent product (Keras'
// reset_after). Gate blocks: n, z, r, hn. The input product writes the first
// three; the recurrent one adds to z and r and writes hn, so that both gradients,
// [dn dz dr] of the input and [dz dr dn*r] of the recurrence, are contiguous.

func (l *layer) gruForward(first, after, t int) {
	block := l.n / gemm.Width
	l.recur(l.u, first, after, t, 0, 2*block, l.n, true)
	l.recur(l.u, first, after, t, 2*block, block, 3*l.n, false)
	for b := first; b < after; b++ {
		elementwise.GRUForward(l.n, l.gates.at(b, t), l.h.at(b, t), l.h.at(b, t+1))
	}
}

func (l *layer) gruBackward(first, after, t int) {
	for b := first; b < after; b++ {
		elementwise.GRUBackward(l.n, l.gates.at(b, t), l.h.at(b, t), l.dh[b*l.n:])
	}
	if t > 0 {
		l.u.mulTransposed(after-first, l.gates.at(first, t)[l.n:], l.gates.sequence, l.dh[first*l.n:], l.n, true)
	}
}
