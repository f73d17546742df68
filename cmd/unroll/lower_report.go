// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train/dataset"
)

// reportFlags choose what lower measures and how it prints that.
type reportFlags struct {
	set    *pflag.FlagSet
	report string
	drift  int
	json   bool

	predictions string
}

// Tables of --report.
const (
	reportRoles = "roles"
	reportSteps = "steps"
)

// reportDrift is the length of the stream that --report measures drift on.
const reportDrift = 10000

// graphDrift is the same for a graph, in calls, which may each be as long as a sequence.
const graphDrift = 1000

func (r *reportFlags) add(f *pflag.FlagSet) {
	r.set = f
	f.StringVar(&r.report, "report", "", fmt.Sprintf("measure range, scale and SQNR, and drift over %s steps (of a graph %s calls, which are its steps): --report prints a line for the tensors that share a scale, --report=steps one for every tensor at every step; with --json everything", commas(reportDrift), commas(graphDrift)))
	f.Lookup("report").NoOptDefVal = reportRoles
	f.IntVar(&r.drift, "drift", 0, "compare float and int8 over a stream of so many steps with carried states")
	f.StringVar(&r.predictions, "predictions", "", "file to write what float and quantized network give for every test sequence: .npz with float, quantized, label or target, and changed; of a graph without labels float_NAME and quantized_NAME of every call")
	f.BoolVar(&r.json, "json", false, "print the result as JSON")
}

// check finds mistakes before any work; states says whether the network has some.
func (r *reportFlags) check(states bool) error {
	if err := r.checkValues(); err != nil {
		return err
	}
	switch {
	case r.drift > 0 && !states:
		return usagef("--drift %d with --no-state: a stream carries its state from call to call", r.drift)
	case r.report != "" && states && !r.set.Changed("drift"):
		r.drift = reportDrift
	}
	return nil
}

// checkValues finds those that no network makes right.
func (r *reportFlags) checkValues() error {
	if r.set.Changed("report") {
		if _, err := choose("--report", r.report, map[string]bool{reportRoles: true, reportSteps: true}); err != nil {
			return err
		}
	}
	if r.drift < 0 {
		return usagef("--drift %d: expected a number of steps", r.drift)
	}
	return nil
}

// lowered is what lower prints with --json.
type lowered struct {
	accuracies
	Assumed   []string           `json:"assumed"` // sentences on what the files do not say
	Operators int                `json:"operators"`
	Bytes     int                `json:"bytes"`
	Output    string             `json:"output"`
	Widened   []string           `json:"widened"`                   // tensors that have 16 bits
	Readings  []string           `json:"narrow_readings,omitempty"` // what products read in 8 bits of those
	Loss      *lossFigures       `json:"loss,omitempty"`            // how the bound on it was kept; absent where the width was given
	Growing   map[string]float64 `json:"growing_states,omitempty"`  // states without a bound: how many times wider than in one sequence
	Detection *lower.Detection   `json:"detection,omitempty"`
	Report    *lower.Report      `json:"report,omitempty"`
	Drift     *lower.Drift       `json:"drift,omitempty"`
}

// measure fills in what was asked for.
func (r *reportFlags) measure(c *cli, low *lower.Result, train, test *dataset.Set, to *lowered) error {
	if low.Measurable() == nil {
		if err := to.accuracies.measure(c, low, test, len(low.Int8.States) > 0); err != nil {
			return err
		}
	}
	if r.report != "" {
		c.say("comparing every tensor with float")
		if err := low.Measure(c.ctx, train, 0); err != nil {
			return err
		}
		to.Report = &low.Report
	}
	if r.drift > 0 {
		c.say("comparing float and %s over %s steps", widthName(low), commas(r.drift))
		d, err := low.Drift(c.ctx, test, r.drift)
		if err != nil {
			return err
		}
		to.Drift = &d
	}
	return nil
}

// measureGraph is measure for a graph, whose steps are its calls, on what it was calibrated
// with.
func (r *reportFlags) measureGraph(c *cli, low *lower.GraphResult, calls lower.Sequences, to *lowered) (err error) {
	if r.report != "" {
		c.say("comparing every tensor with float")
		if to.Report, err = low.Measure(c.ctx, calls); err != nil {
			return err
		}
	}
	if !r.set.Changed("drift") {
		if r.drift = 0; r.report != "" && len(low.Float.States) > 0 {
			r.drift = graphDrift
		}
	}
	if r.drift > 0 {
		c.say("comparing float and quantized over %s calls", commas(r.drift))
		to.Drift, err = low.Drift(c.ctx, calls, r.drift)
	}
	return err
}

// print writes it for people.
func (r *reportFlags) print(c *cli, m *lowered, low *lower.Result) error {
	if err := r.tables(c, m); err != nil {
		return err
	}
	m.accuracies.print(c, widthName(low), r.report != "")
	return nil
}

// tables writes what was asked for with --report and --drift.
func (r *reportFlags) tables(c *cli, m *lowered) error {
	switch r.report {
	case reportRoles:
		if err := m.Report.WriteText(c.stdout); err != nil {
			return err
		}
	case reportSteps:
		if err := m.Report.WriteSteps(c.stdout); err != nil {
			return err
		}
	}
	if m.Drift != nil {
		r.printDrift(c, m.Drift)
	}
	return nil
}

func (r *reportFlags) printDrift(c *cli, d *lower.Drift) {
	decisions := ""
	switch {
	case d.Agreement != nil:
		decisions = fmt.Sprintf("%.2f %% of the decisions agree with float, ", 100**d.Agreement)
	case d.OutputR2 != nil:
		decisions = fmt.Sprintf("R² against float %.4f, ", *d.OutputR2)
	}
	fmt.Fprintf(c.stdout, "over %s steps with carried states: %soutput error %.4f, state error %.4f at the start and %.4f at the end (states are %.4f)\n",
		commas(d.Steps), decisions, d.OutputRMSE, d.StateRMSE[0], d.StateRMSE[len(d.StateRMSE)-1], d.StateRMS)
	if r.report != "" {
		var tenths []string
		for _, e := range d.StateRMSE {
			tenths = append(tenths, fmt.Sprintf("%.4f", e))
		}
		fmt.Fprintf(c.stdout, "state error, tenth by tenth of the stream: %s\n", strings.Join(tenths, " "))
	}
}
