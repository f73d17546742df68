// SPDX-License-Identifier: Apache-2.0

package cell

// Layout is what a training step of a layer works on.
type Layout struct {
	// Blocks is the number of blocks of N columns in a gate row.
	Blocks int
	// Matrices are the weights in panels; the first one takes the layer's input.
	Matrices []Part
	// Rows asks for further rows of N floats, in Run.Rows: for each step, or for
	// the time before every step and after the last, as the states have them.
	Rows []Extra
	// Output is what the layer gives: FromState, or FromRows+i for rows of kind Outputs.
	Output Source
	// Gates says for every gate of the layer's tensors, in their order, where it lies in
	// the panels.
	Gates []Place
}

// Part is one weight matrix: what it is multiplied with, and the gate blocks that its
// result belongs to.
type Part struct {
	Source        Source
	Bias          bool // the last row is a bias
	Block, Blocks int
}

// Source is what a matrix takes: FromInput, FromState, or FromRows+i for Layout.Rows[i].
type Source int

// Sources.
const (
	FromState Source = iota
	FromInput
	FromRows
)

// Extra is one kind of further rows.
type Extra int

// Kinds of further rows.
const (
	EachStep Extra = iota // row t belongs to step t
	Between               // row t is before step t, row T after the last
	Outputs               // as EachStep, with a 1 after the padded units, as operands of matrices have it
)

// Place says where one gate block of the tensors lies: block numbers within the input
// matrix, and within the recurrent matrix with the given number (0: there is none).
type Place struct {
	Input       int
	Recurrent   int
	RecurrentAt int
}
