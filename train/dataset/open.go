package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Options say how a file is read and divided. The zero value will do.
type Options struct {
	// Test is the fraction that is set aside as the test part where the files do
	// not have one; default 0.2.
	Test float64
	Seed uint64 // of the division

	Standardize bool   // compute Mean and Std from the training part
	Sequence    string // CSV: name of the column with the sequence's id; default "sequence"
	Label       string // CSV: name of the column with the label; default "label"
	Regression  bool   // CSV: the label is a number to predict, not a class
}

// Open reads a data set: a folder with the MNIST IDX files or with x.npy and
// y.npy, an .npz archive, or a .csv file. It returns a training and a test part.
func Open(path string, o Options) (train, test *Set, err error) {
	o = o.withDefaults()
	if !(o.Test > 0 && o.Test < 1) {
		return nil, nil, fmt.Errorf("test fraction is %v, expected a number between 0 and 1", o.Test)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: no such data set: %w", path, err)
	}
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case info.IsDir() && exists(filepath.Join(path, "x.npy")):
		train, test, err = openFolder(path)
	case info.IsDir():
		train, test, err = OpenMNIST(path)
	case ext == ".npz":
		train, test, err = openNPZ(path)
	case ext == ".csv":
		train, err = openCSV(path, o)
	default:
		err = fmt.Errorf("%s: unknown kind of data: expected a folder with IDX files or x.npy and y.npy, an .npz or a .csv file", path)
	}
	if err != nil {
		return nil, nil, err
	}
	if test == nil {
		if train, test, err = Split(train, o.Test, o.Seed); err != nil {
			return nil, nil, err
		}
	}
	if o.Standardize {
		if err := Standardize(train, test); err != nil {
			return nil, nil, err
		}
	}
	return train, test, nil
}

func (o Options) withDefaults() Options {
	if o.Test == 0 {
		o.Test = 0.2
	}
	if o.Sequence == "" {
		o.Sequence = "sequence"
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
