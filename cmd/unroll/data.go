// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// dataFlags choose a data set.
type dataFlags struct {
	set         *pflag.FlagSet
	data        string
	seed        uint64
	standardize bool
	test        float64
	regression  bool
	sequence    string
	label       string
	rest        dataset.Options // further options
}

const dataKinds = "digits, stream or integrator (embedded), mnist (downloaded once), a folder with MNIST's IDX files, x.npy and y.npy, WAV files or a CSV for every sequence, an .npz or a .csv file"

// add defines the flags of verbs that train.
func (d *dataFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.data, "data", dataset.NameDigits, "data set: "+dataKinds)
	d.addRest(f)
}

// addFor defines the flags of verbs that take a trained network.
func (d *dataFlags) addFor(f *pflag.FlagSet) {
	f.StringVar(&d.data, "data", "", "data set (default: the one that the network names): "+dataKinds)
	d.addRest(f)
}

func (d *dataFlags) addRest(f *pflag.FlagSet) {
	d.set = f
	f.Uint64Var(&d.seed, "seed", 1, "seed of everything random")
	f.BoolVar(&d.standardize, "standardize", false, "standardize features, or with =false do not (default: unless they are so already, or pixels); the constants travel with the network into the generated C")
	f.Float64Var(&d.test, "test", 0.2, "fraction set aside as the test part where the files have none")
	f.StringVar(&d.sequence, "sequence-column", "sequence", "CSV: name of the column that tells the rows of one sequence, or names of several that do so together, with commas between them")
	f.StringVar(&d.label, "label-column", "label", "CSV: name of the column with the label; with --regression, names of several, with commas between them")
	f.BoolVar(&d.regression, "regression", false, "the label is a number to predict, also where all are whole")
	f.StringSliceVar(&d.rest.Features, "features", nil, "CSV: names of the columns that are features (default: all that are left)")
	f.StringSliceVar(&d.rest.Ignore, "ignore", nil, "CSV: names of columns to leave out")
	f.StringVar(&d.rest.Group, "group-column", "", "CSV: name of the column that says what a sequence belongs to, a person or a machine: parts are divided by it")
	f.StringVar(&d.rest.Empty, "empty", dataset.EmptyPrevious, "CSV: what to do with empty cells: previous (repeat the value before), zero, drop (the sequence) or error")
	f.StringVar(&d.rest.IgnoreLabel, "ignore-label", "", "label of steps that do not count, or of sequences of a CSV file that are left out")
	f.BoolVar(&d.rest.RowSequences, "row-sequences", false, "CSV: every row is a sequence of one feature")
	f.StringVar(&d.rest.Split, "split-column", "", "CSV: name of the column that says which part a sequence is in, train, val or test, or none (default: a column named split, set, subset or the like, where all its cells say so)")
	f.StringVar(&d.rest.Layout, "layout", "", "arrays: order of the dimensions of samples: n sequences, t steps, f features, as nft where features come before steps, or nt for sequences of one feature (default: ntf, or what labels, mask and lengths show)")
	k := &d.rest.Sounds
	f.StringVar(&k.Features, "sound", "", "WAV: features, logmel or mfcc, and settings, as mfcc,frame=25ms,hop=10ms,bands=40: "+audio.Settings+" (default: logmel)")
	f.IntVar(&k.Rate, "resample", 0, "WAV: bring all recordings to so many samples a second (default: refuse those of another rate)")
	f.StringVar(&k.Channel, "channel", "", "WAV: what to take of recordings with several channels: mix (their mean), left, right or a number from 1 on (default: refuse them)")
	f.StringVar(&k.List, "list", "", "WAV, or a folder of CSV: file with a line for each recording: path in the folder, label and, if known, what it belongs to (default: all, with their folder as the class)")
	f.StringVar(&k.TestList, "test-list", "", "WAV, or a folder of CSV: file that lists the recordings of the test part")
	f.StringVar(&k.Label, "label-pattern", "", "WAV, or a folder of CSV: regular expression whose group in parentheses is the class in a recording's path, as '^([0-9])_'")
	f.StringVar(&k.Group, "group-pattern", "", "WAV, or a folder of CSV: the same for the speaker, or whatever parts are divided by, as '_([a-z]+)_[0-9]+.wav$'")
	f.IntVar(&d.rest.Length, "length", 0, "bring sequences to so many steps: longer ones keep their end, shorter ones are padded in front (default: the longest)")
	f.StringVar(&d.rest.By, "split", dataset.ByAny, "how test and validation parts are set aside: group (whole groups), class (every class in its share), random, time (the last sequences), or auto: by group where groups are known, else by class")
}

func (d *dataFlags) options() dataset.Options {
	o := d.rest
	o.Test, o.Seed, o.Regression, o.SequenceColumn, o.Label = d.test, d.seed, d.regression, d.sequence, d.label
	if d.set.Changed("standardize") {
		o.Standardize = dataset.StandardizeOff
		if d.standardize {
			o.Standardize = dataset.StandardizeOn
		}
	}
	return o
}

