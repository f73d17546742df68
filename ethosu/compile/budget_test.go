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
		for _, c := range []config{configs[0], configs[3], configs[4], configsU85[1], {"ethos-u85-256", "", "Dedicated_Sram"}} {
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
				if cycles > 0 && f.Cycles > cycles {
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

// TestConstantsWithinBudget refuses a budget that the constants do not fit in, and takes
// one that they just do.
func TestConstantsWithinBudget(t *testing.T) {
	g, _, _ := readModel(t, model{"gru16_t4", "gru16_t4"})
	o := configs[0].options(t)
	o.After, o.WeightsInSRAM = nil, true
	p, err := compile.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	o.SRAMBudget = p.SRAM()
	if q, err := compile.Compile(g, o); err != nil || q.SRAM() != p.SRAM() {
		t.Errorf("a budget of all that it takes: %v", err)
	}
	o.SRAMBudget--
	if _, err := compile.Compile(g, o); err == nil {
		t.Errorf("a program of %d bytes of SRAM with a budget of %d", p.SRAM(), o.SRAMBudget)
	}
}
