// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"
	"strings"
	"testing"
)

// small returns y = FULLY_CONNECTED(x), s = SPLIT(y), z = ADD(s0, h) with the
// state h.
func small() *Graph {
	g := &Graph{Name: "small"}
	q := PerTensor(0.5, -3)
	x := g.Add(&Tensor{Name: "x", Type: Int8, Shape: []int{1, 3}, Quant: PerTensor(0.25, 1)})
	w := g.Add(&Tensor{Name: "w", Type: Int8, Shape: []int{8, 3}, Quant: PerChannel([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 0), Data: make([]byte, 24)})
	b := g.Add(&Tensor{Name: "b", Type: Int32, Shape: []int{8}, Data: make([]byte, 32)})
	y := g.Add(&Tensor{Name: "y", Type: Int8, Shape: []int{1, 8}, Quant: q})
	axis := g.Add(&Tensor{Name: "axis", Type: Int32, Data: []byte{0xFF, 0xFF, 0xFF, 0xFF}})
	s0 := g.Add(&Tensor{Name: "s0", Type: Int8, Shape: []int{1, 4}, Quant: q})
	s1 := g.Add(&Tensor{Name: "s1", Type: Int8, Shape: []int{1, 4}, Quant: q})
	h := g.Add(&Tensor{Name: "h", Type: Int8, Shape: []int{1, 4}, Quant: q})
	z := g.Add(&Tensor{Name: "z", Type: Int8, Shape: []int{1, 4}, Quant: q})
	g.Inputs, g.Outputs = []TensorID{x, h}, []TensorID{s1, z}
	g.States = []State{{In: h, Out: z}}
	g.Ops = []*Op{
		{Kind: FullyConnected, Attr: FullyConnectedAttr{Activation: ActRelu}, Inputs: []TensorID{x, w, b}, Outputs: []TensorID{y}},
		{Kind: Split, Attr: SplitAttr{NumSplits: 2}, Inputs: []TensorID{axis, y}, Outputs: []TensorID{s0, s1}},
		{Kind: Add, Attr: AddAttr{}, Inputs: []TensorID{s0, h}, Outputs: []TensorID{z}},
	}
	return g
}

// TestValidate spoils a good graph in one place and looks for the name of what
// is wrong in the error.
func TestValidate(t *testing.T) {
	if err := small().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(g *Graph)
		want  string
	}{
		{"nil tensor", func(g *Graph) { g.Tensors[3] = nil }, "tensor 3 is missing"},
		{"nil operator", func(g *Graph) { g.Ops[1] = nil }, "operator 1 is missing"},
		{"unknown type", func(g *Graph) { g.Tensors[0].Type = 77 }, `tensor 0 "x": type DType(77)`},
		{"negative dimension", func(g *Graph) { g.Tensors[0].Shape[0] = -1 }, "negative dimension"},
		{"overflow", func(g *Graph) { g.Tensors[0].Shape = []int{math.MaxInt, math.MaxInt} }, "needs more than"},
		{"many large tensors", func(g *Graph) {
			for range 5 {
				g.Add(&Tensor{Name: "large", Type: Int8, Shape: []int{MaxTensorBytes}})
			}
		}, "which is the limit"},
		{"data size", func(g *Graph) { g.Tensors[1].Data = make([]byte, 23) }, `"w": has 23 bytes of data, expected 24`},
		{"input id", func(g *Graph) { g.Ops[0].Inputs[0] = 99 }, "names tensor 99 of 9"},
		{"output id", func(g *Graph) { g.Ops[0].Outputs[0] = -1 }, "names tensor -1 of 9"},
		{"graph output id", func(g *Graph) { g.Outputs[0] = 42 }, "graph output names tensor 42"},
		{"order", func(g *Graph) { g.Ops[0], g.Ops[2] = g.Ops[2], g.Ops[0] }, `"s0", is read before`},
		{"cycle", func(g *Graph) { g.Ops[0].Inputs[0] = 8 }, `"z", is read before`},
		{"written twice", func(g *Graph) { g.Ops[2].Outputs[0] = 3 }, `"y", is a graph input, constant, variable or computed before`},
		{"writes a constant", func(g *Graph) { g.Ops[2].Outputs[0] = 1 }, `"w", is a graph input`},
		{"never computed", func(g *Graph) { g.Ops = g.Ops[:2]; g.States = nil }, `graph output "z" is never computed`},
		{"unknown kind", func(g *Graph) { g.Ops[2].Kind = 999 }, "operator 2 (Op(999)"},
		{"attributes", func(g *Graph) { g.Ops[2].Attr = SubAttr{} }, "attributes are graph.SubAttr, expected graph.AddAttr"},
		{"input count", func(g *Graph) { g.Ops[2].Inputs = g.Ops[2].Inputs[:1] }, "has 1 inputs, expected 2"},
		{"absent input", func(g *Graph) { g.Ops[2].Inputs[1] = None }, "input 1 is absent"},
		{"no quantization", func(g *Graph) { g.Tensors[0].Quant = nil }, `tensor "x": has no quantization`},
		{"scale 0", func(g *Graph) { g.Tensors[0].Quant = PerTensor(0, 0) }, "scale 0 is 0"},
		{"zero point", func(g *Graph) { g.Tensors[0].Quant = PerTensor(1, 128) }, "zero point 0 is 128"},
		{"channels", func(g *Graph) { g.Tensors[1].Quant.Axis = 1 }, `"w": has 8 scales for 3 indices`},
		{"bias type", func(g *Graph) { g.Tensors[2].Type, g.Tensors[2].Data = Int64, make([]byte, 64) }, `bias "b" is int64`},
		{"bias size", func(g *Graph) { g.Tensors[2].Shape, g.Tensors[2].Data = []int{7}, make([]byte, 28) }, `bias "b" has 7 elements, expected 8`},
		{"dynamic range", func(g *Graph) {
			for _, i := range []int{0, 3} {
				g.Tensors[i].Type, g.Tensors[i].Quant = Float32, nil
			}
			g.Tensors[2].Type = Float32
		}, "a dynamic-range (hybrid) model"},
		{"weights shape", func(g *Graph) { g.Tensors[0].Shape = []int{1, 4} }, "expected a multiple of the 3 inputs"},
		{"split axis", func(g *Graph) { g.Tensors[4].Data[0] = 0xF0 }, "axis -16 is outside the 2 dimensions"},
		{"split count", func(g *Graph) { g.Ops[1].Attr = SplitAttr{NumSplits: 3} }, "num_splits is 3 for 2 outputs"},
		{"split quantization", func(g *Graph) { g.Tensors[5].Quant = PerTensor(0.5, -4) }, "the values are copied"},
		{"output shape", func(g *Graph) { g.Tensors[8].Shape = []int{4, 1} }, `"z" has shape [4 1], expected [1 4]`},
		{"broadcast", func(g *Graph) { g.Tensors[7].Shape = []int{1, 3} }, "cannot be broadcast"},
		{"mixed types", func(g *Graph) { g.Tensors[7].Type, g.Tensors[7].Quant = Int16, PerTensor(1, 0) }, "expected the same type"},
		{"state tensors", func(g *Graph) { g.States[0].Out = 3 }, "not a pair of a graph output and a graph input"},
		{"state quantization", func(g *Graph) { g.Tensors[8].Quant = PerTensor(0.25, -3) }, "differ in scale or zero point"},
	} {
		g := small()
		c.spoil(g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q, expected one with %q", c.name, err, c.want)
		}
	}
}

