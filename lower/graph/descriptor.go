// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"sort"
)

// Descriptor is everything that all stages have to know of an operator kind: its
// name and number, attributes, how many tensors it takes and makes, which types and
// shapes they have, and how a .tflite file says it. What a stage does with the kind
// is a row of that stage's table; see Stage.
type Descriptor struct {
	Kind  Kind
	Name  string // of the TFLite schema
	Class Class

	// Attr is a value of the type that Op.Attr has to have, or nil for none.
	Attr any

	// Inputs and Outputs are the least and the greatest number of tensors.
	Inputs, Outputs Count

	// Optional reports which input positions may be None; nil is none of them.
	Optional func(pos int) bool

	// Writes reports which input positions are variables that the operator leaves a new
	// value in; nil is none of them.
	Writes func(pos int) bool

	// Data names the inputs that carry values and no parameters; the zero value
	// stands for the first input.
	Data Positions

	// Types checks element types and quantization, Shapes returns the shapes of
	// the outputs. Both may rely on the number of tensors. Without Shapes the
	// operator's tensors are its own affair (CUSTOM).
	Types  func(g *Graph, op *Op) error
	Shapes func(g *Graph, op *Op) ([][]int, error)

	// Moves describes a movement as blocks that are copied, for Class Movement.
	Moves func(g *Graph, op *Op) ([]Move, error)

	// Real is the function of real numbers that an operator with one input applies
	// to every element. Kinds that have it need no other row anywhere, unless a
	// kernel computes something else than the rounded function.
	Real func(op *Op, x float64) float64

	// Fixed is the output quantization that kernels take for granted, by type; the
	// zero value where the output has one of its own.
	Fixed Fixed

	// File is how the TFLite schema writes the operator.
	File File
}

// Class says what an operator does with values.
type Class uint8

// Classes of operators.
const (
	Arithmetic Class = iota // makes new values
	Movement                // copies values to other places; one quantization everywhere
	Structural              // exists in files alone: reading a file removes it
	Written                 // exists in files of float32 alone: reading one writes it with others
)

// Count is a least and a greatest number.
type Count struct{ Min, Max int }

// Common counts, and a number of tensors that nothing reaches.
var (
	one   = Count{1, 1}
	two   = Count{2, 2}
	three = Count{3, 3}
)

const many = 1 << 16

func (c Count) String() string {
	switch {
	case c.Min == c.Max:
		return fmt.Sprint(c.Min)
	case c.Max == many:
		return fmt.Sprintf("at least %d", c.Min)
	}
	return fmt.Sprintf("%d to %d", c.Min, c.Max)
}

// Positions is a range of inputs, as an index and a number; the number 0 stands
// for one and a negative one for all that follow.
type Positions struct{ First, N int }

// all are all inputs.
var all = Positions{0, -1}

// Fixed is an output quantization that a kernel prescribes.
type Fixed struct {
	Scale8  float32
	Zero8   int32
	Scale16 float32 // the zero point is 0
}

// File is how the TFLite schema and its runtimes number an operator.
type File struct {
	// Union is the number of the options table in the schema's union, 0 for none.
	Union uint8

	// Fields visits the attributes as fields of the options table. It gets the
	// attributes, or nil, and returns them; the same function reads and writes.
	Fields func(f Fields, attr any) any

	// Versions are the operator versions for float32, int8 and int16 values, and
	// Version, where more decides, the version given that one; 1 without Versions.
	Versions [3]int
	Version  func(g *Graph, op *Op, version int) int

	// Releases has the first TensorFlow release with each version, from version 1.
	Releases []Release
}

// Release is a TensorFlow release.
type Release struct{ Major, Minor int }

// Fields visits the fields of an options table by their slots, reading or writing
// them. What equals the default is not stored.
type Fields interface {
	Byte(slot int, v *uint8, def uint8)
	Bool(slot int, v *bool, def bool)
	Int(slot int, v *int, def int)
	Float(slot int, v *float32)
	Ints(slot int, v *[]int)
	Text(slot int, v *string)
}

var descriptors = map[Kind]*Descriptor{}

// Register adds descriptions. The rows of a family are registered when the package
// is initialized; a program may add kinds of its own before it uses any graph.
func Register(rows ...Descriptor) {
	for i := range rows {
		d := &rows[i]
		if old := descriptors[d.Kind]; old != nil {
			panic(fmt.Sprintf("BUG: operator number %d is both %s and %s", d.Kind, old.Name, d.Name))
		}
		descriptors[d.Kind] = d
	}
}

// Describe returns the description of a kind, nil for one that is not known.
func Describe(k Kind) *Descriptor { return descriptors[k] }

// Kinds returns all kinds that have a description, by number.
func Kinds() []Kind {
	list := make([]Kind, 0, len(descriptors))
	for k := range descriptors {
		list = append(list, k)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

// Writes reports whether the operator leaves a new value in the variable that it has as
// an input.
func (op *Op) Writes(pos int) bool {
	d := descriptors[op.Kind]
	return d != nil && d.Writes != nil && d.Writes(pos)
}

// WritesAny reports whether the operator leaves a new value in any variable.
func (op *Op) WritesAny() bool {
	for pos := range op.Inputs {
		if op.Writes(pos) {
			return true
		}
	}
	return false
}

// DataInputs returns the inputs that carry values and no parameters.
func (op *Op) DataInputs() []TensorID {
	p := Positions{}
	if d := descriptors[op.Kind]; d != nil {
		p = d.Data
	}
	switch {
	case p.First >= len(op.Inputs):
		return nil
	case p.N < 0:
		return op.Inputs[p.First:]
	}
	return op.Inputs[p.First:min(p.First+max(p.N, 1), len(op.Inputs))]
}
