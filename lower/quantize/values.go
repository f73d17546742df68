// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Values converts real values to the raw little-endian bytes of a tensor, as
// the QUANTIZE operator does: rounded half away from zero and clamped. dst has
// the tensor's bytes.
func Values(dst []byte, t *graph.Tensor, src []float32) error {
	if len(src) != t.Elems() || len(dst) != t.Bytes() {
		return fmt.Errorf("tensor %q of shape %v: %d values into %d bytes", t.Name, t.Shape, len(src), len(dst))
	}
	s, z := t.Scale(), float64(t.ZeroPoint())
	if t.Type != graph.Float32 && s == 0 {
		return fmt.Errorf("tensor %q has no scale to quantize with", t.Name)
	}
	for i, v := range src {
		if v != v {
			return fmt.Errorf("tensor %q: value %d is NaN", t.Name, i)
		}
		switch t.Type {
		case graph.Int8:
			q := math.Round(float64(v/s)) + z
			dst[i] = byte(int8(min(max(q, math.MinInt8), math.MaxInt8)))
		case graph.Int16:
			q := math.Round(float64(v/s)) + z
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(int16(min(max(q, math.MinInt16), math.MaxInt16))))
		case graph.Float32:
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		default:
			return fmt.Errorf("tensor %q: cannot quantize to %v", t.Name, t.Type)
		}
	}
	return nil
}

// Real converts the raw bytes of a tensor to real values, as DEQUANTIZE does.
func Real(dst []float32, t *graph.Tensor, raw []byte) error {
	if len(dst) != t.Elems() || len(raw) != t.Bytes() {
		return fmt.Errorf("tensor %q of shape %v: %d bytes into %d values", t.Name, t.Shape, len(raw), len(dst))
	}
	s, z := float64(t.Scale()), int32(t.ZeroPoint())
	for i := range dst {
		switch t.Type {
		case graph.Int8:
			dst[i] = float32(s * float64(int32(int8(raw[i]))-z))
		case graph.Int16:
			dst[i] = float32(s * float64(int32(int16(binary.LittleEndian.Uint16(raw[2*i:])))-z))
		case graph.Float32:
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		default:
			return fmt.Errorf("tensor %q: cannot dequantize %v", t.Name, t.Type)
		}
	}
	return nil
}
