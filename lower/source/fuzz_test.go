// SPDX-License-Identifier: Apache-2.0

package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
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
	f.Fuzz(func(t *testing.T, raw []byte) {
		start := time.Now()
		m, err := onnx.Read("m.onnx", raw)
		if err != nil {
			return
		}
		r, err := onnx.Convert(m, onnx.Options{})
		if err != nil {
			return
		}
		n := &Network{Format: "ONNX", Graph: r.Graph}
		if err := n.prove(m, r); err != nil && strings.Contains(err.Error(), "BUG:") {
			t.Error(err)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("the import took %v", d)
		}
	})
}
