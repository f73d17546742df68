// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
)

// TestSimulateTypes feeds an ONNX model with arrays of the types that it declares.
func TestSimulateTypes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, typ string, shape []int, data ...byte) string {
		var out bytes.Buffer
		if err := npy.Write(&out, &npy.Array{Type: typ, Shape: shape, Data: data}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name+".npy")
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	x := write("x", "<f4", []int{1, 3}, make([]byte, 12)...)
	count := write("count", "<i8", []int{1, 3}, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0)
	run := func(count string) (int, string) {
		args := []string{"simulate", filepath.Join("..", "..", "lower", "source", "testdata", "whole.onnx"), "--force", "--out", dir, "--input", "x=" + x, "--input", "count=" + count,
			"--input", "mask=" + write("mask", "|b1", []int{1, 3}, 1, 1, 0), "--input", "row=" + write("row", "<i4", []int{1}, 2, 0, 0, 0)}
		var stdout, stderr bytes.Buffer
		code := execute(context.Background(), args, nil, &stdout, &stderr)
		return code, stderr.String()
	}
	if code, text := run(count); code != 0 {
		t.Fatalf("exit code %d: %s", code, text)
	}
	f, err := os.Open(filepath.Join(dir, "y.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	y, err := npy.Read("y.npy", f)
	if err != nil || y.Type != "<f4" || y.Elements() != 3 || y.Float(0) != 5 || y.Float(1) != 6 || y.Float(2) == 7 {
		t.Errorf("y is %+v, %v", y, err)
	}
	half := write("half", "<f4", []int{1, 3}, 0, 0, 0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0)
	if code, text := run(half); code != 1 || !strings.Contains(text, half+`: input "count" of `) || !strings.Contains(text, "is int64, and element 0 of the float32 array is 0.5") {
		t.Errorf("exit code %d: %s", code, text)
	}
}
