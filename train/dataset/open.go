// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say how a file is read and divided. The zero value will do.
type Options struct {
	// Test is the fraction that is set aside as the test part where the files do
	// not have one; default 0.2.
	Test float64
	Seed uint64 // of the division

	// Standardize says whether Mean and Std are computed from the training part: "on",
	// "off", or "auto", the default, unless features have means near 0 and deviations near 1
	// already, or are the pixels of IDX files.
	Standardize string

	By     string // how parts are divided: see ByAny, the default
	Length int    // steps of every sequence: longer ones keep their end, shorter ones are padded in front; 0 is the longest

	// IgnoreLabel is the label of what does not count: of steps, where every step has one, or of
	// whole sequences of a CSV file, which are left out. "" is none.
	IgnoreLabel string

	// CSV only. SequenceColumn is the name of the column with the sequence's id, Label of that
	// with the label, Group of that with what sequences belong to; defaults are
	// "sequence", "label" and none, and columns of usual names are found.
	SequenceColumn, Label, Group string
	Regression                   bool     // the label is a number to predict, not a class
	Features, Ignore             []string // columns that are features, or are not; default all that are left
	Empty                        string   // what is done with empty cells: see EmptyPrevious, the default
	RowSequences                 bool     // every row is a sequence of one feature
	Split                        string   // the column that says which part a sequence is in; default one of the usual names that says so, NoSplit none

	// Layout is the order of the dimensions of samples in arrays: n (sequences), t (steps) and f
	// (features), each once, or n and t for samples of one feature. "" is ntf, unless labels
	// or a mask show that it is another.
	Layout string

	Sounds Sounds // WAV files only
}

// Values of Options.Standardize.
const (
	StandardizeAuto = "auto"
	StandardizeOn   = "on"
	StandardizeOff  = "off"
)

// Open reads a data set: a folder with the MNIST IDX files, with x.npy and y.npy or with
// WAV files or tables, an .npz archive, or a .csv file. It returns a training and a test part.
func Open(path string, o Options) (train, test *Set, err error) {
	o = o.withDefaults()
	if !(o.Test > 0 && o.Test < 1) {
		return nil, nil, fmt.Errorf("test fraction is %v, expected a number between 0 and 1", o.Test)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: no such data set: %w", path, err)
	}
	pictures := false
	var channels *channelTables
	if info.IsDir() && !hasArrays(path) && !hasIDX(path) {
		if channels, err = channelsOf(path, o); err != nil {
			return nil, nil, err
		}
	}
	dir, apart, err := path, (*paired)(nil), error(nil)
	if channels == nil {
		if dir, apart, err = apartFrom(path, info.IsDir(), o); err != nil {
			return nil, nil, err
		}
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case o.Empty != EmptyPrevious && o.Empty != EmptyZero && o.Empty != EmptyDrop && o.Empty != EmptyError:
		err = fmt.Errorf("%q is nothing to do with empty cells: expected %s, %s, %s or %s", o.Empty, EmptyPrevious, EmptyZero, EmptyDrop, EmptyError)
	case o.Standardize != StandardizeAuto && o.Standardize != StandardizeOn && o.Standardize != StandardizeOff:
		err = fmt.Errorf("standardization %q: expected %s, %s or %s", o.Standardize, StandardizeAuto, StandardizeOn, StandardizeOff)
	case o.Length < 0 || o.Length > maxSteps:
		err = fmt.Errorf("sequences of %d steps: expected 1 to %d", o.Length, maxSteps)
	case info.IsDir() && (exists(filepath.Join(path, "x.npy")) || hasArrays(path)):
		train, test, err = openFolder(path, o)
	case channels != nil:
		train, test, err = openChannels(path, channels, o)
	case apart != nil:
		train, test, err = openPairs(dir, apart, o)
	case info.IsDir() && o.Sounds.List == "" && hasPartTables(path):
		train, test, err = openPartTables(path, o)
	case info.IsDir() && o.Sounds == (Sounds{}) && !hasIDX(path) && lone(path) != "":
		err = fmt.Errorf("%s: one table in it, and a folder has a table for every sequence: give the table, as --data %s", path, filepath.ToSlash(lone(path)))
	case info.IsDir() && o.Sounds.List == "" && !hasIDX(path) && !sounds.within(path) && tables.within(path):
		train, test, err = openTables(path, o)
	case o.IgnoreLabel != "" && info.IsDir():
		err = noIgnored(path, o.IgnoreLabel, "labels that do not count are for .csv files and for arrays with a label for every step")
	case info.IsDir() && (o.Sounds.List != "" || sounds.within(path)):
		train, test, err = openSounds(path, o)
	case o.Sounds != (Sounds{}):
		err = fmt.Errorf("%s: features of sound, channels, lists and patterns of names are for a folder of .wav files, and no .wav is in it", path)
	case info.IsDir() && !hasIDX(path):
		err = fmt.Errorf("%s: no data in this folder: expected a folder for every class with .wav or .csv files, x.npy and y.npy, or the four IDX files of MNIST (train-images-idx3-ubyte, …)", path)
	case info.IsDir():
		train, test, err = OpenMNIST(path)
		pictures = true // pixels between 0 and 1 are as initial weights expect them
	case ext == ".npz":
		train, test, err = openNPZ(path, o)
	case ext == ".npy":
		err = fmt.Errorf("%s: one array, and labels are needed, too: give the folder that holds x.npy and y.npy, or an .npz with x and y", path)
	case slices.Contains(tableEnds, strings.ToLower(filepath.Ext(unpacked(path)))):
		train, test, err = openCSV(path, o)
	default:
		err = unknownKind(path)
	}
	if err != nil {
		return nil, nil, err
	}
	train, test, err = parts(train, test, o)
	if err != nil {
		return nil, nil, err
	}
	if o.Standardize == StandardizeOn || o.Standardize == StandardizeAuto && !pictures && needsScaling(train) {
		if err := Standardize(train, test, train.held); err != nil {
			return nil, nil, err
		}
	}
	return train, test, nil
}

