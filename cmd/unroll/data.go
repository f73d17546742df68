package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/train/dataset"
)

// dataFlags choose a data set.
type dataFlags struct {
	data        string
	seed        uint64
	standardize bool
	test        float64
	regression  bool
	sequence    string
	label       string
}

// Sizes of the embedded digits: enough to learn the task in seconds, and a test part
// whose accuracy is good to a few tenths of a point.
const (
	embeddedTrain = 12000
	embeddedTest  = 2000
)

func (d *dataFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.data, "data", "digits", "data set: digits or stream (embedded), mnist (downloaded once), a folder with MNIST's IDX files or x.npy and y.npy, an .npz or a .csv file")
	f.Uint64Var(&d.seed, "seed", 1, "seed of everything random")
	f.BoolVar(&d.standardize, "standardize", false, "standardize features; the constants travel with the network into the generated C")
	f.Float64Var(&d.test, "test", 0.2, "fraction set aside as the test part where the files have none")
	f.StringVar(&d.sequence, "sequence-column", "sequence", "CSV: name of the column that tells the rows of one sequence")
	f.StringVar(&d.label, "label-column", "label", "CSV: name of the column with the label")
	f.BoolVar(&d.regression, "regression", false, "CSV: the label is a number to predict")
}

func (d *dataFlags) open(c *cli) (train, test *dataset.Set, err error) {
	switch d.data {
	case "digits":
		train, test = dataset.Digits(d.seed, embeddedTrain, embeddedTest)
	case "stream":
		train, test = dataset.Streams(d.seed, embeddedTrain, embeddedTest)
	case "mnist":
		if train, test, err = dataset.FetchMNIST(c.ctx, "", func(what string) { c.say("%s", what) }); err != nil {
			return nil, nil, fmt.Errorf("--data mnist: %w", err)
		}
	default:
		train, test, err = dataset.Open(d.data, dataset.Options{Test: d.test, Seed: d.seed, Standardize: d.standardize, Regression: d.regression, Sequence: d.sequence, Label: d.label})
		if err != nil {
			return nil, nil, fmt.Errorf("--data %s: %w", d.data, err)
		}
		return train, test, nil
	}
	if d.standardize {
		err = dataset.Standardize(train, test)
	}
	return train, test, err
}
