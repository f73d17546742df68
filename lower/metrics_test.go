// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train/nn"
)

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-6 {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func TestMetricsOfClasses(t *testing.T) {
	s := lower.Score{
		Count: 6, Correct: 4, Labels: []int{0, 0, 0, 0, 1, 1},
		Outputs: [][]float32{{.9, .1, 0}, {.8, .2, 0}, {.6, .3, .1}, {.1, .9, 0}, {.2, .7, .1}, {.5, .4, .1}},
	}
	m := s.Metrics([]string{"a", "b", "c"})
	if diff := cmp.Diff([][]int{{3, 1, 0}, {1, 1, 0}, {0, 0, 0}}, m.Confusion); diff != "" {
		t.Error(diff)
	}
	near(t, "accuracy", m.Accuracy, 4.0/6)
	near(t, "baseline", m.Majority, 4.0/6)
	near(t, "recall of a", m.Classes[0].Recall, 0.75)
	near(t, "precision of b", m.Classes[1].Precision, 0.5)
	near(t, "F1 of a", m.Classes[0].F1, 0.75)
	if c := m.Classes[2]; c.Recall != nil || c.Precision != nil || c.F1 != nil || c.Support != 0 || c.Name != "c" {
		t.Errorf("a class that never occurs: %+v", c)
	}
	if m.RMSE != nil || m.R2 != nil {
		t.Error("classes have no RMSE")
	}
}

func TestMetricsOfNumbers(t *testing.T) {
	s := lower.Score{
		Count:   3,
		Targets: [][]float32{{1, 5}, {2, 5}, {3, 5}},
		Outputs: [][]float32{{1, 6}, {2, 6}, {4, 6}},
	}
	m := s.Metrics(nil)
	near(t, "RMSE", m.RMSE, math.Sqrt(4.0/6))
	near(t, "R²", m.R2, 1-4.0/2)
	near(t, "R² of the first", m.Outputs[0].R2, 0.5)
	if m.Outputs[1].R2 != nil || m.Outputs[1].Bias != 1 || m.Outputs[1].MAE != 1 {
		t.Errorf("an output whose targets are all alike: %+v", m.Outputs[1])
	}
	if m.Accuracy != nil || m.Confusion != nil {
		t.Error("numbers are no decisions")
	}
	if m := (lower.Score{Count: 1, Outputs: [][]float32{{1}}}).Metrics(nil); m.RMSE != nil || m.Accuracy != nil {
		t.Error("without labels nothing can be judged")
	}
}

// drifting is a network that remembers the sum of all that it saw and calls it positive
// or not: right from the reset state, wrong as soon as the state is carried into a
// sequence of the other sign that is weaker.
func drifting() *nn.Network {
	return &nn.Network{
		Name: "memory", Steps: 4, Features: 1, Outputs: 2,
		Layers:     []nn.Layer{{Cell: nn.SimpleRNN, Features: 1, Units: 1, Activation: nn.Relu, Kernel: []float32{1}, Recurrent: []float32{1}, Bias: []float32{0}}},
		HeadKernel: []float32{-4, 4}, HeadBias: []float32{2, -2},
	}
}

// pulses are sequences with a pulse of height 1, the label of every second one, or none.
type pulses struct{ n int }

func (p pulses) Len() int        { return p.n }
func (p pulses) Label(i int) int { return i % 2 }
func (p pulses) Sample(i int, dst []float32) {
	clear(dst)
	dst[1] = float32(i % 2)
}

// TestCarriedStateIsMeasured measures a network that never forgets: with resets it is
// always right, with the state carried on it sees the first pulse for ever.
func TestCarriedStateIsMeasured(t *testing.T) {
	set := pulses{200}
	for _, steps := range []int{4, 3, 2, 1} {
		r, err := lower.Lower(context.Background(), drifting(), set, lower.Options{StateIO: true, Steps: steps, CalibrationSamples: 4})
		if err != nil {
			t.Fatal(err)
		}
		if r.Streaming() != (steps < 4) {
			t.Errorf("%d steps: streaming is %v", steps, r.Streaming())
		}
		if r.Unseen() != 4%steps {
			t.Errorf("%d steps a call: %d of 4 are not seen", steps, r.Unseen())
		}
		e, err := r.Compare(context.Background(), set, true)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "float accuracy with resets", e.Float.Accuracy, 1)
		near(t, "quantized accuracy with resets", e.Quantized.Accuracy, 1)
		// 200 sequences are 3 streams, each right about its first sequence if that has
		// no pulse, and about those with one: 67 + 67 + 66 from 0, 67 and 134 on.
		for name, m := range map[string]*lower.Metrics{"float": e.FloatCarried, "quantized": e.QuantizedCarried} {
			near(t, name+" accuracy with the state carried", m.Accuracy, (100+2)/200.0)
		}
		if w := e.Warning(); !strings.Contains(w, "accuracy is 51.00 % instead of 100.00 %") || !strings.Contains(w, "the float network does as badly") {
			t.Errorf("warning %q", w)
		}
		if r.Facts.Figures["accuracy_carried"] != 0.51 || r.Facts.Figures["quantized_accuracy"] != 1 {
			t.Errorf("figures of the file: %v", r.Facts.Figures)
		}
		if p := e.Predictions(); p["quantized_carried"] == nil || len(p["label"].Shape) != 1 || p["label"].Shape[0] != 200 || p["float"].Shape[1] != 2 {
			t.Errorf("predictions %v", p)
		}
	}
	// Nothing is carried where there is no state input, and nothing is said.
	r, err := lower.Lower(context.Background(), drifting(), set, lower.Options{CalibrationSamples: 4})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Compare(context.Background(), set, true); err == nil {
		t.Error("carried a state that there is none of")
	}
	if e, err := r.Compare(context.Background(), set, false); err != nil || e.Warning() != "" || e.QuantizedCarried != nil {
		t.Errorf("%v, %v", e, err)
	}
}

