// SPDX-License-Identifier: Apache-2.0

package recipe

import (
	"bytes"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	_ "github.com/unroll-npu/unroll/lower/finetune" // its table
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	_ "github.com/unroll-npu/unroll/lower/quantize" // its table
	"github.com/unroll-npu/unroll/lower/tflite"
)

// single is a graph of one SOFTSIGN.
func single(t graph.DType, in, out *graph.Quant) *graph.Graph {
	g := &graph.Graph{Name: "softsign"}
	g.Add(&graph.Tensor{Name: "x", Type: t, Shape: []int{1, 256}, Quant: in})
	g.Add(&graph.Tensor{Name: "y", Type: t, Shape: []int{1, 256}, Quant: out})
	g.Inputs, g.Outputs = []graph.TensorID{0}, []graph.TensorID{1}
	g.Ops = []*graph.Op{{Kind: Softsign, Inputs: g.Inputs, Outputs: g.Outputs}}
	return g
}

// TestEveryStageHasIt: a row of a kind with a function of real numbers is enough.
func TestEveryStageHasIt(t *testing.T) {
	for _, s := range graph.Stages() {
		own, common, reason := s.Holds(Softsign)
		if s.Concerns(Softsign) && !own && !common && reason == "" {
			t.Errorf("%s has neither a function nor a reason", s.Name())
		}
	}
}

// TestFromFileToNPU writes the operator to a file, reads it again, and runs it in float,
// in the interpreter and on the NPU.
func TestFromFileToNPU(t *testing.T) {
	file, err := tflite.Write(single(graph.Int8, graph.PerTensor(0.05, 3), graph.PerTensor(1.0/128, 0)))
	if err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Read("softsign.tflite", file)
	if err != nil {
		t.Fatal(err)
	}
	x, want := make([]byte, 256), make([]byte, 256)
	for i := range x {
		x[i] = byte(i)
		v := 0.05 * float64(int(int8(i))-3)
		want[i] = byte(int8(math.Round(min(max(v/(1+math.Abs(v))*128, -128), 127))))
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	npu, err := runner.NewSimulator(p)
	if err != nil {
		t.Fatal(err)
	}
	for where, m := range map[string]runner.Model{"interpreter": ref, "NPU": npu} {
		out := runner.Buffers(m.Outputs())
		if err := m.Invoke([][]byte{x}, out); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out[0], want) {
			t.Errorf("%s: %v, expected %v", where, out[0], want)
		}
	}
	exec, err := floatexec.New(single(graph.Float32, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, 256)
	in[0], in[1] = 1, -3
	got, err := exec.Runner().Run(1, [][]float32{in})
	if err != nil {
		t.Fatal(err)
	}
	if y := got[0].Row(0); y[0] != 0.5 || y[1] != -0.75 || y[2] != 0 {
		t.Errorf("in float %v, expected 0.5, -0.75 and 0", y[:3])
	}
}
