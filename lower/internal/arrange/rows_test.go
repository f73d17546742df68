// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestRows compares what is written out with the operators themselves.
func TestRows(t *testing.T) {
	shape := []int{2, 3, 5}
	for i, op := range []*graph.Op{
		{Kind: graph.LogSoftmax}, {Kind: graph.L2Normalization, Attr: graph.L2NormAttr{}}, {Kind: graph.AddN},
		{Kind: graph.Cumsum, Attr: graph.CumsumAttr{}}, {Kind: graph.Cumsum, Attr: graph.CumsumAttr{Exclusive: true}},
		{Kind: graph.Cumsum, Attr: graph.CumsumAttr{Reverse: true}}, {Kind: graph.Cumsum, Attr: graph.CumsumAttr{Exclusive: true, Reverse: true}},
	} {
		g := &graph.Graph{Name: "rows"}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: shape})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: shape})
		op.Inputs, op.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		roles := []string{"x", "y"}
		switch op.Kind {
		case graph.AddN:
			op.Inputs = append(op.Inputs, x, x)
		case graph.Cumsum:
			axis := g.Add(&graph.Tensor{Name: "axis", Type: graph.Int32, Shape: []int{}})
			g.Tensors[axis].SetInts([]int{i % 3})
			op.Inputs, roles = append(op.Inputs, axis), append(roles, "")
		}
		g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, []graph.TensorID{x}, []graph.TensorID{y}
		arranged, role := Graph(g, roles)
		if err := arranged.Validate(); err != nil {
			t.Fatal(err)
		}
		if len(role) != len(arranged.Tensors) || role[y] != "y" {
			t.Errorf("%v: roles %q", op.Kind, role)
		}
		in := make([]float32, graph.Elems(shape))
		for i := 5; i < len(in); i++ { // the first row is zero
			in[i] = float32(math.Sin(float64(i*i))) * 4
		}
		var out [2][]float32
		for i, g := range []*graph.Graph{g, arranged} {
			exec, err := floatexec.New(g)
			if err != nil {
				t.Fatal(err)
			}
			views, err := exec.Runner().Run(1, [][]float32{in})
			if err != nil {
				t.Fatal(err)
			}
			out[i] = views[0].Row(0)
		}
		for i, want := range out[0] {
			if d := math.Abs(float64(out[1][i] - want)); !(d < 4e-6) {
				t.Errorf("%v: value %d is %g, expected %g", op.Kind, i, out[1][i], want)
			}
		}
		for _, next := range arranged.Ops {
			if next.Kind == op.Kind {
				t.Errorf("%v is left", op.Kind)
			}
		}
	}
}
