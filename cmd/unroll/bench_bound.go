// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// boundFlags say which networks are trained to see whether the loss bound holds.
type boundFlags struct {
	cells      []string
	activation string
	units      int
	rate       string
	epochs     int
	seeds      int
	steps      int
}

func (b *boundFlags) add(f *pflag.FlagSet) {
	f.StringSliceVar(&b.cells, "cells", []string{"gru", "lstm", "rnn"}, "bound: recurrent cells: "+nn.CellNames())
	f.StringVar(&b.activation, "activation", "tanh", "bound: activation of the rnn cell: tanh or relu")
	f.IntVar(&b.units, "units", 16, "bound: units of the layer")
	f.IntVar(&b.epochs, "epochs", 0, "bound: epochs (default: the recipe's)")
	f.StringVar(&b.rate, "rate", "", "bound: learning rate, the peak of the schedule; find tests rates on the data first (default: the recipe's); the recipe's and what is found are halved where training diverges")
	f.IntVar(&b.seeds, "seeds", 5, "bound: networks of every cell, with seeds from 1 on")
	f.IntVar(&b.steps, "steps", 0, "bound: time steps of one call (default: whole sequences)")
}

// boundRow is one network that was trained and lowered by the default bound.
type boundRow struct {
	Cell   string  `json:"cell"`
	Seed   uint64  `json:"seed"`
	Rate   float64 `json:"rate"`  // that it was trained with
	Float  float64 `json:"float"` // accuracy, or R²
	Bound  float64 `json:"bound"`
	Loss   float64 `json:"loss"`      // on the test part: accuracy, or the relative error of an output
	Narrow float64 `json:"loss_int8"` // of 8 bits everywhere
	Wide   int     `json:"wide"`      // values of 16 bits
	Values int     `json:"values"`

	Weights  int     `json:"weights"`  // matrices of 16 bits
	Expected float64 `json:"expected"` // loss, measured on the training part

	// Of a classification: how many decisions the test part has, and how many of those that
	// the float network has right the quantized one has not. Verdict says what that shows.
	Decisions int    `json:"decisions,omitempty"`
	Lost      int    `json:"lost,omitempty"`
	Verdict   string `json:"verdict"`

	Cycles     float64 `json:"cycles"`
	CyclesInt8 float64 `json:"cycles_int8"`

	Growing map[string]float64 `json:"growing_states,omitempty"` // states without a bound: how many times wider than in one sequence
}

// benchedBound is what bench bound prints with --json.
type benchedBound struct {
	Networks []boundRow `json:"networks"`
	Cells    []boundSum `json:"cells"`
}

// boundSum is what all networks of a cell lose together.
type boundSum struct {
	Cell      string  `json:"cell"`
	Decisions int     `json:"decisions,omitempty"`
	Lost      int     `json:"lost,omitempty"`
	Loss      float64 `json:"loss"` // of numbers that of the worst network, of decisions the lost part
	Verdict   string  `json:"verdict"`
}

