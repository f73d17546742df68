// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// small returns an untrained network for a set with no bias at 0.
func small(set *dataset.Set, cell nn.Cell, classic bool, layers, rank int) *nn.Network {
	net := &nn.Network{Name: "small", Steps: set.Steps, Features: set.Features, Outputs: set.Outputs, Task: set.Task, PerStep: set.PerStep}
	in := set.Features
	for i := range layers {
		net.Layers = append(net.Layers, nn.Layer{Cell: cell, Features: in, Units: 5 + i, Rank: rank, ResetAfter: cell == nn.GRU && !classic})
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

// ready lowers a network and makes a run of it that learns labels, or to give the float
// network's outputs.
func ready(t *testing.T, net *nn.Network, set *dataset.Set, lo lower.Options, labels bool, batch int) (*lower.Result, *distillation) {
	t.Helper()
	r, err := lower.Lower(context.Background(), net, set, lo)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := r.Sequences(set)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Options{Batch: batch, Levels: lo.WeightLevels}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDistillation(context.Background(), r.Original(), r.Arranged(), r.Integers(), calls, o)
	if err != nil {
		t.Fatal(err)
	}
	d.goal = &outputs{d: d}
	if labels {
		d.goal = newAnswers(d, r, calls)
	}
	return r, d
}

// With rounding switched off, the loss is the trainer's, and the gradient of every
// constant is that of the loss: in one call and in many, with labels and without.
func TestGradients(t *testing.T) {
	digits, _ := dataset.Digits(1, 40, 0)
	streams, _ := dataset.Streams(1, 40, 0)
	for _, c := range []struct {
		name    string
		set     *dataset.Set
		cell    nn.Cell
		classic bool
		layers  int
		rank    int
		o       lower.Options
	}{
		{"gru", digits, nn.GRU, false, 1, 0, lower.Options{}},
		{"gru, keras form", digits, nn.GRU, false, 1, 0, lower.Options{Form: lower.FormKeras}},
		{"gru, states outside", digits, nn.GRU, false, 1, 0, lower.Options{StateIO: true}},
		{"gru, seven steps a call", digits, nn.GRU, false, 1, 0, lower.Options{StateIO: true, Steps: 7}},
		{"gru, sum", digits, nn.GRU, false, 1, 0, lower.Options{Blend: lower.BlendSum}},
		{"classic gru", digits, nn.GRU, true, 1, 0, lower.Options{}},
		{"lstm, two layers", digits, nn.LSTM, false, 2, 0, lower.Options{}},
		{"rnn, five steps a call", digits, nn.SimpleRNN, false, 1, 0, lower.Options{StateIO: true, Steps: 5}},
		{"gru, every step", streams, nn.GRU, false, 2, 0, lower.Options{}},
		{"gru of rank 2", digits, nn.GRU, false, 1, 2, lower.Options{StateIO: true}},
		{"lstm of rank 3, seven steps a call", digits, nn.LSTM, false, 1, 3, lower.Options{StateIO: true, Steps: 7}},
		{"rnn of rank 1", digits, nn.SimpleRNN, false, 2, 1, lower.Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := small(c.set, c.cell, c.classic, c.layers, c.rank)
			numbers := []int{0, 3, 7, 11, 12, 20, 21, 22, 30, 33} // a full chunk and a part
			for _, labels := range []bool{true, false} {
				_, d := ready(t, net, c.set, c.o, labels, len(numbers))
				var places []place
				for _, n := range numbers {
					places = append(places, place{sequence: n})
				}
				if labels && !c.o.StateIO { // else a window goes on into the next sequence
					exact := d.p.grids
					d.p.exact()
					for _, id := range d.trained { // from the float network's own
						v := d.p.consts[id].value
						for i := range v {
							v[i] = math.Float32frombits(binary.LittleEndian.Uint32(d.p.g.Tensors[id].Data[4*i:]))
						}
					}
					got, err := d.step(places)
					if err != nil {
						t.Fatal(err)
					}
					_, want := train.Evaluate(net, c.set.Subset("batch", numbers))
					if math.Abs(got-want) > 1e-5 {
						t.Errorf("loss %v, the trainer has %v", got, want)
					}
					d.p.grids = exact
				}
				checkGradients(t, d, places, rand.New(rand.NewPCG(5, 6)))
			}
		})
	}
}

// Few levels learn to stand in for all, with labels and without, in one call and in many;
// what is learned is what lowering makes of it, and the same for any number of processors
// and after an interruption.
func TestLayersLearn(t *testing.T) {
	set, test := dataset.Digits(1, 400, 100)
	net, err := train.Fit(context.Background(), train.Config{Units: 12, Epochs: 12, Rate: 4e-3, Seed: 1}, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, c := range []struct {
		steps  int
		labels bool
	}{{28, false}, {28, true}, {4, false}} {
		lo := lower.Options{StateIO: true, Steps: c.steps, WeightLevels: 4}
		before, err := lower.Lower(ctx, net, set, lo)
		if err != nil {
			t.Fatal(err)
		}
		calls, err := before.Sequences(set)
		if err != nil {
			t.Fatal(err)
		}
		learn := func(ctx context.Context, change func(*Options)) (*lower.Result, error) {
			o := Options{Steps: 60, Levels: 4, Rate: 0.05, Batch: 16}
			if change != nil {
				change(&o)
			}
			if c.labels {
				return Learn(ctx, before, calls, o)
			}
			return Distill(ctx, before, lower.Sequences(calls), o)
		}
		after, err := learn(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		agreement := func(r *lower.Result) float64 {
			q, err := r.Evaluate(ctx, test, 0)
			if err != nil {
				t.Fatal(err)
			}
			f, err := r.EvaluateFloat(ctx, test, 0)
			if err != nil {
				t.Fatal(err)
			}
			if c.labels {
				return q.Accuracy()
			}
			return q.Agreement(f)
		}
		if b, a := agreement(before), agreement(after); a < b+0.03 {
			t.Errorf("%+v: %.3f of the decisions before, %.3f after", c, b, a)
		}
		// Lowering with what was learned gives the same graph.
		lo.Learned = after.Learned()
		again, err := lower.Lower(ctx, net, set, lo)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "lowered with what was learned", after, again)
		// One processor, and a run that was interrupted and goes on.
		procs := runtime.GOMAXPROCS(1)
		one, err := learn(ctx, nil)
		runtime.GOMAXPROCS(procs)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "with one processor", after, one)
		stopped, cancel := context.WithCancel(ctx)
		var kept *State
		short, err := learn(stopped, func(o *Options) {
			o.Progress = func(step int, _ float64) {
				if step == 33 {
					cancel()
				}
			}
			o.Save = func(s *State) error {
				var b bytes.Buffer
				if err := s.Write(&b); err != nil {
					return err
				}
				var err error
				kept, err = ReadState("state.npz", b.Bytes())
				return err
			}
		})
		if short == nil || !errors.Is(err, context.Canceled) || kept.Step != 33 {
			t.Fatalf("interrupted: %v, %v", short != nil, err)
		}
		rest, err := learn(ctx, func(o *Options) { o.Resume = kept })
		if err != nil {
			t.Fatal(err)
		}
		same(t, "after an interruption", after, rest)
		if _, err := learn(ctx, func(o *Options) { o.Resume, o.Seed = kept, 9 }); err == nil || !strings.Contains(err.Error(), "other options") {
			t.Errorf("another seed went on from the state: %v", err)
		}
	}
}

// same compares the files of two results.
func same(t *testing.T, what string, a, b *lower.Result) {
	t.Helper()
	x, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s: other bytes", what)
	}
}

