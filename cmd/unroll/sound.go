// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/wav"
	"github.com/unroll-npu/unroll/train/dataset"
)

// readSound makes an input's array of a recording.
func readSound(file string, m runner.Model, f *facts.Facts) (input string, a *runner.Array, err error) {
	channel := "" // as in training
	if f != nil && f.Data != nil {
		channel = f.Data.Channel
	}
	s, err := wav.Open(file, channel)
	if err != nil {
		return "", nil, err
	}
	if f == nil || f.Audio == nil {
		return "", nil, fmt.Errorf("%s: the model does not say how sound becomes its input: only networks that were trained on recordings do", file)
	}
	if s.Rate != f.Audio.Rate {
		return "", nil, fmt.Errorf("%s: %d samples a second, the model takes %d: resample it, as with sox IN -r %d OUT", file, s.Rate, f.Audio.Rate, f.Audio.Rate)
	}
	if input, a, err = runner.Sound(m, f, s.Samples); err != nil {
		return "", nil, fmt.Errorf("%s: %w", file, err)
	}
	return input, a, nil
}

// isSound tells a recording by its name.
func isSound(file string) bool { return strings.EqualFold(filepath.Ext(file), ".wav") }

// addSounds makes the arrays of recordings.
func addSounds(arrays map[string]*runner.Array, sounds map[string]string, m runner.Model, f *facts.Facts) error {
	for _, tensor := range sortedKeys(sounds) {
		input, a, err := readSound(sounds[tensor], m, f)
		if err != nil {
			return err
		}
		if input != tensor && runner.FileName(input) != tensor {
			return fmt.Errorf("%s: sound is for input %q, not for %q", sounds[tensor], input, tensor)
		}
		arrays[input] = a
	}
	return nil
}

// heard records what a network decides on samples: of the test part of a set, or made up
// where that is nil. Networks that do not take sound have nil.
func heard(m runner.Model, f *facts.Facts, test *dataset.Set) (*codegen.Heard, error) {
	if f == nil || f.Audio == nil {
		return nil, nil
	}
	n, err := runner.HeardSamples(f, m)
	if err != nil {
		return nil, err
	}
	var samples []int16
	if test != nil {
		if samples, err = test.Sounds(n); err != nil {
			return nil, err
		}
	}
	if len(samples) < n {
		samples = append(samples, audio.Signal(n-len(samples))...)
	}
	h, err := runner.Hear(m, f, samples)
	if err != nil {
		return nil, err
	}
	return &codegen.Heard{Samples: h.Samples, Every: h.Every, Outputs: h.Outputs}, nil
}
