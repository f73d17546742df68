// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestVariablesOfACompiledGraph reads v, has an NPU compute from it, and assigns v: the
// variable is a tensor of its own that is copied where the file reads and assigns it.
func TestVariablesOfACompiledGraph(t *testing.T) {
	q := graph.PerTensor(0.05, -5)
	type tensors struct{ handle, x, read, y graph.TensorID }
	zeros := func() *graph.Tensor {
		return &graph.Tensor{Name: "first", Type: graph.Int8, Shape: []int{1, 8}, Quant: q, Data: bytes.Repeat([]byte{0xfb}, 8)}
	}
	for _, c := range []struct {
		name   string
		change func(r *reader, id tensors)
		want   string
	}{
		{name: "as it is", change: func(*reader, tensors) {}},
		{name: "nothing but assigned", change: func(r *reader, _ tensors) { r.first = nil }},
		{name: "starts elsewhere", change: func(r *reader, _ tensors) { r.first["v"].Data[3] = 7 }, want: `variable "v": starts with other values than its zero point`},
		{name: "starts shorter", change: func(r *reader, _ tensors) { r.first["v"].Data = r.first["v"].Data[:4] }, want: `variable "v": starts as`},
		{name: "never assigned", change: func(r *reader, _ tensors) { r.first, r.m.Graph.Ops = nil, r.m.Graph.Ops[:3] }, want: `variable "v": is read and nothing is ever assigned`},
		{name: "no handle", change: func(r *reader, id tensors) { r.m.Graph.Ops[1].Inputs[0] = id.x }, want: "operator 1 (READ_VARIABLE): names no variable"},
		{name: "a handle of no output", change: func(r *reader, _ tensors) { r.m.Graph.Ops[0].Outputs = nil }, want: "operator 0 (VAR_HANDLE): has 0 outputs"},
		{name: "nothing to assign", change: func(r *reader, _ tensors) { r.m.Graph.Ops[3].Inputs = r.m.Graph.Ops[3].Inputs[:1] }, want: "operator 3 (ASSIGN_VARIABLE): has 1 inputs"},
		{name: "another type", change: func(r *reader, id tensors) { r.m.Graph.Tensors[id.y].Type = graph.Int16 }, want: `operator 3 (ASSIGN_VARIABLE): variable "v" is int8 [1 8] and int16 [1 8]`},
		{name: "another shape", change: func(r *reader, id tensors) { r.m.Graph.Tensors[id.y].Shape = []int{2, 4} }, want: `variable "v" is int8 [1 8] and int8 [2 4]`},
	} {
		g := &graph.Graph{}
		add := func(name string, typ graph.DType, shape ...int) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: typ, Shape: shape, Quant: q})
		}
		id := tensors{g.Add(&graph.Tensor{Name: "handle", Type: resource}), add("x", graph.Int8, 1, 8), add("read", graph.Int8, 1, 8), add("y", graph.Int8, 1, 8)}
		g.Inputs, g.Outputs = []graph.TensorID{id.x}, []graph.TensorID{id.y}
		g.Ops = []*graph.Op{
			{Kind: graph.VarHandle, Attr: graph.VarHandleAttr{Name: "v"}, Outputs: []graph.TensorID{id.handle}},
			{Kind: graph.ReadVariable, Inputs: []graph.TensorID{id.handle}, Outputs: []graph.TensorID{id.read}},
			{Kind: graph.Custom, Attr: graph.CustomAttr{Code: ethosU}, Inputs: []graph.TensorID{id.x, id.read}, Outputs: []graph.TensorID{id.y}},
			{Kind: graph.AssignVariable, Inputs: []graph.TensorID{id.handle, id.y}},
		}
		r := &reader{m: &Model{Graph: g}, first: map[string]*graph.Tensor{"v": zeros()}}
		c.change(r, id)
		err := r.variables()
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, expected %q", c.name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		v := slices.IndexFunc(g.Tensors, func(x *graph.Tensor) bool { return x.Name == "v" })
		if v < 0 || !g.Tensors[v].Variable || len(g.Ops) != 3 ||
			g.Ops[0].Kind != graph.Reshape || int(g.Ops[0].Inputs[0]) != v ||
			g.Ops[2].Kind != graph.AssignVariable || int(g.Ops[2].Inputs[0]) != v || g.Tensors[g.Ops[2].Inputs[1]].Name != "y" {
			t.Errorf("%s: variable is tensor %d of %d, operators %v", c.name, v, len(g.Tensors), g.Ops)
		}
	}
}
