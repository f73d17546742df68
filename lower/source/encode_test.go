// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"flag"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var update = flag.Bool("update", false, "write testdata anew")

// message builds a protobuf message.
type message []byte

func (m *message) text(field protowire.Number, s string) { m.bytes(field, []byte(s)) }

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

// encodeONNX writes a model with the fields that tests use.
func encodeONNX(m *onnx.Model) []byte {
	declared := func(d *onnx.Declared) []byte {
		var shape, tensor, typ, out message
		for _, dim := range d.Dims {
			var x message
			if dim.Size > 0 {
				x.number(1, dim.Size)
			} else {
				x.text(2, dim.Name)
			}
			shape.bytes(1, x)
		}
		tensor.number(1, int64(max(d.Type, onnx.Float)))
		if d.Dims != nil {
			tensor.bytes(2, shape)
		}
		typ.bytes(1, tensor)
		out.text(1, d.Name)
		out.bytes(2, typ)
		return out
	}
	var graph message
	for _, n := range m.Graph.Nodes {
		var x message
		for _, in := range n.Inputs {
			x.text(1, in)
		}
		for _, out := range n.Outputs {
			x.text(2, out)
		}
		x.text(4, n.Op)
		for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
			a := n.Attrs[name]
			var y message
			y.text(1, name)
			switch {
			case a.Ints != nil:
				for _, v := range a.Ints {
					y.number(8, v)
				}
				y.number(20, 7)
			case a.String != "":
				y.text(4, a.String)
				y.number(20, 3)
			case a.Float != 0:
				y = protowire.AppendFixed32(protowire.AppendTag(y, 2, protowire.Fixed32Type), math.Float32bits(a.Float))
				y.number(20, 1)
			default:
				y.number(3, a.Int)
				y.number(20, 2)
			}
			x.bytes(5, y)
		}
		graph.bytes(1, x)
	}
	graph.text(2, m.Graph.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Graph.Weights)) {
		t := m.Graph.Weights[name]
		var x message
		for _, d := range t.Shape {
			x.number(1, int64(d))
		}
		x.number(2, int64(t.Type))
		x.text(8, name)
		x.bytes(9, t.Data)
		graph.bytes(5, x)
	}
	for _, d := range m.Graph.Inputs {
		graph.bytes(11, declared(d))
	}
	for _, d := range m.Graph.Outputs {
		graph.bytes(12, declared(d))
	}
	var opset, out message
	opset.text(1, "")
	opset.number(2, m.Opset)
	out.number(1, 8)
	out.bytes(7, graph)
	out.bytes(8, opset)
	return out
}

// crnn is a network of a causal convolution, a GRU and two numbers for every frame, over
// a number of frames that the file leaves open, as a Keras model of that kind is
// exported.
func crnn(padBehind int) *onnx.Model {
	b := newModel(11, "crnn", 17)
	b.m.Graph.Name = "crnn"
	b.m.Graph.Nodes = nil
	b.m.Graph.Inputs = []*onnx.Declared{{Name: "x", Kind: "tensor", Type: onnx.Float, Ranked: true, Dims: []onnx.Dim{{Size: 1}, {Size: -1, Name: "frames"}, {Size: 8}}}}
	ints := func(n *onnx.Node, name string, v ...int64) { n.Attrs[name] = &onnx.Attr{Ints: v} }
	ints(b.node("Transpose", "channels", "x"), "perm", 0, 2, 1)
	b.weights("conv_w", 12, 8, 3)
	b.weights("conv_b", 12)
	ints(b.node("Conv", "conv", "channels", "conv_w", "conv_b"), "pads", 2, int64(padBehind))
	b.node("Relu", "relu", "conv")
	ints(b.node("Transpose", "rows", "relu"), "perm", 2, 0, 1)
	b.weights("gru_w", 1, 48, 12)
	b.weights("gru_r", 1, 48, 16)
	b.weights("gru_b", 1, 96)
	n := b.node("GRU", "states", "rows", "gru_w", "gru_r", "gru_b")
	n.Attrs["hidden_size"], n.Attrs["linear_before_reset"] = &onnx.Attr{Int: 16}, &onnx.Attr{Int: 1}
	b.ints("one", 1)
	b.node("Squeeze", "sequence", "states", "one")
	ints(b.node("Transpose", "batch", "sequence"), "perm", 1, 0, 2)
	b.weights("dense_w", 16, 2)
	b.weights("dense_b", 2)
	b.node("MatMul", "product", "batch", "dense_w")
	b.node("Add", "y", "product", "dense_b")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	return b.m
}

