// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
)

// rehearse lowers and compiles the network before it is trained, so that what the options
// and the data do not allow together is said before the first epoch, not after the last.
func (b *buildFlags) rehearse(c *cli, plan *buildPlan, set *dataset.Set) error {
	_, _, err := b.rehearsed(c, plan, set)
	return err
}

// rehearsed is rehearse, and returns what came of it.
func (b *buildFlags) rehearsed(c *cli, plan *buildPlan, set *dataset.Set) (*lower.Result, *compile.Choice, error) {
	net, err := train.Untrained(plan.train, set)
	if err != nil {
		return nil, nil, err
	}
	quiet := *c
	quiet.stdout, quiet.stderr = io.Discard, io.Discard
	short := *plan
	if short.lower.CalibrationSamples = 2; short.lower.Activations == lower.Auto {
		short.lower.Activations = lower.Int8 // widths are chosen by what training makes
	}
	untuned := *b
	untuned.lower.qat, untuned.lower.distill = 0, 0
	low, _, call, err := untuned.lowered(&quiet, &short, net, set)
	if err == nil {
		err = low.Measurable()
	}
	if background := b.lower.detection.background; err == nil && background != "" {
		err = low.Detectable(background)
	}
	var ch *compile.Choice
	if err == nil {
		ch, err = compile.CompileCall(call, short.compile)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("before training: %w", err)
	}
	return low, ch, nil
}
