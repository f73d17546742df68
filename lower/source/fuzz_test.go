// SPDX-License-Identifier: Apache-2.0

package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// FuzzImport gives anything for a model. What is accepted has to be the network of
// the file, by the proof, whose finding of a difference is a crash here.
func FuzzImport(f *testing.F) {
	for _, pattern := range []string{"onnx/test_*.onnx", "cases/onnx_*/*.onnx"} {
		files, _ := filepath.Glob(filepath.Join(testdata.Shared(f, "data"), pattern))
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	for _, m := range []*onnx.Model{crnn(0), crnn(1)} {
		m.Graph.Inputs[0].Dims[1] = onnx.Dim{Size: 6}
		f.Add(encodeONNX(m))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		m, err := onnx.Read("m.onnx", raw)
		if err != nil {
			return
		}
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil || !quick(r.Graph) {
			return
		}
		n := &Network{Format: "ONNX", Graph: r.Graph}
		if err := n.prove(m, r); err != nil && strings.Contains(err.Error(), "BUG:") {
			t.Error(err)
		}
		if err := n.step(Options{Steps: 1}); err != nil && strings.Contains(err.Error(), "BUG:") {
			t.Error(err)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("the import took %v", d)
		}
	})
}

// quick reports whether no tensor has millions of elements: a few bytes repeat one so often, and
// a fuzzer takes a worker that computes on it for ten seconds of a busy machine for one that hangs.
func quick(g *graph.Graph) bool {
	return !slices.ContainsFunc(g.Tensors, func(t *graph.Tensor) bool { return t.Elems() > 1<<20 })
}

// FuzzFloatTFLite does so for float .tflite files: what is taken is executed as its
// operators are defined.
func FuzzFloatTFLite(f *testing.F) {
	for _, m := range []*onnx.Model{crnn(0), crnn(1)} {
		m.Graph.Inputs[0].Dims[1] = onnx.Dim{Size: 6}
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil {
			f.Fatal(err)
		}
		raw, err := tflite.WriteModel(&tflite.Model{Graph: r.Graph})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		for _, o := range []Options{{}, {States: []string{"none"}}, {Steps: 1}} {
			if _, err := readTFLite("m.tflite", raw, o); err != nil && strings.Contains(err.Error(), "BUG:") {
				t.Error(err)
			}
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("the import took %v", d)
		}
	})
}
