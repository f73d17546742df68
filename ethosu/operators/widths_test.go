// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"context"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// TestFunctionsInBothWidths lowers every function of one value from float, and compiles it:
// what the NPU has in 8 bits alone is computed in 8 also in a network of 16.
func TestFunctionsInBothWidths(t *testing.T) {
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range graph.Kinds() {
		d := graph.Describe(k)
		if d.Real == nil {
			continue
		}
		for _, width := range []lower.Activations{lower.Int8, lower.Int16} {
			g := &graph.Graph{Name: "function"}
			x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, 16}})
			in := g.Add(&graph.Tensor{Name: "in", Type: graph.Float32, Shape: []int{1, 16}})
			y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 16}})
			g.Ops = []*graph.Op{
				{Kind: graph.Logistic, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{in}},
				{Kind: d.Kind, Attr: d.Attr, Inputs: []graph.TensorID{in}, Outputs: []graph.TensorID{y}},
			}
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
			r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: width, PerChannelWeights: true})
			if err != nil {
				t.Errorf("%v in %v: %v", d.Kind, width, err)
				continue
			}
			limit := 0.03
			switch k {
			case graph.Floor, graph.Ceil, graph.Round, graph.Sign: // a step may be met or not
				limit = 1
			}
			if width == lower.Int16 {
				limit /= 6
			}
			if r.Loss > limit {
				t.Errorf("%v in %v loses %.3g", k, width, r.Loss)
			}
			if _, err := compile.Compile(r.Int8, compile.Options{Accel: accel}); err != nil {
				t.Errorf("%v in %v: %v", d.Kind, width, err)
			}
		}
	}
}
