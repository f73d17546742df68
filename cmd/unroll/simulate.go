// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/source"
)

var simulateVerb = verb{
	name:    "simulate",
	args:    "MODEL",
	summary: "Run a model on files: compiled ones on the NPU simulator, integer ones on the reference interpreter, float networks (docs/formats.md) in float32.",
	example: `unroll simulate gru.npu.tflite --input input=x.npy --state state_h0=state_h0_out --out results
unroll simulate anything.tflite --input x=x.npy --dequantize --out results
unroll simulate step.tflite --input input=frames.csv --dequantize --format csv --out results
unroll simulate words.tflite --input input=word.wav --top 1
unroll simulate net.onnx --input x=x.npy --set sr=16000 --state h=hn --out results   # also .safetensors, Keras .npz, float .tflite`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var s simulateFlags
		f.StringArrayVar(&s.inputs, "input", nil, "NAME=FILE.npy in the tensor's own type, or float32 to be quantized, or NAME=FILE.csv with a row for each call; one extra leading dimension is a sequence of calls, dimensions of 1 may be left out; or NAME=FILE.wav for a network that takes sound")
		f.StringArrayVar(&s.states, "state", nil, "INPUT=OUTPUT pair carried from call to call; repeat for more; none says that there are none")
		f.IntVar(&s.steps, "steps", 0, "frames of one call of a float network over time, which is then run frame by frame with states (docs/formats.md); inputs may have a multiple of them")
		s.source.add(f)
		f.BoolVar(&s.standardized, "standardized", false, "float32 features are standardized already (default: that is done here, where the model knows mean and deviation)")
		f.StringVar(&s.out, "out", "", "folder for a file of every output, by its name")
		f.StringVar(&s.format, "format", "npy", "files of outputs: npy, or csv with a row for each call")
		f.BoolVar(&s.force, "force", false, "replace existing files of outputs")
		f.BoolVar(&s.dequantize, "dequantize", false, "write float32 instead of integers")
		f.IntVar(&s.top, "top", 0, "print the K largest elements of the first output of every call")
		f.StringVar(&s.compare, "compare", "", "plain .tflite to run beside it on the reference interpreter; the first difference is named")
		f.BoolVar(&s.trace, "trace", false, "print one line with a checksum for every operation of a compiled model")
		f.BoolVar(&s.adversarial, "adversarial", false, "delay DMAs and block operations as far as the waits of the stream allow, and report races")
		f.BoolVar(&s.json, "json", false, "print the result as JSON")
		return func(c *cli) error { return runSimulate(c, &s) }
	},
}

type simulateFlags struct {
	source           sourceFlags
	inputs, states   []string
	out, compare     string
	format           string
	force            bool
	dequantize, json bool
	standardized     bool
	trace            bool
	adversarial      bool
	top, steps       int
}

// simulated is what simulate prints with --json.
type simulated struct {
	Calls   int               `json:"calls"`
	Outputs map[string]string `json:"outputs"` // file by output name

	// Standardized is the input whose raw features were.
	Standardized string `json:"standardized,omitempty"`
}

