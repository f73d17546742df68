// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// planElement applies the function of one value that the kernel computes: an int8
// value through a table, which is indexed by the value's byte.
func planElement(p *plan, op *graph.Op) (step, error) {
	in, out := p.in(op, 0), p.out(op, 0)
	if in.Type == graph.Float32 {
		return planReal(p, op)
	}
	if in.Type != graph.Int8 && in.Type != graph.Int16 || out.Type != graph.Int8 && out.Type != graph.Int16 {
		return nil, floatError(p, op)
	}
	f, err := quant.ForElement(p.g, op)
	if err != nil {
		return nil, err
	}
	src, dst := op.Inputs[0], op.Outputs[0]
	narrow, wide := in.Type == graph.Int8, out.Type == graph.Int16
	if narrow && !wide {
		var t [256]byte
		for i := range t {
			t[i] = byte(f(int32(int8(i))))
		}
		return func(m *memory) {
			x := m.v[src]
			y := m.v[dst][:len(x)]
			for i, b := range x {
				y[i] = t[b]
			}
		}, nil
	}
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for i := range in.Elems() {
			var v int32
			if narrow {
				v = int32(int8(x[i]))
			} else {
				v = get16(x, i)
			}
			if v = f(v); wide {
				put16(y, i, v)
			} else {
				y[i] = byte(v)
			}
		}
	}, nil
}

// planQuantize handles QUANTIZE from float32 and between integer types. A
// value that is not a number becomes the zero point.
func planQuantize(p *plan, op *graph.Op) (step, error) {
	in, out := p.in(op, 0), p.out(op, 0)
	src, dst := op.Inputs[0], op.Outputs[0]
	put := storer(out.Type)
	if in.Type != graph.Float32 {
		narrow := func(t *graph.Tensor) bool { return t.Type == graph.Int8 || t.Type == graph.Int16 }
		if narrow(in) && narrow(out) {
			return planElement(p, op)
		}
		f, err := quant.ForElement(p.g, op)
		if err != nil {
			return nil, err
		}
		get := loader(in.Type)
		return func(m *memory) {
			x, y := m.v[src], m.v[dst]
			for i := range in.Elems() {
				put(y, i, f(get(x, i)))
			}
		}, nil
	}
	lo, hi, err := quant.WideRange(out.Type)
	if err != nil {
		return nil, err
	}
	scale, zero := out.Scale(), out.ZeroPoint()
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for i := range len(x) / 4 {
			put(y, i, quantize(math.Float32frombits(binary.LittleEndian.Uint32(x[4*i:])), scale, zero, lo, hi))
		}
	}, nil
}

func quantize(x, scale float32, zero, lo, hi int32) int32 {
	q := math.Round(float64(float32(x / scale)))
	if math.IsNaN(q) {
		return zero
	}
	return int32(min(max(q+float64(zero), float64(lo)), float64(hi)))
}

// planCast handles CAST, which takes no notice of scales and zero points: integers
// keep their low bits, real numbers lose their fraction and are saturated; what is no
// number is 0.
func planCast(p *plan, op *graph.Op) (step, error) {
	in, out := p.in(op, 0), p.out(op, 0)
	src, dst := op.Inputs[0], op.Outputs[0]
	get, put := loader(in.Type), storer(out.Type)
	if in.Type == graph.Float32 {
		get = func(b []byte, i int) int32 {
			f := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
			if math.IsNaN(f) {
				return 0
			}
			return int32(min(max(f, math.MinInt32), math.MaxInt32)) // all of them are exact in float64
		}
	}
	if out.Type == graph.Float32 {
		put = func(b []byte, i int, v int32) {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(v)))
		}
	}
	if in.Type == graph.Float32 && out.Type == graph.Float32 {
		return func(m *memory) { copy(m.v[dst], m.v[src]) }, nil
	}
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for i := range in.Elems() {
			put(y, i, get(x, i))
		}
	}, nil
}

func planDequantize(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	src, dst := op.Inputs[0], op.Outputs[0]
	scale, zero := float64(in.Scale()), int64(in.ZeroPoint())
	get := loader(in.Type)
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for i := range len(y) / 4 {
			binary.LittleEndian.PutUint32(y[4*i:], math.Float32bits(float32(scale*float64(int64(get(x, i))-zero))))
		}
	}, nil
}
