// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// Rows without a label or target have no loss, no gradient and no part in the figures.
func TestRowsWithoutLabels(t *testing.T) {
	for _, task := range []nn.Task{nn.Classification, nn.Regression} {
		c := gradientCase{cell: nn.GRU, layers: 1, units: 4, perStep: true, task: task}
		net := c.network(4, 3, 3)
		gradients := func(change func(e *engine)) (*nn.Network, float64) {
			e := newEngine(net, 2, 1, false)
			defer e.close()
			e.load(net)
			batchFor(e, 3)
			change(e)
			loss := train1(e, 2)
			g := net.Shape()
			e.store(g, gradientOf)
			return g, loss
		}
		// Row 1 is taken away; whatever its label or target was must not matter.
		a, lossA := gradients(func(e *engine) { e.head.labels[1], e.head.targets[3] = -1, float32(math.NaN()) })
		b, lossB := gradients(func(e *engine) {
			e.head.labels[1], e.head.targets[3], e.head.targets[4] = -1, float32(math.NaN()), 99
		})
		full, lossFull := gradients(func(*engine) {})
		if lossA != lossB || lossA == lossFull {
			t.Errorf("task %d: losses %v, %v without a row, %v with it", task, lossA, lossB, lossFull)
		}
		for i, v := range a.HeadKernel {
			if v != b.HeadKernel[i] || math.IsNaN(float64(v)) {
				t.Fatalf("task %d: gradient %v or %v", task, v, b.HeadKernel[i])
			}
		}
		if a.HeadKernel[0] == full.HeadKernel[0] {
			t.Errorf("task %d: the row without a label has a gradient", task)
		}
	}
}

// Targets far from 0 are learned as well as others, and the network gives them as they
// are; a run that is interrupted and resumed ends at the same bits.
func TestTargetsAreScaled(t *testing.T) {
	var text strings.Builder
	text.WriteString("sequence,x,label\n")
	for i := range 60 {
		for step := range 3 {
			v := math.Sin(float64(3*i + step))
			text.WriteString(strings.Join([]string{itoa(i), ftoa(v), ftoa(8000 + 50*math.Sin(float64(3*i+2)))}, ",") + "\n")
		}
	}
	file := filepath.Join(t.TempDir(), "far.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	set, test, err := dataset.Open(file, dataset.Options{Regression: true})
	if err != nil {
		t.Fatal(err)
	}
	var half *State
	c := Config{Units: 16, Epochs: 80, Clip: 1, Seed: 3}
	c.Save = func(s *State) error {
		if s.Step == 40*2 {
			half = s
		}
		return nil
	}
	net, err := Fit(context.Background(), c, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r2, _ := Evaluate(net, test); r2 < 0.95 {
		t.Errorf("R² %.4f on targets around 8000", r2)
	}
	c.Save, c.Resume = nil, half
	again, err := Fit(context.Background(), c, set, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range net.HeadKernel {
		if v != again.HeadKernel[i] {
			t.Fatalf("weight %d is %v, after a resumption %v", i, v, again.HeadKernel[i])
		}
	}
}

// A divergence names its likely cause.
func TestDivergenceNamesItsCause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "raw.csv")
	text := "sequence,x,height,label\n"
	for i := range 40 {
		text += itoa(i) + "," + ftoa(math.Sin(float64(i))) + "," + ftoa(9e5+float64(i*7%40)) + "," + []string{"a", "b"}[i%2] + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	set, _, err := dataset.Open(file, dataset.Options{Standardize: dataset.StandardizeOff})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Fit(context.Background(), Config{Units: 16, Epochs: 3, Rate: 1}, set, nil)
	if err == nil || !strings.Contains(err.Error(), `feature "height" has mean 900019 and deviation`) {
		t.Errorf("error %v", err)
	}
}

// A single step that begins with a bad guess is no divergence.
func TestOneStepDoesNotDiverge(t *testing.T) {
	text := "sequence,x,y2,label\n"
	for i := range 24 {
		for step := range 3 {
			text += itoa(i) + "," + ftoa(float64(40*(i%2)+step)) + "," + ftoa(float64(-40*(i%2))) + "," + []string{"a", "b"}[i%2] + "\n"
		}
	}
	file := filepath.Join(t.TempDir(), "few.csv")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	set, _, err := dataset.Open(file, dataset.Options{Standardize: dataset.StandardizeOff})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(12) {
		if _, err := Fit(context.Background(), Config{Units: 64, Epochs: 1, Rate: 1e-3, Seed: seed}, set, nil); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// A second step that is worse than a bad guess is none either, where nothing can be learned
// from the features.
func TestFewStepsDoNotDiverge(t *testing.T) {
	text := "sequence,x,y2,label\n"
	for i := range 24 {
		for step := range 3 {
			text += itoa(i) + "," + ftoa(3*math.Sin(float64(7*i+step))) + "," + ftoa(3*math.Cos(float64(5*i))) + "," + []string{"a", "b"}[i%2] + "\n"
		}
	}
	file := filepath.Join(t.TempDir(), "few.csv")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	set, _, err := dataset.Open(file, dataset.Options{Standardize: dataset.StandardizeOff})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(12) {
		if _, err := Fit(context.Background(), Config{Units: 64, Epochs: 4, Rate: 3e-2, Seed: seed}, set, nil); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

func gradientOf(m *cell.Matrix) []float32 { return m.Grad }

func itoa(i int) string { return strconv.Itoa(i) }

func ftoa(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
