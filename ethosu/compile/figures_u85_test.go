// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/testdata"
)

// TestFiguresU85 pins the figures of every model on every Ethos-U85, and beside them what
// Vela 5.1's streams take by the same model, where such were recorded: in the shared data, or
// in testdata/u85, of Vela 5.1.0 with the same configuration. Both give the
// recorded outputs, byte by byte; ours takes no more cycles and no more flash. Where it takes
// more SRAM, a budget of what Vela's takes still leaves a short one no more cycles, or is
// refused.
func TestFiguresU85(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every model for five accelerators")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-23s %-14s %5s %7s %7s %7s | %7s %7s %7s %6s %6s %6s %5s | %7s %7s\n",
		"model", "accelerator", "ops", "flash", "sram", "cycles", "flash", "sram", "Vela's", "cycles", "flash", "sram", "equal", "within", "cycles")
	for _, m := range models {
		g, rec, data := readModel(t, m)
		rec.Count = min(rec.Count, 2)
		for _, a := range ethosu.Of(ethosu.U85) {
			o := config{a.Name, "", "Dedicated_Sram"}.options(t)
			p, f := programOf(t, g, o)
			fmt.Fprintf(&b, "%-23s %-14s %5d %7d %7d %7d", m.name, a.Name, f.NPUOps, f.FlashBytes, f.SRAMBytes, f.Cycles)
			if data85 := streamU85(t, m.name+".vela51-"+strings.TrimPrefix(a.Name, "ethos-")+".tflite"); data85 != nil {
				v, err := vela.Read(m.name, data85)
				if err != nil {
					t.Fatal(err)
				}
				v.System, v.Mode = p.System, p.Mode
				theirs, err := perf.FiguresOf(v)
				if err != nil {
					t.Fatal(err)
				}
				for whose, q := range map[string]*ethosu.Program{"ours": p, "Vela's": v} {
					if err := replay(q, rec, data); err != nil {
						t.Errorf("%s on %s, %s: %v", m.name, a.Name, whose, err)
					}
				}
				if f.Cycles > theirs.Cycles || f.FlashBytes > theirs.FlashBytes {
					t.Errorf("%s on %s: %d cycles and %d bytes of flash, Vela %d and %d", m.name, a.Name, f.Cycles, f.FlashBytes, theirs.Cycles, theirs.FlashBytes)
				}
				ratio := func(n, of int64) float64 { return float64(n) / float64(of) }
				fmt.Fprintf(&b, " | %7d %7d %7d %6.3f %6.3f %6.3f %5s", theirs.FlashBytes, theirs.SRAMBytes, theirs.Cycles,
					ratio(f.Cycles, theirs.Cycles), ratio(int64(f.FlashBytes), int64(theirs.FlashBytes)), ratio(int64(f.SRAMBytes), int64(theirs.SRAMBytes)), "yes")
				if f.SRAMBytes > theirs.SRAMBytes && f.NPUOps <= short {
					within(t, &b, m.name, g, o, theirs)
				}
			}
			b.WriteByte('\n')
		}
	}
	testdata.Recorded(t, "figures_u85.txt", b.String(), *update)
}

// streamU85 returns a network that Vela compiled, or nil where none was recorded.
func streamU85(t *testing.T, name string) []byte {
	t.Helper()
	if data, err := os.ReadFile(filepath.Join(testdata.Shared(t, "data", "u85"), name)); err == nil {
		return data
	}
	file := filepath.Join("testdata", "u85", name+".gz")
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return testdata.Unpacked(t, file)
}

func programOf(t *testing.T, g *graph.Graph, o compile.Options) (*ethosu.Program, perf.Figures) {
	t.Helper()
	p, err := compile.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return p, f
}

// short is the number of operations up to which programs are compiled with a budget, too.
const short = 60

// within appends what a program takes with no more SRAM than another compiler's.
func within(t *testing.T, b *strings.Builder, name string, g *graph.Graph, o compile.Options, theirs perf.Figures) {
	o.After, o.SRAMBudget = nil, theirs.SRAMBytes
	p, err := compile.Compile(g, o)
	if err != nil {
		fmt.Fprintf(b, " | %7s %7s", "refused", "-")
		return
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		t.Fatal(err)
	}
	if f.SRAMBytes > theirs.SRAMBytes || f.Cycles > theirs.Cycles {
		t.Errorf("%s on %s: %d cycles with %d bytes of SRAM, Vela %d with %d", name, o.Accel.Name, f.Cycles, f.SRAMBytes, theirs.Cycles, theirs.SRAMBytes)
	}
	fmt.Fprintf(b, " | %7d %7d", f.SRAMBytes, f.Cycles)
}
