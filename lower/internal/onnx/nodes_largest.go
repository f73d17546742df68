// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{"Hardmax": hardmaxNode, "OneHot": oneHotNode})

// hardmaxNode is 1 at the largest element along an axis, of equal ones the first, else 0.
func hardmaxNode(c *converter, in []*value) []*value {
	v, def := c.arg(in, 0), int64(-1)
	if c.m.Opset < 13 {
		def = 1
	}
	a := c.axis(whole(c.node.Int("axis", def)), v.rank())
	if c.m.Opset < 13 && graph.Elems(v.shape[a:]) != v.shape[a] {
		rows := c.reshaped(v, []int{graph.Elems(v.shape[:a]), graph.Elems(v.shape[a:])})
		return only(c.reshaped(c.hardmax(rows, 1), v.shape))
	}
	return only(c.hardmax(v, a))
}

func (c *converter) hardmax(v *value, a int) *value {
	n := v.shape[a]
	if n > maxRunning {
		c.refuse("it looks for the largest of %d elements; expected at most %d", n, maxRunning)
	}
	top := c.reduced(graph.ReduceMax, v, map[int]bool{a: true}, true, c.base+"/top")
	below := c.sign(c.binary(graph.Sub, graph.SubAttr{}, c.base+"/below", v, top), c.base+"/sign")
	largest := c.ranged(c.plus(c.base+"/largest", below, 1), 0, 1)
	return c.binary(graph.Mul, graph.MulAttr{}, c.base, largest, c.unary(graph.Relu, nil, c.base+"/first", c.from(1, c.running(largest, a, 1, false, c.base+"/before"), c.base+"/none")))
}

// oneHotNode of known indices is known.
func oneHotNode(c *converter, in []*value) []*value {
	idx, values := c.given(in, 0), c.given(in, 2)
	depth, ok := c.number(c.given(in, 1))
	if !ok || depth < 1 || depth > maxPicked || depth != float32(int(depth)) {
		c.refuse("its depth is no whole number of at least 1, or computed at run time")
	}
	if idx.ints == nil {
		c.refuse("its indices are computed at run time, and values that are computed are real numbers here; feed the zeros and ones in their place")
	}
	if !c.known(values) || values.elems() != 2 {
		c.refuse("its values have shape %v, expected two known ones", values.shape)
	}
	n, rank := int(depth), idx.rank()+1
	a := c.axis(whole(c.node.Int("axis", -1)), rank)
	shape := append(append(append([]int{}, idx.shape[:a]...), n), idx.shape[a:]...)
	own := strides(idx.shape)
	return only(c.pick(values, shape, func(index []int) int {
		at, d := 0, 0
		for i, x := range index {
			if i != a {
				at += x * own[d]
				d++
			}
		}
		k := idx.ints[at]
		if k < 0 {
			k += int64(n)
		}
		return int(truth(k == int64(index[a])))
	}))
}
