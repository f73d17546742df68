// SPDX-License-Identifier: Apache-2.0

package quant

import "math"

// expFactors are exp(-2^k) in Q0.31, for the bits of the argument from a
// quarter upwards (gemmlowp fixed point).
var expFactors = [...]struct {
	k int
	m int32
}{{-2, 1672461947}, {-1, 1302514674}, {0, 790015084}, {1, 290630308}, {2, 39332535}, {3, 720401}, {4, 242}}

// ExpNeg is exp(a) in Q0.31 of a <= 0 in Q(ib).(31-ib).
func ExpNeg(a int32, ib int) int32 {
	if a == 0 {
		return math.MaxInt32
	}
	fb := 31 - ib
	quarter := int32(1) << (fb - 2)
	r := a&(quarter-1) - quarter
	rem := r - a
	small := r
	if ib > 0 {
		small = satShl(r, ib)
	}
	res := expSmall(small)
	for _, f := range expFactors {
		if ib > f.k && rem&(1<<(fb+f.k)) != 0 {
			res = SRDHM(res, f.m)
		}
	}
	if ib > 5 && a < -(int32(1)<<(36-ib)) {
		res = 0
	}
	return res
}

// expSmall is exp(a) in Q0.31 of a in [-1/4, 0) Q0.31: a Taylor series around -1/8.
func expSmall(a int32) int32 {
	const (
		expEighth = 1895147668 // exp(-1/8)
		third     = 715827883  // 1/3
	)
	x := a + 1<<28
	x2 := SRDHM(x, x)
	x3 := SRDHM(x2, x)
	x4 := SRDHM(x2, x2)
	y := RDBPOT(SRDHM(RDBPOT(x4, 2)+x3, third)+x2, 1)
	return expEighth + SRDHM(expEighth, x+y)
}

// reciprocal is about 2/(1+a) in Q2.29 of a in [0,1) Q0.31: three Newton steps.
func reciprocal(a int32) int32 {
	const (
		c48over17    = 1515870810  // 48/17, Q2.29
		cNeg32over17 = -1010580540 // -32/17, Q2.29
	)
	hd := roundingHalfSum(a, math.MaxInt32)
	x := c48over17 + SRDHM(hd, cNeg32over17)
	for range 3 {
		o := 1<<29 - SRDHM(hd, x)
		x += satShl(SRDHM(x, o), 2)
	}
	return x
}

// OneOverOnePlus is 1/(1+a), both Q0.31, for a in [0,1).
func OneOverOnePlus(a int32) int32 { return satShl(reciprocal(a), 1) }

// oneMinusOver is (1-a)/(1+a), both Q0.31, for a in [0,1).
func oneMinusOver(a int32) int32 { return satShl(reciprocal(a)-1<<29, 2) }

// FixedLogistic is 1/(1+exp(-a)) in Q0.31 of a in Q(ib).(31-ib).
func FixedLogistic(a int32, ib int) int32 {
	if a == 0 {
		return 1 << 30
	}
	p := OneOverOnePlus(ExpNeg(-abs32(a), ib))
	if a < 0 {
		return math.MaxInt32 - p
	}
	return p
}

// FixedTanh is tanh(a) in Q0.31 of a in Q(ib).(31-ib).
func FixedTanh(a int32, ib int) int32 {
	if a == 0 {
		return 0
	}
	t := oneMinusOver(ExpNeg(-abs32(a), ib+1)) // one more integer bit doubles the argument
	if a < 0 {
		return -t
	}
	return t
}

func abs32(a int32) int32 {
	if a < 0 {
		return -a
	}
	return a
}
