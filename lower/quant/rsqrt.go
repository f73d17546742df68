// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Rsqrt holds the parameters of RSQRT: y = clamp(MBQM(MBQM(1, r * 2^20), Out) + Zero, Lo, Hi),
// r = InverseSqrt(x - In), and Hi where x <= In.
type Rsqrt struct {
	Out      Multiplier // by 2^-20, too
	In, Zero int32
	Lo, Hi   int32
}

// ForRsqrt computes the parameters of RSQRT of int8 or int16.
func ForRsqrt(g *graph.Graph, op *graph.Op) (Rsqrt, error) {
	p, err := forRsqrt(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forRsqrt(g *graph.Graph, op *graph.Op) (Rsqrt, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return Rsqrt{}, err
	}
	if in.t.Type != out.t.Type {
		return Rsqrt{}, fmt.Errorf("input is %v and output %v, expected the same type", in.t.Type, out.t.Type)
	}
	p := Rsqrt{In: in.zero, Zero: out.zero}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	root := float32(math.Sqrt(float64(in.scale)))
	m, err := factor(1/float64(float32(root*out.scale)), "output multiplier")
	p.Out = Multiplier{m.M, m.Exp - rsqrtFine}
	return p, err
}

// rsqrtFine is how many bits the root keeps below the point.
const rsqrtFine = 20

// rsqrt is RSQRT of int8 and int16. Values below the zero point, of which there is no
// root, count as 0, of which the kernel makes the largest number.
func rsqrt(g *graph.Graph, op *graph.Op) (Element, error) {
	p, err := forRsqrt(g, op)
	return func(x int32) int32 {
		v := x - p.In
		if v <= 0 {
			return p.Hi
		}
		r := InverseSqrt(v)
		r.Exp += rsqrtFine
		return min(max(MBQM(MBQM(1, r), p.Out)+p.Zero, p.Lo), p.Hi)
	}, err
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
