package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/train/dataset"
)

// dataFlags choose a data set.
type dataFlags struct {
	data string
	seed uint64
}

// Sizes of the embedded digits: enough to learn the task in seconds, and a test part
// whose accuracy is good to a few tenths of a point.
const (
	embeddedTrain = 12000
	embeddedTest  = 4000
)

func (d *dataFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.data, "data", "digits", "data set: digits (embedded), or a folder with the MNIST IDX files")
	f.Uint64Var(&d.seed, "seed", 1, "seed of everything random")
}

func (d *dataFlags) open() (train, test *dataset.Set, err error) {
	if d.data == "digits" {
		train, test = dataset.Digits(d.seed, embeddedTrain, embeddedTest)
		return train, test, nil
	}
	train, test, err = dataset.OpenMNIST(d.data)
	if err != nil {
		return nil, nil, fmt.Errorf("--data %s: %w", d.data, err)
	}
	return train, test, nil
}
