// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// Operators of ONNX Runtime's own domain, by docs/ContribOperators.md of
// https://github.com/microsoft/onnxruntime.
func init() {
	for name, f := range map[string]operator{
		"QLinearAdd": quantizedOf("Add", 2), "QLinearMul": quantizedOf("Mul", 2), "QLinearSigmoid": quantizedOf("Sigmoid", 1),
		"QLinearLeakyRelu": quantizedOf("LeakyRelu", 1), "QLinearSoftmax": quantizedOf("Softmax", 1), "QLinearAveragePool": quantizedOf("AveragePool", 1),
		"QLinearGlobalAveragePool": quantizedOf("GlobalAveragePool", 1), "QLinearConcat": qlinearConcat, "QGemm": qgemm,
		"MatMulIntegerToFloat": matMulIntegerToFloat, "DynamicQuantizeMatMul": dynamicQuantizeMatMul, "DynamicQuantizeLSTM": dynamicQuantizeLSTM,
		"FusedConv": fused("Conv", 3), "FusedGemm": fused("Gemm", 3), "FusedMatMul": fusedMatMul,
		"FastGelu": geluOf(func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+float64(0.044715*x*x*x))))
		}),
		"BiasGelu": geluOf(func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }),
		"Gelu":     geluOf(func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }),
		"QuickGelu": withAttrs(func(c *call) func(float64) float64 {
			alpha := float64(c.Float("alpha", 1.702))
			return func(x float64) float64 { return x * sigmoid(alpha*x) }
		}),
	} {
		operators["com.microsoft."+name] = f
	}
}

// own runs an operator of ONNX's own with the node's attributes.
func (c *call) own(op string, in ...*Array) ([]*Array, error) {
	n := *c.Node
	n.Op, n.Domain = op, ""
	d := *c
	d.Node, d.in = &n, in
	return operators[op](&d)
}

// turned moves a dimension to another place.
func (c *call) turned(x *Array, from, to int) (*Array, error) {
	var perm []int
	for d := range x.Shape {
		if d != from {
			perm = append(perm, d)
		}
	}
	perm = append(perm[:to], append([]int{from}, perm[to:]...)...)
	shape := make([]int, len(perm))
	for i, d := range perm {
		shape[i] = x.Shape[d]
	}
	y, err := c.make(x.Type, shape)
	if err != nil {
		return nil, err
	}
	own := strides(x.Shape)
	each(shape, func(at int, index []int) {
		src := 0
		for i, d := range perm {
			src += index[i] * own[d]
		}
		y.Data[at] = x.Data[src]
	})
	return y, nil
}

// quantizedOf is an operator on integers with the scale and zero point of each behind it,
// and those of the result at the end.
func quantizedOf(op string, inputs int) operator {
	return func(c *call) ([]*Array, error) {
		var in []*Array
		for i := range inputs {
			x, err := c.triple(3*i, 0)
			if err != nil {
				return nil, err
			}
			in = append(in, x)
		}
		if op == "Softmax" && c.Int("opset", 13) < 13 {
			if a, err := axis(int(c.Int("axis", -1)), in[0].rank()); err != nil || a != in[0].rank()-1 {
				return nil, errors.New("a softmax over several dimensions")
			}
		}
		last := c.Int("channels_last", 0) != 0 && in[0].rank() > 2
		var err error
		if last {
			if in[0], err = c.turned(in[0], in[0].rank()-1, 1); err != nil {
				return nil, err
			}
		}
		y, err := c.own(op, in...)
		if err != nil {
			return nil, err
		}
		if last {
			if y[0], err = c.turned(y[0], 1, y[0].rank()-1); err != nil {
				return nil, err
			}
		}
		return c.result(y[0], 3*inputs)
	}
}

func qlinearConcat(c *call) ([]*Array, error) {
	var in []*Array
	for i := 2; i+1 < len(c.in); i += 3 {
		x, err := c.triple(i, 0)
		if err != nil {
			return nil, err
		}
		in = append(in, x)
	}
	y, err := c.own("Concat", in...)
	if err != nil {
		return nil, err
	}
	return c.result(y[0], 0)
}

func qgemm(c *call) ([]*Array, error) {
	rows, cols := 0, 1
	if c.Int("transA", 0) != 0 {
		rows = 1
	}
	if c.Int("transB", 0) != 0 {
		cols = 0
	}
	a, err := c.triple(0, rows)
	if err != nil {
		return nil, err
	}
	b, err := c.triple(3, cols)
	if err != nil {
		return nil, err
	}
	bias, err := c.sumBias(c.opt(6), c.opt(1), c.opt(4))
	if err != nil {
		return nil, err
	}
	if bias != nil {
		for i := range bias.Data {
			bias.Data[i] *= float64(c.Float("alpha", 1))
		}
	}
	y, err := c.own("Gemm", a, b, bias)
	if err != nil || c.opt(7) == nil {
		return y, err
	}
	return c.result(y[0], 7)
}

// plus adds a bias that may be left out.
func (c *call) plus(y *Array, i int) ([]*Array, error) {
	if b := c.opt(i); b != nil {
		sum, err := c.combine(onnx.Float, y, b, func(a, b float64) float64 { return a + b })
		return []*Array{sum}, err
	}
	return []*Array{y}, nil
}

func matMulIntegerToFloat(c *call) ([]*Array, error) {
	var side [2]*Array
	for i := range side {
		x, err := c.arg(i)
		if err != nil {
			return nil, err
		}
		axis := x.rank() - 2 + i
		g, err := c.grid(c.opt(2+i), c.opt(4+i), x.Shape, axis, 0)
		if err != nil {
			return nil, err
		}
		if side[i], err = c.dequantized(x, g); err != nil {
			return nil, err
		}
	}
	y, err := c.own("MatMul", side[0], side[1])
	if err != nil {
		return nil, err
	}
	return c.plus(y[0], 6)
}

