// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// rowReader gives the rows of a table, and where in its file a cell of the last one is.
type rowReader interface {
	Read() ([]string, error)
	FieldPos(field int) (line, column int)
}

// side is one of the two tables that are read as one, that of samples or that of labels.
type side struct {
	file  string
	raw   []byte
	first []string // row, names or not
	count int      // rows with the first one, without those at the end that hold nothing
	dialect
	above int

	cells [][]string // of labels: every row …
	lines []int      // … and its line
}

// begin begins to read the file anew.
func (s *side) begin() (*csv.Reader, error) {
	t := &table{file: s.file}
	r, header, err := t.begin(bytes.NewReader(s.raw))
	if err != nil {
		return nil, err
	}
	s.dialect, s.above = t.dialect, t.above
	if s.first == nil {
		s.first = make([]string, len(header))
		for i, h := range trimmed(header) {
			s.first[i] = strings.Clone(h)
		}
	}
	return r, nil
}

// look reads all of the file: keep says whether its cells are kept.
func (s *side) look(keep bool) error {
	if err := budget.Ask(s.file, tableBytes(bytes.NewReader(s.raw), int64(len(s.raw)))); err != nil {
		return err
	}
	r, err := s.begin()
	if err != nil {
		return err
	}
	record := s.first
	for row := 0; ; row++ {
		// A lone cell is never nothing: it is a value or a label that is missing.
		if len(record) == 1 || slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			s.count = row + 1
		}
		if keep {
			line, _ := r.FieldPos(0)
			own := make([]string, len(record))
			for i, cell := range record {
				own[i] = strings.Clone(strings.TrimSpace(cell))
			}
			s.cells, s.lines = append(s.cells, own), append(s.lines, line+s.above)
		}
		if record, err = r.Read(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return rowError(s.file, s.above, s.first, record, err)
		}
	}
}

// rows is how many rows there are beside that of the names.
func (s *side) rows(named bool) int {
	if named {
		return s.count - 1
	}
	return s.count
}

// mayBeNamed says whether the first row holds names, and where it can be either, the more likely
// first.
func (s *side) mayBeNamed() []bool {
	t := &table{dialect: s.dialect}
	counted := slices.Equal(s.first, numbered(len(s.first))) // as pandas names columns of arrays
	switch {
	case counted && len(s.first) > 1:
		return []bool{true, false}
	case counted:
		return []bool{false, true}
	case t.bare(s.first):
		return []bool{false}
	case len(s.first) > 1 || s.cells == nil || slices.Contains(labelNames, strings.ToLower(s.first[0])):
		return []bool{true}
	}
	for _, cells := range s.cells[1:] {
		if len(cells) > 0 && cells[0] == s.first[0] {
			return []bool{true, false} // a label that is another row's as well
		}
	}
	return []bool{true}
}

// names returns the names of the columns; sides without any have numbers.
func (s *side) names(named bool) []string {
	if named {
		return s.first
	}
	return numbered(len(s.first))
}

// joined reads the rows of samples, each with the cells of its labels behind it.
type joined struct {
	x, y    *side
	r       *csv.Reader
	named   bool // a row of names is in front of the samples
	row     int  // of samples, the next one
	current int  // the row of labels of the last one
	line    int

	take   []int    // columns of labels that are behind those of samples
	shared [][2]int // columns that both have, which must agree

	key     []int // the columns of samples that tell sequences; nil where labels go row by row
	byKey   map[string]int
	last    string
	begun   bool
	used    int
	labels  int // the first row of labels
	out     []string
	g       *side // of groups, a row for each of labels or of samples; nil where there are none
	ofRows  bool  // for each of samples
	groups  int   // the first row of groups
	convert bool  // numbers of labels have a comma, and those of samples a point
}

// said is an error that names its file.
type said struct{ error }

