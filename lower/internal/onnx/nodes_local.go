// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"LRN": lrnNode, "LpPool": lpPoolNode})

// lrnNode divides by a power of the sum of squares over neighbouring channels, which is a
// product with a band of weights.
func lrnNode(c *converter, in []*value) []*value {
	x, size := c.arg(in, 0), c.node.Int("size", 0)
	if x.rank() < 2 || size < 1 || x.shape[1] > maxRunning {
		c.refuse("its input has shape %v and attribute size is %d; expected at most %d channels, and a size of 1 or more", x.shape, size, maxRunning)
	}
	alpha, beta, bias := c.node.Float("alpha", 1e-4), c.node.Float("beta", 0.75), c.node.Float("bias", 1)
	n := x.shape[1]
	band, add := make([]float32, n*n), make([]float32, n)
	before, after := (size-1)/2, size/2
	for to := range n {
		add[to] = bias
		for from := range n {
			if d := int64(from - to); -d <= before && d <= after {
				band[to*n+from] = float32(float64(alpha) / float64(size))
			}
		}
	}
	squares := c.squared(x, c.base+"/squares")
	order := last(squares, 1)
	s := c.as(squares, order)
	sum := c.stored(c.shaped(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: x.rank() != 2}, c.base+"/sums", c.shapeOf(s), s,
		c.floats(c.base+"/band", band, n, n), c.floats(c.base+"/bias", add, n)), order)
	return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, x, c.lowered(sum, beta)))
}

// lowered is x to the power of -beta, by roots where they give it.
func (c *converter) lowered(x *value, beta float32) *value {
	root := func() *value { return c.unary(graph.Rsqrt, nil, c.base+"/inverse_root", x) }
	switch beta {
	case 0.5:
		return root()
	case 0.75:
		fourth := c.unary(graph.Rsqrt, nil, c.base+"/inverse_fourth", c.unary(graph.Sqrt, nil, c.base+"/root", x))
		return c.binary(graph.Mul, graph.MulAttr{}, c.base+"/factor", root(), fourth)
	case 1:
		return c.reciprocal(x)
	}
	return c.unary(graph.Exp, nil, c.base+"/factor", c.times(c.base+"/exponent", c.unary(graph.Log, nil, c.base+"/log", x), -beta))
}

// lpPoolNode is the root of the sum of squares in a window (p 2), or the sum of
// magnitudes (p 1): averages, times the window's size.
func lpPoolNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	ws := c.poolWindows(x)
	if ws[0].dilation != 1 || ws[1].dilation != 1 {
		c.refuse("attribute dilations is set; write the sum as a depthwise convolution (Conv with weights of 1)")
	}
	var parts *value
	switch p := c.node.Int("p", 2); p {
	case 1:
		parts = c.unary(graph.Abs, nil, c.base+"/elements", x)
	case 2:
		parts = c.squared(x, c.base+"/elements")
	default:
		c.refuse("attribute p is %d; expected 1 or 2", p)
	}
	pooled := c.pool(graph.AveragePool2D, graph.PadValid, ws, c.base+"/mean", c.zeroPadded(c.image(parts), ws))
	sum := c.times(c.base+"/sum", c.fromImage(pooled, x.rank()), float32(ws[0].kernel*ws[1].kernel))
	if c.node.Int("p", 2) == 1 {
		return only(sum)
	}
	return only(c.unary(graph.Sqrt, nil, c.base, sum))
}
