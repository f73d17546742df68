package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
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
	f.StringVar(&s.form, "sequence", "auto", "with --steps: unrolled (one stream with all steps), step (one step's stream, started for every step, weights kept in SRAM) or auto (by flash and cycles)")
	f.BoolVar(&s.perStep, "per-step", false, "with --steps: give the outputs of every step, not only of the last")
}

func (s *sequenceFlags) check(set *pflag.FlagSet) error {
	if s.steps < 0 {
		return usagef("--steps %d: expected at least 1", s.steps)
	}
	if s.steps == 0 && (set.Changed("sequence") || set.Changed("per-step") || set.Changed("steps")) {
		return usagef("--sequence and --per-step need --steps: how many time steps one call has")
	}
	_, err := choose("--sequence", s.form, map[string]bool{"unrolled": true, "step": true, "auto": true})
	return err
}

// program compiles the model; with auto it prints what was weighed.
func (s *sequenceFlags) program(c *cli, g *graph.Graph, o compile.Options, quiet bool) (*ethosu.Program, error) {
	if s.steps == 0 {
		return compileProgram(g, o)
	}
	seq := compile.SequenceOptions{Steps: s.steps, PerStep: s.perStep}
	unrolled := func() (*ethosu.Program, error) {
		whole, err := compile.Unrolled(g, seq)
		if err != nil {
			return nil, err
		}
		return compileProgram(whole, o)
	}
	step := func() (*ethosu.Program, error) { return verified(compile.Sequence(g, seq, o)) }
	switch s.form {
	case "unrolled":
		return unrolled()
	case "step":
		return step()
	}
	one, err := unrolled()
	if err != nil {
		return nil, err
	}
	many, err := step()
	if err != nil {
		return nil, err
	}
	a, err := perf.FiguresOf(one)
	if err != nil {
		return nil, err
	}
	b, err := perf.FiguresOf(many)
	if err != nil {
		return nil, err
	}
	chosen, what := one, "unrolled"
	better, why := perf.PreferSequence(a, b)
	if better {
		chosen, what = many, "step"
	}
	if quiet {
		return chosen, nil
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sequence\tcycles\tstream bytes\twake-ups\tflash\tSRAM\t")
	for _, row := range []struct {
		name string
		f    perf.Figures
	}{{"unrolled", a}, {"step", b}} {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", row.name, commas(row.f.Cycles), commas(row.f.StreamBytes), commas(row.f.WakeUps), commas(row.f.FlashBytes), commas(row.f.SRAMBytes))
	}
	w.Flush()
	fmt.Fprintf(c.stdout, "chosen: %s, for %s\n\n", what, why)
	return chosen, nil
}
