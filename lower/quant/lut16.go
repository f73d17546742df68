// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Lut16 scales an int16 value to the argument of SigmoidCore and TanhCore:
// v = (x*Mult + rounding) >> Shift, with the rounding 2^(Shift-1), or 0 for Shift 0.
type Lut16 struct {
	Mult  int32
	Shift int
}

// Scale applies the scaling to x.
func (l Lut16) Scale(x int32) int32 {
	v := x * l.Mult
	if l.Shift > 0 {
		v += 1 << (l.Shift - 1)
	}
	return v >> l.Shift
}

// ForLut16 computes the input scaling of an int16 LOGISTIC or TANH, whose
// output has scale 2^-15 and zero point 0.
func ForLut16(g *graph.Graph, op *graph.Op) (Lut16, error) {
	l, err := forLut16(g, op)
	if err != nil {
		return Lut16{}, at(g, op, err)
	}
	return l, nil
}

func forLut16(g *graph.Graph, op *graph.Op) (Lut16, error) {
	in, _, out, err := operands(g, op, false, true)
	if err != nil {
		return Lut16{}, err
	}
	if in.t.Type != graph.Int16 || out.t.Type != graph.Int16 {
		return Lut16{}, fmt.Errorf("input is %v and output %v, expected int16", in.t.Type, out.t.Type)
	}
	if op.Kind != graph.Logistic && op.Kind != graph.Tanh {
		return Lut16{}, fmt.Errorf("%v has no 16-bit table", op.Kind)
	}
	if err := fixedOutput(out, 1.0/32768, 0); err != nil {
		return Lut16{}, err
	}
	return lut16(in.scale, op.Kind == graph.Tanh)
}

func lut16(scale float32, tanh bool) (Lut16, error) {
	ln2 := float32(math.Log(2))
	l := float32(float32(math.Log(float64(scale))) * float32(1/ln2))
	r := float32(math.Round(float64(l)))
	shift := 12 + int(r)
	if float32(math.Abs(float64(l-r))) < 1e-3 && (shift == 0 || tanh && shift == 1) {
		return Lut16{Mult: 3 << shift}, nil
	}
	m := float64(scale) * 4096 * 3
	n := 0
	for m <= 32767/2.0 && n <= 30 {
		m *= 2
		n++
	}
	if m >= 1<<16 {
		return Lut16{}, fmt.Errorf("input scale %g is too large for a 16-bit table, expected below 5", scale)
	}
	return Lut16{Mult: int32(m), Shift: n}, nil
}
