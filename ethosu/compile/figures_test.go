// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestFigures pins operations, bytes and estimated cycles of every model.
func TestFigures(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %-15s %-7s %7s %7s %7s %7s %8s\n", "model", "accelerator", "weights", "ops", "stream", "const", "sram", "cycles")
	for _, m := range models {
		g, _, _ := readModel(t, m)
		for _, c := range []config{{"ethos-u55-128", "", ""}, {"ethos-u65-256", "", ""}} {
			for _, place := range []string{"flash", "sram"} {
				o := c.options(t)
				o.WeightsInSRAM = place == "sram"
				p, err := compile.Compile(g, o)
				if err != nil {
					t.Fatal(err)
				}
				f, err := perf.FiguresOf(p)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "%-24s %-15s %-7s %7d %7d %7d %7d %8d\n", m.name, c.accel, place, f.NPUOps, f.StreamBytes, len(p.Constants), f.SRAMBytes, f.Cycles)
			}
		}
	}
	testdata.Recorded(t, "figures.txt", b.String(), *update)
}

// TestDisassembly pins the stream of a small network word for word.
func TestDisassembly(t *testing.T) {
	g, _, _ := readModel(t, model{"hello_world_int8", "hello_world_int8"})
	p, err := compile.Compile(g, config{"ethos-u55-128", "", ""}.options(t))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := isa.Disassemble(&b, p.Stages[0].Commands, isa.Notes{}); err != nil {
		t.Fatal(err)
	}
	testdata.Recorded(t, "hello_world.txt", b.String(), *update)
}

// TestNoWorseThanVela compiles every model with the SRAM that Vela 5.1's program
// takes, and expects no more cycles and no more flash by one and the same model.
func TestNoWorseThanVela(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every model several times")
	}
	for _, m := range models {
		g, rec, data := readModel(t, m)
		rec.Count = min(rec.Count, 2)
		for suffix, c := range map[string]config{
			".vela51-u55-128":   {"ethos-u55-128", "", ""},
			".vela51-u55-256":   {"ethos-u55-256", "", ""},
			".vela51-u65-256":   {"ethos-u65-256", "Ethos_U65_Embedded", ""},
			".vela51he-u65-256": {"ethos-u65-256", "", ""},
		} {
			file := filepath.Join(testdata.Shared(t, "data", "models"), m.name+suffix+".tflite")
			b, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			v, err := vela.Read(m.name, b)
			if err != nil {
				t.Fatal(err)
			}
			o := c.options(t)
			v.System, v.Mode = o.System, o.Mode
			theirs, err := perf.FiguresOf(v)
			if err != nil {
				t.Fatal(err)
			}
			o.SRAMBudget = theirs.SRAMBytes
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Errorf("%s%s: %v", m.name, suffix, err)
				continue
			}
			ours, err := perf.FiguresOf(p)
			if err != nil {
				t.Fatal(err)
			}
			// One cycle of rounding between feature-map formats is not a difference.
			if ours.Cycles > theirs.Cycles+1 || ours.FlashBytes > theirs.FlashBytes || ours.SRAMBytes > theirs.SRAMBytes {
				t.Errorf("%s%s: %d cycles, %d B flash, %d B SRAM; Vela %d, %d, %d", m.name, suffix,
					ours.Cycles, ours.FlashBytes, ours.SRAMBytes, theirs.Cycles, theirs.FlashBytes, theirs.SRAMBytes)
			}
			if err := replay(p, rec, data); err != nil {
				t.Errorf("%s%s: %v", m.name, suffix, err)
			}
		}
	}
}
