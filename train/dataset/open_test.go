// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

func ints(shape []int, v ...byte) *npy.Array {
	return &npy.Array{Name: "y", Type: "|u1", Shape: shape, Data: v}
}

func floats(name string, shape ...int) *npy.Array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i)
	}
	a := npy.FromFloats(shape, v)
	a.Name = name
	return a
}

func TestFromArrays(t *testing.T) {
	x := floats("x", 2, 3, 4)
	s, err := FromArrays("set", x, ints([]int{2}, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 12)
	s.Sample(1, got)
	if s.Outputs != 3 || s.Label(1) != 2 || s.PerStep || got[0] != 12 || got[11] != 23 {
		t.Errorf("set %+v, sequence 1 is %v", s, got)
	}
	s, err = FromArrays("set", x, ints([]int{2, 3}, 0, 1, 0, 1, 1, 0))
	if err != nil || !s.PerStep || s.StepLabel(1, 1) != 1 || s.StepLabel(1, 2) != 0 {
		t.Errorf("labels of steps: %+v, %v", s, err)
	}
	target := make([]float32, 6)
	for _, c := range []struct {
		y       *npy.Array
		outputs int
		perStep bool
		last    float32
	}{{floats("y", 2), 1, false, 1}, {floats("y", 2, 3), 3, false, 5}, {floats("y", 2, 3, 2), 2, true, 11}} {
		s, err := FromArrays("set", x, c.y)
		if err != nil {
			t.Fatal(err)
		}
		n := s.Outputs
		if c.perStep {
			n *= 3
		}
		s.Target(1, target)
		if s.Task != nn.Regression || s.Outputs != c.outputs || s.PerStep != c.perStep || target[n-1] != c.last {
			t.Errorf("targets %v: %+v, last target %v", c.y.Shape, s, target[n-1])
		}
	}
	bytes := &npy.Array{Type: "|u1", Shape: []int{1, 1, 2}, Data: []byte{0, 255}}
	signed := &npy.Array{Type: "|i1", Shape: []int{1, 1, 2}, Data: []byte{128, 64}}
	for a, want := range map[*npy.Array][]float32{bytes: {0, 1}, signed: {-1, 0.5}} {
		s, err := FromArrays("set", a, ints([]int{1}, 0))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 2)
		if s.Sample(0, got); !slices.Equal(got, want) {
			t.Errorf("elements of type %s come out as %v, want %v", a.Type, got, want)
		}
	}
}

