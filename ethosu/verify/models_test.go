package verify

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// compiled returns the programs of all models that Vela compiled.
func compiled(t testing.TB) map[string]*ethosu.Program {
	files, err := filepath.Glob(filepath.Join(testdata.Shared(t, "data", "models"), "*.vela*.tflite"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no compiled models: %v", err)
	}
	out := map[string]*ethosu.Program{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vela.Read(filepath.Base(f), b)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = p
	}
	return out
}

func TestCompiledModels(t *testing.T) {
	for name, p := range compiled(t) {
		for i, f := range Program(p).All() {
			if i == 8 {
				break
			}
			t.Errorf("%s: %v", name, f)
		}
	}
}
