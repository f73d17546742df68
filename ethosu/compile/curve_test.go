// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// TestCurve types what the curve says: every point is what it gives, or more than that.
func TestCurve(t *testing.T) {
	for _, c := range []struct {
		name, accel, mode string
		least             int // points
	}{
		{"gru32x40_stream", "ethos-u55-128", "", 2}, {"rnn64_mnist", "ethos-u55-128", "", 3}, {"rnn64_mnist", "ethos-u65-256", "Dedicated_Sram", 3},
		{"gru16_t4", "ethos-u55-256", "Sram_Only", 1},
	} {
		g, _, _ := readModel(t, model{c.name, c.name})
		o := config{c.accel, "", c.mode}.options(t)
		o.After = nil
		ch, err := compile.CompileCall(compile.Call{Whole: g}, o)
		if err != nil {
			t.Fatal(err)
		}
		of, err := perf.FiguresOf(ch.Program)
		if err != nil {
			t.Fatal(err)
		}
		list, err := ch.Curve(of)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < c.least {
			t.Errorf("%s for %s: %d points, expected %d", c.name, c.accel, len(list), c.least)
		}
		compiled := 0
		for i, p := range list {
			if i > 0 && p.SRAM <= list[i-1].SRAM {
				t.Errorf("%s for %s: point %d has %d bytes of SRAM, the one before %d", c.name, c.accel, i, p.SRAM, list[i-1].SRAM)
			}
			if p.Budget == 0 && !p.WeightsInSRAM {
				compiled++
			}
			again := o
			again.SRAMBudget, again.WeightsInSRAM = p.Budget, p.WeightsInSRAM
			q, err := compile.Compile(g, again)
			if err != nil {
				t.Fatal(err)
			}
			f, err := perf.FiguresOf(q)
			if err != nil {
				t.Fatal(err)
			}
			if f.Cycles > p.Cycles || f.SRAMBytes > p.SRAM || p.Budget == 0 && f.FlashBytes != p.Flash {
				t.Errorf("%s for %s: %d cycles, %d bytes of SRAM and %d of flash, the curve says %+v", c.name, c.accel, f.Cycles, f.SRAMBytes, f.FlashBytes, p)
			}
		}
		if compiled != 1 {
			t.Errorf("%s for %s: the program itself is %d points", c.name, c.accel, compiled)
		}
	}
}
