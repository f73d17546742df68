// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// bits returns all weights of a network in one slice.
func bits(net *nn.Network) []uint32 {
	var all []uint32
	add := func(v []float32) {
		for _, x := range v {
			all = append(all, math.Float32bits(x))
		}
	}
	for _, l := range net.Layers {
		add(l.Kernel)
		add(l.Recurrent)
		add(l.Bias)
	}
	add(net.HeadKernel)
	add(net.HeadBias)
	return all
}

func fit(t *testing.T, c Config, set *dataset.Set) *nn.Network {
	t.Helper()
	net, err := Fit(context.Background(), c, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// The same seed gives the same weights for any number of workers and processors.
func TestFitIsDeterministic(t *testing.T) {
	set, _ := dataset.Digits(3, 150, 0) // the last batch is short
	stack, err := nn.ParseStack("conv:20x3,bi-gru:9,max,dense:18", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Stack: stack},
		{Cell: nn.LSTM, Window: 2, Carry: true, Units: 24, Epochs: 2},
		{Units: 70, Clip: 1, Shift: 1, Epochs: 2},
		{Cell: nn.LSTM, Units: 40, Layers: 2},
		{Classic: true, Units: 20},
		{Cell: nn.SimpleRNN, Units: 33},
	} {
		c.Seed, c.Workers = 9, 1
		want := bits(fit(t, c, set))
		for _, w := range []int{2, 3, 4} {
			c.Workers = w
			if !slices.Equal(bits(fit(t, c, set)), want) {
				t.Errorf("%v: %d workers give other weights than one", c.Cell, w)
			}
		}
		before := runtime.GOMAXPROCS(1)
		if !slices.Equal(bits(fit(t, c, set)), want) {
			t.Errorf("%v: GOMAXPROCS=1 gives other weights", c.Cell)
		}
		runtime.GOMAXPROCS(before)
		c.Seed = 10
		if slices.Equal(bits(fit(t, c, set)), want) {
			t.Errorf("%v: another seed gives the same weights", c.Cell)
		}
	}
}

func TestFitLearnsDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	set, test := dataset.Digits(1, 1600, 300)
	net := fit(t, Config{Units: 48, Epochs: 4, Seed: 1}, set)
	if acc, loss := Evaluate(net, test); acc < 0.9 || loss > 0.4 {
		t.Errorf("accuracy %.4f, loss %.4f after four epochs of 1600 digits, expected above 0.9 and below 0.4", acc, loss)
	}
}

func TestFitLearnsMNIST(t *testing.T) {
	dir := testdata.Shared(t, "data/mnist")
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	set, test, err := dataset.OpenMNIST(dir)
	if err != nil {
		t.Fatal(err)
	}
	part := make([]int, 9600)
	for i := range part {
		part[i] = i
	}
	net := fit(t, Config{Units: 48, Seed: 1}, set.Subset("beginning", part))
	if acc, _ := Evaluate(net, test); acc < 0.8 {
		t.Errorf("accuracy %.4f of 48 units on a part of MNIST, expected above 0.8", acc)
	}
}

func TestFitReports(t *testing.T) {
	set, _ := dataset.Digits(1, 100, 0)
	var reports []Progress
	_, err := Fit(context.Background(), Config{Units: 16, Epochs: 2, Batch: 3}, set, func(p Progress) { reports = append(reports, p) })
	if err != nil {
		t.Fatal(err)
	}
	last := reports[len(reports)-1]
	if last.Step != 68 || last.Steps != 68 || last.Sequences != 200 || !last.EpochDone || last.Epoch != 2 || last.Remaining != 0 {
		t.Errorf("last report is %+v", last)
	}
	if last.Rate > 1e-5 {
		t.Errorf("the cosine ends at rate %v, expected nearly 0", last.Rate)
	}
	done := 0
	for _, p := range reports {
		if p.EpochDone {
			done++
		}
	}
	if done != 2 {
		t.Errorf("%d ends of epochs reported, expected 2", done)
	}
}

func TestFitStopsWhenAsked(t *testing.T) {
	set, _ := dataset.Digits(1, 2000, 0)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	net, err := Fit(ctx, Config{Units: 16}, set, func(p Progress) { cancel() })
	if !errors.Is(err, context.Canceled) || net == nil {
		t.Fatalf("network %v, error %v, expected the network so far and the cancellation", net != nil, err)
	}
	fresh := &nn.Network{Steps: 28, Features: 28, Outputs: 10, Layers: []nn.Layer{{Features: 28, Units: 16, ResetAfter: true}}}
	Initialize(fresh, 0)
	if slices.Equal(bits(net), bits(fresh)) {
		t.Error("the network returned is the initial one, expected the one trained so far")
	}
}

