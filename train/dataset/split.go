// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/train/nn"
)

// Ways to divide a set.
const (
	ByAny   = "auto"   // by group where groups are known, else stratified where there are classes
	ByGroup = "group"  // whole groups
	ByTime  = "time"   // the last sequences, in the order of the file
	ByClass = "class"  // at random, every class in its share
	ByLot   = "random" // at random
)

// division is a way to divide a set.
type division string

// divisionFor returns the way that a set is divided when the user says by.
func divisionFor(s *Set, by string) (division, error) {
	switch by {
	case "", ByAny:
		switch {
		case s.groups != nil && s.severalGroups():
			return ByGroup, nil
		case s.Task == nn.Classification && !s.PerStep:
			return ByClass, nil
		}
		return ByLot, nil
	case ByGroup:
		if s.groups == nil {
			return "", fmt.Errorf("%s: no groups are known to divide by: name a column with --group-column, or put an array \"group\" into the archive", s.Name)
		}
	case ByClass:
		if s.Task != nn.Classification || s.PerStep {
			return "", fmt.Errorf("%s: its sequences have no classes to divide by", s.Name)
		}
	case ByTime, ByLot:
	default:
		return "", fmt.Errorf("%q is no way to divide a set: expected %s, %s, %s, %s or %s", by, ByAny, ByGroup, ByTime, ByClass, ByLot)
	}
	return division(by), nil
}

// severalGroups reports whether sequences belong to more than one group.
func (s *Set) severalGroups() bool {
	for i := range s.Len() {
		if s.Group(i) != s.Group(0) {
			return true
		}
	}
	return false
}

// Split sets a fraction of the sequences aside, drawn with the seed, in the way that the
// set was opened with: at random, so that every class keeps its share, by whole groups,
// or the last ones. The first set returned keeps the rest. Both have at least one sequence.
func Split(s *Set, fraction float64, seed uint64) (rest, aside *Set, err error) {
	n := int(math.Round(fraction * float64(s.Len())))
	if s.Len() < 2 || n >= s.Len() {
		return nil, nil, fmt.Errorf("%s: %s cannot be divided with %v set aside: more are needed; cut a long recording into several sequences", s.Name, figures.Count(s.Len(), "sequence", "sequences"), fraction)
	}
	n = max(n, 1)
	order := rand.New(rand.NewPCG(seed, splitStream)).Perm(s.Len())
	taken := make([]bool, s.Len())
	switch s.divide {
	case ByTime:
		for i := range n {
			taken[s.Len()-1-i] = true
		}
	case ByGroup:
		if err := s.takeGroups(taken, order, n); err != nil {
			return nil, nil, err
		}
	case ByClass:
		s.takeClasses(taken, order, n)
	default:
		for _, i := range order[:n] {
			taken[i] = true
		}
	}
	var keep, away []int
	for _, i := range order {
		if taken[i] {
			away = append(away, i)
		} else {
			keep = append(keep, i)
		}
	}
	rest = s.Subset(s.Name, keep)
	rest.held = s.held
	return rest, s.Subset(s.Name+" aside", away), nil
}

// takeGroups takes whole groups, in the order of their first sequences, until as close to
// n sequences as whole groups come.
func (s *Set) takeGroups(taken []bool, order []int, n int) error {
	size := map[string]int{}
	var names []string
	for _, i := range order {
		g := s.Group(i)
		if size[g] == 0 {
			names = append(names, g)
		}
		size[g]++
	}
	if len(names) < 2 {
		return fmt.Errorf("%s: all sequences are of group %q: at least two groups are needed to divide by; say --split class, random or time", s.Name, names[0])
	}
	chosen, count := map[string]bool{}, 0
	for _, g := range names[1:] { // one group stays in any case
		if count > 0 && count+size[g]-n > n-count {
			continue
		}
		chosen[g] = true
		if count += size[g]; count >= n {
			break
		}
	}
	for i := range taken {
		taken[i] = chosen[s.Group(i)]
	}
	return nil
}

// takeClasses takes of every class its share of n, rounded down, and one more of those
// that the rounding cut most. A class of one sequence keeps it.
func (s *Set) takeClasses(taken []bool, order []int, n int) {
	counts := s.Counts()
	share, left := make([]int, len(counts)), n
	var classes []int
	for c, count := range counts {
		share[c] = n * count / s.Len()
		left -= share[c]
		if count > 1 {
			classes = append(classes, c)
		}
	}
	slices.SortStableFunc(classes, func(a, b int) int {
		return cmp.Compare(n*counts[b]%s.Len(), n*counts[a]%s.Len())
	})
	for ; left > 0 && len(classes) > 0; classes = classes[1:] {
		share[classes[0]]++
		left--
	}
	got := 0
	for _, i := range order {
		if c := s.Label(i); share[c] > 0 {
			share[c]--
			taken[i] = true
			got++
		}
	}
	if got == 0 { // every class has one sequence
		taken[order[0]] = true
	}
}

// splitStream keeps the division apart from other uses of the same seed.
const splitStream = 0x5b117

// Standardize computes the mean and the standard deviation of every feature of
// the first set and gives them to all sets, of which others may be nil, for the network to
// carry. A feature that never changes gets the deviation 1.
func Standardize(train *Set, others ...*Set) error {
	sum, square := make([]float64, train.Features), make([]float64, train.Features)
	x := make([]float32, train.Steps*train.Features)
	pass := func(f func(j int, v float64)) {
		for i := range train.Len() {
			train.Sample(i, x)
			for k, v := range x[(train.Steps-train.Length(i))*train.Features:] {
				f(k%train.Features, float64(v))
			}
		}
	}
	steps := 0
	for i := range train.Len() {
		steps += train.Length(i)
	}
	n := float64(steps)
	if n == 0 {
		return fmt.Errorf("%s: the set is empty: nothing to standardize", train.Name)
	}
	pass(func(j int, v float64) { sum[j] += v })
	// The second pass about the mean loses no digits.
	pass(func(j int, v float64) { d := v - sum[j]/n; square[j] += float64(d * d) })
	mean, std := make([]float32, train.Features), make([]float32, train.Features)
	for j := range mean {
		mean[j] = float32(sum[j] / n)
		std[j] = float32(math.Sqrt(square[j] / n))
		if std[j] == 0 {
			std[j] = 1
		}
		if f := float64(mean[j]) + float64(std[j]); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s: feature %d has mean %v and deviation %v: every value must be finite", train.Name, j, mean[j], std[j])
		}
	}
	for _, s := range append([]*Set{train}, others...) {
		if s == nil {
			continue
		}
		if s.Features != train.Features {
			return fmt.Errorf("%s has %d features, but %s has %d", s.Name, s.Features, train.Name, train.Features)
		}
		s.Mean, s.Std, s.Pad = mean, std, mean
	}
	return nil
}
