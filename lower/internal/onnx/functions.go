// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// function is an operator that a model defines by others (a FunctionProto).
type function struct {
	name, domain, overload string
	inputs, outputs        []string
	defaults               map[string]*Attr // of attributes that a call may leave out
	nodes                  []*Node
	opset                  int64 // of the default domain, 0 where the body has none of its operators
}

// functionKey is what a call names.
type functionKey struct{ domain, name, overload string }

// domainOf writes ONNX's own domain in one way.
func domainOf(s string) string {
	if s == "ai.onnx" {
		return ""
	}
	return s
}

func (r *reader) function(b []byte) (*function, error) {
	f := &function{defaults: map[string]*Attr{}}
	err := fields(b, func(n protowire.Number, v []byte, _ uint64) error {
		switch n {
		case 1:
			f.name = string(v)
		case 4:
			f.inputs = append(f.inputs, string(v))
		case 5:
			f.outputs = append(f.outputs, string(v))
		case 7:
			if r.nodes++; r.nodes > maxNodes {
				return fmt.Errorf("more than %d nodes", maxNodes)
			}
			node, err := r.node(v, 0)
			f.nodes = append(f.nodes, node)
			return err
		case 9:
			domain, version, err := opsetImport(v)
			if domainOf(domain) == "" {
				f.opset = version
			}
			return err
		case 10:
			f.domain = domainOf(string(v))
		case 11:
			name, a, err := r.attr(v, 0)
			f.defaults[name] = a
			return err
		case 13:
			f.overload = string(v)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("function %q: %w", f.name, err)
	}
	return f, nil
}

// opsetImport reads an OperatorSetIdProto.
func opsetImport(b []byte) (domain string, version int64, err error) {
	err = fields(b, func(n protowire.Number, v []byte, x uint64) error {
		switch n {
		case 1:
			domain = string(v)
		case 2:
			version = int64(x)
		}
		return nil
	})
	return domain, version, err
}

// inliner writes the bodies of functions in the place of their calls. Every name of a
// body gets the call in front, so that no two calls share one.
type inliner struct {
	functions map[functionKey]*function
	opset     int64
	nodes     int // that are written, against maxNodes
	calls     int
}

// inline takes all calls out of the model's graph, also those within branches and loops.
func (m *Model) inline(functions []*function) error {
	in := &inliner{functions: map[functionKey]*function{}, opset: m.Opset}
	for _, f := range functions {
		key := functionKey{f.domain, f.name, f.overload}
		if in.functions[key] != nil {
			return fmt.Errorf("function %q of domain %q is defined twice", f.name, f.domain)
		}
		in.functions[key] = f
	}
	return in.graph(m.Graph, 0)
}

func (in *inliner) graph(g *Graph, depth int) (err error) {
	g.Nodes, err = in.list(g.Nodes, depth)
	return err
}

func (in *inliner) list(nodes []*Node, depth int) ([]*Node, error) {
	var out []*Node
	for _, n := range nodes {
		if in.nodes++; in.nodes > maxNodes {
			return nil, fmt.Errorf("with the functions written out there are more than %d nodes", maxNodes)
		}
		f := in.functions[functionKey{n.Domain, n.Op, n.Overload}]
		if f == nil {
			for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
				a := n.Attrs[name]
				if a.Ref != "" {
					return nil, fmt.Errorf("attribute %q of %s is that of a function, %q, but stands in none", name, n.Title(), a.Ref)
				}
				if a.Graph != nil {
					if err := in.graph(a.Graph, depth); err != nil {
						return nil, err
					}
				}
			}
			out = append(out, n)
			continue
		}
		if depth >= maxDepth {
			return nil, fmt.Errorf("%s: functions call each other more than %d deep", n.Title(), maxDepth)
		}
		body, err := in.call(n, f)
		if err == nil {
			body, err = in.list(body, depth+1)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, body...)
	}
	return out, nil
}

// call returns the nodes that a call stands for.
func (in *inliner) call(n *Node, f *function) ([]*Node, error) {
	if len(n.Inputs) > len(f.inputs) || len(n.Outputs) > len(f.outputs) {
		return nil, fmt.Errorf("%s has %d inputs and %d outputs, its function %d and %d", n.Title(), len(n.Inputs), len(n.Outputs), len(f.inputs), len(f.outputs))
	}
	if f.opset != 0 && f.opset != in.opset {
		return nil, fmt.Errorf("function %q is written in opset %d, the model in opset %d; convert the model to one (onnx.version_converter)", f.name, f.opset, in.opset)
	}
	in.calls++
	b := &inlined{in: in, call: n, prefix: fmt.Sprintf("%s/%d/", f.name, in.calls), names: map[string]string{"": ""}, attrs: maps.Clone(f.defaults)}
	for name, a := range n.Attrs {
		b.attrs[name] = a
	}
	for i, name := range f.inputs {
		b.names[name] = n.In(i) // "" where the call leaves it out
	}
	var copies []*Node
	for i, name := range f.outputs {
		switch given, isInput := b.names[name]; {
		case n.Out(i) == "":
		case isInput: // an input, or an output a second time, is handed on
			copies = append(copies, &Node{Op: "Identity", Inputs: []string{given}, Outputs: []string{n.Out(i)}, Attrs: map[string]*Attr{}})
		default:
			b.names[name] = n.Out(i)
		}
	}
	nodes, err := b.list(f.nodes)
	return append(nodes, copies...), err
}

// inlined is one call while its body is copied.
type inlined struct {
	in     *inliner
	call   *Node
	prefix string
	names  map[string]string // what the call gives, by the names of the function
	attrs  map[string]*Attr
}

func (b *inlined) name(s string) string {
	if given, ok := b.names[s]; ok {
		return given
	}
	return b.prefix + s
}

func (b *inlined) list(nodes []*Node) ([]*Node, error) {
	out := make([]*Node, 0, len(nodes))
	for _, n := range nodes {
		c := &Node{Op: n.Op, Domain: n.Domain, Overload: n.Overload, Attrs: map[string]*Attr{}}
		if n.Name != "" {
			c.Name = b.prefix + n.Name
		}
		for _, s := range n.Inputs {
			c.Inputs = append(c.Inputs, b.name(s))
		}
		for _, s := range n.Outputs {
			c.Outputs = append(c.Outputs, b.name(s))
		}
		for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
			a := n.Attrs[name]
			if a.Ref != "" { // absent where neither call nor function has it
				if given := b.attrs[a.Ref]; given != nil {
					c.Attrs[name] = given
				}
				continue
			}
			if a.Graph != nil {
				g, err := b.graph(a.Graph)
				if err != nil {
					return nil, err
				}
				a = &Attr{Graph: g}
			}
			c.Attrs[name] = a
		}
		out = append(out, c)
	}
	return out, nil
}

