// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// maxCSV bounds a CSV file: its values are kept in memory.
const maxCSV = 2 << 30

// openCSV reads a table with a row for each step: a column with the sequence's id, one
// with the label, and features in the others, in their order. Separator and decimal
// sign are found by looking. Rows of a sequence follow each other; sequences of different
// lengths are padded in front. Where the label changes within a sequence, the set has a
// label for every step. With Options.RowSequences every row is a sequence of one feature.
// A column that says which part a sequence is in divides them.
func openCSV(file string, o Options) (train, test *Set, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() > maxCSV {
		return nil, nil, fmt.Errorf("%s: %.1f GB, and at most %.0f GB of text are read into memory: keep fewer rows, or make x.npy and y.npy of it", file, float64(info.Size())/1e9, float64(maxCSV)/1e9)
	}
	if err := budget.Ask(file, max(info.Size(), tableBytes(f, info.Size()))); err != nil {
		return nil, nil, err
	}
	in := io.Reader(f)
	if plain := unpacked(file); plain != file {
		if in, err = unpack(file, f, info.Size()); err != nil {
			return nil, nil, err
		}
	} else if !info.Mode().IsRegular() {
		raw, err := budget.ReadAll(file, f)
		if err != nil {
			return nil, nil, err
		}
		in = bytes.NewReader(raw)
	}
	t, all, err := readTable(file, in, o)
	if err != nil {
		return nil, nil, err
	}
	return t.divide(all)
}

// tableBytes estimates from the first rows of a file what all of them take in memory: a number
// of four bytes for every cell and a label for every row, once more while a list grows.
func tableBytes(f io.ReaderAt, size int64) int64 {
	head := make([]byte, min(size, sniffed))
	n, _ := f.ReadAt(head, 0)
	head = head[:n]
	rows := int64(bytes.Count(head, []byte("\n"))) - 1 // without the header
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	first := bytes.IndexByte(head, '\n')
	if rows < 1 || first < 0 {
		return 0
	}
	columns := int64(len(cells(head[:first], sniff(head, 0).separator)))
	const label = 44
	return budget.Times(size, 2*rows*(4*columns+label)) / int64(len(head)-first)
}

// table is a CSV file in the making.
type table struct {
	file string
	*columns
	dialect
	o      Options
	notes  []string
	values []float32 // candidates of features of every row; NaN where the cell is empty
	text   []string  // of each candidate, the first cell that is no number …
	line   []int     // … and its line
	read   []bool    // a number was seen
	truth  []bool    // … or true or false
	blank  int       // rows without anything
	course []course  // of each candidate
	lone   int       // line of the first row, where it holds text and no number; else 0
	labels []string  // of each row …
	at     []int32   // … and its line
	groups []string  // of each sequence
	starts []int     // first row of each sequence
	lines  []int     // line of that row …
	from   []string  // … and the file that it is in
	within []string  // of each candidate, the file of line
	above  int       // lines in front of the header

	labelsIn map[string]string // of tables whose labels are in another one, that one

	parted

	kept    []int // the sequences that are in the set
	ignored bool  // a row has the label that does not count
}

func readTable(file string, in io.Reader, o Options) (*table, *Set, error) {
	o = o.withDefaults()
	t := &table{file: file, o: o}
	r, header, err := t.begin(in)
	if err != nil {
		return nil, nil, err
	}
	if err := t.arranged(header); err != nil {
		return nil, nil, err
	}
	if err := t.rows(r, nil); err != nil {
		return nil, nil, err
	}
	if len(t.starts) == 0 {
		return nil, nil, fmt.Errorf("%s: no rows after the header", file)
	}
	s, err := t.finish()
	return t, s, err
}

