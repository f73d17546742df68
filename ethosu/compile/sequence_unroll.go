// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Unrolled returns the graph of a whole call: the graph of one time step, whose states
// are paired, repeated for every step. Its inputs and outputs are those of the program
// that Sequence makes of the same step, and so are the values.
func Unrolled(step *graph.Graph, seq SequenceOptions) (*graph.Graph, error) {
	if seq.Steps < 1 || seq.Steps > ethosu.MaxInvocations {
		return nil, fmt.Errorf("unroll %s: %d steps: expected 1 to %d", name(step), seq.Steps, ethosu.MaxInvocations)
	}
	if len(step.States) == 0 && !slices.ContainsFunc(step.Tensors, func(t *graph.Tensor) bool { return t.Variable }) {
		return nil, fmt.Errorf("unroll %s: no input of the step is paired with an output, so nothing would pass from one step to the next: name the states", name(step))
	}
	u := &unrolling{step: step, seq: seq, g: &graph.Graph{Name: step.Name}, fixed: map[graph.TensorID]graph.TensorID{}, state: map[graph.TensorID]bool{}}
	for _, s := range step.States {
		in, out := step.Tensors[s.In], step.Tensors[s.Out]
		if !in.Quant.Equal(out.Quant) {
			return nil, fmt.Errorf("unroll %s: state %q has scale %g, its output %q has %g: steps in one graph need equal ones; use a sequence of streams", name(step), in.Name, in.Scale(), out.Name, out.Scale())
		}
		u.state[s.In], u.state[s.Out] = true, true
	}
	u.inputs()
	for t := range seq.Steps {
		u.at(t)
	}
	u.outputs()
	u.prune()
	return u.g, nil
}

type unrolling struct {
	step  *graph.Graph
	seq   SequenceOptions
	g     *graph.Graph
	state map[graph.TensorID]bool             // inputs and outputs that are states
	fixed map[graph.TensorID]graph.TensorID   // constants and variables, the same in every step
	rows  map[graph.TensorID][]graph.TensorID // of inputs that move, by step
	carry map[graph.TensorID]graph.TensorID   // states as the next step finds them
	made  []map[graph.TensorID]graph.TensorID // tensors of every step
}

func (u *unrolling) add(name string, like *graph.Tensor, shape []int) graph.TensorID {
	return u.g.Add(&graph.Tensor{Name: name, Type: like.Type, Shape: shape, Quant: like.Quant})
}

func (u *unrolling) emit(kind graph.Kind, attr any, in []graph.TensorID, out ...graph.TensorID) {
	u.g.Ops = append(u.g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: out})
}

func (u *unrolling) reshape(name string, from graph.TensorID, shape []int) graph.TensorID {
	to := u.add(name, u.g.Tensors[from], shape)
	u.emit(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, []graph.TensorID{from}, to)
	return to
}

// inputs declares the inputs of the call and cuts those that move into steps.
func (u *unrolling) inputs() {
	u.rows = map[graph.TensorID][]graph.TensorID{}
	u.carry = map[graph.TensorID]graph.TensorID{}
	for _, id := range u.step.Inputs {
		t := u.step.Tensors[id]
		if u.state[id] {
			in := u.add(t.Name, t, t.Shape)
			u.g.Inputs = append(u.g.Inputs, in)
			u.carry[id] = in
			continue
		}
		in := u.add(t.Name, t, ethosu.WithTime(t.Shape, u.seq.Steps))
		u.g.Inputs = append(u.g.Inputs, in)
		n := t.Elems()
		parts := []graph.TensorID{u.reshape(t.Name+"/rows", in, []int{u.seq.Steps, n})}
		if u.seq.Steps > 1 {
			axis := u.g.Add(&graph.Tensor{Name: t.Name + "/axis", Type: graph.Int32, Data: binary.LittleEndian.AppendUint32(nil, 0)})
			whole := parts[0]
			parts = nil
			for s := range u.seq.Steps {
				parts = append(parts, u.add(fmt.Sprintf("t%02d/%s/row", s, t.Name), t, []int{1, n}))
			}
			u.emit(graph.Split, graph.SplitAttr{NumSplits: u.seq.Steps}, []graph.TensorID{axis, whole}, parts...)
		}
		for s, p := range parts {
			u.rows[id] = append(u.rows[id], u.reshape(fmt.Sprintf("t%02d/%s", s, t.Name), p, t.Shape))
		}
	}
}

