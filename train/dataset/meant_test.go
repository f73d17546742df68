// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// wholes is an array of int32.
func wholes(name string, shape []int, v ...int32) *npy.Array {
	a := &npy.Array{Name: name, Type: "<i4", Shape: shape}
	for _, x := range v {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, uint32(x))
	}
	return a
}

// TestLabelsThatAreUnclear tells classes from labels of steps, targets of steps from targets
// of sequences, and classes from amounts, where shape and type leave it open.
func TestLabelsThatAreUnclear(t *testing.T) {
	const n, steps = 8, 2
	x := npy.FromFloats([]int{n, steps, 1}, make([]float32, n*steps))
	for i := range x.Elements() {
		x.Data[4*i+2], x.Data[4*i+3] = byte(i), 0x3f
	}
	hot := []int32{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1}
	var floats []float32
	for _, v := range hot {
		floats = append(floats, float32(v))
	}
	other := append([]int32{1, 1}, hot[2:]...)
	named := func(a *npy.Array) *npy.Array { a.Name = "y"; return a }
	for name, c := range map[string]struct {
		y       *npy.Array
		err     string
		task    nn.Task
		perStep bool
		outputs int
		says    string // among notes and warnings; "" for neither
	}{
		"one-hot classes or labels of steps": {y: wholes("y", []int{n, steps}, hot...), err: "Write y.argmax(1) for classes, y[..., None] for labels of steps"},
		"the same, meant for steps":          {y: wholes("y", []int{n, steps, 1}, hot...), perStep: true, outputs: 2},
		"labels of steps":                    {y: wholes("y", []int{n, steps}, other...), perStep: true, outputs: 2},
		"one-hot floats":                     {y: named(npy.FromFloats([]int{n, steps}, floats)), task: nn.Regression, outputs: 2, says: "one for each sequence"},
		"one-hot floats of steps":            {y: named(npy.FromFloats([]int{4, 2, 2}, floats)), task: nn.Regression, perStep: true, outputs: 2, says: "for classes give whole numbers, one for each step"},
		"as many targets as steps":           {y: named(npy.FromFloats([]int{n, steps}, append([]float32{.5}, floats[1:]...))), task: nn.Regression, outputs: 2, says: "read as 2 targets of each sequence; for one target at each of its 2 steps write [8 2 1]"},
		"classes as floats":                  {y: named(npy.FromFloats([]int{n}, floats[:n])), task: nn.Regression, outputs: 1, says: "whole numbers 0 to 1, and they are predicted as amounts"},
		"amounts":                            {y: named(npy.FromFloats([]int{n}, append([]float32{.5}, floats[1:n]...))), task: nn.Regression, outputs: 1},
		"counts with a gap":                  {y: named(npy.FromFloats([]int{n}, append([]float32{7}, floats[1:n]...))), task: nn.Regression, outputs: 1},
	} {
		samples := x
		if c.y.Shape[0] != n {
			samples = &npy.Array{Name: "x", Type: x.Type, Shape: []int{c.y.Shape[0], steps, 1}, Data: x.Data[:4*c.y.Shape[0]*steps]}
		}
		s, err := FromArrays("d", samples, c.y)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want one with %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Task != c.task || s.PerStep != c.perStep || s.Outputs != c.outputs {
			t.Errorf("%s: task %v, steps %v, %d outputs", name, s.Task, s.PerStep, s.Outputs)
		}
		var said []string
		Describe(s, nil, s, func(line string) {
			if strings.HasPrefix(line, "  note: ") || strings.Contains(line, "targets") || strings.Contains(line, "every target") {
				said = append(said, line)
			}
		})
		if all := strings.Join(said, "\n"); (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
			t.Errorf("%s: said %q, want %q", name, all, c.says)
		}
	}
}

// TestTimesOutOfOrder refuses rows that go back in time, leaves a time out that stands still for
// a row, and says where a column with the name of a time is a feature.
func TestTimesOutOfOrder(t *testing.T) {
	for name, c := range map[string]struct {
		column, times string
		err, note     string
		features      int
	}{
		"sorted":           {"time", "0 1 2 0 1 2", "", `column "time" is taken for the time`, 1},
		"shuffled":         {"time", "0 1 2 1 0 2", `t.csv: line 5: in the sequence that begins here column "time" goes back from 1 to 0`, "", 0},
		"backward":         {"Timestamp", "9 8 7 6 5 4", `line 2: in the sequence that begins here column "Timestamp" goes back from 9 to 8`, "", 0},
		"coarse":           {"time_s", "0 0 1 5 5 5", "", `column "time_s" is taken for the time`, 1},
		"day of recording": {"date", "3 3 3 4 4 4", "", `column "date" does not grow from row to row, and is read as a feature`, 2},
		"temperature":      {"t", "20 21 19 20 20 18", "", `column "t" does not grow from row to row, and is read as a feature`, 2},
	} {
		var b strings.Builder
		b.WriteString("sequence," + c.column + ",a,label\n")
		for i, v := range strings.Fields(c.times) {
			fmt.Fprintf(&b, "s%d,%s,%d.5,%d\n", i/3, v, i*i%5, i/3)
		}
		train, err := readCSV("t.csv", strings.NewReader(b.String()), Options{})
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want one with %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if notes := strings.Join(train.Notes, "\n"); train.Features != c.features || !strings.Contains(notes, c.note) {
			t.Errorf("%s: %d features, notes %q", name, train.Features, notes)
		}
	}
}

// Whole numbers are numbers to predict where somebody says so, of sequences and of steps; names
// are not.
func TestWholeNumbersToPredict(t *testing.T) {
	x := npy.FromFloats([]int{3, 2, 1}, make([]float32, 6))
	for name, c := range map[string]struct {
		y       *npy.Array
		perStep bool
		outputs int
	}{
		"of sequences":          {wholes("y", []int{3}, 900, -2, 70000), false, 1},
		"several":               {wholes("y", []int{3, 2}, 1, 0, 0, 1, 7, 8), false, 2},
		"of steps":              {wholes("y", []int{3, 2, 1}, 1, 2, 3, 4, 5, 6), true, 1},
		"as classes might be":   {wholes("y", []int{3}, 0, 1, 1), false, 1},
		"floats, as they are":   {func() *npy.Array { a := npy.FromFloats([]int{3}, []float32{1, 2, 3}); a.Name = "y"; return a }(), false, 1},
		"several of every step": {wholes("y", []int{3, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), true, 2},
	} {
		s, _, err := fromArrays("a", map[string]*npy.Array{"x": x, "y": c.y, "x_test": x, "y_test": c.y}, Options{Regression: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.Task != nn.Regression || s.PerStep != c.perStep || s.Outputs != c.outputs || !slices.Equal(s.targets, c.y.Floats()) {
			t.Errorf("%s: task %v, steps %v, %d outputs, targets %v", name, s.Task, s.PerStep, s.Outputs, s.targets)
		}
	}
	s, _, err := fromArrays("a", map[string]*npy.Array{"x": x, "y": texts("y", []int{3}, "cat", "dog", "cat")}, Options{Regression: true, Test: 0.5})
	if err == nil && s.Task == nn.Regression {
		t.Errorf("names of classes are numbers to predict")
	}
}
