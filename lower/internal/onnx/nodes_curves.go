// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

// Functions of one value that the graph has no operator for, by those that it has.
var _ = register(map[string]nodeConverter{
	"ThresholdedRelu": each((*converter).thresholded), "Shrink": each((*converter).shrunk),
	"Tan": each((*converter).tan), "Sinh": each((*converter).sinh), "Cosh": each((*converter).cosh),
	"Asinh": each((*converter).asinh), "Acosh": each((*converter).acosh), "Atanh": each((*converter).atanh),
	"Mod": modNode, "ReduceProd": reduceProdNode,
})

// thresholded is x where it is above alpha, else 0.
func (c *converter) thresholded(x *value) *value {
	above := c.positive(c.plus(c.base+"/by", x, -c.node.Float("alpha", 1)), c.base+"/above")
	return c.binary(graph.Mul, graph.MulAttr{}, c.base, x, above)
}

// shrunk is x+bias below -lambd, x-bias above lambd, and 0 between.
func (c *converter) shrunk(x *value) *value {
	lambda, bias := c.node.Float("lambd", 0.5), c.node.Float("bias", 0)
	if lambda < 0 {
		c.refuse("attribute lambd is %v; expected 0 or more", lambda)
	}
	if bias == lambda { // what is cut off is taken off
		return c.binary(graph.Sub, graph.SubAttr{}, c.base, x, c.limited(x, -lambda, lambda, c.base+"/cut"))
	}
	above := c.positive(c.plus(c.base+"/over", x, -lambda), c.base+"/above")
	under := c.unary(graph.Neg, nil, c.base+"/under", c.plus(c.base+"/minus", x, lambda))
	below := c.positive(under, c.base+"/below")
	kept := c.binary(graph.Add, graph.AddAttr{}, c.base+"/outside", above, below)
	y := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/kept", x, kept)
	if bias == 0 {
		return y
	}
	side := c.binary(graph.Sub, graph.SubAttr{}, c.base+"/side", above, below)
	return c.binary(graph.Sub, graph.SubAttr{}, c.base, y, c.times(c.base+"/bias", side, bias))
}

func (c *converter) tan(x *value) *value {
	return c.binary(graph.Div, graph.DivAttr{}, c.base, c.unary(graph.Sin, nil, c.base+"/sin", x), c.unary(graph.Cos, nil, c.base+"/cos", x))
}

// exponentials are those of x and of -x, halved.
func (c *converter) exponentials(x *value) (up, down *value) {
	up = c.unary(graph.Exp, nil, c.base+"/up", x)
	down = c.unary(graph.Exp, nil, c.base+"/down", c.unary(graph.Neg, nil, c.base+"/neg", x))
	return c.times(c.base+"/half_up", up, 0.5), c.times(c.base+"/half_down", down, 0.5)
}

func (c *converter) sinh(x *value) *value {
	up, down := c.exponentials(x)
	return c.binary(graph.Sub, graph.SubAttr{}, c.base, up, down)
}

func (c *converter) cosh(x *value) *value {
	up, down := c.exponentials(x)
	return c.binary(graph.Add, graph.AddAttr{}, c.base, up, down)
}

// asinh is sign(x)·log(|x| + √(x²+1)), which has no cancellation.
func (c *converter) asinh(x *value) *value {
	root := c.unary(graph.Sqrt, nil, c.base+"/root", c.plus(c.base+"/more", c.squared(x, c.base+"/square"), 1))
	sum := c.binary(graph.Add, graph.AddAttr{}, c.base+"/sum", c.unary(graph.Abs, nil, c.base+"/abs", x), root)
	return c.binary(graph.Mul, graph.MulAttr{}, c.base, c.unary(graph.Log, nil, c.base+"/log", sum), c.sign(x, c.base+"/sign"))
}

// acosh is log(x + √((x-1)(x+1))).
func (c *converter) acosh(x *value) *value {
	product := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/product", c.plus(c.base+"/less", x, -1), c.plus(c.base+"/more", x, 1))
	sum := c.binary(graph.Add, graph.AddAttr{}, c.base+"/sum", x, c.unary(graph.Sqrt, nil, c.base+"/root", product))
	return c.unary(graph.Log, nil, c.base, sum)
}