// arranged finds out what the columns are, and makes room for their values.
func (t *table) arranged(header []string) (err error) {
	if t.columns, t.notes, err = arrange(t.file, header, t.o); err != nil {
		if t.nameless(header) {
			return fmt.Errorf("%s: the first line holds values, %s, and no names of columns: name them, for --label-column and --sequence-column (or --row-sequences where every row is a sequence); as 0, 1, 2 and so on: %s", t.file, shown(trimmed(header)), t.named())
		}
		return err
	}
	if err := t.unclear(t.file, t.o); err != nil {
		return err
	}
	t.asRead()
	t.prepare()
	return nil
}

// nameless reports whether a first row holds values: names are whole numbers at most, each once.
func (t *table) nameless(header []string) bool {
	seen := map[string]bool{}
	for _, h := range trimmed(header) {
		if _, ok := t.number(h); ok && (seen[h] || strings.ContainsAny(h, ".,-+eE")) {
			return true
		}
		seen[h] = true
	}
	return false
}

// begin finds out how a file is written, and reads its first row.
func (t *table) begin(in io.Reader) (r *csv.Reader, header []string, err error) {
	b := bufio.NewReaderSize(in, sniffed)
	head, err := b.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: %w", t.file, err)
	}
	if bytes.HasPrefix(head, []byte(byteOrderMark)) {
		b.Discard(len(byteOrderMark))
		head = head[len(byteOrderMark):]
	}
	if err := checkText(t.file, head); err != nil {
		return nil, nil, err
	}
	separator, n := separatorLine(head)
	b.Discard(n)
	t.dialect, t.above = sniff(head[n:], separator), bytes.Count(head[:n], []byte("\n"))
	if r = csv.NewReader(b); t.separator == byBlanks {
		r = csv.NewReader(&squeezed{in: b})
	}
	r.Comma, r.TrimLeadingSpace, r.ReuseRecord = t.separator, t.separator != '\t' && t.separator != byBlanks, true
	header, err = r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s: no header row: the file is empty", t.file)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: no header row: %w", t.file, err)
	}
	return r, header, nil
}

// prepare makes room for what is kept of every candidate.
func (t *table) prepare() {
	t.text, t.line, t.read = make([]string, len(t.features)), make([]int, len(t.features)), make([]bool, len(t.features))
	t.truth = make([]bool, len(t.features))
	t.course, t.within = make([]course, len(t.features)), make([]string, len(t.features))
	for k, f := range t.features {
		t.course[k] = course{timed: slices.Contains(t.timed, f), falls: -1}
	}
}

