// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// fixed8 holds the input scaling of the int8 LOGISTIC and TANH kernels, to Q4.27.
type fixed8 struct {
	m      Multiplier
	zero   int32
	radius int32 // |x - zero| from which the function is saturated
}

func forFixed8(in *graph.Quant) (fixed8, error) {
	t := graph.Tensor{Type: graph.Int8, Quant: in}
	if err := t.CheckQuant(); err != nil {
		return fixed8{}, err
	}
	if len(in.Scales) != 1 {
		return fixed8{}, fmt.Errorf("has %d scales, expected one", len(in.Scales))
	}
	frac, exp := math.Frexp(float64(in.Scales[0]) * (1 << 27))
	if exp < -31 {
		return fixed8{}, fmt.Errorf("scale %g is too small for a fixed-point sigmoid, expected at least 2^-58", in.Scales[0])
	}
	f := fixed8{m: Multiplier{int32(math.Round(frac * (1 << 31))), exp}, zero: in.ZeroPoints[0]}
	f.radius = int32(min(math.Floor(math.Ldexp(15*(1<<27), -exp)), math.MaxInt32))
	return f, nil
}

func (f fixed8) table(inner func(v int32) int32) (t [256]int8) {
	for i := range t {
		x := int32(i) - 128 - f.zero
		switch {
		case x <= -f.radius:
			t[i] = -128
		case x >= f.radius:
			t[i] = 127
		default:
			t[i] = int8(min(max(inner(MBQM(x, f.m)), -128), 127))
		}
	}
	return t
}

// LogisticTable8 is LOGISTIC of every int8 value, index value+128, as the
// kernel computes it. The output has scale 1/256 and zero point -128.
func LogisticTable8(in *graph.Quant) ([256]int8, error) {
	f, err := forFixed8(in)
	if err != nil {
		return [256]int8{}, err
	}
	return f.table(func(v int32) int32 { return RDBPOT(FixedLogistic(v, 4), 23) - 128 }), nil
}

// TanhTable8 is TANH of every int8 value, index value+128, as the kernel
// computes it. The output has scale 1/128 and zero point 0.
func TanhTable8(in *graph.Quant) ([256]int8, error) {
	f, err := forFixed8(in)
	if err != nil {
		return [256]int8{}, err
	}
	return f.table(func(v int32) int32 { return RDBPOT(FixedTanh(v, 4), 24) }), nil
}

// ForTable8 returns the table of an int8 LOGISTIC or TANH operator after
// checking that its output has the one quantization that the kernel produces.
func ForTable8(g *graph.Graph, op *graph.Op) ([256]int8, error) {
	t, err := forTable8(g, op)
	if err != nil {
		return t, at(g, op, err)
	}
	return t, nil
}

func forTable8(g *graph.Graph, op *graph.Op) (t [256]int8, err error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return t, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return t, fmt.Errorf("input is %v and output %v, expected int8", in.t.Type, out.t.Type)
	}
	switch op.Kind {
	case graph.Logistic:
		if err := fixedOutput(out, 1.0/256, -128); err != nil {
			return t, err
		}
		return LogisticTable8(in.t.Quant)
	case graph.Tanh:
		if err := fixedOutput(out, 1.0/128, 0); err != nil {
			return t, err
		}
		return TanhTable8(in.t.Quant)
	}
	return t, fmt.Errorf("%v has no 8-bit table", op.Kind)
}

// fixedOutput requires the output quantization that a kernel assumes.
func fixedOutput(out operand, scale float32, zero int32) error {
	if out.scale != scale || out.zero != zero {
		return fmt.Errorf("output has scale %g and zero point %d, expected exactly %g and %d, which the kernel assumes", out.scale, out.zero, scale, zero)
	}
	return nil
}