// benchBound trains networks of several cells and seeds, lowers them by the default bound
// on the loss, and measures on the test part whether it holds, and at what price.
func benchBound(c *cli, b *boundFlags, source string, n *npuFlags, asJSON bool) error {
	if len(c.args) != 1 || source == "" {
		return usagef("bench bound: expected --data, the set to train on, and no file")
	}
	if b.units < 1 || b.epochs < 0 || b.seeds < 1 || b.steps < 0 {
		return usagef("--units %d --epochs %d --seeds %d --steps %d: expected positive numbers, or 0 epochs and steps for the defaults", b.units, b.epochs, b.seeds, b.steps)
	}
	npu, err := n.options()
	if err != nil {
		return err
	}
	activation, err := choose("--activation", b.activation, map[string]nn.Activation{"tanh": nn.Tanh, "relu": nn.Relu})
	if err != nil {
		return err
	}
	if b.rate != "" && b.rate != rateFind {
		if v, err := strconv.ParseFloat(b.rate, 64); err != nil || !(v > 0) {
			return usagef("--rate %s: expected a positive number, or %s", b.rate, rateFind)
		}
	}
	var found benchedBound
	for _, name := range b.cells {
		cell, err := nn.ParseCell(name)
		if err != nil {
			return usagef("--cells: %v", err)
		}
		sum := boundSum{Cell: strings.ToLower(cell.String())}
		bound := 0.0
		for seed := range uint64(b.seeds) {
			r, err := b.row(c, source, cell, activation, seed+1, npu)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", name, seed+1, err)
			}
			if len(found.Networks) == 0 && !asJSON {
				fmt.Fprint(c.stdout, "| cell | seed | float | bound | 8 bits lose | chosen | expected | loses | shown | cycles of 8 bits | cycles |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
			}
			found.Networks = append(found.Networks, r)
			sum.Decisions, sum.Lost, bound = sum.Decisions+r.Decisions, sum.Lost+r.Lost, r.Bound
			if sum.Loss = max(sum.Loss, r.Loss); !asJSON {
				r.print(c)
			}
		}
		if sum.Decisions > 0 {
			sum.Loss = float64(sum.Lost) / float64(sum.Decisions)
		}
		sum.Verdict = boundVerdict(bound, sum.Loss, sum.Lost, sum.Decisions)
		if found.Cells = append(found.Cells, sum); !asJSON && sum.Decisions > 0 {
			fmt.Fprintf(c.stdout, "| %s | all | | %s | | | | %d of %s: %s | %s | | |\n", sum.Cell, percent(bound), sum.Lost, commas(sum.Decisions), percent(sum.Loss), sum.Verdict)
		}
	}
	if asJSON {
		return printJSON(c.stdout, found)
	}
	return nil
}

func (r *boundRow) print(c *cli) {
	chosen := fmt.Sprintf("%d of %d in 16 bits", r.Wide, r.Values)
	if r.Weights > 0 {
		chosen += fmt.Sprintf(", and %d %s of weights", r.Weights, plural(r.Weights, "set"))
	}
	for _, name := range sortedKeys(r.Growing) {
		chosen += fmt.Sprintf(", state %s grows %.1f times", name, r.Growing[name])
	}
	loses := percent(r.Loss)
	if r.Decisions > 0 {
		loses = fmt.Sprintf("%d of %s, accuracy %s", r.Lost, commas(r.Decisions), percent(r.Loss))
	}
	fmt.Fprintf(c.stdout, "| %s | %d | %.4f | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.Cell, r.Seed, r.Float, percent(r.Bound), percent(r.Narrow), chosen,
		percent(r.Expected), loses, r.Verdict, commas(int(r.CyclesInt8)), commas(int(r.Cycles)))
}

// Verdicts on a bound.
const (
	boundKept   = "kept"
	boundOpen   = "not decided by so few"
	boundBroken = "broken"
)

// boundVerdict says what a measured loss shows of a bound. Of decisions it is kept where as
// few would be lost in one of twenty sets at most, were the part that is lost on all data
// the bound, and broken where as many would be; sets that are too small show neither.
func boundVerdict(bound, loss float64, lost, decisions int) string {
	if decisions == 0 {
		if loss <= bound {
			return boundKept
		}
		return boundBroken
	}
	const seldom = 0.05
	mean := bound * float64(decisions)
	switch {
	case 1-atMost(lost-1, mean) <= seldom:
		return boundBroken
	case atMost(lost, mean) <= seldom:
		return boundKept
	}
	return boundOpen
}

// atMost is the probability of at most k rare events of which so many are expected.
func atMost(k int, mean float64) float64 {
	sum, term := 0.0, math.Exp(-mean)
	for i := range k + 1 {
		if i > 0 {
			term *= mean / float64(i)
		}
		sum += term
	}
	return sum
}

// mostHalvings is how often a learning rate at which training diverges is halved.
const mostHalvings = 6

