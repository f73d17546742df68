// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"fmt"

	"github.com/unroll-npu/unroll/train/nn"
)

// Value is a tensor of the graph that is being built; None is an absent one, as a
// state that is zero or a bias that is.
type Value int

// None is no tensor.
const None Value = -1

// Builder appends operators to a float graph. Every operator with a result takes the
// name of the new tensor and its role: tensors of one role get one quantization, so
// the steps of a layer share roles. Operators that only move keep the role.
type Builder interface {
	Constant(name string, data []float32, shape ...int) Value

	// FC multiplies the rows of x with w [outputs, inputs] and adds bias, which may be None.
	FC(name, role string, x, w, bias Value) Value
	// Sum is x+y, below zero cut off with relu.
	Sum(name, role string, relu bool, x, y Value) Value
	Sub(name, role string, x, y Value) Value // either may be a scalar
	Mul(name, role string, x, y Value) Value // y may be a scalar
	Logistic(name, role string, x Value) Value
	Tanh(name, role string, x Value) Value
	Relu(name string, x Value) Value // in the role of x

	Split(x Value, axis int, names ...string) []Value
	SplitV(x Value, axis int, sizes []int, names ...string) []Value
	// Join puts tensors of one role side by side along an axis.
	Join(name string, axis int, xs ...Value) Value

	// Find returns the tensor of a name, or None.
	Find(name string) Value
	// Symmetric asks for zero point 0 for a role, or takes that back.
	Symmetric(role string, ask bool)
}

// Blend is the way the npu form computes the new state of a GRU from the old
// state h, the candidate n and the update gate.
type Blend int

// Blends. With u = 1-z, which costs nothing (a gate of negated weights):
const (
	Update Blend = iota // h + u*(n-h): 3 operations, exact where the gate keeps the state
	Keep                // n + z*(h-n): 3 operations, exact where the gate replaces it
	Sum                 // z*h + (1-z)*n: 4 operations, as the converter writes it
)

// Lowering is one layer while its steps are being built.
type Lowering struct {
	Builder
	nn.Layer       // its Name is the one that names tensors begin with
	Steps    int   // of one call
	Tied     bool  // see TiedRole
	Blend    Blend // of a GRU
	// Finals holds the names of the states after the last step where they are outputs.
	Finals map[string]string
	// Zero says that every call starts at zero: what a zero state makes of a product
	// can be folded.
	Zero bool

	S []Value // current states, None for zero
	t int     // being built
}

// time returns the place in time of the step that is built as number t.
func (c *Lowering) time(t int) int {
	if c.Reversed {
		return c.Steps - 1 - t
	}
	return t
}

// H and C are the places of the output and the cell state among the states.
const (
	H = 0
	C = 1
)

// Role names what all steps of the layer share.
func (c *Lowering) Role(what string) string { return c.Name + "/" + what }

// TiedRole returns the role of an operand of an ADD: its own, or with Tied
// the one that it shares with the other operand.
func (c *Lowering) TiedRole(what, to string) string {
	if !c.Tied {
		return c.Role(what)
	}
	// A state of RELU is never negative: around zero it would lose a bit.
	c.Symmetric(c.Role(to), to != "h" || c.Activation == nn.Tanh)
	return c.Role(to)
}

// At names a tensor of the step being built.
func (c *Lowering) At(what string) string {
	return fmt.Sprintf("%s/t%02d/%s", c.Name, c.time(c.t), what)
}

// StateName returns the name of the tensor that holds a state after the step
// being built: the last one is the state output.
func (c *Lowering) StateName(what string) string {
	if name := c.Finals[what]; name != "" && c.t == c.Steps-1 {
		return name
	}
	return c.At(what)
}

// Weights adds a constant matrix of the layer.
func (c *Lowering) Weights(what string, m Weights) Value {
	return c.Constant(c.Role(what), m.Data, m.Outputs, m.Inputs)
}

// BiasOf adds a constant bias of the layer, or none when it is all zero.
func (c *Lowering) BiasOf(what string, v []float32) Value {
	if allZero(v) {
		return None
	}
	return c.Constant(c.Role(what), v, len(v))
}

// Run builds all steps with the given step function and returns every output.
func (c *Lowering) Run(step func(t int)) []Value {
	var hs []Value
	for t := range c.Steps {
		c.t = t
		step(t)
		hs = append(hs, c.S[H])
	}
	return hs
}

// Project multiplies all steps' inputs with the input weights at once and
// returns the row of each step, an address into the product.
func (c *Lowering) Project(x Value, w Weights, bias []float32) []Value {
	xp := c.FC(c.Role("xp"), c.TiedRole("xp", "pre"), x, c.Weights("kernel", w), c.BiasOf("bias", bias))
	return c.Split(xp, 0, c.eachStep("x")...)
}

// eachStep returns the names of something that every step has.
func (c *Lowering) eachStep(what string) []string {
	names := make([]string, c.Steps)
	for t := range names {
		names[t] = fmt.Sprintf("%s/t%02d/%s", c.Name, c.time(t), what)
	}
	return names
}

// Reduced returns what the recurrent matrix is multiplied with, the state or with a rank what
// that is brought to first.
func (c *Lowering) Reduced() Value {
	if c.Rank == 0 {
		return c.S[H]
	}
	w := c.Find(c.Role("reduction"))
	if w == None {
		w = c.Weights("reduction", Turn(c.Reduce, c.Units, c.Rank, 0, c.Rank))
	}
	return c.FC(c.At("low"), c.Role("low"), c.S[H], w, None)
}

// candidate applies the candidate activation to x+y.
func (c *Lowering) candidate(what string, x, y Value) Value {
	if c.Activation == nn.Relu {
		return c.Sum(c.At(what), c.Role(what), true, x, y)
	}
	pre := c.Sum(c.At("pre_"+what), c.Role("pre_"+what), false, x, y)
	return c.Tanh(c.At(what), c.Role(what), pre)
}

// activate applies the candidate activation to x alone. The result of a RELU
// keeps the role of x: the operator is exact only without a change of scale.
func (c *Lowering) activate(what string, x Value) Value {
	if c.Activation == nn.Relu {
		return c.Relu(c.At(what), x)
	}
	return c.Tanh(c.At(what), c.Role(what), x)
}

// oneScalar returns the constant 1 of the layer.
func (c *Lowering) oneScalar() Value {
	if id := c.Find(c.Role("one")); id != None {
		return id
	}
	return c.Constant(c.Role("one"), []float32{1})
}
