// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/vectors"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestEmbeddedModels executes the complete models that the operator vectors
// carry, an unrolled GRU in two forms, on their recorded runs.
func TestEmbeddedModels(t *testing.T) {
	var file struct {
		Models []struct {
			Op, Mode string
			Tflite   string `json:"tflite_hex"`
			Runs     []struct{ Inputs, Outputs map[string][]float64 }
		}
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data/vectors/ops-int8.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Models) == 0 {
		t.Fatal("the file holds no models")
	}
	for _, m := range file.Models {
		data, err := hex.DecodeString(m.Tflite)
		if err != nil {
			t.Fatal(err)
		}
		g, err := tflite.Read(m.Op+" "+m.Mode, data)
		if err != nil {
			t.Fatal(err)
		}
		it, err := New(g)
		if err != nil {
			t.Fatal(err)
		}
		for n, run := range m.Runs {
			for name, v := range run.Inputs {
				id := g.Find(name)
				if id == graph.None {
					t.Fatalf("%s: no tensor %q", m.Mode, name)
				}
				copy(it.Tensor(id), vectors.Encode(g.Tensors[id].Type, v))
			}
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			for name, v := range run.Outputs {
				id := g.Find(name)
				if id == graph.None {
					t.Fatalf("%s: no tensor %q", m.Mode, name)
				}
				if at := firstDifference(it.Tensor(id), vectors.Encode(g.Tensors[id].Type, v)); at >= 0 {
					t.Errorf("%s run %d: %q differs first at byte %d", m.Mode, n, name, at)
				}
			}
		}
	}
}
