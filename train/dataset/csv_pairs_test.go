// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lines writes numbered lines behind a first one.
func lines(head string, n int, line func(i int) string) string {
	var b strings.Builder
	if head != "" {
		b.WriteString(head + "\n")
	}
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func class(i int) string { return []string{"up", "down"}[i%2] }

// folderOf writes files into a folder.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Tables of samples beside those of their labels are read as one, row by row or a row of labels for
// every sequence, and what was put together is said.
func TestTablesOfLabels(t *testing.T) {
	// Sequence i has three rows with the value 100*i + its row; its class is up where i is even.
	steps := func(i int) string { return fmt.Sprintf("%d,%d", i/3, 100*(i/3)+i%3) }
	x := lines("id,a", 36, steps)
	perStep := lines("label", 36, func(i int) string { return class(i / 3) })
	perSequence := lines("surface", 12, class)
	rows := lines("a,b", 12, func(i int) string { return fmt.Sprintf("%d.5,%d.25", 10*i, i) })
	for _, c := range []struct {
		name, data string // in the folder
		files      map[string]string
		o          Options
		size       [2]int // steps and features
		parts      [3]int // sequences to train on, to validate, to test
		note       string
	}{
		{"a label a row", "", map[string]string{"X.csv": x, "y.csv": perStep}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, "X.csv and y.csv are read together row by row, 36 of them; the label is column \"label\" of the latter"},
		{"a label a sequence", "", map[string]string{"X.csv": x, "y.csv": perSequence}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `in their order, a row of labels for each of 12 sequences of column "id"; the label is column "surface" of the latter`},
		{"by the names of sequences", "", map[string]string{"X.csv": x, "y.csv": lines("id,room,surface", 12, func(i int) string { return fmt.Sprintf("%d,r%d,%s", 11-i, i, class(11-i)) })}, Options{Label: "surface"}, [2]int{3, 1}, [3]int{10, 0, 2},
			`by column "id", a row of labels for each of 12 sequences; the label is column "surface" of the latter; its columns ["room"] are left out`},
		{"the table of samples", "X.csv", map[string]string{"X.csv": x, "y.csv": perStep, "X_test.csv": x}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `left out: ["X_test.csv"]`},
		{"rows are sequences", "", map[string]string{"features.csv": rows, "labels.csv": lines("label", 12, class)}, Options{RowSequences: true}, [2]int{2, 1}, [3]int{10, 0, 2}, "features.csv and labels.csv are read together row by row, 12 of them"},
		{"arrays without names", "", map[string]string{"X.csv": rows[4:], "y.csv": lines("", 12, class)}, Options{RowSequences: true}, [2]int{2, 1}, [3]int{10, 0, 2}, "the latter has no names of columns"},
		{"names of pandas", "", map[string]string{"X.csv": "0,1\n" + rows[4:], "y.csv": "0\n" + lines("", 12, class)}, Options{RowSequences: true}, [2]int{2, 1}, [3]int{10, 0, 2}, "row by row, 12 of them"},
		{"a name above numbers alone", "", map[string]string{"X.csv": rows, "y.csv": lines("0", 12, func(i int) string { return fmt.Sprint(i % 2) })}, Options{RowSequences: true}, [2]int{2, 1}, [3]int{10, 0, 2}, "that of y.csv for names"},
		{"row numbers of pandas", "", map[string]string{"X.csv": lines(",a,b", 12, func(i int) string { return fmt.Sprintf("%d,%d.5,1.5", (7*i)%12, 10*i) }), "y.csv": lines(",label", 12, func(i int) string { return fmt.Sprintf("%d,%s", (7*i)%12, class(i)) })},
			Options{RowSequences: true}, [2]int{2, 1}, [3]int{10, 0, 2}, "column 1 without a name is left out"},
		{"a label named as a feature", "", map[string]string{"X.csv": lines("id,x,y,z", 36, func(i int) string { return steps(i) + ",1.5,2.5" }), "y.csv": lines("y", 36, func(i int) string { return class(i / 3) })}, Options{}, [2]int{3, 3}, [3]int{10, 0, 2}, `column "y" of the latter`},
		{"parts", "", map[string]string{"X_train.csv": x, "y_train.csv": perSequence, "X_val.csv": x, "y_val.csv": perSequence, "X_test.csv": x, "y_test.csv": perSequence}, Options{}, [2]int{3, 1}, [3]int{12, 12, 12}, "parts are those of the files: 12 sequences to train on, 12 to validate, 12 to test"},
		{"parts in folders", "", map[string]string{"train/X.csv": x, "train/y.csv": perStep, "test/X.csv": x, "test/y.csv": perStep}, Options{}, [2]int{3, 1}, [3]int{12, 0, 12}, "test/X.csv and y.csv are read together"},
		{"a test part without labels", "", map[string]string{"train.csv": x, "train_labels.csv": perSequence, "test.csv": x, "notes.csv": "a\n1\n"}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `left out: ["notes.csv" "test.csv"]`},
		{"groups with the labels", "", map[string]string{"X.csv": x, "y.csv": lines("label,subject", 12, func(i int) string { return class(i) + "," + fmt.Sprint("p", i/2) })}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `column "subject" is taken for the group`},
		{"groups in a table of their own", "", map[string]string{"X.csv": x, "y.csv": perSequence, "subject.csv": lines("who", 12, func(i int) string { return fmt.Sprint("p", i/2) })}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `/subject.csv, row by row: parts are divided by them`},
		{"groups of rows", "X.csv", map[string]string{"X.csv": x, "y.csv": perSequence, "subject.csv": lines("", 36, func(i int) string { return fmt.Sprint(i / 6) })}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `/subject.csv, row by row: parts are divided by them`},
		{"a table of more than groups", "", map[string]string{"X.csv": x, "y.csv": perSequence, "subject.csv": lines("", 12, func(i int) string { return fmt.Sprint(i/6, ",", i) })}, Options{}, [2]int{3, 1}, [3]int{10, 0, 2}, `/subject.csv is left out`},
		{"texts with spaces, named by their parts", "", map[string]string{"train/X_train.txt": strings.ReplaceAll(rows[4:], ",", "   "), "train/y_train.txt": lines("", 12, func(i int) string { return fmt.Sprint(i % 2) }), "train/subject_train.txt": lines("", 12, func(i int) string { return fmt.Sprint(i / 2) }), "test/X_test.txt": "  " + strings.ReplaceAll(rows[4:], ",", " "), "test/y_test.txt": lines("", 12, func(i int) string { return fmt.Sprint(i % 2) }), "test/subject_test.txt": lines("", 12, func(i int) string { return fmt.Sprint(20 + i/2) }), "activity_labels.txt": "0 up\n1 down\n", "features.txt": "1 a\n2 b\n"},
			Options{RowSequences: true}, [2]int{2, 1}, [3]int{12, 0, 12}, "classes have the names of"},
		{"numbers to predict", "", map[string]string{"X.csv": x, "y.csv": lines("cost;gain", 12, func(i int) string { return fmt.Sprintf("%d,5;%d", i, 2*i) })}, Options{Regression: true}, [2]int{3, 1}, [3]int{10, 0, 2}, `the label is column "cost" and "gain" of the latter`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folderOf(t, c.files)
			train, test, err := Open(filepath.Join(dir, c.data), c.o)
			if err != nil {
				t.Fatal(err)
			}
			got := [3]int{train.Len(), 0, test.Len()}
			if train.Validation() != nil {
				got[1] = train.Validation().Len()
			}
			notes := strings.Join(train.Notes, "\n")
			if got != c.parts || [2]int{train.Steps, train.Features} != c.size || !strings.Contains(notes, c.note) {
				t.Errorf("parts %v of %d steps of %d features, notes\n%s\nwant %v, %v, %q", got, train.Steps, train.Features, notes, c.parts, c.size, c.note)
			}
			if c.o.Regression {
				y := make([]float32, 2)
				v := make([]float32, 3)
				for i := range train.Len() {
					train.Target(i, y)
					if train.Sample(i, v); y[0] != v[0]/100+0.5 || y[1] != v[0]/50 {
						t.Errorf("sequence of %v has targets %v", v[0], y)
					}
				}
				return
			}
			v := make([]float32, train.Steps*train.Features)
			for _, s := range []*Set{train, test} {
				for i := range s.Len() {
					s.Sample(i, v)
					at := int(v[0] / 100) // which sequence it is
					if c.o.RowSequences {
						at = int(v[0] / 10)
					}
					if g := s.Group(i); strings.Contains(notes, "groups are those of") && g != fmt.Sprint(at/2) && g != fmt.Sprint("p", at/2) && g != fmt.Sprint(20+at/2) {
						t.Errorf("sequence %d is of group %q", at, g)
					}
					if is := s.Classes[s.Label(i)]; is != class(at) && is != fmt.Sprint(at%2) {
						t.Errorf("sequence %d has label %s", at, is)
					}
				}
			}
		})
	}
}

