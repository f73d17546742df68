// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
)

// remember gives a graph a variable, its second input where it has one, and assigns to it
// what the operators compute, or its own values rotated by one, which are views of it
// until then.
func remember(g *graph.Graph, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 13))
	ints := func(v ...int) graph.TensorID {
		x := &graph.Tensor{Name: fmt.Sprintf("axis%d", len(g.Tensors)), Type: graph.Int32, Shape: []int{len(v)}}
		x.SetInts(v)
		return g.Add(x)
	}
	fed, v := g.Inputs[0], graph.None
	if len(g.Inputs) > 1 { // one that the graph reads
		v = g.Inputs[1]
		g.Inputs = g.Inputs[:1]
	} else {
		x := *g.Tensors[fed]
		x.Name = "v"
		v = g.Add(&x)
	}
	g.Tensors[v].Variable = true
	var assigned []*graph.Op
	value := func(of graph.TensorID) graph.TensorID {
		t := g.Tensors[of]
		n := t.Shape[len(t.Shape)-1]
		if n < 2 {
			return of
		}
		like := func(name string, n int) graph.TensorID {
			shape := append(append([]int(nil), t.Shape[:len(t.Shape)-1]...), n)
			return g.Add(&graph.Tensor{Name: name, Type: t.Type, Shape: shape, Quant: t.Quant})
		}
		head, tail, turned := like("head", 1), like("tail", n-1), like("turned", n)
		zeros, end := make([]int, len(t.Shape)), append(append([]int(nil), t.Shape[:len(t.Shape)-1]...), 1)
		from := append(append([]int(nil), zeros[1:]...), 1)
		rest := append(append([]int(nil), t.Shape[:len(t.Shape)-1]...), n-1)
		g.Ops = append(g.Ops,
			&graph.Op{Kind: graph.Slice, Inputs: []graph.TensorID{of, ints(zeros...), ints(end...)}, Outputs: []graph.TensorID{head}},
			&graph.Op{Kind: graph.Slice, Inputs: []graph.TensorID{of, ints(from...), ints(rest...)}, Outputs: []graph.TensorID{tail}},
			&graph.Op{Kind: graph.Concatenation, Attr: graph.ConcatenationAttr{Axis: len(t.Shape) - 1}, Inputs: []graph.TensorID{tail, head}, Outputs: []graph.TensorID{turned}})
		if r.IntN(3) == 0 {
			g.Outputs = append(g.Outputs, tail) // a view of a variable that the caller gets
		}
		return turned
	}
	// v follows the input, or what fits it among all that is computed; the other turns.
	follows := fed
	for id, t := range g.Tensors {
		if w := g.Tensors[v]; r.IntN(2) == 0 && !t.IsConst() && !t.Variable && t.Type == w.Type && t.Quant.Equal(w.Quant) && cmp.Equal(t.Shape, w.Shape) {
			follows = graph.TensorID(id)
		}
	}
	if w, t := g.Tensors[v], g.Tensors[follows]; t.Type != w.Type || !t.Quant.Equal(w.Quant) || !cmp.Equal(t.Shape, w.Shape) {
		follows = value(v)
	}
	assigned = append(assigned, &graph.Op{Kind: graph.AssignVariable, Inputs: []graph.TensorID{v, follows}})
	y := *g.Tensors[v]
	y.Name, y.Variable = "y", false
	out := g.Add(&y)
	turned := value(v)
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Maximum, Inputs: []graph.TensorID{v, turned}, Outputs: []graph.TensorID{out}})
	g.Outputs = append(g.Outputs, out)
	g.Ops = append(g.Ops, assigned...)
}

// TestAssignedVariables: networks that keep values in variables give the same outputs in
// both witnesses over several calls, alone, with parts on the CPU, and as several steps.
func TestAssignedVariables(t *testing.T) {
	n := uint64(160)
	if testing.Short() {
		n = 24
	}
	ran := 0
	for seed := range n {
		var g *graph.Graph
		if seed%2 == 0 {
			g = newMixedGraph(seed/2*2 + 1) // no states
		} else {
			g = newRandomGraph(seed)
		}
		if len(g.Ops) == 0 {
			continue
		}
		remember(g, seed)
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		o := configs[seed%uint64(len(configs))].options(t)
		if err := remembered(g, g, compile.Call{Whole: g}, o, seed); err != nil {
			t.Errorf("seed %d: %v\n%v", seed, err, g)
		}
		ran++
		if seed%4 != 1 {
			continue
		}
		g.Outputs = g.Outputs[max(0, len(g.Outputs)-3):] // a value of every step each
		steps := compile.SequenceOptions{Steps: 3, PerStep: seed%8 == 1}
		whole, err := compile.Unrolled(g, steps)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, form := range []compile.Form{compile.FormUnrolled, compile.FormStep} {
			if err := remembered(whole, g, compile.Call{Step: g, SequenceOptions: steps, Form: form}, o, seed); err != nil {
				t.Errorf("seed %d, three steps, %v: %v", seed, form, err)
			}
		}
	}
	if ran < int(n)/2 {
		t.Errorf("%d graphs of %d ran", ran, n)
	}
}

// remembered compiles a call and compares five calls with the interpreter's of a graph of
// all its steps. What a runtime can run comes back from the file.
func remembered(whole, step *graph.Graph, c compile.Call, o compile.Options, seed uint64) error {
	ch, err := compile.CompileCall(c, o)
	if err != nil {
		return err
	}
	ref, err := runner.NewReference(whole)
	if err != nil {
		return err
	}
	dut, err := runner.NewSimulator(ch.Program)
	if err != nil {
		return err
	}
	r, err := runner.Compare(ref, dut, 5, runner.RandomFeed(whole, seed), nil)
	if err == nil && r.First != nil {
		err = r.First
	}
	if err != nil {
		return err
	}
	file, err := vela.Write(ch.Program)
	if err != nil {
		return err
	}
	p, err := vela.Read("written", file)
	if err != nil {
		return err
	}
	want := 0
	for _, x := range step.Tensors {
		if x.Variable {
			want++
		}
	}
	if len(p.Variables) != want || len(p.Inputs) != len(whole.Inputs) {
		return fmt.Errorf("%d variables and %d inputs are in the file, expected %d and %d", len(p.Variables), len(p.Inputs), want, len(whole.Inputs))
	}
	return samePlaces(p.Variables)
}

// samePlaces reports variables that share memory.
func samePlaces(list []ethosu.Binding) error {
	for i, a := range list {
		for _, b := range list[:i] {
			if a.Region == b.Region && a.Offset < b.Offset+b.Size && b.Offset < a.Offset+a.Size {
				return fmt.Errorf("variables %q and %q overlap", a.Name, b.Name)
			}
		}
	}
	return nil
}