// unused refuses flags that say nothing to the data.
func (d *dataFlags) unused(train *dataset.Set) error {
	if err := dataset.Unused(d.data, d.options()); err != nil {
		return err
	}
	if d.set.Changed("test") && d.test == 0 {
		return errors.New("--test 0: there is nothing to measure on then; expected a number between 0 and 1, such as 0.1")
	}
	if d.regression && train != nil && train.Task != nn.Regression {
		return fmt.Errorf("--regression: the labels of %s are classes, and no numbers to predict: leave it out", d.data)
	}
	return nil
}

func (d *dataFlags) open(c *cli) (train, test *dataset.Set, err error) {
	if err := d.unused(nil); err != nil {
		return nil, nil, fmt.Errorf("--data %s: %w", d.data, err)
	}
	train, test, err = dataset.OpenSource(c.ctx, d.data, d.options(), func(what string) { c.say("%s", what) })
	if err != nil {
		return nil, nil, fmt.Errorf("--data %s: %w", d.data, err)
	}
	if err := d.unused(train); err != nil {
		return nil, nil, fmt.Errorf("--data %s: %w", d.data, err)
	}
	return train, test, nil
}

// openFor opens the data for a network that was read from a file: flags that are not
// given are as the network says.
func (d *dataFlags) openFor(c *cli, file string, net *nn.Network) (train, test *dataset.Set, assumed []string, err error) {
	if d.data != "" {
		if err := d.unused(nil); err != nil {
			return nil, nil, nil, fmt.Errorf("%s with --data %s: %w", file, d.data, err)
		}
	}
	w := dataset.Wishes{Default: d.options(), Source: d.data, Standardize: d.standardize}
	for name, use := range map[string]func(){
		"seed":            func() { w.Seed = &d.seed },
		"test":            func() { w.Test = &d.test },
		"regression":      func() { w.Regression = &d.regression },
		"sequence-column": func() { w.SequenceColumn = d.sequence },
		"label-column":    func() { w.Label = d.label },
	} {
		if d.set.Changed(name) {
			use()
		}
	}
	w.Change = func(known *facts.Data) {
		for name, change := range map[string]func(){
			"features":      func() { known.Features = d.rest.Features },
			"ignore":        func() { known.Ignore = d.rest.Ignore },
			"group-column":  func() { known.Group = d.rest.Group },
			"empty":         func() { known.Empty = d.rest.Empty },
			"row-sequences": func() { known.RowSequences = d.rest.RowSequences },
			"ignore-label":  func() { known.IgnoreLabel = d.rest.IgnoreLabel },
			"split-column":  func() { known.Split = d.rest.Split },
			"layout":        func() { known.Layout = d.rest.Layout },
			"channel":       func() { known.Channel = d.rest.Sounds.Channel },
			"length":        func() { known.Length = d.rest.Length },
			"split":         func() { known.By = d.rest.By },
			"sound":         func() { known.Sound = d.rest.Sounds.Features },
			"resample":      func() { known.Resample = d.rest.Sounds.Rate },
			"list":          func() { known.List = d.rest.Sounds.List },
			"test-list":     func() { known.TestList = d.rest.Sounds.TestList },
			"label-pattern": func() { known.LabelPattern = d.rest.Sounds.Label },
			"group-pattern": func() { known.GroupPattern = d.rest.Sounds.Group },
		} {
			if d.set.Changed(name) {
				change()
			}
		}
	}
	train, test, assumed, err = dataset.OpenFor(c.ctx, net, file, w, func(what string) { c.say("%s", what) })
	switch {
	case errors.Is(err, dataset.ErrNoSource):
		return nil, nil, nil, fmt.Errorf("%s: %w: give it with --data (%s)", file, err, dataKinds)
	case err != nil && d.data != "":
		return nil, nil, nil, fmt.Errorf("%s with --data %s: %w", file, d.data, err)
	case err != nil:
		return nil, nil, nil, fmt.Errorf("%s: the data that it was trained on: %w", file, err)
	}
	return train, test, assumed, nil
}

// task reads what the weights of another program are for off the data's labels.
func (d *dataFlags) task(c *cli, net *nn.Network, head string) error {
	if net.Facts == nil || net.Facts.Data != nil || net.Facts.Task == facts.Classification || d.data == "" {
		return nil
	}
	set, _, err := dataset.OpenSource(c.ctx, d.data, d.options(), func(string) {})
	if err != nil {
		return nil // whoever opens it for use says why
	}
	assumed, err := source.TaskFrom(net, set, head)
	net.Facts.Assumed = append(net.Facts.Assumed, assumed...)
	return err
}

// assumedOf are the sentences on what a network's own file did not say.
func assumedOf(net *nn.Network) []string {
	if net.Facts == nil {
		return nil
	}
	return net.Facts.Assumed
}
