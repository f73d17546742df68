// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"reflect"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

var allBudgets = flag.Bool("budgets", false, "try 40 budgets of every measured network for several accelerators, not a few")

// TestBudgets compiles with budgets from almost nothing to more than the default takes:
// more room never costs cycles, what is printed is what is taken, and a budget that does
// not bind gives the default program.
func TestBudgets(t *testing.T) {
	all := []velaConfig{velaConfigs[0], velaConfigs[2], velaConfigs[4]}
	quick := map[string]bool{"gru13_t20": true, "lstm20_t30": true, "rnnoise_int8": true}
	whole := map[string]bool{"gru24_t1": true, "lstm32x2_t1": true} // a second each
	for i := range networks {
		n := &networks[i]
		steps, configs := 8, all[:1]
		switch {
		case *allBudgets || whole[n.name]:
			steps, configs = 40, all
		case !quick[n.name]:
			continue
		}
		t.Run(n.name, func(t *testing.T) {
			g := n.graph(t)
			for _, c := range configs {
				o := c.options(t)
				free, err := compile.Compile(g, o)
				if err != nil {
					t.Fatal(err)
				}
				of, err := perf.FiguresOf(free)
				if err != nil {
					t.Fatal(err)
				}
				var budgets []int
				for k := 1; k <= steps; k++ {
					// The last one is what the default takes, and so does not bind.
					budgets = append(budgets, of.SRAMBytes*k/steps)
				}
				list, err := compile.Budgets(g, o, budgets)
				if err != nil {
					t.Fatal(err)
				}
				var before int64
				less := 0
				fitted := 0
				for k, b := range list {
					if b.Err != nil {
						if fitted > 0 {
							t.Errorf("%s: %d bytes are too little, %d were not: %v", c.name, b.Budget, less, b.Err)
						}
						continue
					}
					if k == steps/2 { // alone it is the same
						o := o
						o.SRAMBudget = b.Budget
						p, err := compile.Compile(g, o)
						if err != nil || !reflect.DeepEqual(p.Stages, b.Program.Stages) {
							t.Errorf("%s: a budget of %d gives another program alone than among others (%v)", c.name, b.Budget, err)
						}
					}
					f, err := perf.FiguresOf(b.Program)
					if err != nil {
						t.Fatal(err)
					}
					if f.SRAMBytes > b.Budget {
						t.Errorf("%s: %d bytes of SRAM with a budget of %d", c.name, f.SRAMBytes, b.Budget)
					}
					if fitted > 0 && f.Cycles > before {
						t.Errorf("%s: %d cycles with %d bytes, %d with %d (%.2f %%)", c.name, f.Cycles, b.Budget, before, less, 100*(float64(f.Cycles)/float64(before)-1))
					}
					if b.Budget >= of.SRAMBytes && !reflect.DeepEqual(b.Program.Stages, free.Stages) {
						t.Errorf("%s: a budget of %d, where the default takes %d, gives another program", c.name, b.Budget, of.SRAMBytes)
					}
					before, less = f.Cycles, b.Budget
					fitted++
				}
				if fitted == 0 {
					t.Errorf("%s: not even what the default takes is enough", c.name)
				}
			}
		})
	}
}
