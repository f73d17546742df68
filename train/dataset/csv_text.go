// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark is what some programs write in front of UTF-8.
const byteOrderMark = "\ufeff"

// foreign are the first bytes of what is found under the name of a table.
var foreign = []struct{ begins, what string }{
	{"\x1f\x8b", "packed by gzip: give it a name that ends in .csv.gz"},
	{"PK\x03\x04", "an archive of zip, as spreadsheets are: save the sheet as CSV, or name a packed table .csv.zip"},
	{"\xd0\xcf\x11\xe0", "a spreadsheet of old Excel: save the sheet as CSV"},
	{"version https://git-lfs", "a pointer of Git LFS and not the file itself: get that with git lfs pull"},
	{"<", "a page of the web or XML and no table: what was loaded is not the file itself"},
}

// foreignTables are the first bytes of tables of other kinds, and the readers of pandas for them.
var foreignTables = []struct{ begins, what, read string }{
	{"PAR1", "a Parquet file", "read_parquet(%s)"},
	{"ARROW1", "an Arrow file", "read_feather(%s)"},
}

// utf16 reports whether every second byte of the first ones is 0, as of Latin text in UTF-16.
func utf16(head []byte) bool {
	const enough = 16
	if len(head) < enough {
		return false
	}
	for i := 0; i < enough; i += 2 {
		if (head[i] == 0) == (head[i+1] == 0) || (head[i] == 0) != (head[0] == 0) {
			return false
		}
	}
	return true
}

// checkText refuses files whose first bytes show that they are no lines of UTF-8.
func checkText(file string, head []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.begins)) {
			return fmt.Errorf("%s: %s", file, f.what)
		}
	}
	for _, f := range foreignTables {
		if bytes.HasPrefix(head, []byte(f.begins)) {
			return fmt.Errorf("%s: %s; Python writes a table of it: %s", file, f.what, converted(file, f.read))
		}
	}
	if bytes.HasPrefix(head, []byte("{")) || bytes.HasPrefix(head, []byte("[{")) {
		return fmt.Errorf("%s: JSON and no table; Python writes one: %s", file, converted(file, jsonReader(head)))
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), utf16(head):
		from := "UTF-16" // as its mark says
		if head[0] == 0 {
			from = "UTF-16BE"
		} else if head[1] == 0 {
			from = "UTF-16LE"
		}
		return fmt.Errorf("%s: text in UTF-16, expected UTF-8: %s", file, filtered("iconv -f "+from+" -t UTF-8", file))
	case bytes.IndexByte(head, 0) >= 0:
		return fmt.Errorf("%s: a byte 0 at offset %d: no text, or damaged", file, bytes.IndexByte(head, 0))
	case bytes.IndexByte(head, '\n') < 0 && bytes.IndexByte(head, '\r') >= 0:
		return fmt.Errorf("%s: lines end with a carriage return alone: save it with line feeds: %s", file, filtered(`tr '\r' '\n'`, file))
	case bytes.HasPrefix(head, []byte("#")):
		return fmt.Errorf("%s: the first line is a comment: the first line has to name the columns, without #; comments are left out by %s", file, filtered("grep -v '^#'", file))
	}
	return nil
}

// separatorLine returns the separator that a first line as sep=; names, and the length of
// that line; 0 where there is none.
func separatorLine(head []byte) (rune, int) {
	end := bytes.IndexByte(head, '\n')
	if end < 0 {
		return 0, 0
	}
	line := strings.TrimRight(string(head[:end]), "\r")
	rest, ok := strings.CutPrefix(strings.ToLower(line), "sep=")
	if sep, n := utf8.DecodeRuneInString(rest); ok && n > 0 && n == len(rest) && strings.ContainsRune(",;\t|", sep) {
		return sep, end + 1
	}
	return 0, 0
}

