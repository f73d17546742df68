// SPDX-License-Identifier: Apache-2.0

package calibrate_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// integrator is an LSTM of one unit whose cell state grows by the input at
// every step: open gates, a candidate that is the input.
func integrator(steps int) *nn.Network {
	return &nn.Network{
		Name: "integrator", Steps: steps, Features: 1, Outputs: 1, Task: nn.Regression,
		Layers: []nn.Layer{{
			Cell: nn.LSTM, Features: 1, Units: 1, Activation: nn.Relu,
			Kernel: []float32{0, 0, 1, 0}, Recurrent: make([]float32, 4), Bias: []float32{30, 30, 0, 30},
		}},
		HeadKernel: []float32{1}, HeadBias: []float32{0},
	}
}

func constant(n, size int) [][]float32 {
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, size)
		for j := range out[i] {
			out[i][j] = 1
		}
	}
	return out
}

// States are rolled out: with states as inputs the range goes on growing where
// the state does, up to the limit of rounds; without, a call starts at zero.
func TestStatesAreRolledOut(t *testing.T) {
	for _, c := range []struct {
		steps, rounds, ran int
		state              bool
		want               float32
	}{{4, 3, 3, true, 12}, {1, 3, 3, true, 12}, {4, 3, 1, false, 4}} {
		plan, err := unroll.Build(integrator(4), unroll.Options{Steps: c.steps, StateIO: c.state})
		if err != nil {
			t.Fatal(err)
		}
		seen, ran, err := calibrate.Collect(plan, constant(3, 4), calibrate.Options{Rounds: c.rounds})
		if err != nil {
			t.Fatal(err)
		}
		if got := seen["lstm0/c"]; math.Abs(float64(got.Max-c.want)) > 1e-4 || ran != c.ran {
			t.Errorf("%+v: c reaches %v after %d rounds", c, got.Max, ran)
		}
	}
}

// A network that settles needs few rounds, and what is seen does not depend on
// the number of processors.
func TestSettlesAndIsDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	net := &nn.Network{Name: "n", Steps: 5, Features: 2, Outputs: 1, Task: nn.Regression, HeadKernel: make([]float32, 3), HeadBias: []float32{0}}
	l := nn.Layer{Cell: nn.SimpleRNN, Features: 2, Units: 3}
	for range 6 {
		l.Kernel = append(l.Kernel, float32(r.NormFloat64()))
	}
	for range 9 {
		l.Recurrent = append(l.Recurrent, float32(r.NormFloat64()))
	}
	l.Bias = make([]float32, 3)
	net.Layers = []nn.Layer{l}
	plan, err := unroll.Build(net, unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	samples := make([][]float32, 70)
	for i := range samples {
		for range 10 {
			samples[i] = append(samples[i], float32(r.NormFloat64()))
		}
	}
	collect := func(procs int) map[string]*calibrate.Observation {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		seen, rounds, err := calibrate.Collect(plan, samples, calibrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rounds < 2 || rounds > 7 {
			t.Errorf("%d rounds", rounds)
		}
		return seen
	}
	if !reflect.DeepEqual(collect(1), collect(3)) {
		t.Error("1 and 3 processors saw different values")
	}
}

func TestEstimators(t *testing.T) {
	// Ten million values spread evenly over 0..1 and two far outside.
	ob := &calibrate.Observation{Min: -8, Max: 8, Counts: make([]int64, calibrate.Bins)}
	ob.Counts[0], ob.Counts[calibrate.Bins-1] = 1, 1
	width := calibrate.Bins / 16
	for i := range width {
		ob.Counts[calibrate.Bins/2+i] = int64(10_000_000 / width)
	}
	within := func(name string, r calibrate.Range, lo, hi calibrate.Range) {
		if r.Min < lo.Min || r.Min > lo.Max || r.Max < hi.Min || r.Max > hi.Max {
			t.Errorf("%s: %v", name, r)
		}
	}
	within("minmax", calibrate.Options{}.Estimate(ob), calibrate.Range{Min: -8, Max: -8}, calibrate.Range{Min: 8, Max: 8})
	within("percentile", calibrate.Options{Estimator: calibrate.Percentile, Percentile: 99.9}.Estimate(ob),
		calibrate.Range{Min: 0, Max: 0}, calibrate.Range{Min: 0.95, Max: 1.01})
	within("mse", calibrate.Options{Estimator: calibrate.MSE}.Estimate(ob),
		calibrate.Range{Min: -8, Max: 0}, calibrate.Range{Min: 0.9, Max: 7})
	for e := calibrate.MinMax; e <= calibrate.MSE; e++ {
		for _, c := range []*calibrate.Observation{
			{Min: 0, Max: 0, Counts: make([]int64, calibrate.Bins)},
			{Min: 3, Max: 3, Counts: make([]int64, calibrate.Bins)},
			{Min: -2, Max: -1, Counts: make([]int64, calibrate.Bins)},
		} {
			c.Counts[0] = 5
			r := calibrate.Options{Estimator: e}.Estimate(c)
			if !(r.Min <= 0 && r.Max >= 0) || r.Min < c.Min && c.Min < 0 {
				t.Errorf("%v of %v..%v: %v", e, c.Min, c.Max, r)
			}
		}
		if got, err := calibrate.ParseEstimator(e.String()); err != nil || got != e {
			t.Errorf("%v does not parse: %v", e, err)
		}
	}
}

func TestCollectErrors(t *testing.T) {
	plan, err := unroll.Build(integrator(4), unroll.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := constant(2, 4)
	bad[1][2] = float32(math.NaN())
	if _, _, err := calibrate.Collect(plan, bad, calibrate.Options{}); err == nil || !strings.Contains(err.Error(), "sample 1: value 2") {
		t.Errorf("NaN sample: %v", err)
	}
	if _, _, err := calibrate.Collect(plan, nil, calibrate.Options{}); err == nil {
		t.Error("no samples, no error")
	}
	bad[1][2] = 3e38
	bad[1][3] = 3e38
	if _, _, err := calibrate.Collect(plan, bad, calibrate.Options{}); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("overflow: %v", err)
	}
}

// A state without a bound grows with every round, one that settles does not.
func TestGrowth(t *testing.T) {
	plan, err := unroll.Build(integrator(4), unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	seen, _, err := calibrate.Collect(plan, constant(3, 4), calibrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if g := seen["lstm0/c"].Growth; math.Abs(g-8) > 1e-3 {
		t.Errorf("a sum of 8 sequences is %v times one of one", g)
	}
	if g := seen["input"].Growth; g != 0 {
		t.Errorf("the input grows %v times", g)
	}
}