// train trains a network, and returns the learning rate that it was trained with. A rate
// that nobody chose is halved where training diverges: a relu layer that adds up does at
// most of them, also at what a test of a few batches finds.
func (b *boundFlags) train(c *cli, cfg train.Config, set *dataset.Set) (net *nn.Network, rate float64, err error) {
	name := fmt.Sprintf("%s, seed %d", strings.ToLower(cfg.Cell.String()), cfg.Seed)
	switch b.rate {
	case "":
	case rateFind:
		if cfg.Rate, err = train.FindRate(c.ctx, cfg, set); err != nil {
			return nil, 0, err
		}
		c.say("%s: learning rate %.3g, found by a test", name, cfg.Rate)
	default:
		if cfg.Rate, err = strconv.ParseFloat(b.rate, 64); err != nil {
			return nil, 0, err
		}
	}
	for try := 0; ; try++ {
		net, err = train.Fit(c.ctx, cfg, set, nil)
		var diverged *train.DivergedError
		if b.rate != "" && b.rate != rateFind || try == mostHalvings || !errors.As(err, &diverged) {
			return net, cfg.Rate, err
		}
		cfg.Rate /= 2
		c.say("%s: %v; trying a peak rate of %.3g", name, err, cfg.Rate)
	}
}

func (b *boundFlags) row(c *cli, source string, kind nn.Cell, activation nn.Activation, seed uint64, npu compile.Options) (r boundRow, err error) {
	r = boundRow{Cell: strings.ToLower(kind.String()), Seed: seed}
	set, test, err := dataset.OpenSource(c.ctx, source, dataset.Options{Seed: seed}, func(string) {})
	if err != nil {
		return r, err
	}
	cfg, err := train.Recipe(train.RecipeFor(set, kind), train.Config{})
	if err != nil {
		return r, err
	}
	cfg.Cell, cfg.Units, cfg.Layers, cfg.Seed, cfg.Activation = kind, b.units, 1, seed, activation
	if b.epochs > 0 {
		cfg.Epochs = b.epochs
	}
	net, rate, err := b.train(c, cfg, set)
	if err != nil {
		return r, err
	}
	r.Rate = rate
	cycles := compile.Cycles(npu)
	o := lower.Options{StateIO: true, Steps: b.steps, Cost: cycles}
	narrow, err := lower.Lower(c.ctx, net, set, o)
	if err != nil {
		return r, err
	}
	float, err := narrow.EvaluateFloat(c.ctx, test, 0)
	if err != nil {
		return r, err
	}
	lost := func(low *lower.Result) (float64, error) {
		q, err := low.Evaluate(c.ctx, test, 0)
		if err != nil || net.Task == nn.Regression {
			return q.RelativeError(float), err
		}
		return float.Accuracy() - q.Accuracy(), nil
	}
	o.Activations = lower.Auto
	low, err := lower.Lower(c.ctx, net, set, o)
	if err != nil {
		return r, err
	}
	if r.Narrow, err = lost(narrow); err != nil {
		return r, err
	}
	if r.Loss, err = lost(low); err != nil {
		return r, err
	}
	if r.CyclesInt8, err = cycles(narrow.Int8); err != nil {
		return r, err
	}
	if r.Cycles, err = cycles(low.Int8); err != nil {
		return r, err
	}
	m := float.Metrics(net.Classes)
	switch {
	case m.Accuracy != nil:
		r.Float = *m.Accuracy
	case m.R2 != nil:
		r.Float = *m.R2
	}
	r.Bound, r.Wide, r.Values, r.Growing = low.Widths.Bound, len(wideValues(low)), len(low.Report.Tensors), low.Growing()
	r.Weights, r.Expected = len(low.WideWeights()), low.Widths.Loss
	if net.Task == nn.Classification {
		q, err := low.Evaluate(c.ctx, test, 0)
		if err != nil {
			return r, err
		}
		r.Decisions = q.Count
		r.Lost = int(math.Round(q.Lost(float) * float64(q.Count)))
	}
	r.Verdict = boundVerdict(r.Bound, r.Loss, r.Lost, r.Decisions)
	return r, nil
}
