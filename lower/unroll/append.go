// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// Around returns a plan for a graph that is being built elsewhere, for Append. Tensors
// that are there have no role.
func Around(g *graph.Graph) *Plan {
	p := newBuilder(g.Name).Plan
	p.Graph = g
	p.Role = make([]string, len(g.Tensors))
	return p
}

// Append adds one recurrent layer in the npu form to the graph of a plan: as many
// steps as x, [T,l.Width()], has rows. Names of tensors, and roles, begin with name, which no other
// part of the graph may use. states are the states before the first step, [1,H] each, in
// the order of the cell (h, then c of an LSTM), or graph.None where one is zero. Append
// returns the output of every step, [1,H], and the states after the last.
//
// Of the options Blend and Tied count. Tensors that were added to the graph since the
// plan was made get no role.
func Append(p *Plan, l *nn.Layer, name string, x graph.TensorID, states []graph.TensorID, o Options) (outputs, after []graph.TensorID, err error) {
	for len(p.Role) < len(p.Graph.Tensors) {
		p.Role = append(p.Role, "")
	}
	if err := nn.CheckLayer(name, l); err != nil {
		return nil, nil, err
	}
	kind := cell.Of(l)
	want := kind.States(l)
	if len(states) != len(want) {
		return nil, nil, fmt.Errorf("layer %q: %d states, but %v has %d", name, len(states), l.Cell, len(want))
	}
	shape := p.Graph.Tensors[x].Shape
	if len(shape) != 2 || shape[0] < 1 || shape[1] != l.Width() {
		return nil, nil, fmt.Errorf("layer %q: input %q has shape %v, expected [steps %d]", name, p.Graph.Tensors[x].Name, shape, l.Width())
	}
	for i, id := range states {
		if id != graph.None && !slices.Equal(p.Graph.Tensors[id].Shape, []int{1, l.Units}) {
			return nil, nil, fmt.Errorf("layer %q: state %s is %q of shape %v, expected [1 %d]", name, want[i].Name, p.Graph.Tensors[id].Name, p.Graph.Tensors[id].Shape, l.Units)
		}
	}
	b := &builder{Plan: p, ints: map[string]graph.TensorID{}}
	o.Form, o.Steps, o.StateIO = NPU, shape[0], !slices.Contains(states, graph.None)
	c := b.lowering(l, name, o, states)
	for i, id := range states {
		if id != graph.None && p.Role[id] == "" {
			p.Role[id] = c.Role(want[i].Name)
		}
	}
	hs := kind.NPU(c, cell.Value(x))
	if l.Reversed {
		hs = backward(hs)
	}
	return ids(hs), ids(c.S), nil
}
