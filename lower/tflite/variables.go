// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// resource is the type of a tensor that stands for a variable.
const resource graph.DType = 13

// initial reads the subgraph that CALL_ONCE runs before all others: handles of
// variables and constants that are assigned to them, and nothing else.
func (r *reader) initial(subgraphs []table) {
	if r.err != nil {
		return
	}
	r.first = map[string]*graph.Tensor{}
	used := map[int]bool{0: true}
	for i, op := range r.m.Graph.Ops {
		a, ok := op.Attr.(graph.CallOnceAttr)
		if !ok || r.err != nil {
			continue
		}
		if a.Subgraph <= 0 || a.Subgraph >= len(subgraphs) {
			r.fail("operator %d (CALL_ONCE): names subgraph %d of %d", i, a.Subgraph, len(subgraphs))
			return
		}
		used[a.Subgraph] = true
		g := &graph.Graph{}
		r.subgraph(subgraphs[a.Subgraph], g)
		if r.err == nil {
			r.starts(i, g)
		}
	}
	for i := range subgraphs {
		if r.real && r.err == nil {
			r.m.Subgraphs = append(r.m.Subgraphs, nil)
			if !used[i] {
				r.control(i, subgraphs[i])
			}
			continue
		}
		if !used[i] && r.err == nil {
			r.fail("has %d subgraphs, of which no CALL_ONCE names number %d; control flow (WHILE, IF) is not supported, so convert recurrent layers with unroll=True", len(subgraphs), i)
		}
	}
}

// control reads a subgraph of IF or WHILE.
func (r *reader) control(number int, t table) {
	g := &graph.Graph{Name: fmt.Sprintf("subgraph %d", number)}
	r.subgraph(t, g)
	if r.err != nil {
		return
	}
	for i, op := range append([]*graph.Op{{}}, g.Ops...) {
		if err := indexable(g, op); err != nil {
			r.fail("operator %d of subgraph %d (%v): %v", i-1, number, op.Kind, err)
			return
		}
	}
	if err := writtenOut(g); err != nil {
		r.fail("subgraph %d: %v", number, err)
	}
	n, err := hybrid(g)
	if err != nil {
		r.fail("subgraph %d: %v", number, err)
	}
	r.m.Hybrid += n
	r.m.Subgraphs[number] = g
}

// starts notes what the operators of an initial subgraph assign.
func (r *reader) starts(call int, g *graph.Graph) {
	handles := map[graph.TensorID]string{}
	for i, op := range g.Ops {
		if err := indexable(g, op); err != nil {
			r.fail("operator %d of the subgraph of operator %d: %v", i, call, err)
			return
		}
		switch {
		case op.Kind == graph.VarHandle && len(op.Outputs) == 1:
			handles[op.Outputs[0]] = handleName(op)
		case op.Kind == graph.AssignVariable && len(op.Inputs) == 2 && handles[op.Inputs[0]] != "" && op.Inputs[1] != graph.None && g.Tensors[op.Inputs[1]].IsConst():
			r.first[handles[op.Inputs[0]]] = g.Tensors[op.Inputs[1]]
		default:
			r.fail("operator %d of the subgraph that operator %d (CALL_ONCE) runs is %v, expected VAR_HANDLE, or ASSIGN_VARIABLE of a constant; give the variables constant initial values", i, call, op.Kind)
			return
		}
	}
}

func handleName(op *graph.Op) string {
	a := op.Attr.(graph.VarHandleAttr)
	if a.Container != "" {
		return a.Container + "/" + a.Name
	}
	return a.Name
}

// variable is a resource variable of the main subgraph while its operators are walked.
type variable struct {
	name     string
	in       graph.TensorID // the state's value when a call starts, None until it is read
	now      graph.TensorID // its value at this point, None before anything is known
	assigned bool
}

// variables replaces the operators of resource variables. Integers become a tensor that is
// variable, and one ASSIGN_VARIABLE behind all other operators; float32 becomes a state:
// what is read before it is assigned is an input, what is assigned last an output.
func (r *reader) variables() error {
	g := r.m.Graph
	if compiled(g) {
		return r.copies()
	}
	byHandle := map[graph.TensorID]*variable{}
	byName := map[string]*variable{}
	var order []*variable
	alias := map[graph.TensorID]graph.TensorID{}
	kept := g.Ops[:0]
	for i, op := range g.Ops {
		for k, id := range op.Inputs {
			if to, ok := alias[id]; ok {
				op.Inputs[k] = to
			}
		}
		fail := func(format string, args ...any) error {
			return fmt.Errorf("operator %d (%v): %s", i, op.Kind, fmt.Sprintf(format, args...))
		}
		switch op.Kind {
		case graph.CallOnce:
		case graph.VarHandle:
			if err := oneOutput(op); err != nil {
				return fail("%v", err)
			}
			name := handleName(op)
			if byName[name] == nil {
				byName[name] = &variable{name: name, in: graph.None, now: graph.None}
				order = append(order, byName[name])
			}
			byHandle[op.Outputs[0]] = byName[name]
		case graph.ReadVariable, graph.AssignVariable:
			if len(op.Inputs) == 0 || byHandle[op.Inputs[0]] == nil {
				return fail("reads no variable that a VAR_HANDLE names")
			}
			v := byHandle[op.Inputs[0]]
			if op.Kind == graph.AssignVariable {
				if len(op.Inputs) != 2 || op.Inputs[1] == graph.None {
					return fail("has %d inputs, expected a variable and a value", len(op.Inputs))
				}
				v.now, v.assigned = op.Inputs[1], true
				continue
			}
			if err := oneOutput(op); err != nil {
				return fail("%v", err)
			}
			if v.now == graph.None {
				v.in, v.now = op.Outputs[0], op.Outputs[0]
				continue
			}
			alias[op.Outputs[0]] = v.now
		default:
			kept = append(kept, op)
		}
	}
	g.Ops = kept
	for k, id := range g.Outputs {
		if to, ok := alias[id]; ok {
			g.Outputs[k] = to
		}
	}
	for _, v := range order {
		if err := r.carry(v); err != nil {
			return fmt.Errorf("variable %q: %w", v.name, err)
		}
	}
	r.assign()
	return dropUnused(g)
}

