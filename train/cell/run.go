// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// Run is one layer with weights over a batch: a recurrent one, or one without a state. Units are padded to whole panels; the
// weights of padding units are 0 and stay 0, since their gradients are 0.
//
// One row of gates a sequence and step is all that the forward pass leaves beside
// the states: the sums, then in their place the activated gates, then in their
// place the gradients of the sums.
type Run struct {
	Layer *nn.Layer // its dimensions
	N     int       // units, padded
	Steps int

	In    Operand // what the input matrix takes: the layer's input, or windows of it
	Gates Operand // Layout.Blocks blocks, no trailing 1
	H     Operand // row t is the state before step t; a 1 follows the padded units
	Rows  []Operand

	Matrices []*Matrix

	DH, DC []float32 // a row of N a sequence: gradients of the states, running back
	DOut   Operand   // gradients of every step's output, or no data: then that of the last is in DH
	// DY is a row of N a sequence: the gradient of the output of the step that Backward
	// runs, where the output is not the state; else that gradient is in DH.
	DY []float32

	cell   stepper
	output Operand // in the order of the steps that run
	given  Operand // what others read: output, or a copy in the order of time
	places []Place
	below  Operand   // the layer's input
	window int       // rows of it side by side
	dX     []float32 // where In is a copy: gradients of In, as many rows as a sequence has
	carry  bool      // see Carry
	low    Operand   // with a rank: the reduced state before every step
	reduce *Matrix   // with a rank: what reduces it; its gradients have the gate columns after the blocks
	before []float32 // with it: of every sequence the window-1 rows of the input before the first step
}

// stepper is what a training step needs of a cell, or of a layer without a state.
type stepper interface {
	Layout(l *nn.Layer) Layout
	Forward(r *Run, first, after, t int)
	Backward(r *Run, first, after, t int)
}

// stepperOf returns the arithmetic of a layer with weights.
func stepperOf(l *nn.Layer) stepper {
	if l.Kind == nn.Dense || l.Kind == nn.Convolution {
		return pointwise{}
	}
	return Of(l)
}

// NewRun makes room for a batch. below says that a layer below wants the gradients of
// the input; forwardOnly leaves out what only training needs.
func NewRun(layer *nn.Layer, steps int, in Operand, batch int, below, forwardOnly bool) *Run {
	r := &Run{Layer: layer, N: Pad(layer.Units), Steps: steps, In: in, cell: stepperOf(layer), below: in, window: max(layer.Window, 1)}
	if r.copied() {
		row := Pad(r.window*in.Width + 1)
		r.In = Operand{Data: make([]float32, batch*steps*row), Sequence: steps * row, Row: row, Width: r.window * in.Width}
		for i := r.In.Width; i < len(r.In.Data); i += row {
			r.In.Data[i] = 1
		}
	}
	layout := r.cell.Layout(layer)
	r.places = layout.Gates
	rows := batch * steps
	state := func(steps, width int) Operand {
		o := Operand{Sequence: steps * width, Row: width, Width: r.N}
		// Rows of one step lie a sequence apart; keep them out of one cache set.
		if o.Sequence%1024 == 0 {
			o.Sequence += gemm.Width
		}
		o.Data = make([]float32, batch*o.Sequence)
		return o
	}
	wide := func(steps, width int) Operand {
		o := state(steps, width+gemm.Width)
		o.Width = width
		for b := range batch {
			for t := range steps {
				o.At(b, t)[width] = 1
			}
		}
		return o
	}
	operand := func(steps int) Operand { return wide(steps, r.N) }
	r.H = operand(steps + 1)
	low := Pad(layer.Rank)
	if layer.Rank > 0 {
		r.low = wide(steps, low)
	}
	for _, kind := range layout.Rows {
		switch kind {
		case Between:
			r.Rows = append(r.Rows, state(steps+1, r.N))
		case Outputs:
			r.Rows = append(r.Rows, operand(steps))
		default:
			r.Rows = append(r.Rows, state(steps, r.N))
		}
	}
	if r.output = r.H; layout.Output >= FromRows {
		r.output = r.Rows[layout.Output-FromRows]
	} else {
		r.output.Data = r.H.Data[r.H.Row:] // after each step
	}
	if r.given = r.output; layer.Reversed {
		r.given = operand(steps)
	}
	for _, p := range layout.Matrices {
		source := r.In
		switch {
		case p.Source == FromState && layer.Rank > 0:
			source = r.low
		case p.Source == FromState:
			source = r.H
		case p.Source >= FromRows:
			source = r.Rows[p.Source-FromRows]
		}
		r.Matrices = append(r.Matrices, NewMatrix(source, p.Bias, p.Block*r.N, p.Blocks*r.N, rows, forwardOnly))
	}
	if layer.Rank > 0 {
		r.reduce = NewMatrix(r.H, false, layout.Blocks*r.N, low, rows, forwardOnly)
		r.Matrices = append(r.Matrices, r.reduce)
	}
	r.Gates = state(steps, layout.Blocks*r.N+low+gemm.Width)
	r.Gates.Width = layout.Blocks*r.N + low
	if !forwardOnly {
		r.DH = make([]float32, batch*r.N)
		r.DC = make([]float32, batch*r.N)
		if layout.Output >= FromRows {
			r.DY = make([]float32, batch*r.N)
		}
		for _, m := range r.Matrices[1:] {
			m.NeedTranspose(m.Source.Width)
		}
		if below {
			r.Matrices[0].NeedTranspose(r.In.Width)
			if r.copied() {
				r.dX = make([]float32, batch*steps*Pad(r.In.Width))
			}
		}
	}
	return r
}

