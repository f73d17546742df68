// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/unroll-npu/unroll/train/nn"
)

// MatchClasses returns the set with its labels numbered as the network numbers its
// classes: by name. A network of a file that names none has its classes in the order of
// the set's names; assumed then says so, unless the names are those numbers.
func (s *Set) MatchClasses(net *nn.Network) (matched *Set, assumed string, err error) {
	if s.Task != nn.Classification || net.Task != nn.Classification || s.labels == nil {
		return s, "", nil
	}
	if s.held != nil {
		// The held part is numbered alike, in a copy: sets do not change.
		held, _, err := s.held.MatchClasses(net)
		if err != nil {
			return nil, "", err
		}
		with := *s
		with.held = held
		s = &with
	}
	if net.Classes == nil {
		if m, said := s.ForOutputs(net.Outputs); m != s {
			return m, said, nil
		}
		if !slices.Equal(s.Classes, numbered(len(s.Classes))) {
			assumed = fmt.Sprintf("output 0 of %s is class %q of %s, and so on in the order of %q: the network names no classes", net.Name, s.Classes[0], s.Name, s.Classes)
		}
		return s, assumed, nil
	}
	number := map[string]int32{}
	for i, c := range net.Classes {
		number[c] = int32(i)
	}
	// Numbers that a file has in place of names are the network's own: those of the data that it
	// was trained on.
	byNumber := (slices.Equal(s.Classes, numbered(len(s.Classes))) || s.first > 0 && !s.named) && !integers(net.Classes)
	first := 0
	if net.Facts != nil && net.Facts.Data != nil {
		first = net.Facts.Data.FirstLabel
	}
	to := make([]int32, len(s.Classes))
	counts := s.Counts()
	for i, c := range s.Classes {
		n, known := number[c]
		switch {
		case known:
			to[i] = n
		case byNumber && i+s.first >= first && i+s.first-first < len(net.Classes):
			to[i] = int32(i + s.first - first)
		case counts[i] == 0: // a name that no label of this part has
		default:
			return nil, "", fmt.Errorf("data set %s has the class %q, network %q knows %q: give the data that it was trained for, or name the labels alike", s.Name, c, net.Name, net.Classes)
		}
	}
	m := *s
	m.Classes, m.Outputs = net.Classes, len(net.Classes)
	m.labels = make([]int32, len(s.labels))
	for i, l := range s.labels {
		if m.labels[i] = l; l != noLabel {
			m.labels[i] = to[l]
		}
	}
	return &m, "", nil
}

// integers reports whether all names are decimal numbers.
func integers(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { _, err := strconv.Atoi(n); return err != nil })
}
