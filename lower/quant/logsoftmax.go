// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// LogSoftmax8 holds the parameters of LOG_SOFTMAX of int8, over the last dimension, whose
// output has scale 1/16 and zero point 127. d = x - max(row):
//
//	log = FixedLog(sum of Exp[d + 255])                            // Q5.26 of Q12.19
//	y   = clamp(RDBPOT(Diff[d + 255] - log, 22) + 127, -128, 127), or -128 where
//	      d <= max(DiffMin - 1, MBQM(log - 2^31, Reverse))
type LogSoftmax8 struct {
	Exp     [256]int32 // of the difference, Q12.19; 0 below DiffMin
	Diff    [256]int32 // the difference, Q5.26
	DiffMin int32
	Reverse Multiplier // from Q5.26 to differences
}

// ForLogSoftmax8 computes the parameters of LOG_SOFTMAX of int8.
func ForLogSoftmax8(g *graph.Graph, op *graph.Op) (*LogSoftmax8, error) {
	s, err := forLogSoftmax8(g, op)
	if err != nil {
		return nil, at(g, op, err)
	}
	return s, nil
}

func forLogSoftmax8(g *graph.Graph, op *graph.Op) (*LogSoftmax8, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return nil, fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	if err := fixedOutput(out, 1.0/16, 127); err != nil {
		return nil, err
	}
	d := min(float64(in.scale)*(1<<26), 1<<31-1)
	if !(d > 1) {
		return nil, fmt.Errorf("input scale %g is too small, expected above 2^-26", in.scale)
	}
	if n := len(in.t.Shape); n > 0 && in.t.Shape[n-1] > 1<<11 {
		return nil, fmt.Errorf("takes %d values together, expected at most %d, so that the sum of their exponentials fits", in.t.Shape[n-1], 1<<11)
	}
	s, m := &LogSoftmax8{}, QuantizeMultiplier(d)
	s.DiffMin = -int32(math.Floor(math.Ldexp(31*(1<<26), -m.Exp)))
	s.Reverse = QuantizeMultiplier(math.Ldexp(1, 31-m.Exp) / float64(m.M))
	for i := range s.Exp {
		diff := int32(i) - 255
		s.Diff[i] = MBQM(diff, m)
		if diff >= s.DiffMin {
			s.Exp[i] = RDBPOT(ExpNeg(s.Diff[i], 5), 12)
		}
	}
	return s, nil
}

// FixedLog is the natural logarithm in Q5.26 of a in Q12.19, for a from 1.
func FixedLog(a int32) int32 {
	const (
		log2          = 1488522236 // in Q0.31, as all of these
		fourthOfHalf  = 1805811301 // (1/2)^(1/4)
		rootOfHalf    = 1518500250
		alphaN        = 117049297
		alphaD        = 127690142
		alphaI        = 1057819769
		alphaF        = 638450708
		quarter       = 1 << 23 // in Q6.25
		accumulated   = 25
		inputIntegers = 12
	)
	// Twice the place of the leading bit, once of a and once of a/sqrt(2): whichever leaves
	// a mantissa nearer to (1/2)^(1/4).
	room := CLZ(a)
	ra := satShl(SRDHM(satShl(a, room-1), rootOfHalf), 1)
	pa := sat32(int64(satShl(int32(inputIntegers-room), accumulated)) + quarter)
	head := CLZ(SRDHM(a, rootOfHalf)) - 1
	rb := satShl(a, head)
	pb := sat32(int64(satShl(int32(inputIntegers-head), accumulated)) - quarter)
	r, power := min(ra, rb), max(pa, pb)

	p := roundingHalfSum(r, fourthOfHalf)
	q := 2 * (r - fourthOfHalf)
	square := SRDHM(q, q)
	num := SRDHM(q, r) + SRDHM(SRDHM(q, square), alphaN)
	denominator := SRDHM(p, alphaI+q+SRDHM(alphaD, square)) + SRDHM(alphaF, q)
	return satShl(SRDHM(power, log2)+SRDHM(RDBPOT(num, 6), OneOverOnePlus(denominator)), 1)
}

func sat32(x int64) int32 { return int32(min(max(x, math.MinInt32), math.MaxInt32)) }
