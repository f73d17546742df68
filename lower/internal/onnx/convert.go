// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Options fix what a file leaves open.
type Options struct {
	Shapes map[string][]int     // of inputs, by name
	Set    map[string][]float64 // values of inputs that never change, one for all elements or one each

	// Known has the values of an input of whole numbers that cannot be fed as real ones, nil
	// where they are not known, either.
	Known func(name string, typ DataType, shape []int) ([]float64, error)
}

// Result is a converted model.
type Result struct {
	Graph *graph.Graph

	// Role names, for every tensor of the graph, what it shares a quantization
	// with: the same value at every step of a recurrent node has one role.
	Role []string

	// Sums are the roles that add up without a bound (the cell state of an LSTM),
	// Carried those of states that every step passes to the next, Bounds what is
	// known of values without data.
	Sums, Carried map[string]bool
	Bounds        map[string][2]float32

	// Ranges are those that a quantized model gives its values, by role.
	Ranges map[string][2]float32

	// Values says where the values of the source are found, in order of execution.
	Values []Value

	// Choices are values of Where whose condition is computed: sums of both sides, each
	// times 0 or 1, which are no numbers where either side is none.
	Choices []string

	// Fixed has the inputs that Options.Set gave, as the evaluator takes them.
	Fixed map[string]*Tensor

	// Assumed says what the file did not, one sentence each.
	Assumed []string
}

// Value is a value of the source in the converted graph: dimension i of the tensor
// is dimension Order[i] of the source; nil where all are in place.
type Value struct {
	Name   string
	Tensor graph.TensorID
	Order  []int
}

// Convert fixes the shapes of a model, folds what no run-time input decides, and
// writes the rest as float operators. Nodes that cannot be had are named together
// in one error, each with what to do.
func Convert(m *Model, o Options) (*Result, error) {
	c := &converter{builder: newBuilder(m.Graph.Name), m: m, res: &Result{Fixed: map[string]*Tensor{}}, constants: map[*Tensor]*value{}}
	s := &scope{values: map[string]*value{}, graph: m.Graph}
	if err := c.inputs(s, o); err != nil {
		return nil, fmt.Errorf("%s: %w", m.File, err)
	}
	c.nodes(s)
	if len(c.refused) > 0 {
		return nil, fmt.Errorf("%s: %w", m.File, c.refusals())
	}
	if err := c.outputs(s); err != nil {
		return nil, fmt.Errorf("%s: %w", m.File, err)
	}
	c.finish()
	if err := c.g.Validate(); err != nil {
		return nil, fmt.Errorf("%s: the converted graph: %w", m.File, err)
	}
	return c.res, nil
}

type converter struct {
	*builder
	m       *Model
	res     *Result
	node    *Node // being converted
	base    string
	refused []error
	turned  map[turn]graph.TensorID

	prefix string // of names in a round of a loop
	rounds int    // of loops so far
	hidden int    // loops that are being unrolled: their values have no place of their own
	normal map[graph.TensorID]normal

	constants map[*Tensor]*value // of the bodies of loops

	ranges map[graph.TensorID][2]float32 // ranges that a quantized model has
	cuts   int                           // places where it cuts values
	pooled float64                       // elements that windows see
}

// turn is a tensor in another order.
type turn struct {
	id    graph.TensorID
	order string
}

// scope holds the values of one graph; a branch sees those around it. A value that
// could not be had is nil.
type scope struct {
	values map[string]*value
	graph  *Graph
	outer  *scope
}

// refusal is what a converter panics with; node recovers it.
type refusal struct{ err error }

// refuse gives the node up, with what to do instead.
func (c *converter) refuse(format string, args ...any) {
	panic(refusal{fmt.Errorf(format, args...)})
}

// caught is deferred to return a refusal as an error; any other panic goes on.
func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case refusal:
		*err = p.err
	default:
		panic(p)
	}
}

