// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// Names of the data sets that are no files of the user.
const (
	NameDigits  = "digits" // embedded, see Digits
	NameStreams = "stream" // embedded, see Streams
	NameMNIST   = "mnist"  // downloaded once

	NameIntegrator = "integrator" // embedded, see Integrator
)

// Sizes of the embedded sets: enough to learn the task in seconds, and a test part
// whose accuracy is good to a few tenths of a point.
const (
	EmbeddedTrain = 12000
	EmbeddedTest  = 2000
)

// OpenSource opens a data set by its name or path and notes in both parts' Origin where
// they come from, so that a network trained on one can name it. say, which may be nil,
// gets a line for each download, and for a name that a file or folder has too.
func OpenSource(ctx context.Context, source string, o Options, say func(string)) (train, test *Set, err error) {
	o = o.withDefaults()
	origin := &facts.Data{Source: source, Seed: o.Seed}
	if source == NameDigits || source == NameStreams || source == NameIntegrator || source == NameMNIST {
		if o.Sounds != (Sounds{}) {
			return nil, nil, fmt.Errorf("features of sound, lists and patterns of names are for a folder of .wav files, not for %s", source)
		}
		if o.IgnoreLabel != "" {
			return nil, nil, noIgnored(source, o.IgnoreLabel, "every step of it counts")
		}
		if say != nil && exists(source) {
			say(fmt.Sprintf("data: %s is the set of that name, which needs no file; what lies here under that name is ./%s", source, source))
		}
	}
	switch source {
	case NameDigits:
		train, test = Digits(o.Seed, EmbeddedTrain, EmbeddedTest)
	case NameStreams:
		train, test = Streams(o.Seed, EmbeddedTrain, EmbeddedTest)
	case NameIntegrator:
		train, test = Integrator(o.Seed, IntegratorTrain, IntegratorTest)
	case NameMNIST:
		train, test, err = FetchMNIST(ctx, "", say)
	default:
		origin.Test, origin.Regression, origin.SequenceColumn, origin.Label = o.Test, o.Regression, o.SequenceColumn, o.Label
		origin.Group, origin.Features, origin.Ignore, origin.Length, origin.RowSequences = o.Group, o.Features, o.Ignore, o.Length, o.RowSequences
		k := &o.Sounds
		origin.Sound, origin.Resample, origin.List, origin.TestList, origin.LabelPattern, origin.GroupPattern = k.Features, k.Rate, k.List, k.TestList, k.Label, k.Group
		origin.IgnoreLabel, origin.Split, origin.Layout, origin.Channel = o.IgnoreLabel, o.Split, o.Layout, k.Channel
		if o.By != ByAny {
			origin.By = o.By
		}
		if o.Empty != EmptyPrevious {
			origin.Empty = o.Empty
		}
		train, test, err = Open(source, o)
	}
	if err != nil {
		return nil, nil, err
	}
	if o.Standardize == StandardizeOn && train.Mean == nil {
		if err := Standardize(train, test, train.held); err != nil {
			return nil, nil, err
		}
	}
	origin.Standardize = train.Mean != nil
	origin.FirstLabel = train.first
	origin.Columns, origin.SHA256, origin.Whole = train.Columns, train.Fingerprint(), fingerprintOf(train, test, train.held)
	train.tell(origin)
	test.tell(origin)
	return train, test, nil
}

