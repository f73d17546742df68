// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Element is what a kernel with one input does to one raw value.
type Element func(x int32) int32

// elements is the table of such kernels. A kind of which nothing is known but its
// function of real numbers gets that function, exactly rounded.
var elements = graph.NewStage[func(g *graph.Graph, op *graph.Op) (Element, error)]("integer arithmetic",
	func(d *graph.Descriptor) (func(g *graph.Graph, op *graph.Op) (Element, error), bool) {
		return rounded, d.Real != nil
	}).
	Only(func(d *graph.Descriptor) bool { return d.Real != nil || d.Kind == graph.Quantize })

func init() {
	elements.Set(forSigmoid, graph.Logistic, graph.Tanh)
	elements.Set(leaky, graph.LeakyRelu)
	elements.Set(absolute, graph.Abs)
	elements.Set(hardSwish, graph.HardSwish)
	elements.Set(elu, graph.Elu)
	elements.Set(rsqrt, graph.Rsqrt)
	elements.Set(requantized, graph.Quantize, graph.Relu, graph.Relu6)
}

// ForElement returns the function of one raw value that a kernel with one int8 or
// int16 input and output computes.
func ForElement(g *graph.Graph, op *graph.Op) (Element, error) {
	prepare, err := elements.Get(op.Kind)
	if err == nil {
		var f Element
		if f, err = prepare(g, op); err == nil {
			return f, nil
		}
	}
	return nil, at(g, op, err)
}

// HasElement reports whether ForElement knows the kind.
func HasElement(k graph.Kind) bool { _, err := elements.Get(k); return err == nil }

func forSigmoid(g *graph.Graph, op *graph.Op) (Element, error) {
	if g.Tensors[op.Inputs[0]].Type == graph.Int16 {
		l, err := forLut16(g, op)
		core := SigmoidCore
		if op.Kind == graph.Tanh {
			core = TanhCore
		}
		return func(x int32) int32 { return core(l.Scale(x)) }, err
	}
	t, err := forTable8(g, op)
	return func(x int32) int32 { return int32(t[x+128]) }, err
}

func requantized(g *graph.Graph, op *graph.Op) (Element, error) {
	q, err := forRequant(g, op)
	return func(x int32) int32 {
		if !q.Copy {
			x = MBQM(x-q.In, q.Out) + q.Zero
		}
		return min(max(x, q.Lo), q.Hi)
	}, err
}

// rounded is a function of real numbers on the grids of input and output, where it is
// not an interpolated table of int16: computed in float64, rounded half away from zero, clamped. Where the function has no value
// (the logarithm of 0 and below, the root of a negative number) its limit towards
// the nearest number that has one is taken.
func rounded(g *graph.Graph, op *graph.Op) (Element, error) {
	if HasTable16(g, op) {
		return interpolated(g, op)
	}
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	lo, hi, err := Range(out.t.Type)
	if err != nil {
		return nil, err
	}
	real := graph.Describe(op.Kind).Real
	s, z := float64(in.scale), float64(out.scale)
	return func(x int32) int32 {
		v := real(op, s*float64(x-in.zero))
		if math.IsNaN(v) {
			v = real(op, 0)
		}
		if math.IsNaN(v) {
			panic(fmt.Sprintf("BUG: %v has no value at 0", op.Kind))
		}
		q := math.Round(v/z) + float64(out.zero)
		return int32(min(max(q, float64(lo)), float64(hi)))
	}, nil
}
