// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// integrator is a leaky sum: what comes in adds a hundredth to a state that keeps 99
// hundredths, two units of opposite sign. In 8 bits such updates are below half a step
// and vanish.
func integrator(steps int) *nn.Network {
	return &nn.Network{
		Name: "integrator", Steps: steps, Features: 1, Outputs: 1, Task: nn.Regression,
		Layers: []nn.Layer{{
			Cell: nn.SimpleRNN, Features: 1, Units: 2,
			Kernel: []float32{0.01, -0.01}, Recurrent: []float32{0.99, 0, 0, 0.99}, Bias: []float32{0, 0},
		}},
		HeadKernel: []float32{1, -1}, HeadBias: []float32{0},
	}
}

// steady is noise around a level of its own for every sequence.
type steady struct{ steps, n int }

func (s steady) Len() int      { return s.n }
func (s steady) Label(int) int { return 0 }
func (s steady) Sample(i int, dst []float32) {
	r := rand.New(rand.NewPCG(uint64(i), 5))
	level := r.NormFloat64()
	for t := range dst {
		dst[t] = float32(level + r.NormFloat64())
	}
}

func TestAuto(t *testing.T) {
	ctx, set := context.Background(), steady{40, 64}
	relative := func(r *lower.Result) float64 {
		t.Helper()
		want, err := r.EvaluateFloat(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Evaluate(ctx, set, 0)
		if err != nil {
			t.Fatal(err)
		}
		return got.RelativeError(want)
	}
	lowered := func(o lower.Options) *lower.Result {
		t.Helper()
		o.StateIO = true
		r, err := lower.Lower(ctx, integrator(set.steps), set, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	narrow := relative(lowered(lower.Options{}))
	if narrow < 0.05 {
		t.Fatalf("8 bits lose %v: this network shows nothing", narrow)
	}
	auto := lowered(lower.Options{Activations: lower.Auto})
	if e := relative(auto); e > lower.DefaultRelativeLoss || !auto.Widths.Met {
		t.Errorf("auto loses %v of at most %v, met %v", e, lower.DefaultRelativeLoss, auto.Widths.Met)
	}
	wide := auto.Widths.Choice.WideRoles()
	if !slices.Contains(wide, "rnn0/h") {
		t.Errorf("16 bits for %v, expected the state among them", wide)
	}

	// One step a call, and a number of steps that sequences are no multiple of, have the
	// widths that were measured on whole sequences.
	for _, steps := range []int{1, 7} {
		r := lowered(lower.Options{Activations: lower.Auto, Steps: steps})
		for _, id := range r.Int8.Outputs {
			out := r.Int8.Tensors[id]
			if want := auto.Int8.Tensors[auto.Int8.Find(out.Name)]; out.Type != want.Type {
				t.Errorf("%d steps a call: %q is %v, expected %v", steps, out.Name, out.Type, want.Type)
			}
		}
	}

	// A loose bound leaves 8 bits, and the same graph as they give.
	loose := lowered(lower.Options{Activations: lower.Auto, MaxLoss: 0.9})
	if loose.Widths.Choice != nil || !loose.Widths.Met {
		t.Errorf("a bound of 0.9: %+v", loose.Widths)
	}
	for _, x := range loose.Int8.Tensors {
		if !x.IsConst() && x.Type != graph.Int8 {
			t.Errorf("a bound of 0.9: %q is %v", x.Name, x.Type)
		}
	}

	// A bound that not even 16 bits keep is not met, and said so.
	strict := lowered(lower.Options{Activations: lower.Auto, MaxLoss: 1e-7})
	if strict.Widths.Met || strict.Widths.Choice == nil {
		t.Errorf("a bound of 1e-7: met %v", strict.Widths.Met)
	}
}

// struck is steady with a value far outside now and then, in every sequence at another
// place.
type struck struct{ steady }

func (s struck) Sample(i int, dst []float32) {
	s.steady.Sample(i, dst)
	dst[i%len(dst)] = 60
}

// An input that is cut at a percentile has finer steps, in any width, what lies beyond
// saturates, and where a few values are far outside that loses less on clean data.
func TestInputClamp(t *testing.T) {
	ctx, set, clean := context.Background(), struck{steady{40, 64}}, steady{40, 64}
	net := integrator(40)
	net.Layers[0].Kernel = []float32{0.2, -0.2}
	net.Layers[0].Recurrent = []float32{0.5, 0, 0, 0.5}
	for _, a := range []lower.Activations{lower.Int8, lower.Int16} {
		loss, scale := [2]float64{}, [2]float64{}
		for i, clamp := range []float64{0, 95} {
			r, err := lower.Lower(ctx, net, set, lower.Options{StateIO: true, Activations: a, InputClamp: clamp, CalibrationSamples: 64})
			if err != nil {
				t.Fatal(err)
			}
			want, err := r.EvaluateFloat(ctx, clean, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Evaluate(ctx, clean, 0)
			if err != nil {
				t.Fatal(err)
			}
			in := r.Int8.Tensors[r.Int8.Inputs[0]]
			loss[i], scale[i] = got.RelativeError(want), float64(in.Scale())
			// The generated C quantizes as this does, to the ends of the type.
			if top := float64(in.Scale()) * (map[lower.Activations]float64{lower.Int8: 127, lower.Int16: 32767}[a] - float64(in.ZeroPoint())); clamp == 0 && top < 59 || clamp > 0 && top > 8 {
				t.Errorf("%v, inputs cut at %v: they saturate at %v", a, clamp, top)
			}
		}
		if scale[1] > scale[0]/5 || a == lower.Int8 && loss[1] > loss[0]/2 {
			t.Errorf("%v: steps %v and %v, losses %v and %v without and with a clamp", a, scale[0], scale[1], loss[0], loss[1])
		}
	}
}

// rising is steady but for one sequence, which is far larger: none of the fifty that decide
// ranges at first.
type rising struct{ steady }

func (s rising) Sample(i int, dst []float32) {
	s.steady.Sample(i, dst)
	if i == 1 {
		for t := range dst {
			dst[t] *= 30
		}
	}
}

// Where 8 bits lose too much of numbers, ranges come from all sequences: 16 bits do not make
// good what is cut. One step a call has the same.
func TestRangesOfAll(t *testing.T) {
	set := rising{steady{40, 200}}
	for _, steps := range []int{0, 1} {
		r, err := lower.Lower(context.Background(), integrator(40), set, lower.Options{StateIO: true, Activations: lower.Auto, Steps: steps})
		if err != nil {
			t.Fatal(err)
		}
		if r.Widths.Choice == nil || r.Widths.Sequences != 200 || r.Report.Samples != 200 {
			t.Fatalf("%d steps: ranges of %d sequences, reported %d, expected 200", steps, r.Widths.Sequences, r.Report.Samples)
		}
		in := r.Int8.Tensors[r.Int8.Inputs[0]]
		if _, top := in.Type.Limits(); float64(in.Scale())*float64(top) < 20 {
			t.Errorf("%d steps: the input saturates at %v", steps, float64(in.Scale())*float64(top))
		}
	}
}