// TestValidateListsSeveralProblems reports independent problems together.
func TestValidateListsSeveralProblems(t *testing.T) {
	g := small()
	g.Tensors[0].Quant = nil
	g.Tensors[8].Shape = []int{4, 1}
	err := g.Validate()
	if err == nil || !strings.Contains(err.Error(), "operator 0") || !strings.Contains(err.Error(), "operator 2") {
		t.Errorf("error %v", err)
	}
}

// CAST takes and makes what the reference kernels have, with or without a scale.
func TestCastTypes(t *testing.T) {
	from := map[DType]bool{Int8: true, Int16: true, Int32: true, Float32: true, Bool: true}
	to := map[DType]bool{Int8: true, Int16: true, Int32: true, Float32: true}
	for in := range dtypes {
		for out := range dtypes {
			g := &Graph{Name: "cast"}
			for i, d := range []DType{in, out} {
				g.Add(&Tensor{Name: string(rune('x' + i)), Type: d, Shape: []int{4}})
			}
			g.Inputs, g.Outputs = []TensorID{0}, []TensorID{1}
			g.Ops = []*Op{{Kind: Cast, Attr: CastAttr{}, Inputs: g.Inputs, Outputs: g.Outputs}}
			err := g.Validate()
			switch {
			case from[in] && to[out] && err != nil:
				t.Error(err)
			case !(from[in] && to[out]) && (err == nil || !strings.Contains(err.Error(), "CAST")):
				t.Errorf("%v to %v: error %v", in, out, err)
			}
		}
	}
}