func (j *joined) Read() ([]string, error) {
	if j.row >= j.x.rows(j.named) {
		if j.byKey == nil && j.key != nil && j.used != len(j.y.cells[j.labels:]) || j.byKey != nil && j.used != len(j.byKey) {
			return nil, said{fmt.Errorf("%s: %d rows, and %s has %d sequences: expected a row for each", j.y.file, len(j.y.cells[j.labels:]), filepath.Base(j.x.file), j.used)}
		}
		return nil, io.EOF
	}
	record := j.x.first
	if j.row > 0 || j.named {
		var err error
		if record, err = j.r.Read(); err != nil {
			return nil, said{rowError(j.x.file, j.x.above, j.x.first, record, err)}
		}
	}
	line, _ := j.r.FieldPos(0)
	j.line = line + j.x.above
	if err := j.turn(record); err != nil {
		return nil, said{err}
	}
	j.row++
	y := j.y.cells[j.current]
	for _, c := range j.shared {
		if a, b := strings.TrimSpace(record[c[0]]), y[c[1]]; a != b {
			return nil, said{fmt.Errorf("%s: line %d: column %q is %q, and in its row of labels, %s line %d, it is %q: the rows are in another order, or not of the same samples",
				j.x.file, j.line, j.x.first[c[0]], a, filepath.Base(j.y.file), j.y.lines[j.current], b)}
		}
	}
	j.out = append(j.out[:0], record...)
	for _, c := range j.take {
		cell := y[c]
		if j.convert && decimalComma.MatchString(cell) {
			cell = strings.Replace(cell, ",", ".", 1)
		}
		j.out = append(j.out, cell)
	}
	if j.g != nil {
		of := j.current - j.labels
		if j.ofRows {
			of = j.row - 1
		}
		j.out = append(j.out, j.g.cells[j.groups+of][0])
	}
	return j.out, nil
}

// turn finds the row of labels of the next one of samples.
func (j *joined) turn(record []string) error {
	if j.key == nil {
		j.current = j.labels + j.row
		return nil
	}
	id := keyOf(record, j.key)
	if j.begun && id == j.last {
		return nil
	}
	j.begun, j.last = true, id
	if j.byKey == nil {
		if j.current = j.labels + j.used; j.current >= len(j.y.cells) {
			return fmt.Errorf("%s: line %d: a sequence begins for which %s has no row", j.x.file, j.line, filepath.Base(j.y.file))
		}
		j.used++
		return nil
	}
	row, known := j.byKey[id]
	if !known {
		return fmt.Errorf("%s: line %d: sequence %q has no row in %s: give it one, or remove its rows", j.x.file, j.line, strings.ReplaceAll(id, "\x00", ","), filepath.Base(j.y.file))
	}
	j.current = row
	j.used++
	return nil
}

func keyOf(record []string, columns []int) string {
	var key []string
	for _, c := range columns {
		key = append(key, strings.TrimSpace(record[c]))
	}
	return strings.Join(key, "\x00")
}

// FieldPos returns the line of a cell in the file that it is from.
func (j *joined) FieldPos(field int) (line, column int) {
	if field >= len(j.x.first) {
		return j.y.lines[j.current], 1
	}
	return j.line, 1
}

