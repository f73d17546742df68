// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// ending returns a graph whose output is that of the given operators, one after the other.
func ending(shapes [][]int, kinds ...graph.Kind) (*graph.Graph, graph.TensorID) {
	g := &graph.Graph{Name: "ending"}
	id := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: shapes[0]})
	g.Inputs = []graph.TensorID{id}
	for i, k := range kinds {
		next := g.Add(&graph.Tensor{Name: k.String(), Type: graph.Float32, Shape: shapes[i+1]})
		g.Ops = append(g.Ops, &graph.Op{Kind: k, Inputs: []graph.TensorID{id}, Outputs: []graph.TensorID{next}})
		id = next
	}
	g.Outputs = []graph.TensorID{id}
	return g, id
}

// A probability decides, a distribution does, and a mask of many probabilities does not.
func TestDecisionWidth(t *testing.T) {
	for _, c := range []struct {
		name        string
		shapes      [][]int
		kinds       []graph.Kind
		width       int
		probability bool
	}{
		{"a detection", [][]int{{1, 1}, {1, 1}}, []graph.Kind{graph.Logistic}, 1, true},
		{"a detection for every step", [][]int{{1, 9, 1}, {1, 9, 1}, {1, 9}}, []graph.Kind{graph.Logistic, graph.Reshape}, 1, true},
		{"a mask", [][]int{{1, 257}, {1, 257}}, []graph.Kind{graph.Logistic}, 0, true},
		{"classes", [][]int{{1, 10}, {1, 10}}, []graph.Kind{graph.Softmax}, 10, true},
		{"classes, reshaped", [][]int{{1, 1, 10}, {1, 1, 10}, {1, 10}}, []graph.Kind{graph.Softmax, graph.Reshape}, 10, true},
		{"classes in another order", [][]int{{5, 5}, {5, 5}, {5, 5}}, []graph.Kind{graph.Softmax, graph.Transpose}, 0, true},
		{"numbers", [][]int{{1, 1}, {1, 1}}, []graph.Kind{graph.Tanh}, 0, false},
	} {
		g, id := ending(c.shapes, c.kinds...)
		if width, p := decisionWidth(g, id), isProbability(g, id); width != c.width || p != c.probability {
			t.Errorf("%s: %d values a decision, probability %v; expected %d, %v", c.name, width, p, c.width, c.probability)
		}
	}
}

// Decisions that change are counted in both directions, and expected where they come near.
func TestCompareDecisions(t *testing.T) {
	want := []float32{0.1, 0.9, 0.4, 0.6, 0.45, 0.55}
	if d := compareDecisions(want, want, 1); d.Decisions != 6 || d.Changed != 0 || d.Expected != 0 {
		t.Errorf("the same outputs: %+v", d)
	}
	got := []float32{0.1, 0.9, 0.4, 0.6, 0.52, 0.48}
	if d := compareDecisions(want, got, 1); d.Changed != 2 || !(d.Expected > 0) {
		t.Errorf("two that pass 0.5: %+v", d)
	}
	if d := compareDecisions([]float32{0.2, 0.7, 0.1, 0.5, 0.3, 0.2}, []float32{0.2, 0.7, 0.1, 0.3, 0.5, 0.2}, 3); d.Decisions != 2 || d.Changed != 1 {
		t.Errorf("one of two distributions: %+v", d)
	}
}

// The loss of an output that decides is what is farther from its aim: decisions, or the mean
// difference.
func TestLossOfDecisions(t *testing.T) {
	g, _ := ending([][]int{{1, 1}, {1, 1}}, graph.Logistic)
	q := &graphQuantizer{float: g}
	aim := aimDecisions(DefaultAccuracyLoss, 1000)
	for _, c := range []struct{ mean, expected, want float64 }{
		{0, aim, aim},
		{0, 2 * aim, 2 * aim},
		{aimNumbers(DefaultAccuracyLoss), 0, aim}, // as far as is aimed at
		{3 * aimNumbers(DefaultAccuracyLoss), aim, 3 * aim},
	} {
		got := q.loss([]OutputError{{Mean: c.mean, Decided: &Decided{Decisions: 1000, Expected: c.expected}}})
		if d := got - c.want; d > 1e-12 || d < -1e-12 {
			t.Errorf("mean difference %v and %v of the decisions: loss %v, expected %v", c.mean, c.expected, got, c.want)
		}
	}
}

