// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

func TestStandardize(t *testing.T) {
	f := &facts.Facts{Mean: []float32{1, -1}, Std: []float32{2, 4}}
	raw := &Array{Type: graph.Float32, Shape: []int{2, 1, 2}, Data: floats(3, 3, 1, -5)}
	arrays := map[string]*Array{"x_0": raw, "state/h": {Type: graph.Float32, Shape: []int{2}, Data: floats(9, 9)}}
	name, err := Standardize(&accumulator{}, arrays, f)
	if err != nil || name != "x:0" {
		t.Fatal(name, err)
	}
	if diff := cmp.Diff(floats(1, 1, 0, -1), arrays["x_0"].Data); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(floats(9, 9), arrays["state/h"].Data); diff != "" {
		t.Error("only the first input is standardized", diff)
	}
	if diff := cmp.Diff(floats(3, 3, 1, -5), raw.Data); diff != "" {
		t.Error("the caller's array changed", diff)
	}
	quantized := map[string]*Array{"x:0": {Type: graph.Int8, Shape: []int{1, 2}, Data: int8s(1, 2)}}
	if name, err := Standardize(&accumulator{}, quantized, f); name != "" || err != nil {
		t.Errorf("integers are taken as they are: %q, %v", name, err)
	}
	if _, err := Standardize(&accumulator{}, arrays, &facts.Facts{Mean: []float32{1}, Std: []float32{1}}); err == nil {
		t.Error("one constant for two features went through")
	}
}
