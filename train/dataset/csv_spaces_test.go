// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// What separates cells is found by looking at all lines: blanks do where nothing else does and where
// words are no text.
func TestBlanksBetweenCells(t *testing.T) {
	for _, c := range []struct {
		name, text string
		separator  rune
		comma      bool
	}{
		{"numbers", "  2.8858451e-001 -2.0294171e-002\n  2.7841883e-001  1.6410568e+000\n", byBlanks, false},
		{"one row", " 1 2 3\n", byBlanks, false},
		{"numbers and nothing", "8.38 0 104 NaN 30\n8.39 0 NaN 2.2 30\n", byBlanks, false},
		{"numbers of classes and their names", "1 WALKING\n2 SITTING_DOWN\n", byBlanks, false},
		{"a label in front", "up 1 2\ndown 3 4\n", byBlanks, false},
		{"decimal commas", "0,5 1,25 3\n1,5 2,5 4\n", byBlanks, true},
		{"names of classes", "walking up\nwalking down\n", ',', false},
		{"names with numbers", "class 1\nclass 2\n", ',', false},
		{"names of three words with numbers", "class no 1\nclass no 2\n", ',', false},
		{"a name above them", "label\nclass 1\nclass 2\n", ',', false},
		{"one number a line", " 1 \n 2 \n", ',', false},
		{"lines of other lengths", "1 2 3\n1 2\n", ',', false},
		{"commas and spaces", "1, 2, 3\n4, 5, 6\n", ',', false},
		{"commas and dates", "1,2024-01-01 10:00:00\n2,2024-01-01 10:00:01\n", ',', false},
		{"tabs alone", "1\t2\n3\t4\n", '\t', false},
		{"semicolons", "1,5; 2,5\n3,5; 4,5\n", ';', true},
	} {
		if d := sniff([]byte(c.text), 0); d.separator != c.separator || d.comma != c.comma {
			t.Errorf("%s: separator %q, comma %v, expected %q, %v", c.name, d.separator, d.comma, c.separator, c.comma)
		}
	}
}

// Lines are the same whatever pieces they are read in, and quotes keep what is between them.
func TestSqueeze(t *testing.T) {
	const text = "  a \t b\r\n\n\"x  y\"   1\n c \"two \n lines  \"  3\nin\"side  4\n\"a \"\" b\"  5 "
	const want = "a b\n\n\"x  y\" 1\nc \"two \n lines  \" 3\nin\"side 4\n\"a \"\" b\" 5"
	for _, in := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
		if got, err := io.ReadAll(iotest.OneByteReader(&squeezed{in: bufio.NewReader(in)})); err != nil || string(got) != want {
			t.Errorf("%q, %v, expected %q", got, err, want)
		}
	}
	if _, err := io.ReadAll(&squeezed{in: bufio.NewReader(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(text))))}); err != iotest.ErrTimeout {
		t.Errorf("error %v", err)
	}
}