// Reopen opens the data set that a network names, as it was read and divided for its
// training. A path that is not found is looked for in the folder beside, too, that of the
// network's file. Other content than that of the training is an error.
func Reopen(ctx context.Context, d *facts.Data, beside string, say func(string)) (train, test *Set, err error) {
	source := d.Source
	if _, err := os.Stat(source); err != nil && !filepath.IsAbs(source) {
		if near := filepath.Join(beside, source); exists(near) {
			source = near
		}
	}
	o := optionsOf(d)
	train, test, err = OpenSource(ctx, source, o, say)
	if err != nil {
		return nil, nil, err
	}
	if z := train.fromZero(); d.FirstLabel == 0 && d.SHA256 != train.Origin.SHA256 && d.SHA256 == z.Fingerprint() {
		// The network has an output for the label 0 that is nowhere.
		train = z
		if test != nil {
			test = test.fromZero()
		}
	} else if numbers := o; d.SHA256 != "" && d.SHA256 != train.Origin.SHA256 {
		// Rows of one 1 among zeros were numbers to predict before they were taken for classes.
		if numbers.Regression = true; !o.Regression && train.Task == nn.Classification {
			if old, of, err := OpenSource(ctx, source, numbers, nil); err == nil && old.Origin.SHA256 == d.SHA256 {
				old.tell(d)
				of.tell(d)
				return old, of, nil
			}
		}
		return nil, nil, fmt.Errorf("%s: is not what the network was trained on: its training part has SHA-256 %.12s…, expected %.12s…", source, train.Origin.SHA256, d.SHA256)
	}
	// What the network said stays what is said of it, wherever the file lay now.
	train.tell(d)
	test.tell(d)
	return train, test, nil
}

// optionsOf returns the options that a set was read with.
func optionsOf(d *facts.Data) Options {
	o := Options{Test: d.Test, Seed: d.Seed, Standardize: StandardizeOff, By: d.By, Length: d.Length,
		SequenceColumn: d.SequenceColumn, Label: d.Label, Group: d.Group, Regression: d.Regression, Features: d.Features, Ignore: d.Ignore, Empty: d.Empty, RowSequences: d.RowSequences, IgnoreLabel: d.IgnoreLabel, Split: d.Split, Layout: d.Layout,
		Sounds: Sounds{Features: d.Sound, Rate: d.Resample, List: d.List, TestList: d.TestList, Label: d.LabelPattern, Group: d.GroupPattern, Channel: d.Channel}}
	if d.Standardize {
		o.Standardize = StandardizeOn
	}
	return o
}

// Fingerprint returns the SHA-256 of the set's shape, values and labels, in hex.
func (s *Set) Fingerprint() string {
	h := sha256.New()
	h.Write(s.shapeBytes())
	for i := range s.n {
		sum := s.sequenceSum(i)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// fingerprintOf returns a hash of the sequences of all parts, of which some may be nil, that does
// not depend on how they are divided, nor on their order.
func fingerprintOf(first *Set, others ...*Set) string {
	var total [4]uint64
	for _, s := range append([]*Set{first}, others...) {
		if s == nil {
			continue
		}
		for i := range s.n {
			sum := s.sequenceSum(i)
			for j := range total {
				total[j] += binary.LittleEndian.Uint64(sum[8*j:])
			}
		}
	}
	h := sha256.New()
	h.Write(first.shapeBytes())
	for _, v := range total {
		h.Write(binary.LittleEndian.AppendUint64(nil, v))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Set) shapeBytes() []byte {
	return fmt.Appendf(nil, "%d %d %d %d %v %q\n", s.Steps, s.Features, s.Outputs, s.Task, s.PerStep, s.Classes)
}

// sequenceSum hashes the values and the labels of a sequence.
func (s *Set) sequenceSum(i int) [sha256.Size]byte {
	size, at := s.Steps*s.Features, s.at(i)
	var b []byte
	if s.pixels != nil {
		b = append(b, s.pixels[at*size:(at+1)*size]...)
	} else {
		b = appendFloats(b, s.values[at*size:(at+1)*size])
	}
	per := 1
	if s.PerStep {
		per = s.Steps
	}
	if s.labels != nil {
		for _, l := range s.labels[at*per : (at+1)*per] {
			b = binary.LittleEndian.AppendUint32(b, uint32(l))
		}
	}
	if n := per * s.Outputs; s.targets != nil {
		b = appendFloats(b, s.targets[at*n:(at+1)*n])
	}
	return sha256.Sum256(b)
}

func appendFloats(b []byte, v []float32) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}
