// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// Names and numbers of the small types.
func TestNamesAndLimits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{NHWC.String(), "NHWC"}, {NHCWB16.String(), "NHCWB16"},
		{DType{true, 8}.String(), "S8"}, {DType{false, 16}.String(), "U16"}, {DType{true, 32}.String(), "S32"}, {DType{true, 64}.String(), "S64"},
		{U55.String(), "U55"}, {U65.String(), "U65"}, {U85.String(), "U85"}, {ProductOf(true).String(), "U65"}, {ProductOf(false).String(), "U55"},
		{PoolMode(PoolReduceSum).String(), "REDUCE_SUM"}, {PoolMode(8).String(), "PoolMode(8)"},
		{ElementwiseMode(ElemSHL).String(), "SHL"}, {ElementwiseMode(12).String(), "ElementwiseMode(12)"}, {ElementwiseMode(43).String(), "ElementwiseMode(43)"},
		{Code(0x4007).String(), "Code(0x4007)"}, {SetIFMBase0.String(), "NPU_SET_IFM_BASE0"}, {(Code(0x8000)).String(), "Code(0x8000)"},
		{(&Error{Word: 3, Name: "N", What: "w"}).Error(), "word 3: N: w"}, {(&Error{Word: 3, What: "w"}).Error(), "word 3: w"},
		{Command{Code: 0x0004}.Text(), "Code(0x0004)"},
	} {
		if c.got != c.want {
			t.Errorf("%q, expected %q", c.got, c.want)
		}
	}
	for _, c := range []struct {
		t      DType
		lo, hi int64
		bytes  int
	}{{DType{true, 8}, -128, 127, 1}, {DType{false, 8}, 0, 255, 1}, {DType{true, 16}, -32768, 32767, 2}, {DType{false, 16}, 0, 65535, 2}, {DType{true, 32}, -1 << 31, 1<<31 - 1, 4}} {
		if lo, hi := c.t.Limits(); lo != c.lo || hi != c.hi || c.t.Bytes() != c.bytes {
			t.Errorf("%v holds %d to %d in %d bytes", c.t, lo, hi, c.t.Bytes())
		}
	}
	if s, u := (DType{true, 8}).Extend(0xFF80), (DType{false, 8}).Extend(0xFF80); s != -128 || u != 0xFF80 {
		t.Errorf("0xFF80 is %d signed and %d unsigned", s, u)
	}
}

// Spans that touch have no byte in common, in one region or in two.
func TestOverlaps(t *testing.T) {
	a := Span{1, 10, 20}
	for _, c := range []struct {
		b    Span
		want bool
	}{
		{Span{1, 10, 20}, true}, {Span{2, 10, 20}, false}, {Span{1, 20, 30}, false}, {Span{1, 19, 30}, true},
		{Span{1, 0, 10}, false}, {Span{1, 0, 11}, true}, {Span{1, 12, 13}, true}, {Span{1, 0, 40}, true}, {Span{1, 30, 40}, false}, {Span{1, 0, 5}, false},
	} {
		if a.Overlaps(c.b) != c.want || c.b.Overlaps(a) != c.want {
			t.Errorf("%v and %v overlap: %v, expected %v", a, c.b, a.Overlaps(c.b), c.want)
		}
	}
}

// Maps without extent have no span; 16 channels are one brick, 17 two.
func TestSpansAtLimits(t *testing.T) {
	f := FeatureMap{Region: 2, Base: [4]uint64{100}, Height0: 1, Height1: 1, Width0: 1, H: 1, W: 1, C: 16, StrideC: 64, Type: DType{true, 8}, Format: NHCWB16}
	for _, c := range []struct {
		h, w, c int
		want    int64
	}{{1, 1, 15, 115}, {1, 1, 16, 116}, {1, 1, 17, 180}, {1, 1, 32, 180}, {1, 1, 33, 244}} {
		f.H, f.W, f.C = c.h, c.w, c.c
		if s := f.Spans(); len(s) != 1 || s[0] != (Span{2, 100, c.want}) {
			t.Errorf("%d channels lie in %v, expected up to %d", c.c, s, c.want)
		}
	}
	for _, c := range [][3]int{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {-1, 1, 1}} {
		f.H, f.W, f.C = c[0], c[1], c[2]
		if s := f.Spans(); s != nil {
			t.Errorf("%v has spans %v", c, s)
		}
	}
}

