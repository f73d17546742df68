// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"CumSum": cumSumNode, "Trilu": triluNode})

// maxRunning bounds the elements that are added up along a dimension: the matrix has
// their square.
const maxRunning = 2048

// cumSumNode is a product with a triangle of ones.
func cumSumNode(c *converter, in []*value) []*value {
	v, at := c.given(in, 0), c.given(in, 1)
	if len(at.ints) != 1 {
		c.refuse("its axis is computed at run time")
	}
	a := c.axis(whole(at.ints[0]), v.rank())
	n := v.shape[a]
	if n > maxRunning {
		c.refuse("it adds up %d elements; expected at most %d", n, maxRunning)
	}
	least, backward := whole(c.node.Int("exclusive", 0)), c.node.Int("reverse", 0) != 0
	if v.ints != nil {
		if v.rank() != 1 {
			c.refuse("it adds up integers of %d dimensions; cast to float before it", v.rank())
		}
		out := &value{typ: v.typ, shape: v.shape, ints: make([]int64, n)}
		for to := range n {
			for from := range n {
				if summed(to, from, least, backward) {
					out.ints[to] += v.ints[from]
				}
			}
		}
		return only(out)
	}
	return only(c.running(v, a, least, backward, c.base))
}

// running adds up along a dimension: the elements that are at least so many before the
// place, or behind it.
func (c *converter) running(v *value, a, least int, backward bool, name string) *value {
	n := v.shape[a]
	triangle := make([]float32, n*n)
	for to := range n {
		for from := range n {
			if summed(to, from, least, backward) {
				triangle[to*n+from] = 1
			}
		}
	}
	whole := v.shape
	if v.rank() == 1 {
		v = c.reshaped(v, []int{1, n})
		a = 1
	}
	order := last(v, a)
	x := c.as(v, order)
	sum := c.shaped(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: v.rank() != 2}, name, c.shapeOf(x), x, c.floats(name+"/triangle", triangle, n, n), graph.None)
	got := c.stored(sum, order)
	if sameShape(got.shape, whole) {
		return got
	}
	return c.reshaped(got, whole)
}

// summed reports whether the element at from is in the sum at to.
func summed(to, from, least int, backward bool) bool {
	if backward {
		return from-to >= least
	}
	return to-from >= least
}

// triluNode keeps a triangle of the last two dimensions.
func triluNode(c *converter, in []*value) []*value {
	v, k := c.given(in, 0), 0
	if v.rank() < 2 {
		c.refuse("input of shape %v has no two dimensions", v.shape)
	}
	if at := opt(in, 1); at != nil {
		if len(at.ints) != 1 {
			c.refuse("its diagonal is computed at run time")
		}
		k = int(max(min(at.ints[0], MaxElements), -MaxElements))
	}
	upper := c.node.Int("upper", 1) != 0
	rows, columns := v.shape[v.rank()-2], v.shape[v.rank()-1]
	kept := make([]float32, rows*columns)
	for i := range rows {
		for j := range columns {
			if upper && j-i >= k || !upper && j-i <= k {
				kept[i*columns+j] = 1
			}
		}
	}
	if v.ints != nil {
		out := &value{typ: v.typ, shape: v.shape, ints: slices.Clone(v.ints)}
		for i := range out.ints {
			if kept[i%len(kept)] == 0 {
				out.ints[i] = 0
			}
		}
		return only(out)
	}
	if x, ok := c.constant(v); ok && v.order == nil { // perhaps infinities, which times 0 are no number
		for i := range x {
			if kept[i%len(kept)] == 0 {
				x[i] = 0
			}
		}
		return only(c.stored(c.floats(c.base, x, v.shape...), nil))
	}
	mask := c.stored(c.floats(c.base+"/kept", kept, rows, columns), nil)
	return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, v, mask))
}
