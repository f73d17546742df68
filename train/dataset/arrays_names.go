// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// Arrays of text that say what numbers mean.
var (
	classArrays   = []string{"class_names", "classnames", "classes", "classes_", "class_labels", "label_names", "labels_names", "target_names", "names", "categories", "vocabulary", "words", "labels", "label"}
	featureArrays = []string{"feature_names", "features_names", "feature_columns", "columns", "channel_names", "channels", "sensors", "features"}
)

// isListOfNames reports whether an array of this name holds nothing but names.
func isListOfNames(base string) bool {
	return (slices.Contains(classArrays, base) || slices.Contains(featureArrays, base)) && (strings.Contains(base, "names") || strings.HasPrefix(base, "classes")) && !isPair(base)
}

// name gives the parts the names of classes and of features that arrays hold.
func (a *bundle) name(sets []*Set) error {
	if names, err := a.list(classArrays, sets, func(n int) bool { return sets[0].Task == nn.Classification }); err != nil {
		return err
	} else {
		last := sets[0].Outputs - 1
		if beginsAtOne(sets) && (names == nil || len(names.all) == last) {
			for _, s := range sets {
				s.beginAtOne()
			}
			sets[0].Notes = append(sets[0].Notes, fmt.Sprintf("%s: no label is 0: they are taken for the classes 1 to %d", sets[0].origin[1], last))
		}
		if names != nil {
			if err := a.nameClasses(sets, names); err != nil {
				return err
			}
		}
	}
	names, err := a.list(featureArrays, sets, func(n int) bool { return true })
	if err != nil || names == nil {
		return err
	}
	if len(names.all) != sets[0].Features {
		return fmt.Errorf("%s: %d names, but samples have %d features: expected one for each", names.array.Name, len(names.all), sets[0].Features)
	}
	a.read[names.array] = true
	for _, s := range sets {
		s.Columns = names.all
	}
	return nil
}

// nameList is an array of different names.
type nameList struct {
	array *npy.Array
	key   string
	all   []string
}

// list reads the first of the named arrays that is a list of names, and not one for each
// sequence.
func (a *bundle) list(keys []string, sets []*Set, wanted func(n int) bool) (*nameList, error) {
	for _, k := range keys {
		l := a.by[arrayName{k, ""}]
		if l == nil || a.read[l] || !l.IsText() || len(l.Shape) != 1 || l.Shape[0] == 0 || !wanted(l.Shape[0]) {
			continue
		}
		r := &nameList{array: l, key: k}
		for i := range l.Shape[0] {
			n := strings.TrimSpace(l.Text(i))
			if n == "" || strings.ContainsFunc(n, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }) {
				return nil, fmt.Errorf("%s: name %d, %q, is no printable text", l.Name, i, n)
			}
			if first := slices.Index(r.all, n); first >= 0 {
				return nil, fmt.Errorf("%s: names %d and %d are both %q: expected a name of its own for each", l.Name, first, i, n)
			}
			r.all = append(r.all, n)
		}
		return r, nil
	}
	return nil, nil
}

// nameClasses gives numbered classes their names, and named ones their order.
func (a *bundle) nameClasses(sets []*Set, names *nameList) error {
	train := sets[0]
	if len(names.all) > maxClasses {
		return fmt.Errorf("%s: %d names of classes, expected at most %d", names.array.Name, len(names.all), maxClasses)
	}
	if !train.named && train.Outputs > len(names.all) {
		return fmt.Errorf("%s: %d names of classes, but %s has the number %d: expected a name for each number from 0 on", names.array.Name, len(names.all), train.origin[1], train.Outputs-1)
	}
	if train.named {
		for _, c := range train.Classes {
			if !slices.Contains(names.all, c) {
				return fmt.Errorf("%s: names no class %q, which %s has: %s", names.array.Name, c, train.origin[1], shown(names.all))
			}
		}
	}
	a.read[names.array] = true
	for _, s := range sets {
		if s.named {
			s.renumber(names.all)
			continue
		}
		s.Classes, s.Outputs, s.named = names.all, len(names.all), true
	}
	train.Notes = append(train.Notes, fmt.Sprintf("names of classes are those of array %q", names.key))
	return nil
}
