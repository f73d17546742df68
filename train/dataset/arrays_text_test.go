// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	archive "archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
)

func texts(name string, shape []int, all ...string) *npy.Array {
	a := &npy.Array{Name: name, Type: "|S8", Shape: shape}
	for _, s := range all {
		a.Data = append(a.Data, (s + strings.Repeat("\x00", 8))[:8]...)
	}
	return a
}

// Labels and groups of text are classes and groups by their names, in both parts alike.
func TestArraysOfText(t *testing.T) {
	arrays := map[string]*npy.Array{
		"x": npy.FromFloats([]int{4, 2, 1}, make([]float32, 8)), "y": texts("y", []int{4}, "up", "down", "up", "left"),
		"group":  texts("group", []int{4}, "ann", "bob ", "ann", "cid"),
		"x_test": npy.FromFloats([]int{2, 2, 1}, make([]float32, 4)), "y_test": texts("y_test", []int{2}, "back", "up"),
	}
	train, test, err := fromArrays("a", arrays, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"back", "down", "left", "up"}
	if !slices.Equal(train.Classes, want) || !slices.Equal(test.Classes, want) || train.Outputs != 4 || test.Outputs != 4 {
		t.Errorf("classes %q and %q, want %q of both", train.Classes, test.Classes, want)
	}
	if train.Label(0) != 3 || train.Label(1) != 1 || train.Label(3) != 2 || test.Label(0) != 0 || test.Label(1) != 3 || train.Group(1) != "bob" {
		t.Errorf("labels %v and %v, group of 1 is %q", train.labels, test.labels, train.Group(1))
	}

	steps := map[string]*npy.Array{"x": arrays["x"], "y": texts("y", []int{4, 2}, "a", "none", "b", "a", "none", "none", "b", "b")}
	s, _, err := fromArrays("a", steps, Options{IgnoreLabel: "none"})
	if err != nil || !s.PerStep || !slices.Equal(s.Classes, []string{"a", "b"}) || s.StepLabel(0, 1) != noLabel || s.StepLabel(1, 0) != 1 {
		t.Errorf("labels of steps: %+v, %v", s, err)
	}

	steps["y"] = texts("y", []int{4, 2}, "a", "none ", "b", "a", "none ", "none ", "b", "b")
	if s, _, err := fromArrays("a", steps, Options{IgnoreLabel: "none"}); err != nil || s.StepLabel(0, 1) != noLabel {
		t.Errorf("labels with spaces behind them: %v", err)
	}

	for _, c := range []struct {
		name string
		a    *npy.Array
		o    Options
		want string
	}{
		{"y", texts("y", []int{4}, "a", "", "b", "b"), Options{}, "y: label 1 is empty"},
		{"y", texts("y", []int{4}, "a", "\xff", "b", "b"), Options{}, "no printable text"},
		{"y", texts("y", []int{4}, "a", "b", "b", "b"), Options{IgnoreLabel: "c"}, "nothing has this label: y holds a, b"},
		{"y", texts("y", []int{4}, "a", "b", "b", "b"), Options{IgnoreLabel: "b"}, "sequence 1 has label b, which does not count"},
		{"y", texts("y", []int{4}, "a", "nan", "b", "b"), Options{}, `label 1 is "nan", which Python writes`},
		{"y", texts("y", []int{4}, "1", "01", "2", "2"), Options{}, `"01" and "1" are one number`},
		{"x", texts("x", []int{4, 2, 1}, "a", "b", "b", "b", "a", "b", "b", "b"), Options{}, "expected numbers"},
		{"mask", texts("mask", []int{4, 2}, "a", "b", "b", "b", "a", "b", "b", "b"), Options{}, "a number for each step"},
		{"lengths", texts("lengths", []int{4}, "a", "b", "b", "b"), Options{}, "expected a whole number"},
		{"y_test", ints([]int{2}, 0, 1), Options{}, "holds names of classes, the other numbers"},
	} {
		all := map[string]*npy.Array{}
		for k, a := range arrays {
			all[k] = a
		}
		if !strings.HasPrefix(c.name, "y_") {
			delete(all, "x_test")
			delete(all, "y_test")
		}
		all[c.name] = c.a
		if _, _, err := fromArrays("a", all, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// Amounts that were written as text are no classes; parts write a number in one way.
func TestArraysOfNumbersAsText(t *testing.T) {
	var amounts []string
	for i := range 12 {
		amounts = append(amounts, fmt.Sprintf("%d.5", i))
	}
	x := npy.FromFloats([]int{12, 2, 1}, make([]float32, 24))
	if _, err := FromArrays("a", x, texts("y", []int{12}, amounts...)); err == nil || !strings.Contains(err.Error(), "write floats to predict them") {
		t.Errorf("amounts as text: error %v", err)
	}
	two := npy.FromFloats([]int{2, 2, 1}, make([]float32, 4))
	_, _, err := fromArrays("a", map[string]*npy.Array{"x": two, "y": texts("y", []int{2}, "1", "2"), "x_test": two, "y_test": texts("y_test", []int{2}, "1.0", "2")}, Options{})
	if err == nil || !strings.Contains(err.Error(), `"1" and "1.0" are one number`) {
		t.Errorf("a number in two ways: error %v", err)
	}
}

// Arrays of Python objects matter only where they hold what is asked for.
func TestArraysOfObjects(t *testing.T) {
	for _, c := range []struct{ name, note, want string }{
		{"history", "neither numbers nor text: [\"history\"]", ""}, {"labels", "neither numbers nor text", ""},
		{"x_test", "", `x_test: element type "|O"`}, {"group", "", `group: element type "|O"`}, {"y", "", `y: element type "|O"`},
	} {
		file := filepath.Join(t.TempDir(), "a.npz")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		z := archive.NewWriter(f)
		for name, a := range map[string]*npy.Array{"x": npy.FromFloats([]int{10, 2, 1}, make([]float32, 20)), "y": ints([]int{10}, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)} {
			if name == c.name {
				continue
			}
			w, _ := z.Create(name + ".npy")
			if err := npy.Write(w, a); err != nil {
				t.Fatal(err)
			}
		}
		w, _ := z.Create(c.name + ".npy")
		text := "{'descr': '|O', 'fortran_order': False, 'shape': (10,), }"
		fmt.Fprintf(w, "\x93NUMPY\x01\x00%c\x00%s\x80\x04", len(text), text)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
		train, _, err := Open(file, Options{})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case !strings.Contains(strings.Join(train.Notes, "\n"), c.note):
			t.Errorf("%s: notes %q, want %q", c.name, train.Notes, c.note)
		}
	}
}
