// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/vectors"
)

// TestRoundTripOfEveryModel writes what it read and reads that again.
func TestRoundTripOfEveryModel(t *testing.T) {
	for name, data := range modelFiles(t) {
		m, err := ReadModel(name, data)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, name, m)
	}
}

func roundTrip(t *testing.T, name string, m *Model) []byte {
	t.Helper()
	out, err := WriteModel(m)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil
	}
	again, err := ReadModel(name, out)
	if err != nil {
		t.Errorf("%s, written: %v", name, err)
		return nil
	}
	if d := cmp.Diff(m.Graph, again.Graph, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(graph.Tensor{}, "Data")); d != "" {
		t.Fatalf("%s: the graph changed (-before +after):\n%s", name, d)
	}
	for i, x := range m.Graph.Tensors {
		if !bytes.Equal(x.Data, again.Graph.Tensors[i].Data) {
			t.Errorf("%s: the data of tensor %q changed", name, x.Name)
		}
	}
	for _, d := range m.Metadata {
		if !bytes.Equal(d.Data, again.Find(d.Name)) {
			t.Errorf("%s: metadata %q changed", name, d.Name)
		}
	}
	twice, err := WriteModel(again)
	if err != nil || !bytes.Equal(out, twice) {
		t.Errorf("%s: writing again gave other bytes (%v)", name, err)
	}
	return out
}

// TestRoundTripOfEveryOperator writes the one-operator graphs of the golden
// vectors. The versions that the writer chose come back with the graph.
func TestRoundTripOfEveryOperator(t *testing.T) {
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		for _, c := range vectors.Load(t, file) {
			op := c.Graph.Ops[0]
			op.Version = operatorVersion(c.Graph, op)
			roundTrip(t, c.String(), &Model{Graph: c.Graph})
		}
	}
}

// window is a graph of one operator on images, of the kinds that no vector has.
func window(kind graph.Kind, attr any, weights []int) *graph.Graph {
	g := &graph.Graph{Name: "window"}
	q := graph.PerTensor(0.5, 1)
	g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 5, 6, 4}, Quant: q})
	op := &graph.Op{Kind: kind, Attr: attr, Inputs: []graph.TensorID{0}}
	if weights != nil {
		op.Inputs = append(op.Inputs, g.Add(&graph.Tensor{Name: "w", Type: graph.Int8, Shape: weights, Quant: graph.PerTensor(0.25, 0), Data: make([]byte, graph.Elems(weights))}))
	}
	y := &graph.Tensor{Name: "y", Type: graph.Int8, Quant: q}
	op.Outputs = []graph.TensorID{g.Add(y)}
	g.Inputs, g.Outputs, g.Ops = []graph.TensorID{0}, op.Outputs, []*graph.Op{op}
	shapes, err := g.InferShapes(op)
	if err != nil {
		panic(err)
	}
	y.Shape = shapes[0]
	op.Version = operatorVersion(g, op)
	return g
}

func TestRoundTripOfWindows(t *testing.T) {
	for _, g := range []*graph.Graph{
		window(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 2, DilationH: 2, DilationW: 1, Activation: graph.ActRelu6, Bias32: true}, []int{3, 2, 3, 4}),
		window(graph.DepthwiseConv2D, graph.DepthwiseConv2DAttr{StrideH: 2, StrideW: 1, DilationH: 1, DilationW: 1, DepthMultiplier: 2, Activation: graph.ActRelu}, []int{1, 2, 3, 8}),
		window(graph.MaxPool2D, graph.Pool2DAttr{StrideH: 2, StrideW: 3, FilterH: 2, FilterW: 3}, nil),
		window(graph.AveragePool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 3, FilterH: 4, FilterW: 2, Activation: graph.ActRelu}, nil),
	} {
		roundTrip(t, g.Ops[0].Kind.String(), &Model{Graph: g})
	}
}

