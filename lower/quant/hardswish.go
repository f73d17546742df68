// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// hardSwish is the int8 HARD_SWISH, which computes in 16 bits: the input with 7 more
// bits, times a gate in Q0.15 that is 0 below -3 and 1 above 3.
func hardSwish(g *graph.Graph, op *graph.Op) (Element, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return nil, fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	fine := float32(float32(1.0/128) * in.scale)
	result := QuantizeMultiplier(float64(float32(fine / out.scale)))
	gate := QuantizeMultiplier(float64(float32(fine / float32(3.0/32768))))
	if result.Exp > 0 {
		return nil, fmt.Errorf("output scale %g is too small for the input scale %g, expected above %g", out.scale, in.scale, fine)
	}
	return func(x int32) int32 {
		wide := int16((x - in.zero) << 7)
		value := srdhm16(wide, half(result.M))
		r := wide
		if gate.Exp > 0 {
			r = satShl16(r, gate.Exp-1)
		}
		r = srdhm16(r, half(gate.M))
		if gate.Exp > 0 {
			r = satShl16(r, 1)
		} else {
			r = int16(RDBPOT(int32(r), -gate.Exp))
		}
		r = int16((int32(r) + 1<<15) >> 1)
		y := RDBPOT(int32(sdhm16(r, value)), -result.Exp) + out.zero
		return min(max(y, -128), 127)
	}, nil
}

// half is a multiplier in 16 bits.
func half(m int32) int16 {
	const round = 1 << 15
	if m >= math.MaxInt32-round {
		return math.MaxInt16
	}
	return int16((m + round) >> 16)
}

// srdhm16 is the saturating rounding doubling high multiplication of 16 bits.
func srdhm16(a, b int16) int16 {
	if a == math.MinInt16 && b == math.MinInt16 {
		return math.MaxInt16
	}
	return int16((int32(a)*int32(b) + 1<<14) >> 15)
}

// sdhm16 is the same without rounding: towards zero.
func sdhm16(a, b int16) int16 {
	if a == math.MinInt16 && b == math.MinInt16 {
		return math.MaxInt16
	}
	return int16(int32(a) * int32(b) / (1 << 15))
}

func satShl16(x int16, n int) int16 {
	return int16(min(max(int64(x)<<n, math.MinInt16), math.MaxInt16))
}
