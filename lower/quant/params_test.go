// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// binary returns a graph of one operator on two int8 inputs.
func binary(kind graph.Kind, attr any, a, b, out *graph.Quant) *graph.Graph {
	g := &graph.Graph{}
	for i, q := range []*graph.Quant{a, b, out} {
		g.Add(&graph.Tensor{Name: string(rune('a' + i)), Type: graph.Int8, Shape: []int{1}, Quant: q})
	}
	g.Ops = []*graph.Op{{Kind: kind, Attr: attr, Inputs: []graph.TensorID{0, 1}, Outputs: []graph.TensorID{2}}}
	return g
}

func TestAddParametersWorkedExample(t *testing.T) {
	g := binary(graph.Add, graph.AddAttr{}, graph.PerTensor(.02, 3), graph.PerTensor(.013, -5), graph.PerTensor(.03, 7))
	p, err := ForAddSub(g, g.Ops[0])
	if err != nil {
		t.Fatal(err)
	}
	if p.A != (Multiplier{1073741824, 0}) || p.B != (Multiplier{1395864431, -1}) || p.Out != (Multiplier{1431655765, -19}) {
		t.Errorf("multipliers %v %v %v", p.A, p.B, p.Out)
	}
}

func TestMulParametersWorkedExample(t *testing.T) {
	g := binary(graph.Mul, graph.MulAttr{}, graph.PerTensor(.02, 3), graph.PerTensor(.013, -5), graph.PerTensor(.004, 7))
	p, err := ForMul(g, g.Ops[0])
	if err != nil || p.Out != (Multiplier{1116691442, -3}) {
		t.Errorf("multiplier %v, %v", p.Out, err)
	}
}

func TestTable8WorkedExample(t *testing.T) {
	at := []int{-128, -64, -32, -16, -8, -1, 0, 1, 8, 16, 32, 64, 127}
	logistic := []int8{-128, -120, -92, -59, -37, -16, -13, -10, 13, 37, 77, 116, 127}
	tanh := []int8{-128, -122, -92, -51, -23, 4, 8, 11, 37, 63, 99, 123, 127}
	lt, err := LogisticTable8(graph.PerTensor(0.05, 4))
	if err != nil {
		t.Fatal(err)
	}
	tt, err := TanhTable8(graph.PerTensor(0.03, -2))
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range at {
		if lt[x+128] != logistic[i] || tt[x+128] != tanh[i] {
			t.Errorf("x %d: logistic %d, want %d; tanh %d, want %d", x, lt[x+128], logistic[i], tt[x+128], tanh[i])
		}
	}
}

// TestBadQuantizationIsAnError feeds every operator quantization that no
// kernel accepts; each has to name the tensor and must not panic.
func TestBadQuantizationIsAnError(t *testing.T) {
	ok := graph.PerTensor(.02, 3)
	nan := float32(math.NaN())
	bad := map[string]*graph.Quant{
		"none": nil, "zero": graph.PerTensor(0, 0), "negative": graph.PerTensor(-1, 0), "nan": graph.PerTensor(nan, 0),
		"inf": graph.PerTensor(float32(math.Inf(1)), 0), "zero point": graph.PerTensor(1, 200), "lengths": {Scales: []float32{1, 2}},
	}
	kinds := []struct {
		kind graph.Kind
		attr any
		get  func(*graph.Graph, *graph.Op) error
	}{
		{graph.FullyConnected, graph.FullyConnectedAttr{}, func(g *graph.Graph, o *graph.Op) error { _, err := ForMAC(g, o); return err }},
		{graph.Add, graph.AddAttr{}, func(g *graph.Graph, o *graph.Op) error { _, err := ForAddSub(g, o); return err }},
		{graph.Sub, graph.SubAttr{}, func(g *graph.Graph, o *graph.Op) error { _, err := ForAddSub(g, o); return err }},
		{graph.Mul, graph.MulAttr{}, func(g *graph.Graph, o *graph.Op) error { _, err := ForMul(g, o); return err }},
		{graph.Relu, nil, func(g *graph.Graph, o *graph.Op) error { _, err := ForRequant(g, o); return err }},
		{graph.Logistic, nil, func(g *graph.Graph, o *graph.Op) error { _, err := ForTable8(g, o); return err }},
		{graph.Softmax, graph.SoftmaxAttr{Beta: 1}, func(g *graph.Graph, o *graph.Op) error { _, err := ForSoftmax8(g, o); return err }},
		{graph.UnidirectionalSequenceLSTM, graph.LSTMAttr{Activation: graph.ActTanh}, func(g *graph.Graph, o *graph.Op) error { _, err := ForLSTM(g, o); return err }},
	}
	for _, k := range kinds {
		for name, q := range bad {
			g := binary(k.kind, k.attr, q, ok, ok)
			err := k.get(g, g.Ops[0])
			if err == nil || !strings.Contains(err.Error(), k.kind.String()) {
				t.Errorf("%v with input quantization %q: error %v", k.kind, name, err)
			}
		}
	}
}

func TestFusedTanhIsRefused(t *testing.T) {
	q := graph.PerTensor(.02, 3)
	g := binary(graph.Add, graph.AddAttr{Activation: graph.ActTanh}, q, q, q)
	if _, err := ForAddSub(g, g.Ops[0]); err == nil || !strings.Contains(err.Error(), "TANH") {
		t.Errorf("error %v", err)
	}
}
