// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"path/filepath"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// activities is a tree as that of UCI's human activities: a table for every channel of every part,
// sequence i of a part having the value base + 100 i + step, and classes i modulo 3 from 1 on.
func activities() map[string]string {
	files := map[string]string{
		"README.txt":          "Human activities\n\nof some people\n",
		"features.txt":        "1 tBodyAcc-mean()-X\n2 tBodyAcc-mean()-Y\n",
		"activity_labels.txt": "1 WALKING\n2 WALKING_UPSTAIRS\n3 LAYING\n",
	}
	for part, n := range map[string]int{"train": 12, "test": 6} {
		files[part+"/y_"+part+".txt"] = lines("", n, func(i int) string { return fmt.Sprint(1 + i%3) })[0:]
		files[part+"/subject_"+part+".txt"] = lines("", n, func(i int) string { return fmt.Sprint(10*len(part) + i/3) })
		files[part+"/X_"+part+".txt"] = lines("", n, func(i int) string { return fmt.Sprintf("  %d.5e+000 -1.0000000e+000", i) })
		for k, channel := range []string{"body_acc_x", "body_gyro_x", "Total_acc_x"} {
			files[part+"/Inertial Signals/"+channel+"_"+part+".txt"] = lines("", n, func(i int) string {
				row := ""
				for t := range 4 {
					row += fmt.Sprintf("  %.7e", float64(1000*k+100*i+t))
				}
				return row
			})
		}
	}
	return files
}

