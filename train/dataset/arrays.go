// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// maxClasses bounds the classes of a labelled set: a larger label is an error of
// the file.
const maxClasses = 4096

// openNPZ reads an archive with samples and labels under one of the usual names and, if
// there, a test part, groups and masks.
func openNPZ(file string, o Options) (train, test *Set, err error) {
	arrays, others, err := npy.OpenMixed(file)
	if err != nil {
		return nil, nil, err
	}
	return fromMixed(file, arrays, others, o)
}

// openFolder reads the same arrays from .npy files.
func openFolder(dir string, o Options) (train, test *Set, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.npy"))
	if err != nil {
		return nil, nil, err
	}
	arrays, others := map[string]*npy.Array{}, map[string]error{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, nil, err
		}
		a, err := npy.ReadMixed(file, f)
		f.Close()
		name := strings.TrimSuffix(filepath.Base(file), ".npy")
		var of *npy.TypeError
		switch {
		case errors.As(err, &of):
			others[name] = err
		case err != nil:
			return nil, nil, err
		default:
			arrays[name] = a
		}
	}
	return fromMixed(dir, arrays, others, o)
}

// pairs are the names under which samples and labels are found, in lower case; a part's
// suffix follows, as in x_train.
var pairs = [][2]string{{"x", "y"}, {"data", "labels"}, {"data", "label"}, {"samples", "labels"}, {"features", "labels"}, {"inputs", "targets"}, {"data", "target"}}

// groupArrays are the names of arrays that say what sequences belong to.
var groupArrays = append([]string{"groups"}, groupNames...)

// unread says which arrays nothing was done with.
func unread(arrays map[string]*npy.Array, read map[*npy.Array]bool) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		if !read[arrays[name]] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("arrays that are not read: %s; known are samples and labels, with _train and _test, group, mask and lengths", shown(names))}
}

// fromArrays builds the sets from named arrays: a pair for the training part, without a
// suffix or with _train, and the same with _test if there. group says what sequences
// belong to; mask [N, T] or lengths [N] which steps are their own.
func fromArrays(source string, arrays map[string]*npy.Array, o Options) (train, test *Set, err error) {
	lower := map[string]*npy.Array{}
	for name, a := range arrays {
		k := strings.ToLower(name)
		if other := lower[k]; other != nil {
			return nil, nil, fmt.Errorf("%s: arrays %s and %s differ in case alone: it is not clear which one to take", source, a.Name, other.Name)
		}
		lower[k] = a
	}
	find := func(suffixes ...string) (x, y *npy.Array, suffix string) {
		for _, p := range pairs {
			for _, suffix := range suffixes {
				if x, y := lower[p[0]+suffix], lower[p[1]+suffix]; x != nil && y != nil {
					return x, y, suffix
				}
			}
		}
		return nil, nil, ""
	}
	ignored := false
	read := map[*npy.Array]bool{}
	part := func(name string, suffixes ...string) (*Set, error) {
		x, y, suffix := find(suffixes...)
		if x == nil {
			return nil, nil
		}
		for _, p := range pairs { // of the same part under another name
			for _, suffix := range suffixes {
				if x2, y2 := lower[p[0]+suffix], lower[p[1]+suffix]; x2 != nil && y2 != nil && x2 != x {
					return nil, fmt.Errorf("%s: %s and %s are samples with labels as well as %s and %s: it is not clear which to take; keep one pair", source, x2.Name, y2.Name, x.Name, y.Name)
				}
			}
		}
		for _, a := range []*npy.Array{x, y, lower["group"+suffix], lower["mask"+suffix], lower["lengths"+suffix]} {
			read[a] = true
		}
		s, err := fromArraysBut(name, x, y, o.IgnoreLabel)
		if err != nil {
			return nil, err
		}
		ignored = ignored || hasLabel(y, o.IgnoreLabel)
		for _, k := range groupArrays {
			if a := lower[k+suffix]; a != nil && s.groups == nil && (slices.Contains(besides, k) || len(a.Shape) == 1 && a.Shape[0] == s.n && a.Kind() != 'f') {
				if err := s.setGroups(a); err != nil {
					return nil, err
				}
				if read[a] = true; !slices.Contains(besides, k) {
					s.Notes = append(s.Notes, fmt.Sprintf("array %q is taken for the group of a sequence: parts are divided by it", k+suffix))
				}
			}
		}
		if err := s.setLengths(lower["mask"+suffix], lower["lengths"+suffix]); err != nil {
			return nil, err
		}
		return s, s.bring(o.Length)
	}
	if train, err = part(source, "", "_train"); err != nil {
		return nil, nil, err
	}
	if train == nil {
		return nil, nil, fmt.Errorf("%s: no samples with labels: expected arrays x and y, or x_train and y_train; there are %s", source, listed(arrays))
	}
	test, err = part(source+" test", "_test")
	if err == nil {
		train.Notes = append(train.Notes, unread(arrays, read)...)
	}
	if err != nil || test == nil {
		if test == nil && (lower["x_test"] != nil || lower["y_test"] != nil) {
			return nil, nil, fmt.Errorf("%s: arrays x_test and y_test are needed for a test part, and one of them is missing; there are %s", source, listed(arrays))
		}
		if err == nil && !ignored && o.IgnoreLabel != "" {
			err = noIgnored(source, o.IgnoreLabel, "y holds "+labelsOf(train))
		}
		return train, nil, err
	}
	if !ignored && o.IgnoreLabel != "" {
		return nil, nil, noIgnored(source, o.IgnoreLabel, "y holds "+labelsOf(train))
	}
	if train.Steps != test.Steps || train.Features != test.Features {
		return nil, nil, fmt.Errorf("%s: sequences of x have %d steps of %d features, those of x_test %d of %d: both must have one shape",
			source, train.Steps, train.Features, test.Steps, test.Features)
	}
	if train.Task != test.Task || train.PerStep != test.PerStep || train.Task == nn.Regression && train.Outputs != test.Outputs {
		return nil, nil, fmt.Errorf("%s: y and y_test differ in type or dimensions", source)
	}
	if train.named || test.named {
		if train.named != test.named {
			return nil, nil, fmt.Errorf("%s: one of y and y_test holds names of classes, the other numbers: write both in one way", source)
		}
		unite(train, test)
		if old, l := (dialect{}).twice(train.Classes); old != l {
			return nil, nil, fmt.Errorf("%s: %w", source, oneNumber(old, l))
		}
	} else if train.Outputs != test.Outputs { // the largest class may be in one part alone
		k := max(train.Outputs, test.Outputs)
		for _, s := range []*Set{train, test} {
			s.Outputs, s.Classes = k, numbered(k)
		}
	}
	return train, test, nil
}