func TestStridedSpans(t *testing.T) {
	for _, c := range []struct {
		d, begin, end, step           int
		beginMask, endMask, shrink    bool
		wantBegin, wantStep, wantSize int
	}{
		{7, 1, 5, 2, false, false, false, 1, 2, 2},
		{7, 1, 6, 2, false, false, false, 1, 2, 3},
		{7, -3, 100, 1, false, false, false, 4, 1, 3},
		{7, 0, 0, -1, true, true, false, 6, -1, 7},
		{7, 5, 1, -2, false, false, false, 5, -2, 2},
		{7, 5, 1, 1, false, false, false, 5, 1, 0},
		{7, -1, 0, 1, false, false, true, 6, 1, 1},
		{7, 3, 99, 3, false, true, false, 3, 3, 2},
	} {
		s, err := stridedSpan(c.d, c.begin, c.end, c.step, c.beginMask, c.endMask, c.shrink)
		if err != nil || s.Begin != c.wantBegin || s.Step != c.wantStep || s.Count != c.wantSize {
			t.Errorf("%+v: got %+v, %v", c, s, err)
		}
	}
	if _, err := stridedSpan(7, 7, 8, 1, false, false, true); err == nil {
		t.Error("an index behind the end gave no error")
	}
	if _, err := stridedSpan(7, 0, 7, 0, false, false, false); err == nil {
		t.Error("stride 0 gave no error")
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		in, kernel, stride, dilation int
		pad                          Padding
		out, before                  int
	}{
		{5, 3, 1, 1, PadSame, 5, 1}, {5, 3, 2, 1, PadSame, 3, 1}, {6, 3, 2, 1, PadSame, 3, 0}, {6, 2, 2, 1, PadValid, 3, 0},
		{7, 3, 1, 2, PadValid, 3, 0}, {7, 3, 1, 2, PadSame, 7, 2}, {1, 1, 4, 1, PadSame, 1, 0},
	} {
		w, err := NewWindow(c.in, c.kernel, c.stride, c.dilation, c.pad)
		if err != nil || w.Out != c.out || w.PadBefore != c.before {
			t.Errorf("%+v: got %+v, %v", c, w, err)
		}
	}
	if _, err := NewWindow(2, 3, 1, 1, PadValid); err == nil {
		t.Error("a kernel larger than the image gave no error")
	}
}

// Convolutions without channels are refused: what divides by their number comes later.
func TestNoChannels(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		in, k, out []int
	}{
		{Conv2D, []int{1, 4, 4, 0}, []int{2, 1, 1, 4}, []int{1, 4, 4, 2}},
		{Conv2D, []int{1, 4, 4, 4}, []int{0, 1, 1, 4}, []int{1, 4, 4, 0}},
		{Conv2D, []int{1, 4, 4, 0}, []int{2, 1, 1, 0}, []int{1, 4, 4, 2}},
		{TransposeConv, []int{1, 4, 4, 0}, []int{2, 1, 1, 0}, []int{1, 4, 4, 2}},
		{TransposeConv, []int{1, 4, 4, 4}, []int{0, 1, 1, 4}, []int{1, 4, 4, 0}},
	} {
		g := &Graph{Name: "none"}
		q := PerTensor(1, 0)
		in := g.Add(&Tensor{Name: "in", Type: Int8, Shape: c.in, Quant: q})
		k := g.Add(&Tensor{Name: "k", Type: Int8, Shape: c.k, Quant: q, Data: make([]byte, c.k[0]*c.k[1]*c.k[2]*c.k[3])})
		out := g.Add(&Tensor{Name: "out", Type: Int8, Shape: c.out, Quant: q})
		op := &Op{Kind: c.kind, Inputs: []TensorID{in, k, None}, Outputs: []TensorID{out}}
		if op.Attr = (Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}); c.kind == TransposeConv {
			shape := []byte{1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, byte(c.out[3]), 0, 0, 0}
			s := g.Add(&Tensor{Name: "shape", Type: Int32, Shape: []int{4}, Data: shape})
			op.Attr, op.Inputs = TransposeConvAttr{StrideH: 1, StrideW: 1}, []TensorID{s, k, in}
		}
		g.Inputs, g.Outputs, g.Ops = []TensorID{in}, []TensorID{out}, []*Op{op}
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "expected at least one channel") {
			t.Errorf("%v of %v by %v: %v", c.kind, c.in, c.k, err)
		}
	}
}