// join finds out how the rows of two tables belong together and what their columns are, and begins
// to read them as one table. groups may be nil.
func (t *table) join(x, y, groups *side) (rowReader, error) {
	if err := x.look(false); err != nil {
		return nil, err
	}
	if err := y.look(true); err != nil {
		return nil, err
	}
	y.cells, y.lines = y.cells[:y.count], y.lines[:y.count]
	j := &joined{x: x, y: y, convert: y.comma && !x.comma}
	// Row by row, or a row of labels for each sequence.
	var yNamed, fits bool
	for _, xn := range x.mayBeNamed() {
		for _, yn := range y.mayBeNamed() {
			if !fits && x.rows(xn) == y.rows(yn) {
				j.named, yNamed, fits = xn, yn, true
			}
		}
	}
	if !fits {
		j.named, yNamed = x.mayBeNamed()[0], y.mayBeNamed()[0]
	}
	if x.rows(j.named) < 1 || y.rows(yNamed) < 1 {
		return nil, fmt.Errorf("%s and %s: no rows after the headers", x.file, y.file)
	}
	if !fits && !t.tellsSequences(j) {
		return nil, t.apart(j)
	}
	grouped, err := t.besides(j, groups, yNamed)
	if err != nil {
		return nil, err
	}
	label, err := t.columnsOf(j, yNamed)
	if err != nil {
		return nil, err
	}
	how := ""
	switch keyed, err := j.keyed(t.columns, yNamed); {
	case err != nil:
		return nil, err
	case keyed:
		how = fmt.Sprintf("by column %s, a row of labels for each of %d sequences", t.sequencesBy(), len(j.byKey))
	case fits:
		how = fmt.Sprintf("row by row, %d of them", x.rows(j.named))
	default:
		if yNamed, how, err = t.inTurn(j); err != nil {
			return nil, err
		}
	}
	if j.labels = 0; yNamed {
		j.labels = 1
	}
	t.notes = append(t.notes, fmt.Sprintf("%s and %s are read together %s; %s", filepath.ToSlash(x.file), filepath.Base(y.file), how, label))
	t.labelsIn[x.file] = y.file
	if j.r, err = x.begin(); err != nil {
		return nil, err
	}
	if j.named != x.mayBeNamed()[0] || yNamed != y.mayBeNamed()[0] {
		t.notes = append(t.notes, fmt.Sprintf("the first row of %s is taken for %s, that of %s for %s: so their rows agree", filepath.Base(x.file), firstRow(j.named), filepath.Base(y.file), firstRow(yNamed)))
	}
	if grouped != "" {
		t.notes = append(t.notes, grouped)
	}
	return j, nil
}

// besides has a table of groups go with that of labels row by row, or with that of samples, and
// returns what to say of it.
func (t *table) besides(j *joined, g *side, yNamed bool) (string, error) {
	if g == nil {
		return "", nil
	}
	if err := g.look(true); err != nil {
		return "", err
	}
	g.cells, g.lines = g.cells[:g.count], g.lines[:g.count]
	name, file := nameOf(tableName(g.file)).base, filepath.ToSlash(g.file)
	if len(g.first) != 1 || t.o.Group != "" && t.o.Group != name {
		return fmt.Sprintf("%s is left out: a table of groups has one column, and no other group is asked for", file), nil
	}
	labels, samples := j.y.rows(yNamed), j.x.rows(j.named)
	for _, named := range g.mayBeNamed() {
		if n := g.rows(named); n != labels && n != samples {
			continue
		}
		j.g, j.ofRows = g, g.rows(named) != labels
		if j.groups = 0; named {
			j.groups = 1
		}
		return fmt.Sprintf("groups are those of %s, row by row: parts are divided by them", file), nil
	}
	return "", fmt.Errorf("%s has %d rows, %s %d and %s %d: expected a group for each row of one of them; move it away if it says no groups of theirs",
		g.file, g.rows(g.mayBeNamed()[0]), filepath.Base(j.y.file), labels, filepath.Base(j.x.file), samples)
}

func firstRow(named bool) string {
	if named {
		return "names"
	}
	return "values"
}

// sequencesBy names the columns that tell sequences.
func (t *table) sequencesBy() string {
	var names []string
	for _, c := range t.sequence {
		names = append(names, strconv.Quote(t.header[c]))
	}
	return strings.Join(names, " and ")
}

// tellsSequences reports whether a column of samples or of labels is named, by the user or as is
// usual, as one that tells sequences.
func (t *table) tellsSequences(j *joined) bool {
	if t.o.RowSequences {
		return false
	}
	if t.o.SequenceColumn != "sequence" {
		return true // what is wrong with it is said where it is looked for
	}
	return slices.ContainsFunc(slices.Concat(j.x.first, j.y.first), func(h string) bool { return slices.Contains(sequenceNames, strings.ToLower(h)) })
}

