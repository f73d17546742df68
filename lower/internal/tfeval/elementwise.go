// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for k, f := range map[graph.Kind]func(x float64) float64{
		graph.Logistic: sigmoid, graph.Tanh: math.Tanh, graph.Relu: func(x float64) float64 { return math.Max(x, 0) },
		graph.Relu6: func(x float64) float64 { return math.Min(math.Max(x, 0), 6) }, graph.ReluN1To1: func(x float64) float64 { return math.Min(math.Max(x, -1), 1) },
		graph.Exp: math.Exp, graph.Log: math.Log, graph.Sqrt: math.Sqrt, graph.Rsqrt: func(x float64) float64 { return 1 / math.Sqrt(x) },
		graph.Square: func(x float64) float64 { return x * x }, graph.Abs: math.Abs, graph.Neg: func(x float64) float64 { return -x },
		graph.Sin: math.Sin, graph.Cos: math.Cos, graph.Floor: math.Floor, graph.Ceil: math.Ceil, graph.Round: math.RoundToEven,
		graph.Elu: func(x float64) float64 {
			if x < 0 {
				return math.Expm1(x)
			}
			return x
		},
		graph.Sign: func(x float64) float64 {
			if x == 0 || x != x {
				return x
			}
			return math.Copysign(1, x)
		},
		graph.HardSwish: func(x float64) float64 { return x * math.Min(math.Max(x+3, 0), 6) / 6 },
	} {
		register(func(r *run, op *graph.Op) error {
			return r.fill(op, func(index []int) float64 { return f(r.at(op.Inputs[0], index)) })
		}, k)
	}
	register(func(r *run, op *graph.Op) error {
		alpha := float64(op.Attr.(graph.LeakyReluAttr).Alpha)
		return r.fill(op, func(index []int) float64 {
			x := r.at(op.Inputs[0], index)
			if x < 0 {
				return float64(x * alpha)
			}
			return x
		})
	}, graph.LeakyRelu)
	register(func(r *run, op *graph.Op) error {
		exact := !op.Attr.(graph.GeluAttr).Approximate
		return r.fill(op, func(index []int) float64 {
			x := r.at(op.Inputs[0], index)
			if exact {
				return x / 2 * (1 + math.Erf(x/math.Sqrt2))
			}
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+float64(0.044715*x*x*x))))
		})
	}, graph.Gelu)
	for k, f := range map[graph.Kind]func(a, b float64) float64{
		graph.Add: func(a, b float64) float64 { return a + b }, graph.Sub: func(a, b float64) float64 { return a - b },
		graph.Mul: func(a, b float64) float64 { return a * b }, graph.Div: func(a, b float64) float64 { return a / b },
		graph.Maximum: math.Max, graph.Minimum: math.Min, graph.Pow: math.Pow,
		graph.SquaredDifference: func(a, b float64) float64 { return (a - b) * (a - b) },
		graph.PRelu: func(x, slope float64) float64 {
			if x < 0 {
				return x * slope
			}
			return x
		},
	} {
		register(func(r *run, op *graph.Op) error {
			act := op.Fused()
			return r.fill(op, func(index []int) float64 {
				return fused(act, f(r.at(op.Inputs[0], index), r.at(op.Inputs[1], index)))
			})
		}, k)
	}
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(index []int) float64 {
			sum := 0.0
			for _, id := range op.Inputs {
				sum += r.at(id, index)
			}
			return sum
		})
	}, graph.AddN)
}
