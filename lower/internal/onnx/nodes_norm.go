// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{
	"LpNormalization": lpNormalizationNode, "GlobalLpPool": globalLpPoolNode, "MeanVarianceNormalization": meanVarianceNode,
	"CastLike": castLikeNode, "EyeLike": eyeLikeNode,
})

// norm is the sum of magnitudes (p 1), or the root of that of squares (p 2), along
// dimensions.
func (c *converter) norm(x *value, p int64, over map[int]bool, name string) *value {
	switch p {
	case 1:
		return c.reduced(graph.Sum, c.unary(graph.Abs, nil, name+"/elements", x), over, true, name)
	case 2:
		return c.unary(graph.Sqrt, nil, name, c.reduced(graph.Sum, c.squared(x, name+"/elements"), over, true, name+"/sum"))
	}
	c.refuse("attribute p is %d; expected 1 or 2", p)
	return nil
}

func lpNormalizationNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	over := map[int]bool{c.axis(whole(c.node.Int("axis", -1)), x.rank()): true}
	// What is added keeps 0/0 out, of which the result is 0, and is nothing beside other sums:
	// it is the square of 3e-19, and a float32 that is not denormal.
	const tiny = 1e-37
	if c.node.Int("p", 2) == 2 {
		sum := c.reduced(graph.Sum, c.squared(x, c.base+"/elements"), over, true, c.base+"/sum")
		inverse := c.unary(graph.Rsqrt, nil, c.base+"/inverse", c.plus(c.base+"/some", sum, tiny))
		return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, x, inverse))
	}
	sum := c.plus(c.base+"/some", c.norm(x, c.node.Int("p", 2), over, c.base+"/norm"), tiny)
	return only(c.binary(graph.Div, graph.DivAttr{}, c.base, x, sum))
}

func globalLpPoolNode(c *converter, in []*value) []*value {
	x := c.arg(in, 0)
	over := map[int]bool{}
	for d := 2; d < x.rank(); d++ {
		over[d] = true
	}
	if len(over) == 0 {
		c.refuse("its input has shape %v, expected [N,C,…]", x.shape)
	}
	return only(c.norm(x, c.node.Int("p", 2), over, c.base))
}

// meanVarianceNode takes the mean off and divides by the deviation and 1e-9.
func meanVarianceNode(c *converter, in []*value) []*value {
	x, over := c.arg(in, 0), map[int]bool{}
	axes := c.listAt(nil, -1, "axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	for _, a := range axes {
		over[c.axis(a, x.rank())] = true
	}
	mean := c.reduced(graph.Mean, x, over, true, c.base+"/mean")
	off := c.binary(graph.Sub, graph.SubAttr{}, c.base+"/centered", x, mean)
	variance := c.reduced(graph.Mean, c.squared(off, c.base+"/squares"), over, true, c.base+"/variance")
	inverse := c.unary(graph.Rsqrt, nil, c.base+"/inverse", c.plus(c.base+"/kept", variance, float32(math.Pow(1e-9, 2))))
	return only(c.binary(graph.Mul, graph.MulAttr{}, c.base, off, inverse))
}

func castLikeNode(c *converter, in []*value) []*value {
	like := c.given(in, 1)
	c.real(like, "what it takes the type of")
	n := c.node
	own := *n
	own.Attrs = map[string]*Attr{"to": {Int: int64(like.typ)}}
	c.node = &own
	defer func() { c.node = n }()
	return castNode(c, in[:1])
}

func eyeLikeNode(c *converter, in []*value) []*value {
	v, k := c.given(in, 0), whole(c.node.Int("k", 0))
	t := DataType(c.node.Int("dtype", int64(v.typ)))
	if t.Size() == 0 {
		c.refuse("attribute dtype is %v, which is not computed with", t)
	}
	n := v.elems()
	if v.rank() != 2 || n > maxPicked {
		c.refuse("its input has shape %v, expected a matrix", v.shape)
	}
	ones := make([]int64, n)
	for i := range ones {
		ones[i] = truth(i%v.shape[1]-i/v.shape[1] == k)
	}
	out := &value{typ: t, shape: v.shape, ints: ones}
	if t.IsFloat() {
		return only(c.toFloat(out))
	}
	return only(out)
}
