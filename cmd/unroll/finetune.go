// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/finetune"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// windowsPerStep is the number of windows of calls that a network of layers learns from at
// every step.
const windowsPerStep = 32

// lower lowers a network of layers, and lets it learn before the widths of values are
// chosen, when asked to. An interruption of that is an error beside the best so far.
func (l *lowerFlags) lower(c *cli, net *nn.Network, set *dataset.Set, o lower.Options, npu compile.Options) (*lower.Result, error) {
	if l.qat+l.distill == 0 {
		return lowerFor(c, net, set, o, npu)
	}
	first := o
	if first.Activations == lower.Auto { // what is learned there helps wider values as well
		first.Activations = lower.Int8
	}
	low, err := lowerFor(c, net, set, first, npu)
	if err != nil {
		return nil, err
	}
	calls, err := low.Sequences(set)
	if err != nil {
		return nil, err
	}
	options, finish, err := l.tuning(c)
	if err != nil {
		return nil, err
	}
	options.Batch = windowsPerStep
	var tuned *lower.Result
	if l.qat > 0 {
		tuned, err = finetune.Learn(c.ctx, low, calls, options)
	} else {
		tuned, err = finetune.Distill(c.ctx, low, lower.Sequences(calls), options)
	}
	finish()
	if err != nil {
		return tuned, err
	}
	if o.Activations != lower.Auto {
		return tuned, nil
	}
	o.Learned = tuned.Learned()
	return lowerFor(c, net, set, o, npu)
}

// distilled lets a quantized graph learn from its float graph, when asked for. An
// interruption is an error beside the best so far.
func distilled(c *cli, l *lowerFlags, low *lower.GraphResult, calls lower.Sequences) (*lower.GraphResult, error) {
	if l.distill == 0 {
		return low, nil
	}
	o, finish, err := l.tuning(c)
	if err != nil {
		return nil, err
	}
	defer finish()
	return finetune.Distill(c.ctx, low, calls, o)
}

// tuning are the options of a run that the flags ask for; finish ends its progress.
func (l *lowerFlags) tuning(c *cli) (o finetune.Options, finish func(), err error) {
	p := newProgress(c.stderr)
	o = finetune.Options{Steps: cmp.Or(l.qat, l.distill), Levels: l.weightLevels}
	from := "the float network"
	if l.qat > 0 {
		from = "labels"
	}
	o.Progress = func(step int, loss float64) {
		p.update(step, o.Steps, fmt.Sprintf("learning from %s: loss %.4f", from, loss))
	}
	if l.resume == "" {
		return o, p.finish, nil
	}
	if err := checkOutput(l.resume, true); err != nil {
		return o, nil, err
	}
	o.Save = func(s *finetune.State) error {
		var b bytes.Buffer
		if err := s.Write(&b); err != nil {
			return err
		}
		return writeFile(l.resume, b.Bytes(), true)
	}
	b, err := budget.ReadFile(l.resume)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, p.finish, nil
	case err != nil:
		return o, nil, err
	}
	if o.Resume, err = finetune.ReadState(l.resume, b); err != nil {
		err = fmt.Errorf("--resume: %w; give another name", err)
	} else {
		c.say("going on after %d of %d steps, from %s", o.Resume.Step, o.Steps, l.resume)
	}
	return o, p.finish, err
}

// keep writes what an interrupted run had learned, says so, and returns what interrupted it.
func (l *lowerFlags) keep(c *cli, name, out string, file []byte, force bool, stopped error) error {
	if !errors.Is(stopped, context.Canceled) {
		return stopped
	}
	if err := writeFile(out, file, force); err != nil {
		return errors.Join(stopped, err)
	}
	more := "give --resume FILE to be able to go on"
	if l.resume != "" {
		more = "the same command goes on from " + l.resume
	}
	c.say("%s: wrote %s, the best so far; %s", name, out, more) // of an interruption only the exit code is told otherwise
	return stopped
}
