// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/unroll-npu/unroll/lower/npy"
)

// fromMixed is fromArrays beside arrays of other types, which do not matter unless they hold what
// is asked for.
func fromMixed(source string, arrays map[string]*npy.Array, others map[string]error, o Options) (train, test *Set, err error) {
	names := slices.Sorted(maps.Keys(others))
	for _, name := range names {
		if base := withoutPart(name); slices.Contains(besides, base) {
			return nil, nil, others[name]
		}
		if base, test := strings.CutSuffix(strings.ToLower(name), "_test"); test && slices.ContainsFunc(pairs, func(p [2]string) bool { return p[0] == base }) {
			return nil, nil, others[name] // another test part would be made up
		}
	}
	train, test, err = fromArrays(source, arrays, o)
	for _, name := range names {
		if base := withoutPart(name); err != nil && slices.ContainsFunc(pairs, func(p [2]string) bool { return p[0] == base || p[1] == base }) {
			return nil, nil, others[name]
		}
	}
	if err == nil && len(names) > 0 {
		train.Notes = append(train.Notes, fmt.Sprintf("arrays that are not read, for their elements are neither numbers nor text: %s", shown(names)))
	}
	return train, test, err
}

// besides are the arrays that go with samples and labels.
var besides = []string{"group", "groups", "mask", "lengths"}

// withoutPart is the name of an array in lower case, without the part that it belongs to.
func withoutPart(name string) string {
	name = strings.ToLower(name)
	return strings.TrimSuffix(strings.TrimSuffix(name, "_train"), "_test")
}

// missing is the text that Python makes of labels that are not there. None is a class as well.
var missing = []string{"nan", "<NA>", "NaT"}

// numberText makes numbers of names of classes, in the order of classNames; noLabel stands for the
// one that does not count.
func numberText(y *npy.Array, ignore string) (numbers *npy.Array, classes []string, err error) {
	labels := make([]string, y.Elements())
	for i := range labels {
		labels[i] = strings.TrimSpace(y.Text(i))
		switch {
		case labels[i] == "":
			return nil, nil, fmt.Errorf("%s: label %d is empty: name what has no label, and say --ignore-label with that name", y.Name, i)
		case slices.Contains(missing, labels[i]) && labels[i] != ignore:
			return nil, nil, fmt.Errorf("%s: label %d is %q, which Python writes where there is none: leave the sequence out of the file or, where steps have no label, say --ignore-label with it", y.Name, i, labels[i])
		case strings.ContainsFunc(labels[i], func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }):
			return nil, nil, fmt.Errorf("%s: label %d, %q, is no printable text", y.Name, i, labels[i])
		}
	}
	classes = slices.DeleteFunc(classNames(labels), func(c string) bool { return c == ignore })
	if len(classes) > maxClasses {
		return nil, nil, fmt.Errorf("%s: %d different labels, expected at most %d", y.Name, len(classes), maxClasses)
	}
	if old, l := (dialect{}).twice(classes); old != l {
		return nil, nil, fmt.Errorf("%s: %w", y.Name, oneNumber(old, l))
	}
	if broken, _ := (dialect{}).fractions(classes); len(broken) > 0 && len(classes) > fewFractions {
		return nil, nil, fmt.Errorf("%s: text of %d different numbers with fractions, as %s: write floats to predict them", y.Name, len(classes), broken[0])
	}
	number := map[string]int32{ignore: noLabel}
	for i, c := range classes {
		number[c] = int32(i)
	}
	numbers = &npy.Array{Name: y.Name, Type: "<i4", Shape: y.Shape}
	for _, l := range labels {
		numbers.Data = binary.LittleEndian.AppendUint32(numbers.Data, uint32(number[l]))
	}
	return numbers, classes, nil
}

// unite gives two parts the classes of both.
func unite(a, b *Set) {
	all := classNames(slices.Concat(a.Classes, b.Classes))
	for _, s := range []*Set{a, b} {
		for i, l := range s.labels {
			if l != noLabel {
				s.labels[i] = int32(slices.Index(all, s.Classes[l]))
			}
		}
	}
	for _, s := range []*Set{a, b} {
		s.Classes, s.Outputs = all, len(all)
	}
}
