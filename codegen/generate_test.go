// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/lower/graph"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGoldenTree compares every per-model file with testdata. The fixed C, the boards
// and the manifest, which holds their hashes, are not in it.
func TestGoldenTree(t *testing.T) {
	for _, p := range []Project{tiny("acc", 16), tinySequence("seq")} {
		tree := generate(t, p)
		var got txtar.Archive
		for _, path := range tree.Paths() {
			if _, err := fs.Stat(firmware.Files(), path); err == nil || path == ManifestName || strings.HasPrefix(path, board.Folder+"/") || strings.HasSuffix(path, ".blob") {
				continue
			}
			got.Files = append(got.Files, txtar.File{Name: path, Data: tree[path]})
		}
		testdata.Recorded(t, p.Prefix+".txtar", string(txtar.Format(&got)), *update)
	}
}

func TestTreeHoldsTheFixedC(t *testing.T) {
	tree := generate(t, tiny("acc", 16))
	want, err := fs.ReadFile(firmware.Files(), "npu/npu_driver.c")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tree["npu/npu_driver.c"], want) {
		t.Error("npu/npu_driver.c is not the driver")
	}
}

func TestManifestListsEveryFile(t *testing.T) {
	tree := generate(t, tiny("acc", 16))
	var m Manifest
	if err := json.Unmarshal(tree[ManifestName], &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != len(tree)-1 {
		t.Errorf("%d files in the manifest, %d in the tree beside it", len(m.Files), len(tree)-1)
	}
	for path, sum := range m.Files {
		if hash(tree[path]) != sum {
			t.Errorf("%s has another hash", path)
		}
	}
	m.Files = nil
	want := Manifest{
		Tool: "unroll", Version: "0.0", Prefix: "acc", Accelerator: "ethos-u55-128", System: "Ethos_U55_High_End_Embedded", Mode: "Shared_Sram",
		Source: "accumulator.tflite", SourceSHA256: tiny("acc", 16).SourceSHA256, Settings: map[string]string{"accel": "ethos-u55-128"},
	}
	if d := cmp.Diff(want, m); d != "" {
		t.Errorf("manifest (-want +got):\n%s", d)
	}
}

func TestGenerateIsDeterministic(t *testing.T) {
	a := generate(t, tiny("acc", 48))
	for range 3 {
		if d := cmp.Diff(a, generate(t, tiny("acc", 48))); d != "" {
			t.Fatal(d)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for _, p := range []string{"gru", "gru256", "a", "my_model_2", strings.Repeat("x", 40)} {
		if err := CheckPrefix(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for p, want := range map[string]string{
		"": "empty", "2fast": "not a lower-case C identifier", "Gru": "lower-case", "a-b": "lower-case", "gru é": "lower-case", "int": "keyword",
		"class": "keyword", "co_await": "keyword", "_gru": "lower-case", "gru_": "ends in _", "a__b": "doubles", "unroll_npu_x": "collides",
		"platform": "already uses", strings.Repeat("x", 41): "41 characters", "all": "target of CMake", "string": "standard header",
		"fw": "target", "m": "library", "npu_x": "headers",
	} {
		if err := CheckPrefix(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, expected %q in it", p, err, want)
		}
		if _, err := Generate(Project{Prefix: p}); err == nil {
			t.Errorf("%q: generated", p)
		}
	}
	for name, want := range map[string]string{
		"gru": "gru", "My Model-v2.tflite": "my_model_v2_tflite", "42": "t_42", "int": "model_int", "": "t", "é": "t", "clean": "model_clean",
		"gru256_mnist_state_int8_per_channel_a_b_c_d": "gru256_mnist_state_int8_per_chann_7b3d11",
	} {
		if got := PrefixFrom(name); got != want || CheckPrefix(got) != nil {
			t.Errorf("PrefixFrom(%q) is %q, expected %q", name, got, want)
		}
	}
}

func TestBadProjects(t *testing.T) {
	for _, c := range []struct {
		want   string
		damage func(p *Project)
	}{
		{"no program", func(p *Project) { p.Program = nil }},
		{"names no accelerator", func(p *Project) { p.Program.Accel = nil }},
		{"empty command stream", func(p *Project) { p.Program.Stages[0].Commands = nil }},
		{"17 bytes of constants", func(p *Project) { p.Program.Constants = make([]byte, 17) }},
		{"an arena of 0", func(p *Project) { p.Program.ArenaSize = 0 }},
		{`input "input" lies in region 0`, func(p *Project) { p.Program.Inputs[0].Region = ethosu.RegionConstants }},
		{`output "output" at 72 leaves the arena of 80`, func(p *Project) { p.Program.Outputs[0].Offset = 72 }},
		{`input "input" has 15 bytes`, func(p *Project) { p.Program.Inputs[0].Size = 15 }},
		{`"input" is float32`, func(p *Project) { p.Program.Inputs[0].Type, p.Program.Inputs[0].Size = graph.Float32, 64 }},
		{"state 0 pairs input 1 with output 7", func(p *Project) { p.Program.States[0].Out = 7 }},
		{`"state_h0" is int8 of 16 bytes`, func(p *Project) {
			p.Program.Outputs[1].Size, p.Program.Outputs[1].Shape = 8, []int{8}
		}},
		{"3 class names", func(p *Project) { p.ClassNames = []string{"a", "b", "c"} }},
		{"mean has 2 values", func(p *Project) { p.Mean = []float32{1, 2} }},
		{"deviation 0 is 0", func(p *Project) { p.Std = []float32{0} }},
		{"golden call 1 has 1 inputs", func(p *Project) { p.Golden[1].Inputs = p.Golden[1].Inputs[:1] }},
		{`golden call 2: input "input" has 3 bytes`, func(p *Project) { p.Golden[2].Inputs[0] = make([]byte, 3) }},
		{`golden call 2: input "state_h0" is a state`, func(p *Project) { p.Golden[2].Inputs[1] = make([]byte, 16) }},
		{`golden call 4: output "state_h0_out" has 0 bytes`, func(p *Project) { p.Golden[4].Outputs[1] = nil }},
	} {
		p := tiny("acc", 16)
		c.damage(&p)
		if _, err := Generate(p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v\nexpected %q in it", err, c.want)
		}
	}
}

// Names of tensors come from anywhere; they must not break comments, strings or
// identifiers.
func TestHostileNames(t *testing.T) {
	p := tiny("acc", 16)
	p.Program.Inputs[0].Name, p.Program.Inputs[1].Name = "in*/put\n", "int"
	p.Program.Outputs[0].Name = "*/ #error x \\"
	p.ClassNames[0], p.ClassNames[1] = "say \"hi\"\n", "what??/"
	p.Source = "*/evil\u202e.tflite"
	tool(t, "gcc")
	dir := onDisk(t, p)
	runIn(t, dir, "gcc", append(append([]string{"-O0"}, warnings...), modelSources(t, dir)...)...)
}

// TestOtherNPU has projects for boards that are not made with the NPU that the model is
// compiled for.
func TestOtherNPU(t *testing.T) {
	for _, c := range []struct{ board, accel, want string }{
		{"corstone300", "ethos-u85-256", "board corstone300 has ethos-u55 or ethos-u65, but the model is compiled for ethos-u85"},
		{"qemu", "ethos-u85-256", "board qemu has ethos-u55 or ethos-u65"},
		{"corstone320", "ethos-u55-128", "board corstone320 has ethos-u85"},
		{"himax-we2", "ethos-u65-256", "board himax-we2 has ethos-u55-64, but the model is compiled for ethos-u65-256"},
		{"himax-we2", "ethos-u55-128", "board himax-we2 has ethos-u55-64, but the model is compiled for ethos-u55-128: compile it with --accel ethos-u55-64"},
		{"himax-we2", "ethos-u55-64", ""},
		{"alif-e7-he", "ethos-u55-256", "board alif-e7-he has ethos-u55-128"},
		{"host", "ethos-u85-256", ""},
		{"corstone300", "ethos-u65-256", ""},
	} {
		p := tiny("acc", 16)
		var err error
		if p.Program.Accel, err = ethosu.ParseAccelerator(c.accel); err != nil {
			t.Fatal(err)
		}
		if p.Options.Board, p.Options.Boards, err = board.Project(c.board); err != nil {
			t.Fatal(err)
		}
		if _, err := Generate(p); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %s: error is %v, expected %q in it", c.accel, c.board, err, c.want)
		}
	}
}
