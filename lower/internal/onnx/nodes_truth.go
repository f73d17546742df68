// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{
	"Greater": compareNode, "GreaterOrEqual": compareNode, "Less": compareNode, "LessOrEqual": compareNode, "Equal": compareNode,
	"And": logicNode, "Or": logicNode, "Xor": logicNode, "Not": notNode, "Where": whereNode,
	"IsNaN": numbersNode, "IsInf": numbersNode,
})

// Truth values that are computed are the real numbers 0 and 1, of type Bool.

// computedTruth reports whether a value is one of those.
func (v *value) computedTruth() bool { return v.typ == Bool && v.ints == nil }

// keepsTruths are operators besides those of moving that give truth values where they are
// fed with some.
var keepsTruths = map[string]bool{"Trilu": true, "ReverseSequence": true}

// asTruth gives a value of zeros and ones the type.
func asTruth(v *value) *value {
	w := *v
	w.typ = Bool
	return &w
}

// ranged keeps quantization from giving a value less room than what it can be, whatever
// was seen of it.
func (c *converter) ranged(v *value, lo, hi float32) *value {
	if !c.known(v) {
		if c.ranges == nil {
			c.ranges = map[graph.TensorID][2]float32{}
		}
		c.ranges[v.id] = [2]float32{lo, hi}
	}
	return v
}

// sign is -1, 0 or 1.
func (c *converter) sign(x *value, name string) *value {
	return c.ranged(c.unary(graph.Sign, nil, name, x), -1, 1)
}

// positive is 1 where x is above 0, else 0.
func (c *converter) positive(x *value, name string) *value {
	return c.ranged(c.unary(graph.Relu, nil, name, c.sign(x, name+"/sign")), 0, 1)
}

// nonzero is 1 where x is not 0, else 0.
func (c *converter) nonzero(x *value, name string) *value {
	return c.ranged(c.unary(graph.Abs, nil, name, c.sign(x, name+"/sign")), 0, 1)
}

// inverse is 1 - x.
func (c *converter) inverse(x *value, name string) *value {
	return c.ranged(c.from(1, x, name), 0, 1)
}

// from is number - x.
func (c *converter) from(number float32, x *value, name string) *value {
	return c.stored(c.op(graph.Sub, graph.SubAttr{}, name, c.scalar(name+"/from", number), x.id), x.order)
}

// difference is a - b.
func (c *converter) difference(a, b *value, name string) *value {
	if f, ok := c.number(b); ok && b.rank() <= a.rank() {
		return c.plus(name, a, -f)
	}
	return c.binary(graph.Sub, graph.SubAttr{}, name, a, b)
}

// compareNode compares what is known at once. Of computed values it takes the sign of
// their difference.
func compareNode(c *converter, in []*value) []*value {
	a, b := c.given(in, 0), c.given(in, 1)
	if c.known(a) && c.known(b) {
		return only(c.compared(a, b))
	}
	if a.typ == Bool || b.typ == Bool {
		if c.node.Op != "Equal" || a.typ != b.typ {
			c.refuse("it compares %v with %v", a.typ, b.typ)
		}
		return only(asTruth(c.inverse(c.unlike(c.truth(a), c.truth(b)), c.base)))
	}
	if a.ints != nil || b.ints != nil {
		c.refuse("it compares integers with floats")
	}
	for _, v := range []*value{a, b} {
		if f, ok := c.constant(v); ok {
			for _, x := range f {
				if x-x != 0 {
					c.refuse("it compares a computed value with %v; compare with the largest number that occurs", x)
				}
			}
		}
	}
	by := c.base + "/by"
	switch c.node.Op {
	case "Greater":
		return only(asTruth(c.positive(c.difference(a, b, by), c.base)))
	case "Less":
		return only(asTruth(c.positive(c.difference(b, a, by), c.base)))
	case "GreaterOrEqual":
		return only(asTruth(c.inverse(c.positive(c.difference(b, a, by), c.base+"/less"), c.base)))
	case "LessOrEqual":
		return only(asTruth(c.inverse(c.positive(c.difference(a, b, by), c.base+"/greater"), c.base)))
	}
	return only(asTruth(c.inverse(c.nonzero(c.difference(a, b, by), c.base+"/differs"), c.base)))
}

// truth returns truth values, known or not, as zeros and ones.
func (c *converter) truth(v *value) *value {
	if v.typ != Bool {
		c.refuse("an input is %v, expected truth values", v.typ)
	}
	if v.ints != nil {
		return c.toFloat(v)
	}
	w := *v
	w.typ = Float
	return &w
}

// unlike is 1 where one of two truth values is.
func (c *converter) unlike(a, b *value) *value {
	return c.ranged(c.unary(graph.Abs, nil, c.base+"/unlike", c.difference(a, b, c.base+"/by")), 0, 1)
}

