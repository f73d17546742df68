// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TypeError says that the elements of an array are of a type that is not read.
type TypeError struct{ Name, Type, Expected string }

func (e *TypeError) Error() string {
	hint := ""
	if strings.Contains(e.Type, "|O") {
		hint = "; these are Python objects: write labels as text with .astype(str), and sequences of different lengths padded to one, with their lengths"
	}
	if strings.Contains(e.Type, "c8") || strings.Contains(e.Type, "c16") {
		hint = "; complex numbers are two features: np.concatenate([x.real, x.imag], -1)"
	}
	return fmt.Sprintf("%s: element type %s, expected %s%s", e.Name, e.Type, e.Expected, hint)
}

const (
	numberTypes = "one of bool, int8 … int64, uint8 … uint64, float16, float32, float64"
	// maxText bounds the characters of an element.
	maxText = 1 << 16
)

// IsText reports whether elements are text: characters of four bytes, or bytes.
func (a *Array) IsText() bool { return isText(a.Type) }

func isText(t string) bool {
	if len(t) < 3 || !strings.ContainsRune("<|>=", rune(t[0])) || t[1] != 'U' && t[1] != 'S' {
		return false
	}
	n, err := strconv.Atoi(t[2:])
	return err == nil && n > 0 && n <= maxText && t[2] != '+'
}

// textWidth returns the bytes of an element of text.
func textWidth(t string) int {
	n, _ := strconv.Atoi(t[2:])
	if t[1] == 'U' {
		n *= 4
	}
	return n
}

// Text returns element i of an array of text without the zeros that fill it. What is no
// character becomes utf8.RuneError, and bytes are taken as they are.
func (a *Array) Text(i int) string {
	raw := a.Data[i*a.Width() : (i+1)*a.Width()]
	if a.Kind() == 'S' {
		return string(bytes.TrimRight(raw, "\x00"))
	}
	var text []rune
	for at := 0; at < len(raw); at += 4 {
		c := a.order().Uint32(raw[at:])
		if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			c = utf8.RuneError
		}
		text = append(text, rune(c))
	}
	return strings.TrimRight(string(text), "\x00")
}
