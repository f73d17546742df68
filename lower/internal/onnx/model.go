// SPDX-License-Identifier: Apache-2.0

package onnx

import "fmt"

// Model is an ONNX file as it is written.
type Model struct {
	File     string // for messages
	IR       int64
	Producer string
	Opset    int64            // of the default domain
	Domains  map[string]int64 // opset of every domain that is imported
	Graph    *Graph
}

// Graph is a list of nodes over named values; also the body of an If.
type Graph struct {
	Name    string
	Nodes   []*Node
	Weights map[string]*Tensor // initializers
	Inputs  []*Declared        // may repeat initializers, which are then defaults
	Outputs []*Declared
}

// Declared is the declaration of a graph input or output.
type Declared struct {
	Name string
	Kind string // "tensor", or what else the file declares
	Type DataType
	Dims []Dim // nil where the file gives no shape, see Ranked

	Ranked bool // the number of dimensions is known
}

// Dim is one dimension: a size, or open (Size < 0) with a name or none.
type Dim struct {
	Size int64
	Name string
}

// Open reports whether a dimension has no size in the file.
func (v *Declared) Open() bool {
	for _, d := range v.Dims {
		if d.Size <= 0 {
			return true
		}
	}
	return false
}

// Node is one operator. Optional inputs and outputs that are left out are "".
type Node struct {
	Name, Op, Domain string
	Inputs, Outputs  []string
	Attrs            map[string]*Attr

	// Overload tells functions of one name apart. Read leaves no calls of functions.
	Overload string
}

// Attr is one attribute; the field that its kind names is set.
type Attr struct {
	Float   float32
	Int     int64
	String  string
	Tensor  *Tensor
	Graph   *Graph
	Floats  []float32
	Ints    []int64
	Strings []string

	// Ref is the attribute of the function around it that is taken, in the body of one.
	Ref string
}

// In returns the name of input i, "" where it is left out.
func (n *Node) In(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// Out returns the name of output i, "" where nothing takes it.
func (n *Node) Out(i int) string {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return ""
}

// Has reports whether the attribute is given.
func (n *Node) Has(attr string) bool { return n.Attrs[attr] != nil }

// Int returns an integer attribute, or its default.
func (n *Node) Int(attr string, def int64) int64 {
	if a := n.Attrs[attr]; a != nil {
		return a.Int
	}
	return def
}

// Float returns a float attribute, or its default.
func (n *Node) Float(attr string, def float32) float32 {
	if a := n.Attrs[attr]; a != nil {
		return a.Float
	}
	return def
}

// Text returns a string attribute, or its default.
func (n *Node) Text(attr, def string) string {
	if a := n.Attrs[attr]; a != nil {
		return a.String
	}
	return def
}

// Ints returns a list attribute, or nil.
func (n *Node) Ints(attr string) []int64 {
	if a := n.Attrs[attr]; a != nil {
		return a.Ints
	}
	return nil
}

// Strings returns a list of strings, or nil.
func (n *Node) Strings(attr string) []string {
	if a := n.Attrs[attr]; a != nil {
		return a.Strings
	}
	return nil
}

// Title names a node in messages, by its name or its first output.
func (n *Node) Title() string {
	op := n.Op
	if n.Domain != "" && n.Domain != "ai.onnx" {
		op = n.Domain + "." + n.Op
	}
	if n.Name != "" {
		return fmt.Sprintf("%s %q", op, n.Name)
	}
	for _, out := range n.Outputs {
		if out != "" {
			return fmt.Sprintf("%s (output %q)", op, out)
		}
	}
	return op
}