// finish makes the set of the rows that were read.
func (t *table) finish() (*Set, error) {
	if !t.ignored && t.o.IgnoreLabel != "" {
		return nil, noIgnored(t.file, t.o.IgnoreLabel, fmt.Sprintf("%s has %s", t.labelled(), some(t.labels)))
	}
	if err := t.disagree(); err != nil {
		return nil, err
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	if err := t.checkLabels(); err != nil {
		return nil, err
	}
	return t.set()
}

// labelled says where labels come from.
func (t *table) labelled() string {
	if len(t.label) == 0 {
		return "the folder"
	}
	names := make([]string, len(t.label))
	for i, c := range t.label {
		names[i] = fmt.Sprintf("%q", t.header[c])
	}
	return "column " + strings.Join(names, " and ")
}

// rows reads the file to its end: as one sequence, where whole is what is known of it.
func (t *table) rows(r rowReader, whole *recording) error {
	seen := map[string]bool{}
	last := ""
	t.lone = 0
	for first := len(t.labels); ; {
		row := len(t.labels)
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			t.endFile()
			return nil
		}
		if named := (said{}); errors.As(err, &named) {
			return named.error
		}
		if err != nil {
			return rowError(t.file, t.above, t.header, record, err)
		}
		line, _ := r.FieldPos(0)
		line += t.above
		if !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			t.blank++ // spreadsheets leave such behind the last row
			continue
		}
		if t.repeats(record) {
			return fmt.Errorf("%s: line %d has the names of the columns again, as files have that were put together: remove the line", t.file, line)
		}
		if err := t.units(record, row-first, line); err != nil {
			return err
		}
		id := fmt.Sprint(row)
		if whole != nil {
			id = whole.path
		}
		for i, c := range t.sequence {
			part := strings.TrimSpace(strings.Clone(record[c]))
			if part == "" {
				return fmt.Errorf("%s: line %d: column %q is empty: every row needs its sequence%s", t.file, line, t.header[c], t.unitsHint(line))
			}
			if strings.ContainsRune(part, 0) {
				return fmt.Errorf("%s: line %d: a byte 0 in column %q: the file is damaged", t.file, line, t.header[c])
			}
			if i == 0 {
				id = part
			} else {
				id += "\x00" + part
			}
		}
		begins := row == first || id != last
		if begins {
			if seen[id] {
				sort := "; else sort the rows: " + t.sorted()
				if len(t.labelsIn) > 0 {
					sort = "; else sort the rows" // rows of two tables belong together as they stand
				}
				return fmt.Errorf("%s: line %d: sequence %q appears again after another one: the rows of a sequence must follow each other; where numbers begin anew for every person or file, name both columns, as --sequence-column subject,trial%s", t.file, line, strings.ReplaceAll(id, "\x00", ","), sort)
			}
			seen[id], last = true, id
			t.starts, t.lines, t.from = append(t.starts, row), append(t.lines, line), append(t.from, t.file)
			if whole != nil && whole.group != "" {
				t.groups = append(t.groups, whole.group)
			}
			if t.group >= 0 {
				t.groups = append(t.groups, strings.TrimSpace(strings.Clone(record[t.group])))
			}
		} else if t.group >= 0 && strings.TrimSpace(record[t.group]) != t.groups[len(t.groups)-1] {
			return fmt.Errorf("%s: line %d: sequence %q is in group %q and in group %q: a sequence belongs to one group", t.file, line, id, t.groups[len(t.groups)-1], record[t.group])
		}
		if err := t.see(t, record, begins, line); err != nil {
			return err
		}
		for k, f := range t.features {
			v, ok := t.feature(k, record[f])
			t.course[k].see(t.dialect, record[f], v, ok, begins, row)
			switch {
			case ok:
				t.read[k] = true
			case isEmpty(record[f]):
				v = float32(math.NaN())
			default:
				if t.line[k] == 0 {
					t.text[k], t.line[k], t.within[k] = strings.Clone(record[f]), line, t.file
				}
				v = float32(math.NaN())
			}
			t.values = append(t.values, v)
		}
		label := ""
		if whole != nil {
			label = whole.label
		}
		for i, c := range t.label {
			cell := strings.TrimSpace(strings.Clone(record[c]))
			if i == 0 {
				label = cell
			} else if label += labelSeparator + cell; isEmpty(cell) {
				label = "" // a step has all its numbers, or none
				break
			} else if isEmpty(label[:strings.Index(label, labelSeparator)]) {
				label = ""
				break
			}
		}
		if label == t.o.IgnoreLabel {
			t.ignored = t.ignored || label != ""
			label = ""
		}
		at := line
		if len(t.label) > 0 {
			at, _ = r.FieldPos(t.label[0])
			at += t.above
		}
		t.labels, t.at = append(t.labels, label), append(t.at, int32(min(at, math.MaxInt32)))
	}
}

// endFile ends what is known of the rows of one file.
func (t *table) endFile() {
	for k := range t.course {
		if t.files {
			t.course[k].own.end()
		}
	}
}

// labelAt says in which file and line the label of a row is.
func (t *table) labelAt(row int) string {
	file := t.from[t.sequenceOf(row)]
	if other, apart := t.labelsIn[file]; apart {
		file = other
	}
	return fmt.Sprintf("%s: line %d", file, t.at[row])
}

// labelSeparator is between the numbers of a label of several columns.
const labelSeparator = "\x00"

