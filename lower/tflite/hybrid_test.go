// SPDX-License-Identifier: Apache-2.0

package tflite_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// dynamic is a network as dynamic-range quantization leaves it: a layer with weights of
// int8, by channel and one with weights of uint8 and a zero point.
func dynamic() *net {
	n := newNet("dynamic")
	weights := func(typ graph.DType, shape []int, q *graph.Quant, data ...byte) graph.TensorID {
		return n.Add(&graph.Tensor{Name: "w" + typ.String(), Type: typ, Shape: shape, Quant: q, Data: data})
	}
	x := n.input(1, 2)
	a := n.op(graph.FullyConnected, graph.FullyConnectedAttr{}, s(1, 3), x,
		weights(graph.Int8, s(3, 2), &graph.Quant{Scales: []float32{0.5, 2, 0.25}, ZeroPoints: []int32{0, 0, 0}}, 1, 0xff, 3, 4, 0x80, 127), graph.None)
	b := n.op(graph.FullyConnected, graph.FullyConnectedAttr{}, s(1, 1), a,
		weights(graph.Uint8, s(1, 3), graph.PerTensor(0.5, 128), 130, 128, 126), graph.None)
	n.Outputs = []graph.TensorID{b}
	return n
}

// TestHybrid opens a dynamic-range model: its weights are the real numbers that they stand
// for, which is said, and compile names the verb that takes it.
func TestHybrid(t *testing.T) {
	n := dynamic()
	file := save(t, n.Graph)
	if float, err := source.IsFloat(file); err != nil || !float {
		t.Fatalf("is a float network: %v, %v", float, err)
	}
	got, err := source.Open(file, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(got.Assumed, func(s string) bool { return strings.Contains(s, "2 weights of the file are integers with scales") }) {
		t.Errorf("assumed: %q", got.Assumed)
	}
	exec, err := floatexec.New(got.Graph)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Runner().Run(1, [][]float32{{3, -2}})
	if err != nil {
		t.Fatal(err)
	}
	// Rows of the first: 0.5·(1, -1), 2·(3, 4), 0.25·(-128, 127); of the second 0.5·(2, 0, -2).
	a := []float64{0.5*3 + 0.5*2, 6*3 - 8*2, -32*3 - 31.75*2}
	if want := a[0] - a[2]; math.Abs(float64(out[0].Row(0)[0])-want) > 1e-4 {
		t.Errorf("output %v, expected %v", out[0].Row(0), want)
	}
	_, err = tflite.ReadModel(file, tflite.Encode(n.Graph))
	if err == nil || !strings.Contains(err.Error(), "unroll lower takes it") {
		t.Errorf("error %v, expected one that names unroll lower", err)
	}
	n.Tensors[1].Quant.Scales = n.Tensors[1].Quant.Scales[:2]
	if _, err := tflite.ReadReal("n.tflite", tflite.Encode(n.Graph)); err == nil || !strings.Contains(err.Error(), "2 scales") {
		t.Errorf("error %v, expected that there are 2 scales for 3 rows", err)
	}
}