func runSimulate(c *cli, s *simulateFlags) error {
	name, err := c.oneArg("the model to run")
	if err != nil {
		return err
	}
	if s.steps < 0 {
		return usagef("--steps %d: expected a number of frames", s.steps)
	}
	if s.top < 0 {
		return usagef("--top %d: expected a number of elements", s.top)
	}
	if _, err := choose("--format", s.format, map[string]bool{"npy": true, "csv": true}); err != nil {
		return err
	}
	files, err := parseInputs(s.inputs)
	if err != nil {
		return err
	}
	if s.out != "" {
		if err := checkFolder(s.out); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	sounds := map[string]string{}
	for _, tensor := range sortedKeys(files) {
		if isSound(files[tensor]) {
			sounds[tensor] = files[tensor]
			delete(files, tensor)
		}
	}
	if float, err := source.IsFloat(name); err != nil {
		return err
	} else if float {
		return runFloat(c, s, name, files, sounds)
	}
	arrays := map[string]*runner.Array{}
	for _, tensor := range sortedKeys(files) {
		b, err := budget.ReadFile(files[tensor])
		if err != nil {
			return err
		}
		read := runner.ReadNPY
		if isTable(files[tensor]) {
			read = runner.ReadCSV
		}
		if arrays[tensor], err = read(files[tensor], b); err != nil {
			return err
		}
	}
	if s.steps > 0 {
		return usagef("--steps is for float networks; %s is an integer or compiled model, which has its own", name)
	}
	if flag := s.source.given(); flag != "" {
		return usagef("%s is for float networks; %s is an integer or compiled model, which says that itself", flag, name)
	}
	m, err := readModel(name)
	if err != nil {
		return err
	}
	var found findings
	run, err := s.runner(c, m, &found)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := addSounds(arrays, sounds, run, m.facts); err != nil {
		return err
	}
	standardized, err := s.standardize(c, m, run, arrays)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	states, err := s.carried(run, arrays)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := s.checkFiles(run); err != nil {
		return err
	}
	sayUnfed(c, run, arrays)
	results, calls, err := runCalls(c, run, arrays, states)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if calls > 1 {
		m.sayStates(c, run, states, len(s.states) > 0)
	}
	if len(found.races) > 0 {
		return fmt.Errorf("%s: %d findings:\n%s", name, len(found.races), strings.Join(found.races, "\n"))
	}
	if s.compare != "" {
		if err := compareWith(c, s.compare, m.program, arrays, states, run, results); err != nil {
			if found.first != "" {
				return fmt.Errorf("%w\nfirst operation that differs: %s", err, found.first)
			}
			return err
		}
	}
	var classes []string
	if m.facts != nil {
		classes = m.facts.Classes
	}
	return writeResults(c, s, run, results, calls, standardized, classes)
}

// carried returns the states that pass from call to call: those of --state, else those
// that the model declares.
func (s *simulateFlags) carried(run runner.Model, arrays map[string]*runner.Array) ([]runner.State, error) {
	pairs, order, err := parseStates(s.states)
	switch {
	case err != nil:
		return nil, err
	case len(s.states) == 0:
		return runner.Carried(run, arrays), nil
	}
	states, err := runner.PairStates(run, pairs, order)
	if err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	return states, nil
}

// standardize makes of raw features what the network takes, unless they are that already.
func (s *simulateFlags) standardize(c *cli, m *model, run runner.Model, arrays map[string]*runner.Array) (string, error) {
	if s.standardized {
		return "", nil
	}
	name, err := runner.Standardize(run, arrays, m.facts)
	if name != "" {
		c.say("note: the float32 features of %q are standardized with the network's mean and deviation, as the generated C does; if they are already, say --standardized", name)
	}
	return name, err
}

// isTable tells a file of numbers as text by its name.
func isTable(file string) bool { return strings.EqualFold(filepath.Ext(file), ".csv") }

// parseInputs splits NAME=FILE.
func parseInputs(inputs []string) (map[string]string, error) {
	files := map[string]string{}
	for _, in := range inputs {
		tensor, file, ok := strings.Cut(in, "=")
		if !ok || tensor == "" || file == "" {
			return nil, usagef("--input %s: expected NAME=FILE.npy, or with a .csv or .wav file", in)
		}
		if files[tensor] != "" {
			return nil, usagef("--input %s: %q is given twice", in, tensor)
		}
		files[tensor] = file
	}
	return files, nil
}

// findings are what a probe saw.
type findings struct {
	races []string // at most maxRaces
	first string   // operation that differs from --compare
}

const maxRaces = 20

// runner makes the model callable, under observation when that is asked for.
func (s *simulateFlags) runner(c *cli, m *model, found *findings) (runner.Model, error) {
	if m.program == nil {
		if s.trace || s.adversarial {
			return nil, usagef("--trace and --adversarial need a compiled model: run unroll compile first")
		}
		return m.runner()
	}
	if !s.trace && !s.adversarial && s.compare == "" {
		return m.runner()
	}
	probe := runner.Probe{Adversarial: s.adversarial, Differs: func(f string) { found.first = f }, Report: func(f string) {
		if len(found.races) < maxRaces {
			found.races = append(found.races, f)
		}
	}}
	if s.trace {
		probe.Trace = c.stdout
		if s.json {
			probe.Trace = c.stderr
		}
	}
	if s.compare != "" {
		ref, err := readPlain(s.compare)
		if err != nil {
			return nil, err
		}
		probe.Expect = ref.graph
	}
	return runner.NewProbed(m.program, probe)
}

// sayUnfed tells that a run without any input is one of zeros.
func sayUnfed(c *cli, m runner.Model, arrays map[string]*runner.Array) {
	if ins := m.Inputs(); len(arrays) == 0 && len(ins) > 0 {
		c.say("note: no --input was given: this is one call with 0 in every input; say --input %s=FILE.npy", quoted(ins[0].Name))
	}
}

func runCalls(c *cli, m runner.Model, arrays map[string]*runner.Array, states []runner.State) ([]*runner.Array, int, error) {
	all, err := runner.NewCalls(m, arrays, states)
	if err != nil {
		return nil, 0, err
	}
	p := newProgress(c.stderr)
	defer p.finish()
	results, err := all.Run(func(done int) { p.update(done, all.Count(), "simulating") })
	return results, all.Count(), err
}
