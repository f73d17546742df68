// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// variants returns a layer of every registered cell, of 5 units on 3 features, in every
// variant that its cell accepts, with weights that reach the curved parts.
func variants() []nn.Layer {
	var all []nn.Layer
	for _, c := range nn.Cells() {
		plain := nn.Layer{Cell: c, Features: 3, Units: 5}
		for _, l := range []nn.Layer{plain, with(plain, func(l *nn.Layer) { l.ResetAfter = c == nn.GRU }), with(plain, func(l *nn.Layer) { l.Activation = nn.Relu }),
			with(plain, func(l *nn.Layer) { l.Window = 3 }), with(plain, func(l *nn.Layer) { l.OutputGate = true }), with(plain, func(l *nn.Layer) { l.Window, l.OutputGate = 2, true }),
			with(plain, func(l *nn.Layer) { l.ResetAfter, l.Rank = c == nn.GRU, 2 })} {
			if check := c.Facts().Check; (check == nil || check(&l) == nil) && (c.Facts().OutputGate || !l.OutputGate) && l.CheckRank() == nil {
				all = append(all, l)
			}
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	for i := range all {
		for _, p := range all[i].Parameters() {
			*p.Data = make([]float32, p.Elements())
			for j := range *p.Data {
				(*p.Data)[j] = float32(0.5 * r.NormFloat64())
			}
		}
	}
	return all
}

func with(l nn.Layer, change func(*nn.Layer)) nn.Layer {
	change(&l)
	return l
}

func title(l nn.Layer) string {
	return fmt.Sprintf("%v/%v/reset_after=%v/window=%d/gate=%v/rank=%d", l.Cell, l.Activation, l.ResetAfter, l.Window, l.OutputGate, l.Rank)
}

// stepper is the cell's own equations with the window of its input.
type stepper struct {
	l      *nn.Layer
	x      []float64
	states [][]float64
}

func newStepper(l *nn.Layer) *stepper { return &stepper{l, make([]float64, l.Width()), zeroStates(l)} }

func (s *stepper) step(x []float64) []float64 {
	s.x = append(append([]float64(nil), s.x[len(x):]...), x...)
	return append([]float64(nil), cell.Of(s.l).Step(s.l, s.x, s.states)...)
}

// steps returns the output of every step.
func steps(l *nn.Layer, x [][]float64) [][]float64 {
	s := newStepper(l)
	var out [][]float64
	for _, row := range x {
		out = append(out, s.step(row))
	}
	return out
}

func zeroStates(l *nn.Layer) [][]float64 {
	states := make([][]float64, len(cell.Of(l).States(l)))
	for i := range states {
		states[i] = make([]float64, l.Units)
	}
	return states
}

// Every cell that is registered, the toy cell too: the training step gives the outputs
// of the equations, and the gradient of every parameter and input is what differences
// of the equations give.
func TestCellGradients(t *testing.T) {
	const batch, T = 2, 4
	for _, l := range variants() {
		if trains := l.Cell.Facts().Trainable; trains != nil && trains(&l) != nil {
			continue
		}
		t.Run(title(l), func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, 9))
			row := cell.Pad(l.Features + 1)
			in := cell.Operand{Sequence: T * row, Row: row, Width: l.Features, Data: make([]float32, batch*T*row)}
			x, up := make([][][]float64, batch), make([][][]float64, batch)
			for b := range batch {
				for s := range T {
					xs, us := make([]float64, l.Features), make([]float64, l.Units)
					for i := range xs {
						v := float32(r.NormFloat64())
						in.At(b, s)[i], xs[i] = v, float64(v)
					}
					in.At(b, s)[l.Features] = 1
					for i := range us {
						us[i] = float64(float32(r.NormFloat64()))
					}
					x[b], up[b] = append(x[b], xs), append(up[b], us)
				}
			}
			loss := func() float64 {
				sum := 0.0
				for b := range batch {
					for s, h := range steps(&l, x[b]) {
						for j, v := range h {
							sum += v * up[b][s][j]
						}
					}
				}
				return sum
			}
			run := cell.NewRun(&l, T, in, batch, true, false)
			run.NeedGradients(batch, false)
			run.Each(&l, func(m *cell.Matrix) []float32 { return m.W }, func(keras, panels *float32) { *panels = *keras })
			for _, m := range run.Matrices {
				for p := range m.Cols / 16 {
					m.TransposePanel(p)
				}
			}
			run.Forward(0, batch)
			outputs := run.Output()
			for b := range batch {
				want := steps(&l, x[b])
				for s := range T {
					close32(t, fmt.Sprintf("output of step %d", s), outputs.At(b, s)[:l.Units], want[s])
					for j, v := range up[b][s] {
						run.DOut.At(b, s)[j] = float32(v)
					}
				}
			}
			run.Backward(0, batch)
			for _, m := range run.Matrices {
				for col := range m.Cols {
					for i := range m.Inner {
						g := m.Element(m.Grad, i, col)
						for b := range batch {
							for s := range T {
								*g += m.Source.At(b, s)[i] * run.Gates.At(b, s)[m.From+col]
							}
						}
					}
				}
			}
			gradient := with(l, func(g *nn.Layer) {
				for _, p := range g.Parameters() {
					*p.Data = make([]float32, p.Elements())
				}
			})
			run.Each(&gradient, func(m *cell.Matrix) []float32 { return m.Grad }, func(keras, panels *float32) { *keras = *panels })
			below := cell.Operand{Data: make([]float32, batch*T*16), Sequence: T * 16, Row: 16, Width: 16}
			run.PassDown(0, below, false, 0, batch)
			for b := range batch {
				for s := range T {
					for f := range l.Features {
						v := &x[b][s][f]
						kept := *v
						*v = kept + 1e-4
						high := loss()
						*v = kept - 1e-4
						want := (high - loss()) / 2e-4
						*v = kept
						if got := float64(below.At(b, s)[f]); math.Abs(got-want) > 2e-4*(1+math.Abs(want)) {
							t.Fatalf("gradient of feature %d of step %d is %v, differences give %v", f, s, got, want)
						}
					}
				}
			}
			found := gradient.Parameters()
			for k, p := range l.Parameters() {
				for i := range *p.Data {
					v := &(*p.Data)[i]
					kept := *v
					*v = kept + 1e-3
					up, high := loss(), *v
					*v = kept - 1e-3
					down, low := loss(), *v
					*v = kept
					want := (up - down) / float64(high-low)
					if got := float64((*found[k].Data)[i]); math.Abs(got-want) > 2e-4*(1+math.Abs(want)) {
						t.Fatalf("%s: gradient of value %d is %v, differences give %v", p.Name, i, got, want)
					}
				}
			}
		})
	}
}

