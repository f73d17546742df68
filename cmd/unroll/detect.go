// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/detect"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// detectFlags ask for a detector: alarms of decisions that come without end.
type detectFlags struct {
	background       string
	seconds, perHour float64
}

func (d *detectFlags) add(f *pflag.FlagSet) {
	f.StringVar(&d.background, "detect", "", "choose a smoothing of the probabilities and a threshold for alarms of every class but this one, on what --validation kept back; generated C then has PREFIX_detect")
	f.Float64Var(&d.seconds, "call-seconds", 0, "with --detect: seconds from call to call")
	f.Float64Var(&d.perHour, "false-alarms", 1, "with --detect: false alarms an hour that are accepted, where events are not to be missed")
}

func (d *detectFlags) check(f *pflag.FlagSet) error {
	switch {
	case d.background == "" && (f.Changed("call-seconds") || f.Changed("false-alarms")):
		return usagef("--call-seconds and --false-alarms belong to --detect, the class that is no alarm")
	case d.background != "" && (!(d.seconds > 0) || math.IsInf(d.seconds, 0)):
		return usagef("--detect %s: add --call-seconds, the time from call to call", d.background)
	case !(d.perHour >= 0):
		return usagef("--false-alarms %v: expected 0 or more an hour", d.perHour)
	}
	return nil
}

// kept returns the sequences that the training of a network kept back, nil where
// no detector is asked for, and an error where it kept none.
func (d *detectFlags) kept(net *nn.Network, train *dataset.Set) (*dataset.Set, error) {
	if d.background == "" {
		return nil, nil
	}
	if net.Facts != nil && net.Facts.Data != nil && net.Facts.Data.OwnValidation && train.Validation() != nil {
		return train.Validation(), nil
	}
	if net.Facts == nil || net.Facts.Data == nil || !(net.Facts.Data.Validation > 0) {
		return nil, fmt.Errorf("--detect %s: smoothing and threshold are chosen on sequences that the training kept back, and there are none: train with --validation 0.2", d.background)
	}
	_, aside, err := dataset.Split(train, net.Facts.Data.Validation, net.Facts.Data.Seed)
	if err != nil {
		return nil, fmt.Errorf("--detect %s: %w", d.background, err)
	}
	return aside, nil
}

// choose gives a lowered network its detector, where one is asked for.
func (d *detectFlags) choose(c *cli, low *lower.Result, kept, test *dataset.Set) (*lower.Detection, error) {
	if d.background == "" {
		return nil, nil
	}
	r, err := low.Detect(c.ctx, kept, test, d.background, d.seconds, d.perHour)
	if err != nil {
		return nil, err
	}
	c.say("detection: %s; on the part it was chosen by %s false alarms an hour, %.2f %% of %d events missed, in %s hours", detectionText(r), detect.Figure(r.ChosenFalseAlarms), 100*r.ChosenMissRate, r.ChosenEvents, detect.Figure(r.ChosenHours))
	if short := r.Short(d.perHour); short != "" {
		c.say("note: %s", short)
	}
	return r, nil
}

func detectionText(r *lower.Detection) string {
	return fmt.Sprintf("average of %d calls at least %.2f: %s false alarms an hour, %.2f %% of %d events missed, in %s hours of the test part",
		r.Smooth, r.Threshold, detect.Figure(r.FalseAlarms), 100*r.MissRate, r.Events, detect.Figure(r.Hours))
}
