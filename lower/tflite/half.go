// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// float16 is the type of weights that a converter stored in half the size. They are
// float32 from the reading on.
const float16 graph.DType = 1

// halves makes float32 of the constant value of a float16 tensor.
func (r *reader) halves(t *graph.Tensor, what string) {
	if len(t.Data)%2 != 0 {
		r.fail("%s: has %d bytes of float16", what, len(t.Data))
		return
	}
	wide := make([]byte, 0, 2*len(t.Data))
	for i := 0; i < len(t.Data); i += 2 {
		wide = binary.LittleEndian.AppendUint32(wide, math.Float32bits(half(binary.LittleEndian.Uint16(t.Data[i:]))))
	}
	t.Type, t.Data = graph.Float32, wide
}

// half is the value of a number of IEEE 754's binary16.
func half(b uint16) float32 {
	sign, exp, frac := float64(1), int(b>>10&31), float64(b&1023)
	if b>>15 == 1 {
		sign = -1
	}
	switch exp {
	case 0:
		return float32(sign * math.Ldexp(frac, -24))
	case 31:
		if frac != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}
