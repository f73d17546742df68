// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/projectfile"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/nn"
)

var buildVerb = verb{
	name:    "build",
	args:    "",
	summary: "Everything: train, lower, compile, generate the C project and prove it on the simulator.",
	example: `unroll build
unroll build --data path/to/mnist --units 128 -o out/gru128
unroll build -f out/gru128/unroll.toml -o out/again   # what another build was given
unroll build --sequence step      # a small stream that is started for every time step`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var b buildFlags
		b.add(f)
		b.generate.add(f)
		f.StringVarP(&b.file, "file", "f", "", "TOML file with a key for every flag, such as the "+projectfile.Name+" that build writes; what the command line says wins. Paths in it are from the current folder")
		f.StringVarP(&b.out, "output", "o", "", "folder for everything that is written (default: out/DATA-CELLUNITS)")
		f.IntVar(&b.compare, "compare", 1000, "test sequences on which simulator and reference are compared byte for byte")
		f.IntVar(&b.chain, "chain", 200, "further calls, compared with the state carried from each to the next")
		f.BoolVar(&b.json, "json", false, "print the summary as JSON")
		return func(c *cli) error { return runBuild(c, &b) }
	},
}

type buildFlags struct {
	set            *pflag.FlagSet
	file           string
	settled        []byte // the project's own file of flags
	data           dataFlags
	train          trainFlags
	lower          lowerFlags
	npu            npuFlags
	generate       generateFlags
	sequence, out  string
	compare, chain int
	trained        bool // a network is in kept
	running        *runFile
	evidence       report.Evidence
	json           bool
}

// add defines the flags that decide what the network is and how it is compiled.
func (b *buildFlags) add(f *pflag.FlagSet) {
	b.set = f
	b.data.add(f)
	b.train.add(f)
	b.lower.add(f)
	if err := f.MarkHidden("equalize"); err != nil { // of graphs: refused with a reason, but not offered
		panic("BUG: " + err.Error())
	}
	b.npu.add(f)
	f.StringVar(&b.sequence, "sequence", compile.FormUnrolled.String(), "unrolled (one stream with all steps), step (one step's stream, started for every step, weights kept in SRAM) or auto (by flash and cycles)")
}

// buildPlan is what the flags of build say.
type buildPlan struct {
	train   train.Config
	lower   lower.Options
	compile compile.Options
	form    compile.Form
}

// plan reads the flags and finds every mistake in them: minutes of work must not end at
// what was wrong from the start.
func (b *buildFlags) plan() (p buildPlan, err error) {
	if p.train, err = b.train.config(b.data.seed, recipeDefault); err != nil {
		return p, err
	}
	if p.lower, err = b.lower.options(); err != nil {
		return p, err
	}
	if p.compile, err = b.npu.options(); err != nil {
		return p, err
	}
	if err := b.generate.check(); err != nil {
		return p, err
	}
	if err := b.generate.bound(&p.compile); err != nil {
		return p, err
	}
	if p.form, err = choose("--sequence", b.sequence, compile.FormNames()); err != nil {
		return p, err
	}
	if b.lower.set.Changed("equalize") {
		return p, usagef("--equalize is for graphs (.onnx, float .tflite), which lower takes; build trains layers")
	}
	for _, file := range []string{b.train.state, b.train.history} {
		if file != "" {
			if err := checkOutput(file, true); err != nil {
				return p, err
			}
		}
	}
	if b.lower.whole(p.train.Stack, &p.lower) && p.form == compile.FormAuto {
		p.form = compile.FormUnrolled
	}
	if p.form != compile.FormUnrolled && !p.lower.StateIO {
		return p, usagef("--sequence %s with --no-state: the state has to pass from one step to the next", b.sequence)
	}
	if p.form != compile.FormUnrolled && b.lower.windows.n > 1 {
		return p, usagef("--sequence %s --%s %d: several windows a call are one stream with all steps (--sequence unrolled)", b.sequence, windowsFlag, b.lower.windows.n)
	}
	if b.compare < 0 || b.chain < 0 || b.compare+b.chain == 0 {
		return p, usagef("--compare %d --chain %d: expected counts of calls, at least one in all, or nothing is proven", b.compare, b.chain)
	}
	return p, nil
}