func TestBadArrays(t *testing.T) {
	nan := npy.FromFloats([]int{2, 1, 2}, []float32{0, 1, 2, float32(math.NaN())})
	nan.Name = "x.npy"
	negative := &npy.Array{Name: "y", Type: "|i1", Shape: []int{2}, Data: []byte{0, 255}}
	for _, c := range []struct {
		x, y *npy.Array
		want string
	}{
		{floats("x", 2, 3), ints([]int{2}, 0, 1), "x: shape [2 3], expected [sequences steps features]"},
		{floats("x", 0, 3, 1), ints([]int{0}), "x: shape [0 3 1]"},
		{floats("x", 2, 3, 1), ints([]int{3}, 0, 1, 2), "y: shape [3], but x has 2 sequences"},
		{floats("x", 2, 3, 1), ints([]int{2, 2}, 0, 1, 0, 1), "y: shape [2 2], expected [2] or [2 3]"},
		{floats("x", 2, 3, 1), floats("y", 2, 2, 1), "y: shape [2 2 1], expected"},
		{floats("x", 2, 3, 1), negative, "y: label 1 is -1, expected 0"},
		{nan, ints([]int{2}, 0, 1), "x.npy: sequence 1, step 0, feature 1 is NaN"},
	} {
		if _, err := FromArrays("set", c.x, c.y); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("x %v, y %v: error %v, want %q", c.x.Shape, c.y.Shape, err, c.want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	archive := func(name string, arrays map[string]*npy.Array) string {
		var b bytes.Buffer
		if err := npy.WriteArchive(&b, arrays); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	ten := ints([]int{10}, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)
	file := archive("a.npz", map[string]*npy.Array{"x": floats("x", 10, 2, 3), "y": ten})
	train, test, err := Open(file, Options{Standardize: StandardizeOn, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 8 || test.Len() != 2 || train.Mean == nil || &train.Mean[0] != &test.Mean[0] {
		t.Errorf("%d and %d sequences, mean %v and %v", train.Len(), test.Len(), train.Mean, test.Mean)
	}
	again, _, _ := Open(file, Options{Seed: 4})
	other, _, _ := Open(file, Options{Seed: 5})
	if !slices.Equal(again.index, train.index) || slices.Equal(other.index, train.index) {
		t.Error("the division does not follow the seed")
	}
	file = archive("b.npz", map[string]*npy.Array{"x_train": floats("x", 2, 2, 3), "y_train": ints([]int{2}, 0, 1), "x_test": floats("x", 3, 2, 3), "y_test": ints([]int{3}, 2, 1, 0)})
	train, test, err = Open(file, Options{})
	if err != nil || train.Len() != 2 || test.Len() != 3 || train.Outputs != 3 {
		t.Errorf("a given test part: %+v, %v", train, err)
	}
	file = archive("c.npz", map[string]*npy.Array{"x": floats("x", 2, 2, 3), "y": ints([]int{2}, 0, 1), "x_test": floats("x", 3, 9, 3), "y_test": ints([]int{3}, 2, 1, 0)})
	if _, _, err = Open(file, Options{}); err == nil || !strings.Contains(err.Error(), "both must have one shape") {
		t.Errorf("parts of different lengths: error %v", err)
	}
	for i, c := range []struct{ path, want string }{
		{archive("d.npz", map[string]*npy.Array{"x": floats("x", 2, 2, 3)}), "expected arrays x and y, or x_train and y_train; there are x [2 2 3]"},
		{filepath.Join(dir, "none"), "no such data set"},
		{dir, "no data in this folder"},
	} {
		if _, _, err := Open(c.path, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("case %d: error %v, want %q", i, err, c.want)
		}
	}
	for name, a := range map[string]*npy.Array{"x.npy": floats("x", 10, 2, 3), "y.npy": ten} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := npy.Write(f, a); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if train, _, err = Open(dir, Options{}); err != nil || train.Len() != 8 {
		t.Errorf("a folder of arrays: %v", err)
	}
}

func TestCSV(t *testing.T) {
	const text = "sequence,a,b,label\n7,1,2,cat\n7,3,4,cat\n8,5,6,dog\n8,7,8,dog\n"
	s, err := readCSV("t.csv", strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 4)
	s.Sample(1, x)
	if s.Len() != 2 || s.Steps != 2 || s.Features != 2 || s.PerStep || !slices.Equal(s.Classes, []string{"cat", "dog"}) ||
		s.Label(1) != 1 || !slices.Equal(x, []float32{5, 6, 7, 8}) {
		t.Errorf("set %+v, sequence 1 is %v", s, x)
	}
	s, err = readCSV("t.csv", strings.NewReader("id,v,y\na,1,10\na,2,9\nb,3,9\nb,4,9\n"), Options{SequenceColumn: "id", Label: "y"})
	if err != nil || !s.PerStep || !slices.Equal(s.Classes, []string{"9", "10"}) || s.StepLabel(0, 0) != 1 || s.StepLabel(0, 1) != 0 {
		t.Errorf("labels of steps: %+v, %v", s, err)
	}
	s, err = readCSV("t.csv", strings.NewReader("label,v,sequence\n0.5,1,a\n0.25,3,b\n"), Options{Regression: true})
	if err != nil || s.Task != nn.Regression || s.targets[1] != 0.25 {
		t.Errorf("a regression: %+v, %v", s, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "no header row"},
		{"sequence,label\n", "no column is left for features"},
		{"a,b,label\n", `none is named "sequence" or the like`},
		{"sequence,a,label\n", "no rows"},
		{"sequence,a,label\n1,x,0\n", `line 2: column "a" holds text, "x": leave it out with --ignore a`},
		{"sequence,a,label\n1,1,0\n1,x,0\n", `line 3: column 2 holds "x", expected a finite number`},
		{"sequence,a,label\n1,inf,0\n1,1,0\n", `line 2: column 2 holds "inf", expected a finite number`},
		{"sequence,a,label\n1,NaN,0\n", "no column is left for features"},
		{"sequence,a,label\n1,1,\n2,3,?\n", "no sequence is left: every one of 2 lacks a label or values"},
		{"sequence,a,label\n1,1,0.5\n2,1,0.25\n3,1,.1\n4,1,.2\n5,1,.3\n6,1,.4\n7,1,.6\n8,1,.7\n9,1,.8\n10,1,.9\n11,1,.91\n", "say --regression to predict them"},
		{"sequence,a,label\n1,1\n", "wrong number of fields"},
		{"sequence,a,label\n1,1,0\n2,1,0\n1,1,0\n", `line 4: sequence "1" appears again`},
	} {
		if _, err := readCSV("t.csv", strings.NewReader(c.text), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestStandardize(t *testing.T) {
	x := npy.FromFloats([]int{2, 2, 2}, []float32{1, 5, 3, 5, 1, 5, 3, 5})
	s, err := FromArrays("set", x, ints([]int{2}, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := Standardize(s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Mean, []float32{2, 5}) || !slices.Equal(s.Std, []float32{1, 1}) {
		t.Errorf("mean %v, deviation %v; want [2 5] and [1 1], the latter for the constant feature too", s.Mean, s.Std)
	}
}

func TestSplit(t *testing.T) {
	s, _ := Digits(1, 50, 0)
	rest, aside, err := Split(s, 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := append(slices.Clone(rest.index), aside.index...)
	slices.Sort(all)
	for i, v := range all {
		if int(v) != i {
			t.Fatalf("the parts are %v and %v: not every sequence exactly once", rest.index, aside.index)
		}
	}
	if aside.Len() != 15 {
		t.Errorf("%d set aside, want 15", aside.Len())
	}
	if _, _, err := Split(s.Subset("one", []int{0}), 0.5, 1); err == nil {
		t.Error("one sequence was divided")
	}
}

// A condition follows from the events since the beginning, so the same quiet
// signal must occur with every label.
func TestStreams(t *testing.T) {
	s, other := Streams(1, 200, 50)
	if s.Len() != 200 || other.Len() != 50 || s.Steps*s.Features*200 != len(s.pixels) {
		t.Fatalf("%d and %d sequences, %d pixels", s.Len(), other.Len(), len(s.pixels))
	}
	changes, early := 0, 0
	for i := range s.Len() {
		if s.StepLabel(i, 0) != streamOff {
			t.Errorf("stream %d begins in condition %d", i, s.StepLabel(i, 0))
		}
		for step := 1; step < s.Steps; step++ {
			a, b := s.StepLabel(i, step-1), s.StepLabel(i, step)
			if a != b {
				changes++
			}
			if a == streamOff && b == streamFault {
				early++
			}
		}
	}
	counts := s.Counts()
	for c, n := range counts {
		if n < s.Len()*s.Steps/20 {
			t.Errorf("condition %s covers %d of %d steps only", s.Classes[c], n, s.Len()*s.Steps)
		}
	}
	if changes < s.Len() || early > 0 {
		t.Errorf("%d changes of condition in %d streams, %d from off to fault", changes, s.Len(), early)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("sequence,a,b,label\n7,1,2,cat\n7,3,4,cat\n8,5,6,dog\n8,7,8,dog\n")
	f.Add("sequence,a,label\n1,1,0\n1,1,0\n2,1,0\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := readCSV("fuzz", strings.NewReader(text), Options{})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Errorf("error %q does not begin with the file's name", err)
			}
			return
		}
		if len(s.values) != s.Len()*s.Steps*s.Features {
			t.Errorf("%d values for %d sequences of %d x %d", len(s.values), s.Len(), s.Steps, s.Features)
		}
	})
}
