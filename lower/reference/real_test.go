// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// one returns a graph of one operator on tensors of given types and shapes, all of them
// inputs, and an output.
func one(kind graph.Kind, attr any, out graph.DType, shape []int, in ...*graph.Tensor) *graph.Graph {
	g := &graph.Graph{Name: "one"}
	var ids []graph.TensorID
	for i, t := range in {
		t.Name = string(rune('a' + i))
		id := g.Add(t)
		ids = append(ids, id)
		if !t.IsConst() {
			g.Inputs = append(g.Inputs, id)
		}
	}
	y := g.Add(&graph.Tensor{Name: "y", Type: out, Shape: shape})
	g.Outputs = []graph.TensorID{y}
	g.Ops = []*graph.Op{{Kind: kind, Attr: attr, Inputs: ids, Outputs: g.Outputs}}
	return g
}

func realTensor(shape ...int) *graph.Tensor { return &graph.Tensor{Type: graph.Float32, Shape: shape} }

// realRun executes a graph whose inputs are float32.
func realRun(t *testing.T, g *graph.Graph, in ...[]float32) *Interpreter {
	t.Helper()
	it, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range in {
		for k, x := range v {
			putReal(it.Input(i), k, x)
		}
	}
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	return it
}

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

// same compares bits, so that -0 is not 0 and every NaN is the quiet one.
func sameBits(t *testing.T, what string, got []byte, want []float32) {
	t.Helper()
	for i, w := range want {
		bits := math.Float32bits(w)
		if w != w {
			bits = 0x7fc00000
		}
		if g := math.Float32bits(getReal(got, i)); g != bits {
			t.Errorf("%s: element %d is %g (%08x), expected %g (%08x)", what, i, getReal(got, i), g, w, bits)
		}
	}
}

// TestRealFunctions: functions of one real number, on the sides of every bend.
func TestRealFunctions(t *testing.T) {
	x := []float32{-7, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5, 6, 6.5, inf, nan}
	zero := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		kind graph.Kind
		attr any
		want []float32
	}{
		{graph.Abs, nil, []float32{7, 1.5, 1, 0.5, 0, 0.5, 1, 1.5, 2.5, 6, 6.5, inf, nan}},
		{graph.Neg, nil, []float32{7, 1.5, 1, 0.5, zero, -0.5, -1, -1.5, -2.5, -6, -6.5, -inf, nan}},
		{graph.Square, nil, []float32{49, 2.25, 1, 0.25, 0, 0.25, 1, 2.25, 6.25, 36, 42.25, inf, nan}},
		{graph.Floor, nil, []float32{-7, -2, -1, -1, 0, 0, 1, 1, 2, 6, 6, inf, nan}},
		{graph.Ceil, nil, []float32{-7, -1, -1, zero, 0, 1, 1, 2, 3, 6, 7, inf, nan}},
		{graph.Round, nil, []float32{-7, -2, -1, zero, 0, 0, 1, 2, 2, 6, 6, inf, nan}},
		{graph.Sign, nil, []float32{-1, -1, -1, -1, 0, 1, 1, 1, 1, 1, 1, 1, nan}},
		{graph.Relu, nil, []float32{0, 0, 0, 0, 0, 0.5, 1, 1.5, 2.5, 6, 6.5, inf, nan}},
		{graph.Relu6, nil, []float32{0, 0, 0, 0, 0, 0.5, 1, 1.5, 2.5, 6, 6, 6, nan}},
		{graph.ReluN1To1, nil, []float32{-1, -1, -1, -0.5, 0, 0.5, 1, 1, 1, 1, 1, 1, nan}},
		{graph.LeakyRelu, graph.LeakyReluAttr{Alpha: 0.5}, []float32{-3.5, -0.75, -0.5, -0.25, 0, 0.5, 1, 1.5, 2.5, 6, 6.5, inf, nan}},
	} {
		g := one(c.kind, c.attr, graph.Float32, []int{len(x)}, realTensor(len(x)))
		sameBits(t, c.kind.String(), realRun(t, g, x).Output(0), c.want)
	}
	roots := []float32{0, 0.25, 4, inf, -1}
	sameBits(t, "SQRT", realRun(t, one(graph.Sqrt, nil, graph.Float32, []int{5}, realTensor(5)), roots).Output(0), []float32{0, 0.5, 2, inf, nan})
	sameBits(t, "RSQRT", realRun(t, one(graph.Rsqrt, nil, graph.Float32, []int{5}, realTensor(5)), roots).Output(0), []float32{inf, 2, 0.5, 0, nan})
}

