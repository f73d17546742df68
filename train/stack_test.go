// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// stacks are all kinds of layers with all cells, before, behind and beside each other.
var stacks = []string{
	"dense:5:tanh,gru:4",
	"dense:17,gru:18,dense:3:sigmoid,dense:5:linear",
	"conv:5x3:tanh,gru:4:classic",
	"conv:4x5:relu,conv:3x2:sigmoid,lstm:5",
	"conv:18x2:linear,mingru:17x2:gate",
	"rnn:4:relu,mean",
	"mingru:5x3,max,dense:4:tanh",
	"conv:6x2:tanh,max",
	"gru:5,last,dense:6:tanh",
	"dense:6,mean,dense:4:linear,dense:3:tanh",
	"bi-gru:4",
	"bi-lstm:17,max",
	"bi-rnn:3,last,dense:4:tanh",
	"bi-mingru:4x3:gate,bi-gru:3:classic,mean",
	"bi-mingru:3x2,gru:5",
	"mean",
	"gru:6:r3",
	"lstm:5:r2,gru:19:r17",
	"rnn:18:relu:r1,mean",
	"bi-gru:5:r2,dense:3:tanh",
}

func stackNetwork(t *testing.T, text string, perStep bool, task nn.Task) *nn.Network {
	t.Helper()
	layers, err := nn.ParseStack(text, 4, perStep)
	if err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Name: "stack", Steps: 4, Features: 3, Outputs: 3, Task: task, PerStep: perStep, Layers: layers}
	if err := net.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := Trainable(net); err != nil {
		t.Fatal(err)
	}
	Initialize(net, 5)
	r := rand.New(rand.NewPCG(11, 12))
	for _, v := range net.Tensors() {
		for i := range *v { // so that no bias is 0
			(*v)[i] += float32(0.2 * r.NormFloat64())
		}
	}
	if err := net.Check(); err != nil {
		t.Fatal(err)
	}
	return net
}

// Every parameter of every stack: the gradient of the engine against central differences
// of the network's definition.
func TestStackGradients(t *testing.T) {
	for _, text := range stacks {
		for _, perStep := range []bool{false, true} {
			if layers, err := nn.ParseStack(text, 4, perStep); err != nil || perStep && (&nn.Network{Layers: layers}).Pooled(len(layers)-1) {
				continue
			}
			for _, task := range []nn.Task{nn.Classification, nn.Regression} {
				name := text
				if perStep {
					name += ", every step"
				}
				t.Run(name, func(t *testing.T) { checkStack(t, stackNetwork(t, text, perStep, task)) })
			}
		}
	}
}

// A graph whose layers are read several times, by layers and the head alike.
func TestGraphGradients(t *testing.T) {
	layers := []nn.Layer{
		{Kind: nn.Dense, Name: "in", Units: 4, Activation: nn.Tanh},
		{Cell: nn.GRU, Name: "left", Inputs: []string{"in"}, Units: 3, ResetAfter: true},
		{Cell: nn.LSTM, Name: "right", Inputs: []string{"left"}, Units: 2, Reversed: true},
		{Kind: nn.Concatenation, Name: "both", Inputs: []string{"left", "input", "right", "in"}},
		{Kind: nn.Activate, Name: "act", Activation: nn.Sigmoid},
		{Kind: nn.Pooling, Name: "mean", Inputs: []string{"act"}, Pool: nn.PoolMean},
		{Kind: nn.Pooling, Name: "last", Inputs: []string{"left"}, Pool: nn.PoolLast},
		{Kind: nn.Pooling, Name: "top", Inputs: []string{"right"}, Pool: nn.PoolMax},
		{Kind: nn.Concatenation, Name: "all", Inputs: []string{"mean", "last", "top"}},
	}
	for keep := range 2 {
		net := &nn.Network{Name: "graph", Steps: 4, Features: 3, Outputs: 3, PerStep: keep == 1, Layers: layers}
		if net.PerStep {
			net.Layers = layers[:5]
		}
		if err := net.Complete(); err != nil {
			t.Fatal(err)
		}
		Initialize(net, 3)
		if err := net.Check(); err != nil {
			t.Fatal(err)
		}
		checkStack(t, net)
	}
}

