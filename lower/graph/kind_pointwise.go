// SPDX-License-Identifier: Apache-2.0

package graph

import "math"

// Operators that apply one function to every element.
func init() {
	sigmoid := Fixed{1.0 / 256, -128, 1.0 / 32768}
	Register(
		Descriptor{Kind: Logistic, Name: "LOGISTIC", Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame, Fixed: sigmoid,
			Real: plain(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }),
			File: File{Fields: NoFields, Versions: [3]int{1, 2, 3}, Releases: since("1.14 1.14 2.3")}},
		Descriptor{Kind: Tanh, Name: "TANH", Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame, Fixed: Fixed{1.0 / 128, 0, 1.0 / 32768},
			Real: plain(math.Tanh), File: File{Fields: NoFields, Versions: [3]int{1, 2, 3}, Releases: since("1.14 1.14 2.3")}},
		pointwise(Relu, "RELU", 0, [3]int{1, 2, 3}, "1.5 2.1 2.5", func(x float64) float64 { return max(x, 0) }),
		pointwise(Relu6, "RELU6", 0, [3]int{1, 2, 3}, "1.5 1.14 2.5", func(x float64) float64 { return min(max(x, 0), 6) }),
		pointwise(ReluN1To1, "RELU_N1_TO_1", 0, [3]int{}, "1.5", func(x float64) float64 { return min(max(x, -1), 1) }),
		pointwise(Abs, "ABS", 78, [3]int{1, 2, 3}, "1.13 2.4 2.5 2.6 2.12", math.Abs),
		pointwise(Neg, "NEG", 42, [3]int{}, "1.9", func(x float64) float64 { return -x }),
		pointwise(Square, "SQUARE", 66, [3]int{}, "1.12", func(x float64) float64 { return x * x }),
		pointwise(Exp, "EXP", 33, [3]int{1, 2, 2}, "1.7 2.12", math.Exp),
		pointwise(Log, "LOG", 0, [3]int{1, 2, 2}, "1.14 2.15", math.Log),
		pointwise(Sqrt, "SQRT", 0, [3]int{1, 2, 2}, "1.10 2.21", math.Sqrt),
		pointwise(Rsqrt, "RSQRT", 0, [3]int{1, 2, 3}, "1.10 2.5 2.15", func(x float64) float64 { return 1 / math.Sqrt(x) }),
		pointwise(Sin, "SIN", 0, [3]int{}, "1.9", math.Sin),
		pointwise(Cos, "COS", 84, [3]int{}, "1.14", math.Cos),
		pointwise(Floor, "FLOOR", 0, [3]int{}, "1.9", math.Floor),
		pointwise(Ceil, "CEIL", 0, [3]int{}, "1.14", math.Ceil),
		pointwise(Round, "ROUND", 0, [3]int{}, "1.14", math.RoundToEven),
		pointwise(Sign, "SIGN", 123, [3]int{}, "2.11", func(x float64) float64 {
			switch {
			case x > 0:
				return 1
			case x < 0:
				return -1
			}
			return x
		}),
		pointwise(Elu, "ELU", 0, [3]int{}, "1.14", func(x float64) float64 {
			if x < 0 {
				return math.Expm1(x)
			}
			return x
		}),
		pointwise(HardSwish, "HARD_SWISH", 91, [3]int{}, "1.15", func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 }),
		Descriptor{Kind: LeakyRelu, Name: "LEAKY_RELU", Attr: LeakyReluAttr{}, Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame,
			Real: func(op *Op, x float64) float64 {
				if a, _ := op.Attr.(LeakyReluAttr); x < 0 {
					return float64(a.Alpha) * x
				}
				return x
			},
			File: File{Union: 75, Fields: func(f Fields, attr any) any {
				a, _ := attr.(LeakyReluAttr)
				f.Float(0, &a.Alpha)
				return a
			}, Versions: [3]int{1, 1, 2}, Releases: since("1.13 2.3")}},
		Descriptor{Kind: Gelu, Name: "GELU", Attr: GeluAttr{}, Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame, Real: gelu,
			File: File{Union: 116, Fields: func(f Fields, attr any) any {
				a, _ := attr.(GeluAttr)
				f.Bool(0, &a.Approximate, false)
				return a
			}, Versions: [3]int{1, 2, 1}, Releases: since("2.9 2.9")}},
	)
}

// pointwise is an operator with one input and no attributes.
func pointwise(k Kind, name string, union uint8, versions [3]int, releases string, f func(x float64) float64) Descriptor {
	return Descriptor{Kind: k, Name: name, Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame, Real: plain(f),
		File: File{Union: union, Fields: NoFields, Versions: versions, Releases: since(releases)}}
}

// plain is a function that no attribute changes.
func plain(f func(x float64) float64) func(*Op, float64) float64 {
	return func(_ *Op, x float64) float64 { return f(x) }
}

func gelu(op *Op, x float64) float64 {
	if a, _ := op.Attr.(GeluAttr); a.Approximate {
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+float64(0.044715*x*x*x))))
	}
	return 0.5 * x * math.Erfc(-x/math.Sqrt2)
}
