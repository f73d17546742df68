// SPDX-License-Identifier: Apache-2.0

package graph

import "slices"

// Alone returns the i-th operator as a graph of its own: what it reads and is not
// constant, each tensor once, becomes its inputs, what it makes its outputs. Tensors are
// shared with g; variables that it writes stay variables, others are inputs. The ids are those of g, in order of the
// tensors of the new graph.
func (g *Graph) Alone(i int) (alone *Graph, ids []TensorID) {
	op := *g.Ops[i]
	op.Version = 0
	alone = &Graph{Ops: []*Op{&op}}
	take := func(list []TensorID) []TensorID {
		out := slices.Clone(list)
		for k, id := range list {
			if id == None {
				continue
			}
			at := slices.Index(ids, id)
			if at < 0 {
				at = len(ids)
				ids = append(ids, id)
				alone.Add(g.Tensors[id])
			}
			out[k] = TensorID(at)
		}
		return out
	}
	op.Inputs, op.Outputs, op.Intermediates = take(op.Inputs), take(op.Outputs), take(op.Intermediates)
	for _, id := range op.Inputs {
		if id == None || slices.Contains(alone.Inputs, id) {
			continue
		}
		t := alone.Tensors[id]
		if t.Variable && !op.writesTo(id) {
			read := *t
			read.Variable = false
			t = &read
			alone.Tensors[id] = t
		}
		if !t.IsConst() && !t.Variable {
			alone.Inputs = append(alone.Inputs, id)
		}
	}
	alone.Outputs = slices.Clone(op.Outputs)
	return alone, ids
}

// writesTo reports whether an operator leaves a new value in a tensor, a variable.
func (op *Op) writesTo(id TensorID) bool {
	for pos, in := range op.Inputs {
		if in == id && op.Writes(pos) {
			return true
		}
	}
	return false
}
