// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// Wishes are what a user says of the data for a network that exists already. What is nil
// or empty is as the network's facts say, or as in Default where they say nothing.
type Wishes struct {
	Default        Options
	Source         string
	Test           *float64
	Seed           *uint64
	Regression     *bool
	SequenceColumn string
	Label          string
	Standardize    bool
	Change         func(*facts.Data) // of the rest; nil for none
}

// ErrNoSource says that neither the user nor the network names a data set.
var ErrNoSource = errors.New("the network does not say which data set it was trained on")

// OpenFor opens the data for a network that exists already: the wished set, or the one it
// was trained on, divided as for the training, with labels numbered as the network
// numbers its classes. A network that takes features as they are and comes from
// elsewhere gets the constants of the training part when standardization is wished, and
// the names of its classes: the network is then changed. file is the network's. assumed are sentences on what neither
// says.
func OpenFor(ctx context.Context, net *nn.Network, file string, w Wishes, say func(string)) (train, test *Set, assumed []string, err error) {
	known := &facts.Data{}
	trained := net.Facts != nil && net.Facts.Data != nil
	if trained {
		known = net.Facts.Data
	} else if w.Source == "" {
		return nil, nil, nil, ErrNoSource
	}
	d := *known
	if o := w.Default.withDefaults(); !trained {
		d = facts.Data{Seed: o.Seed, Test: o.Test, SequenceColumn: o.SequenceColumn, Label: o.Label, Regression: net.Task == nn.Regression}
	}
	var sound *audio.Parameters
	if net.Facts != nil {
		sound = net.Facts.Audio
	}
	w.apply(&d, sound, net.Steps)
	if w.Source == "" && d.SHA256 != "" && divisionOf(&d) == divisionOf(known) {
		train, test, err = Reopen(ctx, &d, filepath.Dir(file), say)
	} else {
		train, test, err = OpenSource(ctx, d.Source, optionsOf(&d), say)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if o := train.Origin; trained && o.Whole == known.Whole && o.SHA256 != known.SHA256 {
		return nil, nil, nil, fmt.Errorf("%s with seed %d and test fraction %v: the test part would hold sequences that network %q was trained on (seed %d, test fraction %v): leave out --seed and --test, the network knows them",
			d.Source, o.Seed, o.Test, net.Name, known.Seed, known.Test)
	}
	if w.Standardize {
		note, err := standardizeFor(net, train, trained)
		if err != nil {
			return nil, nil, nil, err
		}
		assumed = append(assumed, note...)
	}
	if net.Mean != nil {
		for _, part := range []*Set{train, test, train.held} {
			if part != nil {
				part.Pad = net.Mean // as in training
			}
		}
	}
	for _, part := range []**Set{&train, &test} {
		matched, note, err := (*part).MatchClasses(net)
		if err != nil {
			return nil, nil, nil, err
		}
		if note != "" && part == &train {
			assumed = append(assumed, note)
		}
		*part = matched
	}
	if net.Task == nn.Classification && net.Classes == nil && len(train.Classes) == net.Outputs {
		net.Classes = train.Classes // as assumed
	}
	return train, test, assumed, nil
}

// apply writes the wishes over what the network's facts say; a is what makes its features
// of sound, or nil.
func (w *Wishes) apply(d *facts.Data, a *audio.Parameters, steps int) {
	if w.Source != "" {
		d.Source = w.Source
	}
	if w.Test != nil {
		d.Test = *w.Test
	}
	if w.Seed != nil {
		d.Seed = *w.Seed
	}
	if w.Regression != nil {
		d.Regression = *w.Regression
	}
	if w.SequenceColumn != "" {
		d.SequenceColumn = w.SequenceColumn
	}
	if w.Label != "" {
		d.Label = w.Label
	}
	if w.Change != nil {
		w.Change(d)
	}
	if w.Source != "" && a != nil {
		if d.Sound == "" {
			d.Sound = a.String() // other recordings become what the network takes
		}
		if d.Length == 0 {
			d.Length = steps
		}
	}
	d.Standardize = false // the network brings its constants
}

// dividing is what decides which sequences are in which part.
type dividing struct {
	test      float64
	seed      uint64
	by, group string
	split     string

	labels, groups, list, tested string // of recordings
}

func divisionOf(d *facts.Data) dividing {
	return dividing{d.Test, d.Seed, d.By, d.Group, d.Split, d.LabelPattern, d.GroupPattern, d.List, d.TestList}
}

// standardizeFor gives a network the constants of the training part.
func standardizeFor(net *nn.Network, train *Set, trained bool) (assumed []string, err error) {
	switch {
	case net.Mean != nil:
		return nil, nil // it brings those of its own training
	case trained:
		return nil, fmt.Errorf("network %q was trained on features as they are: standardized ones would be other data; leave out --standardize", net.Name)
	}
	if err := Standardize(train); err != nil {
		return nil, err
	}
	net.Mean, net.Std = train.Mean, train.Std
	return []string{fmt.Sprintf("network %q was trained on features standardized as those of the training part of %s", net.Name, train.Name)}, nil
}
