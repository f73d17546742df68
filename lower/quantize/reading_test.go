// SPDX-License-Identifier: Apache-2.0

package quantize_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// leaking adds up a product of its own half: s' = [a, b] with a = a + W b. The state holds
// large and small values side by side, of which the product reads the small ones.
func leaking() *graph.Graph {
	g := &graph.Graph{Name: "leaking"}
	value := func(name string, n int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, n}})
	}
	s, a, b, p, sum, out := value("s", 4), value("a", 2), value("b", 2), value("p", 2), value("sum", 2), value("s_out", 4)
	var raw []byte
	for _, v := range []float32{1, .5, -.5, 1} {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	w := g.Add(&graph.Tensor{Name: "W", Type: graph.Float32, Shape: []int{2, 2}, Data: raw})
	axis := g.Add(&graph.Tensor{Name: "axis", Type: graph.Int32, Shape: []int{}, Data: []byte{1, 0, 0, 0}})
	g.Ops = []*graph.Op{
		{Kind: graph.Split, Attr: graph.SplitAttr{NumSplits: 2}, Inputs: []graph.TensorID{axis, s}, Outputs: []graph.TensorID{a, b}},
		{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{b, w, graph.None}, Outputs: []graph.TensorID{p}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{a, p}, Outputs: []graph.TensorID{sum}},
		{Kind: graph.Concatenation, Attr: graph.ConcatenationAttr{Axis: 1}, Inputs: []graph.TensorID{sum, b}, Outputs: []graph.TensorID{out}},
	}
	g.Inputs, g.Outputs, g.States = []graph.TensorID{s}, []graph.TensorID{out}, []graph.State{{In: s, Out: out}}
	return g
}

// A product reads in 8 bits what is kept in 16 for a sum, by a range of its own and not by
// that of all values beside it; in 16 bits where its reading is named, and whatever the role
// has where that has 8.
func TestReading(t *testing.T) {
	plan, err := unroll.ForGraph(leaking(), unroll.Roles{})
	if err != nil {
		t.Fatal(err)
	}
	readings := plan.Readings()
	if len(readings) != 1 {
		t.Fatalf("readings %v, expected that of W", readings)
	}
	name, state := readings[0].Name, readings[0].Role
	if state != plan.Role[plan.Graph.Find("s")] {
		t.Errorf("the reading is of %q, expected the state's role", state)
	}
	role := func(tensor string) string { return plan.Role[plan.Graph.Find(tensor)] }
	ranges := map[string]quantize.Range{role("s"): {Min: -100, Max: 100}, role("p"): {Min: -2, Max: 2}, name: {Min: -1, Max: 1}}
	for _, c := range []struct {
		why   string
		wide  map[string]bool
		read  graph.DType // what W multiplies, before a CAST
		scale float32
	}{
		{"the state and its reading are wide", map[string]bool{state: true, name: true, role("p"): true}, graph.Int16, 100.0 / 32767},
		{"the state is", map[string]bool{state: true, role("p"): true}, graph.Int8, 2.0 / 255},
		{"the state is, and the product narrow", map[string]bool{state: true}, graph.Int8, 2.0 / 255},
		{"the sum is", map[string]bool{role("p"): true}, graph.Int8, 200.0 / 255},
	} {
		g, err := quantize.Graph(plan, ranges, quantize.Options{Wide: c.wide})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		if err := g.Validate(); err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		made, product := map[graph.TensorID]*graph.Op{}, (*graph.Op)(nil)
		for _, op := range g.Ops {
			made[op.Outputs[0]] = op
			if op.Kind == graph.FullyConnected {
				product = op
			}
		}
		x := product.Inputs[0]
		if op := made[x]; op != nil && op.Kind == graph.Cast {
			x = op.Inputs[0]
		}
		if got := g.Tensors[x]; got.Type != c.read || math.Abs(float64(got.Scale()/c.scale)-1) > 0.01 {
			t.Errorf("%s: W multiplies %v of scale %v, expected %v of %v", c.why, got.Type, got.Scale(), c.read, c.scale)
		}
		if p := g.Tensors[product.Outputs[0]]; (p.Type == graph.Int16) != c.wide[role("p")] {
			t.Errorf("%s: the product is %v", c.why, p.Type)
		}
	}
}

// A reading holds no more than its role does, which --clamp-inputs or a bound may have cut, and is as
// the source prescribes where it does. Weights of one name are not one reading.
func TestReadingRange(t *testing.T) {
	for _, c := range []struct {
		why   string
		cut   quantize.Range
		given [2]float32
		scale float32
	}{
		{"seen", quantize.Range{Min: -100, Max: 100}, [2]float32{}, 2.0 / 255},
		{"the role is cut", quantize.Range{Min: -0.25, Max: 0.25}, [2]float32{}, 0.5 / 255},
		{"prescribed, and wider", quantize.Range{Min: -100, Max: 100}, [2]float32{-5, 5}, 10.0 / 255},
	} {
		plan, err := unroll.ForGraph(leaking(), unroll.Roles{})
		if err != nil {
			t.Fatal(err)
		}
		reading := plan.Readings()[0]
		if c.given[1] != 0 {
			plan.Given[reading.Role] = c.given
		}
		p := plan.Role[plan.Graph.Find("p")]
		ranges := map[string]quantize.Range{reading.Role: c.cut, p: {Min: -2, Max: 2}, reading.Name: {Min: -1, Max: 1}}
		g, err := quantize.Graph(plan, ranges, quantize.Options{Wide: map[string]bool{reading.Role: true, p: true}})
		if err != nil {
			t.Fatalf("%s: %v", c.why, err)
		}
		if read := g.Tensors[g.Find("b_for_W")]; math.Abs(float64(read.Scale()/c.scale)-1) > 0.01 {
			t.Errorf("%s: W multiplies values of scale %v, expected %v", c.why, read.Scale(), c.scale)
		}
	}
}

func TestReadingsOfWeightsOfOneName(t *testing.T) {
	for copied, want := range map[bool]int{true: 1, false: 2} {
		g := leaking()
		w := g.Tensors[g.Find("W")]
		other := *w
		other.Data = append([]byte(nil), w.Data...)
		if !copied {
			binary.LittleEndian.PutUint32(other.Data, math.Float32bits(3))
		}
		again := g.Add(&other)
		q := g.Add(&graph.Tensor{Name: "q", Type: graph.Float32, Shape: []int{1, 2}})
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{g.Find("b"), again, graph.None}, Outputs: []graph.TensorID{q}})
		g.Outputs = append(g.Outputs, q)
		plan, err := unroll.ForGraph(g, unroll.Roles{})
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.Readings(); len(got) != want {
			t.Errorf("weights of one name, copies %v: readings %v, expected %d", copied, got, want)
		}
	}
}
