package train

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
)

// LSTM. Gate blocks in Keras' order: i, f, g (the candidate, Keras' c), o.

func (l *layer) lstmForward(first, after, t int) {
	l.recur(l.u, first, after, t, 0, l.u.cols/gemm.Width, 0, true)
	for b := first; b < after; b++ {
		elementwise.LSTMForward(l.n, l.gates.at(b, t), l.c.at(b, t), l.c.at(b, t+1), l.q.at(b, t), l.h.at(b, t+1))
	}
}

func (l *layer) lstmBackward(first, after, t int) {
	for b := first; b < after; b++ {
		elementwise.LSTMBackward(l.n, l.gates.at(b, t), l.c.at(b, t), l.q.at(b, t), l.dh[b*l.n:], l.dc[b*l.n:])
	}
	if t > 0 {
		l.u.mulTransposed(after-first, l.gates.at(first, t), l.gates.sequence, l.dh[first*l.n:], l.n, false)
	}
}
