// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"sort"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// statesMetadata names the blob in which Write records the states: a line
// "input output" for each, as positions in the graph's inputs and outputs.
const statesMetadata = "unroll_states"

// states fills Graph.States: from the record that Write leaves, from variables, which
// normalize has found, else from what names say.
func (r *reader) states() error {
	g := r.m.Graph
	if rec := r.m.Find(statesMetadata); rec != nil {
		g.States = nil
		for line := range strings.Lines(strings.TrimRight(string(rec), "\x00")) {
			var in, out int
			if _, err := fmt.Sscanf(line, "%d %d", &in, &out); err != nil || in < 0 || in >= len(g.Inputs) || out < 0 || out >= len(g.Outputs) {
				return fmt.Errorf("metadata %s has the line %q, expected two positions among %d inputs and %d outputs", statesMetadata, line, len(g.Inputs), len(g.Outputs))
			}
			s := graph.State{In: g.Inputs[in], Out: g.Outputs[out]}
			if err := g.CheckState(s); err != nil {
				return fmt.Errorf("metadata %s: %w", statesMetadata, err)
			}
			g.States = append(g.States, s)
		}
		return nil
	}
	g.States = append(g.States, namedStates(r.m)...)
	return nil
}

// namedStates pairs inputs and outputs that the file's names declare as states: both
// have one name but for words of direction, or the input's says that it is a state and
// a single output fits it. Equal type, shape and quantization alone are no state.
func namedStates(m *Model) []graph.State {
	g := m.Graph
	taken := map[graph.TensorID]bool{}
	for _, s := range g.States {
		taken[s.In], taken[s.Out] = true, true
	}
	fits := func(in, out graph.TensorID) bool {
		return !taken[in] && !taken[out] && g.Tensors[in].Quant != nil && g.CheckState(graph.State{In: in, Out: out}) == nil
	}
	candidates := make([][]int, len(g.Inputs)) // positions of outputs
	claims := make([]int, len(g.Outputs))
	for i, in := range g.Inputs {
		for o, out := range g.Outputs {
			if fits(in, out) && (namesMatch(m, i, o) || saysState(m, i)) {
				candidates[i] = append(candidates[i], o)
				claims[o]++
			}
		}
	}
	var found []graph.State
	used := map[graph.TensorID]int{}
	for i := range g.Inputs {
		for _, o := range candidates[i] {
			if namesMatch(m, i, o) || len(candidates[i]) == 1 && claims[o] == 1 {
				found = append(found, graph.State{In: g.Inputs[i], Out: g.Outputs[o]})
				used[g.Outputs[o]]++
				break
			}
		}
	}
	// An output feeds one input; if names claimed it twice, it is ambiguous.
	kept := found[:0]
	for _, s := range found {
		if used[s.Out] == 1 {
			kept = append(kept, s)
		}
	}
	if len(kept)+len(g.States) == len(g.Inputs) { // something has to be fed
		return nil
	}
	return kept
}

// saysState reports whether the name of an input, or its name in the signature, says
// that it is a recurrent state.
func saysState(m *Model, i int) bool {
	names := []string{m.Graph.Tensors[m.Graph.Inputs[i]].Name}
	if len(m.SignatureInputs) > i {
		names = append(names, m.SignatureInputs[i])
	}
	for _, name := range names {
		for _, w := range words(name) {
			switch w = strings.TrimRight(w, "0123456789"); w {
			case "state", "states", "hidden", "cell", "memory", "carry", "h", "c", "hx", "cx", "hn", "cn", "prev", "previous":
				return true
			}
		}
	}
	return false
}

// namesMatch reports whether an input and an output are called the same but
// for words that say which of the two it is.
func namesMatch(m *Model, i, o int) bool {
	in, out := stem(m.Graph.Tensors[m.Graph.Inputs[i]].Name), stem(m.Graph.Tensors[m.Graph.Outputs[o]].Name)
	if in != "" && in == out {
		return true
	}
	if len(m.SignatureInputs) > i && len(m.SignatureOutputs) > o {
		in, out = stem(m.SignatureInputs[i]), stem(m.SignatureOutputs[o])
		return in != "" && in == out
	}
	return false
}

func words(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("_-/:. ", r) })
}

// stem reduces a tensor name to its letters and digits without direction words.
func stem(name string) string {
	var kept []string
	for _, w := range words(name) {
		switch w {
		case "in", "out", "input", "output", "new", "next", "prev", "old", "initial", "final":
		default:
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, "_")
}

// PairStates sets the graph's states as the user names them: from the name of
// each state input to the name of the output that is fed back to it, both
// tensor names. Every pair replaces what Read found for either tensor. The states
// end up in the order of their inputs, as Read gives them.
func PairStates(g *graph.Graph, pairs map[string]string) error {
	ins := make([]string, 0, len(pairs))
	for in := range pairs {
		ins = append(ins, in)
	}
	sort.Strings(ins)
	for _, in := range ins {
		s := graph.State{In: named(g, g.Inputs, in), Out: named(g, g.Outputs, pairs[in])}
		if s.In == graph.None {
			return fmt.Errorf("state %s=%s: the graph has no input %q; its inputs are %s", in, pairs[in], in, nameList(g, g.Inputs))
		}
		if s.Out == graph.None {
			return fmt.Errorf("state %s=%s: the graph has no output %q; its outputs are %s", in, pairs[in], pairs[in], nameList(g, g.Outputs))
		}
		if err := g.CheckState(s); err != nil {
			return err
		}
		var kept []graph.State
		for _, old := range g.States {
			if old.In != s.In && old.Out != s.Out {
				kept = append(kept, old)
			}
		}
		g.States = append(kept, s)
	}
	sort.Slice(g.States, func(i, j int) bool {
		return position(g.Inputs, g.States[i].In) < position(g.Inputs, g.States[j].In)
	})
	return nil
}

func named(g *graph.Graph, ids []graph.TensorID, name string) graph.TensorID {
	for _, id := range ids {
		if g.Tensors[id].Name == name {
			return id
		}
	}
	return graph.None
}

func nameList(g *graph.Graph, ids []graph.TensorID) string {
	var names []string
	for _, id := range ids {
		names = append(names, fmt.Sprintf("%q", g.Tensors[id].Name))
	}
	return strings.Join(names, ", ")
}
