// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
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

// TestEvenConstantIsWider: a constant of one value everywhere is a scalar only where the
// other operand has the output's shape.
func TestEvenConstantIsWider(t *testing.T) {
	for _, kind := range []graph.Kind{graph.Mul, graph.Sub, graph.Add} {
		for _, s := range [][3][]int{{{2, 4}, {1, 1}, {2, 4}}, {{1, 2, 3, 4}, {1, 1, 3, 1}, {1, 2, 3, 4}}, {{1, 4}, {3, 1}, {3, 4}}} {
			for _, first := range []bool{true, false} {
				g := &graph.Graph{Name: "even"}
				add := func(name string, shape []int) graph.TensorID {
					return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(0.02, 3)})
				}
				c, x, y := add("c", s[0]), add("x", s[1]), add("y", s[2])
				g.Tensors[c].Data = bytes.Repeat([]byte{57}, graph.Elems(s[0]))
				attr := map[graph.Kind]any{graph.Mul: graph.MulAttr{}, graph.Sub: graph.SubAttr{}, graph.Add: graph.AddAttr{}}[kind]
				in := []graph.TensorID{c, x}
				if !first {
					in = []graph.TensorID{x, c}
				}
				g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
				g.Ops = []*graph.Op{{Kind: kind, Attr: attr, Inputs: in, Outputs: g.Outputs}}
				for _, accel := range []string{"ethos-u55-128", "ethos-u65-512", "ethos-u85-256"} {
					if err := agree(t, g, config{accel, "", ""}.options(t), 1); err != nil {
						t.Errorf("%s: %v of %v and %v, constant first %v: %v", accel, kind, s[0], s[1], first, err)
					}
				}
			}
		}
	}
}
