// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"strings"
)

// byBlanks is the separator of tables whose cells stand apart by spaces or tabs, one or more,
// which may be in front of a line, too.
const byBlanks = ' '

// spaced reports whether lines are rows whose cells stand apart by blanks: all have as many words,
// two or more, and what could be a text is none. A lone column of text has numbers neither in
// front nor nearly everywhere.
func spaced(lines [][]byte) bool {
	first := cells(lines[0], byBlanks)
	rows := lines[1:]
	named := true
	for _, c := range first {
		named = named && !anyNumber(c)
	}
	if !named || len(rows) == 0 {
		rows = lines
	}
	numeric, some := make([]bool, len(first)), false
	for i := range numeric {
		numeric[i] = true
	}
	for _, line := range rows {
		row := cells(line, byBlanks)
		if len(row) == 0 {
			continue
		}
		if len(row) != len(first) || len(row) < 2 {
			return false
		}
		some = true
		for i, c := range row {
			numeric[i] = numeric[i] && (anyNumber(c) || isEmpty(c))
		}
	}
	if !some {
		return false
	}
	count := 0
	for _, n := range numeric {
		if n {
			count++
		}
	}
	n := len(first)
	return numeric[0] || named && n > 2 && count > 0 || n > 2 && count >= n-1
}

// commaDecimals reports whether a separator cuts every line into as many cells, two or more, of
// which each is a whole number or one with a decimal comma: 0,5 1,25 is two numbers and no three cells.
func commaDecimals(lines [][]byte, sep rune) bool {
	first, broken := cells(lines[0], sep), 0
	for _, line := range lines {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		row := cells(line, sep)
		if len(row) != len(first) || len(row) < 2 {
			return false
		}
		for _, c := range row {
			switch c = strings.TrimSpace(c); {
			case decimalComma.MatchString(c):
				broken++
			case !anyNumber(c) || strings.Contains(c, "."):
				return false
			}
		}
	}
	return broken > 0
}

// anyNumber reports whether a cell is a number with a decimal point or a comma.
func anyNumber(cell string) bool {
	_, ok := dialect{comma: strings.Contains(cell, ",")}.exact(cell)
	return ok
}

// cutAtBlanks cuts a line at blanks outside of quotes.
func cutAtBlanks(line []byte) []string {
	one, _ := squeezeLine(nil, line, false)
	if one = bytes.TrimSuffix(one, []byte("\n")); len(one) == 0 {
		return nil
	}
	return cutAt(one, byBlanks)
}

// squeezeLine appends a line with one space between its cells, and none in front or behind; quoted
// says whether it begins within quotes, and what is returned whether it ends so.
func squeezeLine(to, line []byte, quoted bool) (all []byte, open bool) {
	begun, blank := quoted, false
	for i, b := range line {
		switch {
		case quoted:
			quoted = b != '"'
		case b == '\n':
			blank = false
		case b == ' ' || b == '\t' || b == '\r':
			blank = begun
			continue
		default:
			// A quote within a cell is text, but for the second of two in a quoted one.
			quoted = b == '"' && (blank || !begun || line[i-1] == '"')
			if blank {
				to = append(to, byBlanks)
			}
			begun, blank = true, false
		}
		to = append(to, b)
	}
	return to, quoted
}

// squeezed gives the lines of a table as squeezeLine does.
type squeezed struct {
	in     *bufio.Reader
	quoted bool
	line   []byte
	rest   []byte // of it
	err    error
}

func (s *squeezed) Read(p []byte) (n int, err error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		var line []byte
		line, s.err = s.in.ReadBytes('\n')
		s.line, s.quoted = squeezeLine(s.line[:0], line, s.quoted)
		s.rest = s.line
	}
	n = copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
