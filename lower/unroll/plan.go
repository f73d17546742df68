// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Plan is an unrolled float graph with the roles of its tensors.
type Plan struct {
	Graph *graph.Graph

	// Role names the quantization that a tensor takes part in, indexed by
	// TensorID; "" for constants. All tensors of one
	// role share scale and zero point.
	Role []string

	// Fixed marks the roles that no data decides: outputs of LOGISTIC, TANH
	// and SOFTMAX, whose quantization the kernels prescribe.
	Fixed map[string]graph.Kind

	// Feeds marks the roles that only a LOGISTIC or a TANH reads: beyond the
	// saturation of that function their range carries nothing.
	Feeds map[string]graph.Kind

	// Exponents has the roles that a SOFTMAX reads, with what it multiplies them by: its
	// kernels take no steps finer than 2^-26, and less than a thousandth says nothing there.
	Exponents map[string]float64

	// Head marks the roles of the head when it decides at the end of a sequence
	// only: calibration takes their ranges there, however few steps a call has.
	Head map[string]bool

	// Sums marks the roles of states that add up over many steps without a bound
	// of their own: the cell state of an LSTM. Their range is a compromise
	// between depth of memory and resolution.
	Sums map[string]bool

	// Carried marks the roles of states with a bound, which every step passes to the
	// next, also where a call starts at zero.
	Carried map[string]bool

	// Within names for some roles another one that holds their values too, so
	// that a cut of its range is one of theirs.
	Within map[string]string

	// Symmetric marks the roles whose zero point is 0.
	Symmetric map[string]bool

	// Bounds holds what is known of a role's values without data, for example
	// -1 to 1 for a state that is a mean of values of TANH.
	Bounds map[string][2]float32

	// Given holds the ranges of roles that are quantized as the source says, whatever is
	// observed.
	Given map[string][2]float32

	weightNames map[graph.TensorID]string // of weights whose own name others have, too
	elsewhere   map[string]bool           // roles that not only products with weights read: see Reading
}

// Roles returns the roles of the graph in order of first appearance.
func (p *Plan) Roles() []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, r := range p.Role {
		if !seen[r] {
			seen[r] = true
			out = append(out, r)
		}
	}
	return out
}

// finish fills Feeds and checks that every computed tensor has a role and that
// data movement does not cross roles, but for a concatenation of layers, which has a role
// of its own.
func (p *Plan) finish() {
	for i, op := range p.Graph.Ops {
		for _, id := range op.Outputs {
			if p.Role[id] == "" {
				panic("BUG: no role: " + p.Graph.OpString(i))
			}
		}
		if !op.Kind.Moves() {
			continue
		}
		for _, id := range op.Inputs {
			if own := p.Graph.Tensors[op.Outputs[0]].Name == p.Role[op.Outputs[0]]; p.Converts(op, id) && !(own && op.Kind == graph.Concatenation) {
				panic(fmt.Sprintf("BUG: %s moves role %q to %q", p.Graph.OpString(i), p.Role[id], p.Role[op.Outputs[0]]))
			}
		}
	}
	p.feeds()
}

// Converts reports whether an operator that keeps the quantization of its inputs gets
// one with another.
func (p *Plan) Converts(op *graph.Op, id graph.TensorID) bool {
	return id != graph.None && p.Role[id] != "" && p.Role[id] != p.Role[op.Outputs[0]]
}

// feeds fills Feeds and what else follows from who reads a role.
func (p *Plan) feeds() {
	p.readElsewhere()
	p.nameWeights()
	g := p.Graph
	p.Exponents = map[string]float64{}
	for _, op := range g.Ops {
		if k := op.Kind; k == graph.Softmax || k == graph.LogSoftmax {
			beta := 1.0
			if a, ok := op.Attr.(graph.SoftmaxAttr); ok && a.Beta > 0 {
				beta = float64(a.Beta)
			}
			if r := p.Role[op.Inputs[0]]; p.Exponents[r] == 0 || beta < p.Exponents[r] {
				p.Exponents[r] = beta
			}
		}
	}
	readers := map[string]map[graph.Kind]bool{}
	note := func(id graph.TensorID, k graph.Kind) {
		r := p.Role[id]
		if readers[r] == nil {
			readers[r] = map[graph.Kind]bool{}
		}
		readers[r][k] = true
	}
	for _, op := range g.Ops {
		for _, id := range op.Inputs {
			if id != graph.None && p.Role[id] != "" && (!op.Kind.Moves() || p.Converts(op, id)) {
				note(id, op.Kind)
			}
		}
	}
	for _, id := range g.Outputs {
		note(id, -1) // the caller reads it
	}
	for r, ks := range readers {
		for _, k := range []graph.Kind{graph.Logistic, graph.Tanh} {
			if len(ks) == 1 && ks[k] {
				p.Feeds[r] = k
			}
		}
	}
}