// denoiser is a network over an open number of frames that halves them and makes them as
// many again: a causal convolution with a stride, the largest of three frames, a GRU, a
// transposed convolution whose end is cropped, and what came in, divided by one more than
// its size, times the mask that this gives.
func denoiser() *onnx.Model {
	b := newModel(12, "denoiser", 17)
	b.m.Graph.Name = "denoiser"
	b.m.Graph.Nodes = nil
	b.m.Graph.Inputs = []*onnx.Declared{{Name: "x", Kind: "tensor", Type: onnx.Float, Ranked: true, Dims: []onnx.Dim{{Size: 1}, {Size: 8}, {Size: -1, Name: "frames"}}}}
	ints := func(n *onnx.Node, name string, v ...int64) { n.Attrs[name] = &onnx.Attr{Ints: v} }
	b.weights("down_w", 12, 8, 4)
	b.weights("down_b", 12)
	n := b.node("Conv", "down", "x", "down_w", "down_b")
	ints(n, "pads", 2, 0)
	ints(n, "strides", 2)
	n = b.node("MaxPool", "largest", "down")
	ints(n, "kernel_shape", 3)
	ints(n, "pads", 2, 0)
	ints(b.node("Transpose", "rows", "largest"), "perm", 2, 0, 1)
	b.weights("gru_w", 1, 36, 12)
	b.weights("gru_r", 1, 36, 12)
	b.weights("gru_b", 1, 72)
	n = b.node("GRU", "states", "rows", "gru_w", "gru_r", "gru_b")
	n.Attrs["hidden_size"], n.Attrs["linear_before_reset"] = &onnx.Attr{Int: 12}, &onnx.Attr{Int: 1}
	b.ints("one", 1)
	b.node("Squeeze", "sequence", "states", "one")
	ints(b.node("Transpose", "batch", "sequence"), "perm", 1, 2, 0)
	b.weights("up_w", 12, 8, 4)
	b.weights("up_b", 8)
	n = b.node("ConvTranspose", "up", "batch", "up_w", "up_b")
	ints(n, "pads", 0, 2)
	ints(n, "strides", 2)
	b.node("Sigmoid", "mask", "up")
	b.node("Abs", "size", "x")
	b.number("more", 1)
	b.node("Add", "bound", "size", "more")
	b.node("Div", "even", "x", "bound")
	b.node("Mul", "y", "even", "mask")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	return b.m
}

// whole is a network fed with real numbers, whole ones behind which a Cast stands, truth
// values, and the row of a table.
func whole() *onnx.Model {
	b := newModel(13, "whole", 17)
	b.m.Graph.Name = "whole"
	b.m.Graph.Nodes = nil
	for _, in := range []struct {
		name string
		typ  onnx.DataType
	}{{"x", onnx.Float}, {"count", onnx.Int64}, {"mask", onnx.Bool}, {"row", onnx.Int32}} {
		b.input(in.name, 1, 3)
		b.m.Graph.Inputs[len(b.m.Graph.Inputs)-1].Type = in.typ
	}
	b.m.Graph.Inputs[3].Dims = []onnx.Dim{{Size: 1}}
	b.weights("table", 4, 3)
	b.node("Cast", "real", "count").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
	b.node("Add", "sum", "x", "real")
	b.node("Gather", "picked", "table", "row")
	b.node("Where", "y", "mask", "sum", "picked")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	return b.m
}

// TestWrittenNetworks holds the networks that scripts of the command line use to what
// writes them, and opens them as files.
func TestWrittenNetworks(t *testing.T) {
	for name, m := range map[string]*onnx.Model{"crnn.onnx": crnn(0), "lookahead.onnx": crnn(1), "denoiser.onnx": denoiser(), "whole.onnx": whole()} {
		file := filepath.Join("testdata", name)
		want := encodeONNX(m)
		if *update {
			if err := os.WriteFile(file, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs (go test -update writes it): %v", file, err)
		}
	}
	n, err := Open(filepath.Join("testdata", "crnn.onnx"), Options{Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	if n.Stepped.States != 2 || n.Stepped.Elements != 2*8+16 || n.Stepped.Axis["x"] != 1 {
		t.Errorf("%+v", n.Stepped)
	}
}
