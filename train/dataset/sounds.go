// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/wav"
	"github.com/unroll-npu/unroll/train/nn"
)

// Sounds say how a folder of WAV files is read.
type Sounds struct {
	Features string // as audio.Parse takes them
	Channel  string // what is taken of recordings with several channels: see wav.Channel; "" refuses them
	Rate     int    // recordings are brought to this rate; 0 refuses those of another than the first

	// List is a file that names the recordings, a line each: path, label and, if there, what
	// it belongs to, separated by a tab, ";" or ",". TestList names those of the test part.
	// Paths count from the folder. A list of paths alone takes labels as without a list.
	List, TestList string

	// Label and Group are regular expressions with one group in parentheses, which is the
	// label of a recording and what it belongs to. They are matched with its path in the
	// folder, parts separated by "/". Without Label that is the first folder of the path.
	Label, Group string
}

// openSounds reads a folder of WAV files.
func openSounds(dir string, o Options) (train, test *Set, err error) {
	files, notes, err := recordings(dir, o, sounds)
	if err != nil {
		return nil, nil, err
	}
	wish, err := audio.Parse(o.Sounds.Features)
	if err != nil {
		return nil, nil, err
	}
	first, err := openSound(filepath.Join(dir, files[0].path), o.Sounds.Channel)
	if err != nil {
		return nil, nil, err
	}
	rate := first.Rate
	if o.Sounds.Rate != 0 {
		rate = o.Sounds.Rate
	}
	p, err := wish.At(rate)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	rows, resampled, padded, err := featuresOf(dir, files, p, &o.Sounds)
	if err != nil {
		return nil, nil, err
	}
	if resampled > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d recordings have another rate: resampled to %d samples a second", resampled, len(files), rate))
	}
	if padded > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d recordings are shorter than a frame of %d samples: silence follows them", padded, len(files), p.Frame))
	}
	all, err := laySounds(dir, files, rows, p, o)
	if err != nil {
		return nil, nil, err
	}
	all.Notes = append(notes, all.Notes...)
	return all.ofFiles(files, o)
}

