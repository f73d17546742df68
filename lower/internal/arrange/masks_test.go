// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestMasks compares a masked softmax with its arranged form, which has no value beyond
// what 8 bits can hold beside scores.
func TestMasks(t *testing.T) {
	inf := float32(math.Inf(-1))
	for _, c := range []struct {
		name    string
		mask    []float32 // [3, 3]
		shown   bool      // the sum is an output, too
		changed bool
	}{
		{"infinity", []float32{0, inf, inf, 0, 0, inf, 0, 0, 0}, false, true},
		{"a large number", []float32{0, -1e9, -1e9, 0, 0, -1e9, 1, 0, 0}, false, true},
		{"a bias", []float32{0, -3, 2, 0, -200, 0, 0, 0, 0}, false, false},
		{"a row without anything", []float32{-1e9, -1e9, -1e9, 0, 0, 0, 0, 0, 0}, false, false},
		{"a sum that is shown", []float32{0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0}, true, false},
	} {
		g := &graph.Graph{Name: "masks"}
		shape := []int{1, 3, 3}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: shape})
		m := g.Add(&graph.Tensor{Name: "m", Type: graph.Float32, Shape: []int{3, 3}, Data: encoded(c.mask)})
		s := g.Add(&graph.Tensor{Name: "s", Type: graph.Float32, Shape: shape})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: shape})
		g.Ops = []*graph.Op{
			{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{x, m}, Outputs: []graph.TensorID{s}},
			{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{s}, Outputs: []graph.TensorID{y}},
		}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		if c.shown {
			g.Outputs = append(g.Outputs, s)
		}
		arranged, _ := Graph(g, nil)
		if err := arranged.Validate(); err != nil {
			t.Fatal(err)
		}
		if changed := arranged.Ops[0].Inputs[1] != m; changed != c.changed {
			t.Errorf("%s: changed %v, expected %v", c.name, changed, c.changed)
		}
		in := make([]float32, 9)
		for i := range in {
			in[i] = float32(math.Sin(float64(i*i))) * 8
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
			if d := math.Abs(float64(out[1][i] - want)); !(d < 1e-6) {
				t.Errorf("%s: value %d is %g, expected %g", c.name, i, out[1][i], want)
			}
		}
	}
}
