// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// TestRefinedWeights weighs forms and copies of weights against each other on an Ethos-U85:
// that takes fewer cycles than what the passes before it chose, and what SRAM it takes more
// gains more than its price.
func TestRefinedWeights(t *testing.T) {
	for _, m := range models {
		if m.name != "gru32x40_stream" && m.name != "rnnoise_int8" {
			continue
		}
		g, _, _ := readModel(t, m)
		figures := func(skip ...string) perf.Figures {
			o := config{"ethos-u85-256", "", "Dedicated_Sram"}.options(t)
			o.Skip = skip
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			f, err := perf.FiguresOf(p)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		with, without := figures(), figures("refine")
		if more := with.SRAMBytes - without.SRAMBytes; with.Cycles+int64(more/64) >= without.Cycles {
			t.Errorf("%s: %d cycles and %d bytes, without %d and %d", m.name, with.Cycles, with.SRAMBytes, without.Cycles, without.SRAMBytes)
		}
	}
}
