// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

// What makes the figures of a test part better than those of new data: sequences that are in
// both parts, windows of one recording that overlap, and a feature that is the label under
// another name.

// leaks lists such, as far as the values show them.
func (s *Set) leaks(test *Set) []string {
	var all []string
	if n := s.shares(test); n > 0 {
		all = append(all, fmt.Sprintf("%d of %d test sequences are in the training part, too, value by value: figures are better than those of new data; leave the copies out, or keep them together by a group", n, test.Len()))
	} else if n, rows := s.overlaps(test); n > 0 {
		all = append(all, fmt.Sprintf("%d of %d test sequences have %d or more rows in a row that sequences of the training part have, too, as windows that overlap do: figures are better than those of new data; divide by recordings (a group for each), or by --split time", n, test.Len(), rows))
	}
	for j := range s.Features {
		if why := s.tells(j); why != "" {
			out := "leave it out"
			if s.Columns != nil {
				out += " with --ignore " + s.Columns[j]
			}
			all = append(all, fmt.Sprintf("feature %s %s: %s if it is made from the label or not known when the network runs", s.feature(j), why, out))
		}
	}
	return all
}

// hash is a hash of the bits of values.
type hash uint64

func (h hash) with(values []float32) hash {
	for _, v := range values {
		h = hash(bits.RotateLeft64(uint64(h)^uint64(math.Float32bits(v)), 23) * 0x9e3779b97f4a7c15)
	}
	return h
}

// shares counts the sequences of the second set that are in the first one, too. Those that
// never change, as of silence, or are shorter than three rows, are alike by chance.
func (s *Set) shares(test *Set) int {
	known := map[hash]bool{}
	s.eachOwn(func(rows []float32) { known[hash(1).with(rows)] = true })
	n := 0
	test.eachOwn(func(rows []float32) {
		w := test.Features
		if len(rows) >= 3*w && !slices.Equal(rows[w:], rows[:len(rows)-w]) && known[hash(1).with(rows)] {
			n++
		}
	})
	return n
}

// eachOwn gives the own rows of every sequence to use, which must not keep them.
func (s *Set) eachOwn(use func(rows []float32)) {
	x := make([]float32, s.Steps*s.Features)
	for i := range s.Len() {
		s.Sample(i, x)
		use(x[(s.Steps-s.Length(i))*s.Features:])
	}
}

// repeats reports whether two rows that follow each other are equal.
func repeats(rows []float32, width int) bool {
	for at := width; at < len(rows); at += width {
		if slices.Equal(rows[at-width:at], rows[at:at+width]) {
			return true
		}
	}
	return false
}

// mostRows bounds the rows that are searched for overlaps.
const mostRows = 4 << 20

// overlaps counts the sequences of the second set of which a quarter, and three rows at least, is
// in a sequence of the first one, where they are more than one in twenty: those at the border
// of parts that follow each other in time do no harm. Rows that repeat are alike by chance.
func (s *Set) overlaps(test *Set) (n, rows int) {
	rows = max(3, (s.Steps+3)/4)
	if s.pixels != nil || s.divide == ByTime || s.Steps < rows+1 || s.Len()*s.Steps > mostRows {
		return 0, rows
	}
	pieces := func(own []float32, use func(hash) bool) {
		size := rows * s.Features
		for at := 0; at+size <= len(own); at += s.Features {
			if p := own[at : at+size]; !repeats(p, s.Features) && !use(hash(1).with(p)) {
				return
			}
		}
	}
	var known []hash
	s.eachOwn(func(own []float32) {
		pieces(own, func(h hash) bool { known = append(known, h); return true })
	})
	slices.Sort(known)
	test.eachOwn(func(own []float32) {
		found := false
		pieces(own, func(h hash) bool { _, found = slices.BinarySearch(known, h); return !found })
		if found {
			n++
		}
	})
	if n < 2 || 20*n < test.Len() {
		return 0, rows
	}
	return n, rows
}

// tells says in which way a feature alone tells the label; "" where it does not.
func (s *Set) tells(j int) string {
	if s.pixels != nil {
		return ""
	}
	if s.Task == nn.Regression {
		return s.follows(j)
	}
	const most = 32 // a measured value has more
	class := map[float32]int{}
	x := make([]float32, s.Steps*s.Features)
	classes, rows := map[int]bool{}, 0
	for i := range s.Len() {
		s.Sample(i, x)
		for t := s.Steps - s.Length(i); t < s.Steps; t++ {
			label := 0
			if s.PerStep {
				label = s.StepLabel(i, t)
			} else {
				label = s.Label(i)
			}
			if label == noLabel {
				continue
			}
			v := x[t*s.Features+j]
			if was, ok := class[v]; ok && was != label {
				return ""
			}
			class[v], classes[label] = label, true
			rows++
			if len(class) > most {
				return ""
			}
		}
	}
	if !s.PerStep {
		rows = s.Len()
	}
	if len(classes) < 2 || rows < 3*len(class) {
		return ""
	}
	return fmt.Sprintf("alone tells the class: it has %d different values, each in one class only", len(class))
}

// follows says whether a number to predict is a feature of the same step, or of the last one,
// up to a factor and an offset.
func (s *Set) follows(j int) string {
	x, targets := make([]float32, s.Steps*s.Features), make([]float32, s.perSequence()*s.Outputs)
	for k := range s.Outputs {
		var n, meanV, meanT, vv, tt, vt float64
		for i := range s.Len() {
			s.Sample(i, x)
			s.Target(i, targets)
			first := s.Steps - 1
			if s.PerStep {
				first = s.Steps - s.Length(i)
			}
			for step := first; step < s.Steps; step++ {
				target := targets[k]
				if s.PerStep {
					target = targets[step*s.Outputs+k]
				}
				if target != target {
					continue
				}
				n++
				v, t := float64(x[step*s.Features+j])-meanV, float64(target)-meanT
				meanV, meanT = meanV+v/n, meanT+t/n
				vv += float64(v * v * (n - 1) / n)
				tt += float64(t * t * (n - 1) / n)
				vt += float64(v * t * (n - 1) / n)
			}
		}
		if n >= 10 && vv > 0 && tt > 0 && math.Abs(vt) > 0.9999*math.Sqrt(vv)*math.Sqrt(tt) {
			what := "what is to be predicted"
			if s.Outputs > 1 {
				what = fmt.Sprintf("number %d of those to predict", k)
			}
			return "is " + what + ", up to a factor and an offset"
		}
	}
	return ""
}
