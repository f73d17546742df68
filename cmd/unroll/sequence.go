// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// sequenceFlags make one call of several time steps out of a model of one step.
type sequenceFlags struct {
	form    string
	steps   int
	perStep bool
}

func (s *sequenceFlags) add(f *pflag.FlagSet) {
	f.IntVar(&s.steps, "steps", 0, "time steps of one call, for a model of one step with paired states (default: the model is the call)")
	f.StringVar(&s.form, "sequence", compile.FormAuto.String(), "with --steps: unrolled (one stream with all steps), step (one step's stream, started for every step, weights kept in SRAM) or auto (by flash and cycles)")
	f.BoolVar(&s.perStep, "per-step", false, "with --steps: give the outputs of every step, not only of the last")
}

func (s *sequenceFlags) check(set *pflag.FlagSet) error {
	if s.steps < 0 {
		return usagef("--steps %d: expected at least 1", s.steps)
	}
	if s.steps == 0 && (set.Changed("sequence") || set.Changed("per-step") || set.Changed("steps")) {
		return usagef("--sequence and --per-step need --steps: how many time steps one call has")
	}
	_, err := choose("--sequence", s.form, compile.FormNames())
	return err
}

// checkModel refuses models whose steps would not hang together and warns of those that
// have several steps of their own. That is no error: a model that takes its stream in
// chunks of frames is one "step" here, and so many chunks make a call.
func (s *sequenceFlags) checkModel(c *cli, m *model) error {
	if s.steps == 0 {
		return nil
	}
	g := m.graph
	moves := slices.ContainsFunc(g.Tensors, func(t *graph.Tensor) bool { return t.Variable })
	if len(g.States) == 0 && !moves {
		return fmt.Errorf("%s: --steps %d: no input is paired with an output, so nothing would pass from one step to the next; name the pairs with --state INPUT=OUTPUT (inputs: %s; outputs: %s)",
			m.name, s.steps, tensorNames(g, g.Inputs), tensorNames(g, g.Outputs))
	}
	for _, id := range g.Inputs {
		t := g.Tensors[id]
		state := slices.ContainsFunc(g.States, func(s graph.State) bool { return s.In == id })
		if !state && len(t.Shape) == 3 && t.Shape[1] > 1 {
			c.say("warning: %s: input %q has shape %v; if these are %d steps already, --steps %d makes a call of %d such calls, %d steps in all; for a call of %d steps begin with a model of one (unroll lower --steps 1)",
				m.name, t.Name, t.Shape, t.Shape[1], s.steps, s.steps, s.steps*t.Shape[1], s.steps)
		}
	}
	return nil
}

func tensorNames(g *graph.Graph, ids []graph.TensorID) string {
	var names []string
	for _, id := range ids {
		names = append(names, g.Tensors[id].Name)
	}
	return strings.Join(names, ", ")
}

// settings are the choices as the manifest records them.
func (s *sequenceFlags) settings(to map[string]string) {
	if s.steps > 0 {
		to["steps"], to["sequence"], to["per-step"] = fmt.Sprint(s.steps), s.form, fmt.Sprint(s.perStep)
	}
}

// program compiles the model.
func (s *sequenceFlags) program(g *graph.Graph, o compile.Options) (*compile.Choice, error) {
	if s.steps == 0 {
		return compile.CompileCall(compile.Call{Whole: g}, o)
	}
	form, err := choose("--sequence", s.form, compile.FormNames())
	if err != nil {
		return nil, err
	}
	return compile.CompileCall(compile.Call{Step: g, SequenceOptions: compile.SequenceOptions{Steps: s.steps, PerStep: s.perStep}, Form: form}, o)
}

// reference says what a call of the program must give.
func (s *sequenceFlags) reference(g *graph.Graph) (runner.Model, error) {
	m, err := runner.NewReference(g)
	if err != nil || s.steps == 0 {
		return m, err
	}
	return runner.NewCarried(m, s.steps, s.perStep)
}

// printChoice shows both forms of a call and what was chosen; nothing when there was no
// choice.
func printChoice(c *cli, ch *compile.Choice) {
	switch {
	case ch.Why == "":
		return
	case ch.Figures == nil:
		fmt.Fprintf(c.stdout, "chosen: %s, for the other form does not compile: %s\n\n", ch.Form, ch.Why)
		return
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sequence\tcycles\tstream bytes\twake-ups\tflash\tSRAM\t")
	for _, form := range []compile.Form{compile.FormUnrolled, compile.FormStep} {
		mark, f := "", ch.Figures[form]
		if form == ch.Form {
			mark = "  <- chosen"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", form, commas(f.Cycles), commas(f.StreamBytes), commas(f.WakeUps), commas(f.FlashBytes), commas(f.SRAMBytes), mark)
	}
	w.Flush()
	fmt.Fprintf(c.stdout, "chosen: %s, for %s\n\n", ch.Form, ch.Why)
}

// sequenceFigures are the figures of a program with the form of its calls, as --json
// prints them.
type sequenceFigures struct {
	perf.Figures
	Sequence  string                  `json:"sequence"`            // unrolled or step
	Sequences map[string]perf.Figures `json:"sequences,omitempty"` // of auto: both forms
	States    []string                `json:"states"`              // INPUT=OUTPUT, carried from call to call
	Unproven  []verify.Finding        `json:"unproven"`            // what the verifier can neither prove nor refute, as verify --json has it

	CPUOperators []cpuOperator `json:"cpu_operators"`
	TFLMArena    int           `json:"tflm_arena_bytes"` // that TFLite Micro needs for the file

	curve
}

func withSequence(f perf.Figures, ch *compile.Choice) sequenceFigures {
	s := sequenceFigures{Figures: f, Sequence: ch.Form.String(), States: ch.Program.StateNames(), CPUOperators: cpuOperators(ch.Program), TFLMArena: vela.ArenaOf(ch.Program).Total(),
		Unproven: ch.Unproven}
	for form, figures := range ch.Figures {
		if s.Sequences == nil {
			s.Sequences = map[string]perf.Figures{}
		}
		s.Sequences[form.String()] = figures
	}
	return s
}