func logicNode(c *converter, in []*value) []*value {
	a, b := c.given(in, 0), c.given(in, 1)
	if a.ints != nil && b.ints != nil {
		return only(c.integer(c.node.Op, a, b))
	}
	a, b = c.truth(a), c.truth(b)
	switch c.node.Op {
	case "And":
		return only(asTruth(c.ranged(c.binary(graph.Mul, graph.MulAttr{}, c.base, a, b), 0, 1)))
	case "Or":
		return only(asTruth(c.ranged(c.binary(graph.Maximum, nil, c.base, a, b), 0, 1)))
	}
	return only(asTruth(c.unlike(a, b)))
}

func notNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	if v.ints == nil {
		return only(asTruth(c.inverse(c.truth(v), c.base)))
	}
	out := &value{typ: Bool, shape: v.shape, ints: make([]int64, len(v.ints))}
	for i, x := range v.ints {
		out.ints[i] = truth(x == 0)
	}
	return only(out)
}

// numbersNode is IsNaN or IsInf. A network of integers has neither.
func numbersNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	out := &value{typ: Bool, shape: v.shape, ints: make([]int64, v.elems())}
	f, ok := c.constant(v)
	if !ok {
		const all = "computed values are numbers: IsNaN and IsInf are false everywhere"
		if len(c.res.Assumed) == 0 || c.res.Assumed[len(c.res.Assumed)-1] != all {
			c.res.Assumed = append(c.res.Assumed, all)
		}
		return only(out)
	}
	low, high := c.node.Int("detect_negative", 1) != 0, c.node.Int("detect_positive", 1) != 0
	for i, x := range f {
		if c.node.Op == "IsNaN" {
			out.ints[i] = truth(x != x)
		} else {
			out.ints[i] = truth(low && math.IsInf(float64(x), -1) || high && math.IsInf(float64(x), 1))
		}
	}
	return only(out)
}

// whereNode chooses: whole values by a condition that is known, or the same everywhere,
// else elements.
func whereNode(c *converter, in []*value) []*value {
	cond, x, y := c.given(in, 0), c.given(in, 1), c.given(in, 2)
	shape, err := graph.Broadcast(cond.shape, x.shape)
	if err == nil {
		shape, err = graph.Broadcast(shape, y.shape)
	}
	if err != nil {
		c.refuse("%v", err)
	}
	if x.typ != y.typ && (x.typ == Bool || y.typ == Bool) {
		c.refuse("it chooses between %v and %v", x.typ, y.typ)
	}
	isTruth := x.typ == Bool && y.typ == Bool && (x.ints == nil || y.ints == nil || cond.ints == nil)
	if isTruth {
		x, y = c.truth(x), c.truth(y)
	}
	var got *value
	switch {
	case cond.ints != nil:
		got = c.chosen(cond, x, y, shape)
	case cond.typ != Bool:
		c.refuse("its condition is %v, expected truth values", cond.typ)
	case x.ints != nil || y.ints != nil:
		c.refuse("it chooses between integers by values that are computed at run time; let it choose between floats")
	default:
		got = c.mixed(c.truth(cond), x, y)
	}
	if isTruth {
		got = asTruth(got)
	}
	return only(got)
}

// addsUp reports whether high is what high-low and low add up to, but for the rounding of
// numbers of like size: a small one beside a large one is lost.
func addsUp(low, high float32) bool {
	d := float64(float32(high-low)+low) - float64(high)
	return math.Abs(d) <= 1e-6*math.Abs(float64(high))
}

// mixed is x where m is 1 and y where it is 0: finite values are not changed.
func (c *converter) mixed(m, x, y *value) *value {
	for _, v := range []*value{x, y} {
		if f, ok := c.constant(v); ok {
			for _, e := range f {
				if e-e != 0 {
					c.refuse("it may choose %v, and the choice is a sum of both values, each times 0 or 1; a number that is large enough will do, as -1e4 in front of a Softmax", e)
				}
			}
		}
	}
	c.res.Choices = append(c.res.Choices, c.node.Out(0))
	low, oneLow := c.number(y)
	high, oneHigh := c.number(x)
	switch {
	case oneLow && oneHigh && x.rank() <= m.rank() && y.rank() <= m.rank() && addsUp(low, high):
		return c.plus(c.base, c.times(c.base+"/chosen", m, high-low), low)
	case oneLow && low == 0 && y.rank() <= max(m.rank(), x.rank()):
		return c.binary(graph.Mul, graph.MulAttr{}, c.base, x, m)
	case oneHigh && high == 0 && x.rank() <= max(m.rank(), y.rank()):
		return c.binary(graph.Mul, graph.MulAttr{}, c.base, y, c.inverse(m, c.base+"/not"))
	}
	left := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/chosen", x, m)
	right := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/other", y, c.inverse(m, c.base+"/not"))
	return c.binary(graph.Add, graph.AddAttr{}, c.base, left, right)
}
