// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// TestFold reads what converters write for an open batch: an initial state that FILL
// makes of the batch, which SHAPE and STRIDED_SLICE take from the input.
func TestFold(t *testing.T) {
	g := &graph.Graph{Name: "open batch"}
	q := graph.PerTensor(0.5, 0)
	ints := func(name string, v ...int) graph.TensorID {
		x := &graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v)}}
		x.SetInts(v)
		return g.Add(x)
	}
	add := func(name string, d graph.DType, q *graph.Quant, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: d, Shape: shape, Quant: q})
	}
	x := add("x", graph.Int8, q, 1, 4)
	shape, batch, dims := add("shape", graph.Int32, nil, 2), add("batch", graph.Int32, nil), add("dims", graph.Int32, nil, 2)
	four := ints("four", 4)
	g.Tensors[four].Shape = nil
	zero := g.Add(&graph.Tensor{Name: "zero", Type: graph.Int8, Quant: q, Data: []byte{7}})
	h, y := add("h", graph.Int8, q, 1, 4), add("y", graph.Int8, q, 1, 4)
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{
		{Kind: graph.Shape, Attr: graph.ShapeAttr{Output: graph.Int32}, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{shape}},
		{Kind: graph.StridedSlice, Attr: graph.StridedSliceAttr{ShrinkAxisMask: 1}, Inputs: []graph.TensorID{shape, ints("b", 0), ints("e", 1), ints("s", 1)}, Outputs: []graph.TensorID{batch}},
		{Kind: graph.Pack, Attr: graph.PackAttr{ValuesCount: 2}, Inputs: []graph.TensorID{batch, four}, Outputs: []graph.TensorID{dims}},
		{Kind: graph.Fill, Inputs: []graph.TensorID{dims, zero}, Outputs: []graph.TensorID{h}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{x, h}, Outputs: []graph.TensorID{y}},
	}
	got, err := Read("open.tflite", encode(&Model{Graph: g}))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Ops) != 1 || got.Ops[0].Kind != graph.Add {
		t.Fatalf("%d operators are left, expected the ADD", len(got.Ops))
	}
	if data := got.Tensors[got.Ops[0].Inputs[1]].Data; !slices.Equal(data, []byte{7, 7, 7, 7}) {
		t.Errorf("the state starts as %v, expected four times 7", data)
	}
}

// TestEmptyConstants reads the shape of a number, which has no elements, as the constant that
// it was written as.
func TestEmptyConstants(t *testing.T) {
	g := &graph.Graph{Name: "number"}
	q := graph.PerTensor(0.5, 0)
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 1}, Quant: q})
	shape := g.Add(&graph.Tensor{Name: "shape", Type: graph.Int32, Shape: []int{0}, Data: []byte{}})
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int8, Shape: []int{}, Quant: q})
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: []int{}}, Inputs: []graph.TensorID{x, shape}, Outputs: []graph.TensorID{y}}}
	got, err := Read("number.tflite", encode(&Model{Graph: g}))
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

// counter is y = x + v, v = y, with the resource variable v.
func counter() *graph.Graph {
	g := &graph.Graph{Name: "counter"}
	q := graph.PerTensor(0.5, -3)
	add := func(name string, d graph.DType) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: d, Shape: []int{1, 4}, Quant: q})
	}
	x, y, read := add("x", graph.Int8), add("y", graph.Int8), add("read", graph.Int8)
	handle := g.Add(&graph.Tensor{Name: "handle", Type: resource})
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{
		{Kind: graph.VarHandle, Attr: graph.VarHandleAttr{Name: "v"}, Outputs: []graph.TensorID{handle}},
		{Kind: graph.ReadVariable, Inputs: []graph.TensorID{handle}, Outputs: []graph.TensorID{read}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{x, read}, Outputs: []graph.TensorID{y}},
		{Kind: graph.AssignVariable, Inputs: []graph.TensorID{handle, y}},
	}
	return g
}

// TestVariables: a variable that is read and then assigned is a variable tensor under its
// name, assigned behind all other operators, and a file says it again as it was.
func TestVariables(t *testing.T) {
	g, err := Read("counter.tflite", encode(&Model{Graph: counter()}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		last := g.Ops[len(g.Ops)-1]
		if len(g.Inputs) != 1 || len(g.Outputs) != 1 || len(g.States) != 0 || last.Kind != graph.AssignVariable {
			t.Fatalf("inputs %v, outputs %v, states %v, last operator %v, expected x, y, and ASSIGN_VARIABLE", g.Inputs, g.Outputs, g.States, last.Kind)
		}
		if v := g.Tensors[last.Inputs[0]]; v.Name != "v" || !v.Variable {
			t.Errorf("%q is assigned, variable %v, expected the variable v", v.Name, v.Variable)
		}
		for _, x := range g.Tensors {
			if x.Type == resource {
				t.Errorf("tensor %q of a variable is left", x.Name)
			}
		}
		if got := counts(t, g, 4); !slices.Equal(got, []int8{1, 5, 9, 13}) {
			t.Errorf("sums of 4 in each call: %v", got)
		}
		if g, err = Read("again.tflite", mustWrite(t, g)); err != nil {
			t.Fatal(err)
		}
	}
}

// counts runs a counter that is given the same number in every call, with a zero point
// of -3.
func counts(t *testing.T, g *graph.Graph, x int8) (sums []int8) {
	t.Helper()
	it, err := reference.New(g)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		for i := range it.Input(0) {
			it.Input(0)[i] = byte(x - 3)
		}
		if err := it.Invoke(); err != nil {
			t.Fatal(err)
		}
		sums = append(sums, int8(it.Output(0)[2]))
	}
	return sums
}