// Addresses keep 40 bits; a stride may be negative, in 32 bits or in 40.
func TestWide(t *testing.T) {
	for _, v := range []int64{0, 1, 1<<32 - 1, 1 << 32, 1<<40 - 1, -1, -1 << 39} {
		c := PutOFMBase0(v)
		if got := c.Address(); got != v&(1<<40-1) {
			t.Errorf("%d comes back as %d", v, got)
		}
	}
	for v, want := range map[int64]int64{0: 0, 1<<31 - 1: 1<<31 - 1, 1 << 31: -1 << 31, 1<<32 - 1: -1, 1 << 32: 1 << 32, 1<<39 - 1: 1<<39 - 1, 1 << 39: -1 << 39, 1<<40 - 1: -1} {
		if got := signed(v); got != want {
			t.Errorf("%#x is %d, expected %d", v, got, want)
		}
	}
	if bit(true) != 1 || bit(false) != 0 {
		t.Error("a bit is not 0 or 1")
	}
	refuses := func(v int64) (refused bool) {
		defer func() { refused = recover() != nil }()
		PutOFMBase0(v)
		return false
	}
	if refuses(1<<40-1) || !refuses(1<<40) || refuses(-1<<39) || !refuses(-1<<39-1) {
		t.Error("what does not fit 40 bits is taken, or what fits is refused")
	}
}

// Fields are found by name, in the parameter and in the payload; others are a bug.
func TestFieldByName(t *testing.T) {
	r := LookupName("NPU_SET_OFM_SCALE")
	if f, in := r.Field("shift"); f.Name != "shift" || in {
		t.Errorf("shift: %+v, in the payload: %v", f, in)
	}
	if f, in := r.Field("scale"); f.Name != "scale" || !in || f.Width() != 32 {
		t.Errorf("scale: %+v, in the payload: %v", f, in)
	}
	for _, c := range []struct{ row, name string }{{"NPU_SET_OFM_SCALE", "x"}, {"NPU_OP_CONV", ""}, {"NPU_OP_CONV", "scale"}} {
		func() {
			defer func() {
				if s, _ := recover().(string); s != "BUG: "+c.row+" has no field "+c.name {
					t.Errorf("%s has a field %q", c.row, c.name)
				}
			}()
			LookupName(c.row).Field(c.name)
		}()
	}
	if LookupName("NPU_OP_NONE") != nil || Lookup(0x8002) != nil || Lookup(0x0402) != nil {
		t.Error("a command is found that does not exist")
	}
}

