// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	pkzip "archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

const numberedRows = "1,1,5,a\n2,1,5,a\n3,1,5,a\n4,1,5,a\n5,1,5,a\n6,2,7,b\n7,2,7,b\n8,2,7,b\n9,2,7,b\n10,2,7,b\n"

// Tables as people have them: the values, lengths and labels that come out, and what is
// said of what was assumed.
func TestCSVOfPeople(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          Options
		values     []float32 // of sequence 0
		steps      int
		labels     []int // of the sequences
		classes    []string
		note       string
	}{
		{"semicolons and decimal commas", "id;ax;ay;class\n1;1,5;2;up\n1;2,5;3;up\n2;0,5;1;down\n2;-1,5;1;down\n", Options{},
			[]float32{1.5, 2, 2.5, 3}, 2, []int{1, 0}, []string{"down", "up"}, `read with separator ';', decimals behind a comma, label in column "class", sequences by column "id"`},
		{"tabs", "sequence\tx\tlabel\n1\t1\ta\n2\t2\tb\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, `separator '\t'`},
		{"a mark in front of quotes", "\ufeff\"sequence\",\"x\",\"label\"\r\n1,1,a\r\n2,2,b\r\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, ""},
		{"a separator that is named", "sep=;\r\nsequence;x;label\r\n1;1,5;a\r\n2;2,5;b\r\n", Options{}, []float32{1.5}, 1, []int{0, 1}, []string{"a", "b"}, "decimals behind a comma"},
		{"axes and a label", "sequence,x,y,z,class\n1,1,2,3,a\n2,2,3,4,b\n", Options{}, []float32{1, 2, 3}, 1, []int{0, 1}, []string{"a", "b"}, `label in column "class"`},
		{"spaces around a sequence's name", "sequence,x,label\n1,1,a\n1 ,2,a\n2,2,b\n2,3,b\n", Options{}, []float32{1, 2}, 2, []int{0, 1}, []string{"a", "b"}, ""},
		{"a row without a label", "sequence,x,label\n1,1,a\n1,2,\n2,2,b\n2,3,b\n", Options{}, []float32{1, 2}, 2, []int{0, 1}, []string{"a", "b"}, "1 of 4 rows have no label"},
		{"row numbers as sequences", "id,x,label\n1,1,a\n2,2,b\n3,2,b\n", Options{}, []float32{1}, 1, []int{0, 1, 1}, []string{"a", "b"}, "every sequence has one row"},
		{"capitals", "sequence,x,label\n1,1,a\n2,2,A\n", Options{}, []float32{1}, 1, []int{1, 0}, []string{"A", "a"}, "differ by capitals alone"},
		{"another label left out", "sequence,x,class,target\n1,1,a,0\n2,2,b,1\n", Options{Ignore: []string{"target"}}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, `label in column "class"`},
		{"quoted separators", "sequence,x,label\n1,1,\"a,b\"\n2,2,c\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a,b", "c"}, ""},
		{"times are no features", "sequence,time,x,label\n1,0.1,5,a\n1,0.2,6,a\n2,0.1,7,b\n2,0.2,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "time" is taken for the time`},
		{"dates are no features", "sequence,date,x,label\n1,2024-01-01,5,a\n1,2024-01-02,6,a\n2,2024-01-01,7,b\n2,2024-01-02,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "date" is taken for the time`},
		{"milliseconds since 1970", "sequence,timestamp,x,label\n1,1700000000000,5,a\n1,1700000000020,6,a\n2,1700000000100,7,b\n2,1700000000120,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "timestamp" is taken for the time`},
		{"times with a unit", "sequence,Time (s),x,label\n1,0.1,5,a\n1,0.2,6,a\n2,0.1,7,b\n2,0.2,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "Time (s)" is taken for the time`},
		{"midnight", "sequence,time,x,label\n1,23:59:59,5,a\n1,00:00:00,6,a\n2,10:00:00,7,b\n2,10:00:01,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "time" is taken for the time`},
		{"dates that could be two", "sequence,date,x,label\n1,01/02/24,5,a\n1,01/03/24,6,a\n2,01/02/24,7,b\n2,01/03/24,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `"01/02/24" is in no known form, so that the order of rows is not checked by it`},
		{"dates in two forms", "sequence,time,x,label\n1,2024-05-30,5,a\n1,2024-05-30 12:00,5,a\n2,2024-05-31,6,b\n2,2024-06-01,6,b\n", Options{},
			[]float32{5, 5}, 2, []int{0, 1}, []string{"a", "b"}, `"2024-05-30 12:00" is in another form than cells before it`},
		{"quoted decimal commas", "id,x,class\n1,\"1,5\",up\n1,\"2,25\",up\n2,\"0,5\",down\n2,\"-1,5\",down\n", Options{},
			[]float32{1.5, 2.25}, 2, []int{1, 0}, []string{"down", "up"}, "decimals behind a comma"},
		{"classes that are called none", "sequence,x,label\n1,1,none\n2,2,-\n3,3,null\n", Options{}, []float32{1}, 1, []int{1, 0, 2}, []string{"-", "none", "null"}, `label "-" is taken for a class: say --ignore-label=- if it stands for none`},
		{"words for no label", "sequence,x,label\n1,1,a\n1,2,NA\n2,2,b\n2,3,b\n", Options{}, []float32{1, 2}, 2, []int{0, 1}, []string{"a", "b"}, `1 of 4 rows have no label: ["NA"] is taken for none`},
		{"cells of Excel without a value", "sequence,x,label\n1,1,a\n1,#N/A,a\n2,2,b\n2,<NA>,b\n", Options{}, []float32{1, 1}, 2, []int{0, 1}, []string{"a", "b"}, `column "x" has 2 empty cells`},
		{"amounts as classes", "sequence,x,label\n1,1,0.5\n1,2,0.5\n2,2,1\n2,3,1\n", Options{}, []float32{1, 2}, 2, []int{0, 1}, []string{"0.5", "1"}, "taken for 2 classes: --regression predicts them as amounts"},
		{"a time on request", "sequence,time,x,label\n1,0.5,5,a\n1,1,6,a\n2,0.5,7,b\n2,1,8,b\n", Options{Features: []string{"time"}},
			[]float32{0.5, 1}, 2, []int{0, 1}, []string{"a", "b"}, ""},
		{"row numbers of pandas", ",sequence,x,label\n0,1,5,a\n1,1,6,a\n2,2,7,b\n3,2,8,b\n", Options{}, []float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, "row numbers"},
		{"different lengths", "sequence,x,label\n1,5,a\n2,7,b\n2,8,b\n2,9,b\n", Options{}, []float32{0, 0, 5}, 3, []int{0, 1}, []string{"a", "b"}, "1 to 3 steps"},
		{"a length", "sequence,x,label\n1,5,a\n2,7,b\n2,8,b\n2,9,b\n", Options{Length: 2}, []float32{0, 5}, 2, []int{0, 1}, []string{"a", "b"}, "brought to 2"},
		{"empty cells repeat", "sequence,x,label\n1,,a\n1,5,a\n1,NaN,a\n2,7,b\n2,8,b\n2,9,b\n", Options{}, []float32{5, 5, 5}, 3, []int{0, 1}, []string{"a", "b"}, `column "x" has 2 empty cells`},
		{"empty cells are zero", "sequence,x,label\n1,,a\n1,5,a\n2,7,b\n2,8,b\n", Options{Empty: EmptyZero}, []float32{0, 5}, 2, []int{0, 1}, []string{"a", "b"}, "--empty zero"},
		{"empty cells drop", "sequence,x,label\n1,,a\n1,5,a\n2,7,b\n2,8,b\n3,1,a\n3,2,a\n", Options{Empty: EmptyDrop}, []float32{7, 8}, 2, []int{1, 0}, []string{"a", "b"}, "1 of 3 sequences are left out"},
		{"rows are sequences", "label,v1,v2,v3\na,1,2,3\nb,4,5,6\n", Options{RowSequences: true}, []float32{1, 2, 3}, 3, []int{0, 1}, []string{"a", "b"}, `its steps are columns ["v1" "v2" "v3"]`},
		{"rows with a name and a time", "id,timestamp,v1,v2,label\n7,1700000000,1,2,a\n9,1700000060,4,5,b\n", Options{RowSequences: true}, []float32{1, 2}, 2, []int{0, 1}, []string{"a", "b"}, `column "id" is taken for the name or the time of a row`},
		{"a column among steps that is none", "uid,v1,v2,v3,label\n90210,1,2,3,a\n70123,4,5,6,b\n", Options{RowSequences: true}, []float32{90210, 1, 2, 3}, 4, []int{0, 1}, []string{"a", "b"}, `numbers of column "uid" are of another size`},
		{"a column that numbers the rows", "No.,sequence,x,label\n" + numberedRows, Options{}, []float32{5, 5, 5, 5, 5}, 5, []int{0, 1}, []string{"a", "b"}, `column "No." numbers the rows of the file and is left out`},
		{"row numbers of an unusual name", "idx,v1,v2,label\n3,1,2,a\n0,4,5,b\n1,4,5,b\n2,4,5,b\n5,4,5,b\n4,4,5,b\n7,4,5,b\n8,4,5,b\n6,4,5,b\n", Options{RowSequences: true}, []float32{1, 2}, 2, []int{0, 1, 1, 1, 1, 1, 1, 1, 1}, []string{"a", "b"}, `column "idx" numbers the rows of the file in another order and is left out`},
		{"row numbers that are asked for", "idx,v1,v2,label\n3,1,2,a\n0,4,5,b\n1,4,5,b\n2,4,5,b\n5,4,5,b\n4,4,5,b\n7,4,5,b\n8,4,5,b\n6,4,5,b\n", Options{RowSequences: true, Features: []string{"idx", "v1"}}, []float32{3, 1}, 2, []int{0, 1, 1, 1, 1, 1, 1, 1, 1}, []string{"a", "b"}, `its steps are columns ["idx" "v1"]`},
		{"whole numbers that are none of rows", "idx,v1,v2,label\n3,1,2,a\n0,4,5,b\n1,4,5,b\n2,4,5,b\n5,4,5,b\n4,4,5,b\n7,4,5,b\n8,4,5,b\n5,4,5,b\n", Options{RowSequences: true}, []float32{3, 1, 2}, 3, []int{0, 1, 1, 1, 1, 1, 1, 1, 1}, []string{"a", "b"}, `its steps are columns ["idx" "v1" "v2"]`},
		{"a column that is asked for", "No.,sequence,x,label\n" + numberedRows, Options{Features: []string{"No."}}, []float32{1, 2, 3, 4, 5}, 5, []int{0, 1}, []string{"a", "b"}, ""},
		{"milliseconds of another name", "unix,sequence,x,label\n1700000000000,1,5,a\n1700000000020,1,6,a\n1700000000000,2,7,b\n1700000000020,2,8,b\n", Options{},
			[]float32{5, 6}, 2, []int{0, 1}, []string{"a", "b"}, `column "unix" is taken for the time`},
		{"folds", "sequence,fold,label\n1,4,a\n2,3,b\n", Options{}, []float32{4}, 1, []int{0, 1}, []string{"a", "b"}, `column "fold" is read as a feature: leave it out with --ignore fold if it is for the training alone`},
		{"a column left out", "sequence,x,note,label\n1,1,hm,a\n2,2,,b\n", Options{Ignore: []string{"note"}}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, ""},
		{"rows of separators", "sequence,x,label\n1,1,a\n2,2,b\n,,\n , ,\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, "rows without anything in any cell are left out: 2"},
		{"true and false", "sequence,on,label\n1,True,a\n2,FALSE,b\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, `column "on" holds true and false`},
		{"spaces between cells", "sequence x z label\n1  1.5 -2 a\n1 2 1e-1 a\n2 7 8 b\n 2   9 10  b \n", Options{}, []float32{1.5, -2, 2, 0.1}, 2, []int{0, 1}, []string{"a", "b"}, "read with spaces between cells"},
		{"spaces and tabs, of Windows", "  sequence   x  label\r\n\t1\t2.8858451e-001 a\r\n 2 -2.0294171e+000\t b\r\n", Options{}, []float32{0.28858451}, 1, []int{0, 1}, []string{"a", "b"}, "read with spaces between cells"},
		{"spaces, quotes and nothing", "sequence \"x, left\" z label\n1 NaN 3 \"go  \"\"up\"\"\"\n1 5 4 \"go  \"\"up\"\"\"\n2 7 6 b\n", Options{}, []float32{5, 3, 5, 4}, 2, []int{1, 0}, []string{"b", `go  "up"`}, `column "x, left" has 1 empty cells`},
		{"spaces and decimal commas", "sequence x label\n1 0,5 3\n1 1,25 3\n2 2,5 4\n2 4,0 4\n", Options{}, []float32{0.5, 1.25}, 2, []int{0, 1}, []string{"3", "4"}, "read with spaces between cells, decimals behind a comma"},
		{"sequences of text, with spaces", "sequence x label\ns1 1 a\ns2 2 b\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, "spaces between cells"},
		{"groups", "sequence,subject,x,label\n1,ann,1,a\n2,bob,2,b\n", Options{}, []float32{1}, 1, []int{0, 1}, []string{"a", "b"}, `column "subject" is taken for the group`},
	} {
		s, err := readCSV("t.csv", strings.NewReader(c.text), c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		x := make([]float32, s.Steps*s.Features)
		s.Sample(0, x)
		var labels []int
		for i := range s.Len() {
			labels = append(labels, s.Label(i))
		}
		if s.Steps != c.steps || !slices.Equal(x, c.values) || !slices.Equal(labels, c.labels) || !slices.Equal(s.Classes, c.classes) {
			t.Errorf("%s: %d steps, sequence 0 is %v, labels %v of %q", c.name, s.Steps, x, labels, s.Classes)
		}
		if notes := strings.Join(s.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
	}
	for _, c := range []struct {
		text string
		o    Options
		want string
	}{
		{"sequence,x,label\n1,1e308,a\n2,2,b\n", Options{}, `line 2: column 2 holds "1e308", expected a finite number: it is beyond the 3.4e38 that 32 bits hold`},
		{"sequence,x,label\n1,1,2\n1,1,2\n2,2,-1e39\n", Options{Regression: true}, `line 4: column "label" holds "-1e39", expected a number to predict: it is beyond`},
		{"sequence,x,label\n1,1,a\nsequence,x,label\n2,2,b\n", Options{}, "line 3 has the names of the columns again"},
		{"sequence,x,label\n1,1,a\n# paused\n2,2,b\n", Options{}, "line 3 has the wrong number of fields: 1, expected 3 as in the first line: it begins with #"},
		{"# made by hand\nsequence,x,label\n1,1,a\n", Options{}, "comments are left out by grep -v '^#' < t.csv > t_clean.csv"},
		{"s\x00e\x00q\x00u\x00e\x00n\x00c\x00e\x00,\x00x\x00,\x00l\x00", Options{}, "text in UTF-16"},
		{"\x1f\x8b\x08\x00\x00", Options{}, "packed by gzip: give it a name that ends in .csv.gz"},
		{"PK\x03\x04\x14\x00", Options{}, "save the sheet as CSV"},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", Options{}, "git lfs pull"},
		{"<!DOCTYPE html>\n<html></html>\n", Options{}, "a page of the web"},
		{"sequence x label\n1 1 a\n2 2\n", Options{}, "spaces separate cells where every line has as many, with numbers among them: give every row a cell for each name"},
		{"1.5,2,a\n1.5,3,b\n", Options{}, `t.csv: the first line holds values, ["1.5" "2" "a"], and no names of columns: name them, for --label-column and --sequence-column (or --row-sequences where every row is a sequence); as 0, 1, 2 and so on: python3 -c`},
		{"1,2,1,a\n1,3,1,b\n", Options{}, "the first line holds values"},
		{"1,2,3,a\n1,3,2,b\n", Options{}, `columns ["1" "2" "3" "a"]; none is named "label"`},
		{"x y z\n1 1 0\n2 2 1\n", Options{}, `columns ["x" "y" "z"]; none is named "label" or the like`},
		{"sequence,x,label\n1,1,a\n2,2,b\n1,2,a\n", Options{}, "else sort the rows: python3 -c"},
		{"sequence,x,label\n1,,a\n2,2,b\n", Options{Empty: EmptyError}, `line 2: column "x" is empty`},
		{"sequence,x,label\n1,1_0,a\n2,2,b\n", Options{}, `line 2: column 2 holds "1_0", expected a finite number`},
		{"sequence,x,label\n1,2,a\n2,0x1p4,b\n", Options{}, `line 3: column 2 holds "0x1p4", expected a finite number`},
		{"id;x;y2;class\n;s;m/s;\n1;1,5;2;up\n2;0,5;1;down\n", Options{}, `line 2: column "id" is empty: every row needs its sequence; the line has no numbers: if it holds units, remove it`},
		{"id,time,x,y2,class\n#,s,g,g,-\n1,0,1.5,2,up\n2,0,.5,1,down\n", Options{}, "line 2 has no numbers, and the next one does: if it holds units, remove it"},
		{"id,timestamp,x,class\n1,2024-01-01 10:00:00.2,1,a\n1,2024-01-01 10:00:00.1,2,a\n2,2024-01-01 10:00:01,1,b\n", Options{},
			`line 2: in the sequence that begins here column "timestamp" goes back from 2024-01-01 10:00:00.2 to 2024-01-01 10:00:00.1`},
		{"id,timestamp,x,class\n1,1700000000020,1,a\n1,1700000000000,2,a\n2,1700000000100,1,b\n", Options{}, `column "timestamp" goes back from 1700000000020 to 1700000000000`},
		{"id,x,class\n1,1,the \"best\"\n2,2,b\n", Options{}, "line 2, column 9: a quote inside a cell that does not begin with one"},
		{"id,x,class\n1,\"1,500\",a\n2,\"2,250\",b\n", Options{}, `line 2: column "x" holds text, "1,500"`},
		{"sequence,x,label\n1,1,a\n", Options{Features: []string{"z"}}, `no column is named "z"`},
		{"sequence,x,label\n1,1,a\n", Options{Features: []string{"label"}}, `"label" cannot be a feature`},
		{"sequence,x,label\n1,1,a\n", Options{SequenceColumn: "id"}, `no column is named "id"`},
		{"sequence,x,label,label\n1,1,0,0\n", Options{}, `two columns are named "label"`},
		{"sequence,x,class,target\n1,1,0,0\n2,2,1,1\n", Options{}, `columns "class" and "target" could both be the label: say --label-column class, --ignore target`},
		{"sequence,x,label,target\n1,1,0,0\n2,2,1,1\n", Options{}, `columns "label" and "target" could both be the label: say --ignore target`},
		{"x,y,z\n1,1,0\n2,2,1\n", Options{RowSequences: true}, `none is named "label"`},
		{"\xff\xfes\x00e\x00", Options{}, "UTF-16"},
		{"sequence,x,label\r1,1,a\r", Options{}, "carriage return"},
		{"# logger\nsequence,x,label\n1,1,a\n", Options{}, "comment"},
		{"sequence,x,label\n1,1,a\n\x00,1,a\n", Options{}, "byte 0"},
		{"sequence,gr\xf6\xdfe,label\n1,1,a\n2,1,b\n", Options{}, "UTF-8"},
		{"sequence,x,label\n1,1,gr\xfcn\n2,1,b\n", Options{}, "UTF-8"},
		{"sequence,x,label\n1,1,\"a\nb\"\n2,1,b\n", Options{}, "a label in one line"},
		{"sequence,x,label\n1,1,1\n2,1,1.0\n3,1,2\n", Options{}, `"1" and "1.0" are one number`},
		{"sequence,x,label\n1,1,a\n,1,a\n2,1,b\n", Options{}, `column "sequence" is empty`},
		{"sequence,x,label\n1,1,a,\n2,1,b,\n", Options{}, "line 2 has the wrong number of fields: 4, expected 3 as in the first line: there is a separator behind the last cell"},
		{"sequence x label\none one a\n", Options{}, "with , ; | tabs or spaces between them; spaces separate cells where"},
		{"sequence,who,x,label\n1,ann,1,a\n1,bob,1,a\n", Options{Group: "who"}, `in group "ann" and in group "bob"`},
	} {
		if _, err := readCSV("t.csv", strings.NewReader(c.text), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.text, err, c.want)
		}
	}
}

// Steps without a label, and those of padding, have none in the set.
func TestStepsWithoutLabels(t *testing.T) {
	s, err := readCSV("t.csv", strings.NewReader("sequence,x,label\n1,1,a\n1,2,b\n2,3,a\n2,4,\n2,5,b\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]int{{-1, 0, 1}, {0, -1, 1}}
	for i := range want {
		for step, w := range want[i] {
			if got := s.StepLabel(i, step); got != w {
				t.Errorf("sequence %d, step %d: label %d, want %d", i, step, got, w)
			}
		}
	}
	if counts := s.Counts(); !slices.Equal(counts, []int{2, 2}) {
		t.Errorf("counts %v", counts)
	}
	s, err = readCSV("t.csv", strings.NewReader("sequence,x,label\n1,1,0.5\n2,3,1.5\n2,4,2.5\n"), Options{Regression: true})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 2)
	if s.Target(0, y); !math.IsNaN(float64(y[0])) || y[1] != 0.5 {
		t.Errorf("targets of a padded sequence: %v", y)
	}
}

// Archives under other names, with groups, masks and lengths.
func TestArchivesOfPeople(t *testing.T) {
	named := func(m map[string]*npy.Array) map[string]*npy.Array {
		for k, a := range m {
			a.Name = k
		}
		return m
	}
	x := func() *npy.Array { return floats("", 2, 3, 1) } // 0 1 2, 3 4 5
	for _, c := range []struct {
		name   string
		arrays map[string]*npy.Array
		first  []float32
		length int
	}{
		{"X and y", map[string]*npy.Array{"X": x(), "y": ints([]int{2}, 0, 1)}, []float32{0, 1, 2}, 3},
		{"inputs and targets of a shorter name", map[string]*npy.Array{"input": x(), "label": ints([]int{2}, 0, 1)}, []float32{0, 1, 2}, 3},
		{"no names", map[string]*npy.Array{"arr_0": x(), "arr_1": ints([]int{2}, 0, 1)}, []float32{0, 1, 2}, 3},
		{"data and labels", map[string]*npy.Array{"data": x(), "labels": ints([]int{2}, 0, 1)}, []float32{0, 1, 2}, 3},
		{"a column of labels", map[string]*npy.Array{"x_train": x(), "y_train": ints([]int{2, 1}, 0, 1)}, []float32{0, 1, 2}, 3},
		{"lengths", map[string]*npy.Array{"x": x(), "y": ints([]int{2}, 0, 1), "lengths": ints([]int{2}, 2, 3)}, []float32{0, 0, 1}, 2},
		{"a mask", map[string]*npy.Array{"x": x(), "y": ints([]int{2}, 0, 1), "mask": ints([]int{2, 3}, 0, 1, 0, 1, 1, 1)}, []float32{0, 0, 1}, 1},
	} {
		s, _, err := fromArrays("a.npz", named(c.arrays), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := make([]float32, 3)
		if s.Sample(0, got); !slices.Equal(got, c.first) || s.Length(0) != c.length || s.Label(1) != 1 {
			t.Errorf("%s: sequence 0 is %v, %d steps its own", c.name, got, s.Length(0))
		}
	}
	steps := map[string]*npy.Array{"x": x(), "y": ints([]int{2, 3}, 0, 1, 0, 1, 1, 0), "mask": ints([]int{2, 3}, 1, 0, 1, 1, 1, 0)}
	s, _, err := fromArrays("a.npz", named(steps), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var labels []int
	for i := range 2 {
		for t := range 3 {
			labels = append(labels, s.StepLabel(i, t))
		}
	}
	if !slices.Equal(labels, []int{0, -1, 0, -1, 1, 1}) {
		t.Errorf("masked labels of steps: %v", labels)
	}
	more := map[string]*npy.Array{"x": x(), "y": ints([]int{2}, 0, 1), "extra": x(), "subject": ints([]int{2}, 0, 1), "group": ints([]int{2}, 0, 1)}
	if s, _, err = fromArrays("a.npz", named(more), Options{}); err != nil || len(s.Notes) != 1 || !strings.Contains(s.Notes[0], `not read: ["extra" "subject"]`) {
		t.Errorf("arrays that are not read: %v, notes %q", err, s.Notes)
	}
	for want, arrays := range map[string]map[string]*npy.Array{
		"there are a [2 3 1]":                               {"a": x()},
		"sequence 0 has a hole":                             {"x": x(), "y": ints([]int{2}, 0, 1), "mask": ints([]int{2, 3}, 1, 0, 1, 1, 1, 1)},
		"has no step left":                                  {"x": x(), "y": ints([]int{2}, 0, 1), "mask": ints([]int{2, 3}, 0, 0, 0, 1, 1, 1)},
		"expected 1 to 3":                                   {"x": x(), "y": ints([]int{2}, 0, 1), "lengths": ints([]int{2}, 0, 3)},
		"a group for each":                                  {"x": x(), "y": ints([]int{2}, 0, 1), "group": ints([]int{3}, 0, 3, 1)},
		"differ in case alone":                              {"x": x(), "X": x(), "y": ints([]int{2}, 0, 1)},
		"are samples with labels as well as x and y":        {"x": x(), "y": ints([]int{2}, 0, 1), "x_train": x(), "y_train": ints([]int{2}, 1, 0)},
		"as well as x_train":                                {"x_train": x(), "y_train": ints([]int{2}, 0, 1), "data_train": x(), "labels_train": ints([]int{2}, 1, 0)},
		"there are arr_0 [2 3 1], arr_1 [2], arr_2 [2 3 1]": {"arr_0": x(), "arr_1": ints([]int{2}, 0, 1), "arr_2": x()},
		"several dimensions of a step are its features":     {"x": {Name: "x", Type: "<f4", Shape: []int{2, 3, 2, 2}, Data: make([]byte, 96)}, "y": ints([]int{2}, 0, 1)},
		"one of them is missing":                            {"x": x(), "y": ints([]int{2}, 0, 1), "x_test": x()},
		"x_val and y_val are needed":                        {"x": x(), "y": ints([]int{2}, 0, 1), "X_valid": x()},
		"both x of the train part":                          {"x_train": x(), "y_train": ints([]int{2}, 0, 1), "train_x": x()},
	} {
		if _, _, err := fromArrays("a.npz", named(arrays), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Divisions keep what they promise: shares of classes, whole groups, the order of time.
func TestSplitWays(t *testing.T) {
	const n = 100
	labels, groups := make([]byte, n), make([]byte, n)
	for i := range n {
		if i%10 == 0 {
			labels[i] = 1 // rare
		}
		groups[i] = byte(i / 9)
	}
	s, _, err := fromArrays("a.npz", map[string]*npy.Array{"x": floats("x", n, 1, 1), "y": ints([]int{n}, labels...), "group": ints([]int{n}, groups...)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	open := func(by string, seed uint64) (train, test *Set) {
		t.Helper()
		train, test, err := parts(s, nil, Options{By: by, Seed: seed, Test: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		if train.Len()+test.Len() != n {
			t.Errorf("%s: %d and %d sequences of %d", by, train.Len(), test.Len(), n)
		}
		return train, test
	}
	for seed := range uint64(5) {
		_, test := open(ByClass, seed)
		if c := test.Counts(); c[1] != 2 || test.Len() != 20 {
			t.Errorf("by class, seed %d: counts %v of 20", seed, c)
		}
		for _, by := range []string{ByGroup, ByAny} {
			train, test := open(by, seed)
			if sharesGroups(train, test) || test.Len() < 15 || test.Len() > 25 {
				t.Errorf("by group, seed %d: %d in the test part, shared: %v", seed, test.Len(), sharesGroups(train, test))
			}
			rest, aside, err := Split(train, 0.25, seed)
			if err != nil || sharesGroups(rest, aside) {
				t.Errorf("validation by group: %v", err)
			}
		}
	}
	_, test := open(ByTime, 1)
	x := make([]float32, 1)
	for i := range test.Len() {
		if test.Sample(i, x); x[0] < 80 {
			t.Errorf("by time: sequence %v is in the test part", x[0])
		}
	}
	if _, _, err := parts(&Set{Name: "a", n: 9, Task: nn.Regression}, nil, Options{By: ByGroup, Test: 0.2}); err == nil || !strings.Contains(err.Error(), "no groups are known") {
		t.Errorf("groups of a set without: %v", err)
	}
}

// Padding is what standardization turns into zeros, and counts for none of its figures.
func TestPaddingIsTheMean(t *testing.T) {
	s, err := readCSV("t.csv", strings.NewReader("sequence,x,label\n1,10,a\n2,12,b\n2,14,b\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Standardize(s); err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 2)
	if s.Sample(0, x); s.Mean[0] != 12 || x[0] != 12 || x[1] != 10 {
		t.Errorf("mean %v, padded sequence %v", s.Mean, x)
	}
}

// What is said before training names the ranges, the classes and what looks wrong.
func TestDescribe(t *testing.T) {
	s, err := readCSV("t.csv", strings.NewReader("sequence,near,far,flat,label\n1,0.001,500,7,a\n2,0.002,900,7,a\n3,0.003,100,7,b\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	Describe(s, nil, s, func(line string) { b.WriteString(line + "\n") })
	for _, want := range []string{"3 to train on", `"far": 100 to 900`, "2 classes, sequences: a 2, b 1; always guessing a is right for 66.67 %",
		`"flat" never changes`, `"far" and "near" differ`, "class b has 1 sequence to train on"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if !needsScaling(s) || s.Unscaled() == "" {
		t.Error("the scales of the set go unnoticed")
	}
}

// Lines are counted as an editor does, the one that names the separator among them.
func TestLineOfSeparator(t *testing.T) {
	for _, text := range []string{"sep=;\nsequence;a;label\n1;0,5;x\n1;zz;x\n2;0,5;y\n", "sep=;\nsequence;a;label\n1;0,5;x\n1;1\n2;0,5;y\n"} {
		if _, err := readCSV("t.csv", strings.NewReader(text), Options{}); err == nil || !strings.Contains(err.Error(), "line 4") {
			t.Errorf("%q: %v, expected line 4 to be named", text, err)
		}
	}
}

// readCSV reads a table that has no parts.
func readCSV(file string, in io.Reader, o Options) (*Set, error) {
	_, s, err := readTable(file, in, o)
	return s, err
}

// Packed tables are those in them; files that are not read say what writes one that is.
func TestPacked(t *testing.T) {
	const text = "sequence,x,label\n1,1,a\n1,2,a\n2,3,b\n2,4,b\n"
	var gz, one, two bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write([]byte(text))
	g.Close()
	for b, names := range map[*bytes.Buffer][]string{&one: {"__MACOSX/x", "folder/t.csv"}, &two: {"a.csv", "b.csv"}} {
		z := pkzip.NewWriter(b)
		for _, n := range names {
			w, err := z.Create(n)
			if err != nil {
				t.Fatal(err)
			}
			w.Write([]byte(text))
		}
		z.Close()
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"t.csv.gz":     {gz.Bytes(), ""},
		"t.zip":        {one.Bytes(), ""},
		"two.zip":      {two.Bytes(), `holds ["a.csv" "b.csv"], expected one .csv file`},
		"cut.csv.gz":   {gz.Bytes()[:gz.Len()-9], "unexpected EOF"},
		"broken.zip":   {[]byte("PK"), "not a valid zip file"},
		"t.parquet":    {nil, "pandas.read_parquet(sys.argv[1]).to_csv(sys.argv[2], index=False)"},
		"t.mat":        {nil, "numpy.savez(sys.argv[2]"},
		"t.gz":         {gz.Bytes(), "unknown kind of data"},
		"t.unheard-of": {nil, "unknown kind of data"},
	} {
		file := filepath.Join(t.TempDir(), name)
		put(t, file, c.b)
		train, test, err := Open(file, Options{By: ByTime, Test: 0.5})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case !slices.Equal(firsts(train), []float32{1}) || !slices.Equal(firsts(test), []float32{3}):
			t.Errorf("%s: %v to train on, %v to test", name, firsts(train), firsts(test))
		}
	}
}

// One group divides nothing, and the same number everywhere is nothing to learn.
func TestNothingToDivideOrLearn(t *testing.T) {
	x := floats("x", 6, 2, 1)
	train, test, err := fromArrays("a.npz", map[string]*npy.Array{"x": x, "y": ints([]int{6}, 0, 1, 0, 1, 0, 1), "group": ints([]int{6}, 7, 7, 7, 7, 7, 7)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if train, test, err = parts(train, test, Options{Test: 0.5, By: ByAny}); err != nil || test.Len() != 3 || !strings.Contains(strings.Join(train.Notes, "\n"), `all sequences are of group "7"`) {
		t.Errorf("%v: one group", err)
	}
	for want, y := range map[string][]float32{"": {1, 2, 1}, "the same number in all": {2, 2, 2}} {
		s, err := FromArrays("a", floats("x", 3, 2, 1), npy.FromFloats([]int{3}, y))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", y, err, want)
		}
	}
}
