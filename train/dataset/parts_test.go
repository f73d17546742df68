// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// firsts returns the first value of every sequence.
func firsts(s *Set) []float32 {
	if s == nil {
		return nil
	}
	var all []float32
	x := make([]float32, s.Steps*s.Features)
	for i := range s.Len() {
		s.Sample(i, x)
		all = append(all, x[0])
	}
	slices.Sort(all)
	return all
}

// threeParts is a table of six sequences of two rows, two of each part.
func threeParts(column string, words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sequence,x,%s,label\n", column)
	for i := range 6 {
		for row := range 2 {
			fmt.Fprintf(&b, "%d,%d,%s,%c\n", i, 10*i+row, words[i/2], 'a'+i%2)
		}
	}
	return b.String()
}

func TestPartsOfTables(t *testing.T) {
	for _, c := range []struct {
		name, text        string
		o                 Options
		train, held, test []float32
		features          int
		note              string
	}{
		{"a column of parts", threeParts("split", "train", "val", "test"), Options{}, []float32{0, 10}, []float32{20, 30}, []float32{40, 50}, 1, `parts are those of column "split": 2 sequences to train on, 2 to validate, 2 to test`},
		{"other words", threeParts("Subset", "Training", "dev", "TEST"), Options{}, []float32{0, 10}, []float32{20, 30}, []float32{40, 50}, 1, `column "Subset"`},
		{"a column that is named", threeParts("use", "train", "train", "test"), Options{Split: "use"}, []float32{0, 10, 20, 30}, nil, []float32{40, 50}, 1, `column "use"`},
		{"a measured value", threeParts("set", "1", "2", "3"), Options{By: ByTime, Test: 0.5}, []float32{0, 10, 20}, nil, []float32{30, 40, 50}, 2, ""},
		{"none", strings.ReplaceAll(threeParts("set", "train", "val", "test"), ",train", ",1"), Options{Split: NoSplit, Ignore: []string{"set"}, By: ByTime, Test: 0.5}, []float32{0, 10, 20}, nil, []float32{30, 40, 50}, 1, ""},
		{"no test part", threeParts("split", "train", "train", "val"), Options{By: ByTime, Test: 0.5}, []float32{0, 10}, []float32{40, 50}, []float32{20, 30}, 1, "0 to test"},
	} {
		file := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		train, test, err := Open(file, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.Equal(firsts(train), c.train) || !slices.Equal(firsts(train.Validation()), c.held) || !slices.Equal(firsts(test), c.test) || train.Features != c.features {
			t.Errorf("%s: %v to train on, %v to validate, %v to test, %d features", c.name, firsts(train), firsts(train.Validation()), firsts(test), train.Features)
		}
		if notes := strings.Join(train.Notes, "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
		if v := train.Validation(); v != nil && (v.Mean == nil || !slices.Equal(v.Mean, train.Mean)) {
			t.Errorf("%s: the validation part is standardized by %v, the training part by %v", c.name, v.Mean, train.Mean)
		}
	}
	for want, c := range map[string]struct {
		text string
		o    Options
	}{
		`line 3: a row of column "split" is "test", and rows of its sequence before it are of the part "train"`: {"sequence,x,split,label\n1,1,train,a\n1,2,test,a\n2,1,val,b\n", Options{}},
		`line 2: column "use" is "1": expected one of train, training`:                                          {"sequence,x,use,label\n1,1,1,a\n2,1,2,b\n", Options{Split: "use"}},
		`no column is named "use"`:                            {"sequence,x,label\n1,1,a\n2,1,b\n", Options{Split: "use"}},
		"that column is the sequence, the label or the group": {"sequence,x,label\n1,1,a\n2,1,b\n", Options{Split: "label"}},
		"no sequence is left to train on":                     {"sequence,x,split,label\n1,1,test,a\n2,1,val,b\n", Options{}},
		`column "split" holds text, "lab A"`:                  {"sequence,x,split,label\n1,1,lab A,a\n2,1,lab B,b\n", Options{}},
	} {
		file := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Open(file, c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A table for each part, in one folder: classes that one of them lacks are numbered alike.
func TestTablesOfParts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"train.csv":  "id,x,class\n1,0,up\n1,1,up\n2,10,down\n2,11,down\n3,20,still\n3,21,still\n",
		"val.csv":    "id,x,class\n1,30,up\n1,31,up\n",
		"test.csv":   "id,x,class\n1,40,up\n1,41,up\n2,50,down\n2,51,down\n",
		"submit.csv": "id,class\n1,up\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	train, test, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(firsts(train), []float32{0, 10, 20}) || !slices.Equal(firsts(train.Validation()), []float32{30}) || !slices.Equal(firsts(test), []float32{40, 50}) {
		t.Errorf("%v to train on, %v to validate, %v to test", firsts(train), firsts(train.Validation()), firsts(test))
	}
	if want := []string{"down", "still", "up"}; !slices.Equal(train.Classes, want) || !slices.Equal(test.Classes, want) || test.Label(0)+test.Label(1) != 2 {
		t.Errorf("classes %q and %q", train.Classes, test.Classes)
	}
	if notes := strings.Join(train.Notes, "\n"); !strings.Contains(notes, `left out: ["submit.csv"]`) {
		t.Errorf("notes %q say nothing of another table", notes)
	}
	alone := t.TempDir()
	if err := os.WriteFile(filepath.Join(alone, "data.csv"), []byte("id,x,class\n1,0,up\n2,1,down\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(alone, Options{}); err == nil || !strings.Contains(err.Error(), "/data.csv") || !strings.Contains(err.Error(), "give the table") {
		t.Errorf("a folder with one table: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test.csv"), []byte("id,x\n1,40\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "the tables of all parts must have the same") {
		t.Errorf("a test part without labels: %v", err)
	}
}

func TestPartsOfArrays(t *testing.T) {
	arrays := func(more map[string]*npy.Array) map[string]*npy.Array {
		all := map[string]*npy.Array{"x_train": floats("x", 3, 2, 1), "y_train": ints([]int{3}, 0, 1, 1), "Xtest": floats("x", 2, 2, 1), "ytest": ints([]int{2}, 1, 0)}
		for k, a := range more {
			all[k] = a
		}
		return all
	}
	for _, name := range []string{"x_val y_val", "X_valid Y_valid", "x_dev y_dev", "val_x val_y", "xval yval"} {
		x, y, _ := strings.Cut(name, " ")
		train, test, err := fromArrays("a.npz", arrays(map[string]*npy.Array{x: floats("x", 4, 2, 1), y: ints([]int{4}, 0, 1, 2, 1)}), Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		held := train.Validation()
		if held == nil || held.Len() != 4 || train.Len() != 3 || test.Len() != 2 || len(train.Notes) != 0 {
			t.Errorf("%s: %d to train on, validation %v, notes %q", name, train.Len(), held, train.Notes)
			continue
		}
		if train.Outputs != 3 || test.Outputs != 3 || held.Outputs != 3 {
			t.Errorf("%s: %d, %d and %d classes, want 3, of which the validation part alone has the last", name, train.Outputs, held.Outputs, test.Outputs)
		}
	}
	// A network that knows the classes by other numbers renumbers all parts.
	train, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": floats("x", 3, 2, 1), "y": ints([]int{3}, 0, 1, 1), "x_val": floats("x", 2, 2, 1), "y_val": ints([]int{2}, 0, 1), "classes": texts("classes", []int{2}, "no", "yes")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	matched, _, err := train.MatchClasses(&nn.Network{Task: nn.Classification, Classes: []string{"yes", "no"}, Outputs: 2})
	if err != nil || matched.Label(0) != 1 || matched.Validation().Label(0) != 1 || train.Validation().Label(0) != 0 {
		t.Errorf("%v: classes by name are %d and %d", err, matched.Label(0), matched.Validation().Label(0))
	}
	words := arrays(map[string]*npy.Array{"split": texts("split", []int{3}, "train", "test", "train")})
	delete(words, "Xtest")
	delete(words, "ytest")
	if train, test, err := fromArrays("a.npz", words, Options{}); err != nil || train.Len() != 2 || test == nil || test.Len() != 1 || test.Label(0) != 1 {
		t.Errorf("an array of parts: %v", err)
	}
	// What is trained on and what is kept back travel.
	held := train.Validation()
	rest, aside, err := Held(train, 0.5, 1)
	if err != nil || rest.Len() != 3 || aside != held {
		t.Errorf("%v: the validation part of the files is not taken", err)
	}
}

func TestNamesOfArrays(t *testing.T) {
	x, y := floats("x", 3, 2, 2), ints([]int{3}, 0, 2, 2)
	train, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": x, "y": y, "class_names": texts("c", []int{4}, "up", "down", "left", "right"), "feature_names": texts("f", []int{2}, "ax", "ay")}, Options{})
	if err != nil || !slices.Equal(train.Classes, []string{"up", "down", "left", "right"}) || train.Outputs != 4 || !slices.Equal(train.Columns, []string{"ax", "ay"}) {
		t.Fatalf("%v: classes %q, features %q", err, train.Classes, train.Columns)
	}
	// Names that labels have themselves get their order from the list.
	train, _, err = fromArrays("a.npz", map[string]*npy.Array{"x": x, "y": texts("y", []int{3}, "up", "down", "down"), "classes": texts("c", []int{2}, "up", "down")}, Options{})
	if err != nil || !slices.Equal(train.Classes, []string{"up", "down"}) || train.Label(0) != 0 || train.Label(1) != 1 {
		t.Errorf("%v: classes %q", err, train.Classes)
	}
	for want, c := range map[string]map[string]*npy.Array{
		"2 names of classes, but y has the number 2": {"y": y, "class_names": texts("c", []int{2}, "up", "down")},
		`names 0 and 2 are both "up"`:                {"y": y, "class_names": texts("c", []int{3}, "up", "down", "up")},
		`names no class "left"`:                      {"y": texts("y", []int{3}, "up", "left", "up"), "class_names": texts("c", []int{2}, "up", "down")},
		"3 names, but samples have 2 features":       {"y": y, "feature_names": texts("f", []int{3}, "a", "b", "c")},
	} {
		c["x"] = x
		c["y"].Name = "y"
		if _, _, err := fromArrays("a.npz", c, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Samples [2 sequences 3 steps 4 features] in other orders are the same set.
func TestLayouts(t *testing.T) {
	const n, steps, width = 2, 3, 4
	of := func(layout string) *npy.Array {
		size := map[byte]int{'n': n, 't': steps, 'f': width}
		a := &npy.Array{Name: "x", Type: "<f4", Shape: []int{size[layout[0]], size[layout[1]], size[layout[2]]}}
		for i := range a.Shape[0] {
			for j := range a.Shape[1] {
				for k := range a.Shape[2] {
					at := map[byte]int{layout[0]: i, layout[1]: j, layout[2]: k}
					a.Data = binary.LittleEndian.AppendUint32(a.Data, 0x3f800000+uint32(100*at['n']+10*at['t']+at['f']))
				}
			}
		}
		return a
	}
	y := ints([]int{n}, 0, 1)
	want, err := FromArrays("a", of("ntf"), y)
	if err != nil {
		t.Fatal(err)
	}
	for _, layout := range []string{"ntf", "nft", "tnf", "tfn", "fnt", "ftn"} {
		s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": of(layout), "y": y}, Options{Layout: layout})
		if err != nil || !slices.Equal(s.values, want.values) || s.Steps != steps {
			t.Errorf("%s: %v, not what it is in the usual order", layout, err)
		}
	}
	labels := []byte{0, 1, 1, 1, 0, 0}
	for name, c := range map[string]struct {
		arrays map[string]*npy.Array
		note   string
	}{
		"a label for each of the second dimension": {map[string]*npy.Array{"x": of("tnf"), "y": y}, "[3 2 4] is read as [steps sequences features], for y has a label for each of 2"},
		"labels of steps":                          {map[string]*npy.Array{"x": of("nft"), "y": ints([]int{n, steps}, labels...)}, "[2 4 3] is read as [sequences features steps], for y has 3 steps"},
		"a mask":                                   {map[string]*npy.Array{"x": of("nft"), "y": y, "mask": ints([]int{n, steps}, 1, 1, 1, 1, 1, 1)}, "for mask has 3 steps"},
		"a dimension of 1":                         {map[string]*npy.Array{"x": {Name: "x", Type: "<f4", Shape: []int{n, 1, steps, width}, Data: of("ntf").Data}, "y": y}, "is read without its dimension of 1"},
	} {
		for k, a := range c.arrays {
			a.Name = k
		}
		s, _, err := fromArrays("a.npz", c.arrays, Options{})
		if err != nil || !slices.Equal(s.values, want.values) || !strings.Contains(strings.Join(s.Notes, "\n"), c.note) {
			t.Errorf("%s: %v, notes %q", name, err, s.Notes)
		}
	}
	// Labels of steps stand as the samples do.
	s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": of("tnf"), "y": ints([]int{steps, n}, 0, 1, 1, 0, 1, 0)}, Options{Layout: "tnf"})
	if err != nil || !slices.Equal(s.labels, []int32{0, 1, 1, 1, 0, 0}) {
		t.Errorf("%v: labels of steps are not turned with the samples", err)
	}
	one := &npy.Array{Name: "x", Type: "<f4", Shape: []int{n, steps * width}, Data: of("ntf").Data}
	if s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": one, "y": y}, Options{Layout: "nt"}); err != nil || s.Steps != steps*width || s.Features != 1 {
		t.Errorf("one feature: %v", err)
	}
	for want, o := range map[string]Options{`layout "xyz"`: {Layout: "xyz"}, "the layout nt is for two dimensions": {Layout: "nt"}} {
		if _, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": of("ntf"), "y": y}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	// Slow changes along a long last dimension look like steps.
	slow := &npy.Array{Name: "x", Type: "|i1", Shape: []int{n, 3, 10}}
	for range n {
		for j := range 3 {
			for k := range 10 {
				slow.Data = append(slow.Data, byte(40*j+k))
			}
		}
	}
	if s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": slow, "y": y}, Options{}); err != nil || !strings.Contains(strings.Join(s.Notes, "\n"), "say --layout nft") {
		t.Errorf("%v: channels before steps are not asked about: %q", err, s.Notes)
	}
}

// What is said of many is one line, and copies in the validation part are told.
func TestManySuspicions(t *testing.T) {
	const width = 40
	x := &npy.Array{Name: "x", Type: "<f4", Shape: []int{4, 4, width}}
	for i := range 4 * 4 {
		for j := range width {
			v := uint32(0)
			if j == 0 {
				v = 0x3f800000 + uint32(i*i)<<16
			}
			x.Data = binary.LittleEndian.AppendUint32(x.Data, v)
		}
	}
	y := ints([]int{4}, 0, 1, 2, 2)
	train, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": x, "y": y, "x_val": x, "y_val": y}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	Describe(train, train.Validation(), train.Subset("test", []int{0}), func(line string) { said = append(said, line) })
	all := strings.Join(said, "\n")
	for _, want := range []string{"features that never change, 39 of 40: 1, 2, ", "15, 16 and 23 more", "classes that have 1 sequence to train on: 0, 1", "class 2 has 2 sequences to train on", "4 of 4 sequences to validate are in the training part"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q:\n%s", want, all)
		}
	}
}
