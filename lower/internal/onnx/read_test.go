// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/unroll-npu/unroll/testdata"
)

// message builds protobuf fields: a number for a varint, bytes or text else.
func message(fields ...any) []byte {
	var b []byte
	for i := 0; i < len(fields); i += 2 {
		n := protowire.Number(fields[i].(int))
		switch v := fields[i+1].(type) {
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case int64:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		}
	}
	return b
}

// modelOf wraps a GraphProto.
func modelOf(graph []byte) []byte {
	return message(1, 8, 7, graph, 8, message(2, 17))
}

func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), []byte{9, 9, 0, 0, 128, 63, 0, 0, 0, 64}, 0o644); err != nil {
		t.Fatal(err)
	}
	tensor := func(location string, more ...any) []byte {
		entries := message(1, "location", 2, location)
		b := message(append([]any{1, 2, 2, 1, 8, "w", 14, 1, 13, entries}, more...)...)
		return modelOf(message(5, b))
	}
	offset := message(1, "offset", 2, "2")
	m, err := Read(filepath.Join(dir, "m.onnx"), tensor("w.bin", 13, offset))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Graph.Weights["w"].Floats(); len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Errorf("found %v, expected 1 and 2", got)
	}
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{tensor("../w.bin"), "expected a file in the folder"},
		{tensor("/etc/passwd"), "expected a file in the folder"},
		{tensor("none.bin"), "lies in another file"},
		{tensor("w.bin", 13, message(1, "offset", 2, "4")), "beyond the 10 bytes"},
		{tensor("w.bin", 13, message(1, "length", 2, "-1")), "beyond the 10 bytes"},
	} {
		if _, err := Read(filepath.Join(dir, "m.onnx"), c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestHostileFiles(t *testing.T) {
	deep := message(1, message(4, "If"))
	for range 40 {
		deep = message(1, message(4, "If", 5, message(1, "then_branch", 6, deep)))
	}
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "no graph"},
		{"cut", modelOf(message(1, message(4, "Add")))[:9], "broken"},
		{"no opset", message(7, message(2, "g")), "opset"},
		{"2^40 elements", modelOf(message(5, message(1, 1<<20, 1, 1<<20, 2, 1, 8, "w", 9, "1234"))), "more than"},
		{"2^40 in one dimension", modelOf(message(5, message(1, int64(1<<40), 2, 1, 8, "w", 9, "1234"))), "out of range"},
		{"negative dimension", modelOf(message(5, message(1, -1, 2, 1, 8, "w"))), "out of range"},
		{"too little data", modelOf(message(5, message(1, 3, 2, 1, 8, "w", 9, "1234"))), "takes 12"},
		{"nested branches", modelOf(deep), "nested more than"},
	} {
		if _, err := Read("m.onnx", c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(testdata.Shared(f, "data", "onnx"), "test_[gls]*.onnx"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) { _, _ = Read("m.onnx", raw) })
}
