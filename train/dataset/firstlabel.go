// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"strconv"

	"github.com/unroll-npu/unroll/train/nn"
)

// beginsAtOne reports whether the class numbers of all parts begin at 1, as those of MATLAB, R and
// many lists of classes do: some label is 1, some is more and none is 0. Labels that are all 1 can as well be
// those of a detector that hears nothing but events.
func beginsAtOne(parts []*Set) bool {
	one := false
	for _, s := range parts {
		counts := s.Counts()
		if s.Task != nn.Classification || s.named || len(counts) < 3 {
			return false
		}
		if counts[0] > 0 {
			return false
		}
		one = one || counts[1] > 0
	}
	return one
}

// beginAtOne makes K classes, called 1 to K, of numbers that begin at 1. The set is new, and nobody
// else has it yet.
func (s *Set) beginAtOne() { s.move(1) }

// move takes by from all labels.
func (s *Set) move(by int) {
	for i, l := range s.labels {
		if l != noLabel {
			s.labels[i] = l - int32(by)
		}
	}
	s.first += by
	s.Outputs -= by
	s.Classes = make([]string, s.Outputs)
	for i := range s.Classes {
		s.Classes[i] = strconv.Itoa(i + s.first)
	}
}

// fromZero returns the set with its labels as the arrays have them, class 0 being empty; the set
// itself where they are so already, or where names say what they are.
func (s *Set) fromZero() *Set {
	if s.first == 0 || s.named {
		return s
	}
	z := *s
	z.labels = append([]int32(nil), s.labels...)
	z.move(-s.first)
	if s.held != nil {
		z.held = s.held.fromZero()
	}
	return &z
}

// ForOutputs returns the set for a network whose classes nobody names, with n outputs. Labels that
// begin at 1 are numbers of outputs, counted from 0, where there is an output for the 0 that no label
// is; else the first output is label 1. said says which.
func (s *Set) ForOutputs(n int) (_ *Set, said string) {
	z := s.fromZero()
	switch {
	case z == s:
		return s, ""
	case n > s.Outputs:
		return z, "labels of " + s.Name + " are numbers of outputs, from 0 on: none of them is 0"
	}
	return s, fmt.Sprintf("output 0 is the label %d of %s, and so on: none of its labels is 0", s.first, s.Name)
}
