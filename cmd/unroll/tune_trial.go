// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
	"github.com/unroll-npu/unroll/train/tune"
)

// tunedData is what the trials of a study are trained and judged on.
type tunedData struct {
	set, test *dataset.Set
	print     string // of both
	judged    string
}

// open reads the data, once, and holds it to what the study was drawn for.
func (d *tunedData) open(c *cli, s *tune.Study) error {
	if d.set != nil {
		return nil
	}
	b, err := buildOf(s.Asked.Flags)
	if err != nil {
		return err
	}
	set, test, err := b.data.open(c)
	if err != nil {
		return err
	}
	d.print = set.Fingerprint() + " " + test.Fingerprint()
	if s.Data != "" && s.Data != d.print {
		return fmt.Errorf("--data %s is not what the study was drawn for: its content has the fingerprint %s, expected %s; give the data of then, or begin another study", b.data.data, d.print, s.Data)
	}
	if _, _, err := dataset.Held(set, s.Asked.Validation, b.data.seed); err != nil { // no candidate could do better
		return fmt.Errorf("--data %s --validation %v: %w", b.data.data, s.Asked.Validation, err)
	}
	if d.judged = tune.ByAccuracy; set.Task == nn.Regression {
		d.judged = tune.ByR2
	}
	d.set, d.test = set, test
	return nil
}

// buildOf parses the flags of a build as build itself does.
func buildOf(args []string) (*buildFlags, error) {
	f := pflag.NewFlagSet("build", pflag.ContinueOnError)
	b := &buildFlags{compare: 1}
	b.add(f)
	b.generate.add(f)
	if err := f.Parse(args); err != nil {
		return nil, usageError{err.Error()}
	}
	return b, nil
}

// quiet is the command without its words: a trial is a part of it.
func (c *cli) quiet() *cli {
	q := *c
	q.stdout, q.stderr = io.Discard, io.Discard
	return &q
}

// planned reads the flags of a trial and completes them for the data. A rate that is to be found
// is looked for, which takes a training, where the network learns.
func (d *tunedData) planned(c *cli, s *tune.Study, t tune.Trial, learns bool) (*buildFlags, *buildPlan, *dataset.Set, error) {
	if err := d.open(c, s); err != nil {
		return nil, nil, nil, err
	}
	b, err := buildOf(s.Args(t))
	if err != nil {
		return nil, nil, nil, err
	}
	if b.train.rate == rateFind && !learns {
		b.train.rate = ""
	}
	plan, err := b.plan()
	if err != nil {
		return nil, nil, nil, err
	}
	set, err := b.train.fitTo(c.quiet(), &plan.train, d.set, d.test, b.data.seed)
	return b, &plan, set, err
}

// untrained compiles a candidate's network with the weights that a training begins with.
// What the network is refused for is in the figures.
func (d *tunedData) untrained(c *cli, s *tune.Study, v tune.Candidate) (tune.Figures, error) {
	b, plan, set, err := d.planned(c, s, tune.Trial{Values: v, Epochs: 1}, false)
	if err != nil {
		return refused(c, err)
	}
	low, ch, err := b.rehearsed(c.quiet(), plan, set)
	if err != nil {
		return refused(c, err)
	}
	var f tune.Figures
	return f, d.weigh(&f, low, ch)
}

// refused makes a result of an error that every machine would give, and no other.
func refused(c *cli, err error) (tune.Figures, error) {
	var memory *budget.Error
	if c.ctx.Err() != nil || errors.As(err, &memory) {
		return tune.Figures{}, err
	}
	return tune.Figures{Failed: err.Error()}, nil
}

// weigh fills in the figures of the hardware.
func (d *tunedData) weigh(f *tune.Figures, low *lower.Result, ch *compile.Choice) error {
	figures, err := perf.FiguresOf(ch.Program)
	if err != nil {
		return err
	}
	f.Cycles, f.Flash, f.SRAM, f.Accelerator = figures.Cycles, figures.FlashBytes, figures.SRAMBytes, figures.Accelerator
	f.Calls = 1
	if ch.Form != compile.FormStep { // a sequence of streams is a call with all steps
		f.Calls = max(low.Calls(d.test)/d.test.Len(), 1)
	}
	f.Sequence = f.Cycles * int64(f.Calls)
	f.Milliseconds = 1000 * float64(f.Sequence) / ch.Program.System.Clock
	return nil
}

// trained runs a trial: what build would do, up to the compiled network. The training is
// kept beside the result while it lasts.
func (d *tunedData) trained(c *cli, s *tune.Study, t tune.Trial, output string) (*tune.Result, error) {
	b, plan, set, err := d.planned(c, s, t, true)
	if err != nil {
		return nil, err
	}
	r := &tune.Result{Trial: t.Number, Rung: t.Rung, Candidate: t.Candidate, Values: t.Values, Epochs: t.Epochs}
	r.Command = commandOf(s, t)
	quiet := c.quiet()
	running, err := b.train.keepRun(quiet, &plan.train, output)
	if err != nil {
		return nil, err
	}
	p := newProgress(c.stderr)
	defer p.finish()
	what := fmt.Sprintf("trial %d of %d, %s", t.Number, s.Plan().Trials(), s.Asked.Space.Name(t.Values))
	running.watch = func(now train.Progress) {
		p.update(now.Step, now.Steps, fmt.Sprintf("%s: epoch %d/%d, loss %.3f", what, now.Epoch, now.Epochs, now.Loss))
	}
	net, err := running.fit(quiet, &b.train, plan.train, set)
	var astray *train.DivergedError
	switch {
	case errors.As(err, &astray) && c.ctx.Err() == nil:
		r.Failed = err.Error()
		return r, running.done()
	case err != nil:
		return nil, err
	}
	p.tell(0, what+": quantizing, compiling, judging")
	if r.Figures, err = d.judge(quiet, b, plan, net, set); err != nil {
		return nil, err
	}
	return r, running.done()
}

// commandOf is the command that gives the network of a trial as a project.
func commandOf(s *tune.Study, t tune.Trial) string {
	return command("build", append(s.Args(t), "-o", fmt.Sprintf("out/trial-%04d", t.Number))...)
}

// judge quantizes and compiles a trained network, and measures what it is worth.
func (d *tunedData) judge(c *cli, b *buildFlags, plan *buildPlan, net *nn.Network, set *dataset.Set) (f tune.Figures, err error) {
	low, _, call, err := b.lowered(c, plan, net, set)
	if err != nil {
		return refused(c, err)
	}
	ch, err := compile.CompileCall(call, plan.compile)
	if err != nil {
		return refused(c, err)
	}
	if err := d.weigh(&f, low, ch); err != nil {
		return f, err
	}
	score, err := low.Evaluate(c.ctx, plan.train.Validation, 0)
	if err != nil {
		return f, err
	}
	judged := score.Metrics(net.Classes)
	e, err := low.Compare(c.ctx, d.test, false)
	if err != nil {
		return f, err
	}
	f.Accuracy, f.Test, f.Float = quality(&judged), quality(&e.Quantized), quality(&e.Float)
	return f, nil
}

// quality is the figure that networks are compared by: the accuracy, or R² of a regression.
// Where the targets are all alike R² has no meaning, and no network is better than another.
func quality(m *lower.Metrics) float64 {
	switch {
	case m.Accuracy != nil:
		return *m.Accuracy
	case m.R2 != nil:
		return *m.R2
	}
	return 0
}
