// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// value is what a node reads or gives: integers that are known, or a float tensor
// of the graph, constant or not.
type value struct {
	typ   DataType
	shape []int   // ONNX's
	ints  []int64 // of a constant that is not float; never nil then

	// id is the float tensor. Its dimension i is dimension order[i] of the value;
	// nil where all are in place. Constants are in place.
	id    graph.TensorID
	order []int

	// Of quantized models: see quantized.go.
	quant  *quantized
	units  units
	zeroOf string // the value is the zero point that this DynamicQuantizeLinear chose
}

func (v *value) rank() int { return len(v.shape) }

func (v *value) elems() int { return graph.Elems(v.shape) }

// fromTensor makes a constant of the file's.
func (c *converter) fromTensor(name string, t *Tensor) *value {
	if t.Type.Size() == 0 {
		c.refuse("tensor %q has elements of %v, which are not computed with", name, t.Type)
	}
	if !t.Type.IsFloat() {
		return &value{typ: t.Type, shape: t.Shape, ints: append([]int64{}, t.Integers()...)}
	}
	data := t.Floats()
	v := make([]float32, len(data))
	for i, x := range data {
		v[i] = float32(x)
	}
	return &value{typ: Float, shape: t.Shape, id: c.floats(name, v, t.Shape...)}
}

// integers makes a constant of int64.
func integers(shape []int, v ...int64) *value {
	if v == nil {
		v = []int64{}
	}
	return &value{typ: Int64, shape: shape, ints: v}
}

// constant returns the elements of a float constant, or false.
func (c *converter) constant(v *value) ([]float32, bool) {
	if v.ints != nil || v.zeroOf != "" || !c.g.Tensors[v.id].IsConst() {
		return nil, false
	}
	return c.constantOf(v), true
}

// known reports whether the value is a constant.
func (c *converter) known(v *value) bool {
	return v.ints != nil || v.zeroOf == "" && c.g.Tensors[v.id].IsConst()
}

func (c *converter) constantOf(v *value) []float32 {
	data := c.g.Tensors[v.id].Data
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// toFloat makes a float constant of known integers.
func (c *converter) toFloat(v *value) *value {
	out := make([]float32, len(v.ints))
	for i, x := range v.ints {
		out[i] = float32(x)
	}
	return &value{typ: Float, shape: v.shape, id: c.floats(c.base+"/value", out, v.shape...)}
}

// list returns input i as known integers, or an error that names it.
func (c *converter) list(in []*value, i int, what string) []int {
	if i >= len(in) || in[i] == nil {
		return nil
	}
	if in[i].ints == nil {
		c.refuse("%s is computed at run time; export with a constant, or fix what decides it with --set or --shape", what)
	}
	out := make([]int, len(in[i].ints))
	for k, x := range in[i].ints {
		out[k] = whole(x)
	}
	return out
}

// whole returns an integer of a file as an int, those beyond 2^30 cut off there: nothing
// here has so many elements, and every machine sees the same.
func whole(x int64) int { return int(max(min(x, 1<<30), -1<<30)) }

// arg returns input i as a float value.
func (c *converter) arg(in []*value, i int) *value {
	if i >= len(in) || in[i] == nil {
		c.refuse("input %d is missing", i)
	}
	if in[i].ints != nil && !in[i].typ.IsFloat() {
		c.refuse("input %d is %v, expected float; cast it first", i, in[i].typ)
	}
	c.noTruth(in, i)
	return in[i]
}

// noTruth refuses truth values where numbers are computed with: zeros and ones of one
// operator are any numbers after another.
func (c *converter) noTruth(in []*value, i int) {
	if in[i] != nil && in[i].computedTruth() {
		c.refuse("input %d is a truth value, expected float; cast it first", i)
	}
}

// opt returns input i, or nil; there is none before the first.
func opt(in []*value, i int) *value {
	if i >= 0 && i < len(in) {
		return in[i]
	}
	return nil
}

// inPlace returns 0, 1, … n-1.
func inPlace(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// orderOf returns the order of a value, never nil.
func orderOf(v *value) []int {
	if v.order == nil {
		return inPlace(v.rank())
	}
	return v.order
}

// at returns the position of dimension d of the value in its tensor.
func position(order []int, d int) int {
	for i, x := range order {
		if x == d {
			return i
		}
	}
	panic("BUG: an order without one of its dimensions")
}

// stored makes a value of a tensor in the given order of the value's dimensions.
func (c *converter) stored(id graph.TensorID, order []int) *value {
	t := c.g.Tensors[id]
	v := &value{typ: Float, shape: make([]int, len(t.Shape)), id: id, order: order}
	sorted := true
	for i, d := range orderOf(v) {
		v.shape[d] = t.Shape[i]
		sorted = sorted && i == d
	}
	switch {
	case sorted:
		v.order = nil
	case t.IsConst(): // constants stay in place
		return &value{typ: Float, shape: v.shape, id: c.as(v, inPlace(len(order)))}
	}
	return v
}

// plain returns the value as a tensor with all dimensions in place.
func (c *converter) plain(v *value) graph.TensorID { return c.as(v, inPlace(v.rank())) }

// as returns the value as a tensor with its dimensions in the given order.
func (c *converter) as(v *value, order []int) graph.TensorID {
	perm, same := make([]int, len(order)), true
	for i, d := range order {
		perm[i] = position(orderOf(v), d)
		same = same && perm[i] == i
	}
	if same {
		return v.id
	}
	key := turn{v.id, fmt.Sprint(perm)}
	if id, ok := c.turned[key]; ok {
		return id
	}
	id := c.transpose(v.id, perm)
	if c.turned == nil {
		c.turned = map[turn]graph.TensorID{}
	}
	c.turned[key] = id
	return id
}

// order picks the one that most can stay in: that of the first computed value
// whose dimensions are not in place, else all in place.
func (c *converter) commonOrder(rank int, values ...*value) []int {
	for _, v := range values {
		if v.order != nil && v.rank() == rank {
			return v.order
		}
	}
	return inPlace(rank)
}

// number returns a float constant of one element.
func (c *converter) number(v *value) (float32, bool) {
	if v == nil {
		return 0, false
	}
	if len(v.ints) == 1 {
		return float32(v.ints[0]), true
	}
	if v.ints != nil || v.zeroOf != "" || !c.g.Tensors[v.id].IsConst() || v.elems() != 1 {
		return 0, false
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(c.g.Tensors[v.id].Data)), true
}
