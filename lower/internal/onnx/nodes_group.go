// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{"GroupNormalization": groupNormNode, "RMSNormalization": rmsNormNode})

// groupNormNode normalizes groups of channels. Scale and bias are numbers for each group
// in opset 18, for each channel from 21 on.
func groupNormNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	groups := whole(c.node.Int("num_groups", 0))
	if v.rank() < 3 || v.shape[0] != 1 || groups < 1 || v.shape[1]%groups != 0 {
		c.refuse("input of shape %v in %d groups: expected a batch of 1 and channels that the groups divide", v.shape, groups)
	}
	perChannel := c.m.Opset >= 21
	parts := c.reshaped(v, []int{1, groups, v.elems() / groups})
	y, _, _ := c.normalized(parts, map[int]bool{2: true}, c.node.Float("epsilon", 1e-5))
	if perChannel {
		y = c.reshaped(y, v.shape)
	}
	scale, bias := c.channel(in, 1, y), c.channel(in, 2, y)
	y = c.binary(graph.Add, graph.AddAttr{}, c.base+"/shifted", c.binary(graph.Mul, graph.MulAttr{}, c.base+"/scaled", y, scale), bias)
	return only(c.reshaped(y, v.shape))
}

func rmsNormNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	over := map[int]bool{}
	for d := c.axis(whole(c.node.Int("axis", -1)), v.rank()); d < v.rank(); d++ {
		over[d] = true
	}
	mean := c.reduced(graph.Mean, c.squared(v, c.base+"/square"), over, true, c.base+"/mean")
	inverse := c.unary(graph.Rsqrt, nil, c.base+"/inverse", c.plus(c.base+"/positive", mean, c.node.Float("epsilon", 1e-5)))
	y := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/normalized", v, inverse)
	return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, y, c.arg(in, 1)))
}