// oneOutput returns an error where an operator has not the one output that it should.
func oneOutput(op *graph.Op) error {
	if len(op.Outputs) != 1 || op.Outputs[0] == graph.None {
		return fmt.Errorf("has %d outputs, expected one", len(op.Outputs))
	}
	return nil
}

// carry makes a variable tensor or a state of a variable that is read and assigned, and a
// constant of one that is only read. What is assigned and never read does not matter.
func (r *reader) carry(v *variable) error {
	g := r.m.Graph
	if v.in == graph.None {
		return nil
	}
	in := g.Tensors[v.in]
	if _, err := in.CheckSize(); err != nil {
		return err
	}
	first := r.first[v.name]
	if first != nil && (first.Type != in.Type || len(first.Data) != in.Bytes()) {
		return fmt.Errorf("starts as %v %v and is read as %v %v, expected the same", first.Type, first.Shape, in.Type, in.Shape)
	}
	if !v.assigned {
		if first == nil {
			return fmt.Errorf("is read and nothing is ever assigned to it")
		}
		in.Data = first.Data
		return nil
	}
	if first != nil && !bytes.Equal(first.Data, in.ZeroBytes()) {
		if err := r.started(v, first); err != nil {
			return err
		}
	}
	in = g.Tensors[v.in]
	read := in.Name
	in.Name = v.name
	r.keep(v.in, v.now, v.name+"/next")
	for i, id := range g.Outputs { // the caller gets the value that this call found
		if id == v.in && in.Variable {
			g.Outputs[i] = r.copied(id, read)
		}
	}
	return nil
}

// copied returns a copy of a tensor.
func (r *reader) copied(id graph.TensorID, name string) graph.TensorID {
	g := r.m.Graph
	t := g.Tensors[id]
	to := g.Add(&graph.Tensor{Name: name, Type: t.Type, Shape: t.Shape, Quant: t.Quant})
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{}, Inputs: []graph.TensorID{id}, Outputs: []graph.TensorID{to}})
	return to
}

// keep lets a value go on from call to call: next is what the following call finds in it.
// The name is that of a copy of next, where a state needs one.
func (r *reader) keep(now, next graph.TensorID, name string) {
	g := r.m.Graph
	in, out := g.Tensors[now], g.Tensors[next]
	switch in.Type {
	case graph.Int8, graph.Uint8, graph.Int16:
		in.Variable = true
		r.assigned = append(r.assigned, &graph.Op{Kind: graph.AssignVariable, Inputs: []graph.TensorID{now, next}})
		return
	}
	if next == now || out.IsConst() || out.Variable || slices.Contains(g.Inputs, next) || slices.Contains(g.Outputs, next) {
		next = r.copied(next, name)
	}
	g.Inputs, g.Outputs = append(g.Inputs, now), append(g.Outputs, next)
	g.States = append(g.States, graph.State{In: now, Out: next})
}

// assign puts the assignments of all variables behind all that reads their old values.
func (r *reader) assign() {
	g := r.m.Graph
	for _, op := range r.assigned {
		if t := g.Tensors[op.Inputs[1]]; t.Variable { // another one's value, or its own
			op.Inputs[1] = r.copied(op.Inputs[1], t.Name+"/old")
		}
	}
	g.Ops = append(g.Ops, r.assigned...)
}

// dropUnused takes out the tensors of types that only the removed operators had.
func dropUnused(g *graph.Graph) error {
	to := make([]graph.TensorID, len(g.Tensors))
	kept := g.Tensors[:0]
	for i, t := range g.Tensors {
		to[i] = graph.None
		if t.Type != resource {
			to[i] = graph.TensorID(len(kept))
			kept = append(kept, t)
		}
	}
	if len(kept) == len(to) {
		return nil
	}
	g.Tensors = kept
	lists := [][]graph.TensorID{g.Inputs, g.Outputs}
	for _, op := range g.Ops {
		lists = append(lists, op.Inputs, op.Outputs, op.Intermediates)
	}
	for _, ids := range lists {
		for k, id := range ids {
			if id == graph.None {
				continue
			}
			if id < 0 || int(id) >= len(to) {
				return fmt.Errorf("an intermediate names tensor %d of %d", id, len(to))
			}
			if to[id] == graph.None {
				return fmt.Errorf("a variable is used as a value; only READ_VARIABLE and ASSIGN_VARIABLE take one")
			}
			ids[k] = to[id]
		}
	}
	for i, s := range g.States {
		g.States[i] = graph.State{In: to[s.In], Out: to[s.Out]}
	}
	return nil
}
