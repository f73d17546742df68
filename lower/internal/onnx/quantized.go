// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// A quantized model is read as the network of real numbers that it stands for: integers
// are values of real numbers that are not rounded, but cut where the type ends, which is
// what takes the place of a ReLU in such a model. Integers that are known are what they
// are, rounding included.

// quantized says that a value has integers; its tensor holds the real numbers
// (integer - zero) * scale.
type quantized struct {
	scale []float32 // one, or one for every element along axis
	zero  []int64   // likewise
	axis  int
	from  string // the DynamicQuantizeLinear that chose scale and zero point, which nobody knows before
}

// one reports whether one scale holds for all elements.
func (q *quantized) one() bool { return len(q.scale) == 1 && q.from == "" }

func (q *quantized) same(o *quantized) bool {
	return o != nil && q.from == o.from && slices.Equal(q.scale, o.scale) && slices.Equal(q.zero, o.zero) && (q.one() || q.from != "" || q.axis == o.axis)
}

// units are powers of scales that are known at run time alone: the value is the tensor
// times them.
type units map[string]int

func (u units) times(o units) units {
	out := maps.Clone(u)
	for name, n := range o {
		if out == nil {
			out = units{}
		}
		if out[name] += n; out[name] == 0 {
			delete(out, name)
		}
	}
	return out
}

// special reports whether a value is no real number and no known integer.
func (v *value) special() bool {
	return v != nil && (v.quant != nil || v.zeroOf != "" || len(v.units) > 0)
}

// moving are operators that give elements of their inputs as they are, and how many
// inputs hold such elements; -1 is all.
var moving = map[string]int{
	"Identity": 1, "Reshape": 1, "Flatten": 1, "Squeeze": 1, "Unsqueeze": 1, "Transpose": 1, "Split": 1, "Slice": 1, "Expand": 1, "Tile": 1,
	"Gather": 1, "DepthToSpace": 1, "SpaceToDepth": 1, "Concat": -1, "MaxPool": 1, "GlobalMaxPool": 1, "ReduceMax": 1, "ReduceMin": 1, "Max": -1, "Min": -1,
	"GatherElements": 1, "GatherND": 1,
}

// takesSpecial are operators that know what integers stand for, and of how many of their
// first inputs they do.
var takesSpecial = map[string]int{
	"QuantizeLinear": 3, "DequantizeLinear": 3, "QLinearConv": 8, "QLinearMatMul": 8, "MatMulInteger": 4, "ConvInteger": 4, "Cast": 1,
	"Mul": 2, "Shape": 1, "Size": 1,
}

// moved runs a converter on integers that it only moves; ok is false where the
// operator is another one, or there are none.
func (c *converter) moved(op string, in []*value, f nodeConverter) (outs []*value, ok bool) {
	n, known := moving[op]
	if !known {
		return nil, false
	}
	if n < 0 {
		n = len(in)
	}
	var first *value
	for _, v := range in[:min(n, len(in))] {
		if v.special() && first == nil {
			first = v
		}
	}
	if first == nil {
		return nil, false
	}
	if q := first.quant; q != nil && !q.one() && q.from == "" && op != "Identity" {
		c.refuse("it moves integers that have a scale for every channel; dequantize before it")
	}
	real := slices.Clone(in)
	for i, v := range in {
		switch {
		case i >= n || v == nil:
			if v.special() {
				c.refuse("input %d is a computed integer; expected a constant", i)
			}
		case first.quant != nil && v.ints != nil && first.quant.from == "":
			real[i] = c.restored(v, first.quant, 0)
		case first.quant == nil && v.quant != nil, first.quant != nil && !first.quant.same(v.quant), v.zeroOf != first.zeroOf, !maps.Equal(v.units, first.units):
			c.refuse("inputs with different scales; requantize them to one")
		default:
			w := *v
			w.quant, w.units, w.zeroOf = nil, nil, ""
			real[i] = &w
		}
	}
	if first.zeroOf != "" {
		c.refuse("it moves a zero point that is known at run time alone; let DequantizeLinear, MatMulInteger or ConvInteger read it")
	}
	outs = f(c, real)
	for i, v := range outs {
		if v == nil || v.ints != nil {
			continue
		}
		w := *v
		w.typ, w.quant, w.units = first.typ, first.quant, first.units
		outs[i] = &w
	}
	return outs, true
}

// real refuses what stands for real numbers without being any.
func (c *converter) real(v *value, what string) {
	if v.special() {
		c.refuse("%s is integers that a quantized model computes; put DequantizeLinear behind them", what)
	}
}

