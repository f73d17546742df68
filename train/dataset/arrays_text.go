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
		if slices.Contains(besides, nameOf(name).base) {
			return nil, nil, others[name]
		}
		if n := nameOf(name); (n.part == "test" || n.part == "val") && isPair(n.base) {
			return nil, nil, others[name] // another part would be made up
		}
	}
	train, test, err = fromArrays(source, arrays, o)
	for _, name := range names {
		if err != nil && isPair(nameOf(name).base) {
			return nil, nil, others[name]
		}
	}
	for _, name := range names {
		if err == nil && isListOfNames(nameOf(name).base) {
			return nil, nil, others[name] // it says what to do
		}
	}
	if err == nil && len(names) > 0 {
		train.Notes = append(train.Notes, fmt.Sprintf("arrays that are not read, for their elements are neither numbers nor text: %s", shown(names)))
	}
	return train, test, err
}

// besides are the arrays that go with samples and labels.
var besides = []string{"group", "groups", "mask", "lengths"}

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

// unite gives all parts the classes of all.
func unite(parts []*Set) {
	var names []string
	for _, s := range parts {
		names = append(names, s.Classes...)
	}
	all := classNames(names)
	for _, s := range parts {
		s.renumber(all)
	}
}

// renumber gives labels the numbers that the names of their classes have in a list.
func (s *Set) renumber(classes []string) {
	for i, l := range s.labels {
		if l != noLabel {
			s.labels[i] = int32(slices.Index(classes, s.Classes[l]))
		}
	}
	s.Classes, s.Outputs = classes, len(classes)
}
