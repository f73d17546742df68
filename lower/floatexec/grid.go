// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// grid is the set of real values a quantized activation can take.
type grid struct {
	scale, inverse float32
	lo, hi         float32 // lowest and highest integer minus the zero point
}

// gridOf returns the grid of a per-tensor int8 or int16 tensor, or none.
func gridOf(t *graph.Tensor) grid {
	if t.Quant == nil || len(t.Quant.Scales) != 1 {
		return grid{}
	}
	var lo, hi int32
	switch t.Type {
	case graph.Int8:
		lo, hi = math.MinInt8, math.MaxInt8
	case graph.Int16:
		lo, hi = math.MinInt16, math.MaxInt16
	default:
		return grid{}
	}
	s, z := t.Scale(), t.ZeroPoint()
	return grid{scale: s, inverse: 1 / s, lo: float32(lo - z), hi: float32(hi - z)}
}

// round moves every value of a batch to the nearest value of the grid.
func (g grid) round(v View, batch int) {
	if g.scale == 0 {
		return
	}
	const magic = 3 << 22 // adding and taking it away rounds to an integer
	for b := range batch {
		row := v.Row(b)
		for i, x := range row {
			q := float32(x * g.inverse) // rounded: no fused addition below
			switch {
			case q < g.lo:
				q = g.lo
			case q > g.hi:
				q = g.hi
			default:
				q = (q + magic) - magic
			}
			row[i] = q * g.scale
		}
	}
}

// constant returns the real values of a constant tensor. Index tensors (int32
// without quantization) come as plain numbers.
func constant(t *graph.Tensor) ([]float32, error) {
	n := t.Elems()
	if len(t.Data) != n*t.Type.Size() {
		return nil, fmt.Errorf("tensor %q: %d bytes of data, %v %v needs %d", t.Name, len(t.Data), t.Type, t.Shape, n*t.Type.Size())
	}
	out := make([]float32, n)
	scale, zero := func(int) float64 { return 1 }, int32(0)
	if q := t.Quant; q != nil && len(q.Scales) == 1 {
		scale = func(int) float64 { return float64(q.Scales[0]) }
		zero = t.ZeroPoint()
	} else if q != nil && len(q.Scales) > 1 {
		if q.Axis < 0 || q.Axis >= len(t.Shape) || t.Shape[q.Axis] != len(q.Scales) {
			return nil, fmt.Errorf("tensor %q: %d scales along axis %d of shape %v", t.Name, len(q.Scales), q.Axis, t.Shape)
		}
		inner := graph.Elems(t.Shape[q.Axis+1:])
		scale = func(i int) float64 { return float64(q.Scales[i/inner%len(q.Scales)]) }
	}
	for i := range out {
		var v float64
		switch t.Type {
		case graph.Float32:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
			continue
		case graph.Int8:
			v = float64(int32(int8(t.Data[i])) - zero)
		case graph.Int16:
			v = float64(int32(int16(binary.LittleEndian.Uint16(t.Data[2*i:]))) - zero)
		case graph.Int32:
			v = float64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case graph.Int64:
			v = float64(int64(binary.LittleEndian.Uint64(t.Data[8*i:])))
		default:
			return nil, fmt.Errorf("tensor %q: constants of type %v have no float value", t.Name, t.Type)
		}
		out[i] = float32(v * scale(i))
	}
	return out, nil
}
