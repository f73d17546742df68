// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// dialect is how a CSV file separates cells and writes numbers.
type dialect struct {
	separator rune
	comma     bool // decimals follow a comma
}

// sniffed is how much of a file decides its dialect.
const sniffed = 64 << 10

var decimalComma = regexp.MustCompile(`^[+-]?\d*,\d+([eE][+-]?\d+)?$`)

// thousands matches what could be a large number with a comma in it as well.
var thousands = regexp.MustCompile(`^[+-]?[1-9]\d{0,2},\d{3}$`)

// sniff finds the dialect from the first bytes of a file: the separator that cuts the
// most lines into as many cells as the first one, blanks where there is none, and a decimal comma where numbers have
// one and none has a point; between commas they are quoted, and 1,234 alone does not tell.
// A separator that the file names itself is given.
func sniff(head []byte, given rune) dialect {
	lines := bytes.Split(head, []byte("\n"))
	if len(lines) > 1 {
		lines = lines[:len(lines)-1] // the last one may be cut off
	}
	d, best := dialect{separator: ','}, 0
	if given != 0 {
		d.separator = given
	}
	for _, sep := range ",;\t|" {
		if given != 0 {
			break
		}
		first, same := cells(lines[0], sep), 0
		if len(first) < 2 {
			continue
		}
		for _, line := range lines {
			if len(bytes.TrimSpace(line)) > 0 && len(cells(line, sep)) == len(first) {
				same++
			}
		}
		// Between equals the one that makes more cells: a;b,c has one comma a line too.
		if score := same*1000 + len(first); score > best {
			d.separator, best = sep, score
		}
	}
	switch {
	case given != 0:
	case best == 0 && spaced(lines):
		d.separator = byBlanks
	case best > 0 && d.separator == ',':
		for _, sep := range []rune{';', '\t', '|', byBlanks} {
			if commaDecimals(lines, sep) {
				d.separator = sep
				break
			}
		}
	}
	commas, sure, points := 0, 0, 0
	for _, line := range lines[1:] {
		for _, c := range cells(line, d.separator) {
			c = strings.Trim(c, "\" \r")
			if decimalComma.MatchString(c) {
				commas++
				if !thousands.MatchString(c) {
					sure++
				}
			} else if _, err := strconv.ParseFloat(c, 64); err == nil && decimal(c) && strings.Contains(c, ".") {
				points++ // and no date, which has two
			}
		}
	}
	d.comma = commas > 0 && points == 0 && (d.separator != ',' || sure > 0)
	return d
}

// cells cuts a line into cells.
func cells(line []byte, sep rune) []string {
	if sep == byBlanks {
		return cutAtBlanks(line)
	}
	return cutAt(line, sep)
}

// cutAt cuts a line at separators outside of quotes.
func cutAt(line []byte, sep rune) []string {
	var all []string
	quoted, from := false, 0
	for i, c := range string(line) {
		switch {
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			all = append(all, string(line[from:i]))
			from = i + 1
		}
	}
	return append(all, string(line[from:]))
}

// empties are the cells that stand for no value, in lower case.
var empties = map[string]bool{"": true, "na": true, "n/a": true, "#n/a": true, "<na>": true, "nan": true, "null": true, "none": true, "?": true, "-": true, ".": true}

func isEmpty(cell string) bool { return empties[strings.ToLower(strings.TrimSpace(cell))] }

// nameable are the empties that can as well be the name of a class.
var nameable = map[string]bool{"null": true, "none": true, "-": true, ".": true}

// unlabelled reports whether a cell of the label column stands for no label.
func (t *table) unlabelled(cell string) bool {
	return isEmpty(cell) && (t.o.Regression || !nameable[strings.ToLower(cell)])
}

// number reads a finite number.
func (d dialect) number(cell string) (float32, bool) {
	v, ok := d.read(cell, 32)
	return float32(v), ok
}

// exact reads a finite number in double precision.
func (d dialect) exact(cell string) (float64, bool) { return d.read(cell, 64) }

func (d dialect) read(cell string, bits int) (float64, bool) {
	cell = strings.TrimSpace(cell)
	if d.comma {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	if !decimal(cell) {
		return 0, false
	}
	v, err := strconv.ParseFloat(cell, bits)
	return v, err == nil
}

// decimal reports whether text can be a number as people and programs write it, in digits with a
// sign, a point and an exponent. What else Go takes for one (0x1p4, 1_000, inf) is none in a table.
func decimal(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return !('0' <= c && c <= '9') && !strings.ContainsRune("+-.eE", c) }) < 0
}

// thousandsApart matches numbers whose digits are in threes.
var thousandsApart = regexp.MustCompile(`^[+-]?\d{1,3}([,.' ]\d{3})+([.,]\d*)?$`)

// beyond reports whether a cell is a number for 64 bits alone.
func (d dialect) beyond(cell string) bool {
	_, narrow := d.number(cell)
	_, wide := d.exact(cell)
	return wide && !narrow
}

// grouped says of text that is no number what is wrong with it where that is seen.
func (d dialect) grouped(cell string) string {
	switch cell = strings.TrimSpace(cell); {
	case d.beyond(cell):
		return ": it is beyond the 3.4e38 that 32 bits hold"
	case thousandsApart.MatchString(cell):
		return ", without signs between thousands"
	case !d.comma && decimalComma.MatchString(cell):
		return ": others in the file have a point before their decimals"
	case d.comma && decimal(cell):
		return ": others in the file have a comma before their decimals"
	}
	return ""
}
