// SPDX-License-Identifier: Apache-2.0

package quant

import "github.com/unroll-npu/unroll/lower/graph"

// ForAbs computes the parameters of ABS (in float32): those of a requantization of
// |x - In|, which is a copy where the scales are equal.
func ForAbs(g *graph.Graph, op *graph.Op) (Requant, error) {
	p, err := forAbs(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forAbs(g *graph.Graph, op *graph.Op) (Requant, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return Requant{}, err
	}
	p := Requant{In: in.zero, Zero: out.zero, Copy: in.scale == out.scale}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	p.Out, err = factor(float64(float32(in.scale/out.scale)), "output multiplier")
	return p, err
}

func absolute(g *graph.Graph, op *graph.Op) (Element, error) {
	p, err := forAbs(g, op)
	return func(x int32) int32 {
		v := abs32(x - p.In)
		if !p.Copy {
			v = MBQM(v, p.Out)
		}
		return min(max(v+p.Zero, p.Lo), p.Hi)
	}, err
}
