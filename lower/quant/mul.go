// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Mul holds the parameters of MUL: y = clamp(MBQM((a-ZeroA)*(b-ZeroB), Out) + ZeroOut, Lo, Hi).
type Mul struct {
	Out                   Multiplier
	ZeroA, ZeroB, ZeroOut int32
	Lo, Hi                int32
}

// ForMul computes the parameters of MUL (in float64).
func ForMul(g *graph.Graph, op *graph.Op) (Mul, error) {
	p, err := forMul(g, op)
	if err != nil {
		return Mul{}, at(g, op, err)
	}
	return p, nil
}

func forMul(g *graph.Graph, op *graph.Op) (Mul, error) {
	a, b, out, err := operands(g, op, true, true)
	if err != nil {
		return Mul{}, err
	}
	if a.t.Type != b.t.Type || a.t.Type != out.t.Type {
		return Mul{}, fmt.Errorf("types are %v, %v and output %v, expected all the same", a.t.Type, b.t.Type, out.t.Type)
	}
	attr, ok := op.Attr.(graph.MulAttr)
	if !ok {
		return Mul{}, attrError(op, graph.MulAttr{})
	}
	p := Mul{ZeroA: a.zero, ZeroB: b.zero, ZeroOut: out.zero}
	d := float64(a.scale) * float64(b.scale) / float64(out.scale)
	if p.Out, err = factor(d, "output multiplier"); err != nil {
		return Mul{}, err
	}
	p.Lo, p.Hi, err = ClampRange(attr.Activation, out.t.Type, out.scale, out.zero)
	return p, err
}