// Carried states: sequences begin where the ones before them ended, in every layer, and
// the gradients are those with these beginnings held.
func TestCarriedGradients(t *testing.T) {
	for _, text := range []string{"gru:5", "gru:17:classic", "lstm:4,gru:3", "rnn:4:relu", "mingru:5x4:gate,dense:3", "conv:4x7,lstm:3,mean", "conv:3x2,mingru:4x3", "gru:5:r2", "lstm:18:r17,rnn:4:r3"} {
		t.Run(text, func(t *testing.T) {
			net := stackNetwork(t, text, false, nn.Classification)
			e := newEngine(net, batchOf, 2, false)
			defer e.close()
			e.load(net)
			e.carry()
			var began []*cell.Plain
			for range batchOf {
				began = append(began, cell.NewPlain(net))
			}
			for n := range 3 {
				x, labels, targets := batchFor(e, net.Outputs)
				for b := range batchOf {
					if e.begin(b, n == 0); n == 2 && b == 1 { // one place begins anew
						e.begin(b, true)
						began[b] = cell.NewPlain(net)
					}
				}
				checkBatch(t, e, net, x, labels, targets, began)
				for b := range batchOf {
					began[b].Next(x[b])
				}
			}
			kept := e.carriedStates()
			other := newEngine(net, batchOf, 1, false)
			defer other.close()
			other.carry()
			if err := other.setCarried(kept); err != nil {
				t.Fatal(err)
			}
			for b := range batchOf {
				other.begin(b, false)
				e.begin(b, false)
			}
			other.load(net)
			batchFor(e, net.Outputs)
			batchFor(other, net.Outputs)
			if a, b := train1(e, batchOf), train1(other, batchOf); a != b {
				t.Errorf("with states taken from another engine the loss is %v, expected %v", b, a)
			}
			if err := other.setCarried(kept[1:]); err == nil {
				t.Error("states of too few layers were taken")
			}
		})
	}
}

// batchOf is the number of sequences of the tests here.
const batchOf = 3

func checkStack(t *testing.T, net *nn.Network) {
	t.Helper()
	e := newEngine(net, batchOf, 2, false)
	defer e.close()
	e.load(net)
	x, labels, targets := batchFor(e, net.Outputs)
	var began []*cell.Plain
	for range batchOf {
		began = append(began, cell.NewPlain(net))
	}
	checkBatch(t, e, net, x, labels, targets, began)
}

// checkBatch compares loss and gradients of a batch, its sequences beginning as given.
func checkBatch(t *testing.T, e *engine, net *nn.Network, x [][][]float64, labels []int, targets [][]float64, began []*cell.Plain) {
	t.Helper()
	const batch = batchOf
	loss := func() float64 {
		sum, row := 0.0, 0
		for b := range batch {
			outs := began[b].Clone().Next(x[b])
			for _, y := range outs[len(outs)-e.head.rows:] {
				if net.Task == nn.Regression {
					for k, v := range y {
						d := v - targets[row][k]
						sum += d * d / float64(len(y))
					}
				} else {
					all := 0.0
					for _, v := range y {
						all += math.Exp(v)
					}
					sum += math.Log(all) - y[labels[row]]
				}
				row++
			}
		}
		return sum / float64(row)
	}
	for n := range 2 { // gradients do not pile up from batch to batch
		if n > 0 && e.carried {
			break // the rows before the sequence are gone
		}
		if got, want := train1(e, batch), loss(); math.Abs(got-want) > 2e-6*(1+want) {
			t.Fatalf("loss is %.8f, want %.8f", got, want)
		}
	}
	gradients := net.Shape()
	e.store(gradients, func(m *cell.Matrix) []float32 { return m.Grad })
	found, most := gradients.Tensors(), 150
	if testing.Short() {
		most = 25
	}
	for k, p := range net.Tensors() {
		for i := 0; i < len(*p); i += 1 + len(*p)/most {
			v := &(*p)[i]
			kept := *v
			*v = kept + 1e-4
			up, high := loss(), float64(*v)
			*v = kept - 1e-4
			down, low := loss(), float64(*v)
			*v = kept
			want := (up - down) / (high - low)
			if got := float64((*found[k])[i]); math.Abs(got-want) > 2e-5+1e-3*math.Abs(want) {
				t.Fatalf("tensor %d: gradient of value %d is %.8f, differences give %.8f", k, i, got, want)
			}
		}
	}
}
