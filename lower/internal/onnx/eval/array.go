// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// Array is a value: row-major elements of the given ONNX type, kept as float64
// whatever the type; integers beyond 2^53 lose their last bits, which only the
// bounds of slices have, where they are cut off anyway.
type Array struct {
	Type  onnx.DataType
	Shape []int
	Data  []float64
}

// FromTensor returns the value of a constant.
func FromTensor(t *onnx.Tensor) (*Array, error) {
	if t.Type.Size() == 0 {
		return nil, fmt.Errorf("tensor %q has elements of %v, which are not computed with", t.Name, t.Type)
	}
	return &Array{Type: t.Type, Shape: t.Shape, Data: t.Floats()}, nil
}

func (a *Array) rank() int { return len(a.Shape) }

// ints returns the elements as integers, those beyond 2^30 cut off there.
func (a *Array) ints() []int {
	out := make([]int, len(a.Data))
	for i, v := range a.Data {
		out[i] = int(math.Max(-1<<30, math.Min(1<<30, v)))
	}
	return out
}

// elems returns the number of elements of a shape that is known to be small enough.
func elems(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// strides returns the distance of neighbours along every dimension.
func strides(shape []int) []int {
	s, n := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

// each calls f with every index of a shape, in row-major order, and its number.
func each(shape []int, f func(at int, index []int)) {
	n, index := elems(shape), make([]int, len(shape))
	for at := range n {
		f(at, index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
}

// broadcast returns the common shape by NumPy's rule.
func broadcast(shapes ...[]int) ([]int, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
		for _, s := range shapes {
			j := i - rank + len(s)
			if j < 0 || s[j] == 1 {
				continue
			}
			if out[i] != 1 && out[i] != s[j] {
				return nil, fmt.Errorf("shapes %v cannot be broadcast to each other", shapes)
			}
			out[i] = s[j]
		}
	}
	return out, nil
}

// view returns the strides of an array seen in a larger shape; dimensions of 1
// are repeated.
func (a *Array) view(shape []int) []int {
	own := strides(a.Shape)
	out := make([]int, len(shape))
	for i := range a.Shape {
		if a.Shape[i] != 1 {
			out[len(shape)-len(a.Shape)+i] = own[i]
		}
	}
	return out
}

func offset(index, strides []int) int {
	at := 0
	for i, x := range index {
		at += x * strides[i]
	}
	return at
}

func axis(a, rank int) (int, error) {
	if a < 0 {
		a += rank
	}
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d is outside the %d dimensions", a, rank)
	}
	return a, nil
}

func axes(list []int, rank int) (map[int]bool, error) {
	out := map[int]bool{}
	for _, a := range list {
		n, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		out[n] = true
	}
	return out, nil
}

func toInts(v []int64) []int {
	if v == nil {
		return nil
	}
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = int(max(-1<<30, min(1<<30, x)))
	}
	return out
}

// round gives a value the precision of its type.
func round(t onnx.DataType, v float64) float64 {
	wrap := func(bits uint, signed bool) float64 {
		if v != v || math.IsInf(v, 0) {
			return 0
		}
		m := math.Mod(math.Trunc(v), math.Ldexp(1, int(bits)))
		if m < 0 {
			m += math.Ldexp(1, int(bits))
		}
		if signed && m >= math.Ldexp(1, int(bits)-1) {
			m -= math.Ldexp(1, int(bits))
		}
		return m
	}
	switch t {
	case onnx.Bool:
		if v != 0 {
			return 1
		}
		return 0
	case onnx.Float16:
		return nearest(v, 11, -14, 65504)
	case onnx.BFloat16:
		return nearest(v, 8, -126, 0)
	case onnx.Int64, onnx.Uint64:
		return math.Trunc(v)
	case onnx.Int32:
		return wrap(32, true)
	case onnx.Uint32:
		return wrap(32, false)
	case onnx.Int16:
		return wrap(16, true)
	case onnx.Uint16:
		return wrap(16, false)
	case onnx.Int8:
		return wrap(8, true)
	case onnx.Uint8:
		return wrap(8, false)
	case onnx.Int4:
		return wrap(4, true)
	case onnx.Uint4:
		return wrap(4, false)
	case onnx.Int2:
		return wrap(2, true)
	case onnx.Uint2:
		return wrap(2, false)
	}
	return v
}

// nearest rounds to bits of precision, down to the exponent least of the smallest
// normal number, ties to even; beyond a limit above 0 it overflows.
func nearest(v float64, bits, least int, limit float64) float64 {
	if v == 0 || v != v || math.IsInf(v, 0) {
		return v
	}
	_, e := math.Frexp(v) // v = f * 2^e, f from 0.5 on
	unit := max(e-bits, least-bits+1)
	r := math.Ldexp(math.RoundToEven(math.Ldexp(v, -unit)), unit)
	if limit > 0 && math.Abs(r) > limit {
		return math.Inf(int(math.Copysign(1, v)))
	}
	return r
}
