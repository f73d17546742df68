// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// newest is the last opset whose operators are known.
const newest = 26

// inputs declares the graph's inputs, with fixed shapes.
func (c *converter) inputs(s *scope, o Options) (err error) {
	defer caught(&err)
	if c.m.Opset > newest {
		c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("operators mean what they do in opset %d: the model is of %d, which is not known here; export with opset %d or before", newest, c.m.Opset, newest))
	}
	var names []string
	known := map[string]bool{}
	for _, in := range c.m.Graph.Inputs {
		if c.m.Graph.Weights[in.Name] == nil || o.Set[in.Name] != nil {
			names = append(names, in.Name)
			known[in.Name] = true
		}
	}
	for _, given := range []struct {
		what  string
		names []string
	}{{"--shape", keys(o.Shapes)}, {"--set", keys(o.Set)}} {
		for _, name := range given.names {
			if !known[name] {
				return fmt.Errorf("%s %s: there is no such input; the model has %q", given.what, name, names)
			}
		}
	}
	sizes := map[string]int{} // of named dimensions
	for _, in := range c.m.Graph.Inputs {
		if given, ok := o.Shapes[in.Name]; ok {
			if err := bind(in, given, sizes); err != nil {
				return err
			}
		}
	}
	var open []string
	for _, in := range c.m.Graph.Inputs {
		if !known[in.Name] {
			continue
		}
		if in.Kind != "tensor" {
			return fmt.Errorf("input %q is no tensor (%s); export the model with tensors alone", in.Name, in.Kind)
		}
		set := o.Set[in.Name]
		shape, problems, assumed := fix(in, o.Shapes[in.Name], sizes, len(set))
		if len(problems) > 0 {
			open = append(open, problems...)
			continue
		}
		c.res.Assumed = append(c.res.Assumed, assumed...)
		if _, err := Elems(shape); err != nil {
			return fmt.Errorf("input %q: %w", in.Name, err)
		}
		if set != nil {
			if err := c.setInput(s, in, shape, set); err != nil {
				return err
			}
			continue
		}
		if in.Type == Bool {
			c.base = in.Name + "/truth"
			id := c.fed(in.Name, shape)
			c.g.Inputs = append(c.g.Inputs, id)
			c.define(s, in.Name, asTruth(c.nonzero(&value{typ: Float, shape: shape, id: id}, c.base)))
			c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("input %q is bool in the file, and fed with numbers: 0 is false, any other one true", in.Name))
			continue
		}
		if !in.Type.IsFloat() && in.Type.Size() > 0 && c.m.Graph.castAtOnce(in.Name) {
			id := c.fed(in.Name, shape)
			c.g.Inputs = append(c.g.Inputs, id)
			c.define(s, in.Name, &value{typ: Float, shape: shape, id: id})
			c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("input %q is %v in the file, and fed with whole numbers as float32: the model turns it into real ones before anything else", in.Name, in.Type))
			continue
		}
		if !in.Type.IsFloat() && o.Known != nil {
			v, err := o.Known(in.Name, in.Type, shape)
			if err != nil {
				return err
			}
			if v != nil {
				if err := c.setInput(s, in, shape, v); err != nil {
					return err
				}
				c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("input %q is %v and the model computes with whole numbers: it is fixed at what it is fed with", in.Name, in.Type))
				continue
			}
		}
		if !in.Type.IsFloat() {
			text := fmt.Sprintf("input %q is %v, and only float inputs can be fed; if it never changes, fix it with --set %s=VALUE", in.Name, in.Type, in.Name)
			if table := c.m.Graph.table(in.Name); table != nil {
				text += fmt.Sprintf(". It picks rows of a table (%s): export the model from behind the table on (in PyTorch, feed embedding(tokens) to the layers that follow), and look the rows up in the application", table.Title())
			}
			open = append(open, text)
			continue
		}
		id := c.fed(in.Name, shape)
		c.g.Inputs = append(c.g.Inputs, id)
		c.define(s, in.Name, &value{typ: in.Type, shape: shape, id: id})
	}
	if open != nil {
		return fmt.Errorf("%s", strings.Join(open, "\n  "))
	}
	return nil
}

