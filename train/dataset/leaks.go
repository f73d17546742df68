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
	told := 0
	for j, why := range s.telling() {
		if why == "" {
			continue
		}
		if told++; told <= shownFeatures {
			out := "leave it out"
			if s.Columns != nil {
				out += " with --ignore " + s.Columns[j]
			}
			all = append(all, fmt.Sprintf("feature %s %s: %s if it is made from the label or not known when the network runs", s.feature(j), why, out))
		}
	}
	if told > shownFeatures {
		all = append(all, fmt.Sprintf("so do %d more features", told-shownFeatures))
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

// telling says of every feature in which way it alone tells the label; "" where it does not.
func (s *Set) telling() []string {
	switch {
	case s.pixels != nil:
		return nil
	case s.Task == nn.Regression:
		return s.following()
	}
	return s.naming()
}

// naming finds features of few values, each in one class only. All are looked at in one pass,
// which ends when none is left.
func (s *Set) naming() []string {
	const most = 32 // a measured value has more
	class := make([]map[float32]int, s.Features)
	left := make([]int, s.Features) // that may tell
	for j := range class {
		class[j], left[j] = map[float32]int{}, j
	}
	classes, rows := map[int]bool{}, 0
	x := make([]float32, s.Steps*s.Features)
	for i := range s.Len() {
		if len(left) == 0 {
			return nil
		}
		s.Sample(i, x)
		for t := s.Steps - s.Length(i); t < s.Steps; t++ {
			label := s.Label(i)
			if s.PerStep {
				label = s.StepLabel(i, t)
			}
			if label == noLabel {
				continue
			}
			classes[label] = true
			rows++
			left = slices.DeleteFunc(left, func(j int) bool {
				v := x[t*s.Features+j]
				was, ok := class[j][v]
				class[j][v] = label
				return ok && was != label || len(class[j]) > most
			})
		}
	}
	if !s.PerStep {
		rows = s.Len()
	}
	why := make([]string, s.Features)
	for _, j := range left {
		if n := len(class[j]); len(classes) > 1 && rows >= 3*n {
			why[j] = fmt.Sprintf("alone tells the class: it has %d different values, each in one class only", n)
		}
	}
	return why
}

// covariance follows how a feature and a number to predict deviate from their means together.
type covariance struct{ mean, feature, both float64 }

// following finds features that are a number to predict of the same step, or of the last one,
// up to a factor and an offset. All are followed in one pass.
func (s *Set) following() []string {
	x, targets := make([]float32, s.Steps*s.Features), make([]float32, s.perSequence()*s.Outputs)
	type number struct{ n, mean, deviations float64 }
	numbers, pairs := make([]number, s.Outputs), make([]covariance, s.Outputs*s.Features)
	see := func(row, target []float32) {
		for k := range numbers {
			if target[k] != target[k] {
				continue
			}
			o := &numbers[k]
			o.n++
			share := (o.n - 1) / o.n
			t := float64(target[k]) - o.mean
			o.mean += t / o.n
			o.deviations += float64(t * t * share)
			for j, p := range pairs[k*s.Features : (k+1)*s.Features] {
				v := float64(row[j]) - p.mean
				p.mean += v / o.n
				p.feature += float64(v * v * share)
				p.both += float64(v * t * share)
				pairs[k*s.Features+j] = p
			}
		}
	}
	for i := range s.Len() {
		s.Sample(i, x)
		s.Target(i, targets)
		if !s.PerStep {
			see(x[(s.Steps-1)*s.Features:], targets)
			continue
		}
		for t := s.Steps - s.Length(i); t < s.Steps; t++ {
			see(x[t*s.Features:], targets[t*s.Outputs:])
		}
	}
	why := make([]string, s.Features)
	for k, o := range numbers {
		what := "what is to be predicted"
		if s.Outputs > 1 {
			what = fmt.Sprintf("number %d of those to predict", k)
		}
		for j, p := range pairs[k*s.Features : (k+1)*s.Features] {
			if why[j] == "" && o.n >= 10 && p.feature > 0 && o.deviations > 0 && math.Abs(p.both) > 0.9999*math.Sqrt(p.feature)*math.Sqrt(o.deviations) {
				why[j] = "is " + what + ", up to a factor and an offset"
			}
		}
	}
	return why
}
