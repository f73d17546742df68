// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestEqualRecordsOtherWeights has operators whose weights differ and whose records are
// equal: what one of them copies to SRAM must not be what another reads before.
func TestEqualRecordsOtherWeights(t *testing.T) {
	for _, size := range [][2]int{{192, 16}, {512, 8}} {
		n, k := size[0], size[1]
		g := &graph.Graph{Name: "records"}
		weights := func(name string, factor int) graph.TensorID {
			w := &graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{n, k}, Quant: graph.PerTensor(0.01, 0)}
			for i := range n * k {
				w.Data = append(w.Data, byte(i*factor>>3))
			}
			return g.Add(w)
		}
		first, often := weights("first", 53), weights("often", 37)
		for i := range 6 {
			w := often
			if i < 2 {
				w = first
			}
			in := g.Add(&graph.Tensor{Name: fmt.Sprint("in", i), Type: graph.Int8, Shape: []int{1, k}, Quant: graph.PerTensor(0.05, 3)})
			out := g.Add(&graph.Tensor{Name: fmt.Sprint("out", i), Type: graph.Int8, Shape: []int{1, n}, Quant: graph.PerTensor(0.1, 0)})
			g.Inputs, g.Outputs = append(g.Inputs, in), append(g.Outputs, out)
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{in, w, graph.None}, Outputs: []graph.TensorID{out}})
		}
		for _, c := range configs {
			if err := agree(t, g, c.options(t), 1); err != nil {
				t.Errorf("%d x %d, %s %s: %v", n, k, c.accel, c.mode, err)
			}
		}
	}
}
