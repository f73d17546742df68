// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// randomStep is a random graph with states: the first input, and sometimes the last,
// takes on the sum of itself and another tensor.
func randomStep(seed uint64) *graph.Graph {
	g := newRandomGraph(seed)
	g.Outputs = slices.DeleteFunc(g.Outputs, func(id graph.TensorID) bool { return slices.Contains(g.Inputs, id) })
	ins := g.Inputs[:1]
	if seed%3 == 0 {
		ins = g.Inputs
	}
	for _, in := range ins {
		t := g.Tensors[in]
		other := in
		for id, u := range g.Tensors {
			made := !u.IsConst() && u.Type == t.Type && fmt.Sprint(u.Shape) == fmt.Sprint(t.Shape)
			if made && (other == in || (uint64(id)+seed)%2 == 0) {
				other = graph.TensorID(id)
			}
		}
		out := g.Add(&graph.Tensor{Name: t.Name + "_next", Type: t.Type, Shape: t.Shape, Quant: t.Quant})
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{in, other}, Outputs: []graph.TensorID{out}})
		g.Outputs = append(g.Outputs, out)
		g.States = append(g.States, graph.State{In: in, Out: out})
	}
	return g
}

// TestRandomSequences lets the carried step and its unrolled graph on the reference
// interpreter, and both compiled forms on the simulator, give the same bytes.
func TestRandomSequences(t *testing.T) {
	n := uint64(160)
	if testing.Short() {
		n = 40
	}
	stages := map[string]int{}
	for seed := range n {
		g := randomStep(seed)
		if _, err := reference.New(g); err != nil {
			continue
		}
		seq := compile.SequenceOptions{Steps: 1 + int(seed%4), PerStep: seed%5 < 2}
		if len(g.Inputs)+len(g.Outputs)-2*len(g.States) > 5 {
			seq.PerStep = false // more values of every step than there are regions
		}
		c := configs[seed%uint64(len(configs))]
		o := c.options(t)
		o.WeightsInSRAM = seed%7 == 0
		if err := sequencesAgree(g, seq, o, seed, stages); err != nil {
			t.Errorf("seed %d, %s %s, %+v: %v\n%s", seed, c.accel, c.mode, seq, err, listing(g))
			return
		}
	}
	t.Logf("sequences with each stage: %v", stages)
	for _, name := range []string{"load", "step", "head"} {
		if stages[name] < int(n)/40 {
			t.Errorf("%d sequences have a stage %q: the test has lost what it is for", stages[name], name)
		}
	}
}

