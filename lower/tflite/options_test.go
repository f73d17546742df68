// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/testdata"
)

// Files that name another table of options for QUANTIZE, which has none, are read.
func TestQuantizeOptions(t *testing.T) {
	for _, name := range []string{"int8_int8", "int8_int16", "int16_int8", "int16_int16"} {
		file := "QUANTIZE_" + name + "_nobias.tflite"
		g, err := Read(file, testdata.ReadShared(t, "data", "u85", "ops", file))
		if err != nil {
			t.Error(err)
			continue
		}
		if len(g.Ops) == 0 || g.Ops[0].Kind != graph.Quantize {
			t.Errorf("%s: %d operators, expected QUANTIZE first", file, len(g.Ops))
		}
	}
}
