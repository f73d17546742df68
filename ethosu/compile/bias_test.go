// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestEqualWeightsOtherBias has two operators with equal weights and rescaling but
// different bias: the weights are stored once, the records twice.
func TestEqualWeightsOtherBias(t *testing.T) {
	g := &graph.Graph{Name: "bias"}
	in := g.Add(&graph.Tensor{Name: "in", Type: graph.Int8, Shape: []int{1, 16}, Quant: graph.PerTensor(0.05, 3)})
	g.Inputs = []graph.TensorID{in}
	w := &graph.Tensor{Name: "w", Type: graph.Int8, Shape: []int{24, 16}, Quant: graph.PerTensor(0.01, 0)}
	for i := range 24 * 16 {
		w.Data = append(w.Data, byte(i*37))
	}
	for k, name := range []string{"a", "b"} {
		wk := *w
		wk.Name = "w" + name
		b := &graph.Tensor{Name: "bias_" + name, Type: graph.Int32, Shape: []int{24}, Quant: graph.PerTensor(0.0005, 0)}
		for i := range 24 {
			b.Data = binary.LittleEndian.AppendUint32(b.Data, uint32(int32(1000*(i-12)*(1-2*k))))
		}
		out := g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 24}, Quant: graph.PerTensor(0.1, 0)})
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{},
			Inputs: []graph.TensorID{in, g.Add(&wk), g.Add(b)}, Outputs: []graph.TensorID{out}})
		g.Outputs = append(g.Outputs, out)
	}
	for _, c := range configs {
		if err := agree(t, g, c.options(t), 1); err != nil {
			t.Errorf("%s %s: %v", c.accel, c.mode, err)
		}
	}
}
