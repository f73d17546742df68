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
	net, err := train.Untrained(plan.train, set)
	if err != nil {
		return err
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
	if err == nil {
		_, err = compile.CompileCall(call, short.compile)
	}
	if err != nil {
		return fmt.Errorf("before training: %w", err)
	}
	return nil
}
