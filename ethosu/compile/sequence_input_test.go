// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// recurrentStep draws a recurrent cell whose inputs go through operators of their own
// before they meet the state: a product for certain, and before and behind it what a
// stage for all steps may or may not take along.
func recurrentStep(seed uint64) *graph.Graph {
	r := &randomGraph{Rand: rand.New(rand.NewPCG(seed, 31)), g: &graph.Graph{Name: fmt.Sprintf("cell %d", seed)}, used: map[graph.TensorID]bool{}}
	for range 3 {
		r.scale = append(r.scale, float32(0.01+0.05*r.Float64()))
	}
	units := 1 + r.IntN(60)
	shapes := [][]int{{1, 1 + r.IntN(40)}, {1, 1, 1 + r.IntN(40)}, {1, 16}, {2, 8 * (1 + r.IntN(3))}, {3, 1 + r.IntN(5)}}
	var xs []graph.TensorID
	for range 1 + r.IntN(2) {
		xs = append(xs, r.add(r.tensor(graph.Int8, shapes[r.IntN(len(shapes))])))
	}
	h := r.tensor(graph.Int8, []int{1, units})
	h.Quant = graph.PerTensor(1.0/128, 0)
	state := r.add(h)
	r.g.Inputs = append(append(r.g.Inputs, xs...), state)
	product := func(in graph.TensorID, o int, act graph.Activation) graph.TensorID {
		t := r.g.Tensors[in]
		fc := r.shared(t.Type, o, t.Elems(), t.Scale())
		r.emit(graph.FullyConnected, graph.FullyConnectedAttr{Activation: act}, []graph.TensorID{in, fc[0], fc[1]}, r.tensor(t.Type, []int{1, o}))
		return r.pool[len(r.pool)-1]
	}
	sum := product(state, units, graph.ActNone)
	add := func(kind graph.Kind, id graph.TensorID) {
		r.emit(kind, map[graph.Kind]any{graph.Add: graph.AddAttr{}, graph.Sub: graph.SubAttr{}, graph.Mul: graph.MulAttr{}}[kind],
			[]graph.TensorID{sum, id}, r.tensor(graph.Int8, []int{1, units}))
		sum = r.pool[len(r.pool)-1]
	}
	var extra []graph.TensorID
	for _, x := range xs {
		t := r.g.Tensors[x]
		before := len(r.g.Ops)
		switch r.IntN(7) {
		case 0:
			r.emit(graph.Quantize, nil, []graph.TensorID{x}, r.tensor(graph.Int8, t.Shape))
		case 1:
			r.emit(graph.Relu6, nil, []graph.TensorID{x}, r.like(t, t.Shape))
		case 2:
			c := r.constant(r.tensor(graph.Int8, []int{t.Shape[len(t.Shape)-1]}))
			r.emit(graph.Add, graph.AddAttr{}, []graph.TensorID{x, c}, r.tensor(graph.Int8, t.Shape))
		case 3: // one part, the whole
			r.emit(graph.Split, graph.SplitAttr{NumSplits: 1}, []graph.TensorID{r.scalarInt(len(t.Shape) - 1), x}, r.like(t, t.Shape))
		case 4: // products of 16 bits
			wide := r.tensor(graph.Int16, t.Shape)
			wide.Quant = graph.PerTensor(t.Scale(), 0)
			r.emit(graph.Cast, graph.CastAttr{}, []graph.TensorID{x}, wide)
		}
		y := x
		if len(r.g.Ops) > before {
			y = r.pool[len(r.pool)-1]
		}
		if r.IntN(3) == 0 {
			n := r.g.Tensors[y].Elems()
			r.emit(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, n}}, []graph.TensorID{y}, r.like(r.g.Tensors[y], []int{1, n}))
			y = r.pool[len(r.pool)-1]
		}
		parts := 1 + r.IntN(2)
		p := product(y, units*parts, graph.ActNone)
		if r.g.Tensors[p].Type == graph.Int16 {
			r.emit(graph.Quantize, nil, []graph.TensorID{p}, r.tensor(graph.Int8, []int{1, units * parts}))
			p = r.pool[len(r.pool)-1]
		}
		if r.IntN(3) == 0 {
			out := r.tensor(graph.Int8, []int{1, units * parts})
			out.Quant = graph.PerTensor(1.0/128, 0)
			r.emit(graph.Tanh, nil, []graph.TensorID{p}, out)
			p = r.pool[len(r.pool)-1]
		}
		if parts == 1 {
			add(graph.Add, p)
		} else {
			t := r.g.Tensors[p]
			r.emit(graph.Split, graph.SplitAttr{NumSplits: 2}, []graph.TensorID{r.scalarInt(1), p}, r.like(t, []int{1, units}), r.like(t, []int{1, units}))
			a, b := r.pool[len(r.pool)-2], r.pool[len(r.pool)-1]
			if r.IntN(2) == 0 {
				out := r.tensor(graph.Int8, []int{1, units})
				out.Quant = graph.PerTensor(1.0/256, -128)
				r.emit(graph.Logistic, nil, []graph.TensorID{a}, out)
				a = r.pool[len(r.pool)-1]
			}
			add(graph.Mul, a)
			add(graph.Add, b)
		}
		switch r.IntN(8) {
		case 0, 2: // every step's own input meets the state, too: a value each, or one for all
			if t := r.g.Tensors[x]; t.Shape[0] == 1 && len(t.Shape) == 2 {
				n := units
				if t.Elems() < units {
					n = 1
				}
				r.emit(graph.Slice, nil, []graph.TensorID{x, r.ints(0, 0), r.ints(1, n)}, r.like(t, []int{1, n}))
				add(graph.Sub, r.pool[len(r.pool)-1])
			}
		case 1: // a result of the input alone, for the caller
			extra = append(extra, p)
		}
	}
	next := r.tensor(graph.Int8, h.Shape)
	next.Quant = h.Quant
	r.emit(graph.Tanh, nil, []graph.TensorID{sum}, next)
	out := r.pool[len(r.pool)-1]
	r.g.Outputs = append([]graph.TensorID{product(out, 1+r.IntN(20), graph.ActNone), out}, extra...)
	r.g.States = []graph.State{{In: state, Out: out}}
	return r.g
}