// integersOf is the range of a quantized type.
func (c *converter) integersOf(t DataType) (lo, hi int64) {
	switch t {
	case Uint8:
		return 0, 255
	case Int8:
		return -128, 127
	case Uint16:
		return 0, 65535
	case Int16:
		return -32768, 32767
	case Int32:
		return math.MinInt32, math.MaxInt32
	case Uint4, Uint2:
		return 0, 1<<t.bits() - 1
	case Int4, Int2:
		return -1 << (t.bits() - 1), 1<<(t.bits()-1) - 1
	}
	c.refuse("values are quantized to %v; expected integers of 2, 4, 8 or 16 bits, or int32", t)
	return 0, 0
}

// grid reads scale and zero point. A zero point that is left out is 0.
func (c *converter) grid(scale, zero *value, rank, axis int) *quantized {
	if scale == nil {
		c.refuse("its scale is missing")
	}
	if len(scale.units) > 0 {
		if len(scale.units) != 1 || scale.elems() != 1 {
			c.refuse("its scale is computed of others at run time")
		}
		for from, n := range scale.units {
			if f, ok := c.number(scale); n != 1 || !ok || f != 1 || zero == nil || zero.zeroOf != from {
				c.refuse("its scale or zero point is not the one that DynamicQuantizeLinear gave")
			}
			return &quantized{from: from}
		}
	}
	f, ok := c.constant(scale)
	if !ok || scale.special() {
		c.refuse("its scale is computed at run time; expected a constant")
	}
	if len(f) == 0 {
		c.refuse("its scale has no elements")
	}
	for _, x := range f {
		if !(x > 0) || math.IsInf(float64(x), 0) {
			c.refuse("a scale is %v; expected a positive number", x)
		}
	}
	q := &quantized{scale: f, zero: make([]int64, len(f))}
	if zero != nil {
		switch {
		case zero.ints == nil || zero.special():
			c.refuse("its zero point is computed at run time, or no integer; expected a constant")
		case len(zero.ints) != len(f) && len(zero.ints) != 1:
			c.refuse("%d zero points for %d scales", len(zero.ints), len(f))
		}
		for i := range q.zero {
			q.zero[i] = zero.ints[i%len(zero.ints)]
		}
	}
	if len(f) != 1 {
		q.axis = c.axis(axis, rank)
	}
	return q
}

// each returns for every element of a shape which scale is its own. With blocks, scales
// have the value's shape, but one for every block along the axis.
func (c *converter) each(q *quantized, shape, scales []int, block int) []int {
	if len(q.scale) == 1 {
		return make([]int, graph.Elems(shape))
	}
	if block > 0 {
		own := strides(scales)
		if len(scales) != len(shape) {
			c.refuse("scales of shape %v for values of shape %v", scales, shape)
		}
		for d, n := range shape {
			want := n
			if d == q.axis {
				want = (n + block - 1) / block
			}
			if scales[d] != want {
				c.refuse("scales of shape %v for blocks of %d in shape %v", scales, block, shape)
			}
		}
		return c.sources(shape, func(i []int) int {
			at := 0
			for d, x := range i {
				if d == q.axis {
					x /= block
				}
				at += x * own[d]
			}
			return at
		})
	}
	if len(q.scale) != shape[q.axis] {
		c.refuse("%d scales for %d elements along axis %d", len(q.scale), shape[q.axis], q.axis)
	}
	return c.sources(shape, func(i []int) int { return i[q.axis] })
}

// restored returns the real numbers of known integers, of blocks where block is not 0.
func (c *converter) restored(v *value, q *quantized, block int, scales ...int) *value {
	at, out := c.each(q, v.shape, scales, block), make([]float32, len(v.ints))
	for i, x := range v.ints {
		out[i] = float32(float64(x-q.zero[at[i]]) * float64(q.scale[at[i]]))
	}
	return &value{typ: Float, shape: v.shape, id: c.floats(c.base+"/real", out, v.shape...)}
}

// dequantize returns the real numbers of integers.
func (c *converter) dequantize(v *value, q *quantized, block int, scales ...int) *value {
	switch {
	case v.ints != nil && q.from == "":
		return c.restored(v, q, block, scales...)
	case v.quant == nil:
		c.refuse("its input is no integers")
	case v.quant.same(q) && block == 0:
		w := *v
		w.typ, w.quant = Float, nil
		return &w
	case !v.quant.one() || !q.one():
		c.refuse("its input was quantized with other scales or zero points of channels, blocks or calls")
	}
	// (integer - zero) * scale of an integer that is real/own + ownZero
	w := *v
	w.typ, w.quant = Float, nil
	s := float64(q.scale[0])
	y := c.times(c.base+"/scaled", &w, float32(s/float64(v.quant.scale[0])))
	y = c.plus(c.base+"/shifted", y, float32(s*float64(v.quant.zero[0]-q.zero[0])))
	y.units = w.units
	return y
}

