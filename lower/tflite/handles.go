// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// withHandles returns the model as a file has it: variables that ASSIGN_VARIABLE writes
// behind handles, each read where its value is one that nothing has read before. A model
// without such variables is returned as it is.
func withHandles(m *Model) (*Model, error) {
	assigned := map[graph.TensorID]bool{}
	for _, op := range m.Graph.Ops {
		if op.Kind == graph.AssignVariable {
			assigned[op.Inputs[0]] = true
		}
	}
	if len(assigned) == 0 {
		return m, nil
	}
	h := &handles{g: &graph.Graph{}, of: map[graph.TensorID]graph.TensorID{}, now: map[graph.TensorID]graph.TensorID{}, stale: map[graph.TensorID]bool{}}
	*h.g = *m.Graph
	h.g.Tensors, h.g.Ops = slices.Clone(m.Graph.Tensors), nil
	for id, t := range m.Graph.Tensors {
		if id := graph.TensorID(id); assigned[id] {
			h.of[id] = h.g.Add(&graph.Tensor{Name: t.Name + "/handle", Type: resource, Shape: []int{1}})
			h.op(graph.VarHandle, graph.VarHandleAttr{Name: t.Name}, nil, h.of[id])
			value := *t
			value.Variable = false
			h.g.Tensors[id], h.now[id] = &value, id
			h.op(graph.ReadVariable, nil, []graph.TensorID{h.of[id]}, id)
		}
	}
	for i, op := range m.Graph.Ops {
		if op.Kind == graph.AssignVariable {
			v := op.Inputs[0]
			h.op(op.Kind, nil, []graph.TensorID{h.of[v], h.read(op.Inputs[1])})
			h.stale[v] = true
			continue
		}
		for pos, id := range op.Inputs {
			if op.Writes(pos) && assigned[id] {
				return nil, fmt.Errorf("%s: writes a variable that ASSIGN_VARIABLE writes, too, which no file can say; give each a variable of its own", m.Graph.OpString(i))
			}
		}
		next := *op
		next.Inputs = slices.Clone(op.Inputs)
		for k, id := range next.Inputs {
			next.Inputs[k] = h.read(id)
		}
		h.g.Ops = append(h.g.Ops, &next)
	}
	h.g.Outputs = slices.Clone(h.g.Outputs)
	for k, id := range h.g.Outputs {
		h.g.Outputs[k] = h.read(id)
	}
	out := *m
	out.Graph = h.g
	return &out, nil
}

// handles are the variables of a file while its operators are written.
type handles struct {
	g     *graph.Graph
	of    map[graph.TensorID]graph.TensorID
	now   map[graph.TensorID]graph.TensorID // what was read last
	stale map[graph.TensorID]bool           // assigned since
}

func (h *handles) op(kind graph.Kind, attr any, in []graph.TensorID, out ...graph.TensorID) {
	h.g.Ops = append(h.g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: out})
}

// read returns the tensor that has a variable's value at this point; any other tensor is
// itself.
func (h *handles) read(id graph.TensorID) graph.TensorID {
	if _, ok := h.of[id]; !ok {
		return id
	}
	if h.stale[id] {
		t := *h.g.Tensors[id]
		t.Name = fmt.Sprintf("%s/%d", t.Name, len(h.g.Tensors))
		h.now[id] = h.g.Add(&t)
		h.op(graph.ReadVariable, nil, []graph.TensorID{h.of[id]}, h.now[id])
		h.stale[id] = false
	}
	return h.now[id]
}