// TestRecurrentSequences lets both witnesses judge sequences of such cells, and expects
// most to have a stage for their inputs.
func TestRecurrentSequences(t *testing.T) {
	n := uint64(120)
	if testing.Short() {
		n = 24
	}
	stages := map[string]int{}
	spread, taken := 0, map[string]int{}
	for seed := range n {
		g := recurrentStep(seed)
		if _, err := reference.New(g); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, listing(g))
		}
		seq := compile.SequenceOptions{Steps: 1 + int(seed%7), PerStep: seed%5 < 2}
		c := configs[seed%uint64(len(configs))]
		o := c.options(t)
		o.WeightsInSRAM = seed%7 == 0
		if err := sequencesAgree(g, seq, o, seed, stages); err != nil {
			t.Errorf("seed %d, %s %s, %+v: %v\n%s", seed, c.accel, c.mode, seq, err, listing(g))
			return
		}
		p, err := compile.Sequence(g, seq, o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Stages[0].Name != "input" {
			continue
		}
		if p.Inputs[0].Rows > 0 {
			spread++
		}
		for _, op := range g.Ops {
			if a, ok := op.Attr.(graph.SplitAttr); ok && a.NumSplits == 1 {
				taken["split into one"]++
			}
			taken[op.Kind.String()]++
		}
	}
	t.Logf("sequences with each stage: %v; %d with an input that both stages read; operators of cells with a stage for inputs: %v", stages, spread, taken)
	if stages["input"] < int(n)/2 || min(spread, taken["CAST"], taken["split into one"]) < int(n)/40 {
		t.Error("the test has lost what it is for")
	}
}

// TestSequenceInputBudget: where the products of all steps do not fit, every step
// computes its own.
func TestSequenceInputBudget(t *testing.T) {
	g, _, _ := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	o := config{"ethos-u55-128", "", ""}.options(t)
	seq := compile.SequenceOptions{Steps: 28}
	last := perf.Figures{}
	for _, want := range []struct {
		budget int
		stages string
	}{{0, "[input load step head]"}, {6144, "[input step head]"}, {2304, "[step head]"}} {
		o.SRAMBudget = want.budget
		p, err := compile.Sequence(g, seq, o)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range p.Stages {
			names = append(names, s.Name)
		}
		f, err := perf.FiguresOf(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(names); got != want.stages || want.budget > 0 && f.SRAMBytes > want.budget || f.Cycles <= last.Cycles {
			t.Errorf("budget %d: stages %s, %+v; expected %s", want.budget, got, f, want.stages)
		}
		last = f
	}
}
