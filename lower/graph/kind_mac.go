// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Operators that multiply with weights.
func init() {
	Register(
		Descriptor{Kind: FullyConnected, Name: "FULLY_CONNECTED", Attr: FullyConnectedAttr{}, Inputs: Count{2, 3}, Outputs: one, Optional: third,
			Types: typesMAC, Shapes: shapesFullyConnected,
			File: File{Union: 8, Fields: func(f Fields, attr any) any {
				a, _ := attr.(FullyConnectedAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				var format uint8
				f.Byte(1, &format, 0)
				f.Bool(2, &a.KeepNumDims, false)
				bias32(f, 4, &a.Bias32)
				return a
			}, Versions: [3]int{1, 4, 7}, Version: fullyConnectedVersion,
				Releases: since("1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3 2.12 2.15")}},
		Descriptor{Kind: Conv2D, Name: "CONV_2D", Attr: Conv2DAttr{}, Inputs: Count{2, 3}, Outputs: one, Optional: third,
			Types: typesMAC, Shapes: shapesConv,
			File: File{Union: 1, Fields: func(f Fields, attr any) any {
				a, _ := attr.(Conv2DAttr)
				f.Byte(0, (*uint8)(&a.Padding), 0)
				f.Int(1, &a.StrideW, 0)
				f.Int(2, &a.StrideH, 0)
				f.Byte(3, (*uint8)(&a.Activation), 0)
				f.Int(4, &a.DilationW, 1)
				f.Int(5, &a.DilationH, 1)
				bias32(f, 6, &a.Bias32)
				return a
			}, Versions: [3]int{1, 3, 4}, Version: func(g *Graph, op *Op, v int) int {
				if g.Tensors[op.Inputs[0]].Type == Int16 && op.Attr.(Conv2DAttr).Bias32 {
					return 8
				}
				return v
			}, Releases: since("1.5 1.14 1.14 2.3 2.4 2.9 2.12 2.15")}},
		Descriptor{Kind: DepthwiseConv2D, Name: "DEPTHWISE_CONV_2D", Attr: DepthwiseConv2DAttr{}, Inputs: Count{2, 3}, Outputs: one, Optional: third,
			Types: typesMAC, Shapes: shapesDepthwise,
			File: File{Union: 2, Fields: func(f Fields, attr any) any {
				a, _ := attr.(DepthwiseConv2DAttr)
				f.Byte(0, (*uint8)(&a.Padding), 0)
				f.Int(1, &a.StrideW, 0)
				f.Int(2, &a.StrideH, 0)
				f.Int(3, &a.DepthMultiplier, 0)
				f.Byte(4, (*uint8)(&a.Activation), 0)
				f.Int(5, &a.DilationW, 1)
				f.Int(6, &a.DilationH, 1)
				return a
			}, Versions: [3]int{1, 3, 5}, Releases: since("1.5 1.12 1.14 2.2 2.3 2.3")}},
		Descriptor{Kind: TransposeConv, Name: "TRANSPOSE_CONV", Attr: TransposeConvAttr{}, Inputs: Count{3, 4}, Outputs: one, Data: Positions{2, 1},
			Optional: func(pos int) bool { return pos == 3 }, Types: typesTransposeConv, Shapes: shapesTransposeConv,
			File: File{Union: 49, Fields: func(f Fields, attr any) any {
				a, _ := attr.(TransposeConvAttr)
				f.Byte(0, (*uint8)(&a.Padding), 0)
				f.Int(1, &a.StrideW, 0)
				f.Int(2, &a.StrideH, 0)
				f.Byte(3, (*uint8)(&a.Activation), 0)
				bias32(f, 4, &a.Bias32)
				return a
			}, Versions: [3]int{1, 2, 1}, Version: transposeConvVersion, Releases: since("1.9 2.2 2.3 2.13 2.15")}},
		Descriptor{Kind: BatchMatMul, Name: "BATCH_MATMUL", Attr: BatchMatMulAttr{}, Inputs: two, Outputs: one, Data: all,
			Types: TypesEqual, Shapes: shapesBatchMatMul,
			File: File{Union: 101, Fields: func(f Fields, attr any) any {
				a, _ := attr.(BatchMatMulAttr)
				f.Bool(0, &a.AdjX, false)
				f.Bool(1, &a.AdjY, false)
				f.Bool(2, &a.Asymmetric, false)
				return a
			}, Versions: [3]int{1, 2, 3}, Releases: since("2.3 2.3 2.4 2.5")}},
	)
}

func third(pos int) bool { return pos == 2 }

// bias32 maps quantized_bias_type, a tensor type, to "is INT32".
func bias32(f Fields, slot int, v *bool) {
	var t uint8
	if *v {
		t = uint8(Int32)
	}
	f.Byte(slot, &t, 0)
	*v = t == uint8(Int32)
}

func fullyConnectedVersion(g *Graph, op *Op, v int) int {
	a := op.Attr.(FullyConnectedAttr)
	switch wide := g.Tensors[op.Inputs[0]].Type == Int16; {
	case wide && a.Bias32:
		return 11
	case wide:
		return v
	case len(op.Inputs) == 2:
		return 6
	case a.KeepNumDims:
		return 5
	}
	return v
}

func transposeConvVersion(g *Graph, op *Op, v int) int {
	a := op.Attr.(TransposeConvAttr)
	switch {
	case a.Bias32 && g.Tensors[op.Inputs[2]].Type == Int16:
		return 5
	case a.Activation != ActNone:
		return 4
	case len(op.Inputs) == 4 && op.Inputs[3] != None:
		return 3
	}
	return v
}

func typesTransposeConv(g *Graph, op *Op) error {
	swapped := &Op{Kind: Conv2D, Inputs: []TensorID{op.Inputs[2], op.Inputs[1]}, Outputs: op.Outputs}
	if len(op.Inputs) == 4 {
		swapped.Inputs = append(swapped.Inputs, op.Inputs[3])
	}
	return typesMAC(g, swapped)
}

// TransposeWindows returns height and width of the convolution that a TRANSPOSE_CONV
// transposes: from its output, Window.In, to its input, Window.Out.
func (g *Graph) TransposeWindows(op *Op) (h, w Window, err error) {
	a, out, weights := op.Attr.(TransposeConvAttr), g.Tensors[op.Outputs[0]].Shape, g.Tensors[op.Inputs[1]].Shape
	if h, err = NewWindow(out[1], weights[1], a.StrideH, 1, a.Padding); err == nil {
		w, err = NewWindow(out[2], weights[2], a.StrideW, 1, a.Padding)
	}
	return h, w, err
}

// shapesTransposeConv takes the output's shape from the first input, as the kernel
// does, after checking that the convolution of that size gives the input's.
func shapesTransposeConv(g *Graph, op *Op) ([][]int, error) {
	out, err := g.Tensors[op.Inputs[0]].Ints()
	if err != nil {
		return nil, err
	}
	w, in := g.Tensors[op.Inputs[1]], g.Tensors[op.Inputs[2]]
	if len(out) != 4 || len(w.Shape) != 4 || len(in.Shape) != 4 {
		return nil, fmt.Errorf("output shape %v, weights %v and input %v, expected four dimensions each", out, w.Shape, in.Shape)
	}
	if w.Shape[0] == 0 || w.Shape[3] == 0 {
		return nil, fmt.Errorf("weights %q have shape %v, expected at least one channel in and out", w.Name, w.Shape)
	}
	if w.Shape[3] != in.Shape[3] || out[0] != in.Shape[0] || out[3] != w.Shape[0] {
		return nil, fmt.Errorf("input %v, weights %v and output %v, expected as many channels and images", in.Shape, w.Shape, out)
	}
	a := op.Attr.(TransposeConvAttr)
	for d, stride := range []int{a.StrideH, a.StrideW} {
		win, err := NewWindow(out[d+1], w.Shape[d+1], stride, 1, a.Padding)
		if err != nil {
			return nil, err
		}
		if win.Out != in.Shape[d+1] {
			return nil, fmt.Errorf("output of size %d with stride %d and kernel %d comes from %d values, the input has %d", out[d+1], stride, w.Shape[d+1], win.Out, in.Shape[d+1])
		}
	}
	if len(op.Inputs) == 4 && op.Inputs[3] != None {
		if b := g.Tensors[op.Inputs[3]]; b.Elems() != out[3] {
			return nil, fmt.Errorf("bias %q has %d elements, expected %d", b.Name, b.Elems(), out[3])
		}
	}
	return [][]int{out}, nil
}

func shapesBatchMatMul(g *Graph, op *Op) ([][]int, error) {
	a := op.Attr.(BatchMatMulAttr)
	x, y := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Inputs[1]].Shape
	if len(x) < 2 || len(y) < 2 {
		return nil, fmt.Errorf("operands of shapes %v and %v, expected two dimensions or more", x, y)
	}
	batch, err := Broadcast(x[:len(x)-2], y[:len(y)-2])
	if err != nil {
		return nil, err
	}
	rows, inner := x[len(x)-2], x[len(x)-1]
	if a.AdjX {
		rows, inner = inner, rows
	}
	deep, cols := y[len(y)-2], y[len(y)-1]
	if a.AdjY {
		deep, cols = cols, deep
	}
	if inner != deep {
		return nil, fmt.Errorf("operands of shapes %v and %v (adj_x %v, adj_y %v): %d columns meet %d rows", x, y, a.AdjX, a.AdjY, inner, deep)
	}
	return [][]int{append(batch, rows, cols)}, nil
}
