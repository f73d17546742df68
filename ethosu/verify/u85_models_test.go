// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// compiledU85 returns the programs of what Vela compiled for the U85, by file.
func compiledU85(t testing.TB) map[string]*ethosu.Program {
	out := map[string]*ethosu.Program{}
	for _, f := range slices.Concat(testdata.Glob(t, "data", "u85", "*.tflite"), testdata.Glob(t, "data", "u85", "ops", "*.vela51-*.tflite")) {
		name := path.Base(f)
		if strings.HasPrefix(name, "SOFTMAX_int8_int16") {
			continue // all of it is left to the CPU
		}
		p, err := vela.Read(name, testdata.ReadShared(t, f))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = p
	}
	return out
}

// Streams of Vela for the U85, whose results others confirm, are right, and shown to be.
func TestCompiledForU85(t *testing.T) {
	operations := 0
	for name, p := range compiledU85(t) {
		r := Program(p)
		for i, f := range r.All() {
			if i == 8 {
				break
			}
			t.Errorf("%s: %v", name, f)
		}
		operations += r.Operations
	}
	if operations < 1000 {
		t.Errorf("%d operations, expected at least 1000", operations)
	}
}
