// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Squared holds the parameters of SQUARED_DIFFERENCE:
//
//	p = MBQM((a - ZeroA) << LeftShift, A), q = MBQM((b - ZeroB) << LeftShift, B)
//	y = clamp(MBQM((p - q)^2, Out) + ZeroOut, Lo, Hi)
//
// A and B are at most 1/2, and that of the larger scale is exactly {2^30, 0}.
type Squared struct {
	A, B, Out             Multiplier
	LeftShift             int // 7 for int8, 0 for int16
	ZeroA, ZeroB, ZeroOut int32
	Lo, Hi                int32
}

// ForSquared computes the parameters of SQUARED_DIFFERENCE (in float64).
func ForSquared(g *graph.Graph, op *graph.Op) (Squared, error) {
	p, err := forSquared(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forSquared(g *graph.Graph, op *graph.Op) (Squared, error) {
	a, b, out, err := operands(g, op, true, true)
	if err != nil {
		return Squared{}, err
	}
	if a.t.Type != b.t.Type || a.t.Type != out.t.Type {
		return Squared{}, fmt.Errorf("types are %v, %v and output %v, expected all the same", a.t.Type, b.t.Type, out.t.Type)
	}
	p := Squared{LeftShift: 7, ZeroA: a.zero, ZeroB: b.zero, ZeroOut: out.zero}
	if out.t.Type == graph.Int16 {
		p.LeftShift = 0
	}
	twice := 2 * float64(max(a.scale, b.scale))
	p.A, p.B = QuantizeMultiplier(float64(a.scale)/twice), QuantizeMultiplier(float64(b.scale)/twice)
	unit := float64(int(1)<<(2*p.LeftShift)) * float64(out.scale)
	if p.Out, err = factor(twice*twice/unit, "output multiplier"); err != nil {
		return p, err
	}
	p.Lo, p.Hi, err = Range(out.t.Type)
	return p, err
}

// Square is the result for two raw values.
func (p Squared) Square(a, b int32) int32 {
	d := MBQM((a-p.ZeroA)<<p.LeftShift, p.A) - MBQM((b-p.ZeroB)<<p.LeftShift, p.B)
	return min(max(MBQM(d*d, p.Out)+p.ZeroOut, p.Lo), p.Hi)
}
