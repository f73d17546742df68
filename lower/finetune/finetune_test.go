// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// small returns an untrained network for a set with no bias at 0.
func small(set *dataset.Set, cell nn.Cell, classic bool, layers int) *nn.Network {
	net := &nn.Network{Name: "small", Steps: set.Steps, Features: set.Features, Outputs: set.Outputs, Task: set.Task, PerStep: set.PerStep}
	in := set.Features
	for i := range layers {
		net.Layers = append(net.Layers, nn.Layer{Cell: cell, Features: in, Units: 5 + i, ResetAfter: cell == nn.GRU && !classic})
		in = 5 + i
	}
	train.Initialize(net, 3)
	r := rand.New(rand.NewPCG(1, 2))
	for _, t := range net.Tensors() {
		for i := range *t {
			(*t)[i] += float32(0.1 * r.NormFloat64())
		}
	}
	return net
}

// prepare builds the run that Run would loop over.
func prepare(t *testing.T, net *nn.Network, set *dataset.Set, o Options) *run {
	t.Helper()
	o.Lower.Steps = net.Steps
	l, err := lower.Lower(context.Background(), net, set, o.Lower)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProgram(l.Float, l.Int8, o.Lower.WeightLevels)
	if err != nil {
		t.Fatal(err)
	}
	params, err := newParameters(net, p, o.Lower)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Options: o, net: net, set: set, program: p, params: params}
	for range (o.Batch + chunk - 1) / chunk {
		r.tapes = append(r.tapes, newTape(p, chunk))
	}
	return r
}

// With rounding switched off, the gradient of every parameter is that of the loss.
func TestGradients(t *testing.T) {
	digits, _ := dataset.Digits(1, 40, 0)
	streams, _ := dataset.Streams(1, 40, 0)
	for _, c := range []struct {
		name    string
		set     *dataset.Set
		cell    nn.Cell
		classic bool
		layers  int
		o       lower.Options
	}{
		{"gru", digits, nn.GRU, false, 1, lower.Options{}},
		{"gru, keras form", digits, nn.GRU, false, 1, lower.Options{Form: lower.FormKeras}},
		{"gru, states outside", digits, nn.GRU, false, 1, lower.Options{StateIO: true}},
		{"gru, sum", digits, nn.GRU, false, 1, lower.Options{Blend: lower.BlendSum}},
		{"classic gru", digits, nn.GRU, true, 1, lower.Options{}},
		{"lstm, two layers", digits, nn.LSTM, false, 2, lower.Options{}},
		{"rnn", digits, nn.SimpleRNN, false, 1, lower.Options{}},
		{"gru, every step", streams, nn.GRU, false, 2, lower.Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := small(c.set, c.cell, c.classic, c.layers)
			batch := []int{0, 3, 7, 11, 12, 20, 21, 22, 30, 33} // a full chunk and a part
			r := prepare(t, net, c.set, Options{Batch: len(batch), Lower: c.o})
			r.program.exact()
			loss := func() float64 {
				r.params.apply()
				l, err := r.step(batch)
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			// Against the trainer, which has another code for everything.
			numbers := c.set.Subset("batch", batch)
			if _, want := train.Evaluate(net, numbers); math.Abs(loss()-want) > 1e-5 {
				t.Errorf("loss %v, the trainer has %v", loss(), want)
			}
			gradient := slices.Clone(r.params.gradient)
			rng := rand.New(rand.NewPCG(5, 6))
			at := 0
			for n, tensor := range net.Tensors() {
				// A direction in this tensor along the gradient, with noise.
				d, slope, norm := make([]float64, len(*tensor)), 0.0, 0.0
				for i := range d {
					d[i] = 2*float64(gradient[at+i]) + 0.02*rng.NormFloat64()
					if l := net.Layers[0]; l.ResetAfter && n == 3*(n/3)+2 && n/3 < len(net.Layers) {
						units := net.Layers[n/3].Units
						if i >= 3*units && i < 5*units {
							d[i] = 0 // stays where it is; the input bias moves for both
						}
					}
					slope += d[i] * float64(gradient[at+i])
					norm += d[i] * d[i]
				}
				e := 0.01 / math.Sqrt(norm)
				kept := slices.Clone(r.params.value)
				shifted := func(sign float64) float64 {
					for i := range d {
						r.params.value[at+i] = kept[at+i] + float32(sign*e*d[i])
					}
					return loss()
				}
				numeric := (shifted(1) - shifted(-1)) / (2 * e)
				copy(r.params.value, kept)
				if math.Abs(numeric-slope) > 1e-3*math.Abs(slope)+1e-5 {
					t.Errorf("tensor %d: the loss changes by %.6g along a direction, the gradient says %.6g", n, numeric, slope)
				}
				at += len(*tensor)
			}
		})
	}
}

