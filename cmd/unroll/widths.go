// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/precision"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// parseLoss reads a loss such as 0.3% or 0.003; "" is 0.
func parseLoss(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, usagef("--max-loss %s: expected a loss such as 0.3%% or 0.003, above 0 and below 100%%", s)
	}
	return v, nil
}

// lowerFor lowers a network for an NPU: where widths are chosen, its cycles decide.
func lowerFor(c *cli, net *nn.Network, set *dataset.Set, o lower.Options, npu compile.Options) (*lower.Result, error) {
	p := newProgress(c.stderr)
	o.Cost = costOf(npu)
	o.Progress = func(n int) { p.tell(n, fmt.Sprintf("8 bits lose too much: %d choices of widths measured", n)) }
	low, err := lower.Lower(c.ctx, net, set, o)
	p.finish()
	if err == nil {
		c.sayGrowing(low)
	}
	return low, err
}

// sayGrowing warns of states without a bound.
func (c *cli) sayGrowing(low *lower.Result) {
	states := low.Growing()
	for _, name := range sortedKeys(states) {
		c.say("warning: state %q grows: carried through a few sequences it becomes %.1f times as wide as in one, and goes on; integers of any width saturate in a longer stream. Reset the state where a sequence starts, or train a cell whose state has a bound (gru, lstm with forgetting, rnn with tanh)", name, states[name])
	}
}

// widthName says what the values of a lowered network are.
func widthName(low *lower.Result) string {
	switch n := len(wideValues(low)); {
	case n == 0 && len(low.WideWeights()) == 0:
		return "int8"
	case n == len(low.Report.Tensors):
		return "int16"
	}
	return "mixed"
}

// widened names the tensors of a lowered network that have 16 bits, values and then weights.
func widened(low *lower.Result) []string {
	return append(wideValues(low), low.WideWeights()...)
}

func wideValues(low *lower.Result) []string {
	names := []string{}
	for _, t := range low.Report.Tensors {
		if t.Type == graph.Int16.String() {
			names = append(names, t.Role)
		}
	}
	return names
}

// printWidths tells how the widths were chosen.
func printWidths(c *cli, low *lower.Result) {
	printChosen(c, low.Widths)
}

// cycleText writes what a choice costs; what the compiler does not take has no cycles.
func cycleText(cost float64) string {
	if math.IsInf(cost, 1) {
		return "not compiled"
	}
	return commas(int(cost))
}

// printChosen writes how the widths of a network were chosen, if they were.
func printChosen(c *cli, w *lower.Widths) {
	if w == nil {
		return
	}
	lose, of := "lose", ""
	switch {
	case w.Unlabelled:
		lose, of = "are expected to change", " of the decisions"
	case w.Expected:
		lose, of = "are expected to lose", " of the decisions"
	}
	if w.Choice == nil {
		fmt.Fprintf(c.stdout, "8 bits %s %s%s, at most %s is asked for\n", lose, percent(w.Loss), of, percent(w.Bound))
		return
	}
	ch := w.Choice
	if ch.Rows == nil {
		fmt.Fprintf(c.stdout, "8 bits %s %s%s, at most %s is asked for, at %s cycles, with a scale for every output of a weight matrix, which larger encoded weights pay for\n",
			lose, percent(ch.Loss), of, percent(w.Bound), cycleText(ch.Cost))
		return
	}
	if w.Unlabelled {
		fmt.Fprintf(c.stdout, "losses are the part of the decisions that is expected to change; in its place the mean difference of the probabilities where that is farther from its aim, times %.2f\n", w.MeanCounts)
	}
	width := len("values")
	named := func(r precision.Row) string {
		if r.Further {
			return r.Role + " (weights)"
		}
		return r.Role
	}
	for _, r := range ch.Rows {
		width = max(width, len(named(r)))
	}
	fmt.Fprintf(c.stdout, "%-*s %5s  %13s  %15s  %13s  %15s\n", width, "values", "bits", "8 alone lose", "and take cycles", "16 alone lose", "and take cycles")
	for _, r := range ch.Rows {
		bits := 8
		if r.Chosen {
			bits = 16
		}
		wideLoss, wideCost := percent(r.Wide.Loss), cycleText(r.Wide.Cost)
		if r.Within != "" { // 8 bits are read of what has 8 bits
			wideLoss, wideCost = "", ""
		}
		fmt.Fprintln(c.stdout, strings.TrimRight(fmt.Sprintf("%-*s %5d  %13s  %15s  %13s  %15s", width, named(r), bits,
			percent(r.Narrow.Loss), cycleText(r.Narrow.Cost), wideLoss, wideCost), " "))
	}
	fmt.Fprintf(c.stdout, "8 bits everywhere %s %s%s at %s cycles, 16 bits %s at %s%s; chosen: %s, %s at %s cycles\n",
		lose, percent(ch.All8.Loss), of, cycleText(ch.All8.Cost), percent(ch.All16.Loss), cycleText(ch.All16.Cost), widestText(ch), chosenText(ch), percent(ch.Loss), cycleText(ch.Cost))
	if w.Aim < w.Bound {
		fmt.Fprintf(c.stdout, "aimed at %s on the calibration data, so that others do not lose more than %s\n", percent(w.Aim), percent(w.Bound))
	}
	if w.Loss != ch.Loss {
		fmt.Fprintf(c.stdout, "these are losses before it learned; now %s %s%s\n", lose, percent(w.Loss), of)
	}
	switch {
	case !w.Met:
		fmt.Fprintf(c.stdout, "warning: no choice of widths loses at most %s, weights of 16 bits included; try --distill 500, or more --calibration sequences\n", percent(w.Bound))
	case w.Loss > w.Aim:
		fmt.Fprintf(c.stdout, "warning: no choice of widths reaches the aim: data that nobody has seen may lose more than %s\n", percent(w.Bound))
	}
}