// The matrices that fine-tuning computes with are those that lowering writes.
func TestMatrices(t *testing.T) {
	set, _ := dataset.Digits(1, 40, 0)
	net := small(set, nn.GRU, false, 1, 0)
	for _, o := range []lower.Options{{}, {WeightLevels: 20}, {PerChannelWeights: true, WeightLevels: 64}} {
		l, d := ready(t, net, set, o, false, 8)
		d.p.quantizeConstants()
		seen := 0
		for id, c := range d.p.consts {
			if !c.weights {
				continue
			}
			seen++
			w := l.Int8.Tensors[l.Int8.Find(d.p.g.Tensors[id].Name)]
			cols := len(c.rounded) / c.rows
			for i, got := range c.rounded {
				if want := float32(int8(w.Data[i])) * w.Quant.Scales[i/cols]; got != want {
					t.Fatalf("%d levels: %s[%d] is rounded to %v, lowered to %v", o.WeightLevels, c.name, i, got, want)
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

// TestStateErrors reads what is no state.
func TestStateErrors(t *testing.T) {
	var b bytes.Buffer
	s := &State{Options: "x", Values: map[string][]float32{"w": {1, 2}}}
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadState("s.npz", b.Bytes()); err != nil || !slices.Equal(got.Values["w"], []float32{1, 2}) || got.Best != nil {
		t.Errorf("%+v, %v", got, err)
	}
	var other bytes.Buffer
	if err := npy.WriteArchive(&other, map[string]*npy.Array{"x": npy.FromFloats([]int{1}, []float32{1})}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, b.Bytes()[:40], other.Bytes()} {
		if _, err := ReadState("s.npz", bad); err == nil || !strings.Contains(err.Error(), "s.npz") {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}
