// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/train/nn"
)

// shownFeatures and shownClasses bound the lines of Describe.
const (
	shownFeatures = 16
	shownClasses  = 20
)

// widest is how many characters of a name are shown.
const widest = 40

// Describe says a line at a time what a set is before it is trained on: its parts, its
// features with their ranges, its classes or targets and what guessing gets; then what was
// done when it was read, and what looks wrong. validation may be nil.
func Describe(train, validation, test *Set, say func(string)) {
	tell := func(format string, args ...any) { say(fmt.Sprintf(format, args...)) }
	parts := fmt.Sprintf("%d to train on", train.Len())
	if validation != nil {
		parts += fmt.Sprintf(", %d to validate", validation.Len())
	}
	tell("data %s: %s, %d to test; %s of %s%s", train.Source(), parts, test.Len(), figures.Count(train.Steps, "step", "steps"), figures.Count(train.Features, "feature", "features"), train.divided())
	if train.Audio != nil {
		tell("  features of sound: %v", train.Audio)
	}
	spreads := train.spreads()
	for j, f := range spreads {
		if train.pixels != nil && train.Features > shownFeatures {
			break // pictures: the features are alike
		}
		if j == shownFeatures {
			tell("  … and %s", figures.Count(len(spreads)-j, "more feature", "more features"))
			break
		}
		tell("  feature %s: %v", train.feature(j), f)
	}
	if train.Mean != nil {
		tell("  features are standardized by mean and deviation of the training part; the constants travel with the network")
	}
	train.describeLabels(test, tell)
	for _, n := range train.Notes {
		tell("  note: %s", n)
	}
	for _, w := range train.suspicions(spreads, test) {
		tell("  warning: %s", w)
	}
	if validation != nil {
		if n := train.shares(validation); n > 0 {
			tell("  warning: %d of %d sequences to validate are in the training part, too, value by value: the best epoch is the one that knows them by heart", n, validation.Len())
		}
	}
}

// divided says how the parts were made where that is no drawing of sequences.
func (s *Set) divided() string {
	switch s.divide {
	case ByGroup:
		groups := map[string]bool{}
		for i := range s.Len() {
			groups[s.Group(i)] = true
		}
		return fmt.Sprintf("; parts have groups of their own, %d to train on", len(groups))
	case ByTime:
		return "; the last sequences are set aside"
	}
	return ""
}

func (s *Set) describeLabels(test *Set, tell func(string, ...any)) {
	unit := "sequences"
	if s.PerStep {
		unit = "steps"
	}
	if s.Task == nn.Regression {
		s.describeTargets(unit, tell)
		return
	}
	var names []string
	counts, most, total := s.Counts(), 0, 0
	for c, n := range counts {
		total += n
		if n > counts[most] {
			most = c
		}
		if c < shownClasses {
			names = append(names, fmt.Sprintf("%s %d", s.class(c), n))
		}
	}
	if total == 0 {
		tell("  no label counts")
		return
	}
	if len(counts) > shownClasses {
		names = append(names, "…")
	}
	held, of := test.Counts(), 0
	for _, n := range held {
		of += n
	}
	base := 0.0
	if most < len(held) && of > 0 {
		base = 100 * float64(held[most]) / float64(of)
	}
	tell("  %s, %s: %s; always guessing %s is right for %.2f %% of the test part", figures.Count(len(counts), "class", "classes"), unit, strings.Join(names, ", "), s.class(most), base)
}

// describeTargets says what is to be predicted for every unit, sequences or steps, and how wrong
// the mean of each number is.
func (s *Set) describeTargets(unit string, tell func(string, ...any)) {
	spreads := s.targetSpreads()
	square := 0.0
	for _, t := range spreads {
		square += float64(t.std*t.std) / float64(len(spreads))
	}
	wrong := math.Sqrt(square)
	if len(spreads) == 1 {
		t := spreads[0]
		tell("  to predict: a number for each of the %s, %s to %s, mean %s; always guessing the mean is wrong by %s (root mean square)", unit, figures.Short(t.min), figures.Short(t.max), figures.Short(t.mean), figures.Short(wrong))
		return
	}
	tell("  to predict: %d numbers for each of the %s; always guessing the mean of each is wrong by %s (root mean square)", s.Outputs, unit, figures.Short(wrong))
	for j, t := range spreads {
		if j == shownFeatures {
			tell("  … and %s", figures.Count(len(spreads)-j, "more number", "more numbers"))
			break
		}
		tell("  number %d: %v", j, t)
	}
}

// targetSpreads returns least, greatest, mean and deviation of the targets of each output.
func (s *Set) targetSpreads() []spread {
	spreads := make([]spread, s.Outputs)
	count := make([]float64, s.Outputs)
	for j := range spreads {
		spreads[j].min, spreads[j].max = math.Inf(1), math.Inf(-1)
	}
	square := make([]float64, s.Outputs)
	row := make([]float32, s.Outputs*s.perSequence())
	for i := range s.Len() {
		s.Target(i, row)
		for at, x := range row {
			if x != x {
				continue
			}
			j, v := at%s.Outputs, float64(x)
			t := &spreads[j]
			t.min, t.max = min(t.min, v), max(t.max, v)
			count[j]++
			d := v - t.mean
			t.mean += d / count[j]
			square[j] += float64(d * (v - t.mean))
		}
	}
	for j := range spreads {
		spreads[j].std = math.Sqrt(square[j] / max(count[j], 1))
	}
	return spreads
}