// Samples and labels that do not belong together are refused with what each has.
func TestTablesOfLabelsApart(t *testing.T) {
	x := lines("id,a", 36, func(i int) string { return fmt.Sprintf("%d,%d", i/3, i) })
	rows := lines("a,b", 12, func(i int) string { return fmt.Sprintf("%d.5,%d.25", i, i) })
	labels := func(head string, n int) string { return lines(head, n, class) }
	for _, c := range []struct {
		name  string
		files map[string]string
		o     Options
		want  string
	}{
		{"one row less", map[string]string{"X.csv": rows, "y.csv": labels("label", 11)}, Options{RowSequences: true}, "X.csv has 12 rows, and y.csv beside it 11: expected a row of labels for each row"},
		{"one row less, without a word of sequences", map[string]string{"X.csv": rows, "y.csv": labels("label", 11)}, Options{}, "X.csv has 12 rows, and y.csv beside it 11: expected a row of labels for each row or for each sequence, and no column of X.csv tells sequences: name it with --sequence-column, or give both files as many rows"},
		{"rows that are none of sequences", map[string]string{"X.csv": rows, "y.csv": labels("label", 11)}, Options{RowSequences: true}, "expected a row of labels for each row, as --row-sequences takes every row for a sequence; where several rows are one, leave it out"},
		{"several rows for a label", map[string]string{"X.csv": rows, "y.csv": labels("label", 4)}, Options{}, "or give both files as many rows; if 3 rows are a sequence each time, number them: python3 -c"},
		{"several rows for a label, as sequences", map[string]string{"X.csv": rows, "y.csv": labels("label", 4)}, Options{RowSequences: true}, "as --row-sequences takes every row for a sequence: leave it out where several rows are one; if 3 rows are a sequence each time, number them: python3 -c"},
		{"labels in the samples, too", map[string]string{"X.csv": lines("a,activity", 12, func(i int) string { return "1," + class(i) }), "y.csv": labels("label", 11)}, Options{}, "; if X.csv has labels of its own, name their column with --label-column and give that file alone"},
		{"one sequence less", map[string]string{"X.csv": x, "y.csv": labels("label", 11)}, Options{}, `X.csv has 36 rows of 12 sequences by column "id", and y.csv beside it 11: expected a row of labels for each row or for each sequence`},
		{"another sequence", map[string]string{"X.csv": x, "y.csv": lines("id,label", 12, func(i int) string { return fmt.Sprintf("%d,%s", i+1, class(i)) })}, Options{}, `X.csv: line 2: sequence "0" has no row in y.csv`},
		{"a sequence too many", map[string]string{"X.csv": x, "y.csv": lines("id,label", 13, func(i int) string { return fmt.Sprintf("%d,%s", i, class(i)) })}, Options{}, "y.csv: 13 rows, and X.csv has 12 sequences"},
		{"a sequence twice", map[string]string{"X.csv": x, "y.csv": lines("id,label", 12, func(i int) string { return fmt.Sprintf("%d,%s", i/2, class(i)) })}, Options{}, `y.csv: lines 2 and 3 are both of sequence "0"`},
		{"rows in another order", map[string]string{"X.csv": lines(",a,b", 12, func(i int) string { return fmt.Sprintf("%d,%d.5,1", i, i) }), "y.csv": lines(",label", 12, func(i int) string { return fmt.Sprintf("%d,%s", (5*i)%12, class(i)) })},
			Options{RowSequences: true}, `X.csv: line 3: column "" is "1", and in its row of labels, y.csv line 3, it is "5": the rows are in another order`},
		{"no sequences", map[string]string{"X.csv": rows, "y.csv": labels("label", 12)}, Options{}, `none is named "sequence" or the like`},
		{"a group less", map[string]string{"X.csv": x, "y.csv": labels("label", 12), "subject.csv": lines("subject", 11, func(i int) string { return "p" })}, Options{}, "subject.csv has 11 rows, y.csv 12 and X.csv 36: expected a group for each row of one of them"},
		{"several labels", map[string]string{"X.csv": rows, "y.csv": lines("cost,gain", 12, func(i int) string { return "1,2" })}, Options{RowSequences: true}, `columns ["cost" "gain"] could all be the label`},
		{"one of each class", map[string]string{"X.csv": rows, "y.csv": lines("up,down", 12, func(i int) string { return []string{"1,0", "0,1"}[i%2] })}, Options{RowSequences: true}, `every row is one 1 among zeros: put in its place what writes the names, python3 -c "import sys, pandas;`},
		{"no such label", map[string]string{"X.csv": rows, "y.csv": labels("label", 12)}, Options{RowSequences: true, Label: "kind"}, `y.csv: no column is named "kind"`},
		{"labels of parts", map[string]string{"X_train.csv": x, "y_train.csv": labels("label", 12), "y_test.csv": labels("label", 12)}, Options{}, "y_test.csv: labels without samples"},
		{"two tables of samples", map[string]string{"X.csv": x, "features.csv": x, "y.csv": labels("label", 12)}, Options{}, `tables ["X.csv" "features.csv"] hold samples and ["y.csv"] labels of one part`},
		{"parts that differ", map[string]string{"X_train.csv": x, "y_train.csv": labels("label", 12), "X_test.csv": strings.Replace(x, "id,a", "id,b", 1), "y_test.csv": labels("label", 12)}, Options{}, "the tables of all parts must have the same"},
		{"a label that is no number", map[string]string{"X.csv": rows, "y.csv": "cost\n1\n2\n" + lines("", 9, func(i int) string { return "3" }) + "much\n"}, Options{RowSequences: true, Regression: true}, `y.csv: line 13: column "cost" holds "much"`},
		{"text among samples", map[string]string{"X.csv": rows + "oops,1\n", "y.csv": labels("label", 13)}, Options{RowSequences: true}, `X.csv: line 14: column 1 holds "oops"`},
		{"a row of other cells", map[string]string{"X.csv": rows + "1,2,3\n", "y.csv": labels("label", 13)}, Options{RowSequences: true}, "X.csv: line 14 has the wrong number of fields: 3, expected 2"},
		{"names alone", map[string]string{"X.csv": "a,b\n", "y.csv": "label\n"}, Options{RowSequences: true}, "no rows after the headers"},
		{"patterns of names", map[string]string{"X.csv": rows, "y.csv": labels("label", 12)}, Options{Sounds: Sounds{Label: "^(.)"}}, "all tables must have the same"},
	} {
		dir := folderOf(t, c.files)
		if _, _, err := Open(dir, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzTablesOfLabels reads two tables as one: an error, or a set that bears use.
func FuzzTablesOfLabels(f *testing.F) {
	f.Add([]byte("id,a\n1,1\n1,2\n2,3\n2,4\n"), []byte("label\nu\nv\n"), false, false)
	f.Add([]byte("id,a\n1,1\n1,2\n2,3\n2,4\n"), []byte("id,label\n2,u\n1,v\n"), false, false)
	f.Add([]byte("0,1\n1,1.5\n1,2\n2,3\n"), []byte("0\n1\n0\n1\n"), true, false)
	f.Add([]byte(",a\n0,1\n1,1\n"), []byte(";c;d\n0;1,5;2\n1;2;1\n"), true, true)
	f.Add([]byte("a\n\n\"\"\n1\n"), []byte("\n\"\"\nb\n"), true, false)
	f.Fuzz(func(t *testing.T, x, y []byte, rows, regression bool) {
		tab := &table{file: "X.csv", o: Options{RowSequences: rows, Regression: regression}.withDefaults(), labelsIn: map[string]string{}}
		r, err := tab.join(&side{file: "X.csv", raw: x}, &side{file: "y.csv", raw: y}, nil)
		if err != nil {
			return
		}
		if err := tab.rows(r, nil); err != nil || len(tab.starts) == 0 {
			return
		}
		s, err := tab.finish()
		if err != nil {
			return
		}
		touch(t, s)
	})
}
