// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

func nameArray(name string, all ...string) *npy.Array {
	a := &npy.Array{Name: name, Type: "|S5", Shape: []int{len(all)}}
	for _, w := range all {
		a.Data = append(a.Data, []byte(w+strings.Repeat("\x00", 5-len(w)))...)
	}
	return a
}

// labelsOfSet are the labels of a set, by the names of its classes.
func labelsOfSet(s *Set) (all []string) {
	for i := range s.Len() {
		for t := range s.perSequence() {
			l := s.Label(i)
			if s.PerStep {
				l = s.StepLabel(i, t)
			}
			if l == noLabel {
				all = append(all, "-")
			} else {
				all = append(all, s.Classes[l])
			}
		}
	}
	return all
}

// Labels from 1 to K are K classes of those names, in all parts; what says otherwise is believed.
func TestLabelsThatBeginAtOne(t *testing.T) {
	x := func(n int) *npy.Array { a := floats("x", n, 2, 1); return a }
	for _, c := range []struct {
		name    string
		arrays  map[string]*npy.Array
		o       Options
		classes []string
		labels  []string
		note    string
	}{
		{"one to three", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 1, 3, 2, 1)}, Options{}, []string{"1", "2", "3"}, []string{"1", "3", "2", "1"}, "no label is 0: they are taken for the classes 1 to 3"},
		{"a zero", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 1, 3, 2, 0)}, Options{}, []string{"0", "1", "2", "3"}, []string{"1", "3", "2", "0"}, ""},
		{"a zero in the test part", map[string]*npy.Array{"x_train": x(4), "y_train": ints([]int{4}, 1, 3, 2, 1), "x_test": x(3), "y_test": ints([]int{3}, 0, 2, 1)}, Options{}, []string{"0", "1", "2", "3"}, []string{"1", "3", "2", "1"}, ""},
		{"two and three", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 2, 3, 2, 3)}, Options{}, []string{"0", "1", "2", "3"}, []string{"2", "3", "2", "3"}, ""},
		{"ones alone", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 1, 1, 1, 1)}, Options{}, []string{"0", "1"}, []string{"1", "1", "1", "1"}, ""},
		{"steps, of which some do not count", map[string]*npy.Array{"x": x(2), "y": ints([]int{2, 2}, 0, 1, 2, 2)}, Options{IgnoreLabel: "0"}, []string{"1", "2"}, []string{"-", "1", "2", "2"}, "the classes 1 to 2"},
		{"a name for each", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 1, 3, 2, 1), "class_names": nameArray("class_names", "a", "b", "c")}, Options{}, []string{"a", "b", "c"}, []string{"a", "c", "b", "a"}, "the classes 1 to 3"},
		{"a name for zero, too", map[string]*npy.Array{"x": x(4), "y": ints([]int{4}, 1, 3, 2, 1), "class_names": nameArray("class_names", "none", "a", "b", "c")}, Options{}, []string{"none", "a", "b", "c"}, []string{"a", "c", "b", "a"}, "names of classes are those"},
	} {
		for k, a := range c.arrays {
			a.Name = k
		}
		s, test, err := fromArrays("a.npz", c.arrays, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := labelsOfSet(s); !slices.Equal(s.Classes, c.classes) || s.Outputs != len(c.classes) || !slices.Equal(got, c.labels) {
			t.Errorf("%s: classes %q, labels %q", c.name, s.Classes, got)
		}
		if test != nil && !slices.Equal(test.Classes, s.Classes) {
			t.Errorf("%s: the test part has classes %q", c.name, test.Classes)
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && strings.Contains(notes, "no label is 0") {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
	}
}

// A network knows which number its first class has, and a network that names no classes is given
// the numbers that the file has where it has an output for 0.
func TestLabelsThatBeginAtOneForNetworks(t *testing.T) {
	set := func(y ...byte) *Set {
		s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": floats("x", len(y), 2, 1), "y": ints([]int{len(y)}, y...)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	of := func(first int, outputs int, classes ...string) *nn.Network {
		n := &nn.Network{Name: "net", Task: nn.Classification, Outputs: outputs}
		if n.Facts = (&facts.Facts{Data: &facts.Data{FirstLabel: first}}); len(classes) > 0 {
			n.Classes = classes
		}
		return n
	}
	for _, c := range []struct {
		name string
		net  *nn.Network
		y    []byte
		want []int
	}{
		{"its own numbers", of(1, 3, "1", "2", "3"), []byte{3, 1, 2}, []int{2, 0, 1}},
		{"some of its numbers", of(1, 3, "1", "2", "3"), []byte{2, 1, 2}, []int{1, 0, 1}},
		{"numbers from 0", of(0, 4, "0", "1", "2", "3"), []byte{3, 1, 2}, []int{3, 1, 2}},
		{"names of numbers from 1", of(1, 3, "a", "b", "c"), []byte{3, 1, 2}, []int{2, 0, 1}},
		{"names of some numbers from 1", of(1, 3, "a", "b", "c"), []byte{1, 1, 1}, []int{0, 0, 0}},
		{"names of numbers from 0", of(0, 3, "a", "b", "c"), []byte{2, 1, 2}, []int{2, 1, 2}},
		{"no names, as many outputs", of(0, 3), []byte{3, 1, 2}, []int{2, 0, 1}},
		{"no names, an output more", of(0, 4), []byte{3, 1, 2}, []int{3, 1, 2}},
	} {
		s := set(c.y...)
		before := labelsOfSet(s)
		m, said, err := s.MatchClasses(c.net)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got []int
		for i := range m.Len() {
			got = append(got, m.Label(i))
		}
		if !slices.Equal(got, c.want) || (c.net.Classes == nil) != (said != "") {
			t.Errorf("%s: outputs %v, want %v; said %q", c.name, got, c.want, said)
		}
		if !slices.Equal(labelsOfSet(s), before) {
			t.Errorf("%s: the set changed", c.name)
		}
	}
	if _, _, err := set(0, 1, 2).MatchClasses(of(1, 3, "a", "b", "c")); err == nil || !strings.Contains(err.Error(), `has the class "0"`) {
		t.Errorf("a label before the first one: %v", err)
	}
}

// A graph without names of classes says which label its first output is taken for.
func TestFirstLabelOfOutputs(t *testing.T) {
	s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": floats("x", 3, 2, 1), "y": ints([]int{3}, 1, 2, 3)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for outputs, want := range map[int]string{3: "output 0 is the label 1 of a.npz, and so on", 4: "labels of a.npz are numbers of outputs, from 0 on"} {
		if m, said := s.ForOutputs(outputs); m.Outputs != outputs || !strings.Contains(said, want) {
			t.Errorf("%d outputs: %d classes, said %q", outputs, m.Outputs, said)
		}
	}
}

// What a network was trained on is found again, also by one that has an output for 0.
func TestReopenLabelsThatBeginAtOne(t *testing.T) {
	dir := t.TempDir()
	for name, a := range map[string]*npy.Array{"x": floats("x", 20, 2, 1), "y": ints([]int{20}, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2)} {
		var b bytes.Buffer
		if err := npy.Write(&b, a); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".npy"), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	train, _, err := OpenSource(context.Background(), dir, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := *train.Origin
	again, _, err := Reopen(context.Background(), &known, "", nil)
	if err != nil || again.Outputs != 3 || known.FirstLabel != 1 {
		t.Fatalf("%v: %d classes, the first is %d", err, again.Outputs, known.FirstLabel)
	}
	known.FirstLabel, known.SHA256 = 0, train.fromZero().Fingerprint()
	old, test, err := Reopen(context.Background(), &known, "", nil)
	if err != nil || old.Outputs != 4 || test.Outputs != 4 || !slices.Equal(labelsOfSet(old), labelsOfSet(train)) {
		t.Fatalf("as a network with an output for 0 was trained: %v", err)
	}
	known.SHA256 = "00"
	if _, _, err := Reopen(context.Background(), &known, "", nil); err == nil {
		t.Error("other data are taken")
	}
}

// A number that cannot be held is named as the array has it.
func TestNumbersBeyond(t *testing.T) {
	doubles := func(name string, shape []int, v ...float64) *npy.Array {
		a := &npy.Array{Name: name, Type: "<f8", Shape: shape}
		for _, x := range v {
			a.Data = binary.LittleEndian.AppendUint64(a.Data, math.Float64bits(x))
		}
		return a
	}
	for want, arrays := range map[string]map[string]*npy.Array{
		"x: sequence 1, step 1, feature 0 is 1e+308, beyond the 3.4e38 that 32 bits hold": {"x": doubles("x", []int{2, 2, 2}, 0, 0, 0, 0, 0, 0, 1e308, 0), "y": ints([]int{2}, 0, 1)},
		"y: sequence 1, output 1 is -1e+39, beyond":                                       {"x": floats("x", 2, 2, 1), "y": doubles("y", []int{2, 2}, 0, 0, 0, -1e39)},
		"y: sequence 1, step 0, output 0 is 1e+39, beyond":                                {"x": floats("x", 2, 2, 1), "y": doubles("y", []int{2, 2, 1}, 0, 0, 1e39, 0)},
		"x: sequence 0, step 1, feature 1 is +Inf: every value must be finite":            {"x": doubles("x", []int{1, 2, 2}, 0, 0, 0, math.Inf(1)), "y": ints([]int{1}, 1)},
	} {
		if _, _, err := fromArrays("a.npz", arrays, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
