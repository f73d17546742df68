// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// bundle is named arrays on their way to sets.
type bundle struct {
	source  string
	arrays  map[string]*npy.Array
	by      map[arrayName]*npy.Array
	o       Options
	read    map[*npy.Array]bool
	ignored bool // labels have the one that does not count
	oneHot  int  // classes of which labels have a column each; 0 where they have none
}

// fromArrays builds the sets from named arrays: a pair for the training part, without the name of
// a part or with train, and the same with test and val if there. group says what sequences
// belong to; mask [N, T] or lengths [N] which steps are their own; split [N] which part a
// sequence is in where one pair has all; class_names and feature_names what numbers mean.
func fromArrays(source string, arrays map[string]*npy.Array, o Options) (train, test *Set, err error) {
	a := &bundle{source: source, arrays: arrays, by: map[arrayName]*npy.Array{}, o: o, read: map[*npy.Array]bool{}}
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		k := nameOf(name)
		if other := a.by[k]; other != nil {
			if strings.EqualFold(other.Name, arrays[name].Name) {
				return nil, nil, fmt.Errorf("%s: arrays %s and %s differ in case alone: it is not clear which one to take", source, other.Name, arrays[name].Name)
			}
			return nil, nil, fmt.Errorf("%s: arrays %s and %s are both %s of the %s part: it is not clear which one to take", source, other.Name, arrays[name].Name, k.base, k.part)
		}
		a.by[k] = arrays[name]
	}
	a.oneHot = a.oneOfClasses()
	if train, err = a.part(source, "", "train"); err != nil {
		return nil, nil, err
	}
	if train == nil {
		return nil, nil, fmt.Errorf("%s: no samples with labels: expected arrays x and y, or x_train and y_train; there are %s", source, listed(arrays))
	}
	if test, err = a.part(source+" test", "test"); err != nil {
		return nil, nil, err
	}
	if train.held, err = a.part(source+" validation", "val"); err != nil {
		return nil, nil, err
	}
	for _, p := range []struct {
		s    *Set
		name string
	}{{test, "test"}, {train.held, "val"}} {
		for _, names := range pairs {
			if x, y := a.by[arrayName{names[0], p.name}], a.by[arrayName{names[1], p.name}]; p.s == nil && (x != nil || y != nil) {
				return nil, nil, fmt.Errorf("%s: arrays %s_%s and %s_%s are needed for a part of its own, and one of them is missing; there are %s", source, names[0], p.name, names[1], p.name, listed(arrays))
			}
		}
	}
	sets := []*Set{train}
	for _, s := range []*Set{test, train.held} {
		if s != nil {
			sets = append(sets, s)
		}
	}
	if err := a.agree(sets); err != nil {
		return nil, nil, err
	}
	if err := a.name(sets); err != nil {
		return nil, nil, err
	}
	if !a.ignored && o.IgnoreLabel != "" {
		return nil, nil, noIgnored(source, o.IgnoreLabel, "y holds "+labelsOf(train))
	}
	if len(sets) == 1 {
		if train, test, err = a.divide(train); err != nil {
			return nil, nil, err
		}
	}
	train.Notes = append(slices.Clip(train.Notes), a.unread()...)
	return train, test, nil
}

