// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"path"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

// modelFiles returns every model at hand.
func modelFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range testdata.Glob(t, "data/models/*.tflite") {
		files[path.Base(name)] = testdata.ReadShared(t, name)
	}
	return files
}

func TestReadsEveryModel(t *testing.T) {
	for name, data := range modelFiles(t) {
		g, err := Read(name, data)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		t.Logf("%s: %d ops, %d tensors, %d in, %d out, states %v", name, len(g.Ops), len(g.Tensors), len(g.Inputs), len(g.Outputs), g.States)
	}
}
