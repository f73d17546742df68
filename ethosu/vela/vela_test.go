// SPDX-License-Identifier: Apache-2.0

package vela_test

import (
	"bytes"
	"encoding/binary"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestRoundTrip writes a program and reads it back whole, in every memory mode.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"gru32x40_stream", "gru16_t4", "rnn64_mnist"} {
		g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{"Shared_Sram", "Dedicated_Sram"} {
			a, _ := ethosu.ParseAccelerator("ethos-u65-512")
			mm, _ := ethosu.ParseMemoryMode(mode)
			p, err := compile.Compile(g, compile.Options{Accel: a, Mode: mm})
			if err != nil {
				t.Fatal(err)
			}
			b, err := vela.Write(p)
			if err != nil {
				t.Fatal(err)
			}
			q, err := vela.Read(name, b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p, q); d != "" {
				t.Errorf("%s %s: %s", name, mode, d)
			}
			h, err := tflite.Read(name, b)
			if err != nil || !vela.IsCompiled(h) {
				t.Errorf("%s: IsCompiled is false, %v", name, err)
			}
			if vela.IsCompiled(g) {
				t.Errorf("%s: IsCompiled of the plain graph", name)
			}
		}
	}
}

// TestSequenceRoundTrip writes a sequence and reads it back whole. Without the last
// piece of metadata the file is one step.
func TestSequenceRoundTrip(t *testing.T) {
	const name = "gru32x40_stream"
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := ethosu.ParseAccelerator("ethos-u65-512")
	for _, mode := range []string{"Shared_Sram", "Dedicated_Sram"} {
		mm, _ := ethosu.ParseMemoryMode(mode)
		p, err := compile.Sequence(g, compile.SequenceOptions{Steps: 5, PerStep: true}, compile.Options{Accel: a, Mode: mm})
		if err != nil {
			t.Fatal(err)
		}
		b, err := vela.Write(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := vela.Read(name, b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(p, q); d != "" {
			t.Errorf("%s: %s", mode, d)
		}
		single := p.Single
		step, err := vela.Read(name, bytes.Replace(b, []byte("unroll_sequence"), []byte("unroll_sequencf"), 1))
		if err != nil {
			t.Fatal(err)
		}
		p.Single, p.Steps = nil, 0
		if _, err := vela.Write(p); err == nil || !strings.Contains(err.Error(), "no single step") {
			t.Errorf("%s: stages without a single step: error is %v", mode, err)
		}
		if d := cmp.Diff(single, step); d != "" {
			t.Errorf("%s: the operator is not one step: %s", mode, d)
		}
	}
}

// TestBadSequences damages the description of a sequence.
func TestBadSequences(t *testing.T) {
	const name = "gru32x40_stream"
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := ethosu.ParseAccelerator("ethos-u55-128")
	step := func(p *ethosu.Program) *ethosu.Stage {
		for i := range p.Stages {
			if p.Stages[i].Times > 1 {
				return &p.Stages[i]
			}
		}
		return nil
	}
	for want, damage := range map[string]func(p *ethosu.Program){
		"a call of 0 steps in 4 stages":         func(p *ethosu.Program) { p.Steps = 0 },
		"0 words run 5 times":                   func(p *ethosu.Program) { step(p).Commands = nil },
		"run -1 times":                          func(p *ethosu.Program) { step(p).Times = -1 },
		"window 1 is of region 0":               func(p *ethosu.Program) { step(p).Windows[1].Region = 0 },
		"region 1 lies in memory 7":             func(p *ethosu.Program) { step(p).Windows[1].In = 7 },
		"region 1 lies among the constants":     func(p *ethosu.Program) { step(p).Windows[1].In = 0 },
		"moved by 3":                            func(p *ethosu.Program) { step(p).Windows[2].Advance = 3 },
		"of memory 1, which has":                func(p *ethosu.Program) { step(p).Windows[2].Advance = 1 << 24 },
		"regions 1 and 3 overlap":               func(p *ethosu.Program) { step(p).Windows[2].Offset = 0 },
		"asks for an arena of 2147483632":       func(p *ethosu.Program) { p.ArenaSize = 1<<31 - 16 },
		`"serving_default_input:0" takes bytes`: func(p *ethosu.Program) { p.Inputs[0].Rows, p.Inputs[0].Stride = 5, 1<<30 },
		`:0" has 10 bytes`:                      func(p *ethosu.Program) { p.Outputs[0].Shape = []int{9} },
		"pairs input 1 with output 9":           func(p *ethosu.Program) { p.States[0].Out = 9 },
	} {
		p, err := compile.Sequence(g, compile.SequenceOptions{Steps: 5}, compile.Options{Accel: a})
		if err != nil {
			t.Fatal(err)
		}
		damage(p)
		b, err := vela.Write(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vela.Read(name, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, expected %q in it", err, want)
		}
	}
}

// TestReadVela reads every file that Vela compiled and checks that its interface
// is that of the plain model.
func TestReadVela(t *testing.T) {
	for _, f := range testdata.Glob(t, "data", "models", "*.vela*.tflite") {
		base := path.Base(f)
		p, err := vela.Read(base, testdata.ReadShared(t, f))
		if err != nil {
			t.Error(err)
			continue
		}
		plain, _, _ := strings.Cut(base, ".")
		g, err := tflite.Read(plain, testdata.ReadShared(t, "data", "models", plain+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range g.Inputs {
			if in := g.Tensors[id]; in.Name != p.Inputs[i].Name || !reflect.DeepEqual(in.Quant.Scales, p.Inputs[i].Quant.Scales) {
				t.Errorf("%s: input %d is %q, expected %q", base, i, p.Inputs[i].Name, in.Name)
			}
		}
		if !strings.Contains(base, p.Accel.Name[len("ethos-"):]) {
			t.Errorf("%s: read as %s", base, p.Accel.Name)
		}
	}
}

// TestReadRefuses damages a compiled file everywhere and expects errors, not panics.
func TestReadRefuses(t *testing.T) {
	data := testdata.ReadShared(t, "data", "models", "gru32x40_stream.vela51-u55-128.tflite")
	for i := range data {
		b := append([]byte(nil), data...)
		b[i] ^= 0xff
		if p, err := vela.Read("damaged", b); err == nil && p == nil {
			t.Fatalf("byte %d: no program and no error", i)
		}
		if _, err := vela.Read("cut", data[:i]); err == nil && i < len(data)-16 {
			t.Fatalf("the first %d bytes read as a program", i)
		}
	}
}

// TestMixedFile: a file with an operator for the CPU has its streams and a count of what
// is left, and is one program of stages.
func TestMixedFile(t *testing.T) {
	const name = "gru16_t4.vela51-u55-128.tflite"
	m, err := tflite.ReadModel(name, testdata.ReadShared(t, "data", "models", name))
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	last := g.Outputs[0]
	added := *g.Tensors[last]
	added.Name = "relu"
	out := g.Add(&added)
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Relu, Version: 1, Inputs: []graph.TensorID{last}, Outputs: []graph.TensorID{out}})
	g.Outputs = []graph.TensorID{out}
	for i := range m.Metadata {
		if d := &m.Metadata[i]; d.Name == "OfflineMemoryAllocation" {
			n := binary.LittleEndian.Uint32(d.Data[8:])
			d.Data = binary.LittleEndian.AppendUint32(bytes.Clone(d.Data), 0xffffffff) // left to the runtime
			binary.LittleEndian.PutUint32(d.Data[8:], n+1)
		}
	}
	b, err := tflite.WriteModel(m)
	if err != nil {
		t.Fatal(err)
	}
	f, err := vela.Open(name, b)
	if err != nil || len(f.Programs) != 1 || f.CPUOps != 1 || len(f.Programs[0].Inputs) != 1 || len(f.Programs[0].Outputs) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	p, err := vela.Read(name, b)
	if err != nil {
		t.Fatal(err)
	}
	if ops := p.CPUOps(); len(p.Stages) != 2 || len(ops) != 1 || ops[0].Kind() != graph.Relu || ops[0].Output() != "relu" || p.Outputs[0].Name != "relu" {
		t.Errorf("the program is %+v", p.Stages)
	}
	plain := func(name string) *graph.Graph {
		g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if err := f.Of(plain("gru16_t4.tflite")); err != nil {
		t.Errorf("its own model: %v", err)
	}
	if err := f.Of(plain("rnn64_mnist.tflite")); err == nil || !strings.Contains(err.Error(), "is int8 [1 4 28], that of the model") {
		t.Errorf("another model: %v", err)
	}
}

// TestArena: the arena that is printed is the one that the plan in the file asks for.
func TestArena(t *testing.T) {
	for _, mode := range []string{"Shared_Sram", "Dedicated_Sram"} {
		for _, name := range []string{"gru32x40_stream", "rnn64_mnist"} {
			g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
			if err != nil {
				t.Fatal(err)
			}
			a, _ := ethosu.ParseAccelerator("ethos-u65-256")
			mm, _ := ethosu.ParseMemoryMode(mode)
			p, err := compile.Compile(g, compile.Options{Accel: a, Mode: mm})
			if err != nil {
				t.Fatal(err)
			}
			b, err := vela.Write(p)
			if err != nil {
				t.Fatal(err)
			}
			m, err := tflite.ReadModel(name, b)
			if err != nil {
				t.Fatal(err)
			}
			plan, end := m.Find("OfflineMemoryAllocation"), 0
			for i, x := range m.Graph.Tensors {
				if off := int32(binary.LittleEndian.Uint32(plan[12+4*i:])); off >= 0 {
					end = max(end, int(off)+x.Bytes())
				}
			}
			arena := vela.ArenaOf(p)
			if arena.Planned != end || arena.Weights > end || arena.Total() <= end {
				t.Errorf("%s %s: %+v, the plan ends at %d", name, mode, arena, end)
			}
		}
	}
}

// TestForeignMode: a file of Vela has the mode of its scratch: one memory, or a fast one of
// its own.
func TestForeignMode(t *testing.T) {
	for file, want := range map[string]string{
		"u85/gru16_t4.vela51-u85-128.tflite":             "Dedicated_Sram",
		"u85/person_detect.vela51-u85-1024.tflite":       "Dedicated_Sram",
		"models/gru32x40_stream.vela51he-u65-256.tflite": "Shared_Sram",
		"models/gru16_t4.vela51-u55-128.tflite":          "Shared_Sram",
	} {
		p, err := vela.Read(file, testdata.ReadShared(t, "data", file))
		if err != nil {
			t.Fatal(err)
		}
		if p.Mode.Name != want {
			t.Errorf("%s: memory mode %s, expected %s", file, p.Mode.Name, want)
		}
		if err := ethosu.CheckMemory(p.Accel, p.System, p.Mode); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
