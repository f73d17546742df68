// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Propose returns the pairs, as INPUT=OUTPUT, that could be states for all that a model's
// inputs and outputs say: one type, size and quantization, and no part of a declared
// state. They are for a message to offer, nothing carries them. A model with a single
// input that is no state has none: something has to be fed.
func Propose(ins, outs []Tensor, states []State) []string {
	var pairs []string
	if len(ins)-len(states) < 2 {
		return nil
	}
	for i := range ins {
		for o := range outs {
			a, b := &ins[i], &outs[o]
			taken := slices.ContainsFunc(states, func(s State) bool { return s.In == i || s.Out == o })
			if !taken && a.Quant != nil && a.Type == b.Type && graph.Elems(a.Shape) == graph.Elems(b.Shape) && graph.SameState(a.Quant, b.Quant) {
				pairs = append(pairs, a.Name+"="+b.Name)
			}
		}
	}
	return pairs
}

// ProposeFor is Propose for a plain graph.
func ProposeFor(g *graph.Graph) []string {
	var states []State
	for _, s := range g.States {
		states = append(states, State{In: indexOf(g.Inputs, s.In), Out: indexOf(g.Outputs, s.Out)})
	}
	return Propose(tensorsOf(g, g.Inputs), tensorsOf(g, g.Outputs), states)
}
