// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{
	"QuantizeLinear": quantizeNode, "DequantizeLinear": dequantizeNode, "DynamicQuantizeLinear": dynamicQuantizeNode,
	microsoft + ".QuantizeLinear": quantizeNode, microsoft + ".DequantizeLinear": dequantizeNode,
	"QLinearConv": qlinearConvNode, "QLinearMatMul": qlinearMatMulNode, "MatMulInteger": matMulIntegerNode, "ConvInteger": convIntegerNode,
})

func quantizeNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	c.real(v, "its input")
	t := DataType(c.node.Int("output_dtype", 0))
	zero := opt(in, 2)
	switch {
	case zero != nil && t != 0 && t != zero.typ:
		c.refuse("attribute output_dtype is %v, and the zero point %v", t, zero.typ)
	case zero != nil:
		t = zero.typ
	case t == 0:
		t = Uint8
	}
	q := c.grid(opt(in, 1), zero, v.rank(), whole(c.node.Int("axis", 1)))
	return only(c.quantize(v, q, t, c.blockSize(), in[1].shape...))
}

func dequantizeNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	q := c.grid(opt(in, 1), opt(in, 2), v.rank(), whole(c.node.Int("axis", 1)))
	return only(c.dequantize(v, q, c.blockSize(), in[1].shape...))
}

// dynamicQuantizeNode chooses a scale for what it is given, so that nothing is cut: the
// integers are the real numbers over a scale that cancels out.
func dynamicQuantizeNode(c *converter, in []*value) []*value {
	v := c.arg(in, 0)
	c.real(v, "its input")
	if c.known(v) {
		c.refuse("its input is constant; fold it into the weights")
	}
	w, from := *v, c.base
	w.typ, w.quant = Uint8, &quantized{from: from}
	return []*value{&w,
		{typ: Float, shape: []int{}, id: c.scalar(c.base+"/scale", 1), units: units{from: 1}},
		{typ: Uint8, shape: []int{}, id: graph.None, zeroOf: from},
	}
}

// at returns three inputs as integers and what they stand for, axis for the channels.
func (c *converter) at(in []*value, i, axis int) *value {
	v := c.given(in, i)
	return c.dequantize(v, c.grid(opt(in, i+1), opt(in, i+2), v.rank(), axis), 0)
}

// to gives real numbers as integers with the scale and zero point at input i.
func (c *converter) to(in []*value, i int, y *value) *value {
	t := Uint8
	if zero := opt(in, i+1); zero != nil {
		t = zero.typ
	}
	return c.quantize(y, c.grid(opt(in, i), opt(in, i+1), y.rank(), 1), t, 0)
}

// product runs the converter of a float operator under another name, so that the cut
// behind it has the node's.
func (c *converter) inner(f nodeConverter, in ...*value) *value {
	base := c.base
	c.base += "/real"
	defer func() { c.base = base }()
	return f(c, in)[0]
}

// integerBias returns an int32 bias, whose scale is that of input times weights.
func (c *converter) integerBias(v *value, x, w *value) *value {
	if v == nil {
		return nil
	}
	if v.ints == nil {
		c.refuse("the bias is computed at run time")
	}
	sx, okx := c.number(x)
	sw, okw := c.constant(w)
	if !okx || !okw || x.special() {
		c.refuse("a scale is computed at run time; expected constants")
	}
	q := &quantized{scale: make([]float32, len(sw)), zero: make([]int64, len(sw))}
	for i, s := range sw {
		q.scale[i] = sx * s
	}
	return c.restored(v, q, 0)
}

func qlinearConvNode(c *converter, in []*value) []*value {
	for len(in) < 9 {
		in = append(in, nil)
	}
	x, w := c.at(in, 0, 1), c.at(in, 3, 0)
	return only(c.to(in, 6, c.inner(convNode, x, w, c.integerBias(in[8], c.given(in, 1), c.given(in, 4)))))
}

func qlinearMatMulNode(c *converter, in []*value) []*value {
	rank := func(i int) int { return c.given(in, i).rank() }
	a := c.at(in, 0, rank(0)-2) // a scale for every row
	b := c.at(in, 3, rank(3)-1) // for every column
	return only(c.to(in, 6, c.inner(matMulNode, a, b)))
}