// lossFigures are how lower kept the bound on the loss, with --json.
type lossFigures struct {
	Bound    float64 `json:"bound"`    // the largest that is accepted
	Aim      float64 `json:"aim"`      // the largest on the calibration data
	Measured float64 `json:"measured"` // on the calibration data: of decisions the part that is expected to be lost (of a graph's, to change), of numbers the relative error
	Met      bool    `json:"met"`      // Measured is within Bound
}

// lossOf returns those of a choice of widths; nil where none was made.
func lossOf(w *lower.Widths) *lossFigures {
	if w == nil {
		return nil
	}
	return &lossFigures{w.Bound, w.Aim, w.Loss, w.Met}
}

// printResolution says that a test part is too small to show whether a bound on decisions
// is kept, where one of them is more than it.
func printResolution(c *cli, w *lower.Widths, decisions int) {
	if w == nil || !w.Expected || decisions == 0 || float64(decisions)*w.Bound >= 1 {
		return
	}
	fmt.Fprintf(c.stdout, "note: one of %s test decisions is %.2f points, so that they cannot show whether at most %.2f are lost; that is expected from how close decisions of the training part are\n",
		commas(decisions), 100/float64(decisions), 100*w.Bound)
}

// widestText is what 16 bits for the weights, too, lose and cost, where they were tried.
func widestText(ch *precision.Choice) string {
	if ch.Widest == nil {
		return ""
	}
	return fmt.Sprintf(", with weights of 16 bits, each two products of 8, %s at %s", percent(ch.Widest.Loss), cycleText(ch.Widest.Cost))
}

// chosenText counts what has 16 bits.
func chosenText(ch *precision.Choice) string {
	var values, weights, wideValues, wideWeights, readings, wideReadings int
	for _, r := range ch.Rows {
		all, wide := &values, &wideValues
		switch {
		case r.Within != "" && !ch.Wide[r.Within]:
			continue // there is nothing to choose
		case r.Within != "":
			all, wide = &readings, &wideReadings
		case r.Further:
			all, wide = &weights, &wideWeights
		}
		if *all++; r.Chosen {
			*wide++
		}
	}
	text := fmt.Sprintf("%d of %d values in 16 bits", wideValues, values)
	if n := readings - wideReadings; n > 0 {
		text += fmt.Sprintf(", of which %d %s 8", n, map[bool]string{true: "product reads", false: "products read"}[n == 1])
	}
	if weights > 0 {
		text += fmt.Sprintf(" and the weights of %d of %d products", wideWeights, weights)
	}
	return text
}

func percent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }
