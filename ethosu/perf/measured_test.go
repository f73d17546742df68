// SPDX-License-Identifier: Apache-2.0

package perf_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// Bounds of the model against what was measured.
const (
	eachCell = 100 * perf.Accuracy // per cent
	meanCell = 4.0
)

// measured is a cell of the table: cycles that Arm's model of the hardware counted.
type measured struct {
	name   string
	p      *ethosu.Program
	cycles float64
	beats  [3]float64 // AXI0 reads and writes, AXI1 reads; 0: unknown
}

// ideal returns the program with memories that cost nothing but the width of the port.
func ideal(p *ethosu.Program) *ethosu.Program {
	q := *p
	for _, m := range []*ethosu.Memory{&q.System.Axi0, &q.System.Axi1} {
		m.ClockScale, m.ReadLatency, m.WriteLatency, m.MaxReads, m.MaxWrites, m.Window = 1, 0, 0, 0, 0, 0
	}
	return &q
}

// cells reads the table and the streams beside it.
func cells(t *testing.T) []measured {
	t.Helper()
	dir := testdata.Shared(t, "data", "fvp")
	read := func(file string) *ethosu.Program {
		p, err := vela.Read(file, testdata.ReadShared(t, "data", "fvp", file))
		if err != nil {
			t.Fatal(err)
		}
		if p.Accel.Generation == ethosu.U65 {
			if p.Mode, err = ethosu.ParseMemoryMode("Dedicated_Sram"); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	number := func(s string) float64 {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var list []measured
	for _, line := range strings.Split(string(testdata.ReadShared(t, "data", "fvp", "npu_cycles.csv")), "\n") {
		c := strings.Split(strings.TrimSpace(line), ",")
		switch {
		case strings.HasPrefix(line, "#sweep,"):
			p := read("rnnoise_int8.vela51-u55-256.tflite")
			flash := &p.System.Axi1
			flash.ClockScale = 1
			if c[1] != "unlimited" {
				flash.ClockScale = number(c[1]) / float64(p.Accel.AXIBytes)
			}
			flash.ReadLatency = int(number(c[2]))
			list = append(list, measured{name: fmt.Sprintf("rnnoise u55-256, flash %s B/cycle, latency %s", c[1], c[2]), p: p, cycles: number(c[3])})
		case len(c) == 8 && !strings.HasPrefix(line, "#") && c[0] != "model":
			files, err := filepath.Glob(filepath.Join(dir, strings.ToLower(c[0])+".*-"+c[2]+"*.tflite"))
			if err != nil || len(files) != 1 {
				t.Fatalf("%s %s: streams %v, %v", c[0], c[2], files, err)
			}
			p := read(filepath.Base(files[0]))
			m := measured{name: c[0] + " " + c[2] + ", modelled memory", p: p, cycles: number(c[3])}
			if p.Accel.Generation == ethosu.U55 { // the streams of the U65 move other bytes
				m.beats = [3]float64{number(c[5]), number(c[6]), number(c[7])}
			}
			list = append(list, m, measured{name: c[0] + " " + c[2] + ", ideal memory", p: ideal(p), cycles: number(c[4])})
		}
	}
	return list
}

// TestMeasured compares every cell of the table with the estimate. The cells lie on a
// grid of 1,000 cycles.
func TestMeasured(t *testing.T) {
	var sum, n float64
	var table strings.Builder
	for _, c := range cells(t) {
		r, err := perf.Estimate(c.p)
		if err != nil {
			t.Fatal(err)
		}
		off := 100 * (float64(r.Total)/c.cycles - 1)
		fmt.Fprintf(&table, "\n%-52s measured %8.0f  estimated %8d  %+5.1f %%", c.name, c.cycles, r.Total, off)
		if math.Abs(off) > eachCell {
			t.Errorf("%s: %d cycles, measured %.0f: %+.1f %%, at most %g %%", c.name, r.Total, c.cycles, off, eachCell)
		}
		sum, n = sum+math.Abs(off), n+1
		if c.beats[0] == 0 {
			continue
		}
		for _, m := range r.Memory {
			beats := func(what string, got, want, most float64) {
				got /= float64(c.p.Accel.AXIBytes)
				if off := 100 * (got/want - 1); math.Abs(off) > most {
					t.Errorf("%s: %.0f beats of %s, measured %.0f", c.name, got, what, want)
				}
			}
			if m.Name == ethosu.Sram {
				beats("SRAM reads", m.Read, c.beats[0], 6)
				beats("SRAM writes", m.Write, c.beats[1], 6)
			} else {
				beats("flash reads", m.Read, c.beats[2], 1)
			}
		}
	}
	if n != 19 || sum/n > meanCell {
		t.Errorf("%.0f cells are off by %.2f %% in the mean, want 19 and at most %g %%", n, sum/n, meanCell)
	}
	t.Logf("mean %.2f %%%s", sum/n, table.String())
}
