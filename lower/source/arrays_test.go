// SPDX-License-Identifier: Apache-2.0

package source

import (
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// Of two arrays that could be an input's, that of its exact name gives the shape, every time.
func TestShapesOfArrays(t *testing.T) {
	m := &onnx.Model{Graph: &onnx.Graph{Inputs: []*onnx.Declared{{Name: "a/x", Kind: "tensor", Type: onnx.Float, Ranked: true, Dims: []onnx.Dim{{Name: "n"}, {Size: 3}}}}}}
	o := Options{Arrays: map[string][]int{"a/x": {7, 3}, FileName("a/x"): {5, 3}}}
	if len(o.Arrays) != 2 {
		t.Fatalf("FileName is %q, expected another name", FileName("a/x"))
	}
	for range 50 {
		if got := o.shapes(m)["a/x"]; !slices.Equal(got, []int{7, 3}) {
			t.Fatalf("shape %v, expected that of the exact name, [7 3]", got)
		}
	}
}
