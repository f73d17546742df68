// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// described opens a set and returns what is said of it.
func described(t *testing.T, path string, o Options) string {
	t.Helper()
	train, test, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	Describe(train, nil, test, func(line string) { said = append(said, line) })
	return strings.Join(said, "\n")
}

// written writes a file and returns its path.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What makes figures better than those of new data is said before training, and nothing is said of
// data without it.
func TestLeaks(t *testing.T) {
	long := make([]float64, 1000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range long {
		long[i] = r.NormFloat64()
	}
	for _, c := range []struct {
		name       string
		start      func(s int) int // of a sequence in the long recording
		extra      func(s, step int) string
		regression bool
		by         string
		want       string
	}{
		{"nothing", func(s int) int { return 12 * s }, nil, false, "", ""},
		{"copies", func(s int) int { return 12 * (s / 2) }, nil, false, ByTime, ""},
		{"copies, drawn", func(s int) int { return 12 * (s % 20) }, nil, false, "", "test sequences are in the training part, too"},
		{"windows", func(s int) int { return 4 * s }, nil, false, "", "rows in a row that sequences of the training part have"},
		{"windows, divided by time", func(s int) int { return 4 * s }, nil, false, ByTime, ""},
		{"a number of the class", func(s int) int { return 12 * s }, func(s, _ int) string { return fmt.Sprint(7 - s%2) }, false, "", `feature "extra" alone tells the class`},
		{"a flag that is no class", func(s int) int { return 12 * s }, func(s, step int) string { return fmt.Sprint((s/2 + step) % 2) }, false, "", ""},
		{"the target in other units", func(s int) int { return 12 * s }, func(s, step int) string { return fmt.Sprint(5 - 40*math.Sin(float64(12*s+step))) }, true, "", `feature "extra" is what is to be predicted`},
		{"another number", func(s int) int { return 12 * s }, func(s, step int) string { return fmt.Sprint(math.Cos(float64(12*s + step))) }, true, "", ""},
	} {
		var b strings.Builder
		b.WriteString("sequence,label,x,extra\n")
		for s := range 40 {
			for step := range 12 {
				label, extra := fmt.Sprintf("c%d", s%2), fmt.Sprint(long[c.start(s)+step]/2)
				if c.regression {
					label = fmt.Sprint(math.Sin(float64(12*s + step)))
				}
				if c.extra != nil {
					extra = c.extra(s, step)
				}
				fmt.Fprintf(&b, "%d,%s,%v,%s\n", s, label, long[c.start(s)+step], extra)
			}
		}
		said := described(t, written(t, "t.csv", b.String()), Options{Regression: c.regression, By: c.by})
		if c.want == "" && strings.Contains(said, "warning:") || !strings.Contains(said, c.want) {
			t.Errorf("%s: expected %q in\n%s", c.name, c.want, said)
		}
	}
}

// A folder with a table for every sequence, in a folder that is its class: with names of columns
// or without, with a part to test, of people that are in one part alone.
func TestFolderOfTables(t *testing.T) {
	for _, c := range []struct {
		name   string
		path   string // of table %d of class %s
		header string
		o      Options
		want   string
		test   int
	}{
		{"named", "%[2]s/%02[1]d.csv", "time,ax,ay\n", Options{}, `column "time" is taken for the time`, 4},
		{"without names", "%[2]s/%02[1]d.csv", "", Options{}, "have no names of columns", 4},
		{"tabs and decimal commas", "%[2]s/%02[1]d.tsv", "time\tax\tay\n", Options{}, "decimals behind a comma", 4},
		{"parts", "%[3]s/%[2]s/%02[1]d.csv", "time,ax,ay\n", Options{}, "are taken for parts", 10},
		{"people", "%[2]s/%02[1]d.csv", "time,ax,ay\n", Options{Sounds: Sounds{Group: `/(\d)\d\.csv`}}, "parts have groups of their own", 10},
	} {
		dir := t.TempDir()
		for i := range 20 {
			var b strings.Builder
			b.WriteString(c.header)
			for step := range 5 + i%3 {
				line := fmt.Sprintf("%d,%.3f,%.3f\n", step, float64(step+i)/8, float64(step*i%7)+0.5)
				if strings.Contains(c.header, "\t") {
					line = strings.ReplaceAll(strings.ReplaceAll(line, ",", "\t"), ".", ",")
				}
				b.WriteString(line)
			}
			file := filepath.Join(dir, filepath.FromSlash(fmt.Sprintf(c.path+"%.[3]s", i, []string{"up", "down"}[i%2], []string{"train", "test"}[i/10])))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		train, test, err := Open(dir, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		width := 2
		if c.header == "" {
			width = 3 // nobody says that the first one is the time
		}
		if train.Len()+test.Len() != 20 || test.Len() != c.test || train.Features != width || train.Steps != 7 || !slices.Equal(train.Classes, []string{"down", "up"}) {
			t.Errorf("%s: %d and %d sequences of %d steps, %d features, classes %q", c.name, train.Len(), test.Len(), train.Steps, train.Features, train.Classes)
		}
		if said := described(t, dir, c.o); !strings.Contains(said, c.want) {
			t.Errorf("%s: expected %q in\n%s", c.name, c.want, said)
		}
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a/0.csv": "x,y\n1,2\n", "b/0.csv": "x,z\n1,2\n"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), `all tables must have the same`) {
		t.Errorf("tables of other columns: error %v", err)
	}
	if _, _, err := Open(dir, Options{Label: "x"}); err == nil || !strings.Contains(err.Error(), "--label-column is for one table") {
		t.Errorf("a label column: error %v", err)
	}
}

// Sequences that two columns tell together, and numbers to predict in two columns.
func TestSeveralColumns(t *testing.T) {
	var b strings.Builder
	b.WriteString("subject;trial;x;cost;gain\n")
	for s := range 20 {
		for step := range 4 {
			fmt.Fprintf(&b, "p%d;%d;%d,5;%d;%d\n", s/2, s%2, step*s, s, 1000-7*s)
		}
	}
	file := written(t, "t.csv", b.String())
	o := Options{SequenceColumn: "subject,trial", Label: "cost,gain", Regression: true}
	train, test, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	if train.Len()+test.Len() != 20 || train.Steps != 4 || train.Features != 1 || train.Outputs != 2 || train.PerStep {
		t.Fatalf("%d and %d sequences of %d steps of %d features, %d outputs", train.Len(), test.Len(), train.Steps, train.Features, train.Outputs)
	}
	x, y := make([]float32, 4), make([]float32, 2)
	for i := range train.Len() {
		train.Sample(i, x)
		train.Target(i, y)
		if s := y[0]; y[1] != 1000-7*s || x[3] != 3*s+0.5 && x[3] != 3*s+5 && x[3]-0.5 != 3*s {
			t.Errorf("sequence %d: targets %v of features %v", i, y, x)
		}
	}
	for want, o := range map[string]Options{
		"say --regression":                {SequenceColumn: "subject,trial", Label: "cost,gain"},
		"name both columns":               {SequenceColumn: "trial", Label: "cost", Regression: true},
		`no column is named "run"`:        {SequenceColumn: "subject,run", Label: "cost", Regression: true},
		"expected names of columns, each": {SequenceColumn: "trial,trial", Label: "cost", Regression: true},
		"by --features and by --ignore":   {SequenceColumn: "subject,trial", Label: "cost", Regression: true, Features: []string{"x"}, Ignore: []string{"x"}},
		"that column is the label":        {SequenceColumn: "subject,trial", Label: "cost", Regression: true, Group: "cost"},
	} {
		if _, _, err := Open(file, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, expected %q", o, err, want)
		}
	}
}