// atanh is (log(1+x) - log(1-x))/2.
func (c *converter) atanh(x *value) *value {
	more := c.unary(graph.Log, nil, c.base+"/log_more", c.plus(c.base+"/more", x, 1))
	less := c.unary(graph.Log, nil, c.base+"/log_less", c.from(1, x, c.base+"/less"))
	return c.times(c.base, c.binary(graph.Sub, graph.SubAttr{}, c.base+"/twice", more, less), 0.5)
}

// modNode of floats is what a division cuts off: x - y·trunc(x/y).
func modNode(c *converter, in []*value) []*value {
	x, y := c.given(in, 0), c.given(in, 1)
	if x.ints != nil && y.ints != nil {
		return only(c.integer("Mod", x, y))
	}
	if c.node.Int("fmod", 0) == 0 {
		c.refuse("of floats it is defined with attribute fmod alone; set it, or write x - y*Floor(x/y)")
	}
	x, y = c.arg(in, 0), c.arg(in, 1)
	if c.every(y, 0) {
		c.refuse("a division by a constant that is 0")
	}
	ratio := c.binary(graph.Div, graph.DivAttr{}, c.base+"/ratio", x, y)
	whole := c.unary(graph.Floor, nil, c.base+"/floor", c.unary(graph.Abs, nil, c.base+"/abs", ratio))
	whole = c.binary(graph.Mul, graph.MulAttr{}, c.base+"/whole", whole, c.sign(ratio, c.base+"/sign"))
	return only(c.binary(graph.Sub, graph.SubAttr{}, c.base, x, c.binary(graph.Mul, graph.MulAttr{}, c.base+"/times", whole, y)))
}

// maxFactors bounds the elements that are multiplied along a dimension.
const maxFactors = 256

// reduceProdNode multiplies known integers, as code that computes shapes does, and floats
// half by half.
func reduceProdNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	over := c.axesAt(in, 1, v.rank())
	none := len(over) == 0
	if none && c.node.Int("noop_with_empty_axes", 0) != 0 {
		return only(v)
	}
	if v.ints != nil {
		return only(c.integerProduct(v, over))
	}
	v = c.arg(in, 0)
	reduced := map[int]bool{}
	for d := range v.shape {
		if none || over[d] {
			reduced[d] = true
			v = c.multiplied(v, d)
		}
	}
	if c.node.Int("keepdims", 1) == 0 {
		v = c.without(v, reduced)
	}
	return only(v)
}

func (c *converter) integerProduct(v *value, over map[int]bool) *value {
	if v.rank() > 1 || len(over) < v.rank() && len(over) > 0 {
		c.refuse("products of integers are computed of lists alone; cast to float before it")
	}
	out := integers([]int{}, 1)
	for _, x := range v.ints {
		out.ints[0] *= x
	}
	if c.node.Int("keepdims", 1) != 0 && v.rank() == 1 {
		out.shape = []int{1}
	}
	return out
}

// multiplied is the product along a dimension, which keeps one element: of halves, until
// one is left, and what an odd number leaves over.
func (c *converter) multiplied(v *value, d int) *value {
	if n := v.shape[d]; n < 1 || n > maxFactors {
		c.refuse("it multiplies %d elements along dimension %d; expected 1 to %d", n, d, maxFactors)
	}
	part := func(from, count int) *value {
		spans := full(v.shape)
		spans[d] = span{from, 1, count}
		return c.sliced(v, spans, c.base+"/part")
	}
	var odd *value
	for n := v.shape[d]; n > 1; n = v.shape[d] {
		if n%2 != 0 {
			last := part(n-1, 1)
			if odd == nil {
				odd = last
			} else {
				odd = c.binary(graph.Mul, graph.MulAttr{}, c.base+"/odd", odd, last)
			}
		}
		v = c.binary(graph.Mul, graph.MulAttr{}, c.base+"/product", part(0, n/2), part(n/2, n/2))
	}
	if odd != nil {
		v = c.binary(graph.Mul, graph.MulAttr{}, c.base, v, odd)
	}
	return v
}