// name completes what is named after the network, and checks that its folder can be
// written: before anything is trained.
func (b *buildFlags) name(network string) error {
	if b.out == "" {
		b.out = filepath.Join("out", strings.ToLower(filepath.Base(b.data.data))+"-"+network)
	}
	if b.generate.prefix == "" {
		b.generate.prefix = codegen.PrefixFrom(network)
	}
	if err := b.generate.check(); err != nil {
		return err
	}
	return codegen.CheckWritable(b.out, b.generate.force)
}

// kept is the file that holds what was trained until the project, which has it too, is
// written.
func (b *buildFlags) kept() string { return b.out + ".trained.safetensors" }

// keep writes the network, so that nothing that fails later, or an interruption, loses it.
func (b *buildFlags) keep(net *nn.Network) error {
	file, err := encodeNetwork(net)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.kept()), 0o777); err != nil {
		return err
	}
	b.trained = true
	return writeFile(b.kept(), file, true)
}

// runBuild is the verb; it says where the trained network is when something failed later.
func runBuild(c *cli, b *buildFlags) error {
	err := b.run(c)
	if !b.trained {
		return err
	}
	if err == nil || errors.Is(err, errReported) {
		return errors.Join(err, os.Remove(b.kept()), b.running.done())
	}
	return fmt.Errorf("%w\nthe trained network is in %s; the same command goes on from there", err, b.kept())
}

// settle takes the flags of a file, and writes down all of them as they were given, before
// anything completes them.
func (b *buildFlags) settle() (err error) {
	var before []byte
	var given []string
	b.set.Visit(func(f *pflag.Flag) { given = append(given, f.Name) })
	if b.file != "" {
		if before, err = budget.ReadFile(b.file); err != nil {
			return err
		}
		if err := projectfile.Apply(b.set, b.file, before, "file", "max-memory"); err != nil {
			return usageError{err.Error()}
		}
	}
	b.settled, err = projectfile.Write(b.set, before, given, "file", "max-memory", "output", "force", "json")
	return err
}

func (b *buildFlags) run(c *cli) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	plan, err := b.plan()
	if err != nil {
		return err
	}
	set, test, err := b.data.open(c)
	if err != nil {
		return err
	}
	net, set, err := b.network(c, &plan, set, test)
	if err != nil {
		return err
	}
	low, step, call, err := b.lowered(c, &plan, net, set)
	if err != nil {
		return err
	}
	r := built{Output: b.out}
	if b.lower.windows.n > 1 {
		r.Windows = b.lower.windows.n
	}
	if err := r.measure(c, low, test, low.Streaming()); err != nil {
		return err
	}
	if r.Detection, err = b.lower.detection.choose(c, low, plan.train.Validation, test); err != nil {
		return err
	}
	net.Facts.Measured(r.figures())
	c.say("compiling for %s", plan.compile.Accel.Name)
	ch, err := compile.CompileCall(call, plan.compile)
	if err != nil {
		return err
	}
	figures, err := perf.FiguresOf(ch.Program)
	if err != nil {
		return err
	}
	r.sequenceFigures = withSequence(figures, ch)
	if r.curve, err = curveOf(ch, figures); err != nil {
		return err
	}
	if err := b.prove(c, low, call.Whole, ch.Program, test, &r); err != nil {
		return err
	}
	if err := b.measure(c, low, set, test, &r); err != nil {
		return err
	}
	if err := b.write(c, low, step, call.Whole, net, ch, test); err != nil {
		return err
	}
	c.sayUnproven(r.Unproven, b.compiledFile())
	if b.json {
		err = printJSON(c.stdout, r)
	} else {
		printWidths(c, low)
		printChoice(c, ch)
		err = b.summary(c, &r)
	}
	if err == nil && r.Mismatches > 0 {
		err = errReported
	}
	if err == nil {
		err = c.done()
	}
	return err
}