func (c *converter) refusals() error {
	const most = 30
	list := c.refused
	if len(list) == 1 {
		return list[0]
	}
	text := fmt.Sprintf("%d nodes cannot be converted:", len(list))
	for i, err := range list {
		if i == most {
			text += fmt.Sprintf("\n  and %d more", len(list)-most)
			break
		}
		text += "\n  " + err.Error()
	}
	return errors.New(text)
}

// find returns a value; missing reports that it is one of a refused node.
func (s *scope) find(c *converter, name string) (v *value, missing bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.values[name]; ok {
			return v, v == nil
		}
		if t := s.graph.Weights[name]; t != nil {
			v := c.fromTensor(name, t)
			s.values[name] = v
			return v, false
		}
	}
	c.refuse("value %q is read, and no input, weight or node before gives it; check the model (onnx.checker.check_model)", name)
	return nil, true
}

func (c *converter) nodes(s *scope) {
	for _, n := range s.graph.Nodes {
		if err := c.convert(s, n); err != nil {
			c.refused = append(c.refused, fmt.Errorf("%s: %w", n.Title(), err))
			for _, out := range n.Outputs {
				s.values[out] = nil
			}
		}
	}
}

// unchanged are operators whose meaning was the same before opset 7.
var unchanged = strings.Fields("Abs Elu Exp Floor Ceil GlobalAveragePool GlobalMaxPool HardSigmoid Identity InstanceNormalization LeakyRelu Log Neg Reciprocal Relu Sigmoid Sqrt Tanh Constant Transpose Softplus Softsign Shape Squeeze Unsqueeze")

func (c *converter) convert(s *scope, n *Node) (err error) {
	defer caught(&err)
	if n.Op == "If" && n.Domain == "" {
		return c.branch(s, n)
	}
	if n.Op == "Loop" && n.Domain == "" {
		return c.loop(s, n)
	}
	if n.Op == "Scan" && n.Domain == "" {
		return c.scan(s, n)
	}
	f := converters[key(n)]
	switch {
	case f == nil && n.Domain != "":
		return fmt.Errorf("operators of domain %q are not ONNX's own; %s", n.Domain, elsewhere(n.Domain))
	case f == nil:
		if why := remedies[n.Op]; why != "" {
			return errors.New(why)
		}
		return errors.New("there is no such operator here; replace it in the model by others, or compute it outside")
	case c.m.Opset < 7 && n.Domain == "" && !slices.Contains(unchanged, n.Op):
		return fmt.Errorf("it had another meaning in opset %d; convert the model to opset 13 (onnx.version_converter)", c.m.Opset)
	}
	in := make([]*value, len(n.Inputs))
	missing := false
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		v, gone := s.find(c, name)
		in[i], missing = v, missing || gone
	}
	if missing { // of a node that is reported already
		for _, out := range n.Outputs {
			s.values[out] = nil
		}
		return nil
	}
	c.node, c.base = n, n.Out(0)
	for i := 1; c.base == "" && i < len(n.Outputs); i++ {
		c.base = n.Outputs[i]
	}
	c.base = c.prefix + c.base
	outs, moved := c.moved(key(n), in, f)
	if !moved {
		takes := min(takesSpecial[plainOp(key(n))], len(in))
		if i := takes + slices.IndexFunc(in[takes:], (*value).special); i >= takes {
			c.refuse("it computes with the integers of a quantized model, %q; put DequantizeLinear before it (onnxruntime.quantization writes QuantFormat.QDQ)", n.In(i))
		}
		outs = f(c, in)
	}
	if _, movement := moving[key(n)]; (movement || keepsTruths[key(n)]) && len(in) > 0 && in[0] != nil && in[0].computedTruth() {
		for i, v := range outs {
			if v != nil && v.ints == nil {
				outs[i] = asTruth(v)
			}
		}
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		if i >= len(outs) || outs[i] == nil {
			return fmt.Errorf("output %d, %q, cannot be had; remove it if nothing needs it", i, name)
		}
		c.define(s, name, outs[i])
	}
	return nil
}

// define names a value.
func (c *converter) define(s *scope, name string, v *value) {
	s.values[name] = v
	if v.ints == nil && c.hidden == 0 && !v.special() {
		c.res.Values = append(c.res.Values, Value{Name: name, Tensor: v.id, Order: v.order})
	}
}

