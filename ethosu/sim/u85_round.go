// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// newScalerU85 is the scaling of the U85: (v*s + r) >> n, where the mode says what r is.
// Double says where the second rounding of the double modes is: 31 bits up less that. Source: the
// constant folding of the Vela compiler; modes 0 and 1 are confirmed by recorded outputs.
func newScalerU85(s isa.ScaleU85) scaler {
	r, n, d := scaler{s: int64(s.Value), n: uint(s.Shift)}, uint(s.Shift), uint(s.Double)
	if n == 0 {
		return r
	}
	half := int64(1) << (n - 1)
	second := int64(0)
	if n > 31-d {
		second = 1 << (30 - d)
	}
	switch s.Round {
	case isa.RoundDouble:
		r.pos, r.neg = half+second, half-second
	case isa.RoundHalfUp:
		r.pos, r.neg = half, half
	case isa.RoundDoubleAsym:
		r.pos, r.neg = half+second, half+second
	case isa.RoundSymmetric:
		r.pos, r.neg = half, half-1
	case isa.RoundTowardsZero:
		r.pos, r.neg = 0, 1<<n-1
	case isa.RoundDown:
	}
	return r
}

// exact returns the factor of a scaler that drops no bits, so that rounding does
// nothing.
func (r *scaler) exact() (factor int64, ok bool) {
	// What is added before the shift is less than a unit and not below 0, in every mode.
	factor = r.s >> r.n
	return factor, factor<<r.n == r.s
}
