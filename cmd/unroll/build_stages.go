// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// network trains. It returns the part of the set that was
// trained on, too.
func (b *buildFlags) network(c *cli, plan *buildPlan, set, test *dataset.Set) (*nn.Network, *dataset.Set, error) {
	set, err := b.train.fitTo(c, &plan.train, set, test, b.data.seed)
	if err != nil {
		return nil, nil, err
	}
	if b.lower.detection.background != "" && plan.train.Validation == nil {
		return nil, nil, usagef("--detect %s: add --validation, the fraction of the training part that decides smoothing and threshold", b.lower.detection.background)
	}
	if err := b.name(plan.train.Name); err != nil {
		return nil, nil, err
	}
	if err := b.rehearse(c, plan, set); err != nil {
		return nil, nil, err
	}
	if b.running, err = b.train.keepRun(c, &plan.train, b.out); err != nil {
		return nil, nil, err
	}
	b.running.curve = &b.evidence
	net, err := b.running.fit(c, &b.train, plan.train, set)
	if net != nil {
		err = errors.Join(err, b.keep(net))
	}
	if err != nil {
		return nil, nil, err
	}
	return net, set, nil
}

// lowered quantizes the network of whole sequences, and that of one step where a form
// needs it. The step is calibrated on whole sequences like the unrolled network, so that
// both quantize alike; prove compares them.
func (b *buildFlags) lowered(c *cli, plan *buildPlan, net *nn.Network, set *dataset.Set) (low, step *lower.Result, call compile.Call, err error) {
	call.Form = plan.form
	c.say("lowering: unroll, calibrate on %d sequences, quantize", min(plan.lower.CalibrationSamples, set.Len()))
	low, err = b.lower.lower(c, net, set, plan.lower, plan.compile)
	if err != nil {
		return nil, nil, call, err
	}
	if call.Whole, _, err = b.lower.windows.of(c, low.Int8, nil); err != nil {
		return nil, nil, call, err
	}
	if plan.form == compile.FormUnrolled {
		return low, nil, call, nil
	}
	c.say("lowering: one step")
	one := plan.lower
	one.Steps, one.Learned = 1, low.Learned()
	if one.Activations == lower.Auto { // the same widths as the whole sequence
		if one.Activations = lower.Int8; low.Widths.Choice != nil {
			one.Activations, one.Wide, one.CalibrationSamples = lower.Auto, low.Widths.Choice.Wide, low.Widths.Sequences
		}
	}
	step, err = lower.Lower(c.ctx, net, set, one)
	if err != nil {
		return nil, nil, call, err
	}
	call.Step = step.Int8
	call.SequenceOptions = compile.SequenceOptions{Steps: low.Int8.Tensors[low.Int8.Inputs[0]].Shape[1], PerStep: one.PerStep || net.PerStep}
	return low, step, call, nil
}

// prove compares simulator and reference on the test part, no sequence of it twice.
func (b *buildFlags) prove(c *cli, low *lower.Result, g *graph.Graph, p *ethosu.Program, test *dataset.Set, r *built) error {
	feed, err := b.feed(low, test)
	if err != nil {
		return err
	}
	o := runner.ProofOptions{Single: min(b.compare, max(low.Calls(test)/b.lower.windows.n, 1)), Chain: b.chain}
	pr := newProgress(c.stderr)
	o.Progress = func(done int, carried bool) {
		what := "comparing simulator and reference"
		if carried {
			what = "comparing with carried state"
		}
		pr.update(done, o.Single+o.Chain, what)
	}
	proof, err := runner.Prove(g, p, feed, o)
	pr.finish()
	if err != nil {
		return err
	}
	r.Compared, r.carried, r.Mismatches = proof.Calls, proof.Carried, proof.Mismatches
	for _, m := range proof.First {
		fmt.Fprintln(c.stderr, m)
	}
	return nil
}

// measure completes the evidence that the project's report shows.
func (b *buildFlags) measure(c *cli, low *lower.Result, set, test *dataset.Set, r *built) error {
	e := &b.evidence
	c.say("measuring what quantization does to every value")
	if err := low.Measure(c.ctx, set, 0); err != nil {
		return err
	}
	e.Report, e.Evaluation, e.Widened, e.Widths = &low.Report, r.Evaluation, widened(low), report.WidthsOf(low.Widths)
	e.Worst = report.Worst(r.Evaluation, test, test.Steps, test.Features)
	e.Proof = &report.Proof{Compared: r.Compared, Carried: r.carried, Mismatches: r.Mismatches}
	if len(low.Float.States) == 0 {
		return nil
	}
	drift, err := low.Drift(c.ctx, test, reportDrift)
	e.Drift = &drift
	return err
}

// feed has every window of a call run through sequences of its own.
func (b *buildFlags) feed(low *lower.Result, test *dataset.Set) (runner.Feed, error) {
	one, err := low.Feed(test)
	if err != nil {
		return nil, err
	}
	return b.lower.windows.feed(one, max(low.Calls(test)/max(test.Len(), 1), 1)), nil
}