// What a product lacks, reserved bits and values: each has its own sentence.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		c    Command
		p    Product
		want string
	}{
		{Command{Code: 0x0004}, U55, "unknown opcode 0x0004"},
		{Command{Code: SetIFMBase0, Param: 1}, U55, "addr_hi=1 must be 0 on the U55"},
		{Command{Code: SetIFMBase0, Param: 1}, U65, ""},
		{Command{Code: SetIFMBase0, Param: 0xFF, Payload: 0xFFFFFFF0}, U55, "addr_hi=255 must be 0 on the U55"},
		{Command{Code: SetOFMStrideX, Param: 0xFF, Payload: 1 << 31}, U55, ""}, // a sign that fills them
		{Command{Code: SetOFMStrideX, Param: 0xFF, Payload: 1<<31 - 1}, U55, "addr_hi=255 must be 0 on the U55"},
		{Command{Code: SetOFMStrideX, Param: 0xFE, Payload: 1 << 31}, U55, "addr_hi=254 must be 0 on the U55"},
		{Command{Code: SetIFMBase0, Param: 0x100}, U65, "reserved parameter bits 0x0100 are set"},
		{Command{Code: SetOPBScale, Payload: 0xFFFF}, U55, ""},
		{Command{Code: SetOPBScale, Payload: 0x10000}, U55, "reserved payload bits 0x00010000 are set"},
		{Command{Code: OpPool, Param: 2}, U55, ""},
		{Command{Code: OpPool, Param: 3}, U55, "pooling_mode=3 is not one of 0..2"},
		{Command{Code: OpElementwise, Param: 9}, U55, ""},
		{Command{Code: OpElementwise, Param: 10}, U55, "elementwise_mode=10 is not one of 0..9"},
		{Command{Code: SetActivation, Param: 5}, U55, "function=5 is not one of 0, 3..4, 16..23"},
		{Command{Code: SetActivation, Param: 16}, U55, ""},
		{Command{Code: SetActivation, Param: 23}, U55, ""},
		{Command{Code: SetActivation, Param: 24}, U55, "function=24 is not one of 0, 3..4, 16..23"},
	} {
		err := c.c.Check(c.p)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%v on %v: %v, expected %q", c.c, c.p, err, c.want)
		}
	}
	f := Field{Name: "f", Hi: 3, Lo: 1}
	if f.Check(7, U55) != nil || f.Check(8, U55) == nil {
		t.Error("three bits hold up to 7")
	}
	if got := f.Put(0xFF, 0xA); got != 0xF1|2<<1 {
		t.Errorf("Put gives %#x", got)
	}
	if _, err := Next([]uint32{2}, 1); err == nil || err.Error() != "word 1: outside the stream of 1 words" {
		t.Errorf("behind the stream: %v", err)
	}
	if _, err := Next([]uint32{2}, -1); err == nil {
		t.Error("a word before the stream is decoded")
	}
	list, err := Decode([]uint32{2, 0x00010003}, U55)
	var e *Error
	if len(list) != 1 || !errors.As(err, &e) || *e != (Error{1, "NPU_OP_DEPTHWISE", "reserved parameter bits 0x0001 are set"}) {
		t.Errorf("%v, %v", list, err)
	}
}

// Registers hold what was written last and say whether anything was; operations are none.
func TestState(t *testing.T) {
	var s State
	first, last := Table[0].Code, SetUserDefined0+7
	if first != OpStop {
		t.Fatalf("the table begins with %v", first)
	}
	s.Write(Command{Code: OpStop, Param: 7})
	s.Write(Command{Code: 0x8000, Param: 7})
	s.Write(Command{Code: OpConv, Param: 7})
	if s != (State{}) {
		t.Error("an operation is written to the registers")
	}
	for _, code := range []Code{SetIFMPadTop, SetIFMBase0, SetIFM2Precision, last} {
		want := Command{Code: code, Param: 3}
		if code.HasPayload() {
			want.Payload = 4
		}
		if c, set := s.Command(code); set || c != (Command{Code: code}) || s.IsSet(code) {
			t.Errorf("%v is set before it was written", code)
		}
		s.Write(Command{Code: code, Param: 1, Payload: 2})
		s.Write(want)
		if c, set := s.Command(code); !set || c != want || !s.IsSet(code) || s.Param(code) != 3 || s.Payload(code) != want.Payload {
			t.Errorf("%v holds %v", code, c)
		}
	}
	if c, set := s.Command(0x8000); set || c.Code != 0x8000 || s.IsSet(0x8000) || s.Param(0x8000) != 0 || s.Payload(0x8000) != 0 {
		t.Error("a code without a row is a register")
	}
}

// Notes stand above a command and behind it, as comments; an empty one leaves no mark.
func TestNotes(t *testing.T) {
	words := []uint32{2, 0x00010005, 0x8000}
	var b strings.Builder
	err := Disassemble(&b, words, Notes{
		Before: func(in Instruction) string { return map[int]string{1: "above\nand more"}[in.Word] },
		After:  func(in Instruction) string { return map[int]string{0: "behind\nit"}[in.Word] },
	})
	want := "00000002            NPU_OP_CONV  # behind it\n# above\n# and more\n00010005            NPU_OP_POOL pooling_mode=1\n"
	if b.String() != want {
		t.Errorf("%q, expected %q", b.String(), want)
	}
	if err == nil || err.Error() != "word 2: 0x00008000: payload mode 2, expected 0 or 1" {
		t.Errorf("%v", err)
	}
	if err := Disassemble(full{}, []uint32{2}, Notes{}); err == nil {
		t.Error("what cannot be written is not an error")
	}
}

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

