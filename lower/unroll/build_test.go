// SPDX-License-Identifier: Apache-2.0

package unroll_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// randomNet makes a network with weights large enough to reach the curved
// parts of the activations.
func randomNet(seed uint64, features int, task nn.Task, layers ...nn.Layer) *nn.Network {
	r := rand.New(rand.NewPCG(seed, 1))
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64() * 0.5)
		}
		return v
	}
	net := &nn.Network{Name: "random", Steps: 4, Features: features, Task: task, Outputs: 3}
	for _, l := range layers {
		l.Features = features
		cols := l.Cell.Gates() * l.Units
		l.Kernel, l.Recurrent, l.Bias = fill(features*cols), fill(l.Units*cols), fill(cols)
		if l.Cell == nn.GRU && l.ResetAfter {
			l.Bias = fill(2 * cols)
		}
		net.Layers = append(net.Layers, l)
		features = l.Units
	}
	net.HeadKernel, net.HeadBias = fill(features*net.Outputs), fill(net.Outputs)
	return net
}

// direct computes the network from its equations in float64, one sample. state
// holds h, and c for LSTM, of each layer and is updated.
func direct(net *nn.Network, x []float32, steps int, perStep bool, state [][]float64) []float64 {
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	rows := make([][]float64, steps)
	for t := range rows {
		rows[t] = make([]float64, net.Features)
		for i := range rows[t] {
			rows[t][i] = float64(x[t*net.Features+i])
		}
	}
	s := 0
	for _, l := range net.Layers {
		act := math.Tanh
		if l.Activation == nn.Relu {
			act = func(v float64) float64 { return math.Max(v, 0) }
		}
		H, G := l.Units, l.Cell.Gates()
		times := func(v []float64, m []float32, col int) float64 {
			sum := 0.0
			for i, a := range v {
				sum += a * float64(m[i*G*H+col])
			}
			return sum
		}
		h := state[s]
		for t := range rows {
			x := rows[t]
			next := make([]float64, H)
			switch l.Cell {
			case nn.GRU:
				r := make([]float64, H)
				rh := make([]float64, H)
				rec := func(col int) float64 {
					v := times(h, l.Recurrent, col)
					if l.ResetAfter {
						v += float64(l.Bias[3*H+col])
					}
					return v
				}
				for j := range H {
					r[j] = sigmoid(times(x, l.Kernel, H+j) + float64(l.Bias[H+j]) + rec(H+j))
					rh[j] = r[j] * h[j]
				}
				for j := range H {
					z := sigmoid(times(x, l.Kernel, j) + float64(l.Bias[j]) + rec(j))
					n := times(x, l.Kernel, 2*H+j) + float64(l.Bias[2*H+j])
					if l.ResetAfter {
						n += r[j] * rec(2*H+j)
					} else {
						n += times(rh, l.Recurrent, 2*H+j)
					}
					next[j] = z*h[j] + (1-z)*act(n)
				}
			case nn.LSTM:
				c := state[s+1]
				for j := range H {
					a := func(g int) float64 {
						return times(x, l.Kernel, g*H+j) + times(h, l.Recurrent, g*H+j) + float64(l.Bias[g*H+j])
					}
					c[j] = sigmoid(a(1))*c[j] + sigmoid(a(0))*act(a(2))
					next[j] = sigmoid(a(3)) * act(c[j])
				}
			default:
				for j := range H {
					next[j] = act(times(x, l.Kernel, j) + times(h, l.Recurrent, j) + float64(l.Bias[j]))
				}
			}
			h = next
			rows[t] = h
		}
		copy(state[s], h)
		s++
		if l.Cell == nn.LSTM {
			s++
		}
	}
	var out []float64
	for t := range rows {
		if !perStep && t != steps-1 {
			continue
		}
		y, sum := make([]float64, net.Outputs), 0.0
		for k := range y {
			for j, a := range rows[t] {
				y[k] += a * float64(net.HeadKernel[j*net.Outputs+k])
			}
			y[k] += float64(net.HeadBias[k])
			sum += math.Exp(y[k])
		}
		if net.Task == nn.Classification {
			for k := range y {
				y[k] = math.Exp(y[k]) / sum
			}
		}
		out = append(out, y...)
	}
	return out
}

func zeroState(net *nn.Network) [][]float64 {
	var s [][]float64
	for _, l := range net.Layers {
		s = append(s, make([]float64, l.Units))
		if l.Cell == nn.LSTM {
			s = append(s, make([]float64, l.Units))
		}
	}
	return s
}

var cells = []nn.Layer{
	{Cell: nn.GRU, Units: 5, ResetAfter: true},
	{Cell: nn.GRU, Units: 5, ResetAfter: true, Activation: nn.Relu},
	{Cell: nn.GRU, Units: 5},
	{Cell: nn.LSTM, Units: 5},
	{Cell: nn.LSTM, Units: 5, Activation: nn.Relu},
	{Cell: nn.SimpleRNN, Units: 5},
	{Cell: nn.SimpleRNN, Units: 5, Activation: nn.Relu},
}

