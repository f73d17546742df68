// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// TestResizeOfWideValues resizes values of 16 bits by the kernel of 8 bits, which is the only
// one.
func TestResizeOfWideValues(t *testing.T) {
	for _, bounded := range []bool{false, true} { // a role of the resizing, or one that a kernel prescribes
		g := &graph.Graph{Name: "up"}
		value := func(name string, size int) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, size, size, 2}})
		}
		x, a, y := value("x", 4), value("a", 4), value("y", 8)
		size := g.Add(&graph.Tensor{Name: "size", Type: graph.Int32, Shape: []int{2}, Data: []byte{8, 0, 0, 0, 8, 0, 0, 0}})
		g.Ops = []*graph.Op{
			{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{x, x}, Outputs: []graph.TensorID{a}},
			{Kind: graph.ResizeBilinear, Attr: graph.ResizeAttr{HalfPixelCenters: true}, Inputs: []graph.TensorID{a, size}, Outputs: []graph.TensorID{y}},
		}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		if bounded {
			g.Ops[0] = &graph.Op{Kind: graph.Tanh, Inputs: g.Ops[0].Inputs[:1], Outputs: g.Ops[0].Outputs}
		}
		for _, width := range []lower.Activations{lower.Int8, lower.Mixed, lower.Int16} {
			r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, images(8), lower.Options{Activations: width, PerChannelWeights: true})
			if err != nil {
				t.Errorf("%v: %v", width, err)
				continue
			}
			if e := r.Outputs[0]; e.Relative > 0.03 {
				t.Errorf("%v: quantized differs by %.3g of the deviation", width, e.Relative)
			}
			if out := r.Int8.Tensors[r.Int8.Outputs[0]]; width == lower.Int16 && out.Type != graph.Int16 {
				t.Errorf("%v: the output is %v", width, out.Type)
			}
		}
	}
}
