// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/testdata"
)

// TestVerify judges a good stream, one whose weights take in what is no constant, and a
// softmax whose rows are too long for a proof: 0 or 1, by --strict.
func TestVerify(t *testing.T) {
	g := &graph.Graph{Name: "long"}
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 600}, Quant: graph.PerTensor(0.1, 0)})
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int8, Shape: []int{1, 600}, Quant: graph.PerTensor(1.0/256, -128)})
	g.Ops = []*graph.Op{{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}}
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, compile.Options{Accel: a, System: ethosu.DefaultSystemConfig(a), Mode: ethosu.DefaultMemoryMode()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := vela.Write(p)
	if err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(t.TempDir(), "long.npu.tflite")
	if err := os.WriteFile(long, b, 0o600); err != nil {
		t.Fatal(err)
	}
	good := testdata.Shared(t, "data/cases/verify/ours55.npu.tflite")
	wrong := testdata.Shared(t, "data/cases/verify/weight_length_plus16_0.npu.tflite")
	theirs := testdata.Shared(t, "data/models/gru16_t4.vela51-u55-128.tflite")
	for _, c := range []struct {
		file               string
		strict             bool
		code               int
		findings, unproven bool
	}{
		{good, false, 0, false, false}, {good, true, 0, false, false}, {theirs, true, 0, false, false},
		{wrong, false, 1, true, false}, {wrong, true, 1, true, false},
		{long, false, 0, false, true}, {long, true, 1, false, true},
	} {
		args := []string{"verify", c.file}
		if c.strict {
			args = append(args, "--strict")
		}
		var stdout, stderr bytes.Buffer
		if code := execute(context.Background(), args, nil, &stdout, &stderr); code != c.code {
			t.Errorf("%s, strict %v: exit code %d, expected %d: %s", filepath.Base(c.file), c.strict, code, c.code, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		word := regexp.MustCompile(`^word \d+: operation \d+ \(`)
		for _, l := range lines[:len(lines)-1] {
			if !word.MatchString(l) || strings.Contains(l, "(unproven)") != c.unproven {
				t.Errorf("%s: %q", filepath.Base(c.file), l)
			}
		}
		if (len(lines) > 1) != (c.findings || c.unproven) {
			t.Errorf("%s: %s", filepath.Base(c.file), stdout.String())
		}
		stdout.Reset()
		execute(context.Background(), append(args, "--json"), nil, &stdout, &stderr)
		var report struct {
			Operations         int
			Findings, Unproven []struct{ Word int }
		}
		if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		if report.Operations == 0 || (len(report.Findings) > 0) != c.findings || (len(report.Unproven) > 0) != c.unproven || report.Findings == nil || report.Unproven == nil {
			t.Errorf("%s: %s", filepath.Base(c.file), stdout.String())
		}
	}
}