// hasLabel reports whether class numbers have one, as it is written.
func hasLabel(y *npy.Array, label string) bool {
	if label == "" || y.Kind() == 'f' {
		return false
	}
	for i := range y.Elements() {
		if y.IsText() && strings.TrimSpace(y.Text(i)) == label {
			return true
		}
		if !y.IsText() && strconv.FormatInt(y.Int(i), 10) == label {
			return true
		}
	}
	return false
}

// labelsOf says for a message what labels are.
func labelsOf(s *Set) string {
	if s.Task == nn.Regression {
		return "numbers to predict"
	}
	if s.named {
		return some(s.Classes)
	}
	return fmt.Sprintf("class numbers up to %d", s.Outputs-1)
}

// listed names arrays with their shapes, for messages.
func listed(arrays map[string]*npy.Array) string {
	var all []string
	for name, a := range arrays {
		all = append(all, fmt.Sprintf("%s %v", name, a.Shape))
	}
	slices.Sort(all)
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

// setGroups takes over what the sequences belong to.
func (s *Set) setGroups(a *npy.Array) error {
	if a == nil {
		return nil
	}
	if len(a.Shape) != 1 || a.Shape[0] != s.n {
		return fmt.Errorf("%s: shape %v, expected a group for each of %d sequences", a.Name, a.Shape, s.n)
	}
	if a.Kind() == 'f' {
		return fmt.Errorf("%s: element type %s, expected whole numbers or text for groups", a.Name, a.Type)
	}
	s.groups = make([]string, s.n)
	for i := range s.groups {
		if a.IsText() {
			s.groups[i] = strings.TrimSpace(a.Text(i))
			continue
		}
		s.groups[i] = strconv.FormatInt(a.Int(i), 10)
	}
	return nil
}

// FromArrays makes a set of x [N, T, F] and y. Elements of x: uint8 stands for
// value/255, int8 for value/128, any other number for itself. An integer y [N], or one of text, holds
// a class for each sequence, [N, T] or [N, T, 1] one for each step; a float y [N] or
// [N, K] holds targets of a sequence, [N, T, K] those of each step.
func FromArrays(name string, x, y *npy.Array) (*Set, error) { return fromArraysBut(name, x, y, "") }

// fromArraysBut is FromArrays with class numbers of steps that do not count.
func fromArraysBut(name string, x, y *npy.Array, ignore string) (*Set, error) {
	if len(x.Shape) != 3 || x.Elements() == 0 {
		hint := ""
		if len(x.Shape) == 2 {
			hint = "; sequences of one feature are [sequences steps 1]"
		}
		return nil, fmt.Errorf("%s: shape %v, expected [sequences steps features], none of them 0%s", x.Name, x.Shape, hint)
	}
	if x.IsText() {
		return nil, fmt.Errorf("%s: element type %q, expected numbers", x.Name, x.Type)
	}
	if err := budget.Ask(x.Name, 4*int64(x.Elements())); err != nil && x.Type != "|u1" {
		return nil, err
	}
	s := &Set{Name: name, n: x.Shape[0], Steps: x.Shape[1], Features: x.Shape[2], origin: [2]string{x.Name, y.Name}}
	if len(y.Shape) == 0 || y.Shape[0] != s.n {
		return nil, fmt.Errorf("%s: shape %v, but %s has %d sequences: the first dimensions must agree", y.Name, y.Shape, x.Name, s.n)
	}
	switch x.Type {
	case "|u1":
		s.pixels = x.Data
		s.Notes = append(s.Notes, fmt.Sprintf("%s: elements of 8 bits are taken as pixels: a value is its number / 255; write x.astype('float32') for the numbers themselves", x.Name))
	case "|i1":
		s.Notes = append(s.Notes, fmt.Sprintf("%s: a value is its number of 8 bits / 128; write x.astype('float32') for the numbers themselves", x.Name))
		s.values = x.Floats()
		for i := range s.values {
			s.values[i] /= 128
		}
	default:
		s.values = x.Floats()
	}
	if y.Kind() == 'f' {
		s.Task, s.targets, s.Outputs = nn.Regression, y.Floats(), 1
		if len(y.Shape) > 1 {
			s.Outputs = y.Shape[len(y.Shape)-1]
		}
		s.PerStep = len(y.Shape) == 3
		if len(y.Shape) > 3 || s.PerStep && y.Shape[1] != s.Steps || s.Outputs < 1 {
			return nil, fmt.Errorf("%s: shape %v, expected [%d], [%d outputs] or [%d %d outputs] for float targets", y.Name, y.Shape, s.n, s.n, s.n, s.Steps)
		}
		if len(y.Shape) == 2 && s.Steps > 1 && s.Outputs == s.Steps && !s.oneHot() {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: shape %v is read as %d targets of each sequence; for one target at each of its %d steps write [%d %d 1]", y.Name, y.Shape, s.Outputs, s.Steps, s.n, s.Steps))
		}
		return checked(s)
	}
	skip := ignore
	var classes []string
	if y.IsText() {
		var err error
		if y, classes, err = numberText(y, ignore); err != nil {
			return nil, err
		}
		skip = strconv.Itoa(noLabel)
	}
	steps := len(y.Shape) == 3 && y.Shape[2] == 1 && y.Shape[1] == s.Steps
	if steps {
		y = &npy.Array{Name: y.Name, Type: y.Type, Shape: y.Shape[:2], Data: y.Data}
	}
	if len(y.Shape) == 2 && y.Shape[1] == 1 && s.Steps > 1 { // a column of class numbers
		y = &npy.Array{Name: y.Name, Type: y.Type, Shape: y.Shape[:1], Data: y.Data}
	}
	s.PerStep = steps || len(y.Shape) == 2
	if !steps && classes == nil && s.PerStep && s.n > 1 && s.Steps > 1 && y.Shape[1] == s.Steps && oneOfEach(y) {
		return nil, fmt.Errorf("%s: shape %v, and every row is one 1 among zeros: a class of %d for each sequence, or a label for each of its %d steps? Write y.argmax(1) for classes, y[..., None] for labels of steps", y.Name, y.Shape, s.Steps, s.Steps)
	}
	if len(y.Shape) == 2 && y.Shape[1] != s.Steps && y.Shape[1] > 1 && classes == nil && oneOfEach(y) {
		return nil, fmt.Errorf("%s: shape %v, expected [%d] or [%d %d] for class numbers; every row is one 1 among zeros: write y.argmax(1)", y.Name, y.Shape, s.n, s.n, s.Steps)
	}
	if len(y.Shape) > 2 || s.PerStep && y.Shape[1] != s.Steps {
		return nil, fmt.Errorf("%s: shape %v, expected [%d] or [%d %d] for class numbers", y.Name, y.Shape, s.n, s.n, s.Steps)
	}
	s.labels = make([]int32, y.Elements())
	for i := range s.labels {
		l := y.Int(i)
		if skip != "" && strconv.FormatInt(l, 10) == skip {
			if !s.PerStep {
				return nil, fmt.Errorf("%s: sequence %d has label %s, which does not count: leave the sequence out of the file", y.Name, i, ignore)
			}
			s.labels[i], s.masked = noLabel, true
			continue
		}
		if l < 0 && s.PerStep {
			return nil, fmt.Errorf("%s: label %d is %d, expected 0 … %d; if such steps do not count, say so with --ignore-label=%d", y.Name, i, l, maxClasses-1, l)
		}
		if l < 0 || l >= maxClasses {
			return nil, fmt.Errorf("%s: label %d is %d, expected 0 … %d: numbers of classes begin at 0, as numpy.unique(y, return_inverse=True)[1] makes them", y.Name, i, l, maxClasses-1)
		}
		s.labels[i] = int32(l)
		s.Outputs = max(s.Outputs, int(l)+1)
	}
	if s.Classes = numbered(s.Outputs); classes != nil {
		s.Classes, s.Outputs, s.named = classes, len(classes), true
	}
	return checked(s)
}

// oneOfEach reports whether every row of whole numbers is a single 1 among zeros.
func oneOfEach(y *npy.Array) bool {
	for row := range y.Shape[0] {
		ones := 0
		for i := range y.Shape[1] {
			switch y.Int(row*y.Shape[1] + i) {
			case 0:
			case 1:
				ones++
			default:
				return false
			}
		}
		if ones != 1 {
			return false
		}
	}
	return true
}

// numbered returns the names "0", "1", …
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}
