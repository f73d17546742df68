package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Forms of a call of several time steps.
const (
	formUnrolled = "unrolled" // one stream with all steps
	formStep     = "step"     // one step's stream, started for every step
	formAuto     = "auto"     // whichever perf.PreferSequence takes
)

var sequenceForms = map[string]bool{formUnrolled: true, formStep: true, formAuto: true}

// sequenceFlags make one call of several time steps out of a model of one step.
type sequenceFlags struct {
	form    string
	steps   int
	perStep bool
}

func (s *sequenceFlags) add(f *pflag.FlagSet) {
	f.IntVar(&s.steps, "steps", 0, "time steps of one call, for a model of one step with paired states (default: the model is the call)")
	f.StringVar(&s.form, "sequence", formAuto, "with --steps: unrolled (one stream with all steps), step (one step's stream, started for every step, weights kept in SRAM) or auto (by flash and cycles)")
	f.BoolVar(&s.perStep, "per-step", false, "with --steps: give the outputs of every step, not only of the last")
}

func (s *sequenceFlags) check(set *pflag.FlagSet) error {
	if s.steps < 0 {
		return usagef("--steps %d: expected at least 1", s.steps)
	}
	if s.steps == 0 && (set.Changed("sequence") || set.Changed("per-step") || set.Changed("steps")) {
		return usagef("--sequence and --per-step need --steps: how many time steps one call has")
	}
	_, err := choose("--sequence", s.form, sequenceForms)
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
			c.say("warning: %s: input %q has %d steps already, %v: --steps %d makes a call of %d such calls, %d steps in all; for a call of %d steps begin with a model of one (unroll lower --steps 1)",
				m.name, t.Name, t.Shape[1], t.Shape, s.steps, s.steps, s.steps*t.Shape[1], s.steps)
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

func (s *sequenceFlags) options() compile.SequenceOptions {
	return compile.SequenceOptions{Steps: s.steps, PerStep: s.perStep}
}

// program compiles the model.
func (s *sequenceFlags) program(g *graph.Graph, o compile.Options) (*ethosu.Program, *trade, error) {
	if s.steps == 0 {
		p, err := compileProgram(g, o)
		return p, nil, err
	}
	return weigh(s.form, func() (*ethosu.Program, error) {
		whole, err := compile.Unrolled(g, s.options())
		if err != nil {
			return nil, err
		}
		return compileProgram(whole, o)
	}, func() (*ethosu.Program, error) { return compileSequence(g, s.options(), o) })
}

// reference says what a call of the program must give.
func (s *sequenceFlags) reference(g *graph.Graph) (runner.Model, error) {
	m, err := runner.NewReference(g)
	if err != nil || s.steps == 0 {
		return m, err
	}
	return runner.NewCarried(m, s.steps, s.perStep)
}

func compileSequence(step *graph.Graph, seq compile.SequenceOptions, o compile.Options) (*ethosu.Program, error) {
	return verified(compile.Sequence(step, seq, o))
}

// trade is what auto weighed. Where a form does not compile there is nothing to weigh,
// and no figures.
type trade struct {
	unrolled, step perf.Figures
	chosen, why    string
	only           bool // the chosen form is the only one that compiles
}

// weigh compiles the form that was asked for; of auto both, and takes one. Where one of
// them does not compile it is the other; where none does, the step's error is
// returned, for its operators are those of the user's model.
func weigh(form string, unrolled, step func() (*ethosu.Program, error)) (*ethosu.Program, *trade, error) {
	switch form {
	case formUnrolled:
		p, err := unrolled()
		return p, nil, err
	case formStep:
		p, err := step()
		return p, nil, err
	}
	one, errOne := unrolled()
	many, err := step()
	switch {
	case errOne != nil && err != nil:
		return nil, nil, err
	case errOne != nil:
		return many, &trade{chosen: formStep, why: errOne.Error(), only: true}, nil
	case err != nil:
		return one, &trade{chosen: formUnrolled, why: err.Error(), only: true}, nil
	}
	t := &trade{chosen: formUnrolled}
	if t.unrolled, err = perf.FiguresOf(one); err != nil {
		return nil, nil, err
	}
	if t.step, err = perf.FiguresOf(many); err != nil {
		return nil, nil, err
	}
	better, why := perf.PreferSequence(t.unrolled, t.step)
	t.why = why
	if better {
		t.chosen = formStep
		return many, t, nil
	}
	return one, t, nil
}

// print shows both forms and what was chosen; nothing when there was no choice.
func (t *trade) print(c *cli) {
	if t == nil {
		return
	}
	if t.only {
		fmt.Fprintf(c.stdout, "chosen: %s, for the other form does not compile: %s\n\n", t.chosen, t.why)
		return
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sequence\tcycles\tstream bytes\twake-ups\tflash\tSRAM\t")
	for _, row := range []struct {
		name string
		f    perf.Figures
	}{{formUnrolled, t.unrolled}, {formStep, t.step}} {
		mark := ""
		if row.name == t.chosen {
			mark = "  <- chosen"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.name, commas(row.f.Cycles), commas(row.f.StreamBytes), commas(row.f.WakeUps), commas(row.f.FlashBytes), commas(row.f.SRAMBytes), mark)
	}
	w.Flush()
	fmt.Fprintf(c.stdout, "chosen: %s, for %s\n\n", t.chosen, t.why)
}

// sequenceFigures are the figures of a program with the form of its calls, as --json
// prints them.
type sequenceFigures struct {
	perf.Figures
	Sequence  string                  `json:"sequence"`            // unrolled or step
	Sequences map[string]perf.Figures `json:"sequences,omitempty"` // of auto: both forms
}

func withSequence(f perf.Figures, p *ethosu.Program, t *trade) sequenceFigures {
	s := sequenceFigures{Figures: f, Sequence: formUnrolled}
	if p.Sequence != nil {
		s.Sequence = formStep
	}
	if t != nil && !t.only {
		s.Sequences = map[string]perf.Figures{formUnrolled: t.unrolled, formStep: t.step}
	}
	return s
}
