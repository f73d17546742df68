// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path"
	"reflect"
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
func roundTrip(t *testing.T, words []uint32, p Product, cores int) {
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
	if err := p.Disassemble(&b, words, Notes{}); err != nil {
		t.Fatal(err)
	}
	if again, err := p.Assemble(b.String()); err != nil || !slices.Equal(again, words) {
		t.Errorf("disassembled and assembled again, the words differ: %v", err)
	}
	err = p.Walk(words, func(op *Operation) error {
		if p != U85 {
			cores = op.Cores()
		}
		if u := op.Unset(p, cores); u != nil {
			t.Errorf("word %d %v: %v not set", op.Word, op.Name(), u)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// payloadOf returns the driver payload of a compiled model.
func payloadOf(t *testing.T, file string) *Payload {
	t.Helper()
	b := testdata.ReadShared(t, file)
	at := bytes.Index(b, []byte("COP1"))
	if at < 4 {
		t.Fatal("no driver payload")
	}
	size := binary.LittleEndian.Uint32(b[at-4:]) // length of the flatbuffer vector
	p, err := ParsePayload(b[at : at+int(size)])
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParsePayload(p.Append(nil)); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("the payload does not come back: %v", err)
	}
	return p
}

func TestRoundTripCompiledModels(t *testing.T) {
	for _, f := range testdata.Glob(t, "data", "models", "*.vela*.tflite") {
		t.Run(path.Base(f), func(t *testing.T) {
			p := payloadOf(t, f)
			roundTrip(t, p.Words, ProductOf(p.Config>>28 == 1), 1)
		})
	}
}

// TestRoundTripU85: streams of Vela 5.1 for the U85. Of the registers that an operation
// reads none is left unset, and as Product says so does the ID.
func TestRoundTripU85(t *testing.T) {
	for _, f := range slices.Concat(testdata.Glob(t, "data", "u85", "*.tflite"), testdata.Glob(t, "data", "u85", "ops", "*.vela51-*.tflite")) {
		if path.Base(f) == "SOFTMAX_int8_int16_nobias.vela51-u85-256.tflite" {
			continue // all of it is left to the CPU
		}
		t.Run(path.Base(f), func(t *testing.T) {
			p := payloadOf(t, f)
			if p.Config>>28 != uint32(U85) || p.ID != architecture2_0_0 {
				t.Errorf("CONFIG 0x%08X, ID 0x%08X", p.Config, p.ID)
			}
			roundTrip(t, p.Words, U85, 1<<(p.Config>>12&3))
			two := *p
			two.Two, two.Separate, two.Staging = true, true, 1<<33
			b := two.Append(nil)
			if again, err := ParsePayload(b); err != nil || !reflect.DeepEqual(again, &two) || len(b) != 64+4*len(p.Words) {
				t.Errorf("form 2 does not come back: %v", err)
			}
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
			roundTrip(t, s.Commands, U55, 1)
		}
	}
	if n != 48 {
		t.Errorf("%d streams, expected 48", n)
	}
}
