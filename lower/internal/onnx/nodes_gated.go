// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

// Activations that are written with others.
var _ = register(map[string]nodeConverter{
	"Selu": each(func(c *converter, x *value) *value {
		alpha, gamma := c.node.Float("alpha", 1.67326319217681884765625), c.node.Float("gamma", 1.05070102214813232421875)
		return c.times(c.base+"/gamma", c.elu(x, alpha), gamma)
	}),
	"Celu": each(func(c *converter, x *value) *value {
		alpha := c.node.Float("alpha", 1)
		if alpha == 0 {
			c.refuse("alpha is 0")
		}
		return c.times(c.base+"/alpha", c.elu(c.times(c.base+"/part", x, 1/alpha), 1), alpha)
	}),
	"Mish": each(func(c *converter, x *value) *value {
		return c.binary(graph.Mul, graph.MulAttr{}, c.base, x, c.unary(graph.Tanh, nil, c.base+"/tanh", c.softplus(x)))
	}),
	"Swish": each(func(c *converter, x *value) *value {
		scaled := c.times(c.base+"/scaled", x, c.node.Float("alpha", 1))
		return c.binary(graph.Mul, graph.MulAttr{}, c.base, x, c.unary(graph.Logistic, nil, c.base+"/sigmoid", scaled))
	}),
})
