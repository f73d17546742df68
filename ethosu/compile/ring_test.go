// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/verify"
)

// TestRing compiles with less SRAM than the recurrent weights take and more than
// half of it: what does not stay there passes through two buffers, bit for bit, and
// in less time than when its kernels read it from flash.
func TestRing(t *testing.T) {
	g, rec, data := readModel(t, model{"gru256_mnist_state", "gru256_mnist_state"})
	rec.Count = min(rec.Count, 2)
	for _, c := range []struct {
		config
		budget int
	}{
		{config{"ethos-u55-128", "", ""}, 160000},
		{config{"ethos-u55-256", "", ""}, 160000},
		{config{"ethos-u65-256", "Ethos_U65_Embedded", ""}, 160000},
	} {
		if testing.Short() && c.accel != "ethos-u55-128" {
			break
		}
		t.Run(fmt.Sprint(c.accel, c.budget), func(t *testing.T) {
			o := c.options(t)
			o.SRAMBudget, o.After = c.budget, nil // tens of variants; other tests check them
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			f, err := perf.FiguresOf(p)
			if err != nil {
				t.Fatal(err)
			}
			transfers := 0
			for _, op := range p.Stages[0].Ops {
				if op.Name == "DMA weights" {
					transfers++
				}
			}
			t.Logf("%d transfers, %d bytes of SRAM, %d cycles", transfers, f.SRAMBytes, f.Cycles)
			if transfers < 3*28 || f.SRAMBytes > c.budget {
				t.Errorf("%d transfers of weights in 28 steps and %d bytes of SRAM, expected 84 or more and at most %d", transfers, f.SRAMBytes, c.budget)
			}
			if found := verify.Program(p).All(); len(found) > 0 {
				t.Errorf("%d findings, the first: %v", len(found), found[0])
			}
			if err := replay(p, rec, data); err != nil {
				t.Error(err)
			}
		})
	}
}
