// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/train/tune"
)

var tuneVerb = verb{
	name:    "tune",
	args:    "",
	summary: "Search for a network within bounds of cycles, flash, SRAM and accuracy, by successive halving.",
	example: `unroll tune --data x.npz --max-cycles 200000 --min-accuracy 99% --study out/study
unroll tune --study out/study                      # goes on, or shows what came of it
unroll tune --cell gru,mingru --units 16,32,64 --layers 1,2 --layers conv:24x3,gru --accel ethos-u55-64,ethos-u55-128
unroll tune --data x.npz --study out/study --plan  # only draw the candidates; then, on any machine that sees the folder:
unroll tune --study out/study --trial 7 --wait 2h  # one trial of it
unroll report out/study -o study.html`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		t := &tuneFlags{set: f}
		t.add(f)
		return func(c *cli) error { return t.run(c) }
	},
}

type tuneFlags struct {
	set         *pflag.FlagSet
	build       buildFlags // for the names and texts of its flags
	data        *string
	seed        *uint64
	dir         string
	plan        tune.Plan
	bounds      tune.Bounds
	minAccuracy string
	objective   string
	validation  float64
	only        bool // draw the candidates
	trial       int
	wait        time.Duration
	json        bool
}

// ownFlags are those that say what to do with a study, not what it is.
var ownFlags = []string{"study", "plan", "trial", "wait", "json", "help", "max-memory"}

// notTuned are flags of build that have no meaning for many of them.
var notTuned = []string{"epochs", "validation", "state", "history", "resume", "prefix", "driver", "force", "detect", "call-seconds", "false-alarms"}

// spaces are the flags of build that take several values to try, in the order of a space.
// Those without values to begin with are searched only where they are given.
var spaces = []struct {
	flag   string
	values []string
}{
	{"cell", []string{"gru", "lstm", "rnn", "mingru"}},
	{"layers", []string{"1", "2"}},
	{"units", []string{"16", "24", "32", "48", "64", "96"}},
	{"window", []string{"1", "2", "4"}},
	{"rank", nil},
	{"activations", []string{"int8", "mixed"}},
	{"weight-levels", []string{"127", "64"}},
	{"steps", nil},
	{"sequence", nil},
	{"accel", nil},
}

func (t *tuneFlags) add(f *pflag.FlagSet) {
	f.StringVar(&t.dir, "study", "", "folder of the study: its candidates and the results of its trials (default: out/DATA-study)")
	f.IntVar(&t.bounds.Flash, "max-flash", 0, "bytes of flash (stream and constants) that a network may take")
	f.IntVar(&t.bounds.SRAM, "max-sram", 0, "bytes of SRAM that it may take")
	f.Int64Var(&t.bounds.Cycles, "max-cycles", 0, "cycles that a whole sequence may take, in one call or in several")
	f.Float64Var(&t.bounds.Milliseconds, "max-ms", 0, "the same in milliseconds, at the clock of the system configuration")
	f.StringVar(&t.minAccuracy, "min-accuracy", "", "accuracy that is enough, as 98.5% or 0.985, or R² of a regression; above it only --objective counts")
	f.StringVar(&t.objective, "objective", tune.Cycles, "what is made small: "+strings.Join(tune.Objectives(), ", "))
	f.IntVar(&t.plan.Candidates, "candidates", 27, "networks that are tried for few epochs")
	f.IntVar(&t.plan.Rungs, "rungs", 4, "how often the best of them are tried for more")
	f.IntVar(&t.plan.Keep, "keep", 3, "one of so many goes on to the next rung, with so many times the epochs")
	f.IntVar(&t.plan.Epochs, "epochs", 27, "epochs of the last rung")
	f.Float64Var(&t.validation, "validation", 0.2, "fraction of the training part that judges; it is not trained on")
	f.BoolVar(&t.only, "plan", false, "draw the candidates, compile them untrained, write the study, and train nothing")
	f.IntVar(&t.trial, "trial", 0, "run one trial of the study, by its number from 0, and print its result")
	f.DurationVar(&t.wait, "wait", 0, "with --trial: how long to wait, as 2h, for trials of others that decide which network it is (default: not at all)")
	f.BoolVar(&t.json, "json", false, "print what came of it as JSON")

	all := pflag.NewFlagSet("build", pflag.ContinueOnError)
	t.build.add(all)
	t.build.generate.add(all)
	t.data, t.seed = &t.build.data.data, &t.build.data.seed
	for _, s := range spaces {
		if flag := all.Lookup(s.flag); flag != nil {
			v := &choices{list: s.values, numbers: s.flag == "layers"}
			flag.Value, flag.DefValue = v, v.String()
			flag.Usage = "values to try, with commas between them: " + flag.Usage
			if v.numbers {
				flag.Usage = "numbers to try, with commas between them, and lists of layers, each with a flag of its own: " + strings.TrimPrefix(flag.Usage, "values to try, with commas between them: ")
			}
		}
	}
	all.SortFlags = false
	all.VisitAll(func(flag *pflag.Flag) {
		if !slices.Contains(notTuned, flag.Name) {
			f.AddFlag(flag)
		}
	})
}

