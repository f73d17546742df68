// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// PRelu holds the parameters of PRELU, with v = x - In and s = alpha - Alpha:
// y = clamp(Out + (MBQM(v, Pos) for v >= 0, else MBQM(v*s, Neg)), Lo, Hi).
type PRelu struct {
	Pos, Neg       Multiplier
	In, Alpha, Out int32 // zero points
	Lo, Hi         int32
}

// ForPRelu computes the parameters of PRELU (in float64).
func ForPRelu(g *graph.Graph, op *graph.Op) (PRelu, error) {
	p, err := forPRelu(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forPRelu(g *graph.Graph, op *graph.Op) (PRelu, error) {
	in, alpha, out, err := operands(g, op, true, false)
	if err != nil {
		return PRelu{}, err
	}
	p := PRelu{In: in.zero, Alpha: alpha.zero, Out: out.zero}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	if p.Pos, err = factor(float64(in.scale)/float64(out.scale), "multiplier"); err != nil {
		return p, err
	}
	p.Neg, err = factor(float64(in.scale)*float64(alpha.scale)/float64(out.scale), "multiplier of negative values")
	return p, err
}

// Slope is the result for a raw value and its raw slope.
func (p PRelu) Slope(x, alpha int32) int32 {
	v := x - p.In
	if v >= 0 {
		v = MBQM(v, p.Pos)
	} else {
		v = MBQM(v*(alpha-p.Alpha), p.Neg)
	}
	return min(max(v+p.Out, p.Lo), p.Hi)
}
