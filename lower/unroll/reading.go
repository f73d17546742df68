// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// A matrix product may read in 8 bits what is kept in 16 for others: a state that adds up
// small updates, or two states side by side of which one is wide. An NPU multiplies 8-bit
// values at twice the rate. Such a reading is named for its weights and its role, and has a
// range of its own, which is that of the tensors that are read and not that of the role.

// Reading is what a matrix product reads of a role that something else reads, too.
type Reading struct{ Name, Role string }

// Readings lists those of the graph, in its order.
func (p *Plan) Readings() []Reading {
	var list []Reading
	seen := map[string]bool{}
	for _, op := range p.Graph.Ops {
		if name := p.Reading(op); name != "" && !seen[name] {
			seen[name] = true
			list = append(list, Reading{name, p.Role[op.Inputs[0]]})
		}
	}
	return list
}

// Reading names what an operator reads where it may do so in another width than the role
// has; "" where it may not: what products alone read needs no width but the role's.
func (p *Plan) Reading(op *graph.Op) string {
	if !multiplies(p.Graph, op) || !p.elsewhere[p.Role[op.Inputs[0]]] {
		return ""
	}
	return p.Role[op.Inputs[0]] + ", as " + p.weightName(op.Inputs[1]) + " reads it"
}

// weightName is the name of weights, with a number where others before them have the same name:
// what different weights read has ranges of its own. Copies of one matrix are one.
func (p *Plan) weightName(id graph.TensorID) string {
	if name, ok := p.weightNames[id]; ok {
		return name
	}
	return p.Graph.Tensors[id].Name
}

// nameWeights fills weightNames.
func (p *Plan) nameWeights() {
	p.weightNames = map[graph.TensorID]string{}
	seen := map[string][]graph.TensorID{} // different weights of a name
	for _, op := range p.Graph.Ops {
		if !multiplies(p.Graph, op) {
			continue
		}
		id := op.Inputs[1]
		w := p.Graph.Tensors[id]
		same := func(other graph.TensorID) bool {
			o := p.Graph.Tensors[other]
			return other == id || slices.Equal(o.Shape, w.Shape) && bytes.Equal(o.Data, w.Data)
		}
		at := slices.IndexFunc(seen[w.Name], same)
		if at < 0 {
			at = len(seen[w.Name])
			seen[w.Name] = append(seen[w.Name], id)
		}
		if at > 0 {
			p.weightNames[id] = fmt.Sprintf("%s (%d)", w.Name, at+1)
		}
	}
}

// ReadingsOf names the readings of every tensor that has some.
func (p *Plan) ReadingsOf() map[graph.TensorID][]string {
	of := map[graph.TensorID][]string{}
	for _, op := range p.Graph.Ops {
		if name := p.Reading(op); name != "" {
			of[op.Inputs[0]] = append(of[op.Inputs[0]], name)
		}
	}
	return of
}

// multiplies reports whether an operator multiplies values with constant weights.
func multiplies(g *graph.Graph, op *graph.Op) bool {
	switch op.Kind {
	case graph.FullyConnected, graph.Conv2D:
		w := g.Tensors[op.Inputs[1]]
		return w.IsConst() && w.Type == graph.Float32
	}
	return false
}

// readElsewhere fills elsewhere: the roles that some operator reads that is neither such a
// product nor a movement within the role.
func (p *Plan) readElsewhere() {
	p.elsewhere = map[string]bool{}
	for _, op := range p.Graph.Ops {
		for i, id := range op.Inputs {
			if id == graph.None || p.Role[id] == "" || i == 0 && multiplies(p.Graph, op) {
				continue
			}
			if !op.Kind.Keeps() || p.Converts(op, id) {
				p.elsewhere[p.Role[id]] = true
			}
		}
	}
}
