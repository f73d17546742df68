// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Heads are what can be put behind the first output that is no state. Nothing is put
// there unless it is asked for.
const (
	HeadNone    = "none"
	HeadSoftmax = "softmax"
	HeadSigmoid = "sigmoid"
)

// data returns the outputs that are no states.
func (n *Network) data() []int {
	state := map[graph.TensorID]bool{}
	for _, s := range n.Graph.States {
		state[s.Out] = true
	}
	var out []int
	for i, id := range n.Graph.Outputs {
		if !state[id] {
			out = append(out, i)
		}
	}
	return out
}

// AddHead puts a function behind the first data output, which keeps its name.
func (n *Network) AddHead(head string) error {
	outs := n.data()
	if head == HeadNone || head == "" {
		return nil
	}
	if len(outs) == 0 {
		return fmt.Errorf("--head %s: all outputs are states", head)
	}
	g := n.Graph
	id := g.Outputs[outs[0]]
	old := g.Tensors[id]
	op := &graph.Op{Kind: graph.Logistic, Inputs: []graph.TensorID{id}}
	switch head {
	case HeadSigmoid:
	case HeadSoftmax:
		op.Kind, op.Attr = graph.Softmax, graph.SoftmaxAttr{Beta: 1}
		if s := old.Shape; len(s) == 0 || s[len(s)-1] < 2 {
			return fmt.Errorf("--head softmax: output %q has shape %v; over one value it is always 1: use --head sigmoid", old.Name, s)
		}
	default:
		return fmt.Errorf("--head %s: expected softmax, sigmoid or none", head)
	}
	if last := n.lastKind(id); last == op.Kind {
		return fmt.Errorf("--head %s: output %q comes from a %v already", head, old.Name, last)
	}
	name := old.Name
	old.Name = name + "/logits"
	out := g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: old.Shape})
	op.Outputs = []graph.TensorID{out}
	g.Ops = append(g.Ops, op)
	g.Outputs[outs[0]] = out
	if n.Role != nil {
		n.Role = append(n.Role, name)
		n.Role[id] = old.Name
	}
	return nil
}

// lastKind is the operator that makes a value, not counting those that move it.
func (n *Network) lastKind(id graph.TensorID) graph.Kind {
	for i := len(n.Graph.Ops) - 1; i >= 0; i-- {
		op := n.Graph.Ops[i]
		for _, out := range op.Outputs {
			if out != id {
				continue
			}
			if !op.Kind.Moves() || len(op.DataInputs()) != 1 {
				return op.Kind
			}
			id = op.DataInputs()[0]
		}
	}
	return -1
}

// Task is what the first data output says of itself, "" where it does not: a softmax
// gives classes, sigmoids detections.
func (n *Network) Task() string {
	outs := n.data()
	if len(outs) == 0 {
		return ""
	}
	switch n.lastKind(n.Graph.Outputs[outs[0]]) {
	case graph.Softmax, graph.LogSoftmax:
		return facts.Classification
	case graph.Logistic:
		return facts.Detection
	}
	return ""
}
