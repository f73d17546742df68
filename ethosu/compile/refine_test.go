// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
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

// TestChainsPay: chains cost commands. Where those come from slow memory links that cost
// more than they save are left out, and where they do not most kernels are in chains.
func TestChainsPay(t *testing.T) {
	for _, m := range models {
		if m.name != "gru16_t4" && m.name != "gru32x40_stream" {
			continue
		}
		g, _, _ := readModel(t, m)
		for _, mode := range []string{"Sram_Only", "Dedicated_Sram"} {
			figures := func(skip ...string) (f perf.Figures, chained int) {
				o := config{"ethos-u85-256", "", mode}.options(t)
				o.Skip = skip
				p, err := compile.Compile(g, o)
				if err != nil {
					t.Fatal(err)
				}
				if f, err = perf.FiguresOf(p); err != nil {
					t.Fatal(err)
				}
				err = isa.U85.Walk(p.Stages[0].Commands, func(o *isa.Operation) error {
					if o.IsBlock() && o.KernelU85().OFM.Storage == isa.Chained {
						chained++
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return f, chained
			}
			with, chained := figures("refine")
			without, none := figures("refine", "chain")
			if none != 0 || mode == "Sram_Only" && (chained < 3 || with.Cycles >= without.Cycles) || with.Cycles > without.Cycles+without.Cycles/50 {
				t.Errorf("%s, %s: %d cycles with %d results in chains, %d with %d", m.name, mode, with.Cycles, chained, without.Cycles, none)
			}
			t.Logf("%s, %s: %d cycles with %d results in chains, %d without", m.name, mode, with.Cycles, chained, without.Cycles)
		}
	}
}
