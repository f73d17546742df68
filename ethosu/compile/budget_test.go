// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestMoreRoomNeverCosts compiles with budgets from too little to more than enough: a
// program takes no more SRAM than it was given, as its figures say, no more cycles than
// with less, and is that without a budget where there is no need to save.
func TestMoreRoomNeverCosts(t *testing.T) {
	step, _, _ := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	steps, _, _ := readModel(t, model{"gru16_t4", "gru16_t4"})
	tried, saved := 0, 0
	for _, g := range []*graph.Graph{step, steps, smallNetwork()} {
		for _, c := range []config{configs[0], configs[3], configs[4]} {
			o := c.options(t)
			o.After = nil
			free, err := compile.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			of, err := perf.FiguresOf(free)
			if err != nil {
				t.Fatal(err)
			}
			cycles := int64(0) // with the budget before
			for _, k := range []int{1, 3, 5, 7, 8, 9} {
				o.SRAMBudget = of.SRAMBytes * k / 8
				p, err := compile.Compile(g, o)
				if err != nil {
					if cycles > 0 {
						t.Errorf("%s, %s %s: %d bytes are too little, fewer were not: %v", g.Name, c.accel, c.mode, o.SRAMBudget, err)
					}
					continue
				}
				f, err := perf.FiguresOf(p)
				if err != nil {
					t.Fatal(err)
				}
				if f.SRAMBytes > o.SRAMBudget || f.SRAMBytes != p.SRAM() {
					t.Errorf("%s, %s %s: %d bytes of SRAM with a budget of %d", g.Name, c.accel, c.mode, f.SRAMBytes, o.SRAMBudget)
				}
				// Where even the slowest plan that fits is faster than the one without a
				// limit, which no pass of that finds, there is a rise within the last step.
				if cycles > 0 && f.Cycles > cycles && !(f.Cycles == of.Cycles && float64(cycles) > 0.99*float64(of.Cycles)) {
					t.Errorf("%s, %s %s: %d cycles with %d bytes, %d with less", g.Name, c.accel, c.mode, f.Cycles, o.SRAMBudget, cycles)
				}
				if o.SRAMBudget >= of.SRAMBytes {
					if d := cmp.Diff(free.Stages, p.Stages); d != "" {
						t.Errorf("%s, %s %s: a budget of %d for %d bytes changes the program: %s", g.Name, c.accel, c.mode, o.SRAMBudget, of.SRAMBytes, d)
					}
				} else {
					saved++
				}
				tried++
				cycles = f.Cycles
			}
		}
	}
	if tried < 24 || saved < 12 {
		t.Errorf("%d budgets, %d of them binding: the test has lost what it is for", tried, saved)
	}
}
