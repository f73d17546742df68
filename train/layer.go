package train

import (
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// layer is one recurrent layer over a batch. Units are padded to whole panels;
// the weights of padding units are 0 and stay 0, since their gradients are 0.
//
// One row of gates a sequence and step is all that the forward pass leaves beside
// the states: the sums, then in their place the activated gates, then in their
// place the gradients of the sums.
type layer struct {
	shape
	n     int // units, padded
	steps int

	in    operand
	gates operand // width gate columns, no trailing 1
	h     operand // row t is the state before step t; a 1 follows the padded units
	c, q  operand // LSTM: cell states as h, and their tanh
	reset operand // GRU with reset before the product: r*h

	w, u, v *matrix // input, recurrent, and the candidate's recurrent matrix of the same GRU

	dh, dc []float32 // a row of n a sequence: gradients of the states, running back
	dOut   operand   // gradients of every step's output, or no data
}

func newLayer(s shape, in operand, batch int, below, forwardOnly bool) *layer {
	l := &layer{shape: s, n: pad(s.units), steps: s.steps, in: in}
	rows := batch * s.steps
	state := func(steps, width int) operand {
		o := operand{sequence: steps * width, row: width, width: l.n}
		// Rows of one step lie a sequence apart; keep them out of one cache set.
		if o.sequence%1024 == 0 {
			o.sequence += gemm.Width
		}
		o.data = make([]float32, batch*o.sequence)
		return o
	}
	l.h = state(s.steps+1, l.n+gemm.Width)
	for b := range batch {
		for t := range s.steps + 1 {
			l.h.at(b, t)[l.n] = 1
		}
	}
	blocks := s.cell.Gates()
	matrices := func(wCols, uFrom, uCols int, uBias bool) {
		l.w = newMatrix(in, true, 0, wCols*l.n, rows, forwardOnly)
		l.u = newMatrix(l.h, uBias, uFrom*l.n, uCols*l.n, rows, forwardOnly)
	}
	switch {
	case s.cell == nn.GRU && s.resetAfter:
		blocks = 4 // n, z, r and the recurrent part of n
		matrices(3, 1, 3, true)
	case s.cell == nn.GRU:
		matrices(3, 1, 2, false)
		l.reset = state(s.steps, l.n)
		l.v = newMatrix(l.reset, false, 0, l.n, rows, forwardOnly)
	default:
		matrices(blocks, 0, blocks, false)
	}
	if s.cell == nn.LSTM {
		l.c, l.q = state(s.steps+1, l.n), state(s.steps, l.n)
	}
	l.gates = state(s.steps, blocks*l.n+gemm.Width)
	l.gates.width = blocks * l.n
	if !forwardOnly {
		l.dh = make([]float32, batch*l.n)
		l.dc = make([]float32, batch*l.n)
		l.u.needTranspose(l.n)
		if l.v != nil {
			l.v.needTranspose(l.n)
		}
		if below {
			l.w.needTranspose(in.width)
		}
	}
	return l
}

// matrices returns the weight matrices of the layer.
func (l *layer) matrices() []*matrix {
	if l.v != nil {
		return []*matrix{l.w, l.u, l.v}
	}
	return []*matrix{l.w, l.u}
}

// output is what the layer above or the head reads: the states after each step.
func (l *layer) output() operand {
	o := l.h
	o.data = o.data[o.row:]
	return o
}

// needOutputGradients makes room for a gradient of every step's output.
func (l *layer) needOutputGradients(batch int) {
	if l.dOut.data == nil {
		l.dOut = operand{sequence: l.steps * l.n, row: l.n, width: l.n}
		l.dOut.data = make([]float32, batch*l.dOut.sequence)
	}
}

func (l *layer) forward(first, after int) {
	for b := first; b < after; b++ {
		l.w.mul(l.steps, l.in.at(b, 0), l.in.row, 0, l.w.cols/gemm.Width, l.gates.at(b, 0), l.gates.row, false)
	}
	for t := range l.steps {
		switch {
		case l.cell == nn.LSTM:
			l.lstmForward(first, after, t)
		case l.cell == nn.SimpleRNN:
			l.rnnForward(first, after, t)
		case l.resetAfter:
			l.gruForward(first, after, t)
		default:
			l.classicForward(first, after, t)
		}
	}
}

// recur adds h.U for the states before step t to the gate columns of U; the
// states before the first step are 0, so only the bias row counts there.
func (l *layer) recur(m *matrix, first, after, t, p, panels, column int, add bool) {
	a, b, inner := l.h.at(first, t), m.w[p*m.inner*gemm.Width:], m.inner
	if t == 0 {
		if m.inner == l.n {
			return
		}
		a, b, inner = a[l.n:], b[l.n*gemm.Width:], 1
	}
	gemm.Mul(&gemm.Product{Rows: after - first, Inner: inner, Panels: panels, A: a, ARow: l.h.sequence, AInner: 1,
		B: b, BPanel: m.inner * gemm.Width,
		C: l.gates.at(first, t)[column:], CRow: l.gates.sequence, CPanel: gemm.Width, Add: add})
}

// backward expects the gradient of the last state in dh, and those of all outputs
// in dOut where that has data.
func (l *layer) backward(first, after int) {
	clear(l.dc[first*l.n : after*l.n])
	for t := l.steps - 1; t >= 0; t-- {
		if l.dOut.data != nil {
			for b := first; b < after; b++ {
				dh := l.dh[b*l.n:][:l.n]
				for i, v := range l.dOut.at(b, t)[:l.n] {
					dh[i] += v
				}
			}
		}
		switch {
		case l.cell == nn.LSTM:
			l.lstmBackward(first, after, t)
		case l.cell == nn.SimpleRNN:
			l.rnnBackward(first, after, t)
		case l.resetAfter:
			l.gruBackward(first, after, t)
		default:
			l.classicBackward(first, after, t)
		}
	}
	for _, m := range l.matrices() {
		for b := first; b < after; b++ {
			for t := range l.steps {
				m.columns.SetRow(b*l.steps+t, m.source.at(b, t)[:m.inner])
			}
		}
	}
}

// passDown writes the gradients of the input into the layer below.
func (l *layer) passDown(below *layer, first, after int) {
	for b := first; b < after; b++ {
		clear(below.dh[b*below.n:][:below.n])
		l.w.mulTransposed(l.steps, l.gates.at(b, 0), l.gates.row, below.dOut.at(b, 0), below.dOut.row, false)
	}
}