// A bound is kept where every measure of every output keeps it, whatever unit the loss has.
func TestKept(t *testing.T) {
	g, _ := ending([][]int{{1, 1}, {1, 1}}, graph.Logistic)
	q := &graphQuantizer{float: g}
	for _, c := range []struct {
		mean, expected float64
		want           bool
	}{{0.003, 0.003, true}, {0.0031, 0, false}, {0, 0.0031, false}} {
		if got := q.kept([]OutputError{{Mean: c.mean, Decided: &Decided{Decisions: 1000, Expected: c.expected}}}); got != c.want {
			t.Errorf("mean difference %v and %v of the decisions: kept %v", c.mean, c.expected, got)
		}
	}
}

// An output of quantities far from zero and from each other is measured by what each of them
// deviates; a constant one by its size.
func TestCompareOutputOfSeveralQuantities(t *testing.T) {
	g, id := ending([][]int{{1, 2}, {1, 2}}, graph.Tanh)
	want := []float32{20, 1013, 20.5, 1014, 19.5, 1012, 20, 1013}
	got := []float32{20, 1012, 20, 1013, 20, 1013, 20, 1012}
	e := compareOutput(g, id, want, got)
	if noise, spread := 0.5+4.0, 0.5+2.0; math.Abs(e.Relative-math.Sqrt(noise/spread)) > 1e-9 {
		t.Errorf("relative error %v, expected %v: nothing is left of what the outputs say", e.Relative, math.Sqrt(noise/spread))
	}
	if e.Element == nil || e.Element.Index != 1 || math.Abs(e.Element.Relative-math.Sqrt(4/2.0)) > 1e-9 {
		t.Errorf("worst element %+v, expected 1 with %v", e.Element, math.Sqrt(4/2.0))
	}
	columns, first := ending([][]int{{1, 2, 4}, {1, 2, 4}}, graph.Tanh) // the same with channels in front of steps
	f := compareOutput(columns, first, []float32{20, 20.5, 19.5, 20, 1013, 1014, 1012, 1013}, []float32{20, 20, 20, 20, 1012, 1013, 1013, 1012})
	if math.Abs(f.Relative-e.Relative) > 1e-9 || f.Element == nil || *f.Element != (ElementError{Dimension: 1, Index: 1, Relative: e.Element.Relative}) {
		t.Errorf("channels first: relative error %v, worst element %+v, expected %v, %+v in dimension 1", f.Relative, f.Element, e.Relative, e.Element)
	}
	e = compareOutput(g, id, []float32{0.1, 400, 0.1, 400, 0.1, 400}, []float32{0.1, 404, 0.1, 404, 0.1, 404})
	if math.Abs(e.Relative-0.01) > 1e-4 || e.Element != nil {
		t.Errorf("constants: relative error %v, worst element %+v; expected 1 %% of their size and none", e.Relative, e.Element)
	}
	if e = compareOutput(g, id, []float32{0, 0}, []float32{0.1, 0.1}); math.Abs(e.Relative-0.1) > 1e-6 {
		t.Errorf("zeros: relative error %v, expected 0.1", e.Relative)
	}
}

// far feeds values of a size.
type far float64

func (far) Len() int      { return 4 }
func (far) Calls(int) int { return 1 }
func (f far) Feed(i, _, _ int, dst []float32) error {
	for k := range dst {
		dst[k] = float32(float64(f) * math.Sin(float64(3*i+k)))
	}
	return nil
}

// An input far larger than what is kept of it is named, and others are not.
func TestOutsizedInputs(t *testing.T) {
	g := &graph.Graph{Name: "far"}
	value := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, 4}})
	}
	x, turned, sum, y := value("x"), value("turned"), value("sum"), value("y")
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	g.Ops = []*graph.Op{
		{Kind: graph.Tanh, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{turned}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{x, turned}, Outputs: []graph.TensorID{sum}},
		{Kind: graph.Tanh, Inputs: []graph.TensorID{sum}, Outputs: []graph.TensorID{y}},
	}
	for _, size := range []far{1, 1e8} {
		_, err := LowerGraph(context.Background(), g, unroll.Roles{}, size, Options{Activations: Int8})
		if size == 1 && err != nil {
			t.Error(err)
		}
		if size > 1 && (err == nil || !strings.Contains(err.Error(), `input "x" reaches 1e+08`) || !strings.Contains(err.Error(), "too small for the input scales")) {
			t.Errorf("size %g: error %v", float64(size), err)
		}
	}
}
