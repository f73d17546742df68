// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// Operators of ONNX Runtime's own domain that its quantizer and its optimizer write:
// docs/ContribOperators.md of https://github.com/microsoft/onnxruntime.
var _ = register(map[string]nodeConverter{
	microsoft + ".QLinearAdd": qlinearBinary("Add"), microsoft + ".QLinearMul": qlinearBinary("Mul"),
	microsoft + ".QLinearSigmoid": qlinearUnary("Sigmoid"), microsoft + ".QLinearLeakyRelu": qlinearUnary("LeakyRelu"),
	microsoft + ".QLinearSoftmax": qlinearSoftmaxNode, microsoft + ".QLinearConcat": qlinearConcatNode,
	microsoft + ".QLinearAveragePool": qlinearUnary("AveragePool"), microsoft + ".QLinearGlobalAveragePool": qlinearUnary("GlobalAveragePool"),
	microsoft + ".QGemm": qgemmNode, microsoft + ".MatMulIntegerToFloat": matMulIntegerToFloatNode, microsoft + ".DynamicQuantizeMatMul": dynamicQuantizeMatMulNode,
	microsoft + ".DynamicQuantizeLSTM": dynamicQuantizeLSTMNode,
	microsoft + ".FusedConv":           fusedNode("Conv", 3), microsoft + ".FusedGemm": fusedNode("Gemm", 3), microsoft + ".FusedMatMul": fusedMatMulNode,
	microsoft + ".Gelu": geluNode, microsoft + ".FastGelu": fastGeluNode, microsoft + ".BiasGelu": biasGeluNode, microsoft + ".QuickGelu": quickGeluNode,
})

func init() {
	for op, inputs := range map[string]int{
		"QLinearAdd": 8, "QLinearMul": 8, "QLinearSigmoid": 5, "QLinearLeakyRelu": 5, "QLinearSoftmax": 5, "QLinearConcat": 1 << 16, "QLinearAveragePool": 5,
		"QLinearGlobalAveragePool": 5, "QGemm": 9, "MatMulIntegerToFloat": 6, "DynamicQuantizeMatMul": 4,
	} {
		takesSpecial[op] = inputs
	}
}

// filled gives a node at least n inputs.
func filled(in []*value, n int) []*value {
	for len(in) < n {
		in = append(in[:len(in):len(in)], nil)
	}
	return in
}

func qlinearBinary(op string) nodeConverter {
	return func(c *converter, in []*value) []*value {
		in = filled(in, 8)
		return only(c.to(in, 6, c.inner(c.named(op), c.at(in, 0, 0), c.at(in, 3, 0))))
	}
}

// named returns a converter of ONNX's own that takes the node for one of its operators.
func (c *converter) named(op string) nodeConverter {
	return func(c *converter, in []*value) []*value {
		n := c.node
		own := *n
		own.Op, own.Domain = op, ""
		c.node = &own
		defer func() { c.node = n }()
		return converters[op](c, in)
	}
}

func qlinearUnary(op string) nodeConverter {
	return func(c *converter, in []*value) []*value {
		in = filled(in, 5)
		x := c.at(in, 0, 0)
		last := c.node.Int("channels_last", 0) != 0
		if last && x.rank() > 2 { // [N, …, C] to [N, C, …] and back
			n := x.rank()
			perm := append([]int{0, n - 1}, inPlace(n - 1)[1:]...)
			y := c.inner(c.named(op), c.permuted(x, perm))
			back := append(append([]int{0}, inPlace(n)[2:]...), 1)
			return only(c.to(in, 3, c.permuted(y, back)))
		}
		return only(c.to(in, 3, c.inner(c.named(op), x)))
	}
}

func qlinearSoftmaxNode(c *converter, in []*value) []*value {
	in = filled(in, 5)
	x := c.at(in, 0, 0)
	axis := c.axis(whole(c.node.Int("axis", -1)), x.rank())
	if c.node.Int("opset", 13) < 13 && axis != x.rank()-1 {
		c.refuse("attribute opset is %d and axis %d: it works over all dimensions from there on; export with opset 13", c.node.Int("opset", 13), axis)
	}
	order := last(x, axis)
	y := c.stored(c.op(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, c.base+"/real", c.as(x, order)), order)
	return only(c.to(in, 3, y))
}

func qlinearConcatNode(c *converter, in []*value) []*value {
	var parts []*value
	for i := 2; i+1 < len(in); i += 3 {
		parts = append(parts, c.at(filled(in, i+3), i, 0))
	}
	if len(parts) == 0 {
		c.refuse("it has no inputs")
	}
	return only(c.to(in, 0, c.inner(c.named("Concat"), parts...)))
}

// qgemmNode is a Gemm of integers, with an int32 bias whose scale is that of the product.
func qgemmNode(c *converter, in []*value) []*value {
	in = filled(in, 9)
	side := func(i int, attr string, free int) *value { // the axis of rows or columns in the file
		if c.node.Int(attr, 0) != 0 {
			free = 1 - free
		}
		return c.at(in, i, free)
	}
	a, b := side(0, "transA", 0), side(3, "transB", 1)
	var bias *value
	if in[6] != nil {
		bias = c.times(c.base+"/bias", c.integerBias(in[6], c.given(in, 1), c.given(in, 4)), c.node.Float("alpha", 1))
	}
	y := c.inner(c.named("Gemm"), a, b, bias)
	if in[7] == nil {
		return only(y)
	}
	return only(c.to(in, 7, y))
}

