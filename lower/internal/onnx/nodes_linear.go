// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

var _ = register(map[string]nodeConverter{"MatMul": matMulNode, "Gemm": gemmNode})

// weighted multiplies the last dimension of a value with constant weights
// [outputs, inputs], in whatever order the others are.
func (c *converter) weighted(v *value, weights graph.TensorID, bias graph.TensorID, name string) *value {
	order := last(v, v.rank()-1)
	x := c.as(v, order)
	shape := append([]int{}, c.shapeOf(x)...)
	shape[len(shape)-1] = c.shapeOf(weights)[0]
	return c.stored(c.shaped(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: len(shape) != 2}, name, shape, x, weights, bias), order)
}

// swapped exchanges the last two dimensions.
func (c *converter) swapped(v *value) *value {
	perm := inPlace(v.rank())
	n := len(perm)
	perm[n-1], perm[n-2] = n-2, n-1
	return c.permuted(v, perm)
}

func matMulNode(c *converter, in []*value) []*value {
	a, b := c.arg(in, 0), c.arg(in, 1)
	if a.rank() == 0 || b.rank() == 0 {
		c.refuse("an operand is a single number; use Mul")
	}
	// Vectors become matrices, and their dimension goes at the end.
	row, column := a.rank() == 1, b.rank() == 1
	if row {
		a = c.with(a, map[int]bool{0: true})
	}
	if column {
		b = c.with(b, map[int]bool{1: true})
	}
	if a.shape[a.rank()-1] != b.shape[b.rank()-2] {
		c.refuse("shapes %v and %v do not fit", a.shape, b.shape)
	}
	y := c.product(a, b)
	drop := map[int]bool{}
	if row {
		drop[y.rank()-2] = true
	}
	if column {
		drop[y.rank()-1] = true
	}
	if len(drop) > 0 {
		y = c.without(y, drop)
	}
	return only(y)
}

// product multiplies matrices, of which the leading dimensions are broadcast.
func (c *converter) product(a, b *value) *value {
	if n := graph.Elems(b.shape[:b.rank()-2]); c.known(b) && n == 1 && a.rank() >= b.rank() {
		w := c.reshaped(b, b.shape[b.rank()-2:])
		return c.weighted(a, c.plain(c.swapped(w)), graph.None, c.base)
	}
	if n := graph.Elems(a.shape[:a.rank()-2]); c.known(a) && n == 1 && b.rank() >= a.rank() { // (b'a')'
		w := c.reshaped(a, a.shape[a.rank()-2:])
		return c.swapped(c.weighted(c.swapped(b), c.plain(w), graph.None, c.base))
	}
	return c.stored(c.op(graph.BatchMatMul, graph.BatchMatMulAttr{}, c.base, c.plain(a), c.plain(b)), nil)
}

func gemmNode(c *converter, in []*value) []*value {
	a, b := c.arg(in, 0), c.arg(in, 1)
	if a.rank() != 2 || b.rank() != 2 {
		c.refuse("shapes %v and %v, expected matrices", a.shape, b.shape)
	}
	if c.node.Int("transA", 0) != 0 {
		a = c.swapped(a)
	}
	if c.node.Int("transB", 0) != 0 {
		b = c.swapped(b)
	}
	if a.shape[1] != b.shape[0] {
		c.refuse("shapes %v and %v do not fit", a.shape, b.shape)
	}
	alpha, beta := c.node.Float("alpha", 1), c.node.Float("beta", 1)
	if c.known(b) {
		b, alpha = c.times(c.base+"/weights", b, alpha), 1
	}
	bias := opt(in, 2)
	if bias != nil && beta == 0 {
		bias = nil
	}
	if bias != nil {
		if s, err := graph.Broadcast(bias.shape, []int{a.shape[0], b.shape[1]}); err != nil || graph.Elems(s) != a.shape[0]*b.shape[1] {
			c.refuse("C of shape %v does not fit [%d %d]", bias.shape, a.shape[0], b.shape[1])
		}
		bias = c.times(c.base+"/bias", c.arg(in, 2), beta)
	}
	if bias != nil && alpha == 1 && c.known(b) && c.known(bias) && (bias.elems() == 1 || bias.elems() == b.shape[1] && bias.shape[bias.rank()-1] == b.shape[1]) {
		f, row := c.constantOf(bias), make([]float32, b.shape[1])
		for i := range row {
			row[i] = f[i%len(f)]
		}
		return only(c.weighted(a, c.plain(c.swapped(b)), c.floats(c.base+"/bias", row, len(row)), c.base))
	}
	y := c.times(c.base+"/scaled", c.product(a, b), alpha)
	if bias != nil {
		y = c.binary(graph.Add, graph.AddAttr{}, c.base, y, bias)
	}
	return only(y)
}
