package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// reportFlags choose what lower measures and how it prints that.
type reportFlags struct {
	set    *pflag.FlagSet
	report string
	drift  int
	json   bool
}

// Tables of --report.
const (
	reportRoles = "roles"
	reportSteps = "steps"
)

// reportDrift is the length of the stream that --report measures drift on.
const reportDrift = 10000

func (r *reportFlags) add(f *pflag.FlagSet) {
	r.set = f
	f.StringVar(&r.report, "report", "", fmt.Sprintf("measure range, scale and SQNR, and drift over %s steps: --report prints a line for the tensors that share a scale, --report=steps one for every tensor at every step; with --json everything", commas(reportDrift)))
	f.Lookup("report").NoOptDefVal = reportRoles
	f.IntVar(&r.drift, "drift", 0, "compare float and int8 over a stream of so many steps with carried states")
	f.BoolVar(&r.json, "json", false, "print the result as JSON")
}

// check finds mistakes before any work; states says whether the graph has some.
func (r *reportFlags) check(states bool) error {
	if r.set.Changed("report") {
		if _, err := choose("--report", r.report, map[string]bool{reportRoles: true, reportSteps: true}); err != nil {
			return err
		}
	}
	switch {
	case r.drift < 0:
		return usagef("--drift %d: expected a number of steps", r.drift)
	case r.drift > 0 && !states:
		return usagef("--drift %d with --no-state: a stream carries its state from call to call", r.drift)
	case r.report != "" && states && !r.set.Changed("drift"):
		r.drift = reportDrift
	}
	return nil
}

// lowered is what lower prints with --json.
type lowered struct {
	accuracies
	Assumed   []string      `json:"assumed"` // sentences on what the files do not say
	Operators int           `json:"operators"`
	Bytes     int           `json:"bytes"`
	Output    string        `json:"output"`
	Widened   []string      `json:"widened"` // tensors that have 16 bits
	Report    *lower.Report `json:"report,omitempty"`
	Drift     *lower.Drift  `json:"drift,omitempty"`
}

// accuracies are fractions of the decisions on the test part; they are null for a
// regression and where a sequence is not a whole number of calls.
type accuracies struct {
	Float      *float64 `json:"float_accuracy"`
	Quantized  *float64 `json:"quantized_accuracy"`
	Int8       *float64 `json:"int8_accuracy"`         // the same, for scripts of old
	OutputRMSE *float64 `json:"output_rmse,omitempty"` // of a regression: int8 against float, real units
}

func (a *accuracies) measure(c *cli, low *lower.Result, net *nn.Network, test *dataset.Set) error {
	c.say("evaluating float and int8 on %s test sequences", commas(test.Len()))
	float, err := low.EvaluateFloat(c.ctx, test, 0)
	if err != nil {
		return err
	}
	int8, err := low.Evaluate(c.ctx, test, 0)
	if err != nil {
		return err
	}
	if net.Task == nn.Classification {
		f, i := float.Accuracy(), int8.Accuracy()
		a.Float, a.Quantized, a.Int8 = &f, &i, &i
		return nil
	}
	rmse := float.RMSE(int8)
	a.OutputRMSE = &rmse
	return nil
}

// measure fills in what was asked for.
func (r *reportFlags) measure(c *cli, low *lower.Result, net *nn.Network, train, test *dataset.Set, to *lowered) error {
	if low.Measurable() == nil {
		if err := to.accuracies.measure(c, low, net, test); err != nil {
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
		c.say("comparing float and int8 over %s steps", commas(r.drift))
		d, err := low.Drift(c.ctx, test, r.drift)
		if err != nil {
			return err
		}
		to.Drift = &d
	}
	return nil
}

// print writes it for people.
func (r *reportFlags) print(c *cli, m *lowered, low *lower.Result, sequences int) error {
	activations := widthName(low)
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
	if d := m.Drift; d != nil {
		fmt.Fprintf(c.stdout, "over %s steps with carried states: %.2f %% of the decisions agree with float, output error %.4f, state error %.4f at the start and %.4f at the end (states are %.4f)\n",
			commas(d.Steps), 100*d.Agreement, d.OutputRMSE, d.StateRMSE[0], d.StateRMSE[len(d.StateRMSE)-1], d.StateRMS)
		if r.report != "" {
			var tenths []string
			for _, e := range d.StateRMSE {
				tenths = append(tenths, fmt.Sprintf("%.4f", e))
			}
			fmt.Fprintf(c.stdout, "state error, tenth by tenth of the stream: %s\n", strings.Join(tenths, " "))
		}
	}
	switch {
	case m.Float != nil:
		fmt.Fprintf(c.stdout, "float accuracy %.2f %%, %s accuracy %.2f %% on %s test sequences\n",
			100**m.Float, activations, 100**m.Int8, commas(sequences))
	case m.OutputRMSE != nil:
		fmt.Fprintf(c.stdout, "%s outputs differ from float by %.4g (root mean square) on %s test sequences\n", activations, *m.OutputRMSE, commas(sequences))
	}
	return nil
}