func close32(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i := range want {
		if math.Abs(float64(got[i])-want[i]) > 1e-5*(1+math.Abs(want[i])) {
			t.Fatalf("%s: value %d is %v, the equations give %v", what, i, got[i], want[i])
		}
	}
}

// The operators of every cell give the outputs of its equations, in windows and step
// by step with carried states, within a network and appended to another graph.
func TestCellOperators(t *testing.T) {
	for _, l := range variants() {
		t.Run(title(l), func(t *testing.T) {
			net := &nn.Network{Name: "one", Steps: 4, Features: 3, Outputs: 2, Task: nn.Regression, PerStep: true, Layers: []nn.Layer{l}}
			net.HeadKernel, net.HeadBias = make([]float32, 10), []float32{0, 0}
			for i := range net.HeadKernel {
				net.HeadKernel[i] = float32(i) / 10
			}
			for _, o := range []unroll.Options{{Steps: 4, PerStep: true}, {Steps: 4, StateIO: true, PerStep: true}, {Steps: 1, StateIO: true, PerStep: true}, {Steps: 2, StateIO: true, PerStep: true, Tied: true}} {
				plan, err := unroll.Build(net, o)
				if err != nil {
					t.Fatal(err)
				}
				checkCalls(t, net, plan.Graph, o, &l)
			}
			if l.Window > 1 {
				return // windows are made by who builds the graph
			}
			checkCalls(t, net, appended(t, &l), unroll.Options{Steps: 4, StateIO: true}, &l)
		})
	}
}

// appended is a graph of another maker around the cell's steps; its first output is
// the sum of the last output and state.
func appended(t *testing.T, l *nn.Layer) *graph.Graph {
	g := &graph.Graph{Name: "other"}
	in := g.Add(&graph.Tensor{Name: "rows", Type: graph.Float32, Shape: []int{4, 3}})
	g.Inputs = []graph.TensorID{in}
	var states []graph.TensorID
	for _, s := range cell.Of(l).States(l) {
		states = append(states, g.Add(&graph.Tensor{Name: s.Name, Type: graph.Float32, Shape: []int{1, l.Units}}))
	}
	g.Inputs = append(g.Inputs, states...)
	hs, after, err := unroll.Append(unroll.Around(g), l, "inner", in, states, unroll.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := g.Add(&graph.Tensor{Name: "sum", Type: graph.Float32, Shape: []int{1, l.Units}})
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{hs[3], after[0]}, Outputs: []graph.TensorID{sum}})
	g.Outputs = append([]graph.TensorID{sum}, after...)
	for i := range states {
		g.States = append(g.States, graph.State{In: states[i], Out: after[i]})
	}
	return g
}

