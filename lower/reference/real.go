// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// reals are the functions of one float32 that the interpreter has: those that IEEE 754
// gives one result. Any other depends on somebody's library.
var reals = map[graph.Kind]func(op *graph.Op, x float32) float32{
	graph.Abs:    func(_ *graph.Op, x float32) float32 { return float32(math.Abs(float64(x))) },
	graph.Neg:    func(_ *graph.Op, x float32) float32 { return -x },
	graph.Square: func(_ *graph.Op, x float32) float32 { return x * x },
	graph.Sqrt:   func(_ *graph.Op, x float32) float32 { return float32(math.Sqrt(float64(x))) },
	graph.Rsqrt:  func(_ *graph.Op, x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) },
	graph.Floor:  func(_ *graph.Op, x float32) float32 { return float32(math.Floor(float64(x))) },
	graph.Ceil:   func(_ *graph.Op, x float32) float32 { return float32(math.Ceil(float64(x))) },
	graph.Round:  func(_ *graph.Op, x float32) float32 { return float32(math.RoundToEven(float64(x))) },
	graph.Sign: func(_ *graph.Op, x float32) float32 {
		if x == 0 || x != x {
			return x
		}
		return float32(math.Copysign(1, float64(x)))
	},
	graph.Relu:      func(_ *graph.Op, x float32) float32 { return activated(x, graph.ActRelu) },
	graph.ReluN1To1: func(_ *graph.Op, x float32) float32 { return activated(x, graph.ActReluN1To1) },
	graph.Relu6:     func(_ *graph.Op, x float32) float32 { return activated(x, graph.ActRelu6) },
	graph.LeakyRelu: func(op *graph.Op, x float32) float32 {
		if x > 0 {
			return x
		}
		return x * op.Attr.(graph.LeakyReluAttr).Alpha
	},
}

// activated clamps as a fused activation does; what is no number stays so.
func activated(x float32, a graph.Activation) float32 {
	switch {
	case a == graph.ActReluN1To1 && x < -1:
		return -1
	case a == graph.ActReluN1To1 && x > 1:
		return 1
	case (a == graph.ActRelu || a == graph.ActRelu6) && x < 0:
		return 0
	case a == graph.ActRelu6 && x > 6:
		return 6
	}
	return x
}

func getReal(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}

// quietNaN stands for every result that is no number: processors do not agree on its bits.
const quietNaN = 0x7fc00000

func putReal(b []byte, i int, x float32) {
	bits := math.Float32bits(x)
	if x != x {
		bits = quietNaN
	}
	binary.LittleEndian.PutUint32(b[4*i:], bits)
}

// planReal applies a function of one float32.
func planReal(p *plan, op *graph.Op) (step, error) {
	f, ok := reals[op.Kind]
	if !ok || p.out(op, 0).Type != graph.Float32 {
		return nil, floatError(p, op)
	}
	src, dst, n := op.Inputs[0], op.Outputs[0], p.in(op, 0).Elems()
	return func(m *memory) {
		for i := range n {
			putReal(m.v[dst], i, f(op, getReal(m.v[src], i)))
		}
	}, nil
}

// planRealPairs applies an operator to every pair of float32 values.
func planRealPairs(p *plan, op *graph.Op) (step, error) {
	a := graph.ActNone
	var f func(a, b float32) float32
	switch op.Kind {
	case graph.Add:
		a, f = op.Attr.(graph.AddAttr).Activation, func(a, b float32) float32 { return a + b }
	case graph.Sub:
		a, f = op.Attr.(graph.SubAttr).Activation, func(a, b float32) float32 { return a - b }
	case graph.Mul:
		a, f = op.Attr.(graph.MulAttr).Activation, func(a, b float32) float32 { return a * b }
	case graph.Div:
		a, f = op.Attr.(graph.DivAttr).Activation, func(a, b float32) float32 { return a / b }
	case graph.SquaredDifference:
		f = func(a, b float32) float32 { d := a - b; return float32(d * d) }
	case graph.Maximum:
		f = func(a, b float32) float32 {
			if a > b {
				return a
			}
			return b
		}
	case graph.Minimum:
		f = func(a, b float32) float32 {
			if a < b {
				return a
			}
			return b
		}
	default:
		return nil, floatError(p, op)
	}
	if a > graph.ActRelu6 {
		return nil, fmt.Errorf("fused activation %v has no kernel of real numbers", a)
	}
	if p.out(op, 0).Type != graph.Float32 || p.in(op, 1).Type != graph.Float32 {
		return nil, floatError(p, op)
	}
	return planBroadcast(p, op, func(y, u, v []byte, n, stepU, stepV int) {
		for i := range n {
			putReal(y, i, activated(f(getReal(u, i*stepU), getReal(v, i*stepV)), a))
		}
	})
}

// planRealCompare compares pairs of float32 values; nothing but NOT_EQUAL holds for what is
// no number.
func planRealCompare(p *plan, op *graph.Op) (step, error) {
	holds := map[graph.Kind]func(a, b float32) bool{
		graph.Equal:        func(a, b float32) bool { return a == b },
		graph.NotEqual:     func(a, b float32) bool { return a != b },
		graph.Less:         func(a, b float32) bool { return a < b },
		graph.LessEqual:    func(a, b float32) bool { return a <= b },
		graph.Greater:      func(a, b float32) bool { return a > b },
		graph.GreaterEqual: func(a, b float32) bool { return a >= b },
	}[op.Kind]
	return planBroadcast(p, op, func(y, u, v []byte, n, stepU, stepV int) {
		for i := range n {
			y[i] = 0
			if holds(getReal(u, i*stepU), getReal(v, i*stepV)) {
				y[i] = 1
			}
		}
	})
}
