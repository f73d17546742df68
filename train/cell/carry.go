// SPDX-License-Identifier: Apache-2.0

package cell

// Carry has every sequence begin where the one before it in its place of the batch ended,
// unless Begin resets it: with the states after the last step and, where the layer looks at a
// window, with the last rows of the input. Gradients end at the first step.
func (r *Run) Carry(batch int) {
	r.carry = true
	r.before = make([]float32, batch*(r.window-1)*r.below.Width)
}

// Begin takes over what the last Forward left in place b of the batch, or zeros.
func (r *Run) Begin(b int, reset bool) {
	for _, o := range r.stateRows() {
		row := o.At(b, 0)[:r.N]
		if copy(row, o.At(b, r.Steps)); reset {
			clear(row)
		}
	}
	if reset {
		clear(r.tail(b))
	}
}

// stateRows are the rows that hold states: row t is before step t.
func (r *Run) stateRows() []Operand {
	all := []Operand{r.H}
	for i, kind := range r.cell.Layout(r.Layer).Rows {
		if kind == Between {
			all = append(all, r.Rows[i])
		}
	}
	return all
}

// tail returns the rows of the input before the first step of place b.
func (r *Run) tail(b int) []float32 {
	size := (r.window - 1) * r.below.Width
	return r.before[b*size : (b+1)*size]
}

// beforeRow returns row t < 0 of the input of place b.
func (r *Run) beforeRow(b, t int) []float32 {
	return r.tail(b)[(r.window-1+t)*r.below.Width:][:r.below.Width]
}

// keepRows makes the last rows of the input those before the next sequence.
func (r *Run) keepRows(b int) {
	tail, width := r.tail(b), r.below.Width
	n := min(r.window-1, r.Steps)
	copy(tail, tail[n*width:])
	for i := range n {
		copy(tail[(r.window-1-n+i)*width:][:width], r.below.At(b, r.Steps-n+i))
	}
}

// Carried returns a copy of what all places of a batch carry, and SetCarried takes it back; it
// reports whether there was as much as the layer has.
func (r *Run) Carried(batch int) []float32 {
	var all []float32
	for _, o := range r.stateRows() {
		for b := range batch {
			all = append(all, o.At(b, r.Steps)[:r.N]...)
		}
	}
	return append(all, r.before...)
}

// SetCarried is the inverse of Carried.
func (r *Run) SetCarried(batch int, all []float32) bool {
	rows := r.stateRows()
	if len(all) != len(rows)*batch*r.N+len(r.before) {
		return false
	}
	for _, o := range rows {
		for b := range batch {
			copy(o.At(b, r.Steps)[:r.N], all)
			all = all[r.N:]
		}
	}
	copy(r.before, all)
	return true
}
