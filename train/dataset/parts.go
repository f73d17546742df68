// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
)

// part is what a sequence is for, where the files say so.
type part uint8

const (
	trainPart part = iota
	heldPart       // to validate
	testPart
)

// partWords are the names that parts have, in lower case.
var partWords = [...][]string{
	trainPart: {"train", "training", "trn", "learn"},
	heldPart:  {"val", "valid", "validation", "validate", "dev", "development"},
	testPart:  {"test", "testing", "tst", "eval", "evaluation"},
}

// partOf returns the part that a word names.
func partOf(word string) (p part, known bool) {
	word = strings.ToLower(strings.TrimSpace(word))
	for p, words := range partWords {
		if slices.Contains(words, word) {
			return part(p), true
		}
	}
	return 0, false
}

// NoSplit is the name in Options.Split that says that no column is to be taken for parts.
const NoSplit = "none"

// splitNames are the columns that say which part a sequence is in, where all cells do.
var splitNames = []string{"split", "set", "subset", "part", "partition", "fold", "usage", "dataset"}

// Validation returns the validation part that the files of a training part have, or nil.
func (s *Set) Validation() *Set { return s.held }

// Held divides a training part into what is trained on and the validation part: that of the files
// or, where they have none, a fraction of it, drawn with the seed; nil for the fraction 0.
// What it did is noted in the set's Origin.
func Held(train *Set, fraction float64, seed uint64) (rest, held *Set, err error) {
	switch {
	case train.held != nil:
		if train.Origin != nil {
			train.Origin.OwnValidation = true
		}
		return train, train.held, nil
	case fraction == 0:
		return train, nil, nil
	}
	if rest, held, err = Split(train, fraction, seed); err == nil && train.Origin != nil {
		train.Origin.Validation = fraction
	}
	return rest, held, err
}

// tell notes where a part, and the validation part with it, comes from.
func (s *Set) tell(origin *facts.Data) {
	if s.Origin = origin; s.held != nil {
		s.held.Origin = origin
	}
}

// byParts divides a set as its files say; where says who says so. Without a sequence to test
// test is nil.
func (s *Set) byParts(of []part, where string) (train, test *Set, err error) {
	var numbers [len(partWords)][]int
	for i, p := range of {
		numbers[p] = append(numbers[p], i)
	}
	if len(numbers[trainPart]) == 0 {
		return nil, nil, fmt.Errorf("%s: with %s no sequence is left to train on", s.Name, where)
	}
	train = s.Subset(s.Name, numbers[trainPart])
	if len(numbers[testPart]) > 0 {
		test = s.Subset(s.Name+" test", numbers[testPart])
	}
	if len(numbers[heldPart]) > 0 {
		train.held = s.Subset(s.Name+" validation", numbers[heldPart])
	}
	return train, test, nil
}

// ofFiles divides a set with a sequence for each of the files.
func (s *Set) ofFiles(files []recording, o Options) (train, test *Set, err error) {
	of := make([]part, len(files))
	for i, f := range files {
		of[i] = f.part
	}
	where := "the folders of its parts"
	if o.Sounds.TestList != "" {
		where = "the test part of " + o.Sounds.TestList
	}
	if train, test, err = s.byParts(of, where); err == nil && test == nil && o.Sounds.TestList != "" {
		err = fmt.Errorf("%s: with %s no sequence is left to test", s.Name, where)
	}
	return train, test, err
}

// parts divides a set that has no test part, and says how the training part is divided
// further: as the test part was, or as a given one seems to have been.
func parts(train, test *Set, o Options) (*Set, *Set, error) {
	by, err := divisionFor(train, o.By)
	if err != nil {
		return nil, nil, err
	}
	if train.groups != nil && !train.severalGroups() && by != ByGroup {
		train.Notes = append(slices.Clip(train.Notes), fmt.Sprintf("all sequences are of group %q: parts are not divided by it, and figures say nothing of other groups", train.Group(0)))
	}
	if o.By == ByGroup {
		// Asked for groups, given parts that share them are no answer.
		for _, given := range []**Set{&test, &train.held} {
			if *given == nil || (*given).groups == nil || !sharesGroups(train, *given) {
				continue
			}
			held, other := train.held, *given
			if train, err = join(train, other); err != nil {
				return nil, nil, err
			}
			if held == other {
				train.Notes = append(slices.Clip(train.Notes), "the validation part shares groups with the training part, and is put to it: divide one off by --validation")
				continue
			}
			train.held, test = held, nil
		}
	}
	if test != nil {
		if by == ByGroup && test.groups != nil && sharesGroups(train, test) {
			if by, err = divisionFor(&Set{Name: train.Name, Task: train.Task, PerStep: train.PerStep}, ""); err != nil {
				return nil, nil, err
			}
		}
		train.divide, test.divide = by, by
		return train, test, nil
	}
	train.divide = by
	return Split(train, o.Test, o.Seed)
}

// sharesGroups reports whether a group of the second set is in the first one too.
func sharesGroups(a, b *Set) bool {
	in := map[string]bool{}
	for i := range a.Len() {
		in[a.Group(i)] = true
	}
	for i := range b.Len() {
		if in[b.Group(i)] {
			return true
		}
	}
	return false
}

// join puts the sequences of two sets of one shape into one, without a validation part.
func join(a, b *Set) (*Set, error) {
	s := *a
	s.held = nil
	s.n += b.n
	if a.index != nil && b.index != nil && shareMemory(a, b) {
		s.index = slices.Concat(a.index, b.index)
		return &s, nil
	}
	if (a.sounds == nil) != (b.sounds == nil) || (a.pixels == nil) != (b.pixels == nil) || (a.lengths == nil) != (b.lengths == nil) || a.index != nil || b.index != nil {
		return nil, fmt.Errorf("%s: training and test part differ in type: they cannot be put together to be divided by group", a.Name)
	}
	s.pixels, s.values = slices.Concat(a.pixels, b.pixels), slices.Concat(a.values, b.values)
	s.labels, s.targets = slices.Concat(a.labels, b.labels), slices.Concat(a.targets, b.targets)
	s.sounds = slices.Concat(a.sounds, b.sounds)
	s.masked = a.masked || b.masked
	s.lengths, s.groups = slices.Concat(a.lengths, b.lengths), slices.Concat(a.groups, b.groups)
	return &s, nil
}
