// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func golden(t *testing.T, name string) (text string, words []uint32) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	words, err = Assemble(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return string(b), words
}

// The complete example stream: a weight DMA, a fully connected layer, tables and
// two additions. Its text is the interface's own.
func TestGoldenStream(t *testing.T) {
	text, words := golden(t, "fully_connected_u55_256.txt")
	if len(words) != 159 {
		t.Fatalf("%d words, expected 159", len(words))
	}
	if _, err := Decode(words, U55); err != nil {
		t.Fatal(err)
	}
	comments := map[int]string{}
	at := 0
	for _, line := range strings.Split(text, "\n") {
		if c, ok := strings.CutPrefix(line, "# "); ok {
			comments[at] = c
			continue
		}
		w, err := Assemble(line)
		if err != nil {
			t.Fatal(err)
		}
		at += len(w)
	}
	var b strings.Builder
	err := Disassemble(&b, words, Notes{Before: func(in Instruction) string { return comments[in.Word] }})
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != text {
		t.Errorf("disassembly differs from testdata:\n%s", b.String())
	}
}

func TestGoldenCommands(t *testing.T) {
	text, words := golden(t, "single_commands.txt")
	var b strings.Builder
	if err := Disassemble(&b, words, Notes{}); err != nil {
		t.Fatal(err)
	}
	if b.String() != text {
		t.Errorf("disassembly differs from testdata:\n%s", b.String())
	}
	if _, err := Decode(words, U65); err != nil {
		t.Error(err)
	}
	var e *Error
	if _, err := Decode(words, U55); !errors.As(err, &e) || e.Name != "NPU_SET_IFM_BASE0" {
		t.Errorf("40-bit address on the U55: %v", err)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		words []uint32
		p     Product
		want  string
	}{
		{"payload mode 2", []uint32{2, 0x8002}, U55, "word 1: 0x00008002: payload mode 2, expected 0 or 1"},
		{"payload mode 3", []uint32{0xC000}, U55, "word 0: 0x0000C000: payload mode 3"},
		{"reserved", []uint32{0x0402}, U55, "word 0: 0x00000402: reserved bits 13..10 are 0x1"},
		{"opcode", []uint32{2, 2, 4}, U55, "word 2: 0x00000004: unknown opcode 0x004 with payload mode 0"},
		{"payload opcode", []uint32{0x4007, 0}, U55, "unknown opcode 0x007 with payload mode 1"},
		{"truncated", []uint32{2, 0x4000}, U55, "word 1: NPU_SET_IFM_BASE0: the stream ends before the payload word"},
		{"range", []uint32{0x00030005}, U55, "word 0: NPU_OP_POOL: pooling_mode=3 is not one of 0..2"},
		{"reserved parameter", []uint32{0x00010002}, U55, "NPU_OP_CONV: reserved parameter bits 0x0001 are set"},
		{"reserved payload", []uint32{0x4026, 0x10000}, U55, "NPU_SET_OPB_SCALE: reserved payload bits 0x00010000 are set"},
		{"product", []uint32{0x123}, U55, "NPU_SET_PARALLEL_MODE: does not exist on the U55"},
		{"product", []uint32{0x40A0, 0}, U65, "NPU_SET_USER_DEFINED0: does not exist on the U65"},
	} {
		_, err := Decode(c.words, c.p)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.name, err, c.want)
		}
	}
}

func TestAssembleErrors(t *testing.T) {
	for text, want := range map[string]string{
		"\nNPU_OP_CONVOLVE":                             `line 2: unknown command "NPU_OP_CONVOLVE"`,
		"NPU_OP_POOL pooling_mode=3":                    "pooling_mode=3 is not one of 0..2",
		"NPU_OP_POOL mode=1":                            `no field "mode": expected one of pooling_mode`,
		"NPU_OP_POOL pooling_mode":                      `"pooling_mode" is not field=value`,
		"NPU_OP_POOL pooling_mode=1 pooling_mode=1":     "given twice",
		"NPU_SET_IFM_BASE0 addr=0x100000000":            "not a 32-bit number",
		"00010005   NPU_OP_POOL pooling_mode=2":         "the words mean",
		"00004000   NPU_SET_IFM_BASE0 addr_hi=0 addr=0": "ends before the payload",
		"00010005 00010005 NPU_OP_POOL pooling_mode=1":  "2 hexadecimal words before NPU_OP_POOL, expected 1",
	} {
		if _, err := Assemble(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", text, err, want)
		}
	}
}
