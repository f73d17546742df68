// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// An input of whole numbers that picks rows of a table says where to cut the model.
func TestTokens(t *testing.T) {
	for _, through := range []string{"", "Cast", "Unsqueeze"} {
		b := newModel(3, "Gather", 12)
		b.input("tokens", 1, 4)
		b.m.Graph.Inputs[0].Type = onnx.Int64
		b.weights("rows", 9, 3)
		b.n.Name, b.n.Inputs, b.n.Outputs = "embedding", []string{"rows", "tokens"}, []string{"y"}
		if through != "" {
			b.n.Inputs[1] = "same"
			b.m.Graph.Nodes = append([]*onnx.Node{{Op: through, Inputs: []string{"tokens"}, Outputs: []string{"same"}, Attrs: map[string]*onnx.Attr{}}}, b.m.Graph.Nodes...)
		}
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "It picks rows of a table (Gather \"embedding\")") {
			t.Errorf("through %q: error %v", through, err)
		}
	}
}

// TestWholeInputs feeds whole numbers that the model turns into real ones at once, and truth
// values.
func TestWholeInputs(t *testing.T) {
	for _, typ := range []onnx.DataType{onnx.Int64, onnx.Int32, onnx.Uint8} {
		b := newModel(5, "Cast", 13)
		b.input("i", 1, 2, 3)
		b.m.Graph.Inputs[0].Type = typ
		b.set("to", int(onnx.Float))
		b.outputs("y")
		if err := b.prove(t); err != nil {
			t.Errorf("%v: %v", typ, err)
		}
		b.n.Op = "Add" // of whole numbers
		b.n.Inputs = append(b.n.Inputs, "i")
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "only float inputs can be fed") {
			t.Errorf("%v: error %v", typ, err)
		}
	}
	b := newModel(6, "Where", 13)
	b.input("mask", 1, 2, 3)
	b.m.Graph.Inputs[0].Type = onnx.Bool
	b.input("x", 1, 2, 3)
	b.weights("else", 3)
	b.outputs("y")
	if err := b.prove(t); err != nil {
		t.Error(err)
	}
	r, err := onnx.Convert(b.m, onnx.Options{})
	if err != nil || len(r.Assumed) != 1 || !strings.Contains(r.Assumed[0], "0 is false") {
		t.Errorf("assumed %q, %v", r.Assumed, err)
	}
}

// TestNewerOpset says that a model is of an opset that nobody here knows.
func TestNewerOpset(t *testing.T) {
	for opset, want := range map[int64]int{26: 0, 27: 1} {
		b := newModel(8, "Relu", opset)
		b.input("x", 1, 2)
		b.outputs("y")
		if r, err := onnx.Convert(b.m, onnx.Options{}); err != nil || len(r.Assumed) != want {
			t.Errorf("opset %d: assumed %q, %v", opset, r.Assumed, err)
		}
	}
}

// TestWideWindows refuses poolings that would take minutes to prove.
func TestWideWindows(t *testing.T) {
	for _, op := range []string{"AveragePool", "MaxPool", "LpPool"} {
		b := newModel(7, op, 13)
		b.input("x", 1, 1, 65536)
		b.set("kernel_shape", []int{32768})
		b.outputs("y")
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "pool in several steps") {
			t.Errorf("%s: error %v", op, err)
		}
	}
}

// TestLongTransposed makes transposed convolutions no longer than what is kept of them.
func TestLongTransposed(t *testing.T) {
	for _, c := range []struct{ kernel, pad, extra, want int }{{3, 1, 1, 13}, {3, 0, 1, 14}, {5, 2, 1, 15}, {4, 1, 0, 12}} {
		b := newModel(7, "ConvTranspose", 13)
		b.input("x", 1, 2, 6)
		b.weights("w", 2, 3, c.kernel)
		b.set("strides", []int{2})
		b.set("pads", []int{c.pad, c.pad})
		b.set("output_padding", []int{c.extra})
		b.outputs("y")
		if err := b.prove(t); err != nil {
			t.Error(err)
			continue
		}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range r.Graph.Ops {
			if s := r.Graph.Tensors[op.Outputs[0]].Shape; op.Kind == graph.TransposeConv && max(s[1], s[2]) != c.want {
				t.Errorf("kernel %d, padding %d, %d more: the output is %v, expected %d", c.kernel, c.pad, c.extra, s, c.want)
			}
		}
	}
}
