// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

// pairs are the names under which samples and labels are found, in lower case; that of a part
// is beside it, as in x_train.
var pairs = allPairs()

// sampleNames and labelsOfThem are what the arrays of a pair are called, in the order in which
// they are looked for.
var (
	sampleNames  = []string{"x", "xs", "data", "samples", "features", "inputs", "input", "sequences", "signals", "windows"}
	labelsOfThem = []string{"y", "ys", "labels", "label", "targets", "target", "outputs"}
)

func allPairs() (all [][2]string) {
	for _, x := range sampleNames {
		for _, y := range labelsOfThem {
			all = append(all, [2]string{x, y})
		}
	}
	return append(all, unnamed)
}

// unnamed are the names that numpy.savez gives two arrays without names.
var unnamed = [2]string{"arr_0", "arr_1"}

// arrayName is the name of an array without that of the part that it belongs to, both in lower
// case; "" is no part.
type arrayName struct{ base, part string }

// arrayParts are the words for parts in names of arrays.
var arrayParts = [...]struct {
	part  string
	words []string
}{
	{"train", append([]string{"tr"}, partWords[trainPart]...)},
	{"val", append([]string{"va"}, partWords[heldPart]...)},
	{"test", append([]string{"te"}, partWords[testPart]...)},
}

// nameOf takes the name of an array apart: x_train, train_x, Xtrain.
func nameOf(name string) arrayName {
	name = strings.ToLower(name)
	for _, p := range arrayParts {
		for _, w := range p.words {
			for _, sep := range []string{"_", "-", "."} {
				if base, ok := strings.CutSuffix(name, sep+w); ok && base != "" {
					return arrayName{base, p.part}
				}
				if base, ok := strings.CutPrefix(name, w+sep); ok && base != "" {
					return arrayName{base, p.part}
				}
			}
			if base, ok := strings.CutSuffix(name, w); ok && (base == "x" || base == "y") && len(w) > 2 {
				return arrayName{base, p.part}
			}
		}
	}
	return arrayName{name, ""}
}

// isPair reports whether samples or labels have this name, without that of a part.
func isPair(base string) bool {
	return slices.ContainsFunc(pairs, func(p [2]string) bool { return p[0] == base || p[1] == base })
}

// groupArrays are the names of arrays that say what sequences belong to.
var groupArrays = append([]string{"groups"}, groupNames...)

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
	const most = 12
	if n := len(all); n > most {
		all = append(all[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(all, ", ")
}
