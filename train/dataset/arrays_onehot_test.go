// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// Labels with a column for each class are classes, of numbers of any type, where nothing else is as good a
// reading; that is said, and --regression takes them for numbers.
func TestColumnsOfClasses(t *testing.T) {
	const n, steps = 12, 5
	v := make([]float32, n*steps*2)
	for i := range v {
		v[i] = float32(i%17) / 8
	}
	rows := func(n, k int, class func(i int) int) []float32 {
		y := make([]float32, n*k)
		for i := range n {
			if c := class(i); c >= 0 {
				y[i*k+c] = 1
			}
		}
		return y
	}
	array := func(shape []int, values []float32, whole bool) *npy.Array {
		a := npy.FromFloats(shape, values)
		if whole {
			var all []int32
			for _, x := range values {
				all = append(all, int32(x))
			}
			a = wholes("", shape, all...)
		}
		a.Name = "y"
		return a
	}
	three := func(i int) int { return i % 3 }
	var two []float32 // of 3, and the last of no sequence
	for i := range n {
		two = append(two, rows(1, 3, func(int) int { return i % 2 })...)
	}
	for name, c := range map[string]struct {
		y, test *npy.Array
		o       Options
		err     string
		task    nn.Task
		perStep bool
		outputs int
		label   func(i int) int
	}{
		"floats":                     {y: array([]int{n, 3}, rows(n, 3, three), false), outputs: 3, label: three},
		"whole numbers":              {y: array([]int{n, 3}, rows(n, 3, three), true), outputs: 3, label: three},
		"a class that is nowhere":    {y: array([]int{n, 3}, two, true), outputs: 3, label: func(i int) int { return i % 2 }},
		"of steps":                   {y: array([]int{n, steps, 3}, rows(n*steps, 3, three), true), outputs: 3, perStep: true, label: three},
		"floats of steps":            {y: array([]int{n, steps, 3}, rows(n*steps, 3, three), false), outputs: 3, perStep: true, label: three},
		"a test part, too":           {y: array([]int{n, 3}, rows(n, 3, three), false), test: array([]int{n, 3}, rows(n, 3, three), true), outputs: 3, label: three},
		"numbers that are asked for": {y: array([]int{n, 3}, rows(n, 3, three), true), o: Options{Regression: true}, task: nn.Regression, outputs: 3},
		"a row of zeros":             {y: array([]int{n, 3}, rows(n, 3, func(i int) int { return i%4 - 1 }), false), task: nn.Regression, outputs: 3},
		"a test part of numbers":     {y: array([]int{n, 3}, rows(n, 3, three), false), test: array([]int{n, 3}, append([]float32{.5}, rows(n, 3, three)[1:]...), false), task: nn.Regression, outputs: 3},
		"as many as steps":           {y: array([]int{n, steps}, rows(n, steps, func(i int) int { return i % steps }), true), err: "a class of 5 for each sequence, or a label for each of its 5 steps?"},
		"floats, as many as steps":   {y: array([]int{n, steps}, rows(n, steps, func(i int) int { return i % steps }), false), task: nn.Regression, outputs: steps},
	} {
		arrays := map[string]*npy.Array{"x": npy.FromFloats([]int{n, steps, 2}, v), "y": c.y}
		arrays["x"].Name = "x"
		if c.test != nil {
			arrays = map[string]*npy.Array{"x_train": arrays["x"], "y_train": c.y, "x_test": arrays["x"], "y_test": c.test}
		}
		s, _, err := fromArrays("a.npz", arrays, c.o)
		if err != nil || c.err != "" {
			if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, expected %q", name, err, c.err)
			}
			continue
		}
		if s.Task != c.task || s.PerStep != c.perStep || s.Outputs != c.outputs {
			t.Errorf("%s: task %v, per step %v, %d outputs", name, s.Task, s.PerStep, s.Outputs)
			continue
		}
		said := strings.Contains(strings.Join(s.Notes, "\n"), "y: every row is one 1 among zeros, and taken for one of 3 classes, by the column of the 1: --regression predicts the 3 numbers")
		if said != (c.label != nil) {
			t.Errorf("%s: notes %q", name, s.Notes)
		}
		for i := 0; c.label != nil && i < s.Len(); i++ {
			is, want := 0, c.label(i)
			if is = -1; !c.perStep {
				is = s.Label(i)
			} else {
				is, want = s.StepLabel(i, 2), c.label(i*steps+2)
			}
			if is != want {
				t.Errorf("%s: sequence %d has label %d, expected %d", name, i, is, want)
			}
		}
	}
}

// A network that was trained on such rows as numbers is given them so again.
func TestColumnsOfClassesThatWereNumbers(t *testing.T) {
	dir := t.TempDir()
	for name, a := range map[string]*npy.Array{
		"x": npy.FromFloats([]int{6, 2, 1}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
		"y": npy.FromFloats([]int{6, 3}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1}),
	} {
		f, err := os.Create(filepath.Join(dir, name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(f, a); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	numbers, _, err := OpenSource(context.Background(), dir, Options{Regression: true, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var origin facts.Data = *numbers.Origin
	origin.Regression = false // as it was noted then
	if again, test, err := Reopen(context.Background(), &origin, "", nil); err != nil || again.Task != nn.Regression || test.Task != nn.Regression || again.Origin != &origin {
		t.Errorf("opened again: %v", err)
	}
	origin.SHA256 = strings.Repeat("0", 64)
	if _, _, err := Reopen(context.Background(), &origin, "", nil); err == nil || !strings.Contains(err.Error(), "is not what the network was trained on") {
		t.Errorf("other data: error %v", err)
	}
}
