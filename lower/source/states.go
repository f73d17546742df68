// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// pair declares the states that the options name. Without any, pairs that look like
// states are proposed, never taken.
func (n *Network) pair(states []string) error {
	if len(states) == 1 && states[0] == "none" {
		n.Graph.States = nil
		return nil
	}
	if len(states) == 0 {
		return nil
	}
	g := n.Graph
	g.States = nil
	for _, s := range states {
		in, out, ok := strings.Cut(s, "=")
		if !ok || in == "" || out == "" {
			return fmt.Errorf("--state %s: expected INPUT=OUTPUT, or none", s)
		}
		i, err := named(g, g.Inputs, in, "input")
		if err != nil {
			return fmt.Errorf("--state %s: %w", s, err)
		}
		o, err := named(g, g.Outputs, out, "output")
		if err != nil {
			return fmt.Errorf("--state %s: %w", s, err)
		}
		for _, have := range g.States {
			if have.In == i || have.Out == o {
				return fmt.Errorf("--state %s: %q or %q is in another pair already", s, in, out)
			}
		}
		pair := graph.State{In: i, Out: o}
		if err := g.CheckState(pair); err != nil {
			return fmt.Errorf("--state %s: %w", s, err)
		}
		g.States = append(g.States, pair)
	}
	return nil
}

// FileName is a tensor's name as it stands in the names of files and in options:
// "/" and ":" are "_".
func FileName(name string) string { return strings.NewReplacer("/", "_", ":", "_").Replace(name) }

func named(g *graph.Graph, ids []graph.TensorID, name, what string) (graph.TensorID, error) {
	var names []string
	for _, id := range ids {
		t := g.Tensors[id]
		if t.Name == name || FileName(t.Name) == name {
			return id, nil
		}
		names = append(names, t.Name)
	}
	return graph.None, fmt.Errorf("there is no %s %q; the network has %q", what, name, names)
}

// Proposals are pairs of an input and an output that look like states, as options;
// they have one shape and names that go together. Nothing is taken for a state
// unless it is declared.
func (n *Network) Proposals() []string {
	g := n.Graph
	paired := map[graph.TensorID]bool{}
	for _, s := range g.States {
		paired[s.In], paired[s.Out] = true, true
	}
	pairs := map[graph.TensorID]graph.TensorID{} // output of an input
	// Names that are alike but for in and out first; then those with numbers of time (h0
	// and h1), where no other input or output could be meant.
	for _, alike := range []func(string) string{stem, unnumbered} {
		fits := func(in, out graph.TensorID) bool {
			a, b := alike(g.Tensors[in].Name), alike(g.Tensors[out].Name)
			return a != "" && a == b && !paired[in] && !paired[out] && g.CheckState(graph.State{In: in, Out: out}) == nil
		}
		found := map[graph.TensorID]graph.TensorID{}
		for _, in := range g.Inputs {
			outs := only(g.Outputs, func(out graph.TensorID) bool { return fits(in, out) })
			if len(outs) == 1 && len(only(g.Inputs, func(i graph.TensorID) bool { return fits(i, outs[0]) })) == 1 {
				found[in] = outs[0]
			}
		}
		for in, out := range found {
			pairs[in], paired[in], paired[out] = out, true, true
		}
	}
	// Names that a converter made up (Identity_1) say nothing: what is left has a shape of
	// its own, and is not the first of either side, which a network is about.
	for i, in := range g.Inputs {
		shaped := func(ids []graph.TensorID) []graph.TensorID {
			return only(ids, func(id graph.TensorID) bool { return slices.Equal(g.Tensors[id].Shape, g.Tensors[in].Shape) })
		}
		outs := shaped(g.Outputs)
		if i == 0 || paired[in] || len(shaped(g.Inputs)) != 1 || len(outs) != 1 || outs[0] == g.Outputs[0] || paired[outs[0]] {
			continue
		}
		if g.CheckState(graph.State{In: in, Out: outs[0]}) == nil && nameless(g.Tensors[outs[0]].Name) {
			pairs[in] = outs[0]
		}
	}
	var list []string
	for _, in := range g.Inputs {
		if out, ok := pairs[in]; ok {
			list = append(list, fmt.Sprintf("--state %s=%s", g.Tensors[in].Name, g.Tensors[out].Name))
		}
	}
	return list
}

// nameless reports whether an output is called as converters call outputs that have no
// name: "Identity_1", "StatefulPartitionedCall:1", "1234".
func nameless(name string) bool {
	s := strings.Trim(strings.ToLower(name), "0123456789_:")
	return s == "" || s == "identity" || s == "statefulpartitionedcall" || s == "partitionedcall" || s == "output"
}

func only(ids []graph.TensorID, fits func(graph.TensorID) bool) []graph.TensorID {
	var out []graph.TensorID
	for _, id := range ids {
		if fits(id) {
			out = append(out, id)
		}
	}
	return out
}

// unnumbered is the stem of a name without the numbers at its end.
func unnumbered(name string) string { return stem(strings.TrimRight(stem(name), "0123456789")) }

// stem is what names of both ends of a state share: "h0", "hn", "h_in" and "h_out"
// are "h".
func stem(name string) string {
	s := strings.ToLower(FileName(name))
	for {
		before := s
		for _, end := range []string{"_in", "_out", "_output", "_input", "_next", "_new", "_prev", "0", "n", "_", "in", "out"} {
			s = strings.TrimSuffix(s, end)
		}
		if s == before {
			return s
		}
	}
}
