// SPDX-License-Identifier: Apache-2.0

// Package figures writes numbers and names as people read them: with few digits, without an
// exponent where the size is an ordinary one, and no longer than a column of a table.
package figures

import (
	"math"
	"strconv"
	"strings"
)

// least and most bound the sizes that are written without an exponent. Zeros in front of digits
// are counted by no reader, and above most a float64 has no digits left behind the point.
const (
	least = 1e-6
	most  = 1e15
)

// usual is how many digits tell one figure from the next.
const usual = 4

// Short writes a figure in four significant digits; all digits in front of the point are written.
func Short(v float64) string { return Digits(v, usual) }

// Digits writes a figure in so many significant digits, without zeros at its end; all digits in
// front of the point are written.
func Digits(v float64, digits int) string {
	size := math.Abs(v)
	if v == 0 {
		return "0" // without a sign
	}
	if !(size >= least && size < most) {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	s := strconv.FormatFloat(v, 'f', max(digits-1-exponent(v, digits), 0), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// exponent is the power of ten of the first digit of v, rounded to so many digits: that of
// 9.9999 in four is 1.
func exponent(v float64, digits int) int {
	s := strconv.FormatFloat(v, 'e', digits-1, 64)
	e, err := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if err != nil {
		panic("BUG: no exponent in " + s)
	}
	return e
}

// Count writes a number of things, as "1 class" and "3 classes".
func Count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

// Cut shortens a name to so many characters. It keeps beginning and end, for long names are
// often alike in all but one of them.
func Cut(name string, characters int) string {
	r := []rune(name)
	if len(r) <= characters {
		return name
	}
	end := (characters - 1) / 3
	return string(r[:characters-1-end]) + "…" + string(r[len(r)-end:])
}
