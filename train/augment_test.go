// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

func TestParseAugment(t *testing.T) {
	for _, text := range []string{"", "shift=2", "shift=3,stretch=12.5%,snr=15,steps=4,features=3"} {
		a, err := ParseAugment(text)
		if err != nil || a.String() != text {
			t.Errorf("%q: %q, %v", text, a, err)
		}
	}
	for _, text := range []string{"shift", "shift=-1", "shift=1.5", "shift=10%", "stretch=0.1", "stretch=60%", "snr=20%", "snr=NaN", "steps=0", "hop=3", "features=1e9", ","} {
		if _, err := ParseAugment(text); err == nil || !strings.Contains(err.Error(), "expected shift=N") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// ramp is a set whose feature 0 is 10 times the step, feature 1 alternates and whose labels
// are steps; the first sequence has 8 own steps, the second 6.
func ramp(t *testing.T) *dataset.Set {
	t.Helper()
	var x, y []float32
	for range 2 {
		for step := range 8 {
			x, y = append(x, float32(10*step), float32(step%2)), append(y, float32(step))
		}
	}
	set, err := dataset.FromArrays("ramp", npy.FromFloats([]int{2, 8, 2}, x), npy.FromFloats([]int{2, 8, 1}, y))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What moves takes its target along; what comes from nowhere is padding and does not count.
func TestAugmentMovesTargets(t *testing.T) {
	set := ramp(t)
	c := Config{Units: 2, Batch: 2, Seed: 4, Augment: Augment{Shift: 3, Stretch: 0.4}}
	net, err := Untrained(c, set)
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(c, net, set)
	defer r.engine.close()
	r.feed.target = nil
	moved, lost := 0, 0
	for epoch := range 50 {
		r.feed.put(r.engine, 0, 0, epoch)
		for step := range 8 {
			x, y := r.engine.x[step*r.engine.xRow], r.engine.head.targets[step]
			switch {
			case y != y:
				if lost++; x != 0 {
					t.Fatalf("epoch %d, step %d: value %v without a target", epoch, step, x)
				}
			case math.Abs(float64(x/10-y)) > 0.5001:
				t.Fatalf("epoch %d, step %d: value %v with target %v", epoch, step, x, y)
			case int(y) != step:
				moved++
			}
		}
	}
	if moved < 100 || lost < 20 {
		t.Errorf("%d steps moved, %d came from nowhere", moved, lost)
	}
}

// Noise keeps its ratio to the signal, masks blank runs of steps and features.
func TestAugmentNoiseAndMasks(t *testing.T) {
	set := ramp(t)
	var d draw
	x, clean := make([]float32, 16), make([]float32, 16)
	set.Sample(0, clean)
	deviation := math.Sqrt(525) // of 0, 10, … 70
	sum, n := 0.0, 0
	for epoch := range 400 {
		Augment{SNR: 20, Steps: 3, Features: 1}.draw(&d, set, 0, epoch, 1)
		copy(x, clean)
		d.hiss(x, 2, 0)
		for step := range 8 {
			sum += math.Pow(float64(x[2*step]-clean[2*step]), 2)
			n++
		}
		row := []float32{1, 1}
		blanked := 0
		for step := range 8 {
			row[0], row[1] = 1, 1
			if d.blank(row, step); step >= d.steps[0] && step < d.steps[1] {
				if blanked++; row[0] != 0 || row[1] != 0 {
					t.Fatal("a masked step is not 0")
				}
			} else if ones := row[0] + row[1]; ones != float32(2-(d.bands[1]-d.bands[0])) {
				t.Fatalf("features %v masked, the row is %v", d.bands, row)
			}
		}
		if blanked > 3 {
			t.Fatalf("%d steps masked", blanked)
		}
	}
	// The mean power of ratios of 20 to 40 dB, evenly drawn, is that of 26.7 dB.
	if db := 20 * math.Log10(deviation/math.Sqrt(sum/float64(n))); math.Abs(db-26.7) > 0.7 {
		t.Errorf("noise is %.1f dB below the signal, expected about 26.7", db)
	}
}

// The same weights for any number of workers; and dropout keeps the mean of what it passes on.
func TestRegularisationIsDeterministic(t *testing.T) {
	set, _ := dataset.Digits(3, 150, 0)
	stack, err := nn.ParseStack("conv:12x3,bi-gru:9,max,dense:18", 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Units: 20, Dropout: 0.3, Smooth: 0.1, Decay: 0.1, Augment: Augment{2, 0.2, 10, 3, 4}},
		{Stack: stack, Dropout: 0.2},
		{Cell: nn.LSTM, Layers: 2, Units: 18, Carry: true, Dropout: 0.5},
	} {
		c.Seed, c.Workers, c.Epochs = 9, 1, 2
		want := bits(fit(t, c, set))
		c.Workers = 3
		if !slices.Equal(bits(fit(t, c, set)), want) {
			t.Errorf("%+v: three workers give other weights than one", c)
		}
		c.Dropout = 0
		if slices.Equal(bits(fit(t, c, set)), want) {
			t.Error("dropout changes nothing")
		}
	}
}

// The gradients under dropout are those of the network without the silent units.
func TestDropoutGradients(t *testing.T) {
	net := stackNetwork(t, "conv:5x2:tanh,bi-gru:6,max,dense:7:tanh", false, nn.Classification)
	e := newEngineWith(net, batchOf, 2, false, 0.4)
	defer e.close()
	e.load(net)
	for b := range e.keys {
		e.keys[b] = uint64(b)
	}
	batchFor(e, net.Outputs)
	train1(e, batchOf)
	gradients := net.Shape()
	e.store(gradients, func(m *cell.Matrix) []float32 { return m.Grad })
	silent, all := 0, 0
	for _, d := range e.drops {
		if d == nil {
			continue
		}
		for _, f := range d.factor {
			if all++; f == 0 {
				silent++
			}
		}
	}
	if part := float64(silent) / float64(all); part < 0.25 || part > 0.55 {
		t.Errorf("%.2f of the units are silent, expected about 0.4", part)
	}
	found := gradients.Tensors()
	for k, p := range net.Tensors() {
		norm, got := 0.0, 0.0
		for _, g := range *found[k] {
			norm += float64(g) * float64(g)
		}
		if got = math.Sqrt(norm); got < 1e-4 {
			continue
		}
		shifted := func(by float64) float64 { // along the gradient of this tensor
			kept := slices.Clone(*p)
			for i, g := range *found[k] {
				(*p)[i] += float32(by * float64(g) / got)
			}
			e.load(net)
			copy(*p, kept)
			return train1(e, batchOf)
		}
		want := (shifted(1e-2) - shifted(-1e-2)) / 2e-2
		if math.Abs(got-want) > 1e-3+0.02*math.Abs(want) {
			t.Errorf("tensor %d: slope %.6f, differences give %.6f", k, got, want)
		}
	}
}

// The test of rates finds one that learns, whatever rate was set, and the same one again.
func TestFindRate(t *testing.T) {
	set, _ := dataset.Digits(3, 400, 0)
	c := Config{Units: 24, Rate: 77, Seed: 1, Workers: 2}
	rate, err := FindRate(context.Background(), c, set)
	if err != nil || rate < 5e-4 || rate > 5e-2 {
		t.Fatalf("rate %v, error %v", rate, err)
	}
	c.Workers, c.Rate = 1, 0
	if again, err := FindRate(context.Background(), c, set); again != rate || err != nil {
		t.Errorf("rate %v, then %v, error %v", rate, again, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := FindRate(ctx, c, set); err == nil {
		t.Error("a test that was called off gave a rate")
	}
}
