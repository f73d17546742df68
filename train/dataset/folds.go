// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Fold is one division of a set: a part to train on and the part that it is judged by.
type Fold struct{ Train, Test *Set }

// Folds divides a set k times so that every sequence is judged once by a network that has not
// seen it: by whole groups, by class, by time or at random, as the set is divided
// otherwise, drawn with the seed. What was set aside of the same file as test counts among the
// sequences; a test part that the files have by themselves does not. Where features are
// standardized, the constants are each training part's own.
func Folds(train, test *Set, k int, seed uint64) ([]Fold, error) {
	all := train
	if train.index != nil && test.index != nil && shareMemory(train, test) {
		whole := *train
		whole.index = slices.Sorted(slices.Values(slices.Concat(train.index, test.index)))
		whole.n = len(whole.index)
		all = &whole
	}
	if k < 2 || k > all.Len() {
		return nil, fmt.Errorf("%s: %d folds of %d sequences: expected 2 to %d", all.Name, k, all.Len(), all.Len())
	}
	place, err := all.deal(k, seed)
	if err != nil {
		return nil, err
	}
	var folds []Fold
	for f := range k {
		var keep, away []int
		for i, p := range place {
			if p == f {
				away = append(away, i)
			} else {
				keep = append(keep, i)
			}
		}
		if len(away) == 0 || len(keep) == 0 {
			return nil, fmt.Errorf("%s: fold %d of %d has no sequence: ask for fewer folds", all.Name, f+1, k)
		}
		d := Fold{all.Subset(fmt.Sprintf("%s fold %d", train.Name, f+1), keep), all.Subset(fmt.Sprintf("%s fold %d test", train.Name, f+1), away)}
		if all.held != nil {
			held := *all.held // each fold has its own constants
			d.Train.held = &held
		}
		if all.Mean != nil {
			if err := Standardize(d.Train, d.Test, d.Train.held); err != nil {
				return nil, err
			}
		}
		folds = append(folds, d)
	}
	return folds, nil
}

// shareMemory reports whether two sets are parts of one.
func shareMemory(a, b *Set) bool {
	switch {
	case len(a.values) > 0 && len(b.values) > 0:
		return &a.values[0] == &b.values[0]
	case len(a.pixels) > 0 && len(b.pixels) > 0:
		return &a.pixels[0] == &b.pixels[0]
	}
	return false
}

// deal returns the fold of every sequence.
func (s *Set) deal(k int, seed uint64) ([]int, error) {
	place := make([]int, s.Len())
	order := rand.New(rand.NewPCG(seed, splitStream)).Perm(s.Len())
	switch s.divide {
	case ByTime:
		for i := range place {
			place[i] = i * k / s.Len()
		}
		return place, nil
	case ByGroup:
		return place, s.dealGroups(place, order, k)
	case ByClass:
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Label(a), s.Label(b)) })
	}
	for n, i := range order {
		place[i] = n % k
	}
	return place, nil
}

// dealGroups gives whole groups, the largest first, to the fold that has the fewest sequences.
func (s *Set) dealGroups(place, order []int, k int) error {
	size := map[string]int{}
	var names []string
	for _, i := range order {
		g := s.Group(i)
		if size[g] == 0 {
			names = append(names, g)
		}
		size[g]++
	}
	if len(names) < k {
		return fmt.Errorf("%s: %d folds of %d groups: ask for at most as many folds as groups", s.Name, k, len(names))
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(size[b], size[a]) })
	full, fold := make([]int, k), map[string]int{}
	for _, g := range names {
		at := slices.Index(full, slices.Min(full))
		fold[g] = at
		full[at] += size[g]
	}
	for i := range place {
		place[i] = fold[s.Group(i)]
	}
	return nil
}
