// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"maps"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// search cuts the ranges of some roles by what it does to the network's result
// on the calibration samples, judged by emulation.
//
// The range of an LSTM's cell state is no matter of rounding and clipping alone:
// it is tens wide after long streams while tanh, its only reader but itself,
// is flat beyond 3, and a rounding error of every step stays in the sum.
type search struct {
	plan    *unroll.Plan
	samples [][]float32
	o       quantize.Options
	want    []float32 // the float graph's logits
	watch   string    // their tensor
}

// rounds of carried states that a candidate is judged on.
const searchRounds = 2

// fractions of a range that are tried, each a bit from the next but one.
var fractions = []float32{1, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125}

func newSearch(plan *unroll.Plan, samples [][]float32, o quantize.Options) (*search, error) {
	s := &search{plan: plan, samples: samples, o: o}
	var id graph.TensorID
	for i, role := range plan.Role {
		_, head := plan.Head[role]
		if _, fixed := plan.Fixed[role]; head && !fixed { // logits, or the output of a regression
			id = graph.TensorID(i)
		}
	}
	s.watch = plan.Graph.Tensors[id].Name
	var err error
	s.want, err = calibrate.Trace(plan.Graph, id, samples, searchRounds)
	return s, err
}

// cost returns the squared error of the quantized graph's logits.
func (s *search) cost(ranges map[string]quantize.Range) (float64, error) {
	g, err := quantize.Graph(s.plan, ranges, s.o)
	if err != nil {
		return 0, err
	}
	got, err := calibrate.Trace(g, g.Find(s.watch), s.samples, searchRounds)
	if err != nil {
		return 0, err
	}
	return squares(got, s.want), nil
}

// sums chooses the ranges of the roles that add up without a bound.
func (s *search) sums(ctx context.Context, ranges map[string]quantize.Range) error {
	before := maps.Clone(ranges)
	for _, role := range s.plan.Roles() {
		if !s.plan.Sums[role] {
			continue
		}
		full, best, least := before[role], quantize.Range{}, 0.0
		for i, f := range fractions {
			if err := ctx.Err(); err != nil {
				return err
			}
			top := f * max(-full.Min, full.Max)
			s.set(ranges, before, role, quantize.Range{Min: max(full.Min, -top), Max: min(full.Max, top)})
			cost, err := s.cost(ranges)
			if err != nil {
				return err
			}
			if i == 0 || cost < least {
				best, least = ranges[role], cost
			}
		}
		s.set(ranges, before, role, best)
	}
	return nil
}

// set changes the range of a role and cuts those within it from what they were
// before.
func (s *search) set(ranges, before map[string]quantize.Range, role string, r quantize.Range) {
	ranges[role] = r
	for inner, outer := range s.plan.Within {
		if in, ok := before[inner]; ok && outer == role {
			ranges[inner] = quantize.Range{Min: max(in.Min, r.Min), Max: min(in.Max, r.Max)}
		}
	}
}
