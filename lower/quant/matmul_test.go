// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestMatMulBound refuses sums that could leave the accumulator of the kernel, and
// takes the largest that cannot: 33025 * 255 * 255 is below 2^31.
func TestMatMulBound(t *testing.T) {
	for _, c := range []struct {
		typ   graph.DType
		inner int
		adj   bool
		ok    bool
	}{
		{graph.Int8, 33025, false, true}, {graph.Int8, 33026, false, false}, {graph.Int8, 33026, true, false},
		{graph.Int16, 131071, false, true}, {graph.Int16, 131072, false, false},
	} {
		g := &graph.Graph{}
		shape := []int{1, c.inner}
		if c.adj {
			shape = []int{c.inner, 1}
		}
		a := g.Add(&graph.Tensor{Name: "a", Type: c.typ, Shape: shape, Quant: graph.PerTensor(0.5, 0)})
		b := g.Add(&graph.Tensor{Name: "b", Type: c.typ, Shape: []int{c.inner, 1}, Quant: graph.PerTensor(0.5, 0)})
		y := g.Add(&graph.Tensor{Name: "y", Type: c.typ, Shape: []int{1, 1}, Quant: graph.PerTensor(1, 0)})
		op := &graph.Op{Kind: graph.BatchMatMul, Attr: graph.BatchMatMulAttr{AdjX: c.adj}, Inputs: []graph.TensorID{a, b}, Outputs: []graph.TensorID{y}}
		g.Ops = append(g.Ops, op)
		if _, err := ForMatMul(g, op); (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "the sum could overflow") {
			t.Errorf("%v with %d products: error %v, expected none: %v", c.typ, c.inner, err, c.ok)
		}
	}
}
