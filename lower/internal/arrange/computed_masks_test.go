// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"math"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestComputedMasks compares softmaxes that are masked by what is fed with their arranged
// form, in which nothing is beyond what 8 bits can hold beside scores.
func TestComputedMasks(t *testing.T) {
	for _, c := range []struct {
		name    string
		chosen  bool // the scores are multiplied by the mask, as a choice is written
		turned  bool // 1 is what is taken out
		shaped  bool // the mask is reshaped on its way
		shown   bool // the sum is an output, too
		factor  float32
		changed bool
	}{
		{"added", false, false, false, false, -1e9, true},
		{"added, reshaped", false, false, true, false, -1e4, true},
		{"chosen", true, false, false, false, -1e4, true},
		{"chosen by the opposite", true, true, false, false, -3e38, true},
		{"a gain", false, false, false, false, -3, false},
		{"what is not known to be a mask", false, true, false, false, -1e4, false},
		{"a sum that is shown", true, false, false, true, -1e4, false},
	} {
		g := &graph.Graph{Name: "masks"}
		value := func(name string, shape ...int) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
		}
		constant := func(name string, v float32) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{}, Data: encoded([]float32{v})})
		}
		x, m, rest, y := value("x", 1, 4), value("m", 1, 4), value("rest", 1, 4), value("y", 1, 4)
		far, term, sum, scores := constant("far", c.factor), value("term", 1, 4), value("sum", 1, 4), x
		kept, out := m, rest
		if c.turned {
			kept, out = rest, m
		}
		g.Ops = []*graph.Op{
			{Kind: graph.Sub, Attr: graph.SubAttr{}, Inputs: []graph.TensorID{constant("one", 1), m}, Outputs: []graph.TensorID{rest}},
			{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{out, far}, Outputs: []graph.TensorID{term}},
		}
		if c.shaped {
			flat := value("flat", 1, 4)
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: []int{1, 4}}, Inputs: []graph.TensorID{term}, Outputs: []graph.TensorID{flat}})
			term = flat
		}
		if c.chosen {
			scores = value("kept", 1, 4)
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{kept, x}, Outputs: []graph.TensorID{scores}})
		}
		g.Ops = append(g.Ops,
			&graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{scores, term}, Outputs: []graph.TensorID{sum}},
			&graph.Op{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{sum}, Outputs: []graph.TensorID{y}})
		g.Inputs, g.Outputs = []graph.TensorID{x, m}, []graph.TensorID{y}
		if c.shown {
			g.Outputs = append(g.Outputs, sum)
		}
		arranged, _ := Graph(g, nil)
		if err := arranged.Validate(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		changed := !slices.ContainsFunc(arranged.Ops, func(op *graph.Op) bool { return slices.Contains(op.Inputs, far) })
		if changed != c.changed {
			t.Errorf("%s: changed %v, expected %v", c.name, changed, c.changed)
		}
		mask := []float32{1, 0, 1, 1}
		if c.turned {
			mask = []float32{0, 1, 0, 0}
		}
		var got [2][]float32
		for i, g := range []*graph.Graph{g, arranged} {
			exec, err := floatexec.New(g)
			if err != nil {
				t.Fatal(err)
			}
			views, err := exec.Runner().Run(1, [][]float32{{-41, -44, -45, -39}, mask})
			if err != nil {
				t.Fatal(err)
			}
			got[i] = views[0].Row(0)
		}
		for i, want := range got[0] {
			if d := math.Abs(float64(got[1][i] - want)); !(d < 1e-6) {
				t.Errorf("%s: value %d is %g, expected %g", c.name, i, got[1][i], want)
			}
		}
	}
}
