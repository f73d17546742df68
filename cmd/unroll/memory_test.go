// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

var memory = flag.Bool("memory", false, "measure the peak memory of every verb on a large network")

// heavy are the verbs, in an order in which each finds what it reads, and the most
// megabytes that each may hold: about twice what was measured. A GRU of 256 units over 28
// steps is the largest network that the project's own pages speak of.
var heavy = []struct {
	command string
	most    int
}{
	{"train --units 256 --epochs 1 -o net.safetensors", 150},
	{"lower net.safetensors -o net.tflite", 230},
	{"compile net.tflite --curve=false -o net.npu.tflite", 75},
	{"compile net.tflite --force -o net.npu.tflite", 85},
	{"inspect net.npu.tflite --ops", 50},
	{"verify net.npu.tflite", 55},
	{"report net.npu.tflite -o report.html", 55},
	{"generate net.tflite -o fw", 140},
	{"bench compile net.tflite", 75},
	{"build --units 256 --epochs 1 --compare 20 --chain 5 -o out", 500},
	{"tune --study s --candidates 2 --rungs 1 --keep 2 --epochs 1 --cell gru --layers 1 --units 256 --window 1 --validation 0.1", 250},
}

// TestMemory prints the most memory that every verb held, as the kernel counted it.
func TestMemory(t *testing.T) {
	if !*memory {
		t.Skip("SKIPPED: the peak memory of verbs is measured at night (-memory)")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var table strings.Builder
	for _, h := range heavy {
		cmd, stderr := start(self, dir, h.command)
		if err := cmd.Run(); err != nil {
			t.Errorf("unroll %s: %v: %s", h.command, err, stderr)
			continue
		}
		held := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss / 1024
		fmt.Fprintf(&table, "%5d MB  %s\n", held, h.command)
		if int64(held) > int64(h.most) {
			t.Errorf("unroll %s held %d MB, expected at most %d", h.command, held, h.most)
		}
	}
	t.Logf("\n%s", table.String())
}