// TestRealPairs: operators of two real numbers, one of them broadcast, with every fused
// activation that has a kernel.
func TestRealPairs(t *testing.T) {
	a, b := []float32{-3, 0.5, 2, 8, 1, nan}, []float32{2, -0.5}
	for _, c := range []struct {
		name string
		kind graph.Kind
		attr any
		want []float32
	}{
		{"ADD", graph.Add, graph.AddAttr{}, []float32{-1, 0, 4, 7.5, 3, nan}},
		{"ADD relu", graph.Add, graph.AddAttr{Activation: graph.ActRelu}, []float32{0, 0, 4, 7.5, 3, nan}},
		{"ADD relu6", graph.Add, graph.AddAttr{Activation: graph.ActRelu6}, []float32{0, 0, 4, 6, 3, nan}},
		{"SUB", graph.Sub, graph.SubAttr{}, []float32{-5, 1, 0, 8.5, -1, nan}},
		{"SUB relu-1to1", graph.Sub, graph.SubAttr{Activation: graph.ActReluN1To1}, []float32{-1, 1, 0, 1, -1, nan}},
		{"MUL", graph.Mul, graph.MulAttr{}, []float32{-6, -0.25, 4, -4, 2, nan}},
		{"MUL relu", graph.Mul, graph.MulAttr{Activation: graph.ActRelu}, []float32{0, 0, 4, 0, 2, nan}},
		{"DIV", graph.Div, graph.DivAttr{}, []float32{-1.5, -1, 1, -16, 0.5, nan}},
		{"DIV relu6", graph.Div, graph.DivAttr{Activation: graph.ActRelu6}, []float32{0, 0, 1, 0, 0.5, nan}},
		{"SQUARED_DIFFERENCE", graph.SquaredDifference, nil, []float32{25, 1, 0, 72.25, 1, nan}},
		{"MAXIMUM", graph.Maximum, nil, []float32{2, 0.5, 2, 8, 2, -0.5}},
		{"MINIMUM", graph.Minimum, nil, []float32{-3, -0.5, 2, -0.5, 1, -0.5}},
	} {
		g := one(c.kind, c.attr, graph.Float32, []int{3, 2}, realTensor(3, 2), realTensor(2))
		sameBits(t, c.name, realRun(t, g, a, b).Output(0), c.want)
	}
	for kind, want := range map[graph.Kind]string{
		graph.Equal: "001000", graph.NotEqual: "110111", graph.Less: "100010", graph.LessEqual: "101010", graph.Greater: "010100", graph.GreaterEqual: "011100",
	} {
		g := one(kind, nil, graph.Bool, []int{3, 2}, realTensor(3, 2), realTensor(2))
		out := realRun(t, g, a, b).Output(0)
		for i := range 6 {
			if out[i] != want[i]-'0' {
				t.Errorf("%v of %g and %g is %d", kind, a[i], b[i%2], out[i])
			}
		}
	}
}

// TestConversions: to and from real numbers, at rounding ties and beyond the ends.
func TestConversions(t *testing.T) {
	x := []float32{0.25, -0.25, 0.75, 1.25, 1e9, -1e9, nan, 63.5, -64}
	quantized := func(d graph.DType, zero int32) *Interpreter {
		g := one(graph.Quantize, nil, d, []int{len(x)}, realTensor(len(x)))
		g.Tensors[g.Outputs[0]].Quant = graph.PerTensor(0.5, zero)
		return realRun(t, g, x)
	}
	// Ties go away from zero: 0.25/0.5 is 1, 0.75/0.5 is 2, 1.25/0.5 is 3.
	for i, want := range []int8{1, -1, 2, 3, 127, -128, 0, 127, -128} {
		if got := int8(quantized(graph.Int8, 0).Output(0)[i]); got != want {
			t.Errorf("%g is quantized to %d, expected %d", x[i], got, want)
		}
	}
	for i, want := range []int8{4, 2, 5, 6, 127, -128, 3, 127, -125} {
		if got := int8(quantized(graph.Int8, 3).Output(0)[i]); got != want {
			t.Errorf("%g is quantized to %d at a zero point of 3, expected %d", x[i], got, want)
		}
	}
	wide := quantized(graph.Int16, 0).Output(0)
	for i, want := range []int32{1, -1, 2, 3, 32767, -32768, 0, 127, -128} {
		if got := get16(wide, i); got != want {
			t.Errorf("%g is quantized to %d in 16 bits, expected %d", x[i], got, want)
		}
	}
	cast := func(in, out graph.DType, v []float32) *Interpreter {
		return realRun(t, one(graph.Cast, graph.CastAttr{In: in, Out: out}, out, []int{len(v)}, &graph.Tensor{Type: in, Shape: []int{len(v)}}), v)
	}
	values := []float32{1.9, -1.9, 3e9, -3e9, nan, 300}
	ints := cast(graph.Float32, graph.Int32, values).Output(0)
	for i, want := range []int32{1, -1, math.MaxInt32, math.MinInt32, 0, 300} {
		if got := loader(graph.Int32)(ints, i); got != want {
			t.Errorf("CAST of %g is %d, expected %d", values[i], got, want)
		}
	}
	sameBits(t, "CAST to the same", cast(graph.Float32, graph.Float32, values).Output(0), values)
	if low := cast(graph.Float32, graph.Int8, values).Output(0); int8(low[5]) != 44 {
		t.Errorf("CAST of 300 to eight bits is %d, expected its low bits, 44", int8(low[5]))
	}
	g := one(graph.Cast, graph.CastAttr{In: graph.Int16, Out: graph.Float32}, graph.Float32, []int{2}, &graph.Tensor{Type: graph.Int16, Shape: []int{2}})
	it, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	put16(it.Input(0), 0, -5)
	put16(it.Input(0), 1, 32767)
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "CAST to real numbers", it.Output(0), []float32{-5, 32767})
	g = one(graph.Dequantize, nil, graph.Float32, []int{2}, &graph.Tensor{Type: graph.Int8, Shape: []int{2}, Quant: graph.PerTensor(0.5, 3)})
	if it, err = New(g); err != nil {
		t.Fatal(err)
	}
	copy(it.Input(0), []byte{0x80, 127})
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	sameBits(t, "DEQUANTIZE", it.Output(0), []float32{-65.5, 62})
}

