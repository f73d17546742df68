package verify

import (
	"path"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// compiled returns the programs of all models that Vela compiled.
func compiled(t testing.TB) map[string]*ethosu.Program {
	out := map[string]*ethosu.Program{}
	for _, f := range testdata.Glob(t, "data", "models", "*.vela*.tflite") {
		p, err := vela.Read(path.Base(f), testdata.ReadShared(t, f))
		if err != nil {
			t.Fatal(err)
		}
		out[path.Base(f)] = p
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
