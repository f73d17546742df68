// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

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
	f := o.f
	if op == "Mod" && c.node.Int("fmod", 0) != 0 { // the sign of the dividend
		f = func(a, b int64) int64 { return a % b }
	}
	for i := range ia {
		out.ints[i] = held(out.typ, f(a.ints[ia[i]], b.ints[ib[i]]))
	}
	return out
}

// held is what an integer type keeps of a number: its low bits.
func held(t DataType, x int64) int64 {
	switch t {
	case Bool:
		return truth(x != 0)
	case Uint8:
		return int64(uint8(x))
	case Int8:
		return int64(int8(x))
	case Uint4, Uint2:
		return x & (1<<t.bits() - 1)
	case Int4, Int2:
		return x << (64 - t.bits()) >> (64 - t.bits())
	case Uint16:
		return int64(uint16(x))
	case Int16:
		return int64(int16(x))
	case Uint32:
		return int64(uint32(x))
	case Int32:
		return int64(int32(x))
	}
	return x
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

// compared compares what is known.
func (c *converter) compared(a, b *value) *value {
	if a.ints != nil && b.ints != nil {
		return c.integer(c.node.Op, a, b)
	}
	numbers := func(v *value) []float32 {
		f, ok := c.constant(v)
		if !ok {
			c.refuse("it compares integers with floats")
		}
		return f
	}
	fa, fb := numbers(a), numbers(b)
	// Floats stand for their ranks among all that are compared.
	rank, all := map[float32]int64{}, slices.Concat(fa, fb)
	if slices.ContainsFunc(all, func(x float32) bool { return x != x }) {
		c.refuse("it compares a constant that is NaN")
	}
	slices.Sort(all)
	for _, x := range all {
		if _, ok := rank[x]; !ok {
			rank[x] = int64(len(rank))
		}
	}
	ranked := func(v *value, f []float32) *value {
		out := &value{typ: Int64, shape: v.shape, ints: make([]int64, len(f))}
		for i, x := range f {
			out.ints[i] = rank[x]
		}
		return out
	}
	return c.integer(c.node.Op, ranked(a, fa), ranked(b, fb))
}

// chosen chooses by a known condition: elements of constants, or a whole value.
func (c *converter) chosen(cond, x, y *value, shape []int) *value {
	for i, v := range []*value{y, x} {
		if sameShape(v.shape, shape) && !slices.ContainsFunc(cond.ints, func(t int64) bool { return truth(t != 0) != int64(i) }) {
			return v
		}
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
		return out
	}
	// x*m + y*(1-m) for a mask of ones and zeros; finite values are not changed. The part
	// of a constant is computed here, so that an infinity where it is not chosen is a zero.
	part := func(v *value, chosen bool, name string) *value {
		mask := make([]float32, len(sc))
		for i, at := range sc {
			mask[i] = float32(truth((cond.ints[at] != 0) == chosen))
		}
		if f, ok := c.constant(v); ok {
			sv := c.sources(shape, dot(spread(v.shape, shape)))
			for i, at := range sv {
				if mask[i] != 0 {
					mask[i] = f[at]
				}
			}
			return &value{typ: Float, shape: shape, id: c.floats(c.base+name, mask, shape...)}
		}
		m := &value{typ: Float, shape: shape, id: c.floats(c.base+name+"_mask", mask, shape...)}
		return c.binary(graph.Mul, graph.MulAttr{}, c.base+name, v, m)
	}
	if x.ints != nil || y.ints != nil {
		c.refuse("it mixes integers and floats")
	}
	left, right := part(x, true, "/chosen"), part(y, false, "/other")
	if c.known(left) && c.known(right) {
		f := c.constantOf(left)
		for i, x := range c.constantOf(right) {
			if cond.ints[sc[i]] == 0 {
				f[i] = x
			}
		}
		return &value{typ: Float, shape: shape, id: c.floats(c.base, f, shape...)}
	}
	return c.binary(graph.Add, graph.AddAttr{}, c.base, left, right)
}
