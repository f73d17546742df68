// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// description is what the header of an array says: a dictionary in Python's notation with
// three keys, in any order.
type description struct {
	Type    string // descr
	Fortran bool   // fortran_order
	Shape   []int
}

var errNoDictionary = errors.New("it is not a dictionary of descr, fortran_order and shape")

var errRecords = errors.New("its elements are records, expected numbers")

// describe reads the text of a header.
func describe(text string) (d description, err error) {
	s := scanner{rest: text}
	if !s.take("{") {
		return d, errNoDictionary
	}
	seen := map[string]bool{}
	for !s.take("}") {
		key, ok := s.quoted()
		if !ok || !s.take(":") || seen[key] {
			return d, errNoDictionary
		}
		seen[key] = true
		switch key {
		case "descr":
			if d.Type, ok = s.quoted(); !ok {
				return d, errRecords
			}
		case "fortran_order":
			if d.Fortran = s.take("True"); !d.Fortran && !s.take("False") {
				return d, errNoDictionary
			}
		case "shape":
			if d.Shape, err = s.tuple(); err != nil {
				return d, err
			}
		default:
			return d, fmt.Errorf("it has the key %q, which no version of the format knows", key)
		}
		if !s.take(",") && !s.at("}") {
			return d, errNoDictionary
		}
	}
	if s.space(); s.rest != "" || len(seen) != 3 {
		return d, errNoDictionary
	}
	return d, nil
}

// scanner walks over the text of a header.
type scanner struct{ rest string }

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \t\r\n") }

func (s *scanner) at(token string) bool {
	s.space()
	return strings.HasPrefix(s.rest, token)
}

func (s *scanner) take(token string) bool {
	if !s.at(token) {
		return false
	}
	s.rest = s.rest[len(token):]
	return true
}

// quoted takes a text in quotes of either kind. Nothing that a header says is escaped.
func (s *scanner) quoted() (string, bool) {
	for _, quote := range []string{"'", `"`} {
		if s.take(quote) {
			text, rest, ok := strings.Cut(s.rest, quote)
			s.rest = rest
			return text, ok && !strings.Contains(text, `\`)
		}
	}
	return "", false
}

// tuple takes the sizes in brackets; Python 2 wrote an L behind large ones.
func (s *scanner) tuple() ([]int, error) {
	if !s.take("(") {
		return nil, errNoDictionary
	}
	shape := []int{}
	for !s.take(")") {
		s.space()
		n := 0
		if s.at("-") { // for a message that says what is wrong
			n = 1
		}
		for n < len(s.rest) && '0' <= s.rest[n] && s.rest[n] <= '9' {
			n++
		}
		size, err := strconv.Atoi(s.rest[:n])
		if err != nil {
			return nil, errNoDictionary
		}
		s.rest = s.rest[n:]
		s.take("L")
		if shape = append(shape, size); len(shape) > maxRank {
			return nil, fmt.Errorf("more than %d dimensions", maxRank)
		}
		if !s.take(",") && !s.at(")") {
			return nil, errNoDictionary
		}
	}
	return shape, nil
}
