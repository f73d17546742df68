// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/bits"
)

// Multiplier is a positive real factor M * 2^(Exp-31) with M in [2^30, 2^31),
// or zero as {0, 0}.
type Multiplier struct {
	M   int32
	Exp int
}

// Real returns the factor as a real number.
func (m Multiplier) Real() float64 { return math.Ldexp(float64(m.M), m.Exp-31) }

// QuantizeMultiplier returns the multiplier nearest to d, ties away from zero.
// d below 2^-32 (and anything that is not a positive number) gives {0, 0}.
func QuantizeMultiplier(d float64) Multiplier {
	if !(d > 0) || math.IsInf(d, 0) {
		return Multiplier{}
	}
	frac, exp := math.Frexp(d)
	m := int64(math.Round(frac * (1 << 31)))
	if m == 1<<31 {
		m, exp = 1<<30, exp+1
	}
	if exp < -31 {
		return Multiplier{}
	}
	return Multiplier{M: int32(m), Exp: exp}
}

// SRDHM is the saturating rounding doubling high multiplication: a*b/2^31,
// ties upwards, and 2^31-1 for -2^31 * -2^31.
func SRDHM(a, b int32) int32 {
	if a == math.MinInt32 && b == math.MinInt32 {
		return math.MaxInt32
	}
	return int32((int64(a)*int64(b) + 1<<30) >> 31)
}

// RDBPOT is x / 2^e to nearest, ties away from zero, for 0 <= e <= 31.
func RDBPOT(x int32, e int) int32 {
	if e == 0 {
		return x
	}
	r := int64(x) + 1<<(e-1)
	if x < 0 {
		r--
	}
	return int32(r >> e)
}

// MBQM is x * m with TFLite's double rounding. Bits that a left shift pushes
// out of 32 are lost, as in the kernels.
func MBQM(x int32, m Multiplier) int32 {
	if m.Exp > 0 {
		return SRDHM(x<<m.Exp, m.M)
	}
	return RDBPOT(SRDHM(x, m.M), -m.Exp)
}

// Reduce returns the 16-bit multiplier and the shift that MBQM64 uses: the
// product with m is (x*mr + 2^(shift-1)) >> shift.
func (m Multiplier) Reduce() (mr int32, shift int) {
	mr = 0x7FFF
	if m.M < 0x7FFF0000 {
		mr = (m.M + 1<<15) >> 16
	}
	return mr, 15 - m.Exp
}

// MBQM64 is x * m with a multiplier reduced to 16 bits and one rounding, ties
// upwards. It serves int16 activations with a 64-bit accumulator, for
// -2^47 <= x < 2^47 and -31 <= m.Exp < 8.
func MBQM64(x int64, m Multiplier) int32 {
	mr, shift := m.Reduce()
	return int32((x*int64(mr) + 1<<(shift-1)) >> shift)
}

// satShl is x << n, saturating at both ends of int32.
func satShl(x int32, n int) int32 {
	limit := int32(1<<(31-n) - 1)
	switch {
	case x > limit:
		return math.MaxInt32
	case x < -limit:
		return math.MinInt32
	}
	return x << n
}

// roundingHalfSum is (a+b)/2, ties away from zero.
func roundingHalfSum(a, b int32) int32 {
	s := int64(a) + int64(b)
	if s >= 0 {
		return int32((s + 1) / 2)
	}
	return int32((s - 1) / 2)
}

// CLZ counts leading zeros of the 32-bit pattern; 32 for zero.
func CLZ(x int32) int { return bits.LeadingZeros32(uint32(x)) }

// Sat16 saturates to int16.
func Sat16(x int32) int32 { return min(max(x, math.MinInt16), math.MaxInt16) }