// everyTarget returns all targets that are there.
func (s *Set) everyTarget() []float64 {
	per := s.Outputs
	if s.PerStep {
		per *= s.Steps
	}
	v := make([]float32, per)
	var all []float64
	for i := range s.Len() {
		s.Target(i, v)
		for _, x := range v {
			if x == x {
				all = append(all, float64(x))
			}
		}
	}
	return all
}

// few lists the first of many.
func few(names []string) string {
	if len(names) > shownFeatures {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownFeatures], ", "), len(names)-shownFeatures)
	}
	return strings.Join(names, ", ")
}

func (s *Set) class(c int) string {
	if c < len(s.Classes) {
		return figures.Cut(s.Classes[c], widest)
	}
	return fmt.Sprint(c)
}

// suspicions lists what looks wrong.
func (s *Set) suspicions(spreads []spread, test *Set) []string {
	var all []string
	least, most := -1, -1
	var still []string
	for j, f := range spreads {
		if f.std == 0 {
			still = append(still, s.feature(j))
			continue
		}
		if least < 0 || f.std < spreads[least].std {
			least = j
		}
		if most < 0 || f.std > spreads[most].std {
			most = j
		}
	}
	switch {
	case s.pixels != nil:
	case len(still) == 1:
		all = append(all, fmt.Sprintf("feature %s never changes", still[0]))
	case len(still) > 1:
		all = append(all, fmt.Sprintf("features that never change, %d of %d: %s", len(still), s.Features, few(still)))
	}
	if s.Mean == nil && s.pixels == nil && most >= 0 && spreads[most].std > 100*spreads[least].std {
		all = append(all, fmt.Sprintf("deviations of features %s and %s differ %s times, and features are not standardized", s.feature(most), s.feature(least), figures.Digits(spreads[most].std/spreads[least].std, 3)))
	}
	if s.Task == nn.Classification {
		all = append(all, s.rare()...)
	}
	if s.divide != ByGroup && s.groups != nil && s.severalGroups() && test.groups != nil && sharesGroups(s, test) {
		all = append(all, "training and test part share groups: figures hold for groups that were trained on (--split group divides by them)")
	}
	all = append(all, s.leaks(test)...)
	if s.Task == nn.Regression {
		unit := "sequence"
		if s.PerStep {
			unit = "step"
		}
		if s.Outputs > 1 && s.oneHot() {
			all = append(all, fmt.Sprintf("every row of targets is one 1 among zeros: for classes give whole numbers, one for each %s", unit))
		} else if k := s.counted(); s.Outputs == 1 && k > 1 {
			all = append(all, fmt.Sprintf("every target is one of the whole numbers 0 to %d, and they are predicted as amounts: for classes give numbers of an integer type, one for each %s", k-1, unit))
		}
	}
	return all
}

// rare names the classes that have hardly a sequence to train on. Of labels of steps those that
// are nowhere.
func (s *Set) rare() (all []string) {
	var none []string
	var of [3][]string // classes with so many sequences
	for c, n := range s.Counts() {
		switch {
		case n == 0:
			none = append(none, s.class(c))
		case n < len(of) && !s.PerStep:
			of[n] = append(of[n], s.class(c))
		}
	}
	for n, names := range of {
		sequences := "sequences"
		if n == 1 {
			sequences = "sequence"
		}
		switch {
		case len(names) == 1:
			all = append(all, fmt.Sprintf("class %s has %d %s to train on", names[0], n, sequences))
		case len(names) > 1:
			all = append(all, fmt.Sprintf("classes that have %d %s to train on: %s", n, sequences, few(names)))
		}
	}
	if len(none) > 0 {
		why := ""
		if none[0] == "0" && slices.Equal(s.Classes, numbered(len(s.Classes))) {
			why = "; numbers of classes begin at 0, as numpy.unique(y, return_inverse=True)[1].reshape(y.shape) makes them"
		}
		all = append(all, fmt.Sprintf("classes without anything to train on: %s%s", shown(none), why))
	}
	return all
}

// oneHot reports whether every row of targets is a single 1 among zeros.
func (s *Set) oneHot() bool {
	rows := make([]float32, s.Outputs*s.perSequence())
	for i := range s.Len() {
		s.Target(i, rows)
		for row := range slices.Chunk(rows, s.Outputs) {
			ones := 0
			for _, v := range row {
				if v == 1 {
					ones++
				} else if v != 0 {
					return false
				}
			}
			if ones != 1 {
				return false
			}
		}
	}
	return true
}

// counted is the number of different targets where they are 0, 1, 2, … without a gap, few
// beside the number of sequences, as numbers of classes are; else 0.
func (s *Set) counted() int {
	const most = 64
	var seen [most]bool
	for _, v := range s.everyTarget() {
		if v != math.Trunc(v) || v < 0 || v >= most {
			return 0
		}
		seen[int(v)] = true
	}
	k := 0
	for k < most && seen[k] {
		k++
	}
	if slices.Contains(seen[k:], true) || 4*k > s.Len() {
		return 0
	}
	return k
}

// perSequence is the number of labels of a sequence.
func (s *Set) perSequence() int {
	if s.PerStep {
		return s.Steps
	}
	return 1
}
