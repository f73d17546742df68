// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

func TestPayload(t *testing.T) {
	_, words := golden(t, "fully_connected_u55_256.txt")
	b := (&Payload{Config: 0x3008, Words: words}).Append(nil)
	var head []uint32
	for i := range 8 {
		head = append(head, binary.LittleEndian.Uint32(b[4*i:]))
	}
	if want := []uint32{0x31504F43, 0x00100001, 0x3008, 0x10060000, 5, 5, 5, 0x009F0002}; !slices.Equal(head, want) {
		t.Errorf("header %08X, expected %08X", head, want)
	}
	p, err := ParsePayload(b)
	if err != nil || p.Config != 0x3008 || p.ID != 0x10060000 || !slices.Equal(p.Words, words) {
		t.Errorf("payload came back as %+v: %v", p, err)
	}
	long := make([]uint32, 70000) // the length needs its upper eight bits
	if p, err = ParsePayload((&Payload{Words: long}).Append(nil)); err != nil || len(p.Words) != len(long) {
		t.Errorf("70000 words: %v", err)
	}
	for _, n := range []int{0, 3, 8, 28, len(b) - 4} {
		if _, err := ParsePayload(b[:n]); err == nil {
			t.Errorf("a payload cut to %d bytes is accepted", n)
		}
	}
}

// roundTrip requires decode, encode and text of a stream to give the same words.
func roundTrip(t *testing.T, words []uint32, p Product) {
	t.Helper()
	in, err := Decode(words, p)
	if err != nil {
		t.Fatal(err)
	}
	var commands []Command
	for _, i := range in {
		commands = append(commands, i.Command)
	}
	if !slices.Equal(Encode(commands), words) {
		t.Error("decoded and encoded again, the words differ")
	}
	var b strings.Builder
	if err := Disassemble(&b, words, Notes{}); err != nil {
		t.Fatal(err)
	}
	if again, err := Assemble(b.String()); err != nil || !slices.Equal(again, words) {
		t.Errorf("disassembled and assembled again, the words differ: %v", err)
	}
	cores := 1
	err = Walk(words, func(op *Operation) error {
		cores = op.Cores()
		if u := op.Unset(p, cores); u != nil {
			t.Errorf("word %d %v: %v not set", op.Word, op.Op, u)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRoundTripCompiledModels(t *testing.T) {
	for _, f := range testdata.Glob(t, "data", "models", "*.vela*.tflite") {
		t.Run(path.Base(f), func(t *testing.T) {
			b := testdata.ReadShared(t, f)
			at := bytes.Index(b, []byte("COP1"))
			if at < 4 {
				t.Fatal("no driver payload")
			}
			size := binary.LittleEndian.Uint32(b[at-4:]) // length of the flatbuffer vector
			p, err := ParsePayload(b[at : at+int(size)])
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, p.Words, ProductOf(p.Config>>28 == 1))
		})
	}
}

func TestRoundTripVectors(t *testing.T) {
	n := 0
	for _, name := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		var file struct{ Cases, Models []map[string]json.RawMessage }
		if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", name), &file); err != nil {
			t.Fatal(err)
		}
		for _, c := range append(file.Cases, file.Models...) {
			var s struct{ Commands []uint32 }
			if c["npu_stream"] == nil {
				continue
			}
			if err := json.Unmarshal(c["npu_stream"], &s); err != nil {
				t.Fatal(err)
			}
			n++
			roundTrip(t, s.Commands, U55)
		}
	}
	if n != 48 {
		t.Errorf("%d streams, expected 48", n)
	}
}
