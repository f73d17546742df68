// SPDX-License-Identifier: Apache-2.0

package source

import (
	"maps"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// roles notes what tensors share a quantization with; the others have one of their own.
func (n *Network) roles(lists ...map[graph.TensorID]string) {
	known := map[graph.TensorID]string{}
	for _, l := range lists {
		maps.Copy(known, l)
	}
	if len(known) == 0 {
		return
	}
	n.Role = make([]string, len(n.Graph.Tensors))
	for id, t := range n.Graph.Tensors {
		if !t.IsConst() {
			n.Role[id] = t.Name
		}
		if r := known[graph.TensorID(id)]; r != "" {
			n.Role[id] = r
		}
	}
}

// fused says what becomes of the variables of recurrent operators: by the file they go
// from call to call. Where the user says that there are no states, every call starts at
// zero.
func (n *Network) fused(variables []graph.State, states []string) {
	if len(variables) == 0 {
		return
	}
	if len(states) != 1 || states[0] != "none" {
		n.Assumed = append(n.Assumed, "the variables of recurrent operators go from call to call, as the file has them; say --state none if every call starts at zero, as layers of Keras do that are not stateful")
		return
	}
	g := n.Graph
	for _, p := range variables {
		g.Inputs = slices.DeleteFunc(g.Inputs, func(id graph.TensorID) bool { return id == p.In })
		g.Outputs = slices.DeleteFunc(g.Outputs, func(id graph.TensorID) bool { return id == p.Out })
		g.States = slices.DeleteFunc(g.States, func(s graph.State) bool { return s == p })
		t := g.Tensors[p.In]
		t.Data = make([]byte, t.Bytes())
	}
}
