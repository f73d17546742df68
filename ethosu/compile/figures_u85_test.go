// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// TestFiguresU85 pins the figures of every model on every Ethos-U85, and beside them what
// Vela 5.1's streams take by the same model, where such were recorded. Ours takes no more
// cycles and no more flash.
func TestFiguresU85(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every model for five accelerators")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %-14s %5s %7s %7s %8s %8s %6s %7s %6s\n", "model", "accelerator", "ops", "flash", "sram", "cycles", "Vela's", "ratio", "flash", "ratio")
	for _, m := range models {
		g, _, _ := readModel(t, m)
		for _, a := range ethosu.Of(ethosu.U85) {
			p, err := compile.Compile(g, config{a.Name, "", "Dedicated_Sram"}.options(t))
			if err != nil {
				t.Fatal(err)
			}
			f, err := perf.FiguresOf(p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%-24s %-14s %5d %7d %7d %8d", m.name, a.Name, f.NPUOps, f.FlashBytes, f.SRAMBytes, f.Cycles)
			file := filepath.Join(testdata.Shared(t, "data", "u85"), m.name+".vela51-"+strings.TrimPrefix(a.Name, "ethos-")+".tflite")
			if data, err := os.ReadFile(file); err == nil {
				v, err := vela.Read(m.name, data)
				if err != nil {
					t.Fatal(err)
				}
				v.System, v.Mode = p.System, p.Mode
				theirs, err := perf.FiguresOf(v)
				if err != nil {
					t.Fatal(err)
				}
				if f.Cycles > theirs.Cycles || f.FlashBytes > theirs.FlashBytes {
					t.Errorf("%s on %s: %d cycles and %d bytes of flash, Vela %d and %d", m.name, a.Name, f.Cycles, f.FlashBytes, theirs.Cycles, theirs.FlashBytes)
				}
				fmt.Fprintf(&b, " %8d %6.3f %7d %6.3f", theirs.Cycles, float64(f.Cycles)/float64(theirs.Cycles), theirs.FlashBytes, float64(f.FlashBytes)/float64(theirs.FlashBytes))
			}
			b.WriteByte('\n')
		}
	}
	golden(t, "figures_u85.txt", b.String())
}
