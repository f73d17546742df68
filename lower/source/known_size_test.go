// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// TestKnownPlaces has NonZero and Compress of what is known: what a mask keeps, and numbers
// from 0 on as exporters write them up to opset 10.
func TestKnownPlaces(t *testing.T) {
	mask := func(b *modelBuilder, v ...int64) { b.ints("mask", v...) }
	for name, write := range map[string]func(b *modelBuilder){
		"kept along an axis": func(b *modelBuilder) {
			mask(b, 0, 1, 1, 0, 0, 1)
			b.node("Cast", "m", "mask").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Bool)}
			b.node("Compress", "y", "x", "m").Attrs["axis"] = &onnx.Attr{Int: -1}
		},
		"kept in front": func(b *modelBuilder) {
			mask(b, 0, 1)
			b.node("Compress", "y", "x", "mask").Attrs["axis"] = &onnx.Attr{}
		},
		"kept of all": func(b *modelBuilder) {
			mask(b, 0, 1, 1, 0, 0, 1, 0, 1, 1)
			b.node("Compress", "y", "x", "mask")
		},
		"places in two dimensions": func(b *modelBuilder) {
			b.weights("w", 2, 3)
			b.node("Greater", "k", "w", "zero")
			b.node("NonZero", "n", "k")
			b.node("Transpose", "i", "n")
			b.node("GatherND", "y", "x", "i")
		},
		"numbers from 0 on": func(b *modelBuilder) {
			b.ints("six", 6)
			b.node("ConstantOfShape", "ones", "six").Attrs["value"] = &onnx.Attr{Tensor: &onnx.Tensor{Type: onnx.Float, Shape: []int{1}, Data: floatBytes(1)}}
			b.node("NonZero", "n", "ones")
			b.node("Cast", "f", "n").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
			b.node("Mul", "y", "x", "f")
		},
	} {
		if err := proven(t, []int{2, 3, 6}, 12, write); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, write := range map[string]func(b *modelBuilder){
		"depends on the data": func(b *modelBuilder) { b.node("NonZero", "y", "x") },
		"keeps element 7 of a dimension of 6": func(b *modelBuilder) {
			mask(b, 0, 1, 1, 0, 0, 1, 0, 1)
			b.node("Compress", "y", "x", "mask").Attrs["axis"] = &onnx.Attr{Int: 2}
		},
		"keeps nothing": func(b *modelBuilder) { mask(b, 0, 0); b.node("Compress", "y", "x", "mask") },
	} {
		if err := proven(t, []int{2, 3, 6}, 12, write); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, expected %q", err, name)
		}
	}
}
