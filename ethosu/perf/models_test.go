// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// stream returns the command stream of a compiled model.
func stream(t *testing.T, path string) []uint32 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("COP1"))
	if at < 4 {
		t.Fatalf("%s: no driver payload", path)
	}
	size := binary.LittleEndian.Uint32(b[at-4:]) // length of the flatbuffer vector
	p, err := isa.ParsePayload(b[at : at+int(size)])
	if err != nil {
		t.Fatal(err)
	}
	return p.Words
}

func estimateFile(t *testing.T, path, accel, system, mode string) Report {
	t.Helper()
	a, err := ethosu.ParseAccelerator(accel)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ethosu.ParseSystemConfig(system)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ethosu.ParseMemoryMode(mode)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Stream(a, PlacesOf(s, m), stream(t, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	sum := int64(0)
	for _, c := range r.By {
		sum += c
	}
	if sum != r.Total {
		t.Errorf("%s: reasons add up to %d, total %d", path, sum, r.Total)
	}
	return r
}

// TestCompiledModels compares the cycles inside the NPU with those that Vela 5.1 printed
// for its own U55 streams, where the MAC array is most of them. Vela adds a latency for
// bias records and lets no kernel overlap with the next one, neither of which Arm's model
// of the hardware confirms.
func TestCompiledModels(t *testing.T) {
	tolerance := map[string]float64{"gru256_mnist": 0.06, "gru256_mnist_state": 0.06}
	dir := testdata.Shared(t, "data", "models")
	readme := string(testdata.ReadShared(t, "data", "models", "README.md"))
	row := regexp.MustCompile(`(?m)^\| (\S+)\.vela51(\S*)\.tflite \|.*\| (\d+) \| (\d+) \|$`)
	rows := row.FindAllStringSubmatch(readme, -1)
	if len(rows) != 16 {
		t.Errorf("%d rows with estimates, want 16", len(rows))
	}
	for _, c := range rows {
		npu, _ := strconv.ParseFloat(c[3], 64)
		u65 := strings.Contains(c[2], "u65")
		accel, system := "ethos-u55-128", "Ethos_U55_High_End_Embedded"
		if u65 {
			accel, system = "ethos-u65-256", "Ethos_U65_High_End"
		}
		name := c[1] + ".vela51" + c[2]
		r := estimateFile(t, filepath.Join(dir, name+".tflite"), accel, system, "Shared_Sram")
		ratio := float64(r.NPU) / npu
		t.Logf("%-36s NPU %8d, Vela %8.0f: %.3f; timeline %8d %v", name, r.NPU, npu, ratio, r.Total, r.ByName())
		if most := tolerance[c[1]]; !u65 && most > 0 && math.Abs(ratio-1) > most {
			t.Errorf("%s: %d NPU cycles, Vela estimates %.0f, want within %g %%", name, r.NPU, npu, tolerance[c[1]]*100)
		}
		if r.Total < r.NPU {
			t.Errorf("%s: the timeline takes %d cycles, its kernels alone %d", name, r.Total, r.NPU)
		}
	}
}

// Where the time of the unrolled GRU-256 goes, by memory mode: streaming weights
// from flash, or the weight path itself.
func TestMemoryModes(t *testing.T) {
	for _, c := range []struct {
		file, mode string
		where      string
	}{
		{"gru256_mnist.vela-u55-128.tflite", "Shared_Sram", ethosu.OffChipFlash},
		{"gru256_mnist.vela51-u55-128.tflite", "Sram_Only", ""},
	} {
		r := estimateFile(t, filepath.Join(testdata.Shared(t, "data", "models"), c.file), "ethos-u55-128", "Ethos_U55_High_End_Embedded", c.mode)
		if share := float64(r.By[Weights]) / float64(r.Total); share < 0.8 {
			t.Errorf("%s %s: weights take %.3f of the time, want above 0.8", c.file, c.mode, share)
		}
		var longest Op
		for _, o := range r.Ops {
			if !o.DMA && o.Cycles > longest.Cycles {
				longest = o
			}
		}
		if longest.Reason != Weights || longest.Where != c.where {
			t.Errorf("%s %s: the longest operation is bound by %v in %q, want weights in %q", c.file, c.mode, longest.Reason, longest.Where, c.where)
		}
	}
}
