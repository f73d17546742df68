// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// levelFlags say what is measured of a network with few levels of weights.
type levelFlags struct {
	levels  []int
	methods []string
	learn   int
	limit   int
	data    string
}

// Methods of bench levels.
const (
	methodNearest     = "nearest"
	methodCompensated = "compensated"
	methodDistilled   = "distilled"
	methodQAT         = "qat"
)

var levelMethods = []string{methodNearest, methodCompensated, methodDistilled, methodQAT}

func (l *levelFlags) add(f *pflag.FlagSet) {
	f.IntSliceVar(&l.levels, "levels", []int{15, 31, 63, 127}, "levels: largest magnitudes of a weight")
	f.StringSliceVar(&l.methods, "methods", levelMethods, "levels: how weights are found: nearest, compensated (--rounding), distilled (--distill), qat (--qat)")
	f.IntVar(&l.learn, "learn", 500, "levels: steps of distilled and qat")
	f.IntVar(&l.limit, "limit", 0, "levels: test sequences to measure on (default: all)")
	f.StringVar(&l.data, "data", "", "levels, bound: data set (levels: by default the one that the network names)")
}

// levelRow is one network of few levels.
type levelRow struct {
	Levels   int      `json:"levels"`
	Method   string   `json:"method"`
	Accuracy *float64 `json:"accuracy"` // null for a regression
	R2       *float64 `json:"r2"`
	Flash    int      `json:"flash_bytes"`
	Weights  int      `json:"weight_bytes"`
	Cycles   int64    `json:"cycles"`
}

// benchedLevels is what bench levels prints with --json.
type benchedLevels struct {
	Levels []levelRow `json:"levels"`
}

// benchLevels lowers a network in 8 bits with weights of few levels, by several methods,
// and measures accuracy, flash and cycles of each.
func benchLevels(c *cli, l *levelFlags, n *npuFlags, asJSON bool) error {
	if len(c.args) != 2 {
		return usagef("bench levels: expected one .safetensors")
	}
	for _, m := range l.methods {
		if !slices.Contains(levelMethods, m) {
			return usagef("--methods %s: expected nearest, compensated, distilled or qat", m)
		}
	}
	for _, v := range l.levels {
		if v < 1 || v > 127 {
			return usagef("--levels %d: expected 1 to 127", v)
		}
	}
	if l.learn < 1 || l.limit < 0 {
		return usagef("--learn %d --limit %d: expected positive numbers, or limit 0 for all", l.learn, l.limit)
	}
	npu, err := n.options()
	if err != nil {
		return err
	}
	name := c.args[1]
	net, err := checkpoint.OpenAs(name, checkpoint.Stated{})
	if err != nil {
		return err
	}
	set, test, _, err := dataset.OpenFor(c.ctx, net, name, dataset.Wishes{Source: l.data}, func(what string) { c.say("%s", what) })
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var rows []levelRow
	for _, levels := range l.levels {
		for _, method := range l.methods {
			row, float, err := l.row(c, net, set, test, npu, levels, method)
			if err != nil {
				return err
			}
			if len(rows) == 0 && !asJSON {
				fmt.Fprintf(c.stdout, "float: %s\n\n| levels | method | %s | flash, bytes | cycles |\n|---|---|---|---|---|\n", judged(float), map[bool]string{true: "accuracy", false: "R²"}[float.Accuracy != nil])
			}
			if rows = append(rows, row); !asJSON {
				fmt.Fprintf(c.stdout, "| %d | %s | %s | %s | %s |\n", levels, method, judged(lower.Metrics{Accuracy: row.Accuracy, R2: row.R2}), commas(row.Flash), commas(row.Cycles))
			}
		}
	}
	if asJSON {
		return printJSON(c.stdout, benchedLevels{rows})
	}
	return nil
}

// judged is the figure that a network is judged by.
func judged(m lower.Metrics) string {
	if m.Accuracy != nil {
		return inPercent(*m.Accuracy)
	}
	return figure(m.R2, 1, "%.4f")
}

func (l *levelFlags) row(c *cli, net *nn.Network, set, test *dataset.Set, npu compile.Options, levels int, method string) (levelRow, lower.Metrics, error) {
	r := levelRow{Levels: levels, Method: method}
	o := lower.Options{StateIO: true, WeightLevels: levels, Rounding: lower.RoundNearest}
	f := lowerFlags{weightLevels: levels}
	switch method {
	case methodCompensated:
		o.Rounding = lower.RoundCompensated
	case methodDistilled:
		f.distill = l.learn
	case methodQAT:
		f.qat = l.learn
	}
	low, err := f.lower(c, net, set, o, npu)
	if err != nil {
		return r, lower.Metrics{}, err
	}
	float, err := low.EvaluateFloat(c.ctx, test, l.limit)
	if err != nil {
		return r, lower.Metrics{}, err
	}
	quantized, err := low.Evaluate(c.ctx, test, l.limit)
	if err != nil {
		return r, lower.Metrics{}, err
	}
	m := quantized.Metrics(net.Classes)
	r.Accuracy, r.R2 = m.Accuracy, m.R2
	ch, err := compile.CompileCall(compile.Call{Whole: low.Int8}, npu)
	if err != nil {
		return r, lower.Metrics{}, err
	}
	fig, err := perf.FiguresOf(ch.Program)
	if err != nil {
		return r, lower.Metrics{}, err
	}
	r.Flash, r.Weights, r.Cycles = fig.FlashBytes, fig.WeightBytes, fig.Cycles
	return r, float.Metrics(net.Classes), nil
}
