// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	planners.Set(planCurve("real_exp", func(v float32, _ int) float32 { return exponential(v) }), graph.Exp)
	planners.Set(planCurve("real_log", func(v float32, _ int) float32 { return naturalLog(v) }), graph.Log)
	planners.Set(planCurve("real_squash", squash, 0), graph.Tanh)
	planners.Set(planCurve("real_squash", squash, 1), graph.Logistic)
	planners.Set(planCurve("real_turn", turn, 0), graph.Sin)
	planners.Set(planCurve("real_turn", turn, 1), graph.Cos)
}

// planCurve returns the planner of a function of one real number: in C the named function,
// which takes the further argument, if there is one.
func planCurve(function string, f func(v float32, argument int) float32, argument ...int) planner {
	return func(o *operator) (*Kernel, error) {
		if o.in(0).Type != graph.Float32 || o.out(0).Type != graph.Float32 {
			return nil, o.refuse(0, "float32; the NPU does it in integers")
		}
		x, n, which := o.operand(0), o.in(0).Elems(), 0
		if len(argument) > 0 {
			which = argument[0]
		}
		return one(function, func(in, out [][]byte) {
			for i := range n {
				putReal(out[0], i, f(float(x.of(in), i), which))
			}
		}, args(Output(0), x.arg(), Integer(n), ints(argument...))...), nil
	}
}

// expWide is the exponential of m * 2^e, from 2^-26 to 128 or below 0, as a number from 1 to
// 2 with 127 bits below the point, and a power of two.
func expWide(negative bool, m uint32, e int) (v wide, power int) {
	turns := wide{lo: uint64(m)}.left(120 + e).times(log2e)
	part := turns.left(9)
	power = int(turns.hi >> 55)
	if negative {
		power = -power
		if part != (wide{}) {
			power, part = power-1, wide{}.minus(part)
		}
	}
	part = part.times(ln2).right(4)
	v = factorials[15]
	for n := 14; n >= 0; n-- {
		v = factorials[n].plus(v.times(part))
	}
	for range 4 {
		v = v.times(v).left(1)
	}
	return v, power
}

// exponential is the nearest number to exp(v).
func exponential(v float32) float32 {
	switch {
	case v < -128:
		return 0
	case v != v:
		return v
	case v > 128:
		return float32(math.Inf(1))
	}
	m, e := parts(v)
	if e < -49 {
		return 1
	}
	r, power := expWide(v < 0, m, e)
	return r.real(false, power)
}

// naturalLog is the nearest number to the natural logarithm.
func naturalLog(v float32) float32 {
	switch {
	case v == 0:
		return float32(math.Inf(-1))
	case !(v > 0):
		return float32(math.NaN())
	case v > math.MaxFloat32:
		return v
	}
	m, e := parts(v)
	near := uint32(1 << 23)
	if e += 23; m > 11863283 { // the root of 2
		near, e = 1<<24, e+1
	}
	// ln m = 2 artanh((m-1)/(m+1)), whose quotient has four digits of 32 bits.
	below, rest := m < near, uint64(m)-uint64(near)
	if below {
		rest = -rest
	}
	var digits [4]uint64
	for i := range digits {
		digits[i] = rest << 32 / uint64(m+near)
		rest = rest << 32 % uint64(m+near)
	}
	s := wide{digits[0]<<32 | digits[1], digits[2]<<32 | digits[3]}
	square, sum := s.times(s), oddParts[21]
	for k := 20; k >= 0; k-- {
		sum = oddParts[k].plus(sum.times(square))
	}
	if sum = sum.times(s); e == 0 { // all of its bits count
		return sum.real(below, 1)
	}
	sum = sum.right(6) // twice it, 120 bits below the point
	whole := wide{}
	for range max(e, -e) {
		whole = whole.plus(wide{0x00b17217f7d1cf79, 0xabc9e3b39803f2f6}) // ln 2
	}
	if below == (e < 0) {
		return whole.plus(sum).real(e < 0, 7)
	}
	return whole.minus(sum).real(e < 0, 7)
}

// squash is the nearest number to the hyperbolic tangent (0) or to the logistic function (1).
func squash(v float32, which int) float32 {
	m, e := parts(v)
	negative, one := math.Float32bits(v)>>31 != 0, wide{hi: 1 << 63}
	switch {
	case v != v:
		return v
	case which == 1:
		return logistic(negative, v, m, e)
	case e < -35: // below 2^-12: x^3/3 is less than half a unit
		return v
	case v > 15:
		return 1
	case v < -15:
		return -1
	}
	q, power := expWide(true, m, e+1)
	q = q.right(-power)
	return one.minus(q).over(one.plus(q)).real(negative, -1)
}

// logistic is 1 / (1 + exp(-v)).
func logistic(negative bool, v float32, m uint32, e int) float32 {
	switch {
	case v > 127:
		return 1
	case v < -127:
		return 0
	case e < -48: // below 2^-25
		return 0.5
	}
	half := wide{hi: 1 << 62}
	q, power := expWide(true, m, e)
	below := half.plus(q.right(1 - power))
	switch {
	case negative:
		return q.right(2).over(below).real(false, power)
	case below == half:
		return 1
	}
	return half.over(below).real(false, -1)
}

// turn is the nearest number to the sine (0) or the cosine (1), of any angle.
func turn(v float32, quarter int) float32 {
	b := math.Float32bits(v)
	if b&0x7f800000 == 0x7f800000 {
		return float32(math.NaN())
	}
	m, e := parts(v)
	if e < -36 { // below 2^-13
		if quarter == 1 {
			return 1
		}
		return v
	}
	// The turns are a product with 2/pi, of which the bits that make whole turns are left
	// out: six digits of 32 bits, the uppermost two bits of which tell the quarter.
	var digits [6]uint64
	from, carry := e+62, uint64(0)
	for k := 5; k >= 0; k-- {
		at := from/32 + k
		pair := uint64(twoOverPi[at])<<32 | uint64(twoOverPi[at+1])
		carry += uint64(m) * (pair << (from % 32) >> 32)
		digits[k], carry = carry&0xffffffff, carry>>32
	}
	part := wide{digits[0]<<32 | digits[1], digits[2]<<32 | digits[3]}.left(2)
	part.lo |= digits[4] >> 30
	q, back := int(digits[0]>>30), false
	if part.hi>>63 != 0 {
		part, q, back = wide{}.minus(part), q+1, true
	}
	q += quarter
	odd, negative := q&1 != 0, q&2 != 0
	if !odd {
		negative = negative != back
	}
	if quarter == 0 {
		negative = negative != (b>>31 != 0)
	}
	return circle(part.times(halfPi).left(1), odd).real(negative, 0)
}

// circle is the sine, or the cosine, of an angle up to pi/4 with 128 bits below the point,
// with 127 bits below it.
func circle(angle wide, cosine bool) wide {
	square, n := angle.times(angle), 27
	if cosine {
		n = 28
	}
	sum := factorials[n]
	for n -= 2; n >= 0; n -= 2 {
		sum = factorials[n].minus(sum.times(square))
	}
	if cosine {
		return sum
	}
	return sum.times(angle)
}
