package nn

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/facts"
)

// Cell is the kind of a recurrent layer.
type Cell int

// Recurrent cells. The gate order is Keras': z, r, h for GRU; i, f, c, o for LSTM.
const (
	GRU Cell = iota
	LSTM
	SimpleRNN
)

var cells = [...]struct {
	name  string
	gates int
}{{"gru", 3}, {"lstm", 4}, {"rnn", 1}}

func (c Cell) String() string {
	if c >= 0 && int(c) < len(cells) {
		return cells[c].name
	}
	return fmt.Sprintf("Cell(%d)", int(c))
}

// Gates returns the number of gate blocks in a layer's matrices.
func (c Cell) Gates() int { return cells[c].gates }

// ParseCell reads the name of a cell: gru, lstm or rnn.
func ParseCell(s string) (Cell, error) {
	for i, c := range cells {
		if c.name == s {
			return Cell(i), nil
		}
	}
	return 0, fmt.Errorf("unknown cell %q: expected gru, lstm or rnn", s)
}

// Activation is the candidate activation of a cell.
type Activation int

// Candidate activations.
const (
	Tanh Activation = iota
	Relu
)

// Layer is one recurrent layer in Keras' layout, row-major float32, with
// F input features, H units and G = Cell.Gates() gate blocks.
type Layer struct {
	Cell       Cell
	Features   int // F
	Units      int // H
	Activation Activation
	ResetAfter bool // GRU only; false is the classic variant with one bias

	Kernel    []float32 // F x G*H
	Recurrent []float32 // H x G*H
	Bias      []float32 // G*H; GRU with ResetAfter: 2 x 3*H, row 0 input, row 1 recurrent
}

// Task says what the head's output means.
type Task int

// Tasks.
const (
	Classification Task = iota // softmax over the head's outputs
	Regression                 // linear head
)

// Network is a trained stack of recurrent layers with a dense head.
type Network struct {
	Name     string
	Steps    int // T of the training sequences
	Features int // F of the first layer
	Layers   []Layer
	Task     Task
	PerStep  bool // the head is applied at every step (sequence labelling), not only the last

	HeadKernel []float32 // H x K, H of the last layer
	HeadBias   []float32 // K
	Outputs    int       // K

	Classes []string // class names, len K, or nil

	// Mean and Std standardize raw features before the first layer,
	// (x-Mean)/Std per feature; nil means raw features go in as they are.
	Mean, Std []float32

	Seed uint64 // of the run that made the weights

	// Facts are the data that the weights were trained on and what was measured, where
	// that is known; nil else. What a field above says is not repeated there.
	Facts *facts.Facts
}
