// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
)

// An input clamp is a matter of calibration alone: it sees inputs that are cut, so that
// their range, and those of all that is made of them, hold no more. The quantization of
// real values saturates there, in the interpreter and in the generated C.

// cutAt returns the range that holds the given percentile of values, zero included, as
// much being left out at both ends.
func cutAt(values []float32, percentile float64) (lo, hi float32) {
	if len(values) == 0 {
		return 0, 0
	}
	slices.Sort(values)
	out := min(int(float64(len(values))*(100-percentile)/200), (len(values)-1)/2)
	return min(values[out], 0), max(values[len(values)-1-out], 0)
}

// clampSamples cuts samples; a percentile of 0 leaves them as they are.
func clampSamples(samples [][]float32, percentile float64) {
	if percentile == 0 {
		return
	}
	lo, hi := cutAt(slices.Concat(samples...), percentile)
	for _, s := range samples {
		for i, v := range s {
			s[i] = min(max(v, lo), hi)
		}
	}
}

// clamped are calls whose inputs are cut, each at its own range.
type clamped struct {
	Sequences
	ranges map[int][2]float32
}

func (c clamped) Feed(i, call, input int, dst []float32) error {
	if err := c.Sequences.Feed(i, call, input, dst); err != nil {
		return err
	}
	r := c.ranges[input]
	for j, v := range dst {
		dst[j] = min(max(v, r[0]), r[1])
	}
	return nil
}

// clampCalls cuts the data inputs of calls; a percentile of 0 leaves them as they are.
func clampCalls(g *graph.Graph, calls Sequences, percentile float64) (Sequences, error) {
	if percentile == 0 {
		return calls, nil
	}
	c := clamped{calls, map[int][2]float32{}}
	for _, in := range calibrate.DataInputs(g) {
		var all []float32
		row := make([]float32, g.Tensors[g.Inputs[in]].Elems())
		for i := range calls.Len() {
			for call := range calls.Calls(i) {
				if err := calls.Feed(i, call, in, row); err != nil {
					return nil, err
				}
				all = append(all, row...)
			}
		}
		lo, hi := cutAt(all, percentile)
		c.ranges[in] = [2]float32{lo, hi}
	}
	return c, nil
}