// Text that is not one command with its fields.
func TestAssembleDetails(t *testing.T) {
	for text, want := range map[string]string{
		"0000000G":                                 `line 1: unknown command "0000000G"`,
		"00000002 00000002":                        "",
		"NPU_SET_OFM_SCALE shift=1 x=2":            `NPU_SET_OFM_SCALE: no field "x": expected one of shift, scale`,
		"NPU_OP_CONV x=1":                          `no field "x"`,
		"NPU_OP_CONV =1":                           `no field ""`,
		"NPU_SET_OPB_SCALE scale=65536":            "does not fit 16 bits",
		"NPU_SET_OFM_SCALE shift=0x3F scale=0x10":  "",
		"NPU_SET_IFM_BASE0 addr_hi=255 addr=1 # x": "",
		"0000 NPU_OP_CONV":                         `unknown command "0000"`,
		"00000004 NPU_OP_CONV":                     "unknown opcode",
	} {
		words, err := Assemble(text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %08X, %v, expected %q", text, words, err, want)
		}
	}
}

// A payload for the driver: words where the format has them, and a sentence for each way
// in which one is damaged. Byte 28 has the length in pieces, the stream follows at 32.
func TestPayloadErrors(t *testing.T) {
	whole := (&Payload{Config: 1, ID: 2, Words: []uint32{7, 8, 9}}).Append(nil)
	if len(whole) != 44 || binary.LittleEndian.Uint32(whole[28:]) != 3<<16|2 || binary.LittleEndian.Uint32(whole[12:]) != 2 {
		t.Fatalf("payload % X", whole)
	}
	with := func(at int, w uint32) []byte {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], w)
		return b
	}
	long := make([]uint32, 1<<22)
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"whole", whole, ""},
		{"empty", nil, "no COP1 or COP2 at its start"},
		{"three bytes", whole[:3], "no COP1 or COP2 at its start"},
		{"other magic", with(0, 1), "no COP1 or COP2 at its start"},
		{"magic alone", whole[:4], "no COMMAND_STREAM"},
		{"configuration without words", whole[:8], "OPTIMIZER_CONFIG at byte 4 is cut off"},
		{"configuration without ID", whole[:12], "OPTIMIZER_CONFIG at byte 4 is cut off"},
		{"configuration alone", whole[:16], "no COMMAND_STREAM"},
		{"one word short", whole[:40], "COMMAND_STREAM at byte 28 claims 3 words, 2 follow"},
		{"one word more", with(28, 4<<16|2), "claims 4 words, 3 follow"},
		{"empty stream", with(28, 2)[:32], ""},
		{"odd place", append(with(28, 5), whole[28:]...)[:48], "unknown action 7 at byte 32"},
		{"another action", with(24, 6), "unknown action 6 at byte 24"},
		{"nothing in between", with(24, 0), ""},
		{"stream at 28", with(24, 4<<16|2), "the stream at byte 28 is not at a multiple of 16"},
		{"stream at 20", with(16, 6<<16|2), "the stream at byte 20 is not at a multiple of 16"},
		{"second stream", append(with(28, 3<<16|2), 2, 0, 0, 0), "second COMMAND_STREAM at byte 44, expected one"},
		{"16 MiB", (&Payload{Words: long}).Append(nil), "a stream of 4194304 words is not below 16 MiB"},
		{"below", (&Payload{Words: long[1:]}).Append(nil), ""},
	} {
		p, err := ParsePayload(c.bytes)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, expected %q", c.name, err, c.want)
		}
		if c.name == "whole" && (p.Config != 1 || p.ID != 2 || len(p.Words) != 3 || p.Words[2] != 9) {
			t.Errorf("the payload comes back as %+v", p)
		}
	}
}