// apart is the error of two tables without as many rows: what does not agree first, then what may be
// meant, the likeliest of it in front.
func (t *table) apart(j *joined) error {
	x, y := j.x, j.y
	samples, labels, file := x.rows(j.named), y.rows(y.mayBeNamed()[0]), filepath.Base(x.file)
	what := fmt.Sprintf("%s has %d rows, and %s beside it %d: expected a row of labels for each row", x.file, samples, filepath.Base(y.file), labels)
	each := 0
	for _, yn := range y.mayBeNamed() {
		if n := y.rows(yn); each == 0 && n > 1 && samples > n && samples%n == 0 {
			each = samples / n
		}
	}
	number := ""
	if each > 0 {
		number = fmt.Sprintf("; if %d rows are a sequence each time, number them: %s", each, x.counted(each, j.named))
	}
	switch {
	case t.o.RowSequences && each > 0:
		what += ", as --row-sequences takes every row for a sequence: leave it out where several rows are one"
	case t.o.RowSequences:
		what += ", as --row-sequences takes every row for a sequence; where several rows are one, leave it out and name the column that tells them with --sequence-column"
	default:
		what += fmt.Sprintf(" or for each sequence, and no column of %s tells sequences: name it with --sequence-column, or give both files as many rows", file)
	}
	if j.named && slices.ContainsFunc(x.first, func(h string) bool { return slices.Contains(labelNames, strings.ToLower(h)) || likeLabel(h) }) {
		what += fmt.Sprintf("; if %s has labels of its own, name their column with --label-column and give that file alone", file)
	}
	return errors.New(what + number)
}

// counted is the line that writes a table with a column in front that numbers every so many rows.
func (s *side) counted(rows int, named bool) string {
	header := ""
	if !named {
		header = ", header=None"
	}
	return python(fmt.Sprintf("pandas; t = pandas.read_csv(sys.argv[1], %s%s); t.insert(0, 'sequence', [i // %d for i in range(len(t))]); t.to_csv(sys.argv[2], index=False, %s)", s.asText(s.above), header, rows, s.write()),
		pathArg(s.file), pathArg(free(s.file, "numbered", ".csv")))
}

// inTurn reads a row of labels for each sequence, in their order.
func (t *table) inTurn(j *joined) (yNamed bool, how string, err error) {
	x, y := j.x, j.y
	rows := fmt.Sprintf("%s has %d rows", x.file, x.rows(j.named))
	if len(t.sequence) == 0 || t.o.RowSequences || slices.ContainsFunc(t.sequence, func(c int) bool { return c >= len(x.first) }) {
		return false, "", t.apart(j)
	}
	n, err := j.sequences(t.sequence)
	if err != nil {
		return false, "", err
	}
	for _, yn := range y.mayBeNamed() {
		if y.rows(yn) == n {
			j.key = t.sequence
			return yn, fmt.Sprintf("in their order, a row of labels for each of %d sequences of column %s", n, t.sequencesBy()), nil
		}
	}
	return false, "", fmt.Errorf("%s of %d sequences by column %s, and %s beside it %d: expected a row of labels for each row or for each sequence", rows, n, t.sequencesBy(), filepath.Base(y.file), y.rows(y.mayBeNamed()[0]))
}

// sequences counts how often a sequence begins in the samples.
func (j *joined) sequences(key []int) (n int, err error) {
	r, err := j.x.begin()
	if err != nil {
		return 0, err
	}
	last := ""
	for row := range j.x.rows(true) {
		record, err := r.Read()
		if err != nil {
			return 0, rowError(j.x.file, j.x.above, j.x.first, record, err)
		}
		if id := keyOf(record, key); row == 0 || id != last {
			n, last = n+1, strings.Clone(id)
		}
	}
	return n, nil
}