// featuresOf computes the rows of every recording.
func featuresOf(dir string, files []recording, p *audio.Parameters, wish *Sounds) (rows [][]float32, resampled, padded int, err error) {
	rows = make([][]float32, len(files))
	was, short := make([]int, len(files)), make([]bool, len(files))
	const piece = 64
	var work errgroup.Group
	work.SetLimit(4)
	for at := 0; at < len(files); at += piece {
		work.Go(func() error {
			e := audio.NewExtractor(p)
			for i := at; i < min(at+piece, len(files)); i++ {
				file := filepath.Join(dir, filepath.FromSlash(files[i].path))
				samples, rate, err := readSamples(file, p.Rate, wish, files[0].path)
				if err != nil {
					return err
				}
				what := fmt.Sprintf("%s: its features, %d for every %d samples,", file, p.Features(), p.Hop)
				if err := budget.Ask(what, budget.Times(4, int64(p.Rows(len(samples))), int64(p.Features()))); err != nil {
					return err
				}
				was[i], short[i] = rate, len(samples) < p.Frame
				if short[i] {
					samples = append(slices.Clone(samples), make([]float32, p.Frame-len(samples))...)
				}
				rows[i] = e.Features(samples)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, 0, 0, err
	}
	for i := range files {
		if was[i] != p.Rate {
			resampled++
		}
		if short[i] {
			padded++
		}
	}
	return rows, resampled, padded, nil
}

// readSamples reads a recording at a rate; it is resampled where a rate was asked for.
func readSamples(file string, rate int, wish *Sounds, first string) (samples []float32, was int, err error) {
	s, err := openSound(file, wish.Channel)
	if err != nil {
		return nil, 0, err
	}
	if len(s.Samples) == 0 {
		return nil, 0, fmt.Errorf("%s: has no samples: remove it", file)
	}
	if s.Rate != rate {
		if wish.Rate == 0 {
			return nil, 0, fmt.Errorf("%s: %d samples a second, %s has %d: ask for one rate with --resample %d", file, s.Rate, first, rate, min(rate, s.Rate))
		}
		r, err := s.Resample(rate)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", file, err)
		}
		return r.Samples, s.Rate, nil
	}
	return s.Samples, s.Rate, nil
}

// openSound reads a recording.
func openSound(file, channel string) (*wav.Sound, error) {
	s, err := wav.Open(file, channel)
	var many *wav.ChannelsError
	if errors.As(err, &many) {
		return nil, fmt.Errorf("%w; or take --channel mix, left, right or a number of all recordings", err)
	}
	return s, err
}

// laySounds makes a set of the rows, all sequences of one length: longer ones keep their
// end, shorter ones are padded in front.
func laySounds(dir string, files []recording, rows [][]float32, p *audio.Parameters, o Options) (*Set, error) {
	width := p.Features()
	s := &Set{Name: dir, n: len(files), Features: width, Audio: p, origin: [2]string{dir, dir}, soundsIn: dir, channel: o.Sounds.Channel}
	longest, shortest := 0, math.MaxInt
	for _, r := range rows {
		longest, shortest = max(longest, len(r)/width), min(shortest, len(r)/width)
	}
	s.Steps = longest
	if o.Length > 0 {
		s.Steps = o.Length
	}
	if s.Steps > maxSteps {
		return nil, fmt.Errorf("%s: the longest recording has %d rows of features, and sequences have at most %d steps: cut recordings, or ask for --length", dir, longest, maxSteps)
	}
	if err := askSequences(dir, len(files), s.Steps, width); err != nil {
		return nil, err
	}
	if shortest != longest || s.Steps != longest {
		s.lengths = make([]int32, len(files))
		s.Notes = append(s.Notes, fmt.Sprintf("recordings have %d to %d rows of features: all are brought to %d, the last ones; what is missing is padded in front", shortest, longest, s.Steps))
	}
	s.values = make([]float32, len(files)*s.Steps*width)
	for i, r := range rows {
		count := min(len(r)/width, s.Steps)
		if s.lengths != nil {
			s.lengths[i] = int32(count)
		}
		copy(s.values[((i+1)*s.Steps-count)*width:(i+1)*s.Steps*width], r[len(r)-count*width:])
		s.sounds = append(s.sounds, files[i].path)
		if files[0].group != "" {
			s.groups = append(s.groups, files[i].group)
		}
	}
	var labels []string
	for _, f := range files {
		labels = append(labels, f.label)
	}
	if o.Regression {
		s.Task, s.Outputs = nn.Regression, 1
		for i, l := range labels {
			v, ok := dialect{}.number(l)
			if !ok {
				return nil, fmt.Errorf("%s: the label of %s is %q, expected a number", dir, files[i].path, l)
			}
			s.targets = append(s.targets, v)
		}
		return checked(s)
	}
	s.Classes = classNames(labels)
	if s.Outputs = len(s.Classes); s.Outputs > maxClasses {
		return nil, fmt.Errorf("%s: %d different labels, expected at most %d: if they are numbers to predict, ask for a regression", dir, s.Outputs, maxClasses)
	}
	number := map[string]int32{}
	for i, c := range s.Classes {
		number[c] = int32(i)
	}
	for _, l := range labels {
		s.labels = append(s.labels, number[l])
	}
	return checked(s)
}

// Sound returns the samples of sequence i, at the rate of Audio, and the name of its
// recording; nil where the set is not of recordings.
func (s *Set) Sound(i int) (samples []float32, name string, err error) {
	if s.sounds == nil {
		return nil, "", nil
	}
	name = s.sounds[s.at(i)]
	samples, _, err = readSamples(filepath.Join(s.soundsIn, filepath.FromSlash(name)), s.Audio.Rate, &Sounds{Rate: s.Audio.Rate, Channel: s.channel}, "")
	return samples, name, err
}

// Sounds returns the first n samples, of 16 bits, of the set's recordings one after the
// other, or all where there are fewer; nil where the set is not of recordings.
func (s *Set) Sounds(n int) ([]int16, error) {
	var out []int16
	for i := range s.Len() {
		if s.sounds == nil || len(out) == n {
			break
		}
		samples, _, err := s.Sound(i)
		if err != nil {
			return nil, err
		}
		for _, x := range samples[:min(len(samples), n-len(out))] {
			v := math.Round(float64(x) * 32768)
			out = append(out, int16(max(min(v, math.MaxInt16), math.MinInt16)))
		}
	}
	return out, nil
}