// hasArrays reports whether a folder holds samples as an .npy file.
func hasArrays(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*.npy"))
	return slices.ContainsFunc(files, func(f string) bool {
		base := nameOf(strings.TrimSuffix(filepath.Base(f), ".npy")).base
		return slices.ContainsFunc(pairs, func(p [2]string) bool { return p[0] == base })
	})
}

// apartFrom finds tables of samples beside those of their labels: those of a folder, or the one of
// labels beside a table of samples.
func apartFrom(path string, folder bool, o Options) (dir string, p *paired, err error) {
	switch {
	case !folder:
		return labelsBeside(path, o)
	case o.Sounds != (Sounds{}) || hasArrays(path) || hasIDX(path):
		return path, nil, nil
	}
	p, err = pairsOfTables(path)
	return path, p, err
}

// hasPartTables reports whether a folder holds a table for each part.
func hasPartTables(dir string) bool {
	files, _ := tablesOfParts(dir)
	return files != nil
}

// hasIDX reports whether a folder holds images of MNIST's form.
func hasIDX(dir string) bool {
	files, _ := filepath.Glob(filepath.Join(dir, "*idx[13]-ubyte*"))
	return len(files) > 0
}

// noIgnored refuses a label that is to be ignored and is nowhere: more likely than that it happens
// to be missing it is written otherwise, and steps that should not count would.
func noIgnored(file, label, there string) error {
	return fmt.Errorf("%s: --ignore-label %s: nothing has this label: %s", file, label, there)
}

// some lists the first of the different labels.
func some(labels []string) string {
	const most = 6
	var all []string
	for _, l := range labels {
		if l != "" && !slices.Contains(all, l) {
			if len(all) == most {
				return strings.Join(all, ", ") + ", …"
			}
			all = append(all, l)
		}
	}
	return strings.Join(all, ", ")
}

// maxSteps bounds the length of sequences: each step becomes operators.
const maxSteps = 1 << 16

func (o Options) withDefaults() Options {
	if o.Test == 0 {
		o.Test = 0.2
	}
	if o.Empty == "" {
		o.Empty = EmptyPrevious
	}
	if o.Standardize == "" {
		o.Standardize = StandardizeAuto
	}
	if o.By == "" {
		o.By = ByAny
	}
	if o.SequenceColumn == "" {
		o.SequenceColumn = "sequence"
	}
	if o.Label == "" {
		o.Label = "label"
	}
	return o
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
