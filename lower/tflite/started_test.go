// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// TestVariableThatStartsElsewhere runs y = max(v, x), v' = x on integers: at the first
// call v is what CALL_ONCE assigned, over the whole range of bytes.
func TestVariableThatStartsElsewhere(t *testing.T) {
	const n = 256
	for _, zero := range []int32{0, -128, 17, 127} {
		q := graph.PerTensor(0.05, zero)
		g := &graph.Graph{Name: "started"}
		add := func(name string, typ graph.DType, shape ...int) graph.TensorID {
			x := &graph.Tensor{Name: name, Type: typ, Shape: shape}
			if typ == graph.Int8 {
				x.Quant = q
			}
			return g.Add(x)
		}
		handle := add("handle", resource)
		x, read, y := add("x", graph.Int8, 1, n), add("read", graph.Int8, 1, n), add("y", graph.Int8, 1, n)
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		g.Ops = []*graph.Op{
			{Kind: graph.VarHandle, Attr: graph.VarHandleAttr{Name: "v"}, Outputs: []graph.TensorID{handle}},
			{Kind: graph.ReadVariable, Inputs: []graph.TensorID{handle}, Outputs: []graph.TensorID{read}},
			{Kind: graph.Maximum, Inputs: []graph.TensorID{read, x}, Outputs: []graph.TensorID{y}},
			{Kind: graph.AssignVariable, Inputs: []graph.TensorID{handle, x}},
		}
		first := &graph.Tensor{Name: "first", Type: graph.Int8, Shape: []int{1, n}, Quant: q}
		for i := range n {
			first.Data = append(first.Data, byte(i))
		}
		r := &reader{m: &Model{Graph: g}, first: map[string]*graph.Tensor{"v": first}}
		if err := r.variables(); err != nil {
			t.Fatal(err)
		}
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		it, err := reference.New(g)
		if err != nil {
			t.Fatal(err)
		}
		it.Reset()
		v := first.Data
		for call := range 4 {
			if call > 0 {
				it.Carry()
			}
			in := it.Input(0)
			for i := range in {
				in[i] = byte(i*7 + call*31)
			}
			now := append([]byte(nil), in...)
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			for i, got := range it.Output(0) {
				if want := byte(max(int8(v[i]), int8(now[i]))); got != want {
					t.Fatalf("zero point %d, call %d, value %d: %d, expected %d", zero, call, i, int8(got), int8(want))
				}
			}
			v = now
		}
	}
}
