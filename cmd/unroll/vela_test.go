// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/tflite"
)

var (
	networksTo = flag.String("networks", "", "write the measured networks to this folder, for another compiler")
	velaFrom   = flag.String("vela", "", "take Vela's compiled networks from this folder (NETWORK.CONFIGURATION.tflite) and record their streams")
)

// velaConfig is a configuration that both compilers compile for.
type velaConfig struct{ name, accel, system, mode string }

var velaConfigs = []velaConfig{
	{"u55-128", "ethos-u55-128", "Ethos_U55_High_End_Embedded", "Shared_Sram"},
	{"u55-256-sram", "ethos-u55-256", "Ethos_U55_High_End_Embedded", "Sram_Only"},
	{"u55-32", "ethos-u55-32", "Ethos_U55_High_End_Embedded", "Shared_Sram"},
	{"u65-256-dedicated", "ethos-u65-256", "Ethos_U65_High_End", "Dedicated_Sram"},
	{"u65-512", "ethos-u65-512", "Ethos_U65_High_End", "Dedicated_Sram"},
}

func (c velaConfig) options(t testing.TB) compile.Options {
	t.Helper()
	var o compile.Options
	var err error
	if o.Accel, err = ethosu.ParseAccelerator(c.accel); err == nil {
		if o.System, err = ethosu.ParseSystemConfig(c.system); err == nil {
			o.Mode, err = ethosu.ParseMemoryMode(c.mode)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// velaStream is what Vela 5.1.0 made of a network: the command stream, and what it takes.
type velaStream struct {
	sram, flash int
	words       []uint32
}

// A file of recorded streams holds, for every configuration in order: the bytes of SRAM
// and flash, the number of words, and the words, as little-endian numbers of 32 bits,
// compressed.
func velaFile(name string) string { return filepath.Join("testdata", "vela", name+".gz") }

func readVela(t testing.TB, name string) []velaStream {
	t.Helper()
	data := testdata.Unpacked(t, velaFile(name))
	next := func() uint32 {
		if len(data) < 4 {
			t.Fatalf("%s ends early", velaFile(name))
		}
		v := binary.LittleEndian.Uint32(data)
		data = data[4:]
		return v
	}
	var list []velaStream
	for range velaConfigs {
		s := velaStream{sram: int(next()), flash: int(next())}
		for range next() {
			s.words = append(s.words, next())
		}
		list = append(list, s)
	}
	return list
}

// record writes the streams of a network from Vela's files.
func record(t *testing.T, name string) {
	t.Helper()
	var b []byte
	put := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	for _, c := range velaConfigs {
		path := filepath.Join(*velaFrom, name+"."+c.name+".tflite")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o := c.options(t)
		p, err := vela.Read(path, data) // an error where anything is left to the CPU
		if err != nil {
			t.Fatal(err)
		}
		p.System, p.Mode = o.System, o.Mode
		f, err := perf.FiguresOf(p)
		if err != nil {
			t.Fatal(err)
		}
		put(f.SRAMBytes)
		put(f.FlashBytes)
		put(len(p.Stages[0].Commands))
		for _, w := range p.Stages[0].Commands {
			put(int(w))
		}
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(velaFile(name)), 0o755)
	}
	if err == nil {
		err = os.WriteFile(velaFile(name), z.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// floor returns what is left of the ratio when a program takes no cycle but those in which
// the weight path decodes, where weights lie in SRAM; elsewhere their memory may be the bound.
func floor(t testing.TB, p *ethosu.Program, vela int64) string {
	t.Helper()
	if p.Mode.Name != "Sram_Only" {
		return "-"
	}
	r, err := perf.Estimate(p)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%.3f", float64(r.By[perf.Weights])/float64(vela))
}

// TestVela pins what the measured networks take, and what they take as Vela 5.1.0 compiles
// them, by the same model of cycles. Its streams are recorded.
func TestVela(t *testing.T) {
	if *networksTo != "" {
		for _, n := range networks {
			data, err := tflite.Write(n.graph(t))
			if err == nil {
				err = os.WriteFile(filepath.Join(*networksTo, n.name+".tflite"), data, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if testing.Short() {
		t.Skip("compiles many networks")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s %-18s %9s %9s %6s %6s %7s %7s %7s %7s %7s %7s\n", "network", "configuration", "cycles", "vela", "ratio", "floor", "sram", "vela", "flash", "vela", "stream", "vela")
	all, each := 0.0, make([]float64, len(velaConfigs))
	for _, n := range networks {
		if *velaFrom != "" {
			record(t, n.name)
		}
		g := n.graph(t)
		recorded := readVela(t, n.name)
		for i, c := range velaConfigs {
			o := c.options(t)
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Fatalf("%s for %s: %v", n.name, c.name, err)
			}
			f, err := perf.FiguresOf(p)
			if err != nil {
				t.Fatal(err)
			}
			v := recorded[i]
			r, err := perf.Stream(o.Accel, perf.PlacesOf(o.System, o.Mode), v.words)
			if err != nil {
				t.Fatalf("Vela's stream of %s for %s: %v", n.name, c.name, err)
			}
			ratio := float64(f.Cycles) / float64(r.Total)
			fmt.Fprintf(&b, "%-24s %-18s %9d %9d %6.3f %6s %7d %7d %7d %7d %7d %7d\n", n.name, c.name, f.Cycles, r.Total, ratio, floor(t, p, r.Total), f.SRAMBytes, v.sram, f.FlashBytes, v.flash, f.StreamBytes, 4*len(v.words))
			if ratio >= 1 {
				t.Errorf("%s for %s: %d cycles, Vela's stream takes %d", n.name, c.name, f.Cycles, r.Total)
			}
			if f.FlashBytes > v.flash {
				t.Errorf("%s for %s: %d bytes of flash, Vela's file takes %d", n.name, c.name, f.FlashBytes, v.flash)
			}
			all += math.Log(ratio)
			each[i] += math.Log(ratio)
		}
	}
	mean := func(sum float64, n int) float64 { return math.Exp(sum / float64(n)) }
	fmt.Fprintf(&b, "geometric mean %.3f\n", mean(all, len(networks)*len(velaConfigs)))
	for i, c := range velaConfigs {
		fmt.Fprintf(&b, "  %-18s %.3f\n", c.name, mean(each[i], len(networks)))
	}
	testdata.Recorded(t, "vela.txt", b.String(), *update)
}

// TestVelaInTheDocs reads the means that docs/cycles.md gives of the recorded table.
func TestVelaInTheDocs(t *testing.T) {
	table, err := os.ReadFile("testdata/vela.txt")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/cycles.md")
	if err != nil {
		t.Fatal(err)
	}
	_, means, _ := strings.Cut(string(table), "geometric mean ")
	want := strings.Fields(means) // that of all, then the name and the mean of each configuration
	_, section, _ := strings.Cut(string(page), "## Beside Vela")
	var got []string
	for line := range strings.Lines(section) {
		if f := strings.Split(line, "|"); len(f) == 4 && strings.Contains(f[2], "0.") {
			got = append(got, strings.TrimSpace(f[2]))
		}
		if strings.Contains(line, "| all |") {
			break
		}
	}
	if len(got) != len(velaConfigs)+1 || len(want) != 2*len(velaConfigs)+1 {
		t.Fatalf("%d means in the page and %d words in the table, of %d configurations", len(got), len(want), len(velaConfigs))
	}
	for i, c := range velaConfigs {
		if got[i] != want[2*i+2] {
			t.Errorf("%s: docs/cycles.md says %s, testdata/vela.txt %s", c.name, got[i], want[2*i+2])
		}
	}
	if all := got[len(got)-1]; all != want[0] {
		t.Errorf("all: docs/cycles.md says %s, testdata/vela.txt %s", all, want[0])
	}
}
