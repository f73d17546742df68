// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"
	"strings"
)

// Cell is the kind of a recurrent layer. What is known of it is registered by its
// file in package train/cell.
type Cell int

// Recurrent cells, a row each.
const (
	GRU Cell = iota
	LSTM
	SimpleRNN
	MinGRU
)

// Facts are what shapes and files need to know of a cell.
type Facts struct {
	Name  string // as the command line and files of ours spell it
	Gates int    // blocks of Units columns in the matrices of a layer without an output gate

	// Parameters lists the tensors of a layer, in the order in which files and the
	// drawing of initial values go through them.
	Parameters func(l *Layer) []Parameter

	// Check returns what options of a layer the cell does not have; nil accepts all.
	Check func(l *Layer) error

	// Trainable returns what options of a layer training does not have; nil accepts all.
	Trainable func(l *Layer) error

	// OutputGate says that a layer may have one more gate, which multiplies its output.
	OutputGate bool

	// LowRank says that the recurrent matrix of a layer may be a product of two: see Layer.Rank.
	LowRank bool

	// Torch gives, for each gate in our order, its place in PyTorch's; nil where
	// PyTorch has no such module. Keras is the name of the layer class in file names of
	// Keras, "" where it has none.
	Torch []int
	Keras string
}

// Parameter is one tensor of a layer: where it is kept, row-major, and how it begins.
type Parameter struct {
	Name  string // kernel, recurrent_kernel, bias
	Shape []int
	Data  *[]float32
	Start Start
}

// Elements returns the number of values that the shape holds.
func (p *Parameter) Elements() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Start is the distribution of a tensor's initial values.
type Start int

// Distributions of initial values, Keras'.
const (
	Zeros             Start = iota
	Glorot                  // uniform, by rows and columns of the whole matrix
	Orthogonal              // orthonormal rows
	OrthogonalColumns       // orthonormal columns
	ForgetOne               // zeros, but 1 in the second gate block: the forget gate of an LSTM
)

var registered = map[Cell]*Facts{}

// Register makes a cell known. It panics when the number or the name is taken.
func Register(c Cell, f Facts) {
	for k, r := range registered {
		if k == c || r.Name == f.Name {
			panic(fmt.Sprintf("BUG: cell %d %q is registered as %d %q", c, f.Name, k, r.Name))
		}
	}
	registered[c] = &f
}

// Cells returns the registered cells in the order of their numbers.
func Cells() []Cell {
	var all []Cell
	for c := range registered {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// CellNames returns the names of the cells, joined for a message: "gru, lstm or rnn".
func CellNames() string {
	var names []string
	for _, c := range Cells() {
		names = append(names, registered[c].Name)
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

// Facts returns what is registered of the cell, nil for an unknown one.
func (c Cell) Facts() *Facts { return registered[c] }

func (c Cell) String() string {
	if f := registered[c]; f != nil {
		return f.Name
	}
	return fmt.Sprintf("Cell(%d)", int(c))
}

// Gates returns the number of gate blocks in a layer's matrices.
func (c Cell) Gates() int { return registered[c].Gates }

// ParseCell reads the name of a cell.
func ParseCell(s string) (Cell, error) {
	for c, f := range registered {
		if f.Name == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("unknown cell %q: expected %s", s, CellNames())
}
