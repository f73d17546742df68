// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Range is an interval of real values that a tensor's quantization has to hold.
type Range struct{ Min, Max float32 }

// Beyond these values the function's int8 or int16 result no longer changes, so
// a tensor that only the function reads needs no more range. For int8 they come
// from the result's grids, 1/256 from 0 on and 1/128 from -1 on; for int16 from
// the last entry of the kernels' table.
var saturation = map[graph.Kind]struct{ int8, int16 Range }{
	graph.Logistic: {Range{-6.3, 5.2}, Range{-10.625, 10.625}},
	graph.Tanh:     {Range{-3.2, 2.6}, Range{-5.3125, 5.3125}},
}

// params chooses scale and zero point of a role as the given type; center asks
// for zero point 0.
func params(plan *unroll.Plan, role string, r Range, t graph.DType, center bool) *graph.Quant {
	if k, ok := plan.Fixed[role]; ok {
		return prescribed(graph.Describe(k).Fixed, t)
	}
	if b, ok := plan.Given[role]; ok {
		r = Range{b[0], b[1]}
	}
	if b, ok := plan.Bounds[role]; ok {
		r = meet(r, Range{b[0], b[1]})
	}
	if k, ok := plan.Feeds[role]; ok {
		if t == graph.Int16 {
			r = meet(r, saturation[k].int16)
		} else {
			r = meet(r, saturation[k].int8)
		}
	}
	if beta, ok := plan.Exponents[role]; ok {
		r = wider(r, 1e-3/beta)
	}
	if (center || plan.Symmetric[role]) && t == graph.Int8 {
		return symmetric(r)
	}
	return affine(r, t)
}

// prescribed returns the quantization that a kernel takes for granted.
func prescribed(f graph.Fixed, t graph.DType) *graph.Quant {
	if t == graph.Int16 {
		return graph.PerTensor(f.Scale16, 0)
	}
	return graph.PerTensor(f.Scale8, f.Zero8)
}

// symmetric returns 8-bit quantization with zero point 0.
func symmetric(r Range) *graph.Quant {
	top := math.Max(-float64(r.Min), float64(r.Max))
	if top < narrowest {
		top = 1
	}
	return graph.PerTensor(float32(top/math.MaxInt8), 0)
}

// wider returns a range that reaches as far from zero as is asked for, where it does not;
// one of nothing stays so.
func wider(r Range, reach float64) Range {
	if top := float32(reach); r.Max-r.Min >= narrowest && max(-r.Min, r.Max) < top {
		r.Max = top
	}
	return r
}

func meet(a, b Range) Range { return Range{max(a.Min, b.Min), min(a.Max, b.Max)} }

// narrowest is the width below which a range counts as nothing: a role that was
// zero throughout calibration gets a width of 1, a scale that fits its neighbours.
const narrowest = 1e-9

// affine returns the quantization of a range, widened to hold zero, which is
// always exact.
func affine(r Range, t graph.DType) *graph.Quant {
	lo, hi := math.Min(float64(r.Min), 0), math.Max(float64(r.Max), 0)
	if hi-lo < narrowest {
		hi = lo + 1
	}
	if t == graph.Int16 {
		return graph.PerTensor(float32(math.Max(-lo, hi)/math.MaxInt16), 0)
	}
	scale := float32((hi - lo) / 255)
	zero := math.Round(math.MinInt8 - lo/float64(scale))
	return graph.PerTensor(scale, int32(min(max(zero, math.MinInt8), math.MaxInt8)))
}