// settle drops the candidates that are times and refuses those that are text.
func (t *table) settle() error {
	keep := make([]bool, len(t.features))
	for k, f := range t.features {
		name := t.header[f]
		keep[k] = true
		timed := slices.Contains(t.timed, f)
		if f == t.split && t.divides() {
			keep[k] = false
			continue
		}
		c := &t.course[k]
		sure := slices.Contains(surelyTimes, plainName(name))
		if timed && sure && c.unread == "" && c.falls >= 0 {
			return fmt.Errorf("%s: line %d: in the sequence that begins here column %q goes back from %s to %s: the rows of a sequence must be in the order of time; sort them, or say --ignore %s, or name the features with --features if it is one", t.from[t.sequenceOf(c.falls)], t.lines[t.sequenceOf(c.falls)], name, c.from, c.to, name)
		}
		switch {
		case timed && (t.line[k] != 0 || c.rises() || sure && c.grew):
			keep[k] = false
			note := fmt.Sprintf("column %q is taken for the time, not for a feature (--features names features)", name)
			if c.unread != "" {
				form := "no known form"
				if c.form != "" || c.numbers {
					form = "another form than cells before it, or in none that is known"
				}
				note += fmt.Sprintf("; %q is in %s, so that the order of rows is not checked by it", c.unread, form)
			}
			t.notes = append(t.notes, note)
		case t.line[k] != 0 && !t.read[k] && !t.chosen:
			return fmt.Errorf("%s: line %d: column %q holds text, %q: leave it out with --ignore %s, or write it as numbers%s", t.within[k], t.line[k], name, t.text[k], name, t.grouped(t.text[k]))
		case t.line[k] != 0:
			return fmt.Errorf("%s: line %d: column %d holds %q, expected a finite number%s", t.within[k], t.line[k], f+1, t.text[k], t.grouped(t.text[k]))
		case !t.read[k]:
			keep[k] = false
			t.notes = append(t.notes, fmt.Sprintf("column %q is empty and left out", name))
		case timed:
			t.notes = append(t.notes, fmt.Sprintf("column %q does not grow from row to row, and is read as a feature (--ignore %s leaves it out)", name, name))
		case !t.chosen && c.numbersRows() && len(t.starts) > 1:
			keep[k] = false
			t.notes = append(t.notes, fmt.Sprintf("column %q numbers the rows of the file%s and is left out (--features names features)", name, c.all.inOrder()))
		case t.truth[k]:
			t.notes = append(t.notes, fmt.Sprintf("column %q holds true and false: they are read as 1 and 0", name))
		case !t.o.RowSequences && c.rises() && len(t.starts) > 2:
			t.notes = append(t.notes, fmt.Sprintf("column %q rises from row to row in every sequence: if it is the time, leave it out with --ignore %s", name, name))
		}
	}
	if t.blank > 0 {
		t.notes = append(t.notes, fmt.Sprintf("rows without anything in any cell are left out: %d", t.blank))
	}
	if !slices.Contains(keep, true) {
		return fmt.Errorf("%s: no column is left for features", t.file)
	}
	n := len(t.features)
	kept := t.values[:0]
	for i, v := range t.values {
		if keep[i%n] {
			kept = append(kept, v)
		}
	}
	t.values = kept
	var features []int
	for k, f := range t.features {
		if keep[k] {
			features = append(features, f)
		}
	}
	t.features = features
	return nil
}

// feature reads a number, or true and false, of candidate k.
func (t *table) feature(k int, cell string) (float32, bool) {
	if v, ok := t.number(cell); ok {
		return v, true
	}
	v, ok := truth(cell)
	t.truth[k] = t.truth[k] || ok
	return v, ok
}

// truth reads what programs write for a boolean.
func truth(cell string) (float32, bool) {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	return 0, false
}

// sequenceOf is the sequence of a row.
func (t *table) sequenceOf(row int) int {
	i, found := slices.BinarySearch(t.starts, row)
	if !found {
		i--
	}
	return i
}

// ends returns the row after the last of every sequence.
func (t *table) ends() []int { return append(slices.Clone(t.starts[1:]), len(t.labels)) }