func sequencesAgree(g *graph.Graph, seq compile.SequenceOptions, o compile.Options, seed uint64, stages map[string]int) error {
	p, err := compile.Sequence(g, seq, o)
	if err != nil {
		return err
	}
	for _, s := range p.Stages {
		stages[s.Name]++
	}
	if f := verify.Program(p).All(); len(f) > 0 {
		return fmt.Errorf("%d findings, the first: %v", len(f), f[0])
	}
	step, err := runner.NewReference(g)
	if err != nil {
		return err
	}
	ref, err := runner.NewCarried(step, seq.Steps, seq.PerStep)
	if err != nil {
		return err
	}
	var race error
	dut, err := runner.NewProbed(p, runner.Probe{Adversarial: true, Report: func(f string) { race = fmt.Errorf("race: %s", f) }})
	if err != nil {
		return err
	}
	feed := runner.RandomFeed(g, seed)
	agree := func(what string, m runner.Model) error {
		r, err := runner.Compare(ref, m, 2, feed, nil)
		if err == nil && r.First != nil {
			err = r.First
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	if err := agree("sequence of streams", dut); err != nil {
		return err
	}
	if race != nil {
		return race
	}
	u, err := compile.Unrolled(g, seq)
	if err != nil {
		return err
	}
	m, err := runner.NewReference(u)
	if err != nil {
		return fmt.Errorf("unrolled graph: %w", err)
	}
	if err := agree("unrolled graph", m); err != nil {
		return err
	}
	one, err := compile.Compile(u, o)
	if err != nil {
		return err
	}
	if m, err = runner.NewSimulator(one); err != nil {
		return err
	}
	return agree("unrolled stream", m)
}

// TestSequenceOfRecordedStream runs the recorded sequences of a streaming model as one
// call each.
func TestSequenceOfRecordedStream(t *testing.T) {
	const steps = 28
	g, rec, data := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	for i, c := range configs {
		seq := compile.SequenceOptions{Steps: steps, PerStep: i%2 == 0}
		p, err := compile.Sequence(g, seq, c.options(t))
		if err != nil {
			t.Fatal(err)
		}
		m, err := runner.NewSimulator(p)
		if err != nil {
			t.Fatal(err)
		}
		s := runner.NewSession(m, m.States())
		for n := 0; n+steps <= rec.Count; n += steps {
			s.Reset()
			in, out := rec.Inputs[0], rec.Outputs[0]
			copy(s.In[0], data[in.Offset+n*in.Bytes:])
			if err := s.Call(); err != nil {
				t.Fatal(err)
			}
			want := data[out.Offset+n*out.Bytes:][:steps*out.Bytes]
			if !seq.PerStep {
				want = want[(steps-1)*out.Bytes:]
			}
			if !bytes.Equal(s.Out[0], want) {
				t.Errorf("%s %s, %+v, sequence at %d:\n got %d\nwant %d", c.accel, c.mode, seq, n, int8s(s.Out[0]), int8s(want))
			}
		}
	}
}

// TestSequenceBudget: the copy of the constants is given up when there is no room.
func TestSequenceBudget(t *testing.T) {
	g, _, _ := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	o := config{"ethos-u55-128", "", ""}.options(t)
	seq := compile.SequenceOptions{Steps: 28}
	free, err := compile.Sequence(g, seq, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := free.Stages[1].Name; n != "load" {
		t.Fatalf("without a budget the second stage is %q", n)
	}
	o.SRAMBudget = 4096
	tight, err := compile.Sequence(g, seq, o)
	if err != nil {
		t.Fatal(err)
	}
	a, err := perf.FiguresOf(free)
	if err != nil {
		t.Fatal(err)
	}
	b, err := perf.FiguresOf(tight)
	if err != nil {
		t.Fatal(err)
	}
	if b.SRAMBytes > o.SRAMBudget || b.SRAMBytes >= a.SRAMBytes || b.Cycles <= a.Cycles || a.WakeUps != 31 || b.WakeUps != 29 {
		t.Errorf("without a budget %+v, with %d bytes %+v", a, o.SRAMBudget, b)
	}
	o.SRAMBudget = 1024
	if _, err := compile.Sequence(g, seq, o); err == nil || !strings.Contains(err.Error(), "raise") {
		t.Errorf("with %d bytes the error is %v", o.SRAMBudget, err)
	}
}

// TestSequenceErrors asks for what cannot be.
func TestSequenceErrors(t *testing.T) {
	o := config{"ethos-u55-128", "", ""}.options(t)
	g, _, _ := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	for _, steps := range []int{0, -1, 1 << 20} {
		if _, err := compile.Sequence(g, compile.SequenceOptions{Steps: steps}, o); err == nil || !strings.Contains(err.Error(), "expected 1 to 65536") {
			t.Errorf("%d steps: %v", steps, err)
		}
		if _, err := compile.Unrolled(g, compile.SequenceOptions{Steps: steps}); err == nil || !strings.Contains(err.Error(), "expected 1 to 65536") {
			t.Errorf("%d steps, unrolled: %v", steps, err)
		}
	}
	through := *g
	through.Outputs = append(slices.Clone(g.Outputs), g.Inputs[0])
	if _, err := compile.Sequence(&through, compile.SequenceOptions{Steps: 3}, o); err == nil || !strings.Contains(err.Error(), "is an input") {
		t.Errorf("an input as output: %v", err)
	}
	g.States = nil
	if _, err := compile.Sequence(g, compile.SequenceOptions{Steps: 3}, o); err == nil || !strings.Contains(err.Error(), "name the states") {
		t.Errorf("without states: %v", err)
	}
	if _, err := compile.Unrolled(g, compile.SequenceOptions{Steps: 3}); err == nil || !strings.Contains(err.Error(), "name the states") {
		t.Errorf("without states, unrolled: %v", err)
	}
}
