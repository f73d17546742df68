// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"fmt"

	"github.com/unroll-npu/unroll/train/nn"
)

// Cell is a kind of recurrent layer. All methods but Facts get a layer of the cell
// whose dimensions hold; they must not change it.
type Cell interface {
	Facts() nn.Facts

	// States lists what a layer carries from step to step. Windows of the input are
	// no matter of the cell.
	States(l *nn.Layer) []State

	// Step is the cell in plain floats, one sequence, one step: it reads x, l.Width()
	// values, replaces the states, H values each, and returns the output, which
	// may be a state itself. The other methods are tested against it.
	Step(l *nn.Layer, x []float64, states [][]float64) []float64

	// Layout says what a training step of the layer works on.
	Layout(l *nn.Layer) Layout

	// Forward turns the sums of the input product, which are in the gate rows of step
	// t, into the state after step t, for sequences first..after-1. It leaves in
	// the gate rows what Backward needs.
	Forward(r *Run, first, after, t int)

	// Backward turns the gradients of the states after step t, in r.DH and r.DC, into
	// those before it, and the gate rows into the gradients of the sums. r.DY has the
	// gradient of the output where that is not the state.
	Backward(r *Run, first, after, t int)

	// NPU appends all steps of the layer in the form with the fewest operations, on
	// the rows x [T,l.Width()], and returns the output of every step, [1,H].
	NPU(c *Lowering, x Value) []Value

	// Keras appends all steps in the form that TensorFlow's converter gives the cell, on
	// T rows [1,F]. A cell that Keras does not have returns nil.
	Keras(c *Lowering, xs []Value) []Value
}

// State is something that a layer carries from step to step.
type State struct {
	Name string // "h", "c"
	// Bounded says that the values stay within -1 and 1 whatever the data.
	Bounded bool
	// Sums says that values add up over many steps without a bound of their own.
	Sums bool
	// Within names a role whose values are never larger than the state's.
	Within string
}

// TanhOnly is a Trainable for cells whose training step has one candidate activation.
func TanhOnly(l *nn.Layer) error {
	if l.Activation != nn.Tanh {
		return fmt.Errorf("activation %v is not trained in a %v cell, which has tanh; the rnn cell takes relu too", l.Activation, l.Cell)
	}
	return nil
}

// onlyTanh is a Check for cells that have it in training and in operators alike.
func onlyTanh(l *nn.Layer) error {
	if l.Activation != nn.Tanh {
		return fmt.Errorf("activation %v: a %v cell has tanh", l.Activation, l.Cell)
	}
	return nil
}

// TanhOrRelu is a Check for cells with a candidate activation.
func TanhOrRelu(l *nn.Layer) error {
	if l.Activation != nn.Tanh && l.Activation != nn.Relu {
		return fmt.Errorf("activation %v: a %v cell takes tanh or relu", l.Activation, l.Cell)
	}
	return nil
}

var cells = map[nn.Cell]Cell{}

// Register makes a cell known under its number. It panics when that is taken.
func Register(number nn.Cell, c Cell) bool {
	nn.Register(number, c.Facts())
	cells[number] = c
	return true
}

// Of returns the cell of a recurrent layer.
func Of(l *nn.Layer) Cell {
	c := cells[l.Cell]
	if c == nil || l.Kind != nn.Recurrent {
		panic(fmt.Sprintf("BUG: no cell for layer %q of kind %v, %v", l.Name, l.Kind, l.Cell))
	}
	return c
}
