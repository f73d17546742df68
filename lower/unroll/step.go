// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Span is the time steps of a call that a tensor belongs to, both counted from 0.
type Span struct{ First, Last int }

// Spans returns the span of every tensor that is computed or fed, indexed by
// TensorID, for a call of the given number of steps. Most tensors belong to one step.
// An input state belongs to the first, an output state to the last, and what says
// no step itself to the steps of what it is computed from: the head of a network
// that decides at the end to the last one, the projection of all inputs to all.
func (p *Plan) Spans(steps int) []Span {
	g := p.Graph
	spans := make([]Span, len(g.Tensors))
	for _, id := range g.Inputs {
		spans[id] = Span{0, steps - 1}
	}
	ends := map[graph.TensorID]bool{}
	for _, s := range g.States {
		spans[s.In] = Span{0, 0}
		ends[s.Out] = true
	}
	for _, op := range g.Ops {
		from := Span{steps - 1, 0}
		for _, id := range op.Inputs {
			if id != graph.None && p.Role[id] != "" {
				from.First, from.Last = min(from.First, spans[id].First), max(from.Last, spans[id].Last)
			}
		}
		for _, id := range op.Outputs {
			spans[id] = from
			if t, ok := stepOf(g.Tensors[id].Name); ok {
				spans[id] = Span{t, t}
			} else if ends[id] {
				spans[id] = Span{steps - 1, steps - 1}
			}
		}
	}
	return spans
}

// stepOf reads the step from a name as cell.at gives them: layer/t07/h.
func stepOf(name string) (int, bool) {
	for part := range strings.SplitSeq(name, "/") {
		if digits, ok := strings.CutPrefix(part, "t"); ok {
			if t, err := strconv.Atoi(digits); err == nil {
				return t, true
			}
		}
	}
	return 0, false
}
