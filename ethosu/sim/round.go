// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// scaler multiplies by s*2^-n and rounds. d is the number of bits that a fixed left
// shift of the operand already accounts for; 0 for the output scale.
type scaler struct {
	s    int64 // 0..2^32-1
	n    uint  // 0..63
	mode isa.RoundMode
	pos  int64 // what is added to a product of a value >= 0 before the shift
	neg  int64 // and of a value < 0
}

func newScaler(s isa.Scale, mode isa.RoundMode, d uint) scaler {
	r := scaler{s: int64(s.Value), n: uint(s.Shift), mode: mode}
	if r.n == 0 {
		return r
	}
	switch mode {
	case isa.RoundTruncate:
		r.neg = 1<<r.n - 1
	case isa.RoundNatural:
		r.pos = 1 << (r.n - 1)
		r.neg = r.pos
	default:
		r.pos = 1 << (r.n - 1)
		r.neg = r.pos
		if r.n > 31-d { // second rounding, half away from zero
			r.pos += 1 << (30 - d)
			r.neg -= 1 << (30 - d)
		}
	}
	return r
}

// round returns the scaled value. Results beyond 62 bits come back as +-2^62, which
// every later stage clamps.
func (r *scaler) round(v int64) int64 {
	if v >= -1<<30+1 && v <= 1<<30-1 {
		if v >= 0 {
			return (v*r.s + r.pos) >> r.n
		}
		return (v*r.s + r.neg) >> r.n
	}
	return r.wide(v)
}

// wide is round with a product of 128 bits.
func (r *scaler) wide(v int64) int64 {
	add := r.pos
	mag := uint64(v)
	if v < 0 {
		mag, add = -mag, r.neg
	}
	hi, lo := bits.Mul64(mag, uint64(r.s))
	if v < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	var carry uint64
	lo, carry = bits.Add64(lo, uint64(add), 0)
	hi, _ = bits.Add64(hi, uint64(add>>63), carry)
	top := int64(hi)
	if r.n > 0 {
		lo = lo>>r.n | hi<<(64-r.n)
		top >>= r.n
	}
	switch {
	case top == 0 && lo < 1<<62:
		return int64(lo)
	case top == -1 && int64(lo) >= -1<<62 && int64(lo) < 0:
		return int64(lo)
	case top < 0:
		return -1 << 62
	}
	return 1 << 62
}