// TestRefusals: what has no kernel says which operator, and what to do.
func TestRefusals(t *testing.T) {
	q := func(shape ...int) *graph.Tensor {
		return &graph.Tensor{Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(0.5, 0)}
	}
	quantizedOut := func(g *graph.Graph) *graph.Graph {
		g.Tensors[g.Outputs[0]].Quant = graph.PerTensor(0.5, 0)
		return g
	}
	weights := q(1, 1, 1, 2)
	for _, c := range []struct {
		name string
		g    *graph.Graph
		want string
	}{
		{"HARD_SWISH of real numbers", one(graph.HardSwish, nil, graph.Float32, []int{2}, realTensor(2)), "computes with float32; quantize the network to int8 or int16 first"},
		{"a resizing of 16 bits", quantizedOut(one(graph.ResizeBilinear, graph.ResizeAttr{}, graph.Int16, []int{1, 2, 2, 1}, &graph.Tensor{Type: graph.Int16, Shape: []int{1, 1, 1, 1}, Quant: graph.PerTensor(0.5, 0)},
			&graph.Tensor{Type: graph.Int32, Shape: []int{2}, Data: []byte{2, 0, 0, 0, 2, 0, 0, 0}})), "RESIZE_BILINEAR has no form of 16 bits in TFLite Micro: quantize what it reads and writes to int8"},
		{"PRELU of real numbers", one(graph.PRelu, nil, graph.Float32, []int{2}, realTensor(2), realTensor(2)), "computes with float32"},
		{"ADD with tanh", one(graph.Add, graph.AddAttr{Activation: graph.ActTanh}, graph.Float32, []int{2}, realTensor(2), realTensor(2)), "has no kernel of real numbers"},
		{"a convolution with tanh", one(graph.Conv2D, graph.Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: graph.ActTanh}, graph.Float32, []int{1, 1, 1, 1}, realTensor(1, 1, 1, 2), realTensor(1, 1, 1, 2)), "has no kernel of real numbers"},
		{"computed weights", quantizedOut(one(graph.Conv2D, graph.Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, graph.Int8, []int{1, 1, 1, 1}, q(1, 1, 1, 2), weights)), `CONV_2D: input 1 "b" is computed, expected constant weights and bias`},
		{"a power", quantizedOut(one(graph.Pow, nil, graph.Int8, []int{2}, q(2), q(2))), "POW"},
	} {
		_, err := New(c.g)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.name, err, c.want)
		}
	}
	it, err := New(castGraph())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		i    int
		n    int
		want string
	}{{-1, 0, "input -1 of a graph with 1 inputs"}, {1, 0, "input 1 of a graph with 1 inputs"}, {0, 255, `input "x": got 255 bytes, expected 256 (int8 [1 256])`}, {0, 257, "got 257 bytes"}} {
		if err := it.Feed(c.i, make([]byte, c.n)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("input %d of %d bytes: %v, expected %q", c.i, c.n, err, c.want)
		}
	}
	if it.Graph().Name != "cast" {
		t.Errorf("the graph is %q", it.Graph().Name)
	}
	// Inputs start at their zero points.
	if got := int8(it.Input(0)[0]); got != -7 {
		t.Errorf("an input starts at %d, expected its zero point -7", got)
	}
}
