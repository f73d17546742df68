// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// addStream adds a state and an input of 16 values, both at scale 1/16, and writes
// the sum as output and, a second time, as the next state. OFM addresses are
// parameters since they decide whether the state stays in place.
func addStream(input, state, output, stateOut uint32) []uint32 {
	add := func(ofm uint32) []uint32 {
		return []uint32{
			0x00004010, ofm, // OFM_BASE0
			0x00010006, // ELEMENTWISE ADD
		}
	}
	words := []uint32{
		0x0001010F, 0x00004000, input, 0x00004001, 0, 0x00004002, 0, 0x00004003, 0, // IFM region 1
		0x0000010B, 0xFFFF010C, 0x0000010A, 0x000F0104, // 1 x 1 x 16
		0x00004006, 1, 0x00004005, 16, 0x00004004, 16,
		0x00000109, 0x00010105, 0x00000107, // zero point 0, int8, no upscale
		0x00000100, 0x00000101, 0x00000103, 0x00000102, // no padding
		0x0001011F, 0x00004011, 0, 0x00004012, 0, 0x00004013, 0, // OFM region 1
		0x0000011B, 0xFFFF011C, 0x0000011A, 0x00000112, 0x00000111, 0x000F0113,
		0x00004016, 1, 0x00004015, 16, 0x00004014, 16,
		0x00000118, 0x01010114, // zero point 0, int8, OFM scale of its own
		0x00000125, 0xFF800126, 0x007F0127, // clip to int8
		0x00010116, 0x00010115, 0x000F0117, // block 2 x 2 x 16
		0x0016010D, 0x0016012D, 0x00000124, // SHRAM
		0x0000012F,         // BLOCKDEP 0
		0x00004025, 0x8000, // OPA_SCALE
		0x00004026, 0x8000, // OPB_SCALE
		0x002D4024, 0x40000000, // OFM_SCALE
		0x0006018D,                                                                 // IFM2_IB_START
		0x0001018F, 0x00004080, state, 0x00004081, 0, 0x00004082, 0, 0x00004083, 0, // IFM2
		0x0000018B, 0xFFFF018C, 0x0000018A,
		0x00004086, 1, 0x00004085, 16, 0x00004084, 16,
		0x00000189, 0x00010185, 0x00000180,
	}
	words = append(words, add(output)...)
	words = append(words, add(stateOut)...)
	return append(words, 0xFFFF0000)
}

// accumulator is a streaming model of one addition: output = state' = state + input.
// In place or not is what stateOut says: 16 is where the state is read.
func accumulator(stateOut uint32) *ethosu.Program {
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		panic(err)
	}
	q := graph.PerTensor(0.0625, 0)
	at := func(name string, offset int, shape ...int) ethosu.Binding {
		return ethosu.Binding{Name: name, Type: graph.Int8, Shape: shape, Quant: q, Region: ethosu.RegionArena, Offset: offset, Size: 16}
	}
	p := &ethosu.Program{
		Name:  "accumulator",
		Accel: accel,
		System: ethosu.SystemConfig{
			Name: "Ethos_U55_High_End_Embedded",
		},
		Mode:      ethosu.MemoryMode{Name: "Shared_Sram", Const: 1},
		Constants: []byte("sixteen bytes...thirty-two bytes"),
		ArenaSize: 80,
		Inputs:    []ethosu.Binding{at("input", 0, 1, 1, 16), at("state_h0", 16, 1, 16)},
		Outputs:   []ethosu.Binding{at("output", 32, 1, 16), at("state_h0_out", int(stateOut), 1, 16)},
		States:    []ethosu.StatePair{{In: 1, Out: 1}},
	}
	p.Stages = []ethosu.Stage{p.Whole(addStream(0, 16, 32, stateOut), nil, nil)}
	return p
}

// goldenCalls calls the accumulator: two sequences, of three and two steps.
func goldenCalls() []Call {
	var calls []Call
	state := make([]byte, 16)
	for i := range 5 {
		reset := i == 0 || i == 3
		if reset {
			clear(state)
		}
		in, out := make([]byte, 16), make([]byte, 16)
		for j := range in {
			in[j] = byte(int8(3*i - 5*j))
			sum := int(int8(in[j])) + int(int8(state[j]))
			out[j] = byte(int8(min(max(sum, -128), 127)))
		}
		copy(state, out)
		calls = append(calls, Call{Reset: reset, Inputs: [][]byte{in, nil}, Outputs: [][]byte{out, append([]byte{}, out...)}})
	}
	return calls
}

// tiny is the smallest project with every feature of the API.
func tiny(prefix string, stateOut uint32) Project {
	mean, std := make([]float32, 16), make([]float32, 16)
	for i := range mean {
		mean[i], std[i] = float32(i)/8, 0.5
	}
	var classes []string
	for _, c := range "abcdefghijklmnop" {
		classes = append(classes, string(c))
	}
	return Project{
		Prefix: prefix, Program: accumulator(stateOut), ClassNames: classes, Mean: mean, Std: std, Golden: goldenCalls(),
		Source: "accumulator.tflite", SourceSHA256: "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		Version: "0.0", Settings: map[string]string{"accel": "ethos-u55-128"},
	}
}

// tinyVariable keeps its state in a variable of the arena, as a fused LSTM does.
func tinyVariable() Project {
	p := tiny("keeper", 16)
	prog := p.Program
	prog.Variables, prog.States = []ethosu.Binding{prog.Inputs[1]}, nil
	prog.Variables[0].Name = "lstm/state"
	prog.Inputs, prog.Outputs = prog.Inputs[:1], prog.Outputs[:1]
	for i := range p.Golden {
		p.Golden[i].Inputs, p.Golden[i].Outputs = p.Golden[i].Inputs[:1], p.Golden[i].Outputs[:1]
	}
	return p
}

func generate(t *testing.T, p Project) Tree {
	t.Helper()
	tree, err := Generate(p)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
