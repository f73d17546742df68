// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestHostileTensorNames compiles models whose tensors are called as what the generated C
// calls and casts to.
func TestHostileTensorNames(t *testing.T) {
	tool(t, "gcc")
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	q, shape := graph.PerTensor(1.0/128, 0), []int{1, 8}
	for _, names := range [][4]string{
		{"int8_t", "uint32_t", "npu_wait", "npu_poll"},
		{"bad_start", "npu_start", "bad_wait", "uint8_t"},
		{"memmove", "memcpy", "bad_context", "bad_status"},
		{"int", "void", "size_t", "null"},
		{"ctx", "status", "bad_run", "int32_t"},
	} {
		g := &graph.Graph{Name: "bad"}
		for i := range 4 {
			g.Add(&graph.Tensor{Name: names[i], Type: graph.Int8, Shape: shape, Quant: q})
		}
		g.Inputs, g.Outputs = []graph.TensorID{0, 1}, []graph.TensorID{2, 3}
		g.Ops = []*graph.Op{
			{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: g.Inputs, Outputs: g.Outputs[:1]},
			{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: g.Inputs, Outputs: g.Outputs[1:]},
		}
		p := Project{Prefix: "bad", Version: "0.0", Source: "bad.tflite"}
		if p.Program, err = compile.Compile(g, compile.Options{Accel: accel}); err != nil {
			t.Fatal(err)
		}
		dir := onDisk(t, p)
		runIn(t, dir, "gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-Inpu", "-Isrc", "-c", "src/bad.c", "-o", "bad.o")
	}
}
