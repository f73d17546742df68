// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// rsqrt is RSQRT of int8 and int16. Values below the zero point, of which there is no
// root, count as 0, of which the kernel makes the largest number.
func rsqrt(g *graph.Graph, op *graph.Op) (Element, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	if in.t.Type != out.t.Type {
		return nil, fmt.Errorf("input is %v and output %v, expected the same type", in.t.Type, out.t.Type)
	}
	lo, hi, err := Range(out.t.Type)
	if err != nil {
		return nil, err
	}
	root := float32(math.Sqrt(float64(in.scale)))
	m, err := factor(1/float64(float32(root*out.scale)), "output multiplier")
	if err != nil {
		return nil, err
	}
	const fine = 20 // bits that the root keeps below the point
	down := Multiplier{m.M, m.Exp - fine}
	return func(x int32) int32 {
		v := x - in.zero
		if v <= 0 {
			return hi
		}
		r := InverseSqrt(v)
		r.Exp += fine
		return min(max(MBQM(MBQM(1, r), down)+out.zero, lo), hi)
	}, nil
}

// InverseSqrt is 1/sqrt(x) as a multiplier, for x >= 1: five Newton steps in Q3.28.
func InverseSqrt(x int32) Multiplier {
	if x <= 1 {
		return Multiplier{M: math.MaxInt32}
	}
	shift := 11
	for x >= 1<<29 {
		x /= 4
		shift++
	}
	pairs := (CLZ(x)-1)/2 - 1
	shift -= pairs
	x <<= 2 * pairs
	const threeHalves, one = 3 << 27, 1 << 28
	input := RDBPOT(x>>1, 1) // half of it
	y := int32(one)
	for range 5 {
		cube := satShl(SRDHM(SRDHM(y, y), y), 6)
		y = satShl(SRDHM(threeHalves, y)-SRDHM(input, cube), 3)
	}
	const halfRootTwo = 1518500250
	y = SRDHM(y, halfRootTwo)
	if shift < 0 {
		y <<= -shift
		shift = 0
	}
	return Multiplier{M: y, Exp: -shift}
}
