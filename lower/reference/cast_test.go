// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// castGraph is y = CAST(x) of all int8 values, with quantizations that differ.
func castGraph() *graph.Graph {
	g := &graph.Graph{Name: "cast"}
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 256}, Quant: graph.PerTensor(0.5, -7)})
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int16, Shape: []int{1, 256}, Quant: graph.PerTensor(0.25, 0)})
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{{Kind: graph.Cast, Attr: graph.CastAttr{In: graph.Int8, Out: graph.Int16}, Inputs: g.Inputs, Outputs: g.Outputs}}
	return g
}

// CAST keeps every integer, whatever scales and zero points say.
func TestCast(t *testing.T) {
	it, err := New(castGraph())
	if err != nil {
		t.Fatal(err)
	}
	for i := range it.Input(0) {
		it.Input(0)[i] = byte(i)
	}
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if got := int16(binary.LittleEndian.Uint16(it.Output(0)[2*i:])); got != int16(int8(i)) {
			t.Errorf("%d became %d", int8(i), got)
		}
	}
}