// choices is a flag that takes several values.
type choices struct {
	list    []string
	given   bool
	numbers bool // only numbers are divided at commas
}

func (v *choices) String() string { return strings.Join(v.list, ",") }
func (v *choices) Type() string   { return "list" }

func (v *choices) Set(s string) error {
	if !v.given {
		v.list, v.given = nil, true
	}
	parts := strings.Split(s, ",")
	if v.numbers && slices.ContainsFunc(parts, func(p string) bool { _, err := strconv.Atoi(strings.TrimSpace(p)); return err != nil }) {
		parts = []string{s}
	}
	for _, p := range parts {
		if p = strings.TrimSpace(p); p == "" {
			return fmt.Errorf("an empty value in %q", s)
		}
		if slices.Contains(v.list, p) {
			return fmt.Errorf("the value %s is there twice", p)
		}
		v.list = append(v.list, p)
	}
	return nil
}

// describes reports whether the command line says what the study is, not only where.
func (t *tuneFlags) describes() bool {
	yes := false
	t.set.Visit(func(f *pflag.Flag) { yes = yes || !slices.Contains(ownFlags, f.Name) })
	return yes
}

// asked is the study that the flags describe.
func (t *tuneFlags) asked() (tune.Asked, error) {
	a := tune.Asked{Flags: []string{}, Validation: t.validation, Bounds: t.bounds, Objective: t.objective, Plan: t.plan, Seed: *t.seed}
	if t.minAccuracy != "" {
		text, percent := strings.CutSuffix(t.minAccuracy, "%")
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if percent {
			v /= 100
		}
		if err != nil || !(v > 0 && v <= 1) {
			return a, usagef("--min-accuracy %s: expected an accuracy such as 98.5%% or 0.985, above 0 and at most 100%%", t.minAccuracy)
		}
		a.Bounds.Accuracy = v
	}
	space := map[string]bool{}
	for _, s := range spaces {
		flag := t.set.Lookup(s.flag)
		if flag == nil {
			continue
		}
		space[s.flag] = true
		if list := flag.Value.(*choices).list; len(list) > 0 {
			a.Space = append(a.Space, tune.Dimension{Flag: s.flag, Values: list})
		}
	}
	var passed []string
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	(&buildFlags{}).add(own)
	(&generateFlags{}).add(own)
	own.SortFlags = false
	own.VisitAll(func(f *pflag.Flag) {
		if !space[f.Name] && !slices.Contains(notTuned, f.Name) {
			passed = append(passed, f.Name)
		}
	})
	a.Flags = append(a.Flags, repeated(t.set, passed...)...)
	if err := a.Check(); err != nil {
		return a, usageError{err.Error()}
	}
	return a, eachValue(a)
}

// eachValue finds values that build refuses by themselves. Those that do not go together are
// left to the drawing.
func eachValue(a tune.Asked) error {
	for _, d := range a.Space {
		for _, v := range d.Values {
			args := append(append([]string{}, a.Flags...), a.Space.Args(tune.Settled(tune.Candidate{d.Flag: v}))...)
			if d.Flag == "rank" {
				args = append(args, "--units=4096") // less than them
			}
			b, err := buildOf(args)
			if err == nil {
				_, err = b.plan()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tuneFlags) run(c *cli) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	one := t.set.Changed("trial")
	if one && t.only {
		return usagef("--trial %d with --plan: a plan trains nothing; leave out one of them", t.trial)
	}
	if t.wait < 0 || t.wait > 0 && !one {
		return usagef("--wait %v: expected how long --trial may wait for the results of others, as 2h", t.wait)
	}
	if t.dir == "" {
		t.dir = filepath.Join("out", strings.ToLower(filepath.Base(*t.data))+"-study")
	}
	s := &studyFolder{dir: t.dir}
	if err := s.begin(c, t); err != nil {
		return err
	}
	switch {
	case one:
		return s.one(c, t)
	case !t.only:
		if err := s.all(c); err != nil {
			return err
		}
	}
	return s.print(c, t)
}
