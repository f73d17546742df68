// SPDX-License-Identifier: Apache-2.0

package source

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/testdata"
)

// TestGraphWitness compares the float execution with the operators' definitions on the
// graphs that ONNX's own node tests become.
func TestGraphWitness(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata.Shared(t, "data", "onnx"), "*.onnx"))
	kinds := map[graph.Kind]bool{}
	proven := 0
	for _, file := range files {
		m, err := onnx.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil {
			continue // one of those that are refused
		}
		n := &Network{Format: "ONNX", Graph: r.Graph}
		if err := n.proveGraph(r.Graph, nil); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		proven++
		for _, op := range r.Graph.Ops {
			kinds[op.Kind] = true
		}
	}
	if proven < 200 || len(kinds) < 35 {
		t.Errorf("%d graphs of %d kinds of operators", proven, len(kinds))
	}
}

// TestRelative finds what is not the same.
func TestRelative(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		got  []float32
		want []float64
		most float64
	}{
		{[]float32{1, 2}, []float64{1, 2}, 0}, {[]float32{1, 2.5}, []float64{1, 2}, 0.25}, {[]float32{1}, []float64{1, 2}, inf},
		{[]float32{float32(inf)}, []float64{inf}, 0}, {[]float32{3}, []float64{inf}, inf}, {[]float32{float32(nan)}, []float64{nan}, 0}, {[]float32{0}, []float64{nan}, inf},
	} {
		if d := relative(c.got, c.want); d != c.most {
			t.Errorf("%v and %v: %g, expected %g", c.got, c.want, d, c.most)
		}
	}
}
