package train

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// SimpleRNN: h = tanh(x.W + h.U + b), or max(0, …) instead of tanh.

func (l *layer) rnnForward(first, after, t int) {
	l.recur(l.u, first, after, t, 0, l.u.cols/gemm.Width, 0, true)
	for b := first; b < after; b++ {
		h := l.h.at(b, t+1)[:l.n]
		copy(h, l.gates.at(b, t))
		if !l.relu {
			elementwise.Tanh(h)
			continue
		}
		for i, v := range h {
			if v < 0 { // a NaN stays one
				h[i] = 0
			}
		}
	}
}

func (l *layer) rnnBackward(first, after, t int) {
	for b := first; b < after; b++ {
		d, h, dh := l.gates.at(b, t)[:l.n], l.h.at(b, t+1)[:l.n], l.dh[b*l.n:][:l.n]
		if !l.relu {
			elementwise.RNNTanhBackward(l.n, d, h, dh)
			continue
		}
		for i, v := range h {
			d[i] = 0
			if v > 0 {
				d[i] = dh[i]
			}
		}
	}
	if t > 0 {
		l.u.mulTransposed(after-first, l.gates.at(first, t), l.gates.sequence, l.dh[first*l.n:], l.n, false)
	}
}