// copied reports whether the rows that the input matrix takes are not those of the layer
// below as they lie.
func (r *Run) copied() bool { return r.window > 1 || r.Layer.Reversed }

// at returns the place in time of the step that runs as number t.
func (r *Run) at(t int) int {
	if r.Layer.Reversed {
		return r.Steps - 1 - t
	}
	return t
}

// Block returns the columns of the gate block that begins at a column.
func (r *Run) Block(from int) int {
	if r.reduce != nil && from == r.reduce.From {
		return r.reduce.Cols
	}
	return r.N
}

// Output is what the layer above or the head reads: a row for each step.
func (r *Run) Output() Operand { return r.given }

// Length returns the rows of the output of a sequence.
func (r *Run) Length() int { return r.Steps }

// Final returns the row of the output that is computed last.
func (r *Run) Final() int { return r.at(r.Steps - 1) }

// Forward runs sequences first..after-1: the product of all inputs, then step by step.
func (r *Run) Forward(first, after int) {
	w := r.Matrices[0]
	for b := first; b < after; b++ {
		if r.copied() {
			r.look(b)
		}
		w.Mul(r.Steps, r.In.At(b, 0), r.In.Row, 0, w.Cols/gemm.Width, r.Gates.At(b, 0), r.Gates.Row, false)
	}
	for t := range r.Steps {
		if r.reduce != nil && (t > 0 || r.carry) { // before the first step the state is 0
			r.reduce.Mul(after-first, r.H.At(first, t), r.H.Sequence, 0, r.reduce.Cols/gemm.Width, r.low.At(first, t), r.low.Sequence, false)
		}
		r.cell.Forward(r, first, after, t)
	}
	if r.carry {
		for b := first; b < after; b++ {
			r.keepRows(b)
		}
	}
	if r.Layer.Reversed {
		for b := first; b < after; b++ {
			for t := range r.Steps {
				copy(r.given.At(b, r.at(t))[:r.N], r.output.At(b, t))
			}
		}
	}
}

// look puts the last rows of the input of sequence b side by side, the latest last, in
// the order of the steps that run.
func (r *Run) look(b int) {
	width := r.below.Width
	for t := range r.Steps {
		row := r.In.At(b, t)
		for i := range r.window {
			if from := t - r.window + 1 + i; from >= 0 {
				copy(row[i*width:(i+1)*width], r.below.At(b, r.at(from)))
			} else if r.carry {
				copy(row[i*width:(i+1)*width], r.beforeRow(b, from))
			}
		}
	}
}

// Recur adds the product of the states before step t with the columns of a matrix
// from panel p on to the gate columns from column on, or writes it there. Unless states are
// carried, those before the first step are 0, so only the bias row counts there.
func (r *Run) Recur(m *Matrix, first, after, t, p, panels, column int, add bool) {
	width := m.Source.Width
	a, b, inner := m.Source.At(first, t), m.W[p*m.Inner*gemm.Width:], m.Inner
	if t == 0 && !r.carry {
		if m.Inner == width {
			return
		}
		a, b, inner = a[width:], b[width*gemm.Width:], 1
	}
	gemm.Mul(&gemm.Product{Rows: after - first, Inner: inner, Panels: panels, A: a, ARow: m.Source.Sequence, AInner: 1,
		B: b, BPanel: m.Inner * gemm.Width,
		C: r.Gates.At(first, t)[column:], CRow: r.Gates.Sequence, CPanel: gemm.Width, Add: add})
}

// Each visits every real weight of the layer together with its place in the
// panel array pick returns: the way into the panels and out of them.
func (r *Run) Each(k *nn.Layer, pick func(*Matrix) []float32, visit func(keras, panels *float32)) {
	cols := k.Columns()
	w := r.Matrices[0]
	for i := range k.Reduce {
		visit(&k.Reduce[i], r.reduce.Element(pick(r.reduce), i/k.Rank, i%k.Rank))
	}
	for gate, at := range r.places {
		u := r.Matrices[at.Recurrent]
		for j := range k.Units {
			col, kcol := at.Input*r.N+j, gate*k.Units+j
			rec := at.RecurrentAt*r.N + j
			for i := range k.Width() {
				row := i/k.Features*r.below.Width + i%k.Features
				visit(&k.Kernel[i*cols+kcol], w.Element(pick(w), row, col))
			}
			visit(&k.Bias[kcol], w.Element(pick(w), w.Inner-1, col))
			if at.Recurrent == 0 {
				continue
			}
			for i := range k.Carried() {
				visit(&k.Recurrent[i*cols+kcol], u.Element(pick(u), i, rec))
			}
			if len(k.Bias) == 2*cols {
				visit(&k.Bias[cols+kcol], u.Element(pick(u), u.Inner-1, rec))
			}
		}
	}
}
