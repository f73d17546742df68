// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"math"
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

// sniff finds the dialect from the first bytes of a file: the separator that cuts the
// most lines into as many cells as the first one, and a decimal comma where numbers have
// one and none has a point. A separator that the file names itself is given.
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
	commas, points := 0, 0
	for _, line := range lines[1:] {
		for _, c := range cells(line, d.separator) {
			c = strings.Trim(c, "\" \r")
			if decimalComma.MatchString(c) {
				commas++
			} else if _, err := strconv.ParseFloat(c, 64); err == nil && strings.Contains(c, ".") {
				points++
			}
		}
	}
	d.comma = d.separator != ',' && commas > 0 && points == 0
	return d
}

// cells cuts a line at separators outside of quotes.
func cells(line []byte, sep rune) []string {
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
var empties = map[string]bool{"": true, "na": true, "n/a": true, "nan": true, "null": true, "none": true, "?": true, "-": true}

func isEmpty(cell string) bool { return empties[strings.ToLower(strings.TrimSpace(cell))] }

// number reads a finite number.
func (d dialect) number(cell string) (float32, bool) {
	cell = strings.TrimSpace(cell)
	if d.comma {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(cell, 32)
	return float32(v), err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
