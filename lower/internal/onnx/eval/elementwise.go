// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"Abs":        unary(math.Abs),
	"Neg":        unary(func(x float64) float64 { return -x }),
	"Exp":        unary(math.Exp),
	"Log":        unary(math.Log),
	"Sqrt":       unary(math.Sqrt),
	"Reciprocal": unary(func(x float64) float64 { return 1 / x }),
	"Floor":      unary(math.Floor),
	"Ceil":       unary(math.Ceil),
	"Round":      unary(math.RoundToEven),
	"Erf":        unary(math.Erf),
	"Tan":        unary(math.Tan), "Sinh": unary(math.Sinh), "Cosh": unary(math.Cosh),
	"Asinh": unary(math.Asinh), "Acosh": unary(math.Acosh), "Atanh": unary(math.Atanh),
	"Shrink": withAttrs(func(c *call) func(float64) float64 {
		lambda, bias := float64(c.Float("lambd", 0.5)), float64(c.Float("bias", 0))
		return func(x float64) float64 {
			switch {
			case x < -lambda:
				return x + bias
			case x > lambda:
				return x - bias
			}
			return 0
		}
	}),
	"Sin": unary(math.Sin),
	"Cos": unary(math.Cos),
	"Sign": unary(func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	}),
	"Sigmoid":  unary(sigmoid),
	"Tanh":     unary(math.Tanh),
	"Relu":     unary(func(x float64) float64 { return math.Max(x, 0) }),
	"Softplus": unary(func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }),
	"Softsign": unary(func(x float64) float64 { return x / (1 + math.Abs(x)) }),
	"HardSwish": unary(func(x float64) float64 {
		return x * math.Max(0, math.Min(1, x/6+0.5))
	}),
	"Mish": unary(func(x float64) float64 {
		return x * math.Tanh(math.Max(x, 0)+math.Log1p(math.Exp(-math.Abs(x))))
	}),
	"Not":      unary(func(x float64) float64 { return 1 - x }),
	"Identity": unary(func(x float64) float64 { return x }),
	"LeakyRelu": withAttrs(func(c *call) func(float64) float64 {
		alpha := float64(c.Float("alpha", 0.01))
		return func(x float64) float64 {
			if x < 0 {
				return alpha * x
			}
			return x
		}
	}),
	"Elu": withAttrs(func(c *call) func(float64) float64 {
		alpha := float64(c.Float("alpha", 1))
		return func(x float64) float64 {
			if x < 0 {
				return alpha * math.Expm1(x)
			}
			return x
		}
	}),
	"Selu": withAttrs(func(c *call) func(float64) float64 {
		alpha, gamma := float64(c.Float("alpha", 1.67326319217681884765625)), float64(c.Float("gamma", 1.05070102214813232421875))
		return func(x float64) float64 {
			if x < 0 {
				return gamma * alpha * math.Expm1(x)
			}
			return gamma * x
		}
	}),
	"Celu": withAttrs(func(c *call) func(float64) float64 {
		alpha := float64(c.Float("alpha", 1))
		return func(x float64) float64 { return math.Max(0, x) + math.Min(0, alpha*math.Expm1(x/alpha)) }
	}),
	"ThresholdedRelu": withAttrs(func(c *call) func(float64) float64 {
		alpha := float64(c.Float("alpha", 1))
		return func(x float64) float64 {
			if x > alpha {
				return x
			}
			return 0
		}
	}),
	"HardSigmoid": withAttrs(func(c *call) func(float64) float64 {
		alpha, beta := float64(c.Float("alpha", 0.2)), float64(c.Float("beta", 0.5))
		return func(x float64) float64 { return math.Max(0, math.Min(1, float64(alpha*x)+beta)) }
	}),
	"Gelu": withAttrs(func(c *call) func(float64) float64 {
		if c.Text("approximate", "none") == "tanh" {
			return func(x float64) float64 {
				return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+float64(0.044715*x*x*x))))
			}
		}
		return func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }
	}),
	"Clip": clip, "Cast": cast, "CastLike": cast, "Dropout": dropout,

	"Add": binary(func(a, b float64) float64 { return a + b }),
	"Sub": binary(func(a, b float64) float64 { return a - b }),
	"Mul": binary(func(a, b float64) float64 { return a * b }),
	"Div": binary(func(a, b float64) float64 { return a / b }),
	"Pow": binary(math.Pow),
	"PRelu": binary(func(x, slope float64) float64 {
		if x < 0 {
			return slope * x
		}
		return x
	}),
	"IsNaN": test(func(_ *call, x float64) bool { return x != x }),
	"IsInf": test(func(c *call, x float64) bool {
		return c.Int("detect_positive", 1) != 0 && math.IsInf(x, 1) || c.Int("detect_negative", 1) != 0 && math.IsInf(x, -1)
	}),
	"Mod":            mod,
	"And":            logic(func(a, b float64) bool { return a != 0 && b != 0 }),
	"Or":             logic(func(a, b float64) bool { return a != 0 || b != 0 }),
	"Xor":            logic(func(a, b float64) bool { return (a != 0) != (b != 0) }),
	"Equal":          logic(func(a, b float64) bool { return a == b }),
	"Less":           logic(func(a, b float64) bool { return a < b }),
	"LessOrEqual":    logic(func(a, b float64) bool { return a <= b }),
	"Greater":        logic(func(a, b float64) bool { return a > b }),
	"GreaterOrEqual": logic(func(a, b float64) bool { return a >= b }),
	"Max":            variadic(math.Max, false),
	"Min":            variadic(math.Min, false),
	"Sum":            variadic(func(a, b float64) float64 { return a + b }, false),
	"Mean":           variadic(func(a, b float64) float64 { return a + b }, true),
	"Where":          where,
})

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func (c *call) apply(f func(float64) float64) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	for i, v := range x.Data {
		y.Data[i] = f(v)
	}
	return []*Array{y}, nil
}

