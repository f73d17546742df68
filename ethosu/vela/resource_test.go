// SPDX-License-Identifier: Apache-2.0

package vela_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/tflite"
)

func readTestdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestResourceVariables runs a network whose resource variables Vela left to the CPU, in
// two sequences of carried states, beside the interpreter on the plain file.
func TestResourceVariables(t *testing.T) {
	const compiled = "variables.vela40-u55-128.tflite"
	p, err := vela.Read(compiled, readTestdata(t, compiled))
	if err != nil {
		t.Fatal(err)
	}
	if r := verify.Program(p); !r.Proven() {
		t.Errorf("%v", r.All())
	}
	var names []string
	for _, v := range p.Variables {
		names = append(names, v.Name)
	}
	if got := strings.Join(names, " "); got != "first second" {
		t.Errorf("variables %q", got)
	}
	g, err := tflite.Read("variables.tflite", readTestdata(t, "variables.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	dut, err := runner.NewSimulator(p)
	if err != nil {
		t.Fatal(err)
	}
	random := runner.RandomFeed(g, 11)
	feed := func(call int, in [][]byte) bool { return random(call, in) || call == 20 }
	r, err := runner.Compare(ref, dut, 40, feed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.First != nil {
		t.Error(r.First)
	}
}

// TestPlanOfSubgraphs: the plan may list the tensors of the first subgraph or those of
// all, and no other number of them.
func TestPlanOfSubgraphs(t *testing.T) {
	const compiled = "variables.vela40-u55-128.tflite"
	file := readTestdata(t, compiled)
	m, err := tflite.ReadModel(compiled, file)
	if err != nil {
		t.Fatal(err)
	}
	first, all := m.Tensors[0], m.Tensors[0]+m.Tensors[1]
	if len(m.Tensors) != 2 || m.Tensors[1] != 4 {
		t.Fatalf("subgraphs have %v tensors", m.Tensors)
	}
	plan := m.Find("OfflineMemoryAllocation")
	at := bytes.Index(file, plan)
	for _, c := range []struct {
		count int
		want  string
	}{
		{all, ""},
		{first, ""},
		{all - 1, "plans 15 tensors, expected the 12 of the first subgraph or the 16 of all 2"},
		{0, "plans 0 tensors"},
		{1 << 30, "plans 1073741824 tensors"},
	} {
		b := bytes.Clone(file)
		binary.LittleEndian.PutUint32(b[at+8:], uint32(c.count))
		_, err := vela.Read(compiled, b)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("a plan of %d tensors: %v, expected %q", c.count, err, c.want)
		}
	}
}
