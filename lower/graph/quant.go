// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
)

// zeroRange is the range of zero points of each quantized type. Weights and
// biases have zero point 0, so int32 and int64 allow nothing else.
var zeroRange = map[DType][2]int32{
	Int8: {-128, 127}, Uint8: {0, 255}, Int16: {-32768, 32767}, Int32: {0, 0}, Int64: {0, 0},
}

// CheckQuant reports what is wrong with the tensor's quantization: none, a
// scale that is not a positive finite number, a zero point outside the type,
// or per-channel parameters that do not match the shape.
func (t *Tensor) CheckQuant() error {
	q := t.Quant
	if q == nil || len(q.Scales) == 0 {
		return fmt.Errorf("has no quantization; expected a scale and zero point for %v", t.Type)
	}
	if len(q.ZeroPoints) != len(q.Scales) {
		return fmt.Errorf("has %d scales but %d zero points, expected as many", len(q.Scales), len(q.ZeroPoints))
	}
	if len(q.Scales) > 1 {
		if q.Axis < 0 || q.Axis >= len(t.Shape) {
			return fmt.Errorf("is quantized along dimension %d of shape %v", q.Axis, t.Shape)
		}
		if t.Shape[q.Axis] != len(q.Scales) {
			return fmt.Errorf("has %d scales for %d indices of dimension %d of shape %v", len(q.Scales), t.Shape[q.Axis], q.Axis, t.Shape)
		}
	}
	zero, quantizable := zeroRange[t.Type]
	if !quantizable {
		return fmt.Errorf("of type %v cannot be quantized", t.Type)
	}
	for i, s := range q.Scales {
		if !(s > 0) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("scale %d is %g, expected a finite number above 0", i, s)
		}
		if z := q.ZeroPoints[i]; z < zero[0] || z > zero[1] {
			return fmt.Errorf("zero point %d is %d, expected %d to %d for %v", i, z, zero[0], zero[1], t.Type)
		}
	}
	return nil
}

// Equal reports whether two quantizations are the same; both may be nil.
func (q *Quant) Equal(o *Quant) bool {
	if q == nil || o == nil {
		return (q == nil || len(q.Scales) == 0) && (o == nil || len(o.Scales) == 0)
	}
	if len(q.Scales) != len(o.Scales) || len(q.ZeroPoints) != len(o.ZeroPoints) {
		return false
	}
	for i := range q.Scales {
		if q.Scales[i] != o.Scales[i] {
			return false
		}
	}
	for i := range q.ZeroPoints {
		if q.ZeroPoints[i] != o.ZeroPoints[i] {
			return false
		}
	}
	return len(q.Scales) <= 1 || q.Axis == o.Axis
}