// sameNumbers reports whether a column of samples and one of labels hold the same whole numbers, in
// whatever order.
func (j *joined) sameNumbers(x, y int) (bool, error) {
	r, err := j.x.begin()
	if err != nil {
		return false, err
	}
	var a, b numbering
	for range j.x.rows(true) {
		record, err := r.Read()
		if err != nil {
			return false, rowError(j.x.file, j.x.above, j.x.first, record, err)
		}
		v, ok := j.x.exact(record[x])
		a.see(v, ok)
	}
	for _, cells := range j.y.cells[1:] {
		v, ok := j.y.exact(cells[y])
		b.see(v, ok)
	}
	return !a.broken && !b.broken && a.rows == b.rows && a.sum == b.sum, nil
}

// keyed reports whether the table of labels has the columns that tell sequences, and a row for
// each, which the samples are then looked up by.
func (j *joined) keyed(c *columns, yNamed bool) (bool, error) {
	if !yNamed || len(c.sequence) == 0 {
		return false, nil
	}
	var in []int
	for _, s := range c.sequence {
		at := -1
		for _, both := range j.shared {
			if both[0] == s {
				at = both[1]
			}
		}
		if at < 0 {
			return false, nil
		}
		in = append(in, at)
	}
	byKey := map[string]int{}
	for row, cells := range j.y.cells[1:] {
		id := keyOf(cells, in)
		if first, twice := byKey[id]; twice {
			if j.x.rows(j.named) == j.y.rows(true) {
				return false, nil // a label for each row
			}
			return false, fmt.Errorf("%s: lines %d and %d are both of sequence %q: expected a row for each sequence, or one for each of the %d rows of %s",
				j.y.file, j.y.lines[first], j.y.lines[row+1], strings.ReplaceAll(id, "\x00", ","), j.x.rows(j.named), filepath.Base(j.x.file))
		}
		byKey[id] = row + 1
	}
	j.byKey, j.key = byKey, c.sequence
	return true, nil
}

// columnsOf finds what the columns of both tables are: of the table of labels the label, and what
// tells sequences, groups and parts; no other of it is a feature. It returns what to say of it.
func (t *table) columnsOf(j *joined, yNamed bool) (label string, err error) {
	x, y := j.x.names(j.named), j.y.names(yNamed)
	file := filepath.Base(j.y.file)
	for c, name := range y {
		at := slices.Index(x, name)
		if at < 0 || !yNamed || !j.named {
			continue
		}
		if name == "" { // row numbers of pandas: the same ones in another order are other rows
			same, err := j.sameNumbers(at, c)
			if err != nil {
				return "", err
			}
			if !same {
				continue
			}
		}
		j.shared = append(j.shared, [2]int{at, c})
	}
	labels, err := t.labelColumns(j, y, yNamed)
	if err != nil {
		return "", err
	}
	header := slices.Clone(x)
	var names, left, said []string
	for c, name := range y {
		is := slices.Contains(labels, c)
		lower := strings.ToLower(name)
		shared := slices.ContainsFunc(j.shared, func(s [2]int) bool { return s[1] == c })
		switch {
		case is:
			called := name
			if said = append(said, strconv.Quote(name)); len(labels) == 1 && (!yNamed || decimal(name)) && !slices.Contains(x, "label") {
				called = "label"
			} else if slices.Contains(x, name) {
				called = name + " of " + file
			}
			// A label that both have is in two columns then, of which the other is a feature.
			j.shared = slices.DeleteFunc(j.shared, func(s [2]int) bool { return s[1] == c })
			names, header, j.take = append(names, called), append(header, called), append(j.take, c)
		case shared || name == "":
		case slices.Contains(t.wanted(), name), slices.Contains(sequenceNames, lower) && !t.o.RowSequences, slices.Contains(groupNames, lower), slices.Contains(splitNames, lower):
			header, j.take = append(header, name), append(j.take, c)
		default:
			left = append(left, name)
		}
	}
	user := t.o
	if j.g != nil {
		name := nameOf(tableName(j.g.file)).base
		header, t.o.Group = append(header, name), name
	}
	t.o.Label = strings.Join(names, ",")
	t.dialect = j.x.dialect
	fresh := t.columns == nil
	before := t.notes
	if t.columns, t.notes, err = arrange(t.file, header, t.o); err == nil {
		err = t.unclear(t.file, user)
	}
	if err != nil {
		t.o.Label, t.o.Group = user.Label, user.Group
		return "", fmt.Errorf("%w (columns of %s and the label of %s)", err, filepath.Base(j.x.file), file)
	}
	if fresh {
		t.asRead()
		t.prepare()
	} else {
		t.notes = nil
	}
	t.notes = append(before, t.notes...)
	t.o.Label, t.o.Group = user.Label, user.Group
	if label = "the label is column " + strings.Join(said, " and ") + " of the latter"; !yNamed {
		label = "the latter has no names of columns"
	}
	if len(left) > 0 {
		label += fmt.Sprintf("; its columns %s are left out", shown(left))
	}
	return label, nil
}

