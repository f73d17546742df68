package tflite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

// modelFiles returns every model in the shared data.
func modelFiles(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testdata.Shared(t, "data/models"), "*.tflite"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	files := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(p)] = b
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