// walks has a target for every step of every sequence.
type walks struct{ noise }

func (w walks) StepLabel(int, int) int { panic("numbers to predict have no labels") }
func (w walks) Target(i int, dst []float32) {
	for j := range dst {
		dst[j] = float32(i + j)
	}
}

// TestNumbersAtEveryStep evaluates a network that predicts numbers at every step.
func TestNumbersAtEveryStep(t *testing.T) {
	net := drifting()
	net.Task, net.PerStep, net.Outputs = nn.Regression, true, 2
	set := walks{noise{4, 1, 10}}
	r, err := lower.Lower(context.Background(), net, set, lower.Options{StateIO: true, Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Compare(context.Background(), set, true)
	if err != nil {
		t.Fatal(err)
	}
	if e.Float.Decisions != 40 || e.Float.RMSE == nil || e.QuantizedCarried.R2 == nil || e.Float.Accuracy != nil {
		t.Errorf("%+v", e.Float)
	}
	if got := e.Predictions()["target"]; cmp.Diff([]int{10, 4, 2}, got.Shape) != "" {
		t.Errorf("targets of shape %v", got.Shape)
	}
	if got := e.Scores.Float.Targets[5]; got[0] != 3 || got[1] != 4 { // sequence 1, step 1
		t.Errorf("target %v", got)
	}
	d, err := r.Drift(context.Background(), set, 20)
	if err != nil || d.Agreement != nil || d.OutputR2 == nil {
		t.Errorf("drift of numbers: %+v, %v", d, err)
	}
}

// gaps has labels for some steps alone: for the first i%3 steps of sequence i.
type gaps struct{ noise }

func (g gaps) StepLabel(i, t int) int {
	if t < i%3 {
		return (i + t) % 2
	}
	return -1
}

// TestDecisionsKnowTheirSequence measures sequences with decisions of different numbers.
func TestDecisionsKnowTheirSequence(t *testing.T) {
	net := drifting()
	net.PerStep = true
	set := gaps{noise{4, 1, 9}}
	r, err := lower.Lower(context.Background(), net, set, lower.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Compare(context.Background(), set, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []int{1, 2, 2, 4, 5, 5, 7, 8, 8}
	if d := cmp.Diff(want, e.Scores.Quantized.Sequence); d != "" {
		t.Error(d)
	}
	p := e.Predictions()
	for name, shape := range map[string][]int{"float": {9, 2}, "label": {9}, "sequence": {9}, "step": {9}} {
		if p[name] == nil || cmp.Diff(shape, p[name].Shape) != "" || len(p[name].Data)%9 != 0 {
			t.Errorf("%s: %+v", name, p[name])
		}
	}
	changed := []int{}
	for i, out := range e.Scores.Quantized.Outputs {
		f := e.Scores.Float.Outputs[i]
		if (out[0] < out[1]) != (f[0] < f[1]) && !slices.Contains(changed, want[i]) {
			changed = append(changed, want[i])
		}
	}
	if d := cmp.Diff(changed, e.Changed); d != "" {
		t.Errorf("changed sequences: %s", d)
	}
}

// beats have a pulse in every sequence.
type beats struct{ pulses }

func (beats) Sample(_ int, dst []float32) { pulses{}.Sample(1, dst) }

// A relu state that only adds up is a finding; one that forgets is none.
func TestGrowingStates(t *testing.T) {
	grows := func(net *nn.Network, o lower.Options) map[string]float64 {
		t.Helper()
		r, err := lower.Lower(context.Background(), net, beats{pulses{20}}, o)
		if err != nil {
			t.Fatal(err)
		}
		return r.Growing()
	}
	if g := grows(drifting(), lower.Options{StateIO: true}); len(g) != 1 || g["rnn0/h"] < 2 {
		t.Errorf("a sum: %v", g)
	}
	if g := grows(drifting(), lower.Options{}); len(g) != 0 {
		t.Errorf("a sum that every call starts anew: %v", g)
	}
	forgets := drifting()
	forgets.Layers[0].Recurrent[0] = 0.3
	if g := grows(forgets, lower.Options{StateIO: true}); len(g) != 0 {
		t.Errorf("a state that forgets: %v", g)
	}
}