func unary(f func(float64) float64) operator {
	return func(c *call) ([]*Array, error) { return c.apply(f) }
}

func withAttrs(f func(c *call) func(float64) float64) operator {
	return func(c *call) ([]*Array, error) { return c.apply(f(c)) }
}

// test gives truth values.
func test(f func(c *call, x float64) bool) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		y, err := c.make(onnx.Bool, x.Shape)
		if err != nil {
			return nil, err
		}
		for i, v := range x.Data {
			if f(c, v) {
				y.Data[i] = 1
			}
		}
		return []*Array{y}, nil
	}
}

// combine applies f to two arrays broadcast to each other.
func (c *call) combine(t onnx.DataType, a, b *Array, f func(a, b float64) float64) (*Array, error) {
	shape, err := broadcast(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	y, err := c.make(t, shape)
	if err != nil {
		return nil, err
	}
	sa, sb := a.view(shape), b.view(shape)
	each(shape, func(at int, index []int) {
		y.Data[at] = c.number(t, f(a.Data[offset(index, sa)], b.Data[offset(index, sb)]))
	})
	return y, nil
}

func (c *call) two() (a, b *Array, err error) {
	if a, err = c.arg(0); err != nil {
		return nil, nil, err
	}
	b, err = c.arg(1)
	return a, b, err
}

func binary(f func(a, b float64) float64) operator {
	return func(c *call) ([]*Array, error) {
		a, b, err := c.two()
		if err != nil {
			return nil, err
		}
		if c.Has("broadcast") {
			return nil, fmt.Errorf("attribute broadcast is of opset 6")
		}
		if c.Op == "Div" && !a.Type.IsFloat() {
			for _, v := range b.Data {
				if v == 0 {
					return nil, fmt.Errorf("integer division by zero")
				}
			}
		}
		y, err := c.combine(a.Type, a, b, f)
		return []*Array{y}, err
	}
}

func logic(f func(a, b float64) bool) operator {
	return func(c *call) ([]*Array, error) {
		a, b, err := c.two()
		if err != nil {
			return nil, err
		}
		y, err := c.combine(onnx.Bool, a, b, func(a, b float64) float64 {
			if f(a, b) {
				return 1
			}
			return 0
		})
		return []*Array{y}, err
	}
}

func variadic(f func(a, b float64) float64, mean bool) operator {
	return func(c *call) ([]*Array, error) {
		y, err := c.arg(0)
		for i := 1; err == nil && i < len(c.in); i++ {
			var b *Array
			if b, err = c.arg(i); err == nil {
				y, err = c.combine(y.Type, y, b, f)
			}
		}
		if err != nil {
			return nil, err
		}
		if mean {
			n := float64(len(c.in))
			y = &Array{Type: y.Type, Shape: y.Shape, Data: append([]float64(nil), y.Data...)}
			for i := range y.Data {
				y.Data[i] /= n
			}
		}
		return []*Array{y}, nil
	}
}

func mod(c *call) ([]*Array, error) {
	a, b, err := c.two()
	if err != nil {
		return nil, err
	}
	c99 := c.Int("fmod", 0) != 0
	y, err := c.combine(a.Type, a, b, func(a, b float64) float64 {
		m := math.Mod(a, b)
		if !c99 && m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	})
	return []*Array{y}, err
}

func where(c *call) ([]*Array, error) {
	cond, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	x, err := c.arg(1)
	if err != nil {
		return nil, err
	}
	y, err := c.arg(2)
	if err != nil {
		return nil, err
	}
	shape, err := broadcast(cond.Shape, x.Shape, y.Shape)
	if err != nil {
		return nil, err
	}
	out, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	sc, sx, sy := cond.view(shape), x.view(shape), y.view(shape)
	each(shape, func(at int, index []int) {
		if cond.Data[offset(index, sc)] != 0 {
			out.Data[at] = x.Data[offset(index, sx)]
		} else {
			out.Data[at] = y.Data[offset(index, sy)]
		}
	})
	return []*Array{out}, nil
}

// clip takes its bounds as attributes up to opset 10, then as inputs.
func clip(c *call) ([]*Array, error) {
	lo, hi := math.Inf(-1), math.Inf(1)
	if c.Has("min") {
		lo = float64(c.Float("min", 0))
	}
	if c.Has("max") {
		hi = float64(c.Float("max", 0))
	}
	for i, to := range []*float64{&lo, &hi} {
		if b := c.opt(i + 1); b != nil {
			if len(b.Data) != 1 {
				return nil, fmt.Errorf("a bound has %d elements, expected 1", len(b.Data))
			}
			*to = b.Data[0]
		}
	}
	return c.apply(func(x float64) float64 { return math.Min(hi, math.Max(lo, x)) })
}

func cast(c *call) ([]*Array, error) {
	to := onnx.DataType(c.Int("to", 0))
	if c.Op == "CastLike" {
		like, err := c.arg(1)
		if err != nil {
			return nil, err
		}
		to = like.Type
	}
	if to.Size() == 0 {
		return nil, fmt.Errorf("a cast to %v is not computed", to)
	}
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	y, err := c.make(to, x.Shape)
	if err != nil {
		return nil, err
	}
	stays := to != onnx.Bool && (to.IsFloat() || !x.Type.IsFloat())
	for i, v := range x.Data {
		if y.Data[i] = v; !stays || c.exact(0) {
			y.Data[i] = round(to, v)
		}
	}
	return []*Array{y}, nil
}

// dropout passes everything: inference.
func dropout(c *call) ([]*Array, error) {
	if t := c.opt(2); t != nil && len(t.Data) == 1 && t.Data[0] != 0 {
		return nil, fmt.Errorf("training mode is random")
	}
	out, err := c.apply(func(x float64) float64 { return x })
	if err != nil || len(c.Outputs) < 2 {
		return out, err
	}
	mask, err := c.make(onnx.Bool, out[0].Shape)
	if err != nil {
		return nil, err
	}
	for i := range mask.Data {
		mask.Data[i] = 1
	}
	return append(out, mask), nil
}
