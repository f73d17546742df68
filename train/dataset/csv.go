package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/train/nn"
)

// openCSV reads a table with a row for each step: a column with the sequence's id,
// a column with the label, and the features in all other columns, in their order.
// Rows of a sequence follow each other; all sequences have the same length. Where
// the label changes within a sequence, the set has a label for every step.
func openCSV(file string, o Options) (*Set, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return readCSV(file, raw, o)
}

// table is a CSV file in the making.
type table struct {
	file     string
	id, name int // columns of the sequence and the label
	features []int
	columns  []string // their names
	values   []float32
	labels   []string // of each row
	starts   []int    // first row of each sequence
	lines    []int    // line of that row
}

func readCSV(file string, raw []byte, o Options) (*Set, error) {
	t := table{file: file, id: -1, name: -1}
	r := csv.NewReader(bytes.NewReader(raw))
	r.TrimLeadingSpace = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: no header row: %w", file, err)
	}
	o = o.withDefaults()
	sequence, label := o.Sequence, o.Label
	for i, h := range header {
		switch h = strings.TrimPrefix(h, "\ufeff"); h {
		case sequence:
			t.id = i
		case label:
			t.name = i
		default:
			t.features, t.columns = append(t.features, i), append(t.columns, h)
		}
	}
	if t.id < 0 || t.name < 0 || len(t.features) == 0 {
		return nil, fmt.Errorf("%s: columns %q; expected one named %q (the sequence of the row), one named %q, and at least one feature", file, header, sequence, label)
	}
	if err := t.read(r); err != nil {
		return nil, err
	}
	return t.set(o.Regression)
}

func (t *table) read(r *csv.Reader) error {
	seen := map[string]bool{}
	last := ""
	for row := 0; ; row++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.file, err)
		}
		line, _ := r.FieldPos(0)
		if id := record[t.id]; row == 0 || id != last {
			if seen[id] {
				return fmt.Errorf("%s: line %d: sequence %q appears again after another one: the rows of a sequence must follow each other", t.file, line, id)
			}
			seen[id], last = true, id
			t.starts, t.lines = append(t.starts, row), append(t.lines, line)
		}
		for _, f := range t.features {
			v, err := strconv.ParseFloat(strings.TrimSpace(record[f]), 32)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%s: line %d: column %d holds %q, expected a finite number", t.file, line, f+1, record[f])
			}
			t.values = append(t.values, float32(v))
		}
		t.labels = append(t.labels, strings.TrimSpace(record[t.name]))
	}
}

func (t *table) set(regression bool) (*Set, error) {
	if len(t.starts) == 0 {
		return nil, fmt.Errorf("%s: no rows after the header", t.file)
	}
	s := &Set{Name: t.file, n: len(t.starts), Features: len(t.features), values: t.values, Columns: t.columns, origin: [2]string{t.file, t.file}}
	ends := append(t.starts[1:], len(t.labels))
	s.Steps = ends[0]
	for i, end := range ends {
		if n := end - t.starts[i]; n != s.Steps {
			return nil, fmt.Errorf("%s: line %d: the sequence that begins here has %d steps, the first one has %d: all must have the same length", t.file, t.lines[i], n, s.Steps)
		}
		for _, l := range t.labels[t.starts[i]:end] {
			s.PerStep = s.PerStep || l != t.labels[t.starts[i]]
		}
	}
	rows := t.labels
	if !s.PerStep {
		rows = nil
		for _, at := range t.starts {
			rows = append(rows, t.labels[at])
		}
	}
	if regression {
		s.Task, s.Outputs = nn.Regression, 1
		for i, l := range rows {
			v, err := strconv.ParseFloat(l, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: label %d is %q, expected a number", t.file, i, l)
			}
			s.targets = append(s.targets, float32(v))
		}
		return checked(s)
	}
	s.Classes = classNames(rows)
	if s.Outputs = len(s.Classes); s.Outputs > maxClasses {
		return nil, fmt.Errorf("%s: %d different labels, expected at most %d: if they are numbers to predict, ask for a regression", t.file, s.Outputs, maxClasses)
	}
	number := map[string]int32{}
	for i, c := range s.Classes {
		number[c] = int32(i)
	}
	for _, l := range rows {
		s.labels = append(s.labels, number[l])
	}
	return checked(s)
}

// classNames returns the different labels in order: by value where all are
// integers, else alphabetically.
func classNames(labels []string) []string {
	names := slices.Clone(labels)
	slices.Sort(names)
	names = slices.Compact(names)
	integers := true
	value := func(s string) int {
		v, err := strconv.Atoi(s)
		integers = integers && err == nil
		return v
	}
	for _, n := range names {
		value(n)
	}
	if integers {
		slices.SortFunc(names, func(a, b string) int { return value(a) - value(b) })
	}
	return names
}
