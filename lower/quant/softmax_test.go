// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestSoftmaxScale: the kernel asks for its output scale to within a thousandth, and
// computes the same whatever it is.
func TestSoftmaxScale(t *testing.T) {
	var first *Softmax8
	for _, c := range []struct {
		scale float32
		zero  int32
		ok    bool
	}{{1.0 / 65536, -32768, true}, {1.0 / 65535, -32768, true}, {1.0 / 65000, -32768, false}, {1.0 / 65536, 0, false}} {
		g := &graph.Graph{}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{1, 4}, Quant: graph.PerTensor(0.1, 3)})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int16, Shape: []int{1, 4}, Quant: graph.PerTensor(c.scale, c.zero)})
		op := &graph.Op{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}
		s, err := ForSoftmax8(g, op)
		if (err == nil) != c.ok {
			t.Errorf("scale %g, zero point %d: %v", c.scale, c.zero, err)
			continue
		}
		if err != nil {
			continue
		}
		if first == nil {
			first = &s
		} else if *first != s {
			t.Errorf("scale %g changes the parameters", c.scale)
		}
	}
}
