// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	planners.Set(planDequantize, graph.Dequantize)
	planners.Set(planQuantize, graph.Quantize)
	planners.Set(planCast, graph.Cast)
}

// planDequantize makes real numbers of integers.
func planDequantize(o *operator) (*Kernel, error) {
	t, x, n := o.in(0), o.operand(0), o.in(0).Elems()
	if !integers(t.Type) {
		return nil, o.refuse(0, "integers of at most 32 bits")
	}
	scale, zero := float64(t.Scale()), t.ZeroPoint()
	return one("dequantize", func(in, out [][]byte) {
		for i := range n {
			putFloat(out[0], i, float32(float64(integer(t.Type, x.of(in), i)-zero)*scale))
		}
	}, args(Output(0), x.arg(), Integer(n), code(t.Type), Real(t.Scale()), Integer(zero))...), nil
}

// planQuantize makes integers of real numbers, or of others.
func planQuantize(o *operator) (*Kernel, error) {
	t, to, x, n := o.in(0).Type, o.out(0), o.operand(0), o.in(0).Elems()
	if !integers(to.Type) {
		return nil, o.refuse(0, "a result of at most 32 bits")
	}
	if t != graph.Float32 {
		p, err := quant.ForRequant(o.Graph, o.op)
		if err != nil {
			return nil, err
		}
		m := multiplierOf(p.Out)
		return one("rescale", func(in, out [][]byte) {
			for i := range n {
				y := m.times(integer(t, x.of(in), i)-p.In) + p.Zero
				putInteger(to.Type, out[0], i, clamp(int64(y), int64(p.Lo), int64(p.Hi)))
			}
		}, args(Output(0), x.arg(), Integer(n), code(t), code(to.Type), ints(int(p.In), int(p.Zero)), m.args(), ints(int(p.Lo), int(p.Hi)))...), nil
	}
	lo, hi, err := quant.WideRange(to.Type)
	if err != nil {
		return nil, err
	}
	return one("quantize", func(in, out [][]byte) {
		for i := range n {
			putInteger(to.Type, out[0], i, nearest(float(x.of(in), i)/to.Scale(), to.ZeroPoint(), lo, hi))
		}
	}, args(Output(0), x.arg(), Integer(n), code(to.Type), Real(to.Scale()), ints(int(to.ZeroPoint()), int(lo), int(hi)))...), nil
}

// nearest is zero more than the nearest integer, ties away from 0, from lo to hi; zero for
// what is no number.
func nearest(v float32, zero, lo, hi int32) int32 {
	switch {
	case v != v:
		return zero
	case v >= 1<<31:
		return hi
	case v < -1<<31:
		return lo
	}
	whole := int64(v)
	switch part := v - float32(whole); {
	case part >= 0.5:
		whole++
	case part <= -0.5:
		whole--
	}
	return clamp(whole+int64(zero), int64(lo), int64(hi))
}

// planCast copies numbers, whatever they stand for: integers keep their low bits, real
// numbers lose their fraction.
func planCast(o *operator) (*Kernel, error) {
	t, to, x, n := o.in(0).Type, o.out(0).Type, o.operand(0), o.in(0).Elems()
	whole := func(in [][]byte, i int) int32 {
		if t != graph.Float32 {
			return integer(t, x.of(in), i)
		}
		switch v := float(x.of(in), i); {
		case v != v:
			return 0
		case v >= 1<<31:
			return math.MaxInt32
		case v < -1<<31:
			return math.MinInt32
		default:
			return int32(v)
		}
	}
	return one("cast", func(in, out [][]byte) {
		for i := range n {
			switch {
			case t == to:
				copy(out[0][i*t.Size():][:t.Size()], x.of(in)[i*t.Size():])
			case to == graph.Float32:
				putFloat(out[0], i, float32(whole(in, i)))
			default:
				putInteger(to, out[0], i, whole(in, i))
			}
		}
	}, args(Output(0), x.arg(), Integer(n), code(t), code(to))...), nil
}
