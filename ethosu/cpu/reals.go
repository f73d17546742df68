// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	planners.Set(planReal, graph.Abs, graph.Neg, graph.Square, graph.Sqrt, graph.Floor, graph.Ceil, graph.Round, graph.Sign, graph.Relu, graph.ReluN1To1, graph.Relu6, graph.LeakyRelu)
	planners.Set(planRealPairs, graph.Add, graph.Sub, graph.Mul, graph.SquaredDifference, graph.Maximum, graph.Minimum)
}

// realCodes number the functions of real numbers to the C.
var realCodes = map[graph.Kind]int{
	graph.Abs: 0, graph.Neg: 1, graph.Square: 2, graph.Sqrt: 3, graph.Rsqrt: 4, graph.Floor: 5, graph.Ceil: 6, graph.Round: 7, graph.LeakyRelu: 8,
	graph.Relu: 9, graph.ReluN1To1: 9, graph.Relu6: 9, graph.Sign: 10,
}

// planReal applies a function of one real number to all.
func planReal(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Float32 || o.out(0).Type != graph.Float32 {
		return nil, o.refuse(0, "float32; the NPU does it in integers")
	}
	x, n, alpha, a := o.operand(0), o.in(0).Elems(), float32(0), graph.ActNone
	switch o.op.Kind {
	case graph.Relu:
		a = graph.ActRelu
	case graph.ReluN1To1:
		a = graph.ActReluN1To1
	case graph.Relu6:
		a = graph.ActRelu6
	case graph.LeakyRelu:
		alpha = o.op.Attr.(graph.LeakyReluAttr).Alpha
		if alpha != alpha || math.IsInf(float64(alpha), 0) {
			return nil, fmt.Errorf("the CPU does not do a slope of %v", alpha)
		}
	}
	code := realCodes[o.op.Kind]
	return one("real_unary", func(in, out [][]byte) {
		for i := range n {
			putReal(out[0], i, activate(realFunction(code, float(x.of(in), i), alpha), a))
		}
	}, args(Output(0), x.arg(), Integer(n), Integer(code), Real(alpha), Integer(a))...), nil
}

func realFunction(code int, v, alpha float32) float32 {
	switch code {
	case 0:
		return math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
	case 1:
		return math.Float32frombits(math.Float32bits(v) ^ 1<<31)
	case 2:
		return v * v
	case 3:
		return root(v)
	case 4:
		return 1 / root(v)
	case 5, 6, 7:
		return whole(code, v)
	case 8:
		if !(v > 0) {
			return v * alpha
		}
	case 10:
		switch {
		case v > 0:
			return 1
		case v < 0:
			return -1
		}
	}
	return v
}

// whole rounds down, up, or to the nearest whole number, of two the even one.
func whole(code int, v float32) float32 {
	if !(v > -1<<23 && v < 1<<23) || v == 0 {
		return v
	}
	n := int32(v)
	part := v - float32(n)
	switch {
	case code == 5 && part < 0:
		n--
	case code == 6 && part > 0:
		n++
	case code == 7 && (part > 0.5 || part == 0.5 && n%2 != 0):
		n++
	case code == 7 && (part < -0.5 || part == -0.5 && n%2 != 0):
		n--
	}
	return float32(math.Copysign(float64(n), float64(v)))
}

// root is the nearest float32 to the square root, by whole numbers: the root of the
// mantissa with 25 bits, of which the last decides.
func root(v float32) float32 {
	bits := math.Float32bits(v)
	switch {
	case bits<<1 == 0 || v != v || bits == 0x7f800000:
		return v
	case bits>>31 != 0:
		return float32(math.NaN())
	}
	e, m := int(bits>>23), uint64(bits&0x7fffff)
	if e == 0 {
		for e = 1; m>>23 == 0; e-- {
			m <<= 1
		}
	}
	m |= 1 << 23
	e -= 127
	if e%2 != 0 {
		m, e = m<<1, e-1
	}
	m <<= 25 // its root has 25 bits
	r := uint64(0)
	for b := uint64(1) << 24; b > 0; b >>= 1 {
		if (r|b)*(r|b) <= m {
			r |= b
		}
	}
	// A root of 24 bits and a half is never met: its square has more bits than m.
	r = (r + 1) >> 1
	return math.Float32frombits(uint32(r) + uint32(e/2+126)<<23)
}

// activate clamps as a fused activation does.
func activate(v float32, a graph.Activation) float32 {
	lo, hi := float32(0), float32(0)
	switch a {
	case graph.ActRelu:
		hi = v
	case graph.ActReluN1To1:
		lo, hi = -1, 1
	case graph.ActRelu6:
		hi = 6
	default:
		return v
	}
	if v < lo {
		return lo
	}
	if v > hi {
		return hi
	}
	return v
}

// putReal writes a result; all that is no number has the same bits.
func putReal(b []byte, i int, v float32) {
	if v != v {
		v = math.Float32frombits(0x7fc00000)
	}
	putFloat(b, i, v)
}

// pairCodes number the operators on two real numbers to the C.
var pairCodes = map[graph.Kind]int{
	graph.Add: 0, graph.Sub: 1, graph.Mul: 2, graph.Div: 3, graph.SquaredDifference: 4, graph.Maximum: 5, graph.Minimum: 6,
}

// planRealPairs applies an operator to pairs of real numbers.
func planRealPairs(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Float32 || o.in(1).Type != graph.Float32 || o.out(0).Type != graph.Float32 {
		return nil, o.refuse(0, "float32; the NPU does it in integers")
	}
	act := o.op.Fused()
	if act > graph.ActRelu6 {
		return nil, fmt.Errorf("the CPU does not do the fused activation %v", act)
	}
	a, b, code := o.operand(0), o.operand(1), pairCodes[o.op.Kind]
	w := broadcast(o.out(0).Shape, o.in(0).Shape, o.in(1).Shape)
	return one("real_pairs", func(in, out [][]byte) {
		w.each(func(i int, at []int) {
			u, v := float(a.of(in), at[0]), float(b.of(in), at[1])
			r := v
			switch code {
			case 0:
				r = u + v
			case 1:
				r = u - v
			case 2:
				r = u * v
			case 3:
				r = u / v
			case 4:
				r = u - v
				r = float32(r * r)
			case 5:
				if u > v {
					r = u
				}
			case 6:
				if u < v {
					r = u
				}
			}
			putReal(out[0], i, activate(r, act))
		})
	}, args(Output(0), a.arg(), b.arg(), Integer(code), Integer(act), w.args())...), nil
}

// planRealCompare compares pairs of real numbers.
func planRealCompare(o *operator) (*Kernel, error) {
	a, b, which := o.operand(0), o.operand(1), relations[o.op.Kind]
	w := broadcast(o.out(0).Shape, o.in(0).Shape, o.in(1).Shape)
	return one("real_compare", func(in, out [][]byte) {
		w.each(func(i int, at []int) {
			u, v := float(a.of(in), at[0]), float(b.of(in), at[1])
			outcome := 0
			switch {
			case u < v:
				outcome = 1
			case u == v:
				outcome = 2
			case u > v:
				outcome = 4
			}
			out[0][i] = 0
			if which&outcome != 0 || which == relations[graph.NotEqual] && outcome == 0 {
				out[0][i] = 1
			}
		})
	}, args(Output(0), a.arg(), b.arg(), Integer(which), w.args())...), nil
}
