// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Softmax8 holds the parameters of SOFTMAX with int8 input, over the last
// dimension. d = x - max(row):
//
//	e   = Exp[d + 255]                            // Q0.31, 0 below DiffMin
//	h   = clz(sum of RDBPOT(e, 12))
//	sc  = OneOverOnePlus((sum << h) - 2^31)       // wrapping
//	y   = clamp(RDBPOT(SRDHM(sc, e), 12 - h + 31 - Bits) + Lo, Lo, Hi)
type Softmax8 struct {
	In      Multiplier
	DiffMin int32
	Exp     [256]int32
	Bits    int   // 8 or 16, the output's width
	Lo, Hi  int32 // range of the output type
}

// ForSoftmax8 computes the parameters of SOFTMAX int8 to int8 (output scale
// 1/256, zero point -128) or to int16 (1/65536, -32768).
func ForSoftmax8(g *graph.Graph, op *graph.Op) (Softmax8, error) {
	s, err := forSoftmax8(g, op)
	if err != nil {
		return Softmax8{}, at(g, op, err)
	}
	return s, nil
}

func forSoftmax8(g *graph.Graph, op *graph.Op) (Softmax8, error) {
	in, out, beta, err := softmaxOperands(g, op)
	if err != nil {
		return Softmax8{}, err
	}
	if in.t.Type != graph.Int8 {
		return Softmax8{}, fmt.Errorf("input is %v, expected int8", in.t.Type)
	}
	s := Softmax8{Bits: 8 * out.t.Type.Size()}
	if s.Lo, s.Hi, err = Range(out.t.Type); err != nil {
		return Softmax8{}, err
	}
	if want := math.Ldexp(1, -s.Bits); out.zero != s.Lo || math.Abs(float64(out.scale)-want) > 1e-3*want { // as exactly as the kernel asks for it
		return Softmax8{}, fixedOutput(out, float32(want), s.Lo)
	}
	d := min(beta*float64(in.scale)*(1<<26), 1<<31-1)
	if !(d > 1) {
		return Softmax8{}, fmt.Errorf("beta %g times input scale %g is too small, expected above 2^-26", beta, in.scale)
	}
	s.In = QuantizeMultiplier(d)
	s.DiffMin = -int32(math.Floor(math.Ldexp(31*(1<<26), -s.In.Exp)))
	for i := range s.Exp {
		if diff := int32(i) - 255; diff >= s.DiffMin {
			s.Exp[i] = ExpNeg(SRDHM(diff<<s.In.Exp, s.In.M), 5)
		}
	}
	return s, nil
}

// Softmax16 holds the parameters of SOFTMAX int16 to int16, which reads
// ExpTable16 and ReciprocalTable16 through Lookup16:
//
//	E  = exp table at sat16(MBQM(x - max, In) + 32767), sum of them, h = clz(sum)
//	rc = reciprocal table at sat16((((sum << (h-1)) + 2^13) >> 14) - 2^15 - 2^16)
//	y  = clamp((E*rc + 2^(30-h)) >> (31-h), 0, 32767)
type Softmax16 struct{ In Multiplier }

// ForSoftmax16 computes the parameters of SOFTMAX int16 to int16, output scale 2^-15.
func ForSoftmax16(g *graph.Graph, op *graph.Op) (Softmax16, error) {
	s, err := forSoftmax16(g, op)
	if err != nil {
		return Softmax16{}, at(g, op, err)
	}
	return s, nil
}

func forSoftmax16(g *graph.Graph, op *graph.Op) (Softmax16, error) {
	in, out, beta, err := softmaxOperands(g, op)
	if err != nil {
		return Softmax16{}, err
	}
	if in.t.Type != graph.Int16 || out.t.Type != graph.Int16 {
		return Softmax16{}, fmt.Errorf("input is %v and output %v, expected int16", in.t.Type, out.t.Type)
	}
	if in.zero != 0 {
		return Softmax16{}, fmt.Errorf("input has zero point %d, expected 0", in.zero)
	}
	if err := fixedOutput(out, 1.0/32768, 0); err != nil {
		return Softmax16{}, err
	}
	m, err := factor(float64(in.scale)*beta/(10.0/65535.0), "input multiplier")
	return Softmax16{In: m}, err
}

func softmaxOperands(g *graph.Graph, op *graph.Op) (in, out operand, beta float64, err error) {
	attr, ok := op.Attr.(graph.SoftmaxAttr)
	if !ok {
		return in, out, 0, attrError(op, graph.SoftmaxAttr{})
	}
	beta = float64(attr.Beta)
	if !(beta > 0) || math.IsInf(beta, 0) {
		return in, out, 0, fmt.Errorf("beta is %g, expected a finite number above 0", beta)
	}
	in, _, out, err = operands(g, op, false, false)
	return in, out, beta, err
}
