// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// replaced swaps words of a stream.
func replaced(words []uint32, swap map[uint32]uint32) []uint32 {
	words = slices.Clone(words)
	for i, w := range words {
		if to, ok := swap[w]; ok {
			words[i] = to
		}
	}
	return words
}

// tenValues makes addStream add ten values instead of 16.
var tenValues = map[uint32]uint32{0x000F0104: 0x00090104, 0x000F0113: 0x00090113}

// loadStream copies the 32 bytes of the constants to region 1.
func loadStream() []uint32 {
	return []uint32{
		0x00000130, 0x00004030, 0, // DMA0_SRC
		0x00010131, 0x00004031, 0, // DMA0_DST
		0x00004032, 32, // DMA0_LEN
		0x00000010, 0x00000011, // DMA_START, DMA_WAIT 0
		0xFFFF0000,
	}
}

// stepStream adds ten values in region 3 to the state at 0 of region 1. A copy of the
// sum goes to region out, at 16 in region 1.
func stepStream(out uint32) []uint32 {
	copyAt := uint32(16)
	if out != 1 {
		copyAt = 0
	}
	words := replaced(replaced(addStream(0, 0, copyAt, 0), tenValues), map[uint32]uint32{0x0001010F: 0x0003010F, 0x0001011F: out<<16 | 0x011F})
	second := len(words) - 4 // OFM_BASE0, its value, the ADD and the end
	return slices.Insert(words, second, 0x0001011F)
}

// headStream doubles ten values in region 3.
func headStream() []uint32 {
	return replaced(replaced(addStream(0, 0, 0, 16), tenValues), map[uint32]uint32{0x0001010F: 0x0003010F, 0x0001018F: 0x0003018F})
}

// tinySequence is a run of three steps, state' = state + input, and a head at its end,
// output = 2 state. The constants, which nothing reads, are copied first.
func tinySequence(prefix string) Project {
	const steps = 3
	p := tiny(prefix, 16)
	q := graph.PerTensor(0.0625, 0)
	prog := p.Program
	prog.ArenaSize = 112
	prog.Inputs = []ethosu.Binding{
		{Name: "input", Type: graph.Int8, Shape: []int{1, steps, 10}, Quant: q, Region: ethosu.RegionArena, Offset: 32, Size: 30, Rows: steps, Stride: 16},
		{Name: "state_h0", Type: graph.Int8, Shape: []int{1, 10}, Quant: q, Region: ethosu.RegionArena, Offset: 0, Size: 10},
	}
	prog.Outputs = []ethosu.Binding{
		{Name: "output", Type: graph.Int8, Shape: []int{1, 10}, Quant: q, Region: ethosu.RegionArena, Offset: 80, Size: 10},
		{Name: "state_h0_out", Type: graph.Int8, Shape: []int{1, 10}, Quant: q, Region: ethosu.RegionArena, Offset: 0, Size: 10},
	}
	prog.Steps = steps
	prog.Stages = []ethosu.Stage{
		{Name: "load", Times: 1, Commands: loadStream(), Windows: []ethosu.Window{{Region: 0, In: 0, Size: 32}, {Region: 1, In: 1, Offset: 80, Size: 32}}},
		{Name: "step", Times: steps, Commands: stepStream(1), Windows: []ethosu.Window{
			{Region: 0, In: 1, Offset: 80, Size: 32}, {Region: 1, In: 1, Size: 32}, {Region: 3, In: 1, Offset: 32, Size: 16, Advance: 16}}},
		{Name: "head", Times: 1, Commands: headStream(), Windows: []ethosu.Window{{Region: 1, In: 1, Offset: 80, Size: 32}, {Region: 3, In: 1, Size: 16}}},
	}
	p.ClassNames, p.Mean, p.Std = strings.Split("abcdefghij", ""), []float32{0.5}, []float32{0.25}
	p.Golden = sequenceCalls(steps, false)
	return p
}

// tinySteps is a run of three steps that gives the state after each of them. The
// constants stay where they are.
func tinySteps(prefix string) Project {
	p := tinySequence(prefix)
	prog := p.Program
	prog.ArenaSize = 128
	prog.Outputs[0] = prog.Inputs[0]
	prog.Outputs[0].Name, prog.Outputs[0].Offset = "output", 80
	prog.Stages = []ethosu.Stage{{Name: "step", Times: 3, Commands: stepStream(4), Windows: []ethosu.Window{
		{Region: 0, In: 0, Size: 32}, {Region: 1, In: 1, Size: 32}, {Region: 3, In: 1, Offset: 32, Size: 16, Advance: 16}, {Region: 4, In: 1, Offset: 80, Size: 16, Advance: 16}}}}
	p.ClassNames = nil
	p.Golden = sequenceCalls(3, true)
	return p
}