// TestVariablesChained: variables that take each other's old values, one that keeps its
// own, and one whose old value is an output.
func TestVariablesChained(t *testing.T) {
	g := &graph.Graph{Name: "delay"}
	q := graph.PerTensor(0.5, -3)
	add := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 4}, Quant: q})
	}
	x := add("x")
	g.Inputs = []graph.TensorID{x}
	var handle, read [3]graph.TensorID
	for i := range read {
		handle[i] = g.Add(&graph.Tensor{Name: "handle", Type: resource})
		read[i] = add([]string{"a", "b", "c"}[i] + "_now")
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.VarHandle, Attr: graph.VarHandleAttr{Name: []string{"a", "b", "c"}[i]}, Outputs: []graph.TensorID{handle[i]}},
			&graph.Op{Kind: graph.ReadVariable, Inputs: []graph.TensorID{handle[i]}, Outputs: []graph.TensorID{read[i]}})
	}
	assign := func(i int, v graph.TensorID) {
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.AssignVariable, Inputs: []graph.TensorID{handle[i], v}})
	}
	assign(0, x)
	assign(1, read[0])
	assign(2, read[2])
	g.Outputs = []graph.TensorID{read[1], read[2]}
	got, err := Read("delay.tflite", encode(&Model{Graph: g}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n := got.Tensors[got.Outputs[0]].Name; n != "b_now" {
			t.Errorf("the first output is called %q, expected b_now", n)
		}
		it, err := reference.New(got)
		if err != nil {
			t.Fatal(err)
		}
		var seen []int8
		for call := range 5 {
			for i := range it.Input(0) {
				it.Input(0)[i] = byte(10 + call)
			}
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, int8(it.Output(0)[1]))
			if v := int8(it.Output(1)[1]); v != -3 {
				t.Errorf("call %d: what nothing changes is %d, expected its zero point", call, v)
			}
		}
		if !slices.Equal(seen, []int8{-3, -3, 10, 11, 12}) {
			t.Errorf("two calls later: %v", seen)
		}
		if got, err = Read("again.tflite", mustWrite(t, got)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVariablesRefused: what cannot be a state says so.
func TestVariablesRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(g *graph.Graph)
		want  string
	}{
		{"never assigned", func(g *graph.Graph) { g.Ops = g.Ops[:3] }, `variable "v": is read and nothing is ever assigned to it`},
		{"no handle", func(g *graph.Graph) { g.Ops = g.Ops[1:] }, "reads no variable that a VAR_HANDLE names"},
		{"used as a value", func(g *graph.Graph) { g.Ops[2].Inputs[1] = g.Ops[0].Outputs[0] }, "a variable is used as a value"},
		{"other shape", func(g *graph.Graph) { g.Tensors[2].Shape = []int{4, 1, 1, 1, 1}; g.Tensors[0].Shape = []int{1, 4} }, "has shape"},
		{"call of nothing", func(g *graph.Graph) {
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.CallOnce, Attr: graph.CallOnceAttr{Subgraph: 3}})
		}, "names subgraph 3 of 1"},
	} {
		g := counter()
		c.spoil(g)
		if _, err := Read("x", encode(&Model{Graph: g})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

// TestShapeAtRunTime reads a TRANSPOSE_CONV whose output shape is an input of the model, and
// whose tensors have no names.
func TestShapeAtRunTime(t *testing.T) {
	g := &graph.Graph{Name: "open"}
	shape := g.Add(&graph.Tensor{Type: graph.Int32, Shape: []int{4}})
	x := g.Add(&graph.Tensor{Type: graph.Int8, Shape: []int{1, 1, 2, 1}, Quant: graph.PerTensor(1, 0)})
	w := g.Add(&graph.Tensor{Name: "output", Type: graph.Int8, Shape: []int{1, 1, 2, 1}, Quant: graph.PerTensor(1, 0), Data: []byte{1, 2}})
	y := g.Add(&graph.Tensor{Type: graph.Int8, Shape: []int{1, 1, 4, 1}, Quant: graph.PerTensor(1, 0)})
	g.Inputs, g.Outputs = []graph.TensorID{shape, x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{{Kind: graph.TransposeConv, Attr: graph.TransposeConvAttr{StrideH: 1, StrideW: 2}, Inputs: []graph.TensorID{shape, w, x}, Outputs: []graph.TensorID{y}}}
	got, err := Read("open.tflite", encode(&Model{Graph: g}))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[graph.TensorID]string{got.Inputs[0]: "input_0", got.Inputs[1]: "input_1", got.Outputs[0]: "output_"} {
		if name := got.Tensors[id].Name; name != want {
			t.Errorf("%q, expected %q", name, want)
		}
	}
	it, err := reference.New(got)
	if err != nil {
		t.Fatal(err)
	}
	copy(it.Input(1), []byte{3, 5})
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(it.Output(0), []byte{3, 6, 5, 10}) {
		t.Errorf("%v, expected 3, 6, 5, 10", it.Output(0))
	}
}