// The options of CAST name the types; a file may leave them out.
func TestRoundTripOfCast(t *testing.T) {
	for _, attr := range []graph.CastAttr{{}, {In: graph.Int8, Out: graph.Int16}} {
		g := &graph.Graph{Name: "cast"}
		g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, -7)})
		g.Add(&graph.Tensor{Name: "y", Type: graph.Int16, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, 0)})
		g.Inputs, g.Outputs = []graph.TensorID{0}, []graph.TensorID{1}
		g.Ops = []*graph.Op{{Kind: graph.Cast, Version: 3, Attr: attr, Inputs: g.Inputs, Outputs: g.Outputs}}
		roundTrip(t, "cast", &Model{Graph: g})
	}
}

// TestConstantsAreAligned looks for known bytes in the file.
func TestConstantsAreAligned(t *testing.T) {
	g := window(graph.Conv2D, graph.Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, []int{3, 2, 3, 4})
	marker := []byte("MARKER OF 16 BYT")
	copy(g.Tensors[1].Data, marker)
	out, err := Write(g)
	if err != nil {
		t.Fatal(err)
	}
	if at := bytes.Index(out, marker); at < 0 || at%constantAlign != 0 {
		t.Errorf("constant data lies at byte %d, expected a multiple of %d", at, constantAlign)
	}
}

// TestSignatureAndMetadata checks what other programs read from a file of ours.
func TestSignatureAndMetadata(t *testing.T) {
	g := stateful()
	out, err := Write(g)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadModel("own", out)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"x", "h"}, m.SignatureInputs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"h_out"}, m.SignatureOutputs); d != "" {
		t.Error(d)
	}
	if got := string(bytes.TrimRight(m.Find(runtimeMetadata), "\x00")); got != "1.14.0" || len(m.Find(runtimeMetadata)) != 16 {
		t.Errorf("min_runtime_version is %q", got)
	}
	if d := cmp.Diff([]graph.State{{In: 1, Out: 2}}, m.Graph.States); d != "" {
		t.Error(d)
	}
}

// stateful adds an input to a state.
func stateful() *graph.Graph {
	g := &graph.Graph{Name: "stateful"}
	for _, name := range []string{"serving_default_x:0", "h", "h_out"} {
		g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.5, 1)})
	}
	g.Inputs, g.Outputs = []graph.TensorID{0, 1}, []graph.TensorID{2}
	g.States = []graph.State{{In: 1, Out: 2}}
	g.Ops = []*graph.Op{{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{0, 1}, Outputs: []graph.TensorID{2}}}
	return g
}

// TestWriterRefusesBadGraphs makes sure that nothing unreadable is written.
func TestWriterRefusesBadGraphs(t *testing.T) {
	for name, spoil := range map[string]func(*graph.Graph){
		"no quantization": func(g *graph.Graph) { g.Tensors[0].Quant = nil },
		"nan scale":       func(g *graph.Graph) { g.Tensors[0].Quant = graph.PerTensor(float32(math.NaN()), 0) },
		"tensor id":       func(g *graph.Graph) { g.Ops[0].Inputs[0] = 99 },
		"shape":           func(g *graph.Graph) { g.Tensors[2].Shape = []int{1, 5} },
		"state":           func(g *graph.Graph) { g.States[0].In = 2 },
		"attributes":      func(g *graph.Graph) { g.Ops[0].Attr = nil },
		"data":            func(g *graph.Graph) { g.Tensors[2].Data = []byte{1} },
	} {
		g := stateful()
		spoil(g)
		if _, err := Write(g); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestDeprecatedCode checks the byte that old runtimes read for codes above 127.
func TestDeprecatedCode(t *testing.T) {
	out, err := Write(stateful())
	if err != nil {
		t.Fatal(err)
	}
	if got := binary.LittleEndian.Uint32(out[4:]); got != binary.LittleEndian.Uint32([]byte(fileIdentifier)) {
		t.Errorf("file identifier %#x", got)
	}
}
