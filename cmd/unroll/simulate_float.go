// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/lower/source"
)

// runFloat runs a float network, with the states that it or --state declares carried.
func runFloat(c *cli, s *simulateFlags, name string, files, sounds map[string]string) error {
	if s.trace || s.adversarial || s.compare != "" {
		return usagef("--trace, --adversarial and --compare are for compiled models; %s is a float network", name)
	}
	o, err := s.source.options(s.states)
	if err != nil {
		return err
	}
	o.Raw = !s.standardized
	if o.Steps = s.steps; len(o.Axis) > 0 && o.Steps == 0 {
		return usagef("--time says which dimension --steps is of: give --steps as well")
	}
	if o.Fed, err = readNumbers(files); err != nil {
		return err
	}
	for in, a := range o.Fed {
		o.Arrays[in] = a.Shape
	}
	n, err := source.Open(name, o)
	if err != nil {
		return err
	}
	if n.Layers == nil {
		if err := n.AddHead(s.source.head); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, what := range n.Assumed {
		c.say("assumed: %s", what)
	}
	if n.Inputs > 0 {
		c.say("note: %s", n.Proof())
	}
	fed, err := n.Fed(o.Fed)
	if err != nil {
		return err
	}
	arrays := map[string]*runner.Array{}
	for in, a := range fed {
		arrays[in] = &runner.Array{Type: graph.Float32, Shape: a.Shape, Data: a.Data}
	}
	if n.Stepped != nil {
		c.say("note: %s", n.Stepped.Proof())
		for in, a := range arrays {
			if calls, _, ok := n.CutShape(in, a.Shape); ok {
				arrays[in] = &runner.Array{Type: a.Type}
				arrays[in].Data, arrays[in].Shape = n.Cut(in, a.Data, a.Shape, calls, a.Type.Size())
			}
		}
	}
	m, err := runner.NewFloat(n.Graph)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := addSounds(arrays, sounds, m, soundOf(n)); err != nil {
		return err
	}
	if err := s.checkFiles(m); err != nil {
		return err
	}
	states := runner.Carried(m, arrays)
	proposed := ""
	if len(s.states) == 0 && len(n.Proposals()) > 0 {
		proposed = "not said to be states: add " + strings.Join(n.Proposals(), " ") + ", or --state none"
	}
	sayUnfed(c, m, arrays)
	results, calls, err := runCalls(c, m, arrays, states)
	if err != nil && proposed != "" {
		return fmt.Errorf("%s: %w\n%s", name, err, proposed)
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := n.SameCalls(o.Fed, calls); err != nil {
		return err
	}
	if proposed != "" {
		c.say("note: inputs and outputs that look like states are %s", proposed)
	}
	var classes []string
	if n.Layers != nil {
		classes = n.Layers.Classes
	}
	return writeResults(c, s, m, results, calls, "", classes)
}

// readNumbers reads the arrays of inputs, each of the type that its file has.
func readNumbers(files map[string]string) (map[string]*npy.Array, error) {
	out := map[string]*npy.Array{}
	for _, tensor := range sortedKeys(files) {
		file := files[tensor]
		b, err := budget.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !isTable(file) {
			if out[tensor], err = npy.Read(file, bytes.NewReader(b)); err != nil {
				return nil, err
			}
			continue
		}
		a, err := runner.ReadCSV(file, b)
		if err != nil {
			return nil, err
		}
		out[tensor] = &npy.Array{Name: file, Type: "<f4", Shape: a.Shape, Data: a.Data}
	}
	return out, nil
}

// soundOf is what a float network says of sound, or nil.
func soundOf(n *source.Network) *facts.Facts {
	if n.Layers == nil || n.Layers.Facts == nil {
		return nil
	}
	return &facts.Facts{Data: n.Layers.Facts.Data, Audio: n.Layers.Facts.Audio, Mean: n.Layers.Mean, Std: n.Layers.Std, Steps: n.Layers.Steps}
}
