// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train/nn"
)

// Policies for empty cells.
const (
	EmptyPrevious = "previous" // the value before in the sequence, at its start the next one
	EmptyZero     = "zero"
	EmptyDrop     = "drop"  // the whole sequence
	EmptyError    = "error" // refuse the file
)

// set makes the table a set.
func (t *table) set() (*Set, error) {
	drop, err := t.fill()
	if err != nil {
		return nil, err
	}
	var sequences []sequence
	t.kept = nil
	for i, end := range t.ends() {
		if drop[i] {
			continue
		}
		s := sequence{first: t.starts[i], rows: end - t.starts[i], labels: t.labels[t.starts[i]:end]}
		if t.groups != nil {
			s.group = t.groups[i]
		}
		if t.o.RowSequences || !slices.ContainsFunc(s.labels, func(l string) bool { return !t.unlabelled(l) }) {
			if t.unlabelled(s.labels[0]) {
				drop[i] = true
				continue
			}
		}
		sequences, t.kept = append(sequences, s), append(t.kept, i)
	}
	unlabelled := 0
	for i := range drop {
		if drop[i] {
			unlabelled++
		}
	}
	if unlabelled > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d of %d sequences are left out: without a label, or with empty cells that nothing fills", unlabelled, len(t.starts)))
	}
	if len(sequences) == 0 {
		return nil, fmt.Errorf("%s: no sequence is left: every one of %d lacks a label or values", t.file, len(t.starts))
	}
	s := &Set{Name: t.file, n: len(sequences), Features: len(t.features), Notes: t.notes, origin: [2]string{t.file, t.file}}
	for _, f := range t.features {
		s.Columns = append(s.Columns, t.header[f])
	}
	if t.o.RowSequences {
		s.Notes = append(s.Notes, "every row is a sequence, and its steps are columns "+shown(s.Columns))
		if far := t.otherSize(); far >= 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("numbers of column %q are of another size than those of the others: if it is no step, leave it out with --ignore %s", s.Columns[far], s.Columns[far]))
		}
		s.Steps, s.Features, s.Columns = len(t.features), 1, nil
		for _, q := range sequences {
			s.values = append(s.values, t.values[q.first*s.Steps:(q.first+1)*s.Steps]...)
		}
	} else {
		if err := t.lay(s, sequences); err != nil {
			return nil, err
		}
	}
	if t.groups != nil {
		for _, q := range sequences {
			s.groups = append(s.groups, q.group)
		}
	}
	return t.withLabels(s, sequences)
}

// otherSize finds, where columns are steps of one feature, the one whose numbers are a hundred
// times as large as those of the column in the middle, as numbers of rows or persons are; -1
// where there is none.
func (t *table) otherSize() int {
	n := len(t.features)
	sizes := make([]float64, n)
	for i, v := range t.values {
		sizes[i%n] += math.Abs(float64(v))
	}
	sorted := slices.Sorted(slices.Values(sizes))
	if middle := sorted[(n-1)/2]; middle > 0 && sorted[n-1] > 100*middle {
		return slices.Index(sizes, sorted[n-1])
	}
	return -1
}

// sequence is some rows of a table.
type sequence struct {
	first, rows int
	labels      []string
	group       string
}

// fill fills empty cells by the policy and returns the sequences to drop.
func (t *table) fill() (drop []bool, err error) {
	drop = make([]bool, len(t.starts))
	n := len(t.features)
	filled := make([]int, n)
	for i, end := range t.ends() {
		for k := range n {
			last := float32(math.NaN())
			for row := t.starts[i]; row < end; row++ {
				v := &t.values[row*n+k]
				if *v == *v {
					if last != last { // the cells before had nothing before them
						for back := row - 1; back >= t.starts[i] && t.o.Empty == EmptyPrevious; back-- {
							t.values[back*n+k] = *v
						}
					}
					last = *v
					continue
				}
				filled[k]++
				switch t.o.Empty {
				case EmptyError:
					return nil, fmt.Errorf("%s: line %d: column %q is empty in this sequence: fill it, or say what to do with --empty previous, zero or drop", t.from[i], t.lines[i], t.header[t.features[k]])
				case EmptyDrop:
					drop[i] = true
				case EmptyZero:
					*v = 0
				default:
					*v = last
				}
			}
			if t.o.Empty == EmptyPrevious && last != last {
				drop[i] = true // nothing in the whole sequence
			}
		}
	}
	for k, count := range filled {
		if count > 0 {
			t.notes = append(t.notes, fmt.Sprintf("column %q has %d empty cells, treated by --empty %s", t.header[t.features[k]], count, t.o.Empty))
		}
	}
	return drop, nil
}