// Channels that have tables of their own are features, a row is a sequence, its columns are steps; labels
// and groups go row by row, and all of it is said.
func TestChannels(t *testing.T) {
	change := func(f func(files map[string]string)) map[string]string {
		files := activities()
		f(files)
		return files
	}
	without := func(prefix ...string) func(map[string]string) {
		return func(files map[string]string) {
			maps.DeleteFunc(files, func(name, _ string) bool {
				return slices.ContainsFunc(prefix, func(p string) bool { return strings.HasPrefix(name, p) })
			})
		}
	}
	table := func(base, n int) string {
		return lines("", n, func(i int) string {
			return fmt.Sprintf("%d,%d,%d,%d", base+100*i, base+100*i+1, base+100*i+2, base+100*i+3)
		})
	}
	classes := []string{"LAYING", "WALKING", "WALKING_UPSTAIRS"}
	for _, c := range []struct {
		name     string
		files    map[string]string
		o        Options
		channels []string // in the order of their bases, 0, 1000, 2000
		parts    [2]int
		classes  []string
		notes    []string
	}{
		{"as they are", activities(), Options{}, []string{"body_acc_x", "body_gyro_x", "Total_acc_x"}, [2]int{12, 6}, classes, []string{
			"channels have tables of their own, as train/Inertial Signals/Total_acc_x_train.txt: every row is taken for a sequence, its columns for the 4 steps, and the file for a feature; 12 sequences, a label for each sequence in the rows of train/y_train.txt",
			"groups are those of train/subject_train.txt, row by row", "classes have the names of ", `left out: ["train/X_train.txt" "test/X_test.txt"]; --row-sequences reads such`, "12 sequences to train on, 0 to validate, 6 to test"}},
		{"some channels", activities(), Options{Features: []string{"body_gyro_x", "body_acc_x"}}, []string{"body_acc_x", "body_gyro_x"}, [2]int{12, 6}, classes, nil},
		{"but one", activities(), Options{Ignore: []string{"Total_acc_x"}}, []string{"body_acc_x", "body_gyro_x"}, [2]int{12, 6}, classes, nil},
		{"one part", change(without("test/")), Options{}, []string{"body_acc_x", "body_gyro_x", "Total_acc_x"}, [2]int{9, 3}, classes, []string{"groups are those of"}},
		{"names for other numbers", change(func(f map[string]string) { f["activity_labels.txt"] = "1 A\n2 B\n" }), Options{}, []string{"body_acc_x", "body_gyro_x", "Total_acc_x"}, [2]int{12, 6}, []string{"1", "2", "3"}, []string{`has no name for label "3"`}},
		{"axes in one folder", map[string]string{"x.csv": table(0, 15), "y.csv": table(1000, 15), "z.csv": table(2000, 15), "labels.csv": lines("label", 15, func(i int) string { return classes[(i+1)%3] })}, Options{Test: 0.2}, []string{"x", "y", "z"}, [2]int{12, 3}, classes, []string{"a label for each sequence in the rows of labels.csv"}},
		{"a column for every class", map[string]string{"a.csv": table(0, 15), "b.csv": table(1000, 15), "y.csv": lines("WALKING,WALKING_UPSTAIRS,LAYING", 15, func(i int) string { return []string{"1,0,0", "0,1,0", "0,0,1"}[i%3] })}, Options{}, []string{"a", "b"}, [2]int{12, 3}, classes, []string{"one 1 among zeros, taken for the class of 3 of each sequence (--regression takes it for numbers)"}},
		{"numbers of pandas", map[string]string{"a.csv": "0,1,2,3\n" + table(0, 15), "b.csv": "0,1,2,3\n" + table(1000, 15), "y.csv": "0\n" + lines("", 15, func(i int) string { return classes[(i+1)%3] })}, Options{}, []string{"a", "b"}, [2]int{12, 3}, classes, nil},
		{"semicolons and decimal commas", map[string]string{"a.csv": strings.NewReplacer(",", ";", "\n", ",0\n").Replace(table(0, 15)), "b.csv": table(1000, 15), "y.csv": lines("", 15, func(i int) string { return classes[(i+1)%3] })}, Options{}, []string{"a", "b"}, [2]int{12, 3}, classes, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folderOf(t, c.files)
			if err := Unused(dir, c.o); err != nil {
				t.Error(err)
			}
			train, test, err := Open(dir, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]int{train.Len(), test.Len()}; got != c.parts || train.Steps != 4 || train.Features != len(c.channels) || !slices.Equal(train.Classes, c.classes) {
				t.Errorf("%v sequences of %d steps of %d features, classes %q", got, train.Steps, train.Features, train.Classes)
			}
			notes := strings.Join(train.Notes, "\n")
			for _, n := range c.notes {
				if !strings.Contains(notes, n) {
					t.Errorf("notes\n%s\nexpected %q", notes, n)
				}
			}
			v := make([]float32, train.Steps*train.Features)
			for _, s := range []*Set{train, test} {
				for i := range s.Len() {
					s.Sample(i, v)
					at := slices.Index(train.Columns, c.channels[0])
					which := int(v[at]) / 100
					for step := range 4 {
						for k, name := range c.channels {
							if j := slices.Index(train.Columns, name); j < 0 || v[step*s.Features+j] != float32(1000*k+100*which+step) {
								t.Fatalf("sequence %d, step %d: %v, columns %q", which, step, v, train.Columns)
							}
						}
					}
					want := []string{"WALKING", "WALKING_UPSTAIRS", "LAYING"}[which%3]
					if c.classes[0] == "1" {
						want = fmt.Sprint(1 + which%3)
					}
					if is := s.Classes[s.Label(i)]; is != want {
						t.Errorf("sequence %d is %s, expected %s", which, is, want)
					}
					if _, grouped := c.files["train/subject_train.txt"]; grouped && s == train && s.Group(i) != fmt.Sprint(50+which/3) {
						t.Errorf("sequence %d is of group %q", which, s.Group(i))
					}
				}
			}
			if _, grouped := c.files["train/subject_train.txt"]; grouped {
				rest, held, err := Held(train, 0.25, 1)
				if err != nil || sharesGroups(rest, held) {
					t.Errorf("what is validated on shares groups with what is trained on: %v", err)
				}
			}
		})
	}
	// As numbers, for every step, and again as a network names them.
	files := change(without("test/", "activity", "train/subject"))
	train, _, err := Open(folderOf(t, files), Options{Regression: true})
	if err != nil || train.Task != nn.Regression {
		t.Errorf("numbers to predict: %v, %v", train, err)
	}
	files["train/y_train.txt"] = lines("", 12, func(i int) string { return "1 1 0 0" })
	steps, _, err := Open(folderOf(t, files), Options{})
	if err != nil || !steps.PerStep || steps.Classes[steps.StepLabel(0, 1)] != "1" || steps.Classes[steps.StepLabel(0, 2)] != "0" || !strings.Contains(steps.Notes[0], "a label for each step in the rows of") {
		t.Errorf("labels of steps: %+v, %v", steps, err)
	}
	dir := folderOf(t, activities())
	first, _, err := OpenSource(context.Background(), dir, Options{Ignore: []string{"Total_acc_x"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var origin facts.Data = *first.Origin
	if again, _, err := Reopen(context.Background(), &origin, "", nil); err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("opened again: %v", err)
	}
	if rows, _, err := Open(dir, Options{RowSequences: true}); err != nil || rows.Len() != 12 || rows.Steps != 2 || rows.Group(0) == "" {
		t.Errorf("rows of X: %+v, %v", rows, err)
	}
}

// Channels that do not belong together are refused with what each has.
func TestChannelsApart(t *testing.T) {
	const one, labels, subjects = "train/Inertial Signals/body_gyro_x_train.txt", "train/y_train.txt", "train/subject_train.txt"
	cut := func(text string) string { return text[strings.Index(text, "\n")+1:] }
	for _, c := range []struct {
		name   string
		change func(files map[string]string)
		o      Options
		want   string
	}{
		{"a row less", func(f map[string]string) { f[one] = cut(f[one]) }, Options{}, "body_gyro_x_train.txt has 11 rows, and FOLDER/train/Inertial Signals/Total_acc_x_train.txt 12: expected a row for each sequence in the tables of all channels"},
		{"a label less", func(f map[string]string) { f[labels] = cut(f[labels]) }, Options{}, "Total_acc_x_train.txt has 12 rows, and FOLDER/train/y_train.txt 11: expected a row for each sequence in both"},
		{"steps in rows", func(f map[string]string) { f[labels] = "1\n2\n3\n1\n" }, Options{}, "it has as many columns: every row has to be a sequence"},
		{"a step less", func(f map[string]string) { f[one] = lines("", 12, func(i int) string { return "1 2 3" }) }, Options{}, "body_gyro_x_train.txt has rows of 3 numbers, and FOLDER/train/Inertial Signals/Total_acc_x_train.txt of 4: expected as many steps in all channels of a sequence; leave it out with --ignore body_gyro_x"},
		{"a group less", func(f map[string]string) { f[subjects] = cut(f[subjects]) }, Options{}, "subject_train.txt has 11 rows, and FOLDER/train/Inertial Signals/Total_acc_x_train.txt 12: expected a group for each sequence"},
		{"no groups in a part", func(f map[string]string) { delete(f, subjects) }, Options{}, `all parts must have labels of one kind, and groups or none`},
		{"no channel in a part", func(f map[string]string) { delete(f, "test/Inertial Signals/body_acc_x_test.txt") }, Options{}, `FOLDER: channels ["Total_acc_x" "body_gyro_x"], as files beside test/y_test.txt, and those beside train/y_train.txt are ["Total_acc_x" "body_acc_x" "body_gyro_x"]: all parts must have the same`},
		{"text", func(f map[string]string) { f[one] = strings.Replace(f[one], "1.1020000e+03", "oops", 1) }, Options{}, `body_gyro_x_train.txt: line 2: cell 3 holds "oops", expected a finite number`},
		{"cells missing", func(f map[string]string) { f[one] = strings.Replace(f[one], "  1.1020000e+03", "", 1) }, Options{}, `body_gyro_x_train.txt: line 2 has 3 cells, expected 4 as in the first line`},
		{"an empty cell", func(f map[string]string) { f[one] = strings.Replace(f[one], "1.1020000e+03", "NaN", 1) }, Options{Empty: EmptyError}, `column "body_gyro_x" is empty in this sequence`},
		{"two folders", func(f map[string]string) { f["train/raw/acc_train.txt"] = f[one] }, Options{}, "and train/raw/acc_train.txt are tables of numbers in two folders"},
		{"two labels", func(f map[string]string) { f["test/labels_test.txt"] = f["test/y_test.txt"] }, Options{}, "could both hold the labels of one part"},
		{"labels of steps or classes", func(f map[string]string) {
			f[labels] = lines("", 12, func(i int) string { return []string{"1 0 0 0", "0 0 0 1"}[i%2] })
		}, Options{}, "a class of each sequence, or a label of each step?"},
		{"several labels", func(f map[string]string) { f[labels] = lines("", 12, func(i int) string { return "1 2" }) }, Options{}, "y_train.txt: 2 columns, expected one with a label for each sequence, or as many as there are steps, 4"},
		{"several groups", func(f map[string]string) { f[subjects] = lines("", 12, func(i int) string { return "1 2" }) }, Options{}, "subject_train.txt: 2 columns, expected one with the group"},
		{"no such channel", func(f map[string]string) {}, Options{Features: []string{"acc"}}, `no channel is called "acc", as its file; there are ["Total_acc_x" "body_acc_x" "body_gyro_x"]`},
		{"none left", func(f map[string]string) {}, Options{Ignore: []string{"Total_acc_x", "body_acc_x", "body_gyro_x"}}, "no channel is left"},
	} {
		files := activities()
		c.change(files)
		dir := folderOf(t, files)
		_, _, err := Open(dir, c.o)
		if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), strings.ReplaceAll(c.want, "FOLDER", filepath.ToSlash(dir))) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
	if err := Unused(folderOf(t, activities()), Options{Group: "subject"}); err == nil || !strings.Contains(err.Error(), "is a folder with a table for every channel: leave it out") {
		t.Errorf("error %v", err)
	}
}