func checkCalls(t *testing.T, net *nn.Network, g *graph.Graph, o unroll.Options, l *nn.Layer) {
	t.Helper()
	exec, err := floatexec.New(g)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	inputs := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		inputs[i] = make([]float32, g.Tensors[id].Elems())
	}
	w := newStepper(l)
	runner := exec.Runner()
	for range 3 {
		if !o.StateIO {
			w = newStepper(l)
		}
		var want []float64
		for s := range o.Steps {
			x := make([]float64, 3)
			for i := range x {
				inputs[0][s*3+i] = float32(r.NormFloat64())
				x[i] = float64(inputs[0][s*3+i])
			}
			last := w.step(x)
			if g.Name == "other" {
				want = nil
				for i, h := range last {
					want = append(want, h+w.states[cell.H][i])
				}
				continue
			}
			for k := range net.Outputs {
				sum := 0.0
				for j, h := range last {
					sum += h * float64(net.HeadKernel[j*net.Outputs+k])
				}
				want = append(want, sum)
			}
		}
		views, err := runner.Run(1, inputs)
		if err != nil {
			t.Fatal(err)
		}
		close32(t, "output", views[0].Row(0), want)
		for i, v := range views[1:] {
			if name := g.Tensors[g.Outputs[i+1]].Name; name == "state_h0_out" {
				close32(t, name, v.Row(0), w.states[cell.H])
			} else if name == "state_c0_out" {
				close32(t, name, v.Row(0), w.states[cell.C])
			}
			copy(inputs[i+1], v.Row(0))
		}
	}
}

// A network of every cell goes through a file unchanged.
func TestCellCheckpoint(t *testing.T) {
	for _, l := range variants() {
		net := &nn.Network{Name: "one", Steps: 4, Features: 3, Outputs: 2, Layers: []nn.Layer{l}, HeadKernel: make([]float32, 10), HeadBias: make([]float32, 2)}
		roundTrip(t, net)
	}
}