// less returns integers without their zero point, as real numbers with units, and the
// scale that they were divided by.
func (c *converter) less(in []*value, i, zero, axis int) (*value, float32) {
	v, z := c.given(in, i), opt(in, zero)
	switch {
	case v.ints != nil:
		q := &quantized{scale: []float32{1}, zero: []int64{0}}
		if z != nil {
			if len(z.ints) == 0 || z.special() {
				c.refuse("the zero point of constants is computed at run time")
			}
			if q.zero = z.ints; len(z.ints) > 1 {
				q.axis = c.axis(axis, v.rank())
				q.scale = make([]float32, len(z.ints))
				for k := range q.scale {
					q.scale[k] = 1
				}
			}
		}
		return c.restored(v, q, 0), 1
	case v.quant == nil:
		c.refuse("input %d is no integers", i)
	}
	w := *v
	w.typ, w.quant = Float, nil
	if v.quant.from != "" {
		if z == nil || z.zeroOf != v.quant.from {
			c.refuse("the zero point of input %d is not the one that DynamicQuantizeLinear gave", i)
		}
		w.units = w.units.times(units{v.quant.from: -1})
		return &w, 1
	}
	if z == nil {
		z = &value{ints: []int64{0}}
	}
	if !v.quant.one() || len(z.ints) != 1 || z.ints[0] != v.quant.zero[0] {
		c.refuse("the zero point of input %d is not the one that it was quantized with", i)
	}
	return &w, v.quant.scale[0]
}

// wide gives a product of integers as integers: the real numbers over the scales.
func (c *converter) wide(y *value, u units, scale float32) *value {
	w := *y
	w.typ, w.quant, w.units = Int32, &quantized{scale: []float32{scale}, zero: []int64{0}}, u
	return &w
}

// bare takes the units off, which the caller puts back.
func bare(v *value) *value {
	w := *v
	w.units = nil
	return &w
}

func matMulIntegerNode(c *converter, in []*value) []*value {
	a, sa := c.less(in, 0, 2, c.given(in, 0).rank()-2)
	b, sb := c.less(in, 1, 3, c.given(in, 1).rank()-1)
	y := matMulNode(c, []*value{bare(a), bare(b)})[0]
	return only(c.wide(y, a.units.times(b.units), sa*sb))
}

func convIntegerNode(c *converter, in []*value) []*value {
	x, sx := c.less(in, 0, 2, 1)
	w, sw := c.less(in, 1, 3, 0)
	y := convNode(c, []*value{bare(x), bare(w)})[0]
	return only(c.wide(y, x.units.times(w.units), sx*sw))
}

// castSpecial converts the integers of a quantized model.
func (c *converter) castSpecial(v *value, to DataType) *value {
	w := *v
	switch {
	case v.zeroOf != "":
		if to.IsFloat() {
			c.refuse("it computes with a zero point that is known at run time alone")
		}
		w.typ = to
	case v.quant == nil && !to.IsFloat():
		c.refuse("attribute to is %v: a product of integers whose scale is known at run time alone stays float; multiply it with its scale first", to)
	case v.quant == nil, !to.IsFloat(): // wider, as long as the range is held
		if v.quant != nil {
			lo, hi := c.integersOf(v.typ)
			if l, h := c.integersOf(to); l > lo || h < hi {
				c.refuse("it makes %v of %v, which does not hold all of them", to, v.typ)
			}
		}
		w.typ = to
	case !v.quant.one():
		c.refuse("it computes with integers whose scale is known at run time alone, or that have one for every channel; put DequantizeLinear before it")
	default:
		w.typ, w.quant = Float, nil
		y := c.times(c.base+"/integers", bare(&w), 1/v.quant.scale[0])
		w = *c.plus(c.base, y, float32(v.quant.zero[0]))
		w.units = v.units
	}
	return &w
}

// blockSize is how many elements share a scale, 0 for all.
func (c *converter) blockSize() int {
	n := c.node.Int("block_size", 0)
	if n < 0 || n > math.MaxInt32 {
		c.refuse("block_size is %d, expected a number of elements, or 0", n)
	}
	return int(n)
}
