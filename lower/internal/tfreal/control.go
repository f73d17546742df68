// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// maxRounds bounds the rounds of a WHILE, and maxDepth subgraphs within each other.
const (
	maxRounds = 1 << 13
	maxDepth  = 8
)

func init() {
	register(conditional, graph.If)
	register(loop, graph.While)
}

// subgraph checks a number of a subgraph.
func (b *block) subgraph(n int, inputs, outputs int) *graph.Graph {
	if n <= 0 || n >= len(b.subs) || b.subs[n] == nil {
		b.refuse("names subgraph %d of %d", n, len(b.subs))
	}
	g := b.subs[n]
	if len(g.Inputs) != inputs || len(g.Outputs) != outputs {
		b.refuse("subgraph %d has %d inputs and %d outputs, expected %d and %d", n, len(g.Inputs), len(g.Outputs), inputs, outputs)
	}
	return g
}

// call writes a subgraph once and returns its outputs.
func (b *block) call(g *graph.Graph, name, role string, in []graph.TensorID) []graph.TensorID {
	if b.depth++; b.depth > maxDepth {
		b.refuse("subgraphs lie more than %d deep in each other", maxDepth)
	}
	defer func() { b.depth-- }()
	inner := &block{writer: b.writer, src: g, ids: map[graph.TensorID]graph.TensorID{}, pre: name, role: b.role + strings.TrimPrefix(role, b.pre)}
	for i, id := range g.Inputs {
		inner.ids[id] = in[i]
	}
	if !inner.run() {
		b.refuse("it cannot be written out, as said above")
	}
	var out []graph.TensorID
	for _, id := range g.Outputs {
		out = append(out, inner.at(id))
	}
	return out
}

// inputs are the operator's inputs from a position on, in the new graph.
func (b *block) inputs(from int) []graph.TensorID {
	var ids []graph.TensorID
	for pos := range b.op.Inputs[from:] {
		ids = append(ids, b.in(from+pos))
	}
	return ids
}

// results gives the operator's outputs their values.
func (b *block) results(v []graph.TensorID) {
	for i, id := range v {
		from, to := b.out.Tensors[id], b.out.Tensors[b.made[i]]
		if b.ids != nil {
			b.ids[b.op.Outputs[i]] = id
			continue
		}
		if from.IsConst() {
			to.Type, to.Shape, to.Data, to.Quant = from.Type, from.Shape, from.Data, from.Quant
			continue
		}
		shape := append([]int{}, from.Shape...)
		to.Type, to.Shape = graph.Float32, shape
		if r, ok := b.roles[id]; ok {
			b.roles[b.made[i]] = r
		}
		b.out.Ops = append(b.out.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: shape}, Inputs: []graph.TensorID{id, b.list(shape...)}, Outputs: []graph.TensorID{b.made[i]}})
	}
}

// known1 is the one truth value of a condition that is known.
func (b *block) known1(id graph.TensorID) (bool, bool) {
	v := b.constant(id)
	if len(v) != 1 {
		return false, false
	}
	return v[0] != 0, true
}

func conditional(b *block) {
	a := b.op.Attr.(graph.IfAttr)
	if len(b.op.Inputs) == 0 {
		b.refuse("has no condition")
	}
	yes, known := b.known1(b.in(0))
	if !known {
		b.refuse("its condition depends on the inputs; compute both sides and choose by tf.where, or make two networks")
	}
	n := a.Else
	if yes {
		n = a.Then
	}
	in := b.inputs(1)
	b.results(b.call(b.subgraph(n, len(in), len(b.made)), b.name()+"/", b.name()+"/", in))
}

// loop writes the rounds of a WHILE one after the other.
func loop(b *block) {
	a := b.op.Attr.(graph.WhileAttr)
	v := b.inputs(0)
	if len(v) != len(b.made) {
		b.refuse("has %d inputs and %d outputs, expected as many", len(v), len(b.made))
	}
	cond, body := b.subgraph(a.Cond, len(v), 1), b.subgraph(a.Body, len(v), len(v))
	for round := 0; ; round++ {
		more, known := b.known1(b.call(cond, fmt.Sprintf("%s/%02d?/", b.name(), round), b.name()+"/", v)[0])
		switch {
		case !known:
			b.refuse("how often it is repeated depends on the inputs; convert a fixed number of steps, or the recurrent layer with unroll=True")
		case !more:
			b.results(v)
			return
		case round == maxRounds:
			b.refuse("it is repeated more than %d times; convert fewer steps", maxRounds)
		}
		v = b.call(body, fmt.Sprintf("%s/%02d/", b.name(), round), b.name()+"/", v)
	}
}
