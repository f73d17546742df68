// SPDX-License-Identifier: Apache-2.0

package vela_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestVariablesAreInputs writes a network with variable tensors: a runtime must find
// them as inputs of the operator, alike those that Vela writes, at offsets that its
// plan gives; and the program must come back whole.
func TestVariablesAreInputs(t *testing.T) {
	const name = "tflm_mnist_lstm20_int8"
	g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := vela.Write(p)
	if err != nil {
		t.Fatal(err)
	}
	type variable struct {
		Type  graph.DType
		Shape []int
		Quant *graph.Quant
	}
	variables := func(name string, file []byte) []variable {
		m, err := tflite.ReadModel(name, file)
		if err != nil {
			t.Fatal(err)
		}
		var list []variable
		for _, id := range m.Graph.Ops[0].Inputs[4:] {
			if v := m.Graph.Tensors[id]; v.Variable {
				list = append(list, variable{v.Type, v.Shape, v.Quant})
			}
		}
		return list
	}
	want := variables("vela", testdata.ReadShared(t, "data", "models", name+".vela51-u55-128.tflite"))
	if len(want) != 2 {
		t.Fatalf("Vela writes %d variables", len(want))
	}
	if d := cmp.Diff(want, variables("ours", ours)); d != "" {
		t.Errorf("variables (-Vela +ours):\n%s", d)
	}
	q, err := vela.Read(name, ours)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, q); d != "" {
		t.Errorf("program (-written +read):\n%s", d)
	}
}