// wanted are the columns that the user named, other than labels.
func (t *table) wanted() []string {
	return slices.Concat([]string{t.o.Group, t.o.Split}, strings.Split(t.o.SequenceColumn, ","))
}

// labelColumns finds the columns of the table of labels that are to be learned.
func (t *table) labelColumns(j *joined, y []string, named bool) (labels []int, err error) {
	file := j.y.file
	if t.o.Label != "label" {
		for _, l := range append([]string{t.o.Label}, strings.Split(t.o.Label, ",")...) {
			if at := slices.Index(y, strings.TrimSpace(l)); at >= 0 && named {
				if labels = append(labels, at); y[at] == t.o.Label {
					break
				}
			}
		}
		if len(labels) == 0 {
			return nil, fmt.Errorf("%s: no column is named %q; there are %s: name one of them with --label-column, or give %s alone if it has the labels", file, t.o.Label, shown(y), filepath.Base(j.x.file))
		}
		return labels, nil
	}
	var all []int
	for c, name := range y {
		if name != "" && !strings.HasPrefix(name, "Unnamed:") {
			all = append(all, c)
		}
	}
	for _, not := range []func(c int) bool{
		func(c int) bool { return slices.ContainsFunc(j.shared, func(s [2]int) bool { return s[1] == c }) },
		func(c int) bool {
			name := strings.ToLower(y[c])
			return slices.Contains(t.wanted(), y[c]) || slices.Contains(groupNames, name) || slices.Contains(splitNames, name) || slices.Contains(sequenceNames, name) || slices.Contains(timeNames, plainName(name)) && !slices.Contains(labelNames, name)
		},
		func(c int) bool { return j.y.numbersRows(c, named) },
	} {
		if len(all) > 1 {
			if rest := slices.DeleteFunc(slices.Clone(all), not); len(rest) > 0 {
				all = rest
			}
		}
	}
	if len(all) > 1 && !t.o.Regression {
		for _, n := range labelNames {
			if at := slices.IndexFunc(all, func(c int) bool { return strings.ToLower(y[c]) == n }); at >= 0 {
				return all[at : at+1], nil
			}
		}
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s: columns %s: none is left for labels", file, shown(y))
	case len(all) > 1 && !t.o.Regression:
		var names []string
		for _, c := range all {
			names = append(names, y[c])
		}
		hint := ""
		if j.y.oneOf(all, named) {
			hint = "; every row is one 1 among zeros: put in its place what writes the names, " + oneColumn(file, j.y.dialect, names)
		}
		return nil, fmt.Errorf("%s: columns %s could all be the label: name it with --label-column, or say --regression where all are numbers to predict%s", file, shown(names), hint)
	}
	return all, nil
}

// oneOf reports whether columns of every row are a single 1 among zeros.
func (s *side) oneOf(columns []int, named bool) bool {
	for row, cells := range s.cells {
		if row == 0 && named {
			continue
		}
		ones := 0
		for _, c := range columns {
			if v, ok := s.number(cells[c]); !ok || v != 0 && v != 1 {
				return false
			} else if v == 1 {
				ones++
			}
		}
		if ones != 1 {
			return false
		}
	}
	return true
}
