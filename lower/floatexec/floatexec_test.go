// SPDX-License-Identifier: Apache-2.0

package floatexec_test

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

func floats(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func ints(v ...int32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

// single makes a graph of one operator with one fed input of the given shape.
func single(kind graph.Kind, attr any, in []int, outs [][]int, before, after []*graph.Tensor) *graph.Graph {
	g := &graph.Graph{Name: "one"}
	op := &graph.Op{Kind: kind, Attr: attr}
	for _, t := range before {
		op.Inputs = append(op.Inputs, g.Add(t))
	}
	x := g.Add(&graph.Tensor{Name: "x", Shape: in})
	g.Inputs = []graph.TensorID{x}
	op.Inputs = append(op.Inputs, x)
	for _, t := range after {
		op.Inputs = append(op.Inputs, g.Add(t))
	}
	for _, s := range outs {
		op.Outputs = append(op.Outputs, g.Add(&graph.Tensor{Name: "y", Shape: s}))
	}
	g.Outputs = op.Outputs
	g.Ops = []*graph.Op{op}
	return g
}

func run(t *testing.T, g *graph.Graph, batch int, x ...float32) [][]float32 {
	t.Helper()
	e, err := floatexec.New(g)
	if err != nil {
		t.Fatal(err)
	}
	views, err := e.Runner().Run(batch, [][]float32{x})
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for _, v := range views {
		var all []float32
		for b := range batch {
			all = append(all, v.Row(b)...)
		}
		out = append(out, all)
	}
	return out
}

func TestOperators(t *testing.T) {
	index := func(shape []int, v ...int32) *graph.Tensor {
		return &graph.Tensor{Type: graph.Int32, Shape: shape, Data: ints(v...)}
	}
	value := func(shape []int, v ...float32) *graph.Tensor { return &graph.Tensor{Shape: shape, Data: floats(v...)} }
	type T = []*graph.Tensor
	for _, c := range []struct {
		name string
		g    *graph.Graph
		want [][]float32 // of the batch {1..n}, {-1..-n}
	}{
		{"split columns", single(graph.Split, graph.SplitAttr{NumSplits: 2}, []int{2, 4}, [][]int{{2, 2}, {2, 2}}, T{index(nil, -1)}, nil),
			[][]float32{{1, 2, 5, 6, -1, -2, -5, -6}, {3, 4, 7, 8, -3, -4, -7, -8}}},
		{"split rows", single(graph.Split, graph.SplitAttr{NumSplits: 2}, []int{2, 2}, [][]int{{1, 2}, {1, 2}}, T{index(nil, 0)}, nil),
			[][]float32{{1, 2, -1, -2}, {3, 4, -3, -4}}},
		{"split of sizes", single(graph.SplitV, graph.SplitVAttr{NumSplits: 2}, []int{1, 3}, [][]int{{1, 2}, {1, 1}}, nil, T{index([]int{2}, 2, -1), index(nil, 1)}),
			[][]float32{{1, 2, -1, -2}, {3, -3}}},
		{"unpack", single(graph.Unpack, graph.UnpackAttr{Axis: 1, Num: 2}, []int{2, 2}, [][]int{{2}, {2}}, nil, nil),
			[][]float32{{1, 3, -1, -3}, {2, 4, -2, -4}}},
		{"join columns", single(graph.Concatenation, graph.ConcatenationAttr{Axis: -1}, []int{2, 1}, [][]int{{2, 2}}, T{value([]int{2, 1}, 8, 9)}, nil),
			[][]float32{{8, 1, 9, 2, 8, -1, 9, -2}}},
		{"product", single(graph.FullyConnected, graph.FullyConnectedAttr{Activation: graph.ActRelu}, []int{2, 2}, [][]int{{2, 3}}, nil,
			T{value([]int{3, 2}, 1, 0, 0, 1, 1, 1), value([]int{3}, 0, 10, 0)}),
			[][]float32{{1, 12, 3, 3, 14, 7, 0, 8, 0, 0, 6, 0}}},
		{"one minus", single(graph.Sub, graph.SubAttr{}, []int{2}, [][]int{{2}}, T{value(nil, 1)}, nil),
			[][]float32{{0, -1, 2, 3}}},
		{"clamped sum", single(graph.Add, graph.AddAttr{Activation: graph.ActRelu6}, []int{2}, [][]int{{2}}, nil, T{value([]int{2}, 5, -1)}),
			[][]float32{{6, 1, 4, 0}}},
		{"rescale", single(graph.Quantize, nil, []int{2}, [][]int{{2}}, nil, nil), [][]float32{{1, 2, -1, -2}}},
	} {
		n := c.g.Tensors[c.g.Inputs[0]].Elems()
		x := make([]float32, 2*n)
		for i := range n {
			x[i], x[n+i] = float32(i+1), float32(-i-1)
		}
		got := run(t, c.g, 2, x...)
		if !slices.EqualFunc(got, c.want, slices.Equal) {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
}

func TestActivations(t *testing.T) {
	var x []float32
	for v := float32(-40); v <= 40; v += 0.037 {
		x = append(x, v)
	}
	shape := []int{len(x)}
	s := run(t, single(graph.Logistic, nil, shape, [][]int{shape}, nil, nil), 1, x...)[0]
	h := run(t, single(graph.Tanh, nil, shape, [][]int{shape}, nil, nil), 1, x...)[0]
	p := run(t, single(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, shape, [][]int{shape}, nil, nil), 1, x...)[0]
	sum := 0.0
	for i, v := range x {
		if d := math.Abs(float64(s[i]) - 1/(1+math.Exp(-float64(v)))); d > 2e-7 {
			t.Errorf("sigmoid(%v) = %v", v, s[i])
		}
		if d := math.Abs(float64(h[i]) - math.Tanh(float64(v))); d > 5e-7 {
			t.Errorf("tanh(%v) = %v", v, h[i])
		}
		sum += float64(p[i])
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("softmax sums to %v", sum)
	}
	inf := float32(math.Inf(1))
	e := run(t, single(graph.Logistic, nil, []int{3}, [][]int{{3}}, nil, nil), 1, inf, -inf, float32(math.NaN()))[0]
	if e[0] != 1 || e[1] > 1e-30 || e[2] == e[2] {
		t.Errorf("sigmoid of +Inf, -Inf, NaN: %v", e)
	}
}

// Values of a quantized graph lie on its grids and inside their range.
func TestRounding(t *testing.T) {
	g := single(graph.Quantize, nil, []int{5}, [][]int{{5}}, nil, nil)
	g.Tensors[0].Type, g.Tensors[0].Quant = graph.Int8, graph.PerTensor(0.5, 10)
	g.Tensors[1].Type, g.Tensors[1].Quant = graph.Int8, graph.PerTensor(2, -128)
	got := run(t, g, 1, 0.7, 3, -100, 100, 0)[0]
	if want := []float32{0, 4, 0, 58, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}

// CAST copies integers: what they stand for follows the quantizations.
func TestCast(t *testing.T) {
	g := single(graph.Cast, graph.CastAttr{}, []int{5}, [][]int{{5}}, nil, nil)
	g.Tensors[0].Type, g.Tensors[0].Quant = graph.Int8, graph.PerTensor(0.5, 10)
	g.Tensors[1].Type, g.Tensors[1].Quant = graph.Int16, graph.PerTensor(0.25, 0)
	got := run(t, g, 1, 0, 1, -2.5, 58.5, -69)[0] // integers 10, 12, 5, 127, -128
	if want := []float32{2.5, 3, 1.25, 31.75, -32}; !slices.Equal(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		g    *graph.Graph
		want string
	}{
		{single(graph.Custom, graph.CustomAttr{}, []int{2}, [][]int{{2}}, nil, nil), "float execution does not do CUSTOM"},
		{single(graph.Transpose, nil, []int{2}, [][]int{{2}}, nil, nil), "has 1 inputs, expected 2"},
		{single(graph.Add, nil, []int{2}, [][]int{{2}}, nil, []*graph.Tensor{{Shape: []int{3}, Data: floats(1, 2, 3)}}), "does not fit output"},
		{single(graph.FullyConnected, nil, []int{2}, [][]int{{2}}, nil, []*graph.Tensor{{Shape: []int{2}, Data: floats(1, 2)}}), "two dimensions"},
		{single(graph.Reshape, graph.ReshapeAttr{}, []int{2}, [][]int{{3}}, nil, nil), "has 3 elements (shape [3]), expected the 2"},
		{single(graph.Cast, graph.CastAttr{}, []int{2}, [][]int{{2}}, nil, nil), "needs the scales"},
		{single(graph.Tanh, nil, []int{2}, [][]int{{2}}, nil, []*graph.Tensor{{Name: "c", Shape: []int{2}, Data: floats(1)}}), `"c": 4 bytes`},
	} {
		if _, err := floatexec.New(c.g); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected one with %q", err, c.want)
		}
	}
	e, err := floatexec.New(single(graph.Tanh, nil, []int{2}, [][]int{{2}}, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Runner().Run(2, [][]float32{{1, 2, 3}}); err == nil || !strings.Contains(err.Error(), "3 values given") {
		t.Errorf("short input: %v", err)
	}
}