// rowError says of a row that cannot be read what it has and what is expected.
func rowError(file string, above int, header, record []string, err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		p.StartLine, p.Line = p.StartLine+above, p.Line+above
	}
	if p != nil && errors.Is(err, csv.ErrBareQuote) {
		return fmt.Errorf("%s: line %d, column %d: a quote inside a cell that does not begin with one: put the cell in quotes and write \"\" for each quote in it", file, p.Line, p.Column)
	}
	if p != nil && errors.Is(err, csv.ErrFieldCount) {
		hint := ""
		if len(record) == len(header)+1 && record[len(record)-1] == "" {
			hint = ": there is a separator behind the last cell"
		}
		if len(record) > 0 && strings.HasPrefix(record[0], "#") {
			hint = ": it begins with #, and comments are not read: " + filtered("grep -v '^#'", file)
		}
		return fmt.Errorf("%s: line %d has the wrong number of fields: %d, expected %d as in the first line%s", file, p.Line, len(record), len(header), hint)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// shown is a list for messages, the beginning of a long one.
func shown(list []string) string {
	const most = 12
	if len(list) <= most {
		return fmt.Sprintf("%q", list)
	}
	return fmt.Sprintf("%q and %d more", list[:most], len(list)-most)
}

// repeats reports whether a row has the names of the columns instead of values.
func (c *columns) repeats(record []string) bool {
	for i, cell := range record {
		if i >= len(c.header) || strings.TrimSpace(cell) != c.header[i] {
			return false
		}
	}
	return len(c.header) > 1
}

// unclear refuses a header that names one column twice, or two that could both be the
// label where nobody says which.
func (c *columns) unclear(file string, o Options) error {
	seen := make(map[string]bool, len(c.header))
	for i, h := range c.header {
		twice := seen[h]
		if seen[h] = true; h != "" && twice && !slices.Contains(o.Ignore, h) {
			return fmt.Errorf("%s: two columns are named %q: rename one, or leave both out with --ignore %s", file, h, h)
		}
		for _, r := range h {
			if r == utf8.RuneError || unicode.IsControl(r) {
				return fmt.Errorf("%s: the name of column %d, %q, is no text in UTF-8: save the file as UTF-8", file, i+1, h)
			}
		}
	}
	if o.Label != "label" && o.Label != "" {
		return nil
	}
	for _, i := range c.features {
		name := c.header[i]
		if slices.Contains(surelyLabels, strings.ToLower(name)) && len(c.label) > 0 && !slices.Contains(o.Features, name) {
			label := c.header[c.label[0]]
			say := "say --label-column " + label + ","
			if label == "label" {
				say = "say"
			}
			return fmt.Errorf("%s: columns %q and %q could both be the label: %s --ignore %s or, if that one is a feature, name all features with --features", file, label, name, say, name)
		}
	}
	return nil
}

// asRead says what was found by looking: separator, decimal sign and columns with other
// than the usual names.
func (t *table) asRead() {
	var said []string
	if t.separator == byBlanks {
		said = append(said, "spaces between cells")
	} else if t.separator != ',' {
		said = append(said, fmt.Sprintf("separator %q", t.separator))
	}
	if t.comma {
		said = append(said, "decimals behind a comma")
	}
	if len(t.label) == 1 && t.header[t.label[0]] != "label" && t.header[t.label[0]] != t.o.Label {
		said = append(said, fmt.Sprintf("label in column %q", t.header[t.label[0]]))
	}
	if len(t.sequence) == 1 && t.header[t.sequence[0]] != "sequence" && t.header[t.sequence[0]] != t.o.SequenceColumn {
		said = append(said, fmt.Sprintf("sequences by column %q", t.header[t.sequence[0]]))
	}
	if len(said) > 0 {
		t.notes = append(t.notes, "read with "+strings.Join(said, ", "))
	}
}

// checkLabels refuses classes that no C can print, and numbers that are written in two
// ways, which would be two classes; and notes rows without a label.
func (t *table) checkLabels() error {
	known, folded := map[string]bool{}, map[string]string{}
	missing, words, names := 0, []string{}, []string{}
	firsts := map[string]int{}
	for row, l := range t.labels {
		if t.unlabelled(l) {
			if missing++; l != "" && !slices.Contains(words, l) {
				words = append(words, l)
			}
			continue
		}
		if t.o.Regression {
			continue // numbers are looked at where they are read
		}
		for _, r := range l {
			if r == utf8.RuneError || unicode.IsControl(r) {
				return fmt.Errorf("%s: label %q is no printable text in UTF-8: save the file as UTF-8, a label in one line", t.labelAt(row), l)
			}
		}
		if !known[l] {
			known[l], names, firsts[l] = true, append(names, l), row
		}
		low := strings.ToLower(l)
		if old, ok := folded[low]; !ok {
			folded[low] = l
		} else if old != l && old != "" {
			t.notes = append(t.notes, fmt.Sprintf("classes %q and %q differ by capitals alone, and are two", old, l))
			folded[low] = ""
		}
	}
	for _, l := range names {
		if nameable[strings.ToLower(l)] {
			t.notes = append(t.notes, fmt.Sprintf("label %q is taken for a class: say --ignore-label=%s if it stands for none", l, l))
		}
	}
	if old, l := t.twice(names); old != l {
		return fmt.Errorf("%s: %w", t.labelAt(max(firsts[old], firsts[l])), oneNumber(old, l))
	}
	if missing > 0 && !t.ignored {
		note := fmt.Sprintf("%d of %d rows have no label", missing, len(t.labels))
		if len(words) > 0 {
			note += fmt.Sprintf(": %s is taken for none", shown(words))
		}
		t.notes = append(t.notes, note)
	}
	if len(t.sequence) > 0 && len(t.starts) == len(t.labels) && len(t.starts) > 2 {
		t.notes = append(t.notes, fmt.Sprintf("every sequence has one row: if column %q numbers the rows, name the one that tells sequences with --sequence-column, or say --row-sequences", t.header[t.sequence[0]]))
	}
	return nil
}
