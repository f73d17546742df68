// SPDX-License-Identifier: Apache-2.0

package eval

import "github.com/unroll-npu/unroll/lower/internal/onnx"

// known reports whether a value of the scope follows from constants of the file and inputs
// that never change alone: it has its roundings also where those of computed values are left out.
func (r *run) known(s *scope, name string) bool {
	for ; s != nil; s = s.outer {
		if s.graph.Weights[name] != nil {
			return !r.fed[name] || r.still[name]
		}
		for _, in := range s.graph.Inputs {
			if in.Name == name {
				return s.outer == nil && r.still[name]
			}
		}
		for _, n := range s.graph.Nodes {
			if !r.made(n, name) {
				continue
			}
			key := spot{s.graph, name}
			if was, ok := r.constant[key]; ok {
				return was
			}
			r.constant[key] = false // until it is told otherwise: a cycle has no value
			all := true
			for _, a := range n.Attrs {
				all = all && a.Graph == nil
			}
			for _, in := range n.Inputs {
				all = all && (in == "" || r.known(s, in))
			}
			r.constant[key] = all
			return all
		}
	}
	return false
}

func (r *run) made(n *onnx.Node, name string) bool {
	for _, out := range n.Outputs {
		if out == name {
			return true
		}
	}
	return false
}

// spot is a value of one graph of the model.
type spot struct {
	graph *onnx.Graph
	name  string
}

// exact reports whether input i of the node is rounded to what its new type holds.
func (c *call) exact(i int) bool { return !c.real || c.known(c.scope, c.Node.In(i)) }

// number gives a value the precision of its type. Half precision is how real numbers are
// stored where they are not rounded.
func (c *call) number(t onnx.DataType, v float64) float64 {
	if c.real && t.IsFloat() {
		return v
	}
	return round(t, v)
}