func roundTrip(t *testing.T, net *nn.Network) {
	t.Helper()
	var b bytes.Buffer
	if err := checkpoint.Write(&b, net); err != nil {
		t.Fatal(err)
	}
	back, err := checkpoint.Read("net", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(net, back); d != "" {
		t.Errorf("changed on the way through a file (-before +after):\n%s", d)
	}
}

// The toy cell, added by the recipe, learns and keeps what it learned in 8 bits.
func TestToyCell(t *testing.T) {
	c, err := nn.ParseCell("leaky")
	if err != nil {
		t.Fatal(err)
	}
	set, test := dataset.Digits(1, 1500, 200)
	net, err := train.Fit(context.Background(), train.Config{Cell: c, Units: 48, Layers: 2, Epochs: 8, Rate: 1e-2, Clip: 1, Seed: 1}, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	float, _ := train.Evaluate(net, test)
	low, err := lower.Lower(context.Background(), net, set, lower.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	score, err := low.Evaluate(context.Background(), test, 0)
	if err != nil {
		t.Fatal(err)
	}
	if float < 0.4 || math.Abs(score.Accuracy()-float) > 0.03 {
		t.Errorf("accuracy %.3f, in 8 bits %.3f", float, score.Accuracy())
	}
}

// A graph of all kinds of layers that names its inputs: its operators give what the
// layers' definitions give, with states and without.
func TestNetworkGraph(t *testing.T) {
	net := &nn.Network{Name: "graph", Steps: 4, Features: 3, Outputs: 2, Task: nn.Regression, PerStep: true, Layers: []nn.Layer{
		{Kind: nn.Dense, Name: "in", Features: 3, Units: 4, Activation: nn.Relu},
		{Kind: nn.Convolution, Name: "conv", Features: 4, Units: 5, Window: 3, Activation: nn.Sigmoid},
		{Cell: nn.GRU, Name: "left", Inputs: []string{"conv"}, Features: 5, Units: 3, ResetAfter: true},
		{Cell: nn.LSTM, Name: "right", Inputs: []string{"input"}, Features: 3, Units: 2},
		{Kind: nn.Concatenation, Name: "both", Inputs: []string{"left", "right", "in"}, Features: 9, Units: 9},
		{Kind: nn.Activate, Name: "act", Inputs: []string{"both"}, Activation: nn.Tanh, Features: 9, Units: 9},
		{Kind: nn.Dense, Name: "out", Features: 9, Units: 4, Activation: nn.Linear},
	}}
	net = net.Shape()
	r := rand.New(rand.NewPCG(6, 6))
	for _, p := range net.Tensors() {
		for i := range *p {
			(*p)[i] = float32(0.5 * r.NormFloat64())
		}
	}
	roundTrip(t, net)
	if err := train.Trainable(net); err != nil {
		t.Error(err)
	}
	for _, o := range []unroll.Options{{Steps: 4, PerStep: true}, {Steps: 2, PerStep: true, StateIO: true}, {Steps: 1, PerStep: true, StateIO: true}} {
		plan, err := unroll.Build(net, o)
		if err != nil {
			t.Fatal(err)
		}
		exec, err := floatexec.New(plan.Graph)
		if err != nil {
			t.Fatal(err)
		}
		g := plan.Graph
		inputs := make([][]float32, len(g.Inputs))
		for i, id := range g.Inputs {
			inputs[i] = make([]float32, g.Tensors[id].Elems())
		}
		w := newWitness(net)
		runner := exec.Runner()
		for range 8 / o.Steps {
			if !o.StateIO {
				w = newWitness(net)
			}
			var want []float64
			for s := range o.Steps {
				x := make([]float64, 3)
				for i := range x {
					inputs[0][s*3+i] = float32(r.NormFloat64())
					x[i] = float64(inputs[0][s*3+i])
				}
				want = append(want, w.step(x)...)
			}
			views, err := runner.Run(1, inputs)
			if err != nil {
				t.Fatal(err)
			}
			close32(t, fmt.Sprintf("%d steps a call", o.Steps), views[0].Row(0), want)
			for _, s := range g.States {
				for i, id := range g.Outputs {
					for j, in := range g.Inputs {
						if id == s.Out && in == s.In {
							copy(inputs[j], views[i].Row(0))
						}
					}
				}
			}
		}
		r, err := lower.Lower(context.Background(), net, noise{4, 3, 20}, lower.Options{Steps: o.Steps, StateIO: o.StateIO})
		if err != nil {
			t.Fatal(err)
		}
		float, err := r.EvaluateFloat(context.Background(), noise{4, 3, 20}, 0)
		if err != nil {
			t.Fatal(err)
		}
		quantized, err := r.Evaluate(context.Background(), noise{4, 3, 20}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if d := float.RMSE(quantized); !(d < 0.05) {
			t.Errorf("%+v: in 8 bits the outputs differ by %v", o, d)
		}
	}
}

// witness computes a network step by step from the definitions of its layers.
type witness struct {
	net    *nn.Network
	states [][][]float64
	rows   [][][]float64 // inputs of every layer so far
}

func newWitness(net *nn.Network) *witness {
	w := &witness{net: net, rows: make([][][]float64, len(net.Layers))}
	for i := range net.Layers {
		w.states = append(w.states, nil)
		if net.Layers[i].Kind == nn.Recurrent {
			w.states[i] = zeroStates(&net.Layers[i])
		}
	}
	return w
}

func (w *witness) step(x []float64) []float64 {
	act := map[nn.Activation]func(float64) float64{nn.Tanh: math.Tanh, nn.Linear: func(v float64) float64 { return v },
		nn.Relu: func(v float64) float64 { return math.Max(v, 0) }, nn.Sigmoid: func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }}
	outs := make([][]float64, len(w.net.Layers))
	for i := range w.net.Layers {
		l := &w.net.Layers[i]
		sources, _ := w.net.Sources(i)
		var in []float64
		for _, s := range sources {
			if s < 0 {
				in = append(in, x...)
			} else {
				in = append(in, outs[s]...)
			}
		}
		w.rows[i] = append(w.rows[i], in)
		switch l.Kind {
		case nn.Recurrent:
			outs[i] = append([]float64(nil), cell.Of(l).Step(l, in, w.states[i])...)
		case nn.Dense, nn.Convolution:
			k := max(l.Window, 1)
			for j := range l.Units {
				sum := float64(l.Bias[j])
				for d := range k { // d rows back
					at := len(w.rows[i]) - 1 - d
					for f := range l.Features {
						if at >= 0 {
							sum += w.rows[i][at][f] * float64(l.Kernel[((k-1-d)*l.Features+f)*l.Units+j])
						}
					}
				}
				outs[i] = append(outs[i], act[l.Activation](sum))
			}
		case nn.Concatenation:
			outs[i] = in
		case nn.Activate:
			for _, v := range in {
				outs[i] = append(outs[i], act[l.Activation](v))
			}
		}
	}
	var y []float64
	for k := range w.net.Outputs {
		sum := float64(w.net.HeadBias[k])
		for j, v := range outs[len(outs)-1] {
			sum += v * float64(w.net.HeadKernel[j*w.net.Outputs+k])
		}
		y = append(y, sum)
	}
	return y
}