// lay copies the rows of the sequences into the set, all to one length: what is too short
// is padded in front, what is too long keeps its end.
func (t *table) lay(s *Set, sequences []sequence) error {
	longest, shortest := 0, math.MaxInt
	for _, q := range sequences {
		longest, shortest = max(longest, q.rows), min(shortest, q.rows)
	}
	s.Steps = longest
	if t.o.Length > 0 {
		s.Steps = t.o.Length
	}
	if shortest != longest || s.Steps != longest {
		s.lengths = make([]int32, len(sequences))
		s.Notes = append(s.Notes, fmt.Sprintf("sequences have %d to %d steps: all are brought to %d, the last ones; what is missing is padded in front", shortest, longest, s.Steps))
	}
	n := len(t.features)
	if err := askSequences(t.file, len(sequences), s.Steps, n); err != nil {
		return err
	}
	s.values = make([]float32, len(sequences)*s.Steps*n)
	for i, q := range sequences {
		count := min(q.rows, s.Steps)
		if s.lengths != nil {
			s.lengths[i] = int32(count)
		}
		copy(s.values[((i+1)*s.Steps-count)*n:(i+1)*s.Steps*n], t.values[(q.first+q.rows-count)*n:])
	}
	return nil
}

// askSequences asks for the memory of n sequences that are brought to one length: a long one
// makes all others as long.
func askSequences(file string, n, steps, width int) error {
	return budget.Ask(fmt.Sprintf("%s: bringing %d sequences to %d steps each (--length takes fewer)", file, n, steps), budget.Times(4, int64(n), int64(steps), int64(width)))
}

// labelled gives the set its labels: one a sequence, or one a step where they change.
func (t *table) withLabels(s *Set, sequences []sequence) (*Set, error) {
	for _, q := range sequences {
		first := ""
		for _, l := range q.labels {
			if t.unlabelled(l) {
				continue
			}
			if first == "" {
				first = l
			}
			s.PerStep = s.PerStep || l != first
		}
	}
	s.PerStep = s.PerStep && !t.o.RowSequences
	var rows []string // "" where there is no label: padding, an empty cell
	var at []int      // the row of each
	for _, q := range sequences {
		if !s.PerStep {
			first := slices.IndexFunc(q.labels, func(l string) bool { return !t.unlabelled(l) })
			rows, at = append(rows, q.labels[first]), append(at, q.first+first)
			continue
		}
		count := min(q.rows, s.Steps)
		for range s.Steps - count {
			rows, at = append(rows, ""), append(at, 0)
		}
		for k, l := range q.labels[q.rows-count:] {
			if t.unlabelled(l) {
				l = ""
			}
			rows, at = append(rows, l), append(at, q.first+q.rows-count+k)
		}
	}
	if t.o.Regression {
		s.Task, s.Outputs = nn.Regression, max(len(t.label), 1)
		for i, l := range rows {
			if l == "" {
				s.masked = true
				for range s.Outputs {
					s.targets = append(s.targets, float32(math.NaN()))
				}
				continue
			}
			for _, part := range strings.Split(l, labelSeparator) {
				v, ok := t.number(part)
				if !ok {
					return nil, fmt.Errorf("%s: %s holds %q, expected a number to predict%s", t.labelAt(at[i]), t.labelled(), part, t.grouped(part))
				}
				s.targets = append(s.targets, v)
			}
		}
		return checked(s)
	}
	var names []string
	for _, l := range rows {
		if l != "" {
			names = append(names, l)
		}
	}
	s.Classes = classNames(names)
	if err := t.numbers(s); err != nil {
		return nil, err
	}
	if s.Outputs = len(s.Classes); s.Outputs > maxClasses {
		return nil, fmt.Errorf("%s: %d different labels, expected at most %d: if they are numbers to predict, ask for a regression", t.file, s.Outputs, maxClasses)
	}
	number := map[string]int32{"": noLabel}
	for i, c := range s.Classes {
		number[c] = int32(i)
	}
	for _, l := range rows {
		s.labels = append(s.labels, number[l])
	}
	return checked(s)
}

// fewClasses and fewFractions are how many classes may be numbers before they look like amounts:
// any, and those of which some have fractions.
const (
	fewClasses   = 20
	fewFractions = 10
)

// numbers refuses classes that are measured values, and notes those that could be.
func (t *table) numbers(s *Set) error {
	classes := s.Classes
	broken, all := t.fractions(classes)
	if !all {
		return nil
	}
	if len(broken) > 0 && len(classes) > fewFractions {
		return fmt.Errorf("%s: %s has %d different numbers with fractions, as %s: say --regression to predict them, or name the column with the classes with --label-column", t.file, t.labelled(), len(classes), broken[len(broken)/2])
	}
	if len(broken) > 0 || len(classes) > fewClasses {
		s.Notes = append(s.Notes, fmt.Sprintf("the labels are numbers, and taken for %d classes: --regression predicts them as amounts", len(classes)))
	}
	return nil
}

// fractions returns the names that are no whole numbers, and whether all are numbers.
func (d dialect) fractions(names []string) (broken []string, all bool) {
	for _, n := range names {
		if _, ok := d.number(n); !ok {
			return nil, false
		}
		if _, err := strconv.Atoi(n); err != nil {
			broken = append(broken, n)
		}
	}
	return broken, true
}

// twice returns two names that are one number, written in two ways; else nothing.
func (d dialect) twice(names []string) (a, b string) {
	seen := map[float64]string{}
	for _, n := range names {
		v, ok := d.exact(n)
		if !ok {
			continue
		}
		if old, ok := seen[v]; ok && old != n {
			return old, n
		}
		seen[v] = n
	}
	return "", ""
}

func oneNumber(a, b string) error {
	return fmt.Errorf("the labels %q and %q are one number, and would be two classes: write it in one way", a, b)
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
