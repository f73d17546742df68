// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen/figures"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/budget"
)

var checkVerb = verb{
	name:    "check",
	args:    "PROJECT|MODEL",
	summary: "Fail when cycles, flash, SRAM or accuracy are worse than in a committed file; verifies and simulates as well.",
	example: `unroll check net.tflite --against figures.json --update     # write today's figures
unroll check net.tflite --against figures.json              # 1 when one of them is worse
unroll check out/digits-gru256 --against figures.json --tolerance 0.01`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var n npuFlags
		n.add(f)
		k := checkFlags{open: reportVerbFlags{npu: &n}}
		k.open.states = addStates(f)
		f.StringVar(&k.open.graph, "graph", "", "plain .tflite that a compiled one was made from, to simulate against")
		f.StringVar(&k.against, "against", "", "JSON file of figures: what --update wrote, or what build, compile or inspect printed with --json")
		f.Float64Var(&k.tolerance, "tolerance", 0, "share by which a figure may be worse, such as 0.01")
		f.IntVar(&k.calls, "calls", 20, "calls with noise on which simulator and reference interpreter are compared")
		f.BoolVar(&k.update, "update", false, "write the figures of today to --against")
		f.BoolVar(&k.json, "json", false, "print the result as JSON")
		return func(c *cli) error { return k.run(c) }
	},
}

type checkFlags struct {
	open         reportVerbFlags
	against      string
	tolerance    float64
	calls        int
	update, json bool
}

// checkedFigures is what check prints with --json.
type checkedFigures struct {
	Changes  []figures.Change `json:"changes"`
	Findings int              `json:"findings"` // of the verifier
	Unproven int              `json:"unproven"`
	Compared int              `json:"compared"` // calls of simulator and reference, 0: there is no graph to compare with
	Differ   int              `json:"mismatches"`
	Pass     bool             `json:"pass"`
}

func (k *checkFlags) run(c *cli) error {
	name, err := c.oneArg("a project or a .tflite")
	if err != nil {
		return err
	}
	if k.against == "" {
		return usagef("--against: which file of figures?")
	}
	if !(k.tolerance >= 0 && k.tolerance < 1) || k.calls < 0 {
		return usagef("--tolerance %g --calls %d: expected a share from 0 to below 1 and a number of calls", k.tolerance, k.calls)
	}
	o, err := k.open.npu.options()
	if err != nil {
		return err
	}
	s, err := k.open.open(c, name, o)
	if err != nil {
		return err
	}
	now, err := figures.Of(s)
	if err != nil {
		return err
	}
	r := checkedFigures{Changes: []figures.Change{}}
	if err := k.prove(s, &r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if k.update {
		file, err := now.Encode()
		if err != nil {
			return err
		}
		if err := writeFile(k.against, file, true); err != nil {
			return err
		}
	} else {
		file, err := budget.ReadFile(k.against)
		if err != nil {
			return err
		}
		before, err := figures.Read(k.against, file)
		if err != nil {
			return err
		}
		if r.Changes, err = figures.Compare(before, now, k.tolerance); err != nil {
			return fmt.Errorf("%s: %w", k.against, err)
		}
	}
	r.Pass = r.Findings == 0 && r.Differ == 0 && !figures.Regressed(r.Changes)
	return k.print(c, name, &r)
}

// prove verifies the programs, and simulates them where the operators are known.
func (k *checkFlags) prove(s *report.Subject, r *checkedFigures) error {
	for _, p := range s.Programs {
		v := verify.Program(p)
		r.Findings, r.Unproven = r.Findings+len(v.Findings), r.Unproven+len(v.Unproven)
	}
	if s.Graph == nil || len(s.Programs) != 1 || s.Programs[0].Steps > 0 || k.calls == 0 {
		return nil
	}
	ref, err := runner.NewReference(s.Graph)
	if err != nil {
		return err
	}
	dut, err := runner.NewSimulator(s.Programs[0])
	if err != nil {
		return err
	}
	result, err := runner.CompareIndependent(ref, dut, k.calls, runner.RandomFeed(s.Graph, 1), nil)
	if err != nil {
		return err
	}
	r.Compared, r.Differ = result.Calls, result.Mismatches
	return nil
}

func (k *checkFlags) print(c *cli, name string, r *checkedFigures) error {
	if k.json {
		if err := printJSON(c.stdout, r); err != nil {
			return err
		}
	} else {
		for _, change := range r.Changes {
			mark := "ok      "
			if change.Regressed {
				mark = "WORSE   "
			}
			fmt.Fprintln(c.stdout, mark, change)
		}
		fmt.Fprintf(c.stdout, "%s: %d findings of the verifier, %d unproven; %s\n", name, r.Findings, r.Unproven, r.simulated())
		if k.update {
			fmt.Fprintf(c.stdout, "wrote %s\n", k.against)
		}
	}
	if !r.Pass {
		return errReported
	}
	return nil
}

func (r *checkedFigures) simulated() string {
	if r.Compared == 0 {
		return "not simulated against the operators, which are unknown: --graph gives them"
	}
	return fmt.Sprintf("%d of %d simulated calls differ from the reference", r.Differ, r.Compared)
}
