// SPDX-License-Identifier: Apache-2.0

package cell

// NeedGradients makes room for a gradient of every step's output, or, final, of the one
// that is computed last.
func (r *Run) NeedGradients(batch int, final bool) {
	if r.DOut.Data == nil && !final {
		r.DOut = Operand{Sequence: r.Steps * r.N, Row: r.N, Width: r.N}
		r.DOut.Data = make([]float32, batch*r.DOut.Sequence)
	}
}

// Gradient is where those that read the output leave its gradient: a row for each
// step, or one for all where only the last one is read.
func (r *Run) Gradient() Operand {
	if r.DOut.Data != nil {
		return r.DOut
	}
	return Operand{Data: r.DH, Sequence: r.N, Width: r.N}
}

// RecurBack carries the gradients of the sums of step t, from gate column from on, back
// through a matrix to the states before the step: it adds them to DH, or writes them.
func (r *Run) RecurBack(m *Matrix, first, after, t, column int, add bool) {
	if r.reduce != nil {
		if t == 0 && !r.carry {
			return
		}
		low := r.Gates.At(first, t)[r.reduce.From:]
		m.MulTransposed(after-first, r.Gates.At(first, t)[column:], r.Gates.Sequence, low, r.Gates.Sequence, false)
		if t > 0 {
			r.reduce.MulTransposed(after-first, low, r.Gates.Sequence, r.DH[first*r.N:], r.N, add)
		}
		return
	}
	if t > 0 {
		m.MulTransposed(after-first, r.Gates.At(first, t)[column:], r.Gates.Sequence, r.DH[first*r.N:], r.N, add)
	}
}

// Backward takes the gradients of the output from where Gradient says they are.
func (r *Run) Backward(first, after int) {
	clear(r.DC[first*r.N : after*r.N])
	if r.DOut.Data != nil {
		clear(r.DH[first*r.N : after*r.N])
	}
	d := r.DH
	if r.DY != nil {
		d = r.DY
		copy(d[first*r.N:after*r.N], r.DH[first*r.N:])
		clear(r.DH[first*r.N : after*r.N])
	}
	for t := r.Steps - 1; t >= 0; t-- {
		if r.DOut.Data != nil {
			for b := first; b < after; b++ {
				dh := d[b*r.N:][:r.N]
				for i, v := range r.DOut.At(b, r.at(t))[:r.N] {
					dh[i] += v
				}
			}
		}
		r.cell.Backward(r, first, after, t)
		if r.DY != nil {
			clear(r.DY[first*r.N : after*r.N])
		}
	}
	for _, m := range r.Matrices {
		for b := first; b < after; b++ {
			for t := range r.Steps {
				m.Columns.SetRow(b*r.Steps+t, m.Source.At(b, t)[:m.Inner])
			}
		}
	}
}

// PassDown writes the gradients of the input to the rows of an operand, or adds them.
func (r *Run) PassDown(_ int, to Operand, add bool, first, after int) {
	for b := first; b < after; b++ {
		if !r.copied() {
			r.Matrices[0].MulTransposed(r.Steps, r.Gates.At(b, 0), r.Gates.Row, to.At(b, 0), to.Row, add)
			continue
		}
		row, width := Pad(r.In.Width), r.below.Width
		dx := r.dX[b*r.Steps*row:]
		r.Matrices[0].MulTransposed(r.Steps, r.Gates.At(b, 0), r.Gates.Row, dx, row, false)
		for t := range r.Steps {
			d := to.At(b, r.at(t))[:width]
			if !add {
				clear(d)
			}
			// Row t is in the windows of steps t … t+window-1.
			for i := 0; i < r.window && t+i < r.Steps; i++ {
				for j, v := range dx[(t+i)*row+(r.window-1-i)*width:][:width] {
					d[j] += v
				}
			}
		}
	}
}
