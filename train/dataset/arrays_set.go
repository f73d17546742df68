// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

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
			hint = "; sequences of one feature are [sequences steps 1]: say --layout nt"
		} else if len(x.Shape) > 3 {
			hint = "; several dimensions of a step are its features: x.reshape(len(x), x.shape[1], -1)"
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
	if err := s.beyond(x, false); err != nil {
		return nil, err
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
		if err := s.beyond(y, true); err != nil {
			return nil, err
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
			return nil, fmt.Errorf("%s: label %d is %d, expected 0 … %d: numbers of classes begin at 0, as numpy.unique(y, return_inverse=True)[1].reshape(y.shape) makes them", y.Name, i, l, maxClasses-1)
		}
		s.labels[i] = int32(l)
		s.Outputs = max(s.Outputs, int(l)+1)
	}
	if s.Classes = numbered(s.Outputs); classes != nil {
		s.Classes, s.Outputs, s.named = classes, len(classes), true
	}
	return checked(s)
}

// beyond refuses numbers of 64 bits that 32 bits do not hold, and would make infinite.
func (s *Set) beyond(a *npy.Array, targets bool) error {
	if a.Kind() != 'f' || a.Width() < 8 {
		return nil
	}
	n := a.Elements()
	for i := range n {
		if v := a.Float(i); math.IsInf(float64(float32(v)), 0) && !math.IsInf(v, 0) {
			return fmt.Errorf("%s: %s is %v, beyond the 3.4e38 that 32 bits hold: give it in another unit, or repair or remove the sequence", a.Name, s.place(i, n/s.n, targets), v)
		}
	}
	return nil
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