// sequenceCalls are two chains of runs, of three and two.
func sequenceCalls(steps int, every bool) []Call {
	sat := func(x int) byte { return byte(int8(min(max(x, -128), 127))) }
	var calls []Call
	state := make([]byte, 10)
	for i := range 5 {
		c := Call{Reset: i == 0 || i == 3, Inputs: [][]byte{make([]byte, 10*steps), nil}, Outputs: [][]byte{nil, nil}}
		if c.Reset {
			clear(state)
		}
		for t := range steps {
			for j := range state {
				x := int8(5*t - 3*j + i)
				c.Inputs[0][10*t+j] = byte(x)
				state[j] = sat(int(int8(state[j])) + int(x))
			}
			if every {
				c.Outputs[0] = append(c.Outputs[0], state...)
			}
		}
		if !every {
			for _, x := range state {
				c.Outputs[0] = append(c.Outputs[0], sat(2*int(int8(x))))
			}
		}
		c.Outputs[1] = slices.Clone(state)
		calls = append(calls, c)
	}
	return calls
}

// armSequence is the sequence for Arm's driver.
func armSequence() Project {
	p := tinySequence("arm_seq")
	p.Options.Driver = ArmDriver
	return p
}

// fastSequence keeps the constants in a memory of their own.
func fastSequence() Project {
	p := tinySequence("dram")
	prog := p.Program
	prog.FastSize = 32
	prog.Mode = ethosu.MemoryMode{Name: "Dedicated_Sram", Const: 1, Arena: 1, Cache: 0}
	s := prog.Stages
	s[0].Commands = replaced(s[0].Commands, map[uint32]uint32{0x00010131: 0x00020131})
	s[0].Windows[1] = ethosu.Window{Region: 2, In: 2, Size: 32}
	s[1].Windows[0] = ethosu.Window{Region: 0, In: 2, Size: 32}
	return p
}

func TestTinySequencesVerify(t *testing.T) {
	for _, p := range []Project{tinySequence("seq"), tinySteps("steps"), fastSequence()} {
		for _, f := range verify.Program(p.Program).All() {
			t.Errorf("%s: %v", p.Prefix, f)
		}
	}
}

func TestSequenceInManifest(t *testing.T) {
	p := tinySequence("seq")
	want := &ManifestSequence{Steps: 3, WakeUps: 5, Stages: []ManifestStage{{Name: "load", Times: 1, Bytes: 44}, {Name: "step", Times: 3, Bytes: 4 * len(stepStream(1))}, {Name: "head", Times: 1, Bytes: 4 * len(headStream())}}}
	if d := cmp.Diff(want, newManifest(&p, Tree{}).Sequence); d != "" {
		t.Error(d)
	}
}

// TestBadSequence: what cannot run is refused by name.
func TestBadSequence(t *testing.T) {
	for want, damage := range map[string]func(p *ethosu.Program){
		`stage "step": regions 1 and 3 overlap`:        func(p *ethosu.Program) { p.Stages[1].Windows[2].Offset = 16 },
		`stage "head": region 1 takes bytes 96 to 128`: func(p *ethosu.Program) { p.Stages[2].Windows[0].Offset = 96 },
		`input "input" at 32 leaves the arena of 112`:  func(p *ethosu.Program) { p.Inputs[0].Stride = 44 },
		`stage "load": 0 words`:                        func(p *ethosu.Program) { p.Stages[0].Commands = nil },
	} {
		p := tinySequence("seq")
		damage(p.Program)
		if _, err := Generate(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v\nexpected %q in it", err, want)
		}
	}
}

// TestSequenceAPI runs the generated API of a sequence over a driver that counts its
// starts and fails where it is told to, under AddressSanitizer and UBSan.
func TestSequenceAPI(t *testing.T) {
	tool(t, "gcc")
	dir := onDisk(t, tinySequence("seq"))
	api, err := filepath.Abs("testdata/api")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "sequence")
	runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
		"-Iinclude", "-Inpu", "-Isrc", "-I"+api, "-o", program, "src/seq.c", "src/seq_model.c", "npu/npu_status.c", filepath.Join(api, "sequence.c"))
	if out := runIn(t, dir, program); !strings.Contains(out, "passed") {
		t.Error(out)
	}
}

// TestArmSequence runs the golden vectors through a stand-in for Arm's driver.
func TestArmSequence(t *testing.T) {
	tool(t, "gcc")
	dir := onDisk(t, armSequence())
	copyFiles(t, dir, "testdata/arm/ethosu_driver.h", "npu/ethosu_driver.h", "testdata/arm/sequence.c", "main.c")
	runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-Iinclude", "-Inpu", "-Iapp", "-Isrc", "-o", "check",
		"main.c", "src/arm_seq.c", "src/arm_seq_model.c", "src/unroll_arm_config.c", "app/check.c", "app/golden.c")
	if out := runIn(t, dir, "./check"); !strings.Contains(out, "5 calls, 0 mismatches, 25 starts") {
		t.Error(out)
	}
}
