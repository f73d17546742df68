// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
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
	epochs     int
	seeds      int
	steps      int
}

func (b *boundFlags) add(f *pflag.FlagSet) {
	f.StringSliceVar(&b.cells, "cells", []string{"gru", "lstm", "rnn"}, "bound: recurrent cells: "+nn.CellNames())
	f.StringVar(&b.activation, "activation", "tanh", "bound: activation of the rnn cell: tanh or relu")
	f.IntVar(&b.units, "units", 16, "bound: units of the layer")
	f.IntVar(&b.epochs, "epochs", 0, "bound: epochs (default: the recipe's)")
	f.IntVar(&b.seeds, "seeds", 5, "bound: networks of every cell, with seeds from 1 on")
	f.IntVar(&b.steps, "steps", 0, "bound: time steps of one call (default: whole sequences)")
}

// boundRow is one network that was trained and lowered by the default bound.
type boundRow struct {
	Cell   string  `json:"cell"`
	Seed   uint64  `json:"seed"`
	Float  float64 `json:"float"` // accuracy, or R²
	Bound  float64 `json:"bound"`
	Loss   float64 `json:"loss"`      // on the test part: accuracy, or the relative error of an output
	Narrow float64 `json:"loss_int8"` // of 8 bits everywhere
	Wide   int     `json:"wide"`      // values of 16 bits
	Values int     `json:"values"`

	Cycles     float64 `json:"cycles"`
	CyclesInt8 float64 `json:"cycles_int8"`
	Growing    bool    `json:"growing"` // a state does
}

// benchedBound is what bench bound prints with --json.
type benchedBound struct {
	Networks []boundRow `json:"networks"`
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
	var rows []boundRow
	for _, name := range b.cells {
		cell, err := nn.ParseCell(name)
		if err != nil {
			return usagef("--cells: %v", err)
		}
		for seed := range uint64(b.seeds) {
			r, err := b.row(c, source, cell, activation, seed+1, npu)
			if err != nil {
				return fmt.Errorf("%s, seed %d: %w", name, seed+1, err)
			}
			if len(rows) == 0 && !asJSON {
				fmt.Fprint(c.stdout, "| cell | seed | float | bound | 8 bits lose | chosen | loses | cycles of 8 bits | cycles |\n|---|---|---|---|---|---|---|---|---|\n")
			}
			if rows = append(rows, r); asJSON {
				continue
			}
			growing := ""
			if r.Growing {
				growing = ", state grows"
			}
			fmt.Fprintf(c.stdout, "| %s | %d | %.4f | %s | %s | %d of %d in 16 bits%s | %s | %s | %s |\n", r.Cell, r.Seed, r.Float, percent(r.Bound), percent(r.Narrow), r.Wide, r.Values, growing,
				percent(r.Loss), commas(int(r.CyclesInt8)), commas(int(r.Cycles)))
		}
	}
	if asJSON {
		return printJSON(c.stdout, benchedBound{rows})
	}
	return nil
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
	net, err := train.Fit(c.ctx, cfg, set, nil)
	if err != nil {
		return r, err
	}
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
	r.Bound, r.Wide, r.Values, r.Growing = low.Widths.Bound, len(widened(low)), len(low.Report.Tensors), len(low.Growing()) > 0
	return r, nil
}