// setInput makes an input the constant that it is given as.
func (c *converter) setInput(s *scope, in *Declared, shape []int, set []float64) error {
	t, err := setTensor(in, shape, set)
	if err != nil {
		return err
	}
	c.res.Fixed[in.Name] = t
	s.values[in.Name] = c.fromTensor(in.Name, t)
	return nil
}

// castAtOnce reports whether all that reads an input of whole numbers turns it into real ones,
// perhaps behind operators that move elements.
func (g *Graph) castAtOnce(input string) bool {
	whole, casts := map[string]bool{input: true}, 0
	for _, n := range g.Nodes {
		for _, a := range n.Attrs {
			if a.Graph != nil && a.Graph.reads(whole) {
				return false
			}
		}
		for i := range n.Inputs {
			if !whole[n.In(i)] {
				continue
			}
			switch {
			case n.Domain != "" && n.Domain != "ai.onnx" || i > 0:
				return false
			case n.Op == "Cast" && DataType(n.Int("to", 0)).IsFloat():
				casts++
			case slices.Contains([]string{"Identity", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Flatten"}, n.Op):
				whole[n.Out(0)] = true
			default:
				return false
			}
		}
	}
	return casts > 0 && !slices.ContainsFunc(g.Outputs, func(o *Declared) bool { return whole[o.Name] })
}

// reads reports whether any node of a branch or a body reads one of some values.
func (g *Graph) reads(names map[string]bool) bool {
	for _, n := range g.Nodes {
		for i := range n.Inputs {
			if names[n.In(i)] {
				return true
			}
		}
		for _, a := range n.Attrs {
			if a.Graph != nil && a.Graph.reads(names) {
				return true
			}
		}
	}
	return slices.ContainsFunc(g.Outputs, func(o *Declared) bool { return names[o.Name] })
}

// table returns the node that picks rows by the whole numbers of an input, as an embedding
// does, nil if there is none. What only changes shape or width of the numbers is looked
// through.
func (g *Graph) table(input string) *Node {
	same := map[string]bool{input: true}
	for _, n := range g.Nodes {
		switch n.Op {
		case "Gather":
			if same[n.In(1)] {
				return n
			}
		case "Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Flatten":
			if same[n.In(0)] {
				same[n.Out(0)] = true
			}
		}
	}
	return nil
}

func keys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// bind checks a given shape against the declaration and notes the named dimensions.
func bind(in *Declared, given []int, sizes map[string]int) error {
	fits := !in.Ranked || len(given) == len(in.Dims)
	for i := 0; fits && in.Ranked && i < len(given); i++ {
		d := in.Dims[i]
		fits = given[i] > 0 && (d.Size < 0 || int(d.Size) == given[i] || d.Size == 0)
		if d.Size < 0 && d.Name != "" {
			if old, ok := sizes[d.Name]; ok && old != given[i] {
				return fmt.Errorf("input %q has %d along %q, another input has %d", in.Name, given[i], d.Name, old)
			}
			sizes[d.Name] = given[i]
		}
	}
	if !fits {
		return fmt.Errorf("input %q: shape %v does not fit %s", in.Name, given, in.shapeString())
	}
	return nil
}

// fix returns the shape of an input, or what is open about it.
func fix(in *Declared, given []int, sizes map[string]int, set int) (shape []int, open, assumed []string) {
	if given != nil {
		return given, nil, nil
	}
	if !in.Ranked {
		if set == 1 {
			return []int{}, nil, nil
		}
		return nil, []string{fmt.Sprintf("input %q has no shape in the file: give --shape %s=1,…", in.Name, in.Name)}, nil
	}
	shape = []int{}
	for i, d := range in.Dims {
		size, named := sizes[d.Name]
		switch {
		case d.Size > 0 && d.Size <= MaxElements:
			shape = append(shape, int(d.Size))
		case d.Size > 0:
			return nil, []string{fmt.Sprintf("input %q has %d elements along dimension %d; at most %d are read", in.Name, d.Size, i, MaxElements)}, nil
		case d.Name != "" && named:
			shape = append(shape, size)
		case set > 1 && len(in.Dims) == 1:
			shape = append(shape, set)
		case IsBatch(d.Name, i) || set == 1:
			shape = append(shape, 1)
			if d.Name != "" {
				sizes[d.Name] = 1
			}
			assumed = append(assumed, fmt.Sprintf("a batch of 1: dimension %d of input %q is open; say --shape %s=… for another", i, in.Name, in.Name))
		default:
			name := ""
			if d.Name != "" {
				name = fmt.Sprintf(" (%q)", d.Name)
			}
			return nil, []string{fmt.Sprintf("input %q is %s and dimension %d%s is open: give --shape %s=%s", in.Name, in.shapeString(), i, name, in.Name, in.example())}, nil
		}
	}
	return shape, nil, assumed
}

// IsBatch reports whether an open dimension is the batch by its name, or is the
// first and has no name that a person gave.
func IsBatch(name string, i int) bool {
	low := strings.ToLower(name)
	switch {
	case strings.Contains(low, "batch"), low == "n", low == "b", low == "bs":
		return true
	}
	return i == 0 && (name == "" || strings.HasPrefix(low, "unk_"))
}

func (v *Declared) shapeString() string {
	var parts []string
	for _, d := range v.Dims {
		switch {
		case d.Size >= 0:
			parts = append(parts, fmt.Sprint(d.Size))
		case d.Name != "":
			parts = append(parts, d.Name)
		default:
			parts = append(parts, "?")
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// example is a shape for --shape with the open dimensions left to the user.
func (v *Declared) example() string {
	var parts []string
	for i, d := range v.Dims {
		switch {
		case d.Size >= 0:
			parts = append(parts, fmt.Sprint(d.Size))
		case IsBatch(d.Name, i):
			parts = append(parts, "1")
		default:
			parts = append(parts, "…")
		}
	}
	return strings.Join(parts, ",")
}

// Given is the shape as --shape takes it, with the names of open dimensions.
func (v *Declared) Given() string {
	var parts []string
	for i, d := range v.Dims {
		switch {
		case d.Size > 0:
			parts = append(parts, fmt.Sprint(d.Size))
		case IsBatch(d.Name, i):
			parts = append(parts, "1")
		default:
			parts = append(parts, d.Name)
		}
	}
	return strings.Join(parts, ",")
}

// setTensor makes the constant that stands for an input.
func setTensor(in *Declared, shape []int, set []float64) (*Tensor, error) {
	n, err := Elems(shape)
	if err != nil || len(set) != 1 && len(set) != n {
		return nil, fmt.Errorf("--set %s: %d values, expected 1 or one for each of the %d elements of shape %v", in.Name, len(set), n, shape)
	}
	t := &Tensor{Name: in.Name, Type: in.Type, Shape: shape}
	if t.Type == Float16 || t.Type == BFloat16 { // as all numbers are computed here
		t.Type = Float
	}
	for i := range n {
		v := set[i%len(set)]
		if !in.Type.Holds(v) {
			return nil, fmt.Errorf("--set %s: %v is no %v", in.Name, v, in.Type)
		}
		switch t.Type {
		case Float:
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32(v)))
		case Double:
			t.Data = binary.LittleEndian.AppendUint64(t.Data, math.Float64bits(v))
		default:
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(int64(v)))[:len(t.Data)+t.Type.Size()]
		}
	}
	return t, t.check()
}
