// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// masked is the summand that takes an element out of a softmax: beside others that are not
// more than 20 below the largest its share is less than e^-12, and a scale of 8 bits still
// has steps of a quarter for what is not masked.
const masked = -32

// masks gives the sums in front of a softmax a summand of -32 where exporters write
// -1e9 or -inf, as masks of attention are: scales reach as far as the values do.
func (a *arranger) masks() {
	readers := map[graph.TensorID][]*graph.Op{}
	for _, op := range a.g.Ops {
		for _, id := range op.Inputs {
			readers[id] = append(readers[id], op)
		}
	}
	for i, op := range a.g.Ops {
		if op.Kind != graph.Add { // ASSIGN_VARIABLE has no outputs
			continue
		}
		out := op.Outputs[0]
		if len(readers[out]) != 1 || slices.Contains(a.g.Outputs, out) || readers[out][0].Kind != graph.Softmax {
			continue
		}
		for k, id := range op.Inputs {
			if !a.isFloatConstant(id) {
				continue
			}
			if limited := a.limitedMask(id, a.g.Tensors[out].Shape); limited != nil {
				next := *op
				next.Inputs = slices.Clone(op.Inputs)
				next.Inputs[k] = a.floats(a.g.Tensors[id].Name+"/mask", limited, a.g.Tensors[id].Shape...)
				a.g.Ops[i] = &next
			}
		}
	}
}

// limitedMask returns a mask with no value below masked; nil where it has none, or where it
// leaves nothing of a row.
func (a *arranger) limitedMask(id graph.TensorID, shape []int) []float32 {
	t := a.g.Tensors[id]
	row := 0
	if len(t.Shape) > 0 && len(shape) > 0 && t.Shape[len(t.Shape)-1] == shape[len(shape)-1] {
		row = t.Shape[len(t.Shape)-1]
	}
	if row == 0 {
		return nil
	}
	v, cut := a.values(id), false
	for at := 0; at < len(v); at += row {
		kept := false
		for i, x := range v[at : at+row] {
			if x != x || math.IsInf(float64(x), 1) {
				return nil
			}
			if x < 10*masked { // far beyond what scores are
				v[at+i], cut = masked, true
			} else {
				kept = kept || x > masked/2
			}
		}
		if !kept {
			return nil
		}
	}
	if !cut {
		return nil
	}
	return v
}