// Folders with a table for every sequence are none with a table for every channel.
func TestNoChannels(t *testing.T) {
	recording := func(k int) string { return lines("", 3, func(i int) string { return fmt.Sprintf("%d,%d", k, i) }) }
	for name, files := range map[string]map[string]string{
		"classes":             {"up/1.csv": recording(1), "up/2.csv": recording(2), "down/1.csv": recording(3), "labels.csv": "0\n1\n2\n"},
		"a list of them":      {"1.csv": recording(1), "2.csv": recording(2), "3.csv": recording(3), "labels.csv": "0\n1\n2\n"},
		"other numbers":       {"1.csv": recording(1), "2.csv": recording(2), "labels.csv": "0\n1\n2\n1\n"},
		"names of columns":    {"1.csv": "a,b\n" + recording(1), "2.csv": "a,b\n" + recording(2), "labels.csv": "0\n1\n2\n"},
		"samples and labels":  {"X_train.csv": "a,b\n" + recording(1), "y_train.csv": "0\n1\n2\n"},
		"no labels":           {"a_train.csv": recording(1), "b_train.csv": recording(1)},
		"a test part of both": {"test/a_train.csv": recording(1), "test/b_train.csv": recording(1), "y.csv": "0\n1\n2\n"},
	} {
		if c, err := channelsOf(folderOf(t, files), Options{}); c != nil || err != nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// FuzzChannels reads two channels with labels and groups: an error, or a set that bears use.
func FuzzChannels(f *testing.F) {
	f.Add([]byte("1 2\n3 4\n"), []byte("1;2\n3;4,5\n"), []byte("u\nv\n"), []byte("p\nq\n"), false)
	f.Add([]byte("0,1\n1,2\n3,4\n"), []byte(" 1e1 NaN\n 3 4 \n"), []byte("0,1,0\n0,0,1\n"), []byte("subject\n1\n2\n"), true)
	f.Add([]byte("1 2\n3 4\n"), []byte("1 2\n3\n"), []byte("a,b\n0,1\n1,0\n"), []byte("1\n2\n"), false)
	f.Fuzz(func(t *testing.T, one, two, labels, groups []byte, regression bool) {
		tab := &table{file: "d", o: Options{Regression: regression}.withDefaults(), labelsIn: map[string]string{}}
		r := &channelRows{x: []*side{{file: "a.txt", raw: one}, {file: "b.txt", raw: two}}, y: &side{file: "y.txt", raw: labels}, g: &side{file: "subject.txt", raw: groups}}
		if err := r.begin(tab.o); err != nil {
			return
		}
		c := &channelTables{names: []string{"a", "b"}}
		if err := tab.ofChannels("d", c, &channelPart{files: []string{"a.txt", "b.txt"}, labels: "y.txt", groups: "subject.txt"}, r, true); err != nil {
			return
		}
		tab.labelsIn[tab.file] = "y.txt"
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
