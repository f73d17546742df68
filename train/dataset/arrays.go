package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// maxClasses bounds the classes of a labelled set: a larger label is an error of
// the file.
const maxClasses = 4096

// openNPZ reads an archive with x and y and, if there, x_test and y_test.
func openNPZ(file string) (train, test *Set, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	arrays, err := npy.ReadArchive(file, f, info.Size())
	if err != nil {
		return nil, nil, err
	}
	return fromArrays(file, func(names ...string) (*npy.Array, error) {
		for _, n := range names {
			if arrays[n] != nil {
				return arrays[n], nil
			}
		}
		return nil, nil
	})
}

// openFolder reads x.npy, y.npy and, if there, x_test.npy and y_test.npy.
func openFolder(dir string) (train, test *Set, err error) {
	return fromArrays(dir, func(names ...string) (*npy.Array, error) {
		file := filepath.Join(dir, names[0]+".npy")
		f, err := os.Open(file)
		if os.IsNotExist(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return npy.Read(file, f)
	})
}

// fromArrays builds the sets from what get returns for the first of some names,
// nil where there is none.
func fromArrays(source string, get func(names ...string) (*npy.Array, error)) (train, test *Set, err error) {
	part := func(name string, suffix string, alternative string) (*Set, error) {
		x, err := get("x"+suffix, "x"+alternative)
		if err != nil {
			return nil, err
		}
		y, err := get("y"+suffix, "y"+alternative)
		if err != nil {
			return nil, err
		}
		if x == nil && y == nil && suffix != "" {
			return nil, nil
		}
		if x == nil || y == nil {
			return nil, fmt.Errorf("%s: arrays x%s and y%s are needed, and one of them is missing", source, suffix, suffix)
		}
		return FromArrays(name, x, y)
	}
	if train, err = part(source, "", "_train"); err != nil {
		return nil, nil, err
	}
	if test, err = part(source+" test", "_test", "_test"); err != nil || test == nil {
		return train, nil, err
	}
	if train.Steps != test.Steps || train.Features != test.Features {
		return nil, nil, fmt.Errorf("%s: sequences of x have %d steps of %d features, those of x_test %d of %d: both must have one shape",
			source, train.Steps, train.Features, test.Steps, test.Features)
	}
	if train.Task != test.Task || train.PerStep != test.PerStep || train.Task == nn.Regression && train.Outputs != test.Outputs {
		return nil, nil, fmt.Errorf("%s: y and y_test differ in type or dimensions", source)
	}
	if train.Outputs != test.Outputs { // the largest class may be in one part alone
		k := max(train.Outputs, test.Outputs)
		for _, s := range []*Set{train, test} {
			s.Outputs, s.Classes = k, numbered(k)
		}
	}
	return train, test, nil
}

// FromArrays makes a set of x [N, T, F] and y. Elements of x: uint8 stands for
// value/255, int8 for value/128, any other number for itself. An integer y [N] holds
// a class for each sequence, [N, T] one for each step; a float y [N] or [N, K]
// holds targets of a sequence, [N, T, K] those of each step.
func FromArrays(name string, x, y *npy.Array) (*Set, error) {
	if len(x.Shape) != 3 || x.Elements() == 0 {
		return nil, fmt.Errorf("%s: shape %v, expected [sequences steps features], none of them 0", x.Name, x.Shape)
	}
	s := &Set{Name: name, n: x.Shape[0], Steps: x.Shape[1], Features: x.Shape[2], origin: [2]string{x.Name, y.Name}}
	if len(y.Shape) == 0 || y.Shape[0] != s.n {
		return nil, fmt.Errorf("%s: shape %v, but %s has %d sequences: the first dimensions must agree", y.Name, y.Shape, x.Name, s.n)
	}
	switch x.Type {
	case "|u1":
		s.pixels = x.Data
	case "|i1":
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
		return checked(s)
	}
	s.PerStep = len(y.Shape) == 2
	if len(y.Shape) > 2 || s.PerStep && y.Shape[1] != s.Steps {
		return nil, fmt.Errorf("%s: shape %v, expected [%d] or [%d %d] for class numbers", y.Name, y.Shape, s.n, s.n, s.Steps)
	}
	s.labels = make([]int32, y.Elements())
	for i := range s.labels {
		l := y.Int(i)
		if l < 0 || l >= maxClasses {
			return nil, fmt.Errorf("%s: label %d is %d, expected 0 … %d", y.Name, i, l, maxClasses-1)
		}
		s.labels[i] = int32(l)
		s.Outputs = max(s.Outputs, int(l)+1)
	}
	s.Classes = numbered(s.Outputs)
	return checked(s)
}

// numbered returns the names "0", "1", …
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}