// branch converts the branch that a known condition takes.
func (c *converter) branch(s *scope, n *Node) error {
	cond, missing := s.find(c, n.In(0))
	give := func(values []*value) {
		for i, name := range n.Outputs {
			s.values[name] = nil
			if i < len(values) && values[i] != nil {
				c.define(s, name, values[i])
			}
		}
	}
	if missing {
		give(nil)
		return nil
	}
	if len(cond.ints) != 1 {
		return errors.New("the condition is computed at run time; export the branch that is taken, or fix what decides with --set or --shape")
	}
	name := "else_branch"
	if cond.ints[0] != 0 {
		name = "then_branch"
	}
	a := n.Attrs[name]
	if a == nil || a.Graph == nil || len(a.Graph.Outputs) < len(n.Outputs) {
		return fmt.Errorf("%s is missing, or has too few outputs", name)
	}
	inner := &scope{values: map[string]*value{}, graph: a.Graph, outer: s}
	c.nodes(inner)
	values := make([]*value, len(n.Outputs))
	for i := range values {
		values[i], _ = inner.find(c, a.Graph.Outputs[i].Name)
	}
	give(values)
	return nil
}

// outputs declares the graph's outputs, each a tensor of its own with the name
// that the model gives it.
func (c *converter) outputs(s *scope) (err error) {
	defer caught(&err)
	if len(s.graph.Outputs) == 0 {
		return errors.New("the model has no outputs")
	}
	taken := map[graph.TensorID]bool{}
	for _, id := range c.g.Inputs {
		taken[id] = true
	}
	for _, o := range s.graph.Outputs {
		if slices.ContainsFunc(s.graph.Inputs, func(d *Declared) bool { return d.Name == o.Name }) {
			return fmt.Errorf("output %q is an input as it is, and no tensor can be both; take it off the outputs, or put an Identity between", o.Name)
		}
		c.base = o.Name
		v, _ := s.find(c, o.Name)
		c.real(v, fmt.Sprintf("output %q", o.Name))
		if v.typ == Bool {
			c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("the truth values of output %q are given as 0 and 1", o.Name))
		}
		if v.ints != nil {
			v = c.toFloat(v)
		}
		id := c.plain(v)
		if t := c.g.Tensors[id]; taken[id] || (t.IsConst() && t.Name != o.Name) {
			if t.IsConst() {
				id = c.floats(o.Name, c.constantOf(&value{id: id, shape: v.shape}), v.shape...)
			} else {
				id = c.copy(id)
			}
		}
		if id != v.id || s.graph.Weights[o.Name] != nil { // in place, a copy or a weight: that is what has to be proven, too
			c.res.Values = append(c.res.Values, Value{Name: o.Name, Tensor: id})
		}
		taken[id] = true
		c.rename(id, o.Name)
		c.g.Outputs = append(c.g.Outputs, id)
	}
	return nil
}

// finish simplifies the graph and brings the result into its final form.
func (c *converter) finish() {
	c.simplify()
	keep := c.compact()
	r := c.res
	r.Graph, r.Role = c.g, make([]string, len(c.g.Tensors))
	r.Sums, r.Carried, r.Bounds = map[string]bool{}, map[string]bool{}, map[string][2]float32{}
	for id, t := range c.g.Tensors {
		if !t.IsConst() {
			r.Role[id] = t.Name
		}
	}
	for old, role := range c.role {
		if id := keep[old]; id != graph.None && !c.g.Tensors[id].IsConst() {
			r.Role[id] = role
		}
	}
	maps.Copy(r.Sums, c.sums)
	maps.Copy(r.Carried, c.carried)
	maps.Copy(r.Bounds, c.bounds)
	c.giveRanges(keep)
	values := r.Values[:0]
	for _, v := range r.Values {
		if v.Tensor = keep[v.Tensor]; v.Tensor != graph.None {
			values = append(values, v)
		}
	}
	r.Values = values
}
