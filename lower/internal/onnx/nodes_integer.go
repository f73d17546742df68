// SPDX-License-Identifier: Apache-2.0

package onnx

import "github.com/unroll-npu/unroll/lower/graph"

// Arithmetic on known integers and truth values: shapes, indices, conditions.

type integerOp struct {
	f       func(a, b int64) int64
	logical bool // gives a truth value
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

var integerOps = map[string]integerOp{
	"Add": {f: func(a, b int64) int64 { return a + b }}, "Sub": {f: func(a, b int64) int64 { return a - b }},
	"Mul": {f: func(a, b int64) int64 { return a * b }}, "Div": {f: func(a, b int64) int64 { return a / b }},
	"Mod": {f: func(a, b int64) int64 {
		m := a % b
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	}},
	"Max": {f: func(a, b int64) int64 { return max(a, b) }}, "Min": {f: func(a, b int64) int64 { return min(a, b) }},
	"Sum": {f: func(a, b int64) int64 { return a + b }},
	"Pow": {f: func(a, b int64) int64 {
		out := int64(1)
		for range min(max(b, 0), 63) {
			out *= a
		}
		return out
	}},
	"And": {func(a, b int64) int64 { return a & b }, true}, "Or": {func(a, b int64) int64 { return a | b }, true},
	"Xor":   {func(a, b int64) int64 { return a ^ b }, true},
	"Equal": {func(a, b int64) int64 { return truth(a == b) }, true},
	"Less":  {func(a, b int64) int64 { return truth(a < b) }, true}, "LessOrEqual": {func(a, b int64) int64 { return truth(a <= b) }, true},
	"Greater": {func(a, b int64) int64 { return truth(a > b) }, true}, "GreaterOrEqual": {func(a, b int64) int64 { return truth(a >= b) }, true},
}

// integer applies an operator to two known integer arrays.
func (c *converter) integer(op string, a, b *value) *value {
	o, ok := integerOps[op]
	if !ok {
		c.refuse("it is not computed on %v; cast to float before it", a.typ)
	}
	if op == "Div" || op == "Mod" {
		for _, x := range b.ints {
			if x == 0 {
				c.refuse("a division of integers by zero")
			}
		}
	}
	shape, err := graph.Broadcast(a.shape, b.shape)
	if err != nil {
		c.refuse("%v", err)
	}
	sa, sb := spread(a.shape, shape), spread(b.shape, shape)
	ia, ib := c.sources(shape, dot(sa)), c.sources(shape, dot(sb))
	out := &value{typ: a.typ, shape: shape, ints: make([]int64, len(ia))}
	if o.logical {
		out.typ = Bool
	}
	for i := range ia {
		out.ints[i] = o.f(a.ints[ia[i]], b.ints[ib[i]])
	}
	return out
}

// spread returns the strides of a shape seen in a larger one; dimensions of 1 are
// repeated.
func spread(own, in []int) []int {
	s, out := strides(own), make([]int, len(in))
	for i, n := range own {
		if n != 1 {
			out[len(in)-len(own)+i] = s[i]
		}
	}
	return out
}

func dot(strides []int) func(index []int) int {
	return func(index []int) int {
		at := 0
		for i, x := range index {
			at += x * strides[i]
		}
		return at
	}
}

// compareNode compares what is known.
func compareNode(c *converter, in []*value) []*value {
	a, b := c.given(in, 0), c.given(in, 1)
	if a.ints != nil && b.ints != nil {
		return only(c.integer(c.node.Op, a, b))
	}
	// Known floats are compared as whole numbers where they are, as shapes are.
	whole := func(v *value) *value {
		f, ok := c.constant(v)
		if !ok {
			c.refuse("it compares values that are computed at run time, and conditions have to be known; express the choice by Max, Min, Clip or a product")
		}
		out := &value{typ: Int64, shape: v.shape, ints: make([]int64, len(f))}
		for i, x := range f {
			if out.ints[i] = int64(x); float32(out.ints[i]) != x {
				c.refuse("it compares fractions")
			}
		}
		return out
	}
	if a.ints == nil {
		a = whole(a)
	}
	if b.ints == nil {
		b = whole(b)
	}
	return only(c.integer(c.node.Op, a, b))
}

func notNode(c *converter, in []*value) []*value {
	v := c.given(in, 0)
	if v.ints == nil {
		c.refuse("the condition is computed at run time")
	}
	out := &value{typ: Bool, shape: v.shape, ints: make([]int64, len(v.ints))}
	for i, x := range v.ints {
		out.ints[i] = truth(x == 0)
	}
	return only(out)
}

// whereNode chooses by a known condition: elements of constants, or a whole value.
func whereNode(c *converter, in []*value) []*value {
	cond, x, y := c.given(in, 0), c.given(in, 1), c.given(in, 2)
	if cond.ints == nil {
		c.refuse("the condition is computed at run time; express the choice by Max, Min, Clip or a product")
	}
	shape, err := graph.Broadcast(cond.shape, x.shape)
	if err == nil {
		shape, err = graph.Broadcast(shape, y.shape)
	}
	if err != nil {
		c.refuse("%v", err)
	}
	sc := c.sources(shape, dot(spread(cond.shape, shape)))
	if x.ints != nil && y.ints != nil {
		sx, sy := c.sources(shape, dot(spread(x.shape, shape))), c.sources(shape, dot(spread(y.shape, shape)))
		out := &value{typ: x.typ, shape: shape, ints: make([]int64, len(sc))}
		for i := range sc {
			if out.ints[i] = y.ints[sy[i]]; cond.ints[sc[i]] != 0 {
				out.ints[i] = x.ints[sx[i]]
			}
		}
		return only(out)
	}
	// x*m + y*(1-m) for a mask of ones and zeros; finite values are not changed.
	mask, rest := make([]float32, len(sc)), make([]float32, len(sc))
	for i, at := range sc {
		mask[i] = float32(truth(cond.ints[at] != 0))
		rest[i] = 1 - mask[i]
	}
	m := &value{typ: Float, shape: shape, id: c.floats(c.base+"/mask", mask, shape...)}
	r := &value{typ: Float, shape: shape, id: c.floats(c.base+"/rest", rest, shape...)}
	left := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/chosen", c.arg(in, 1), m)
	right := c.binary(graph.Mul, graph.MulAttr{}, c.base+"/other", c.arg(in, 2), r)
	return only(c.binary(graph.Add, graph.AddAttr{}, c.base, left, right))
}
