// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train/dataset"
)

// goldenFlags choose the calls that a generated project is judged by.
type goldenFlags struct {
	set   *pflag.FlagSet
	from  string
	calls int
	seed  uint64

	test *dataset.Set // that they were made of, or nil
	used string       // what the calls were made of, for the manifest
}

// Sources of golden calls beside files.
const (
	goldenData  = "data"
	goldenNoise = "noise"
)

func (g *goldenFlags) add(f *pflag.FlagSet) {
	g.set = f
	f.StringVar(&g.from, "golden", "", "what the golden calls are made of: a .npz file with an array for each input, data (the test part of the data set that the network was trained on) or noise (default: data where that is at hand, else noise, and it says so)")
	f.IntVar(&g.calls, "calls", 16, "golden calls")
	f.Uint64Var(&g.seed, "seed", 1, "seed of noise")
}

func (g *goldenFlags) check() error {
	if g.calls < 1 {
		return usagef("--calls %d: a project needs at least one golden call to be judged by", g.calls)
	}
	return nil
}

// record makes the golden calls.
func (g *goldenFlags) record(c *cli, m *model, ref runner.Model) ([]codegen.Call, error) {
	if err := runner.CheckRecording(ref, g.calls); err != nil {
		return nil, usagef("--calls %d: %v", g.calls, err)
	}
	real, err := g.real(c, m, ref)
	if err != nil {
		return nil, err
	}
	if real == nil {
		g.used = fmt.Sprintf("noise, seed %d", g.seed)
		return goldenCalls(ref, g.calls, runner.RandomFeed(m.graph, g.seed))
	}
	if real.Calls < g.calls && g.set.Changed("calls") {
		return nil, fmt.Errorf("--calls %d: %s has %d", g.calls, g.used, real.Calls)
	}
	if real.Standardized != "" {
		c.say("note: the float32 features of %q are standardized with the network's mean and deviation", real.Standardized)
	}
	return goldenCalls(ref, min(g.calls, real.Calls), real.Feed)
}

// real opens the data that calls are made of; nil stands for noise.
func (g *goldenFlags) real(c *cli, m *model, ref runner.Model) (*runner.Real, error) {
	known := m.facts != nil && m.facts.Data != nil
	switch g.from {
	case goldenNoise:
		return nil, nil
	case goldenData:
		if !known {
			return nil, fmt.Errorf("--golden data: the model does not say which data set it was trained on: give a .npz file")
		}
		return g.ofDataSet(c, m, ref)
	case "":
		if known && m.facts.Data.Source != dataset.NameMNIST { // no download that nobody asked for
			real, err := g.ofDataSet(c, m, ref)
			if err == nil {
				return real, nil
			}
			c.say("note: golden calls are noise, for %s cannot be had: %v", m.facts.Data.Source, err)
			return nil, nil
		}
		c.say("note: golden calls are noise: --golden FILE.npz makes them of real data")
		return nil, nil
	}
	file, err := budget.ReadFile(g.from)
	if err != nil {
		return nil, fmt.Errorf("--golden: %w", err)
	}
	arrays, err := runner.ReadArchive(g.from, file)
	if err != nil {
		return nil, fmt.Errorf("--golden: %w", err)
	}
	g.used = filepath.Base(g.from)
	real, err := runner.NewReal(ref, arrays, m.facts)
	if err != nil {
		return nil, fmt.Errorf("--golden %s: %w", g.from, err)
	}
	return real, nil
}

func (g *goldenFlags) ofDataSet(c *cli, m *model, ref runner.Model) (*runner.Real, error) {
	_, test, err := dataset.Reopen(c.ctx, m.facts.Data, filepath.Dir(m.name), func(what string) { c.say("%s", what) })
	if err != nil {
		return nil, err
	}
	g.test = test
	g.used = "test part of " + filepath.Base(m.facts.Data.Source)
	shape, values := test.Fullest(g.calls * max(m.facts.Windows, 1))
	if m.facts.Windows > 1 {
		if shape, values, err = sequencesOf(shape, values, dataShape(ref)); err != nil {
			return nil, err
		}
	}
	return runner.NewReal(ref, map[string]*runner.Array{"x": runner.Floats(shape, values)}, m.facts)
}
