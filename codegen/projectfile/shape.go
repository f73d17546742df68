// SPDX-License-Identifier: Apache-2.0

package projectfile

import (
	"bytes"
	"fmt"
)

// A file of flags has keys of one part and lists of values. Much more than that is refused
// before the parser sees it, which takes the square of a key's parts, and a frame of the
// stack for every list in a list, until there is none left.
const (
	mostDepth = 8 // brackets in brackets
	mostParts = 8 // of a.b.c
)

// checkShape refuses text whose brackets or dotted keys go deeper than any file of flags.
// It knows of TOML what it takes to tell them from the same characters in texts and comments.
func checkShape(name string, text []byte) error {
	depth, parts, at := 0, 1, 1
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			at++
			parts = 1
		case ',', '=':
			parts = 1
		case '#':
			if end := bytes.IndexByte(text[i:], '\n'); end >= 0 {
				i += end - 1
			} else {
				return nil
			}
		case '"', '\'':
			n := skipText(text[i:])
			at += bytes.Count(text[i:i+n], []byte{'\n'})
			i += n - 1
		case '[', '{':
			parts = 1
			if depth++; depth > mostDepth {
				return fmt.Errorf("%s:%d: more than %d brackets are open: expected a key for every flag, with a value or a list of values", name, at, mostDepth)
			}
		case ']', '}':
			depth, parts = max(depth-1, 0), 1
		case '.':
			if parts++; parts > mostParts {
				return fmt.Errorf("%s:%d: a key of more than %d parts: expected a key for every flag, without dots", name, at, mostParts)
			}
		}
	}
	return nil
}

// skipText returns the length of the text that begins with a quote, which may not end.
func skipText(s []byte) int {
	quote := s[:1]
	if three := bytes.Repeat(quote, 3); bytes.HasPrefix(s, three) {
		quote = three
	}
	for i := len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote[0] == '"':
			i++
		case s[i] == '\n' && len(quote) == 1:
			return i // no text of one line goes on behind it
		case bytes.HasPrefix(s[i:], quote):
			end := i + len(quote)
			for most := end + len(quote) - 1; end < min(most, len(s)) && s[end] == quote[0]; end++ {
				// a text in three quotes may have one or two more before them
			}
			return end
		}
	}
	return len(s)
}