// Every cell, form, blend, number of steps and way of the state agrees with the
// equations, two calls in a row.
func TestUnrolledEqualsEquations(t *testing.T) {
	var nets []*nn.Network
	for i, l := range cells {
		nets = append(nets, randomNet(uint64(i), 3, nn.Classification, l))
	}
	nets = append(nets,
		randomNet(100, 3, nn.Regression, cells[0], nn.Layer{Cell: nn.LSTM, Units: 4}, nn.Layer{Cell: nn.SimpleRNN, Units: 2}),
		randomNet(101, 1, nn.Classification, cells[3], nn.Layer{Cell: nn.GRU, Units: 6, ResetAfter: true}))
	plain := randomNet(102, 2, nn.Classification, cells[0], cells[3], cells[5])
	for i := range plain.Layers {
		clear(plain.Layers[i].Bias)
	}
	nets = append(nets, plain)

	for i, net := range nets {
		for _, form := range []unroll.Form{unroll.NPU, unroll.Keras} {
			for _, blend := range []unroll.Blend{unroll.Update, unroll.Keep, unroll.Sum} {
				for _, steps := range []int{1, 4} {
					for flags := range 4 {
						o := unroll.Options{Steps: steps, Form: form, Blend: blend, StateIO: flags&1 != 0, PerStep: flags&2 != 0}
						t.Run(fmt.Sprintf("net%d/%+v", i, o), func(t *testing.T) { checkPlan(t, net, o) })
					}
				}
			}
		}
	}
}

func checkPlan(t *testing.T, net *nn.Network, o unroll.Options) {
	plan, err := unroll.Build(net, o)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := floatexec.New(plan.Graph)
	if err != nil {
		t.Fatal(err)
	}
	const batch = 3
	r := rand.New(rand.NewPCG(7, 7))
	runner := exec.Runner()
	states := make([][][]float64, batch)
	for b := range states {
		states[b] = zeroState(net)
	}
	inputs := make([][]float32, len(plan.Graph.Inputs))
	for i, id := range plan.Graph.Inputs {
		inputs[i] = make([]float32, batch*plan.Graph.Tensors[id].Elems())
	}
	n := o.Steps * net.Features
	for range 2 {
		for i := range inputs[0] {
			inputs[0][i] = float32(r.NormFloat64())
		}
		views, err := runner.Run(batch, inputs)
		if err != nil {
			t.Fatal(err)
		}
		for b := range batch {
			if !o.StateIO {
				states[b] = zeroState(net)
			}
			want := direct(net, inputs[0][b*n:(b+1)*n], o.Steps, o.PerStep, states[b])
			near(t, plan.Graph.Tensors[plan.Graph.Outputs[0]].Name, views[0].Row(b), want)
			for s, v := range views[1:] {
				near(t, plan.Graph.Tensors[plan.Graph.Outputs[s+1]].Name, v.Row(b), states[b][s])
			}
		}
		for s, v := range views[1:] {
			for b := range batch {
				copy(inputs[s+1][b*v.N:], v.Row(b))
			}
		}
	}
	if o.StateIO && len(plan.Graph.States) != len(zeroState(net)) {
		t.Errorf("%d states, expected %d", len(plan.Graph.States), len(zeroState(net)))
	}
}

func near(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, expected %d", name, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); !(d < 1e-5*(1+math.Abs(want[i]))) {
			t.Fatalf("%s[%d] = %v, the equations say %v", name, i, got[i], want[i])
		}
	}
}

// The npu form keeps its promise of block operations a step: products,
// elementwise operators and activations that no producer can absorb.
func TestOperationsPerStep(t *testing.T) {
	for _, c := range []struct {
		layer nn.Layer
		want  int
	}{{cells[0], 7}, {cells[2], 8}, {cells[3], 8}, {cells[5], 2}, {nn.Layer{Cell: nn.MinGRU, Units: 5}, 2}} {
		count := func(steps int) int {
			plan, err := unroll.Build(randomNet(1, 3, nn.Classification, c.layer), unroll.Options{Steps: steps, StateIO: true})
			if err != nil {
				t.Fatal(err)
			}
			return blockOps(plan.Graph)
		}
		if got := count(5) - count(4); got != c.want {
			t.Errorf("%v: %d block operations a step, expected %d", c.layer.Cell, got, c.want)
		}
	}
}

// blockOps counts operators that are more than addresses, with a LOGISTIC or
// TANH free when it is the only reader of its input.
func blockOps(g *graph.Graph) int {
	readers := map[graph.TensorID]int{}
	for _, op := range g.Ops {
		for _, id := range op.Inputs {
			readers[id]++
		}
	}
	for _, id := range g.Outputs {
		readers[id]++
	}
	n := 0
	for _, op := range g.Ops {
		switch op.Kind {
		case graph.Reshape, graph.Split, graph.SplitV, graph.Unpack, graph.Concatenation:
		case graph.Logistic, graph.Tanh:
			if readers[op.Inputs[0]] > 1 {
				n++
			}
		default:
			n++
		}
	}
	return n
}

func TestBuildErrors(t *testing.T) {
	for _, c := range []struct {
		spoil func(*nn.Network)
		want  string
	}{
		{func(n *nn.Network) { n.Steps = 0 }, "0 steps"},
		{func(n *nn.Network) { n.Layers = nil }, "has no layer"},
		{func(n *nn.Network) { n.Layers[1].Features++ }, "layer 1 (lstm): input features: found 6, expected 5"},
		{func(n *nn.Network) { n.Layers[0].Kernel = n.Layers[0].Kernel[1:] }, "layer 0 (gru): kernel values: found 44, expected 45"},
		{func(n *nn.Network) { n.Layers[0].Bias = nil }, "bias values: found 0, expected 30"},
		{func(n *nn.Network) { n.HeadBias = nil }, "head"},
		{func(n *nn.Network) { n.Layers[0].Cell = 9 }, "unknown cell"},
	} {
		net := randomNet(1, 3, nn.Classification, cells[0], nn.Layer{Cell: nn.LSTM, Units: 2})
		c.spoil(net)
		if _, err := unroll.Build(net, unroll.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected one with %q", err, c.want)
		}
	}
}