// part makes the set of the arrays whose names name no part or one of those given; nil where
// there are none.
func (a *bundle) part(name string, parts ...string) (*Set, error) {
	var x, y *npy.Array
	of := ""
	for _, p := range pairs {
		for _, part := range parts {
			x2, y2 := a.by[arrayName{p[0], part}], a.by[arrayName{p[1], part}]
			switch {
			case x2 == nil || y2 == nil || x2.IsText() && p[0] != "x":
			case p == unnamed && (x != nil || len(a.arrays) != 2): // which of more are what?
			case x == nil:
				x, y, of = x2, y2, part
			case x2 != x: // of the same part under another name
				return nil, fmt.Errorf("%s: %s and %s are samples with labels as well as %s and %s: it is not clear which to take; keep one pair", a.source, x2.Name, y2.Name, x.Name, y.Name)
			}
		}
	}
	if x == nil {
		return nil, nil
	}
	mask, lengths := a.by[arrayName{"mask", of}], a.by[arrayName{"lengths", of}]
	for _, array := range []*npy.Array{x, y, a.by[arrayName{"group", of}], mask, lengths} {
		a.read[array] = true
	}
	if a.o.Regression && y.Kind() != 'f' && !y.IsText() { // whole numbers are predicted, too
		numbers := npy.FromFloats(y.Shape, y.Floats())
		numbers.Name, y = y.Name, numbers
	}
	if a.oneHot > 0 {
		y = a.classNumbers(y)
	}
	a.ignored = a.ignored || hasLabel(y, a.o.IgnoreLabel)
	l, err := layOut(x, y, mask, lengths, a.o)
	if err != nil {
		return nil, err
	}
	s, err := fromArraysBut(name, l.x, l.y, a.o.IgnoreLabel)
	if err != nil {
		return nil, err
	}
	s.Notes = append(l.notes, s.Notes...)
	if a.oneHot > 0 {
		a.ofColumns(s, y)
	}
	if x == a.by[arrayName{unnamed[0], ""}] {
		s.Notes = append(s.Notes, "arrays without names: the first is taken for samples, the second for labels")
	}
	for _, k := range groupArrays {
		g := a.by[arrayName{k, of}]
		if g == nil || s.groups != nil || !slices.Contains(besides, k) && (len(g.Shape) != 1 || g.Shape[0] != s.n || g.Kind() == 'f') {
			continue
		}
		if err := s.setGroups(g); err != nil {
			return nil, err
		}
		if a.read[g] = true; !slices.Contains(besides, k) {
			s.Notes = append(s.Notes, fmt.Sprintf("array %q is taken for the group of a sequence: parts are divided by it", k))
		}
	}
	if err := s.setLengths(l.mask, lengths); err != nil {
		return nil, err
	}
	return s, s.bring(a.o.Length)
}

// agree refuses parts that are not of one kind, and gives them the same classes.
func (a *bundle) agree(sets []*Set) error {
	train, named, most := sets[0], false, 0
	for _, s := range sets {
		if train.Steps != s.Steps || train.Features != s.Features {
			return fmt.Errorf("%s: sequences of %s have %d steps of %d features, those of %s %d of %d: both must have one shape",
				a.source, train.origin[0], train.Steps, train.Features, s.origin[0], s.Steps, s.Features)
		}
		if train.Task != s.Task || train.PerStep != s.PerStep || train.Task == nn.Regression && train.Outputs != s.Outputs {
			return fmt.Errorf("%s: %s and %s differ in type or dimensions", a.source, train.origin[1], s.origin[1])
		}
		if train.named != s.named {
			return fmt.Errorf("%s: one of %s and %s holds names of classes, the other numbers: write both in one way", a.source, train.origin[1], s.origin[1])
		}
		named, most = named || s.named, max(most, s.Outputs)
	}
	if len(sets) == 1 {
		return nil
	}
	if named {
		unite(sets)
		if old, l := (dialect{}).twice(train.Classes); old != l {
			return fmt.Errorf("%s: %w", a.source, oneNumber(old, l))
		}
		return nil
	}
	for _, s := range sets { // the largest class may be in one part alone
		if s.Outputs != most {
			s.Outputs, s.Classes = most, numbered(most)
		}
	}
	return nil
}

// divide makes the parts that an array names, if there is one.
func (a *bundle) divide(all *Set) (train, test *Set, err error) {
	if a.o.Split == NoSplit {
		return all, nil, nil
	}
	for _, name := range splitNames {
		words := a.by[arrayName{name, ""}]
		if words == nil || !words.IsText() || len(words.Shape) != 1 || words.Shape[0] != all.n {
			continue
		}
		of := make([]part, all.n)
		known := true
		var counts [len(partWords)]int
		for i := range of {
			var is bool
			of[i], is = partOf(words.Text(i))
			known = known && is
			counts[of[i]]++
		}
		if !known {
			continue
		}
		a.read[words] = true
		all.Notes = append(all.Notes, fmt.Sprintf("parts are those of array %q: %d sequences to train on, %d to validate, %d to test", name, counts[trainPart], counts[heldPart], counts[testPart]))
		return all.byParts(of, "array "+name)
	}
	return all, nil, nil
}

// unread says which arrays nothing was done with.
func (a *bundle) unread() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.arrays)) {
		if !a.read[a.arrays[name]] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("arrays that are not read: %s; known are samples and labels, with _train, _val and _test, group, mask, lengths, split, class_names and feature_names", shown(names))}
}
