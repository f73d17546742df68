// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// rimmed is a recurrent step with float32 inputs and outputs around int8 values.
func rimmed() *graph.Graph {
	g := &graph.Graph{Name: "rimmed"}
	q := graph.PerTensor(0.5, 3)
	add := func(name string, t graph.DType, q *graph.Quant) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: t, Shape: []int{1, 4}, Quant: q})
	}
	x, h := add("x", graph.Float32, nil), add("h", graph.Float32, nil)
	xq, hq, sum := add("xq", graph.Int8, q), add("hq", graph.Int8, q), add("sum", graph.Int8, q)
	y, next := add("y", graph.Float32, nil), add("h_out", graph.Float32, nil)
	other := add("other", graph.Int8, q)
	g.Inputs, g.Outputs = []graph.TensorID{x, h}, []graph.TensorID{y, next}
	g.Ops = []*graph.Op{
		{Kind: graph.Quantize, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{xq}},
		{Kind: graph.Quantize, Inputs: []graph.TensorID{h}, Outputs: []graph.TensorID{hq}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{xq, hq}, Outputs: []graph.TensorID{sum}},
		{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{sum, hq}, Outputs: []graph.TensorID{other}},
		{Kind: graph.Dequantize, Inputs: []graph.TensorID{sum}, Outputs: []graph.TensorID{y}},
		{Kind: graph.Dequantize, Inputs: []graph.TensorID{other}, Outputs: []graph.TensorID{next}},
	}
	return g
}

// TestTakeOffFloat: the integers take the place and the names of the real values, and
// what the names declare as a state is one then.
func TestTakeOffFloat(t *testing.T) {
	m, err := ReadModel("rimmed", mustWrite(t, rimmed()))
	if err != nil {
		t.Fatal(err)
	}
	before := len(m.Graph.Ops)
	names := TakeOffFloat(m)
	g := m.Graph
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"x", "h", "y", "h_out"}; !slices.Equal(names, want) {
		t.Errorf("took off %q, expected %q", names, want)
	}
	if len(g.Ops) != 2 || before != 6 {
		t.Errorf("%d operators of %d are left, expected ADD and MUL", len(g.Ops), before)
	}
	for _, id := range append(append([]graph.TensorID{}, g.Inputs...), g.Outputs...) {
		if x := g.Tensors[id]; x.Type != graph.Int8 || x.Scale() != 0.5 || x.ZeroPoint() != 3 {
			t.Errorf("%q is %v with scale %g and zero point %d, expected int8, 0.5 and 3", x.Name, x.Type, x.Scale(), x.ZeroPoint())
		}
	}
	if len(g.States) != 1 || g.Tensors[g.States[0].In].Name != "h" || g.Tensors[g.States[0].Out].Name != "h_out" {
		t.Errorf("states %v, expected h from h_out", g.States)
	}
	if TakeOffFloat(m) != nil {
		t.Error("there is more to take off")
	}
}

// TestTakeOffFloatKeepsFloatArithmetic: what computes with a real input keeps it.
func TestTakeOffFloatKeepsFloatArithmetic(t *testing.T) {
	g := rimmed()
	extra := g.Add(&graph.Tensor{Name: "z", Type: graph.Float32, Shape: []int{1, 4}})
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Relu, Inputs: []graph.TensorID{g.Inputs[0]}, Outputs: []graph.TensorID{extra}})
	g.Outputs = append(g.Outputs, extra)
	m := &Model{Graph: g}
	if names := TakeOffFloat(m); slices.Contains(names, "x") || !slices.Contains(names, "h") {
		t.Errorf("took off %q, expected h and not x", names)
	}
	if err := m.Graph.Validate(); err != nil {
		t.Error(err)
	}
}

// TestTakeOffFloatKeepsStates: a state of which one end would become integers alone, or
// other ones than its other end, stays real at both.
func TestTakeOffFloatKeepsStates(t *testing.T) {
	for name, change := range map[string]func(g *graph.Graph){
		"read in float": func(g *graph.Graph) {
			z := g.Add(&graph.Tensor{Name: "z", Type: graph.Float32, Shape: []int{1, 4}})
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.Tanh, Inputs: []graph.TensorID{g.Inputs[1]}, Outputs: []graph.TensorID{z}})
			g.Outputs = append(g.Outputs, z)
		},
		"another scale": func(g *graph.Graph) { g.Tensors[g.Ops[5].Inputs[0]].Quant = graph.PerTensor(0.25, 3) },
	} {
		g := rimmed()
		change(g)
		m, err := ReadModel("rimmed", mustWrite(t, g))
		if err != nil {
			t.Fatal(err)
		}
		m.Graph.States = []graph.State{{In: m.Graph.Inputs[1], Out: m.Graph.Outputs[1]}}
		if names, want := TakeOffFloat(m), []string{"x", "y"}; !slices.Equal(names, want) {
			t.Errorf("%s: took off %q, expected %q", name, names, want)
		}
		if err := m.Graph.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