// Fine-tuning lowers the loss of the quantized network.
func TestRunHelps(t *testing.T) {
	set, _ := dataset.Digits(1, 320, 0)
	net, err := train.Fit(context.Background(), train.Config{Units: 12, Epochs: 16, Seed: 1}, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Steps: 40, Batch: 32, Rate: 3e-3, Seed: 1}
	reports := 0
	tuned, err := Run(context.Background(), net, set, o, func(int, float64) { reports++ })
	if err != nil {
		t.Fatal(err)
	}
	if reports != o.Steps {
		t.Errorf("%d reports of %d steps", reports, o.Steps)
	}
	// The loss of the quantized graph over the whole set, each network with the
	// grids that lowering chooses for it.
	loss := func(net *nn.Network) float64 {
		r := prepare(t, net, set, Options{Batch: set.Len()})
		all := make([]int, set.Len())
		for i := range all {
			all[i] = i
		}
		l, err := r.step(all)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if before, after := loss(net), loss(tuned); after > 0.97*before {
		t.Errorf("loss of the quantized network %v before and %v after", before, after)
	}
	// The same for any number of processors.
	o.Steps = 3
	many, err := Run(context.Background(), net, set, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	procs := runtime.GOMAXPROCS(1)
	one, err := Run(context.Background(), net, set, o, nil)
	runtime.GOMAXPROCS(procs)
	if err != nil || !slices.Equal(one.Layers[0].Kernel, many.Layers[0].Kernel) || slices.Equal(one.Layers[0].Kernel, net.Layers[0].Kernel) {
		t.Errorf("results differ with the number of processors, or nothing moved: %v", err)
	}
}

// The matrices that fine-tuning computes with are those that lowering writes.
func TestMatrices(t *testing.T) {
	set, _ := dataset.Digits(1, 40, 0)
	net := small(set, nn.GRU, false, 1)
	for _, o := range []lower.Options{{}, {WeightLevels: 20}, {PerChannelWeights: true, WeightLevels: 64}} {
		o.Steps = net.Steps
		l, err := lower.Lower(context.Background(), net, set, o)
		if err != nil {
			t.Fatal(err)
		}
		p := prepare(t, net, set, Options{Batch: 8, Lower: o}).program
		p.quantizeConstants()
		seen := 0
		for id, c := range p.consts {
			if !c.weights {
				continue
			}
			seen++
			name := p.g.Tensors[id].Name
			w := l.Int8.Tensors[l.Int8.Find(name)]
			cols := len(c.rounded) / c.rows
			for i, got := range c.rounded {
				if want := float32(int8(w.Data[i])) * w.Quant.Scales[i/cols]; got != want {
					t.Fatalf("%d levels: %s[%d] is rounded to %v, lowered to %v", o.WeightLevels, name, i, got, want)
				}
			}
		}
		if seen < 3 {
			t.Errorf("%d matrices compared, expected 3 or more", seen)
		}
	}
}

func TestGrid(t *testing.T) {
	g := grid{step: 0.5, low: -1, high: 1.5}
	v := []float32{-7, -1, -0.76, -0.24, 0.25, 1.4, 1.6, float32(math.NaN())}
	dead := make([]bool, len(v))
	g.round(v, dead)
	if !slices.Equal(v[:7], []float32{-1, -1, -1, 0, 0.5, 1.5, 1.5}) || v[7] == v[7] {
		t.Errorf("rounded to %v", v)
	}
	if !slices.Equal(dead, []bool{true, false, false, false, false, false, true, false}) {
		t.Errorf("clamped: %v", dead)
	}
}

func TestErrors(t *testing.T) {
	set, _ := dataset.Digits(1, 20, 0)
	streams, _ := dataset.Streams(1, 20, 0)
	net := small(set, nn.GRU, false, 1)
	for _, c := range []struct {
		set  *dataset.Set
		o    Options
		want string
	}{
		{set, Options{Rate: -1}, "expected positive numbers"},
		{set, Options{Lower: lower.Options{FoldStandardization: true}}, "not supported"},
		{streams, Options{}, "do not fit network"},
		{set.Subset("none", nil), Options{}, "the set is empty"},
		{set, Options{Rate: 1e39, Steps: 20}, "diverged"},
	} {
		if _, err := Run(context.Background(), net, c.set, c.o, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	got, err := Run(ctx, net, set, Options{Steps: 50}, func(step int, _ float64) { cancel() })
	if got == nil || err == nil {
		t.Errorf("stopped: network %v, error %v", got != nil, err)
	}
}
