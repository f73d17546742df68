// SPDX-License-Identifier: Apache-2.0

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

// Streams of Vela that ran on hardware, or on what its maker takes for hardware, are
// right, and shown to be.
func TestCompiledModels(t *testing.T) {
	for _, folder := range []string{"models", "fvp", "others"} {
		t.Run(folder, func(t *testing.T) {
			for _, f := range testdata.Glob(t, "data", folder, "*.vela*.tflite") {
				p, err := vela.Read(path.Base(f), testdata.ReadShared(t, f))
				if err != nil {
					t.Fatal(err)
				}
				r := Program(p)
				for i, f := range r.All() {
					if i == 8 {
						break
					}
					t.Errorf("%s: %v", p.Name, f)
				}
				if r.Operations == 0 {
					t.Errorf("%s: no operations", p.Name)
				}
			}
		})
	}
}
