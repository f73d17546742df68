// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// code names the type of values to the C: the bytes of a signed integer, 128 more for an
// unsigned one, 64 more for a real number.
func code(t graph.DType) Integer {
	switch t {
	case graph.Uint8, graph.Bool:
		return 128 + 1
	case graph.Float32:
		return 64 + 4
	}
	return Integer(t.Size())
}

// integer reads element i of up to 32 bits.
func integer(t graph.DType, b []byte, i int) int32 {
	n := t.Size()
	return int32(t.Int(b[n*i : n*i+n]))
}

// putInteger writes the low bits of a value.
func putInteger(t graph.DType, b []byte, i int, v int32) {
	for k := range t.Size() {
		b[t.Size()*i+k] = byte(v >> (8 * k))
	}
}

func float(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}

func putFloat(b []byte, i int, v float32) {
	binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
}

// integers reports whether a type is one that the kernels load as 32 bits.
func integers(t graph.DType) bool {
	switch t {
	case graph.Int8, graph.Uint8, graph.Bool, graph.Int16, graph.Int32:
		return true
	}
	return false
}

// clamp returns the nearest value from lo to hi.
func clamp(v, lo, hi int64) int32 {
	switch {
	case v < lo:
		return int32(lo)
	case v > hi:
		return int32(hi)
	}
	return int32(v)
}