// graph copies a branch or the body of a loop.
func (b *inlined) graph(g *Graph) (*Graph, error) {
	if b.in.nodes += len(g.Weights) + len(g.Inputs) + len(g.Outputs); b.in.nodes > maxNodes {
		return nil, fmt.Errorf("with the functions written out there are more than %d nodes", maxNodes)
	}
	out := &Graph{Name: g.Name, Weights: map[string]*Tensor{}}
	for name, t := range g.Weights {
		if _, ok := b.names[name]; ok {
			return nil, fmt.Errorf("%s: a weight within has the name of an input or output, %q", b.call.Title(), name)
		}
		out.Weights[b.name(name)] = t
	}
	for _, d := range g.Inputs {
		c := *d
		c.Name = b.name(d.Name)
		out.Inputs = append(out.Inputs, &c)
	}
	for _, d := range g.Outputs {
		c := *d
		if c.Name = b.name(d.Name); c.Name == "" {
			return nil, errors.New("a branch within a function gives an input that the call leaves out")
		}
		out.Outputs = append(out.Outputs, &c)
	}
	var err error
	out.Nodes, err = b.list(g.Nodes)
	return out, err
}

// once checks that every value of a graph, and of the graphs within, is computed once:
// of two, it would not be clear which one a node reads.
func (g *Graph) once() error {
	seen := map[string]bool{}
	for _, d := range g.Inputs {
		if seen[d.Name] {
			return fmt.Errorf("input %q is declared twice", d.Name)
		}
		seen[d.Name] = true
	}
	for name := range g.Weights {
		seen[name] = true
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out == "" {
				continue
			}
			if seen[out] {
				return fmt.Errorf("%s: value %q is there already: an input, a weight, or computed by another node", n.Title(), out)
			}
			seen[out] = true
		}
		for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
			if a := n.Attrs[name]; a.Graph != nil {
				if err := a.Graph.once(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
