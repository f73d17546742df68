// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math/bits"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Div holds the parameters of DIV; see Quotient.
type Div struct {
	Out                   Multiplier
	ZeroA, ZeroB, ZeroOut int32
	Lo, Hi                int32
}

// ForDiv computes the parameters of DIV (in float32), which has int8 kernels alone.
func ForDiv(g *graph.Graph, op *graph.Op) (Div, error) {
	p, err := forDiv(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forDiv(g *graph.Graph, op *graph.Op) (Div, error) {
	a, b, out, err := operands(g, op, true, false)
	if err != nil {
		return Div{}, err
	}
	if a.t.Type != graph.Int8 || b.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return Div{}, fmt.Errorf("types are %v, %v and output %v, expected int8, which is all that the kernel has", a.t.Type, b.t.Type, out.t.Type)
	}
	p := Div{ZeroA: a.zero, ZeroB: b.zero, ZeroOut: out.zero}
	if p.Out, err = factor(float64(float32(a.scale/float32(b.scale*out.scale))), "output multiplier"); err != nil {
		return p, err
	}
	p.Lo, p.Hi, err = ClampRange(op.Attr.(graph.DivAttr).Activation, out.t.Type, out.scale, out.zero)
	return p, err
}

// Quotient is a / b as the kernel computes it: by a reciprocal in fixed point. A
// divisor of real 0, where the kernel is undefined, gives the limit of the sign of a.
func (p Div) Quotient(a, b int32) int32 {
	a, b = a-p.ZeroA, b-p.ZeroB
	switch {
	case a == 0:
		return min(max(p.ZeroOut, p.Lo), p.Hi)
	case b == 0 && a < 0:
		return p.Lo
	case b == 0:
		return p.Hi
	case b < 0:
		a, b = -a, -b
	}
	room := CLZ(b)
	inverse := OneOverOnePlus(int32(uint32(b)<<room - 1<<31))
	head := bits.LeadingZeros32(uint32(abs32(a))) - 1
	q := SRDHM(a<<head, inverse)
	shift := p.Out.Exp - (31 - room) - head
	if shift < -31 {
		return min(max(p.ZeroOut, p.Lo), p.Hi)
	}
	return min(max(p.ZeroOut+MBQM(q, Multiplier{p.Out.M, shift}), p.Lo), p.Hi)
}
