// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// model is a .tflite as the verbs take it: a plain graph or a compiled program.
type model struct {
	name    string
	file    []byte
	graph   *graph.Graph    // nil for a compiled model
	program *ethosu.Program // nil for a plain model
	facts   *facts.Facts    // nil where the file says nothing

	read    *tflite.Model // of a plain model
	integer []string      // inputs and outputs that are float32 in the file and integers from here on
}

func readModel(name string) (*model, error) {
	file, err := readInput(name)
	if err != nil {
		return nil, err
	}
	m := &model{name: name, file: file}
	read, err := tflite.ReadModel(name, file)
	if err != nil {
		return nil, err
	}
	if m.facts, err = facts.Decode(name, read.Find(facts.Metadata)); err != nil {
		return nil, err
	}
	g := read.Graph
	if !vela.IsCompiled(g) {
		m.graph, m.read = g, read
		return m, nil
	}
	m.program, err = vela.Read(name, file)
	return m, err
}

// readPlain reads a model that is not compiled yet.
func readPlain(name string) (*model, error) {
	m, err := readModel(name)
	if err != nil {
		return nil, err
	}
	if m.graph == nil {
		return nil, fmt.Errorf("%s is compiled already: give the plain .tflite it was compiled from", name)
	}
	m.integer = tflite.TakeOffFloat(m.read)
	m.graph = m.read.Graph
	return m, nil
}

// readPaired is readPlain with the states that --state names, if any, in place of those
// that the model declares.
func readPaired(c *cli, name string, states []string) (*model, error) {
	pairs, _, err := parseStates(states)
	if err != nil {
		return nil, err
	}
	m, err := readPlain(name)
	if err != nil {
		return nil, err
	}
	if len(m.integer) > 0 {
		c.say("note: %s: float32 in the file, integers of its scale and zero point from here on: %s", name, strings.Join(m.integer, ", "))
	}
	g := m.graph
	if len(states) == 0 {
		m.propose(c, runner.ProposeFor(g))
		return m, nil
	}
	declared := g.States
	g.States = nil
	if err := tflite.PairStates(g, pairs); err != nil {
		return nil, fmt.Errorf("%s: --state: %w", name, err)
	}
	for _, s := range declared {
		if states[0] != noStates && !slices.ContainsFunc(g.States, func(now graph.State) bool { return now.In == s.In || now.Out == s.Out }) {
			in, out := g.Tensors[s.In].Name, g.Tensors[s.Out].Name
			c.say("note: %s: %q is no state any more, for --state names all of them; if it is one, add --state %s=%s", name, in, in, out)
		}
	}
	return m, nil
}

// sayStates tells what was carried over several calls, where the user did not say it, and
// what was not.
func (m *model) sayStates(c *cli, run runner.Model, states []runner.State, given bool) {
	ins, outs := run.Inputs(), run.Outputs()
	var pairs []string
	for _, st := range states {
		pairs = append(pairs, ins[st.In].Name+"="+outs[st.Out].Name)
	}
	if given {
		return
	}
	if len(pairs) > 0 {
		c.say("note: %s: carried from call to call: %s", m.name, strings.Join(pairs, ", "))
	}
	for _, st := range run.States() {
		if !slices.ContainsFunc(states, func(s runner.State) bool { return s.In == st.In }) {
			c.say("note: %s: %q is fed as it is given, not carried from %q", m.name, ins[st.In].Name, outs[st.Out].Name)
		}
	}
	m.propose(c, runner.Propose(ins, outs, run.States()))
}

// propose offers pairs that could be states, where nobody said whether they are.
func (m *model) propose(c *cli, pairs []string) {
	if len(pairs) > 0 {
		c.say("note: %s: not said to be states, and not carried: %s; if some are, add --state for each, else --state none", m.name, strings.Join(pairs, ", "))
	}
}

// readCompiled reads a compiled model.
func readCompiled(name string) (*model, error) {
	m, err := readModel(name)
	if err != nil {
		return nil, err
	}
	if m.program == nil {
		return nil, fmt.Errorf("%s is not compiled: run unroll compile %s first", name, name)
	}
	return m, nil
}

// runner makes the model callable.
func (m *model) runner() (runner.Model, error) {
	if m.graph != nil {
		return runner.NewReference(m.graph)
	}
	return runner.NewSimulator(m.program)
}

// metadata is what travels on into files that are made of the model.
func (m *model) metadata() ([]tflite.Metadata, error) { return metadataOf(m.facts) }

func metadataOf(f *facts.Facts) ([]tflite.Metadata, error) {
	if f == nil {
		return nil, nil
	}
	b, err := f.Encode()
	return []tflite.Metadata{{Name: facts.Metadata, Data: b}}, err
}

func addStates(f *pflag.FlagSet) *[]string {
	return f.StringArray("state", nil, "INPUT=OUTPUT pair that is carried from call to call; repeat for all of them, or none where nothing is (default: the pairs the model declares)")
}

// noStates in place of pairs says that nothing is carried.
const noStates = "none"

// parseStates splits IN=OUT pairs, keeping their order.
func parseStates(states []string) (pairs map[string]string, order []string, err error) {
	pairs = map[string]string{}
	if len(states) == 1 && states[0] == noStates {
		return pairs, nil, nil
	}
	fed := map[string]bool{}
	for _, s := range states {
		in, out, ok := strings.Cut(s, "=")
		if !ok || in == "" || out == "" {
			return nil, nil, usagef("--state %s: expected INPUT=OUTPUT, or none alone", s)
		}
		if _, twice := pairs[in]; twice {
			return nil, nil, usagef("--state %s: input %q is paired twice", s, in)
		}
		if fed[out] {
			return nil, nil, usagef("--state %s: output %q is paired twice", s, out)
		}
		pairs[in], fed[out] = out, true
		order = append(order, in)
	}
	return pairs, order, nil
}
