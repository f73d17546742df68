// SPDX-License-Identifier: Apache-2.0

package nn

import (
	"fmt"
	"slices"
)

// Kind is what a layer of a network does.
type Kind int

// Kinds of layers. Each maps a sequence of T rows to a sequence of T rows, but for
// Pooling, which maps it to one row.
const (
	Recurrent     Kind = iota // a Cell
	Dense                     // y(t) = act(x(t).Kernel + Bias)
	Convolution               // y(t) = act([x(t-Window+1) … x(t)].Kernel + Bias), zeros before the first row
	Concatenation             // the inputs' features side by side
	Activate                  // the activation alone
	Pooling                   // one row out of all: see Pool
)

var kinds = [...]string{"recurrent", "dense", "convolution", "concatenation", "activation", "pooling"}

func (k Kind) String() string {
	if k >= 0 && int(k) < len(kinds) {
		return kinds[k]
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// ParseKind reads the name of a kind of layer.
func ParseKind(s string) (Kind, error) {
	if i := slices.Index(kinds[:], s); i >= 0 {
		return Kind(i), nil
	}
	return 0, fmt.Errorf("unknown kind of layer %q: expected one of %v", s, kinds)
}

// Activation is the candidate activation of a cell, or that of another layer.
type Activation int

// Activations. A cell takes Tanh or Relu.
const (
	Tanh Activation = iota
	Relu
	Sigmoid
	Linear
)

var activations = [...]string{"tanh", "relu", "sigmoid", "linear"}

func (a Activation) String() string {
	if a >= 0 && int(a) < len(activations) {
		return activations[a]
	}
	return fmt.Sprintf("Activation(%d)", int(a))
}

// ParseActivation reads the name of an activation.
func ParseActivation(s string) (Activation, error) {
	if i := slices.Index(activations[:], s); i >= 0 {
		return Activation(i), nil
	}
	return 0, fmt.Errorf("unknown activation %q: expected one of %v", s, activations)
}

// Pool is what a Pooling makes of the rows of a sequence.
type Pool int

// Pools, feature by feature.
const (
	PoolMean Pool = iota
	PoolMax
	PoolLast  // the row of the last step
	PoolFirst // the row of the first step: the last one that a Reversed layer computes
)

var pools = [...]string{"mean", "max", "last", "first"}

func (p Pool) String() string {
	if p >= 0 && int(p) < len(pools) {
		return pools[p]
	}
	return fmt.Sprintf("Pool(%d)", int(p))
}

// ParsePool reads the name of a pool.
func ParsePool(s string) (Pool, error) {
	if i := slices.Index(pools[:], s); i >= 0 {
		return Pool(i), nil
	}
	return 0, fmt.Errorf("unknown pooling %q: expected one of %v", s, pools)
}

// Input is the name of the network's input among the inputs of a layer.
const Input = "input"

// Layer is a node of a network: it reads the layers that it names and is read by
// those that name it. Its tensors are in Keras' layout, row-major float32, with F
// input features, H units and G = Cell.Gates() gate blocks.
type Layer struct {
	Kind Kind
	// Name is unique in the network; "" stands for the cell's or the kind's name and
	// the layer's number: gru0.
	Name string
	// Inputs name other layers, or "input"; nil is the layer before, of the first
	// layer the network's input. Only a concatenation has more than one.
	Inputs []string

	Cell       Cell // of a recurrent layer
	Features   int  // F, of all inputs together
	Units      int  // H, features of the output
	Activation Activation
	ResetAfter bool // GRU only; false is the classic variant with one bias
	OutputGate bool // MinGRU only
	// Rank, where it is not 0, is that of the recurrent matrix of a GRU with ResetAfter, an LSTM
	// or a SimpleRNN: it is then the product of Reduce and Recurrent, and the state goes through
	// Rank values on its way to the gates.
	Rank int
	// Reversed has a recurrent layer run from the last row to the first; its output is
	// in the order of its input all the same.
	Reversed bool
	Pool     Pool // of a Pooling
	// Window is the number of rows that a recurrent layer or a convolution sees at a step,
	// the latest last, zeros before the first; 0 is 1.
	Window int

	Kernel    []float32 // Window*F x G*H; Window*F x H of a dense layer or a convolution
	Reduce    []float32 // H x Rank where there is one
	Recurrent []float32 // H x G*H, or Rank x G*H
	Bias      []float32 // G*H; GRU with ResetAfter: 2 x 3*H, row 0 input, row 1 recurrent
}

// Parameters lists the tensors of the layer.
func (l *Layer) Parameters() []Parameter {
	switch l.Kind {
	case Recurrent:
		return l.Cell.Facts().Parameters(l)
	case Dense, Convolution:
		return []Parameter{
			{"kernel", []int{l.Width(), l.Units}, &l.Kernel, Glorot},
			{"bias", []int{l.Units}, &l.Bias, Zeros},
		}
	}
	return nil
}

// Width returns the number of values that the layer sees at a step: the rows of its
// kernel.
func (l *Layer) Width() int { return max(l.Window, 1) * l.Features }

// Columns returns the number of columns of the layer's kernel: G*H of a recurrent one.
func (l *Layer) Columns() int {
	if l.Kind != Recurrent {
		return l.Units
	}
	gates := l.Cell.Gates()
	if l.OutputGate {
		gates++
	}
	return gates * l.Units
}

// Carried returns the number of values of the state that the gates see: the rows of the
// recurrent kernel.
func (l *Layer) Carried() int {
	if l.Rank > 0 {
		return l.Rank
	}
	return l.Units
}

// Classic returns the tensors that the cells with a recurrent matrix have.
// biasRows is 1, or 2 where the recurrent product has a bias of its own.
func (l *Layer) Classic(biasRows int, bias Start) []Parameter {
	cols := l.Columns()
	shape := []int{cols}
	if biasRows > 1 {
		shape = []int{biasRows, cols}
	}
	all := []Parameter{{"kernel", []int{l.Width(), cols}, &l.Kernel, Glorot}}
	if l.Rank > 0 {
		all = append(all, Parameter{"recurrent_reduction", []int{l.Units, l.Rank}, &l.Reduce, OrthogonalColumns})
	}
	return append(all,
		Parameter{"recurrent_kernel", []int{l.Carried(), cols}, &l.Recurrent, Orthogonal},
		Parameter{"bias", shape, &l.Bias, bias})
}
