// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/unroll-npu/unroll/lower/graph"

// Leaky holds the parameters of LEAKY_RELU: y = clamp(MBQM(x - In, P) + Out, Lo, Hi) with
// the multiplier Pos for x - In from 0 on and Neg below. Neg may be negative.
type Leaky struct {
	Pos, Neg Multiplier
	In, Out  int32 // zero points
	Lo, Hi   int32
}

// ForLeaky computes the parameters of LEAKY_RELU (in float32).
func ForLeaky(g *graph.Graph, op *graph.Op) (Leaky, error) {
	p, err := forLeaky(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forLeaky(g *graph.Graph, op *graph.Op) (Leaky, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return Leaky{}, err
	}
	a, ok := op.Attr.(graph.LeakyReluAttr)
	if !ok {
		return Leaky{}, attrError(op, graph.LeakyReluAttr{})
	}
	p := Leaky{In: in.zero, Out: out.zero}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	if p.Pos, err = factor(float64(float32(in.scale/out.scale)), "multiplier"); err != nil {
		return p, err
	}
	p.Neg, err = signed(float64(float32(float32(in.scale*a.Alpha)/out.scale)), "multiplier of negative values")
	return p, err
}

func leaky(g *graph.Graph, op *graph.Op) (Element, error) {
	p, err := forLeaky(g, op)
	return func(x int32) int32 {
		m := p.Pos
		if x < p.In {
			m = p.Neg
		}
		return min(max(MBQM(x-p.In, m)+p.Out, p.Lo), p.Hi)
	}, err
}