// quantize gives real numbers as integers of a type.
func (c *converter) quantize(v *value, q *quantized, t DataType, block int, scales ...int) *value {
	lo, hi := c.integersOf(t)
	if q.from != "" {
		c.refuse("it quantizes with a scale that is known at run time alone")
	}
	if f, ok := c.constant(v); ok {
		at, out := c.each(q, v.shape, scales, block), &value{typ: t, shape: v.shape, ints: make([]int64, len(f))}
		for i, x := range f {
			r := math.RoundToEven(float64(x/q.scale[at[i]])) + float64(q.zero[at[i]])
			if r != r {
				c.refuse("it quantizes a constant that is NaN")
			}
			out.ints[i] = int64(math.Max(float64(lo), math.Min(float64(hi), r)))
		}
		return out
	}
	if !q.one() || block > 0 {
		c.refuse("it quantizes computed values with a scale for every channel or block, which no activations of %v have here; use one scale", t)
	}
	least, most := float32(float64(lo-q.zero[0])*float64(q.scale[0])), float32(float64(hi-q.zero[0])*float64(q.scale[0]))
	y := v
	if t != Int32 {
		if name := c.base; least == 0 { // what was a ReLU, and is fused
			y = c.limited(c.limited(v, 0, float32(math.Inf(1)), name+"/positive"), float32(math.Inf(-1)), most, name)
		} else {
			y = c.limited(v, least, most, name)
		}
		if c.ranges == nil {
			c.ranges = map[graph.TensorID][2]float32{}
		}
		c.ranges[y.id] = [2]float32{least, most}
		c.cuts++
	}
	w := *y
	w.typ, w.quant = t, q
	return &w
}

// contrib are operators of com.microsoft, which ONNX Runtime's tools write, by their
// name there.
const microsoft = "com.microsoft"

// key is what an operator is called in the tables: those of ONNX Runtime have their
// domain in front.
func key(n *Node) string {
	if n.Domain == "" {
		return n.Op
	}
	return n.Domain + "." + n.Op
}

// plainOp is the name of an operator whatever its domain.
func plainOp(key string) string { return strings.TrimPrefix(key, microsoft+".") }

// giveRanges gives roles the ranges that the model quantizes their values with: what is
// cut, and what nothing reads but the operators that cut it. Where a role has several
// ranges, all are within its own.
func (c *converter) giveRanges(keep []graph.TensorID) {
	if len(c.ranges) == 0 {
		return
	}
	ranges := map[graph.TensorID][2]float32{}
	for old, r := range c.ranges {
		if id := keep[old]; id != graph.None {
			ranges[id] = r
		}
	}
	readers := map[graph.TensorID]int{}
	for _, op := range c.g.Ops {
		for _, id := range op.Inputs {
			if id != graph.None {
				readers[id]++
			}
		}
	}
	for _, id := range c.g.Outputs {
		readers[id]++
	}
	for _, op := range slices.Backward(c.g.Ops) {
		if op.Kind != graph.Minimum && op.Kind != graph.Maximum {
			continue
		}
		x, out := op.Inputs[0], op.Outputs[0]
		r, ok := ranges[out]
		if _, own := ranges[x]; ok && !own && readers[x] == 1 && !c.g.Tensors[x].IsConst() && c.g.Tensors[op.Inputs[1]].IsConst() {
			ranges[x] = r
		}
	}
	c.res.Ranges = map[string][2]float32{}
	without := map[string]bool{} // roles of which some tensor has no range
	for id, role := range c.res.Role {
		if r, ok := ranges[graph.TensorID(id)]; !ok {
			without[role] = true
		} else if was, ok := c.res.Ranges[role]; ok {
			c.res.Ranges[role] = [2]float32{min(was[0], r[0]), max(was[1], r[1])}
		} else {
			c.res.Ranges[role] = r
		}
	}
	for role := range without {
		delete(c.res.Ranges, role)
	}
	if c.cuts == 0 { // they are those of truth values
		return
	}
	c.res.Assumed = append(c.res.Assumed, fmt.Sprintf("the quantized model stands for real numbers: weights are those of its integers, values are cut at its %d ranges and not rounded", c.cuts))
}
