// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// cut splits the graph into what every step computes and what only the outputs of
// the last step need.
func (b *sequence) cut() error {
	g := b.g
	state := map[graph.TensorID]bool{}
	for _, s := range g.States {
		state[s.In], state[s.Out] = true, true
	}
	for _, id := range g.Inputs {
		if state[id] {
			continue
		}
		if !b.seq.PerStep && slices.Index(g.Outputs, id) >= 0 {
			return fmt.Errorf("output %q is an input of the step, which has a value for every step: take it from the caller's own copy", g.Tensors[id].Name)
		}
	}
	b.body = g
	if b.seq.PerStep || b.seq.Steps == 1 {
		return nil
	}
	needed := map[graph.TensorID]bool{} // by the states
	for _, s := range g.States {
		needed[s.Out] = true
	}
	inBody := make([]bool, len(g.Ops))
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		for _, id := range op.Outputs {
			inBody[i] = inBody[i] || needed[id]
		}
		for _, id := range op.Inputs {
			if id != graph.None && g.Tensors[id].Variable {
				inBody[i] = true
			}
		}
		if inBody[i] {
			for _, id := range op.Inputs {
				if id != graph.None {
					needed[id] = true
				}
			}
		}
	}
	made := map[graph.TensorID]bool{} // by the body
	var bodyOps, headOps []*graph.Op
	for i, op := range g.Ops {
		if !inBody[i] {
			headOps = append(headOps, op)
			continue
		}
		bodyOps = append(bodyOps, op)
		for _, id := range op.Outputs {
			made[id] = true
		}
	}
	work := false
	for _, op := range headOps {
		work = work || !op.Kind.Moves()
	}
	if !work || len(bodyOps) == 0 {
		return nil
	}
	seen := map[graph.TensorID]bool{}
	var cut, outs []graph.TensorID
	for _, op := range headOps {
		for _, id := range op.Inputs {
			switch {
			case id == graph.None || g.Tensors[id].IsConst() || seen[id]:
			case made[id]:
				seen[id] = true
				cut = append(cut, id)
			case slices.Index(g.Inputs, id) >= 0:
				return nil // the value it reads is gone when the last step has run
			}
		}
	}
	if len(cut) == 0 || len(cut) > maxOwn {
		return nil
	}
	bodyOuts := append([]graph.TensorID(nil), cut...)
	for _, id := range g.Outputs {
		if state[id] || made[id] {
			if !seen[id] {
				seen[id] = true
				bodyOuts = append(bodyOuts, id)
			}
			continue
		}
		if slices.Index(g.Inputs, id) >= 0 || g.Tensors[id].IsConst() {
			return nil
		}
		outs = append(outs, id)
	}
	b.body = subgraph(g, bodyOps, g.Inputs, bodyOuts, g.States)
	b.head = subgraph(g, headOps, cut, outs, nil)
	return nil
}

// subgraph returns the graph of some operators. Tensors keep their numbers; variables
// that none of the operators uses are none of it.
func subgraph(g *graph.Graph, ops []*graph.Op, ins, outs []graph.TensorID, states []graph.State) *graph.Graph {
	used := map[graph.TensorID]bool{}
	for _, op := range ops {
		for _, id := range op.Inputs {
			used[id] = true
		}
	}
	s := &graph.Graph{Name: g.Name, Tensors: append([]*graph.Tensor(nil), g.Tensors...), Ops: ops, Inputs: ins, Outputs: outs, States: states}
	for id, t := range s.Tensors {
		if t.Variable && !used[graph.TensorID(id)] {
			c := *t
			c.Variable = false
			s.Tensors[id] = &c
		}
	}
	return s
}

// moved lists the inputs and outputs of a body that have a value for every step.
func (b *sequence) moved(body *graph.Graph) []graph.TensorID {
	state := map[graph.TensorID]bool{}
	for _, s := range body.States {
		state[s.In], state[s.Out] = true, true
	}
	var list []graph.TensorID
	for _, id := range body.Inputs {
		if !state[id] {
			list = append(list, id)
		}
	}
	if b.seq.PerStep {
		for _, id := range body.Outputs {
			if !state[id] && slices.Index(list, id) < 0 {
				list = append(list, id)
			}
		}
	}
	return list
}
