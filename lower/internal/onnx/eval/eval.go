// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// Bounds of one run, far above what a network for a microcontroller takes.
const (
	maxElements = 1 << 25 // of all values that are made
	maxWork     = 1 << 32 // multiplications and the like
)

// Evaluator runs one model.
type Evaluator struct {
	m *onnx.Model
	// Visit, when not nil, sees every value as it is made, in order of execution,
	// also those inside the branches of If that are taken.
	Visit func(name string, value *Array)

	// Real leaves out the roundings of computed values to integers of quantized models and
	// to half precision, so that what is computed is the network of real numbers that such
	// a model stands for. Values beyond the range of a quantized type are still cut.
	Real bool

	// Still has the inputs that never change. What follows from them and from constants
	// alone has its roundings also where Real is set.
	Still map[string]bool
}

// New returns an evaluator of the model.
func New(m *onnx.Model) *Evaluator { return &Evaluator{m: m} }

// Run computes the graph's outputs, in order. Inputs that have an initializer may
// be left out. Errors name the node.
func (e *Evaluator) Run(inputs map[string]*Array) ([]*Array, error) {
	r := &run{m: e.m, visit: e.Visit, elements: maxElements, work: maxWork, real: e.Real, still: e.Still, fed: map[string]bool{}, constant: map[spot]bool{}}
	s := &scope{values: map[string]*Array{}, graph: e.m.Graph}
	for _, in := range e.m.Graph.Inputs {
		a := inputs[in.Name]
		if a == nil && e.m.Graph.Weights[in.Name] == nil {
			return nil, fmt.Errorf("%s: input %q is not given", e.m.File, in.Name)
		}
		if a != nil {
			s.values[in.Name], r.fed[in.Name] = a, true
			r.show(in.Name, a)
		}
	}
	out, err := r.graph(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.m.File, err)
	}
	return out, nil
}

type run struct {
	m        *onnx.Model
	visit    func(string, *Array)
	elements int
	work     int64
	rounds   int // of loops

	real     bool
	still    map[string]bool
	fed      map[string]bool // inputs that are given
	constant map[spot]bool
}

// scope holds the values of one graph; a branch sees those around it.
type scope struct {
	values map[string]*Array
	graph  *onnx.Graph
	outer  *scope
}

func (r *run) show(name string, a *Array) {
	if r.visit != nil {
		r.visit(name, a)
	}
}

func (s *scope) find(name string) (*Array, error) {
	for ; s != nil; s = s.outer {
		if a := s.values[name]; a != nil {
			return a, nil
		}
		if t := s.graph.Weights[name]; t != nil {
			a, err := FromTensor(t)
			s.values[name] = a
			return a, err
		}
	}
	return nil, fmt.Errorf("value %q is read before any node computes it", name)
}

// graph runs the nodes in the order they are written, which has to be one of
// execution.
func (r *run) graph(s *scope) ([]*Array, error) {
	for _, n := range s.graph.Nodes {
		outs, err := r.node(s, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.Title(), err)
		}
		for i, a := range outs {
			if name := n.Out(i); name != "" && a != nil {
				s.values[name] = a
				r.show(name, a)
			}
		}
	}
	var out []*Array
	for _, o := range s.graph.Outputs {
		a, err := s.find(o.Name)
		if err != nil {
			return nil, fmt.Errorf("output: %w", err)
		}
		out = append(out, a)
	}
	return out, nil
}

// call is one node with its inputs; absent ones are nil.
type call struct {
	*run
	*onnx.Node
	in    []*Array
	scope *scope
}

// operator computes the outputs of a node.
type operator func(c *call) ([]*Array, error)

// operators is filled by the files that hold them.
var operators = map[string]operator{}

func register(ops map[string]operator) bool {
	for name, f := range ops {
		operators[name] = f
	}
	return true
}

func (r *run) node(s *scope, n *onnx.Node) ([]*Array, error) {
	if n.Op == "If" && n.Domain == "" {
		return r.branch(s, n)
	}
	if n.Op == "Loop" && n.Domain == "" {
		return r.loop(s, n)
	}
	if n.Op == "Scan" && n.Domain == "" {
		return r.scan(s, n)
	}
	key := n.Op
	if n.Domain != "" {
		key = n.Domain + "." + n.Op
	}
	f := operators[key]
	if f == nil {
		return nil, errors.New("the operator is not known to the evaluator")
	}
	c := &call{run: r, Node: n, scope: s}
	for _, name := range n.Inputs {
		if name == "" {
			c.in = append(c.in, nil)
			continue
		}
		a, err := s.find(name)
		if err != nil {
			return nil, err
		}
		c.in = append(c.in, a)
	}
	return f(c)
}

func (r *run) branch(s *scope, n *onnx.Node) ([]*Array, error) {
	cond, err := s.find(n.In(0))
	if err != nil {
		return nil, err
	}
	if len(cond.Data) != 1 {
		return nil, fmt.Errorf("the condition has %d elements, expected 1", len(cond.Data))
	}
	name := "else_branch"
	if cond.Data[0] != 0 {
		name = "then_branch"
	}
	a := n.Attrs[name]
	if a == nil || a.Graph == nil {
		return nil, fmt.Errorf("there is no %s", name)
	}
	return r.graph(&scope{values: map[string]*Array{}, graph: a.Graph, outer: s})
}

// arg returns input i, or an error where it is left out.
func (c *call) arg(i int) (*Array, error) {
	if i >= len(c.in) || c.in[i] == nil {
		return nil, fmt.Errorf("input %d is missing", i)
	}
	return c.in[i], nil
}

// opt returns input i, or nil.
func (c *call) opt(i int) *Array {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}

// make returns an array of zeros, charged to the run's budget.
func (c *call) make(t onnx.DataType, shape []int) (*Array, error) {
	n, err := onnx.Elems(shape)
	if err != nil {
		return nil, err
	}
	if c.elements -= n; c.elements < 0 {
		return nil, fmt.Errorf("the values up to here have more than %d elements, which is the limit", maxElements)
	}
	return &Array{Type: t, Shape: append([]int{}, shape...), Data: make([]float64, n)}, nil
}

// spend charges work to the run's budget.
func (c *call) spend(factors ...int) error {
	n := 1.0
	for _, f := range factors {
		n *= float64(f)
	}
	if n > float64(c.work) {
		c.work = 0
		return fmt.Errorf("the model up to here takes more than %g operations, which is the limit", float64(maxWork))
	}
	c.work -= int64(n)
	return nil
}

// intsAt returns a list that newer opsets give as input i and older ones as an
// attribute; nil where neither is there.
func (c *call) intsAt(i int, attr string) []int {
	if a := c.opt(i); a != nil {
		return a.ints()
	}
	return toInts(c.Ints(attr))
}

func (c *call) opset() int64 { return c.m.Opset }