func matMulIntegerToFloatNode(c *converter, in []*value) []*value {
	in = filled(in, 7)
	ga, gb := c.grid(in[2], in[4], c.given(in, 0).rank(), c.given(in, 0).rank()-2), c.grid(in[3], in[5], c.given(in, 1).rank(), c.given(in, 1).rank()-1)
	return only(c.biased(c.inner(matMulNode, c.dequantize(in[0], ga, 0), c.dequantize(in[1], gb, 0)), in[6]))
}

func dynamicQuantizeMatMulNode(c *converter, in []*value) []*value {
	in = filled(in, 5)
	a, b := c.arg(in, 0), c.given(in, 1)
	c.real(a, "its input")
	return only(c.biased(c.inner(matMulNode, a, c.dequantize(b, c.grid(in[2], in[3], b.rank(), b.rank()-1), 0)), in[4]))
}

func (c *converter) biased(y, bias *value) *value {
	if bias == nil {
		return y
	}
	return c.binary(graph.Add, graph.AddAttr{}, c.base, y, bias)
}

// dynamicQuantizeLSTMNode is an LSTM whose matrices are turned and in 8 bits.
func dynamicQuantizeLSTMNode(c *converter, in []*value) []*value {
	in = filled(in, 12)
	own := append([]*value{}, in[:8]...)
	for k, i := range []int{1, 2} {
		w := c.given(in, i)
		if w.ints == nil || w.rank() != 3 {
			c.refuse("input %d has to be constant, [directions, inputs, gates]", i)
		}
		scale, zero := c.given(in, 8+2*k), in[9+2*k]
		f, ok := c.constant(scale)
		if !ok || zero == nil || zero.ints == nil || len(f) != w.shape[0] && len(f) != w.shape[0]*w.shape[2] || len(zero.ints) != len(f) {
			c.refuse("scale and zero point of input %d do not fit %v", i, w.shape)
		}
		per, out := len(f)/w.shape[0], make([]float32, len(w.ints))
		for at, x := range w.ints {
			d, g := at/(w.shape[1]*w.shape[2]), at%w.shape[2]
			s := d*per + g%per
			out[at] = float32(float64(x-zero.ints[s]) * float64(f[s]))
		}
		real := &value{typ: Float, shape: w.shape, id: c.floats(c.base+"/weights", out, w.shape...)}
		own[i] = c.permuted(real, []int{0, 2, 1})
	}
	return c.named("LSTM")(c, own)
}

// fusedNode is an operator with a function behind it, and a summand before that of
// FusedConv.
func fusedNode(op string, inputs int) nodeConverter {
	return func(c *converter, in []*value) []*value {
		in = filled(in, inputs+1)
		y := c.inner(c.named(op), in[:inputs]...)
		if in[inputs] != nil {
			y = c.binary(graph.Add, graph.AddAttr{}, c.base+"/sum", y, c.arg(in, inputs))
		}
		params := func(i int, name string, def float32) float32 {
			if a := c.node.Attrs["activation_params"]; a != nil && i < len(a.Floats) {
				return a.Floats[i]
			}
			return c.node.Float(name, def)
		}
		switch act := c.node.Text("activation", ""); act {
		case "":
		case "Relu":
			y = c.unary(graph.Relu, nil, c.base, y)
		case "Tanh":
			y = c.unary(graph.Tanh, nil, c.base, y)
		case "Sigmoid":
			y = c.unary(graph.Logistic, nil, c.base, y)
		case "LeakyRelu":
			y = c.leaky(y, params(0, "activation_alpha", 0.01))
		case "Clip":
			y = c.limited(y, params(0, "activation_alpha", -3.4028234e38), params(1, "activation_beta", 3.4028234e38), c.base)
		case "HardSigmoid":
			y = c.hardSigmoid(y, params(0, "activation_alpha", 0.2), params(1, "activation_beta", 0.5))
		default:
			c.refuse("attribute activation is %q; expected Relu, Tanh, Sigmoid, LeakyRelu, Clip or HardSigmoid", act)
		}
		return only(y)
	}
}

func fusedMatMulNode(c *converter, in []*value) []*value {
	a, b := c.arg(in, 0), c.arg(in, 1)
	if c.node.Int("transBatchA", 0)+c.node.Int("transBatchB", 0) != 0 {
		c.refuse("attributes transBatchA and transBatchB are set; export without graph optimization")
	}
	if c.node.Int("transA", 0) != 0 && a.rank() > 1 {
		a = c.swapped(a)
	}
	if c.node.Int("transB", 0) != 0 && b.rank() > 1 {
		b = c.swapped(b)
	}
	alpha := c.node.Float("alpha", 1)
	if c.known(b) {
		b, alpha = c.times(c.base+"/weights", b, alpha), 1
	}
	return only(c.times(c.base+"/scaled", matMulNode(c, []*value{a, b})[0], alpha))
}

func fastGeluNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	if opt(in, 1) != nil {
		x = c.binary(graph.Add, graph.AddAttr{}, c.base+"/sum", x, c.arg(in, 1))
	}
	return only(c.unary(graph.Gelu, graph.GeluAttr{Approximate: true}, c.base, x))
}

func biasGeluNode(c *converter, in []*value) []*value {
	x := c.binary(graph.Add, graph.AddAttr{}, c.base+"/sum", c.arg(in, 0), c.arg(in, 1))
	return only(c.unary(graph.Gelu, graph.GeluAttr{}, c.base, x))
}

func quickGeluNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	gate := c.unary(graph.Logistic, nil, c.base+"/gate", c.times(c.base+"/scaled", x, c.node.Float("alpha", 1.702)))
	return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, x, gate))
}
