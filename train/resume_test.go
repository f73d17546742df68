// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// A run that is stopped and resumed, at the end of an epoch or inside one, gives
// the weights of a run that was never stopped.
func TestResume(t *testing.T) {
	all, _ := dataset.Digits(3, 200, 0)
	set, validation, err := dataset.Split(all, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Units: 20, Epochs: 3, Batch: 4, Clip: 1, Shift: 1, Seed: 2, Validation: validation}
	t.Run("reset", func(t *testing.T) { checkResume(t, c, set) })
	if c.Stack, err = nn.ParseStack("conv:6x3,lstm:9,mingru:8x4,dense:5", 0, false); err != nil {
		t.Fatal(err)
	}
	c.Carry, c.Average = true, 0.9
	t.Run("carried and averaged", func(t *testing.T) { checkResume(t, c, set) })
}

func checkResume(t *testing.T, c Config, set *dataset.Set) {
	want := bits(fit(t, c, set))
	for _, stop := range []int{25, 40, 75, 100} { // 40 steps an epoch; 40 is the end of the first
		var saved *State
		first := c
		first.Save = func(s *State) error { saved = s; return nil }
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Fit(ctx, first, set, func(p Progress) {
			if p.Step == stop {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) || saved == nil || saved.Step != stop {
			t.Fatalf("stop at %d: error %v, state %v", stop, err, saved != nil)
		}
		second := c
		second.Resume, second.Workers = saved, 1
		if !slices.Equal(bits(fit(t, second, set)), want) {
			t.Errorf("resumed at step %d: other weights than without a stop", stop)
		}
		second.Rate = 1e-3
		if _, err := Fit(context.Background(), second, set, nil); err == nil || !strings.Contains(err.Error(), "made with other options") || !strings.HasSuffix(err.Error(), ": it has rate 0.005, and now it is rate 0.001; give those, or begin anew without it") {
			t.Errorf("resumed with another rate: error %v", err)
		}
	}
}

func TestValidation(t *testing.T) {
	set, validation := dataset.Digits(3, 200, 100)
	// A rate that spoils what the first epochs learned.
	c := Config{Units: 20, Epochs: 12, Batch: 20, Rate: 0.05, Schedule: Constant, Validation: validation, Patience: 2, Seed: 1}
	var losses []float64
	best := 0
	net, err := Fit(context.Background(), c, set, func(p Progress) {
		if p.EpochDone {
			losses = append(losses, p.ValidationLoss)
			if p.Best {
				best = len(losses) - 1
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	smallest := slices.Min(losses)
	if _, loss := Evaluate(net, validation); loss != smallest || losses[best] != smallest {
		t.Errorf("the network returned has loss %v, the epochs had %v", loss, losses)
	}
	if len(losses) < c.Epochs && len(losses) != best+1+c.Patience {
		t.Errorf("stopped after %d epochs, the best was number %d and the patience is %d", len(losses), best+1, c.Patience)
	}
}

// A finished run goes on with more epochs, and not with fewer; other data are other options.
func TestResumeWithMoreEpochs(t *testing.T) {
	set, _ := dataset.Digits(3, 200, 0)
	var saved *State
	c := Config{Units: 12, Epochs: 2, Seed: 2, Schedule: Constant, WarmUp: -1, Save: func(s *State) error { saved = s; return nil }}
	fit(t, c, set)
	if !saved.Done || saved.Epochs != 2 {
		t.Errorf("done %v after %d epochs", saved.Done, saved.Epochs)
	}
	c.Resume, c.Save, c.Epochs = saved, nil, 4
	longer := bits(fit(t, c, set))
	c.Resume = nil
	if !slices.Equal(longer, bits(fit(t, c, set))) { // at a constant rate nothing tells the difference
		t.Error("two and two epochs give other weights than four")
	}
	c.Resume, c.Epochs = saved, 1
	if _, err := Fit(context.Background(), c, set, nil); err == nil || !strings.Contains(err.Error(), "ask for more epochs") {
		t.Errorf("error %v", err)
	}
	other, _ := dataset.Digits(4, 200, 0)
	c.Epochs = 4
	if _, err := Fit(context.Background(), c, other, nil); !errors.Is(err, ErrOtherOptions) {
		t.Errorf("on other data: error %v", err)
	}
}

// The part that is reported on decides no weight, but a run goes on with no other one: a sequence
// could have been trained on before it is reported on.
func TestResumeKnowsWhatIsReported(t *testing.T) {
	part := func(but int) *dataset.Set {
		x, y := make([]float32, 6*3*2), make([]float32, 6)
		for i := range x {
			x[i] = float32(i%7) / 7
		}
		if but >= 0 {
			x[but] += 0.5
		}
		for i := range y {
			y[i] = float32(i)
		}
		set, err := dataset.FromArrays("x", npy.FromFloats([]int{6, 3, 2}, x), npy.FromFloats([]int{6}, y))
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	var saved *State
	c := Config{Units: 3, Epochs: 2, Reported: part(-1), Save: func(s *State) error { saved = s; return nil }}
	want := bits(fit(t, c, part(2)))
	c.Resume, c.Save = saved, nil
	if c.Reported = part(-1); !slices.Equal(bits(fit(t, c, part(2))), want) {
		t.Error("the same part, read again: other weights")
	}
	refused := func(what, want string) {
		t.Helper()
		if _, err := Fit(context.Background(), c, part(2), nil); !errors.Is(err, ErrOtherOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q in it", what, err, want)
		}
	}
	c.Reported = part(17)
	refused("one value of the part is another", "would not give the same result: it has a test part of 6 sequences with content "+contentOf(part(-1))+", and now it is 6 sequences with content "+contentOf(part(17))+"; give those, or begin anew")
	c.Reported = part(-1).Subset("fewer", []int{0, 1, 2, 3, 4})
	refused("a sequence less", ", and now it is 5 sequences with content ")
	c.Reported, c.Rate = part(17), 1e-3
	refused("and another rate", "it has rate 0.005, and now it is rate 0.001; it has a test part of 6 sequences")
	c.Reported, c.Rate = nil, 0
	refused("none", ", and now it is none; give those")
	old := *saved
	old.Options, _, _ = strings.Cut(old.Options, reportedPart)
	c.Resume, c.Reported = &old, part(-1)
	refused("a file of an older version", "it does not say which test part its figures are of, as those of older versions do not, and now it is a test part of 6 sequences")
}

func TestSaveErrorEndsTheRun(t *testing.T) {
	set, _ := dataset.Digits(3, 40, 0)
	full := errors.New("disk full")
	net, err := Fit(context.Background(), Config{Units: 8, Epochs: 2, Save: func(*State) error { return full }}, set, nil)
	if !errors.Is(err, full) || net == nil {
		t.Errorf("network %v, error %v", net != nil, err)
	}
}

// regressionOf returns a set as one of numbers, of every step or of a sequence; only its kind is right.
func regressionOf(set *dataset.Set, perStep bool) *dataset.Set {
	s := *set
	s.Task, s.PerStep = nn.Regression, perStep
	return &s
}

func TestRecipes(t *testing.T) {
	for _, name := range []string{"guide", "default", "best"} {
		c, err := Recipe(name, Config{Units: 7, Seed: 3})
		if err == nil {
			c, err = c.withDefaults(0)
		}
		if err != nil || c.Units != 7 || c.Seed != 3 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if name == "guide" && (c.rateAt(0, 100) != 1e-3 || c.rateAt(99, 100) != 1e-3) {
			t.Error("guide: the rate is not constant")
		}
	}
	plain, _ := Config{}.withDefaults(0)
	if c, _ := Recipe("default", Config{}); c.Rate != plain.Rate || c.WarmUp != plain.WarmUp || c.Epochs != plain.Epochs || c.Batch != plain.Batch {
		t.Error("the zero Config is not the default recipe")
	}
	if _, err := Recipe("fast", Config{}); err == nil {
		t.Error("an unknown recipe was accepted")
	}
	large, _ := dataset.Digits(1, smallSet+1, 0)
	few := large.Subset("few", []int{0, 1, 2})
	for _, c := range []struct {
		set  *dataset.Set
		cell nn.Cell
		want string
	}{{large, nn.GRU, "default"}, {large, nn.MinGRU, "parallel"}, {few, nn.GRU, "small"}, {regressionOf(few, false), nn.GRU, "numbers"}, {regressionOf(few, true), nn.GRU, "curves"}} {
		if got := RecipeFor(c.set, c.cell); got != c.want {
			t.Errorf("recipe %s for %d sequences and %v, expected %s", got, c.set.Len(), c.cell, c.want)
		}
	}
	small, _ := Recipe("small", Config{})
	if c, err := small.withDefaults(100); err != nil || c.Epochs != 500 {
		t.Errorf("%d epochs for 100 sequences, expected 500: 2000 steps, 4 an epoch; %v", c.Epochs, err)
	}
}

// Streams need the state: the label follows from events long past.
func TestFitLearnsStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	set, test := dataset.Streams(1, 1000, 100)
	net := fit(t, Config{Units: 24, Epochs: 16, Rate: 1e-2, Clip: 1, Seed: 1}, set)
	acc, _ := Evaluate(net, test)
	t.Logf("accuracy %.4f", acc)
	if acc < 0.9 {
		t.Errorf("accuracy %.4f on streams, expected above 0.9", acc)
	}
}

func TestEvaluateRegression(t *testing.T) {
	set, _ := dataset.Digits(1, 4, 0)
	net := &nn.Network{Steps: 28, Features: 28, Outputs: 10, Layers: []nn.Layer{{Features: 28, Units: 4, ResetAfter: true}}}
	Initialize(net, 1)
	if acc, loss := Evaluate(net, set.Subset("none", nil)); acc != 0 || loss != 0 {
		t.Errorf("an empty set gives accuracy %v, loss %v", acc, loss)
	}
	clear(net.HeadKernel)
	if _, loss := Evaluate(net, set); math.Abs(loss-math.Log(10)) > 1e-6 {
		t.Errorf("equal outputs give loss %v, want log 10", loss)
	}
}

// Outputs of different scales are judged by themselves: a network that says 0 is wrong by each
// one's own root mean square.
func TestEvaluateOutputs(t *testing.T) {
	y := []float32{1, 300, -1, 100, 1, -300, -1, -100} // [2 sequences, 2 steps, 2 outputs]
	set, err := dataset.FromArrays("two", npy.FromFloats([]int{2, 2, 1}, []float32{1, 2, 3, 4}), npy.FromFloats([]int{2, 2, 2}, y))
	if err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Steps: 2, Features: 1, Outputs: 2, Task: nn.Regression, PerStep: true, Layers: []nn.Layer{{Features: 1, Units: 4, ResetAfter: true}}}
	Initialize(net, 1)
	clear(net.HeadKernel)
	clear(net.HeadBias)
	_, loss, outputs := EvaluateOutputs(net, set)
	if want := (1 + 50000.0) / 2; math.Abs(loss-want) > 1e-3*want {
		t.Errorf("mean squared error %v, want %v", loss, want)
	}
	for k, want := range []float64{1, math.Sqrt(50000)} {
		if o := outputs[k]; math.Abs(o.RMSE-want) > 1e-5*want || o.R2 == nil || math.Abs(*o.R2) > 1e-5 {
			t.Errorf("output %d: %+v, want a root mean square of %v and R² 0", k, o, want)
		}
	}
}

// A network that was trained on streams is as good when nobody resets it, and the figure is
// that of the streams of its sequences, each evaluated by itself.
func TestCarriedTraining(t *testing.T) {
	set, test := dataset.Digits(1, 3000, 330)
	c := Config{Units: 40, Epochs: 4, Rate: 1e-2, Clip: 1, Seed: 1, Carry: true, Workers: 2}
	net := fit(t, c, set)
	reset, _ := Evaluate(net, test)
	carried, _, err := EvaluateCarried(net, test)
	if err != nil || carried < 0.9 || carried < reset-0.03 {
		t.Errorf("accuracy %.3f with resets, %.3f carried, error %v", reset, carried, err)
	}
	c.Carry = false
	plain := fit(t, c, set)
	if lost, _, _ := EvaluateCarried(plain, test); lost > carried-0.1 {
		t.Errorf("without carried training accuracy is %.3f carried: nothing is shown", lost)
	}
	if c.Stack, err = nn.ParseStack("bi-gru:4", 0, false); err != nil {
		t.Fatal(err)
	}
	c.Carry = true
	if _, err := Fit(context.Background(), c, set, nil); err == nil || !strings.Contains(err.Error(), "layer gru1 runs from the last step") {
		t.Errorf("error %v", err)
	}
}
