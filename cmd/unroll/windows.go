// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/batch"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// windowFlags make a call of several windows out of a network of one.
type windowFlags struct{ n int }

const windowsFlag = "batch-windows"

func (w *windowFlags) add(f *pflag.FlagSet) {
	f.IntVar(&w.n, windowsFlag, 1, fmt.Sprintf("windows of a call, 1 to %d: so many inputs, states and outputs that have nothing to do with each other, such as channels; a weight that is decoded serves several of them", batch.MaxWindows))
}

func (w *windowFlags) check() error {
	if w.n < 1 || w.n > batch.MaxWindows {
		return usagef("--%s %d: expected 1 to %d", windowsFlag, w.n, batch.MaxWindows)
	}
	return nil
}

// of returns a graph with its facts, of as many windows as are asked for, and says what such
// calls do not have.
func (w *windowFlags) of(c *cli, g *graph.Graph, f *facts.Facts) (*graph.Graph, *facts.Facts, error) {
	if w.n == 1 {
		return g, f, nil
	}
	if f != nil && f.Windows > 1 {
		return nil, nil, fmt.Errorf("--%s %d: a call has %d windows already: take the .tflite of one window", windowsFlag, w.n, f.Windows)
	}
	many, err := batch.Windows(g, w.n)
	if err != nil {
		return nil, nil, fmt.Errorf("--%s %d: %w", windowsFlag, w.n, err)
	}
	if f == nil {
		return many, &facts.Facts{Windows: w.n}, nil
	}
	known, lost := f.OfWindows(w.n)
	if len(lost) > 0 {
		c.say("note: a call of %d windows takes and gives values of each; the project has no functions for %s", w.n, strings.Join(lost, " and "))
	}
	return many, known, nil
}

// apply is of for a model that was read.
func (w *windowFlags) apply(c *cli, m *model, steps int) (err error) {
	windows := w.n
	if m.facts != nil {
		windows = max(windows, m.facts.Windows)
	}
	if windows > 1 && steps > 0 {
		return usagef("--steps %d with %d windows a call: the steps of a call are chosen when the network is lowered (unroll lower --steps %d --%s %d)", steps, windows, steps, windowsFlag, windows)
	}
	m.graph, m.facts, err = w.of(c, m.graph, m.facts)
	return err
}

// feed gives every window of a call a sequence of its own. one is the feed of single windows, calls of
// which make a sequence.
func (w *windowFlags) feed(one runner.Feed, calls int) runner.Feed {
	if w.n == 1 {
		return one
	}
	return func(call int, in [][]byte) (reset bool) {
		for i := range w.n {
			part := make([][]byte, len(in))
			for k, all := range in {
				size := len(all) / w.n
				part[k] = all[i*size : (i+1)*size]
			}
			reset = one((call/calls*w.n+i)*calls+call%calls, part)
		}
		return reset
	}
}

// sequencesOf arranges n windows' sequences [sequences, steps, features] as calls of a model whose
// input has the shape [windows, steps a call, features]: [calls' sequences, calls, the
// input's shape…]. Sequences that fill no call are left out.
func sequencesOf(shape []int, values []float32, input []int) ([]int, []float32, error) {
	if len(shape) != 3 || len(input) != 3 || shape[2] != input[2] || shape[1]%input[1] != 0 || shape[0] < input[0] {
		return nil, nil, fmt.Errorf("sequences of shape %v make no calls of shape %v", shape, input)
	}
	windows, part, calls := input[0], input[1]*input[2], shape[1]/input[1]
	groups := shape[0] / windows
	var out []float32
	for g := range groups {
		for call := range calls {
			for w := range windows {
				from := ((g*windows+w)*calls + call) * part
				out = append(out, values[from:from+part]...)
			}
		}
	}
	return append([]int{groups, calls}, input...), out, nil
}

// dataShape is the shape of a model's only input that is no state; nil where there are several.
func dataShape(m runner.Model) []int {
	var shape []int
	for i, t := range m.Inputs() {
		state := false
		for _, s := range m.States() {
			state = state || s.In == i
		}
		if state {
			continue
		}
		if shape != nil {
			return nil
		}
		shape = t.Shape
	}
	return shape
}

// cycles tells those of a call, and of a window where there are several.
func (w *windowFlags) cycles(n int64) string {
	if w.n == 1 {
		return commas(n) + " a call"
	}
	return fmt.Sprintf("%s a call, %s a window", commas(n), commas((n+int64(w.n)/2)/int64(w.n)))
}