// at repeats the operators for step t.
func (u *unrolling) at(t int) {
	made := map[graph.TensorID]graph.TensorID{graph.None: graph.None}
	u.made = append(u.made, made)
	for id, list := range u.rows {
		made[id] = list[t]
	}
	for id, now := range u.carry {
		made[id] = now
	}
	for _, op := range u.step.Ops {
		c := *op
		c.Inputs, c.Outputs = nil, nil
		for _, id := range op.Inputs {
			c.Inputs = append(c.Inputs, u.tensor(t, id))
		}
		for _, id := range op.Outputs {
			c.Outputs = append(c.Outputs, u.tensor(t, id))
		}
		u.g.Ops = append(u.g.Ops, &c)
	}
	if t == u.seq.Steps-1 {
		return
	}
	next := map[graph.TensorID]graph.TensorID{}
	for _, s := range u.step.States {
		in := u.step.Tensors[s.In]
		now := u.tensor(t, s.Out)
		if !slices.Equal(u.step.Tensors[s.Out].Shape, in.Shape) {
			now = u.reshape(fmt.Sprintf("t%02d/%s", t+1, in.Name), now, in.Shape)
		}
		next[s.In] = now
	}
	u.carry = next
}

// tensor returns what a tensor of the step is in step t.
func (u *unrolling) tensor(t int, id graph.TensorID) graph.TensorID {
	made := u.made[t]
	if n, ok := made[id]; ok {
		return n
	}
	x := u.step.Tensors[id]
	if x.IsConst() || x.Variable {
		if _, ok := u.fixed[id]; !ok {
			u.fixed[id] = u.g.Add(x)
		}
		return u.fixed[id]
	}
	label := fmt.Sprintf("t%02d/%s", t, x.Name)
	if t == u.seq.Steps-1 && slices.Index(u.step.Outputs, id) >= 0 && (u.state[id] || !u.seq.PerStep) {
		label = x.Name
	}
	made[id] = u.add(label, x, x.Shape)
	return made[id]
}

// outputs joins the outputs of all steps, or takes those of the last.
func (u *unrolling) outputs() {
	last := u.seq.Steps - 1
	for _, id := range u.step.Outputs {
		if u.state[id] || !u.seq.PerStep {
			u.g.Outputs = append(u.g.Outputs, u.tensor(last, id))
			continue
		}
		t := u.step.Tensors[id]
		n := t.Elems()
		var rows []graph.TensorID
		for s := range u.seq.Steps {
			rows = append(rows, u.reshape(fmt.Sprintf("t%02d/%s/row", s, t.Name), u.tensor(s, id), []int{1, n}))
		}
		whole := u.add(t.Name+"/rows", t, []int{u.seq.Steps, n})
		u.emit(graph.Concatenation, graph.ConcatenationAttr{Axis: 0}, rows, whole)
		u.g.Outputs = append(u.g.Outputs, u.reshape(t.Name, whole, ethosu.WithTime(t.Shape, u.seq.Steps)))
	}
	for _, s := range u.step.States {
		u.g.States = append(u.g.States, graph.State{In: u.g.Inputs[slices.Index(u.step.Inputs, s.In)], Out: u.tensor(last, s.Out)})
	}
}

// prune leaves out what no output needs: the head of all steps but the last.
func (u *unrolling) prune() {
	needed := map[graph.TensorID]bool{}
	for _, id := range u.g.Outputs {
		needed[id] = true
	}
	var kept []*graph.Op
	for i := len(u.g.Ops) - 1; i >= 0; i-- {
		op := u.g.Ops[i]
		keep := op.WritesAny()
		for _, id := range op.Outputs {
			keep = keep || needed[id]
		}
		if !keep {
			continue
		}
		for _, id := range op.Inputs {
			needed[id] = true
		}
		kept = append(kept, op)
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	u.g.Ops = kept
}