func dynamicQuantizeMatMul(c *call) ([]*Array, error) {
	a, b, err := c.two()
	if err != nil {
		return nil, err
	}
	g, err := c.grid(c.opt(2), c.opt(3), b.Shape, b.rank()-1, 0)
	if err != nil {
		return nil, err
	}
	w, err := c.dequantized(b, g)
	if err != nil {
		return nil, err
	}
	if !c.real { // through 8 bits, with the scale that its values give
		d := *c
		d.in = []*Array{a}
		q, err := dynamicQuantizeLinear(&d)
		if err != nil {
			return nil, err
		}
		if a, err = c.dequantized(q[0], &grid{scale: q[1], zero: q[2], shape: a.Shape}); err != nil {
			return nil, err
		}
	}
	y, err := c.own("MatMul", a, w)
	if err != nil {
		return nil, err
	}
	return c.plus(y[0], 4)
}

// dynamicQuantizeLSTM has matrices [directions, inputs, gates] in 8 bits; what is
// multiplied with them is taken as it is, not rounded to 8 bits.
func dynamicQuantizeLSTM(c *call) ([]*Array, error) {
	in := append([]*Array{}, c.in[:min(8, len(c.in))]...)
	for k := range 2 {
		w, err := c.arg(1 + k)
		if err != nil {
			return nil, err
		}
		s, z := c.opt(8+2*k), c.opt(9+2*k)
		if w.rank() != 3 || s == nil || z == nil || len(z.Data) != len(s.Data) || len(s.Data) != w.Shape[0] && len(s.Data) != w.Shape[0]*w.Shape[2] {
			return nil, fmt.Errorf("scale and zero point of input %d do not fit %v", 1+k, w.Shape)
		}
		real, err := c.make(onnx.Float, w.Shape)
		if err != nil {
			return nil, err
		}
		each(w.Shape, func(at int, i []int) {
			from := i[0]
			if len(s.Data) != w.Shape[0] {
				from = i[0]*w.Shape[2] + i[2]
			}
			real.Data[at] = (w.Data[at] - z.Data[from]) * s.Data[from]
		})
		if in[1+k], err = c.turned(real, 2, 1); err != nil {
			return nil, err
		}
	}
	return c.own("LSTM", in...)
}

// fused is an operator, a summand and a function.
func fused(op string, inputs int) operator {
	return func(c *call) ([]*Array, error) {
		y, err := c.own(op, c.in[:min(inputs, len(c.in))]...)
		if err != nil {
			return nil, err
		}
		if y, err = c.plus(y[0], inputs); err != nil {
			return nil, err
		}
		param := func(i int, name string, def float64) float64 {
			if a := c.Attrs["activation_params"]; a != nil && i < len(a.Floats) {
				return float64(a.Floats[i])
			}
			return float64(c.Float(name, float32(def)))
		}
		var f func(float64) float64
		a, b := 0.0, 0.0
		switch act := c.Text("activation", ""); act {
		case "":
			return y, nil
		case "Relu":
			f = func(x float64) float64 { return math.Max(0, x) }
		case "Tanh":
			f = math.Tanh
		case "Sigmoid":
			f = sigmoid
		case "LeakyRelu":
			a = param(0, "activation_alpha", 0.01)
			f = func(x float64) float64 { return math.Max(0, x) + math.Min(0, a*x) }
		case "Clip":
			a, b = param(0, "activation_alpha", -math.MaxFloat32), param(1, "activation_beta", math.MaxFloat32)
			f = func(x float64) float64 { return math.Min(b, math.Max(a, x)) }
		case "HardSigmoid":
			a, b = param(0, "activation_alpha", 0.2), param(1, "activation_beta", 0.5)
			f = func(x float64) float64 { return math.Max(0, math.Min(1, float64(a*x)+b)) }
		default:
			return nil, fmt.Errorf("activation %q", act)
		}
		out, err := c.make(onnx.Float, y[0].Shape)
		if err != nil {
			return nil, err
		}
		for i, x := range y[0].Data {
			out.Data[i] = f(x)
		}
		return []*Array{out}, nil
	}
}

func fusedMatMul(c *call) ([]*Array, error) {
	a, b, err := c.two()
	if err != nil {
		return nil, err
	}
	if c.Int("transBatchA", 0)+c.Int("transBatchB", 0) != 0 {
		return nil, errors.New("transposed batches")
	}
	for _, side := range []struct {
		x    **Array
		attr string
	}{{&a, "transA"}, {&b, "transB"}} {
		if n := (*side.x).rank(); c.Int(side.attr, 0) != 0 && n > 1 {
			if *side.x, err = c.turned(*side.x, n-1, n-2); err != nil {
				return nil, err
			}
		}
	}
	y, err := c.own("MatMul", a, b)
	if err != nil {
		return nil, err
	}
	for i := range y[0].Data {
		y[0].Data[i] *= float64(c.Float("alpha", 1))
	}
	return y, nil
}

func geluOf(f func(float64) float64) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		sum, err := c.plus(x, 1)
		if err != nil {
			return nil, err
		}
		y, err := c.make(onnx.Float, sum[0].Shape)
		if err != nil {
			return nil, err
		}
		for i, v := range sum[0].Data {
			y.Data[i] = f(v)
		}
		return []*Array{y}, nil
	}
}