func TestFitErrors(t *testing.T) {
	set, _ := dataset.Digits(1, 200, 0)
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Units: 16, Rate: 1e30, Schedule: Constant}, "training diverged: the loss is"},
		{Config{Units: -1}, "units is -1, expected 1 to 4096"},
		{Config{Batch: 100000}, "batch is 100000"},
		{Config{Layers: 4}, "layers is 4, expected 1 to 3"},
		{Config{Rate: math.NaN()}, "learning rate is NaN"},
		{Config{WarmUp: 2}, "warm-up is 2"},
		{Config{Smooth: 1}, "label smoothing is 1"},
		{Config{Activation: nn.Relu}, "activation relu is not trained in a gru cell"},
		{Config{Cell: nn.LSTM, Classic: true}, "the classic variant is one of gru"},
		{Config{ClassWeights: []float64{1, 2}}, "2 class weights for 10 classes"},
	} {
		net, err := Fit(context.Background(), c.config, set, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || net != nil {
			t.Errorf("network %v, error %v, want no network and %q", net != nil, err, c.want)
		}
	}
}

// A rate that leaves a classifier worse than chance is named, not handed over as a
// result, and what earlier epochs learned is kept.
func TestFitNamesALostRun(t *testing.T) {
	set, _ := dataset.Digits(1, 800, 0)
	net, err := Fit(context.Background(), Config{Units: 16, Rate: 30, Schedule: Constant, WarmUp: -1, Seed: 1}, set, nil)
	var diverged *DivergedError
	if !errors.As(err, &diverged) || diverged.Epoch != 1 || net != nil || !strings.Contains(err.Error(), "worse than guessing") {
		t.Errorf("network %v, error %v, expected no network and a diverged first epoch", net != nil, err)
	}

	// A warm-up over all epochs: the first is fine, a later one is not.
	var first *State
	c := Config{Units: 16, Batch: 8, Epochs: 40, Rate: 4, WarmUp: 1, Schedule: Constant, Seed: 1, Save: func(s *State) error { first = s; return nil }}
	net, err = Fit(context.Background(), c, set, nil)
	if !errors.As(err, &diverged) || diverged.Epoch < 2 || net == nil {
		t.Fatalf("network %v, error %v, expected a network and a diverged later epoch", net != nil, err)
	}
	if !slices.Equal(bits(net), bits(first.Network)) {
		t.Error("the network returned is not that of the last complete epoch")
	}
}

func TestBalancedWeights(t *testing.T) {
	set, _ := dataset.Digits(1, 300, 0)
	var part []int
	count := map[int]int{}
	for i := range set.Len() { // 1, 2, 3 … of the classes 1, 2, 3 …, none of class 0
		if l := set.Label(i); count[l] < l {
			count[l]++
			part = append(part, i)
		}
	}
	got := BalancedWeights(set.Subset("uneven", part))
	for class, w := range got {
		want := 0.0
		if class > 0 {
			want = 5 / float64(class) // 45 rows / 9 classes
		}
		if math.Abs(w-want) > 1e-12 {
			t.Errorf("class %d: weight %v, want %v", class, w, want)
		}
	}
}

func TestSchedules(t *testing.T) {
	c, err := Config{Rate: 1}.withDefaults(0)
	if err != nil {
		t.Fatal(err)
	}
	for step, want := range map[int]float64{0: 0.1, 9: 1, 10: 1, 55: 0.5, 99: 0.00030458} {
		if got := c.rateAt(step, 100); math.Abs(got-want) > 1e-6 {
			t.Errorf("cosine, step %d: rate %v, want %v", step, got, want)
		}
	}
	c, _ = Config{Rate: 1, Schedule: Constant}.withDefaults(0)
	if c.rateAt(0, 10) != 1 || c.rateAt(9, 10) != 1 {
		t.Error("the constant schedule is not constant")
	}
}

func TestShiftRow(t *testing.T) {
	for dx, want := range map[int][]float32{0: {1, 2, 3}, 1: {0, 1, 2}, -2: {3, 0, 0}, 3: {0, 0, 0}, -9: {0, 0, 0}} {
		got := []float32{7, 7, 7}
		shiftRow(got, []float32{1, 2, 3}, dx)
		if !slices.Equal(got, want) {
			t.Errorf("shift by %d gives %v, want %v", dx, got, want)
		}
	}
}

// R² is against the mean of every output: one that is always near 1000 beside one near 0 is no merit.
func TestScoresOfSeveralOutputs(t *testing.T) {
	s := newScores(&dataset.Set{Task: nn.Regression, Outputs: 2})
	for _, v := range []float64{-1, 1, -1, 1} {
		s.rows++
		s.loss += 1 // of guessing the means
		s.spreads[0].see(v)
		s.spreads[1].see(1000 - v)
	}
	if quality, loss := s.result(); math.Abs(quality) > 1e-12 || loss != 1 {
		t.Errorf("guessing the means: R² %v, mean squared error %v, expected 0 and 1", quality, loss)
	}
}
