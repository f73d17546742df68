// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestBothBroadcast: the NPU broadcasts the second operand alone.
func TestBothBroadcast(t *testing.T) {
	for _, kind := range []graph.Kind{graph.Mul, graph.Sub} {
		for _, s := range [][3][]int{{{4, 1}, {1, 16}, {4, 16}}, {{1, 16}, {4, 1}, {4, 16}}, {{1, 4, 1, 16}, {1, 1, 3, 16}, {1, 4, 3, 16}}, {{2, 1, 3}, {1, 5, 1}, {2, 5, 3}}} {
			g := &graph.Graph{Name: "broadcast"}
			add := func(name string, shape []int) graph.TensorID {
				return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(0.02, 3)})
			}
			a, b, y := add("a", s[0]), add("b", s[1]), add("y", s[2])
			var attr any = graph.MulAttr{}
			if kind == graph.Sub {
				attr = graph.SubAttr{}
			}
			g.Inputs, g.Outputs = []graph.TensorID{a, b}, []graph.TensorID{y}
			g.Ops = []*graph.Op{{Kind: kind, Attr: attr, Inputs: g.Inputs, Outputs: g.Outputs}}
			if err := agree(t, g, config{"ethos-u55-128", "", ""}.options(t), 1); err != nil {
				t.Errorf("%v of %v and %v: %v", kind, s[0], s[1], err)
			}
		}
	}
}
