// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// AddSub holds the parameters of ADD and SUB:
//
//	p = MBQM((a - ZeroA) << LeftShift, A), q = MBQM((b - ZeroB) << LeftShift, B)
//	y = clamp(MBQM(p ± q, Out) + ZeroOut, Lo, Hi)
//
// A and B are at most 1/2, and that of the larger scale is exactly {2^30, 0}.
type AddSub struct {
	A, B, Out             Multiplier
	LeftShift             int // 20 for int8, 15 for int16
	ZeroA, ZeroB, ZeroOut int32
	Lo, Hi                int32
}

// ForAddSub computes the parameters of ADD (in float64) and SUB (in float32).
func ForAddSub(g *graph.Graph, op *graph.Op) (AddSub, error) {
	p, err := forAddSub(g, op)
	if err != nil {
		return AddSub{}, at(g, op, err)
	}
	return p, nil
}

func forAddSub(g *graph.Graph, op *graph.Op) (AddSub, error) {
	a, b, out, err := operands(g, op, true, op.Kind == graph.Sub)
	if err != nil {
		return AddSub{}, err
	}
	if a.t.Type != b.t.Type || a.t.Type != out.t.Type {
		return AddSub{}, fmt.Errorf("types are %v, %v and output %v, expected all the same", a.t.Type, b.t.Type, out.t.Type)
	}
	p := AddSub{LeftShift: 20, ZeroA: a.zero, ZeroB: b.zero, ZeroOut: out.zero}
	if out.t.Type == graph.Int16 {
		p.LeftShift = 15
	}
	var act graph.Activation
	var fa, fb, fo float64
	switch attr := op.Attr.(type) {
	case graph.AddAttr:
		act = attr.Activation
		twice := 2 * float64(max(a.scale, b.scale))
		fa, fb = float64(a.scale)/twice, float64(b.scale)/twice
		fo = twice / (float64(int64(1)<<p.LeftShift) * float64(out.scale))
	case graph.SubAttr:
		act = attr.Activation
		twice := float32(2 * max(a.scale, b.scale))
		fa, fb = float64(float32(a.scale/twice)), float64(float32(b.scale/twice))
		unit := float32(float32(int32(1)<<p.LeftShift) * out.scale)
		fo = float64(float32(twice / unit))
	default:
		return AddSub{}, attrError(op, graph.AddAttr{})
	}
	for _, f := range []struct {
		d    float64
		what string
		m    *Multiplier
	}{{fa, "multiplier of the first operand", &p.A}, {fb, "multiplier of the second operand", &p.B}, {fo, "output multiplier", &p.Out}} {
		if *f.m, err = factor(f.d, f.what); err != nil {
			return AddSub{}, err
		}
		if f.m.Exp > 0 {
			return AddSub{}, fmt.Errorf("%s is %g, expected below 1; the output scale %g is too small for the input scales %g and %g", f.what, f.d, out.scale, a.scale, b.scale)
		}
	}
	p.Lo, p.Hi, err = ClampRange(act, out.t.Type, out.scale, out.zero)
	return p, err
}
