// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// compiled reports whether a compiler has planned where the values of a graph lie.
func compiled(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Ops, func(op *graph.Op) bool {
		a, ok := op.Attr.(graph.CustomAttr)
		return ok && a.Code == ethosU
	})
}

// copies replaces the operators of resource variables in a compiled graph. What
// READ_VARIABLE makes lies where the plan says, and other values lie there before and
// after, so that the variable is a tensor of its own, each read a copy of it, and each
// assignment stays where it is.
func (r *reader) copies() error {
	g := r.m.Graph
	names := map[graph.TensorID]string{} // by handle
	stores := map[string]graph.TensorID{}
	assigned := map[string]bool{}
	var order []string
	store := func(handle, like graph.TensorID) (graph.TensorID, error) {
		name, t := names[handle], g.Tensors[like]
		if id, ok := stores[name]; ok {
			if s := g.Tensors[id]; s.Type != t.Type || !slices.Equal(s.Shape, t.Shape) {
				return id, fmt.Errorf("variable %q is %v %v and %v %v, expected one type and shape", name, s.Type, s.Shape, t.Type, t.Shape)
			}
			return id, nil
		}
		if _, err := t.CheckSize(); err != nil {
			return graph.None, err
		}
		id := g.Add(&graph.Tensor{Name: name, Type: t.Type, Shape: t.Shape, Quant: t.Quant, Variable: true})
		stores[name] = id
		order = append(order, name)
		return id, nil
	}
	kept := g.Ops[:0]
	for i, op := range g.Ops {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("operator %d (%v): %s", i, op.Kind, fmt.Sprintf(format, args...))
		}
		switch op.Kind {
		case graph.CallOnce:
		case graph.VarHandle:
			if err := oneOutput(op); err != nil {
				return fail("%v", err)
			}
			names[op.Outputs[0]] = handleName(op)
		case graph.ReadVariable, graph.AssignVariable:
			ids := slices.Concat(op.Inputs, op.Outputs)
			if len(ids) != 2 || len(op.Inputs) == 0 || slices.Contains(ids, graph.None) {
				return fail("has %d inputs and %d outputs, expected a variable and a value", len(op.Inputs), len(op.Outputs))
			}
			if _, ok := names[ids[0]]; !ok {
				return fail("names no variable of a VAR_HANDLE")
			}
			id, err := store(ids[0], ids[1])
			if err != nil {
				return fail("%v", err)
			}
			if op.Kind == graph.AssignVariable {
				assigned[names[ids[0]]] = true
				kept = append(kept, &graph.Op{Kind: graph.AssignVariable, Version: op.Version, Inputs: []graph.TensorID{id, ids[1]}})
				continue
			}
			kept = append(kept, &graph.Op{Kind: graph.Reshape, Version: 1, Attr: graph.ReshapeAttr{}, Inputs: []graph.TensorID{id}, Outputs: []graph.TensorID{ids[1]}})
		default:
			kept = append(kept, op)
		}
	}
	g.Ops = kept
	for _, name := range order {
		t, first := g.Tensors[stores[name]], r.first[name]
		switch {
		case first == nil && assigned[name]:
		case first == nil:
			return fmt.Errorf("variable %q: is read and nothing is ever assigned to it", name)
		case first.Type != t.Type || len(first.Data) != t.Bytes():
			return fmt.Errorf("variable %q: starts as %v %v and is read as %v %v, expected the same", name, first.Type, first.Shape, t.Type, t.Shape)
		case !bytes.Equal(first.Data, t.ZeroBytes()):
			return fmt.Errorf("variable %q: starts with other values than its zero point, which a compiled file's variables cannot have here; compile the model with unroll compile", name)
		}
	}
	return dropUnused(g)
}
