// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
)

// accuracies are what the test part says, as --json prints it: the figures that scripts
// look for, then everything. Fractions of the decisions are null for a regression and
// where a sequence is not a whole number of calls; so is what was not measured.
type accuracies struct {
	Float          *float64 `json:"float_accuracy"`
	Quantized      *float64 `json:"quantized_accuracy"`
	Int8           *float64 `json:"int8_accuracy"` // the same, for scripts of old
	Carried        *float64 `json:"accuracy_carried"`
	Majority       *float64 `json:"majority_baseline,omitempty"`
	RMSE           *float64 `json:"rmse"` // of the quantized network, as all without a name
	R2             *float64 `json:"r2"`
	Confusion      [][]int  `json:"confusion"`
	OutputRMSE     *float64 `json:"output_rmse,omitempty"` // of a regression: quantized against float
	CarriedWarning string   `json:"carried_warning,omitempty"`
	Unseen         int      `json:"unseen_steps,omitempty"` // at the end of every sequence, after its last decision

	widths string // int8, int16 or mixed

	Evaluation *lower.Evaluation `json:"evaluation,omitempty"`
}

// measure evaluates on the test part; carried asks for states that go on from sequence to
// sequence where that is not how it runs anyway.
func (a *accuracies) measure(c *cli, low *lower.Result, test *dataset.Set, carried bool) error {
	a.widths = widthName(low)
	c.say("evaluating float and %s on %s test sequences", a.widths, commas(test.Len()))
	e, err := low.Compare(c.ctx, test, carried || low.Streaming())
	if err != nil {
		return err
	}
	a.take(e)
	if a.CarriedWarning = e.Warning(); a.CarriedWarning != "" {
		c.say("warning: %s", a.CarriedWarning)
	}
	if a.Unseen = low.Unseen(); a.Unseen > 0 {
		c.say("warning: the steps of a call do not divide sequences of %d: started from the reset state, the last call that ends within a sequence decides, and %d of its steps are not seen", test.Steps, a.Unseen)
	}
	return nil
}

// take fills in the figures of an evaluation.
func (a *accuracies) take(e *lower.Evaluation) {
	a.Evaluation = e
	a.Float, a.Quantized, a.Int8 = e.Float.Accuracy, e.Quantized.Accuracy, e.Quantized.Accuracy
	a.Majority, a.RMSE, a.R2, a.Confusion = e.Quantized.Majority, e.Quantized.RMSE, e.Quantized.R2, e.Quantized.Confusion
	if a.Float == nil {
		a.OutputRMSE = &e.OutputRMSE
	}
	if e.QuantizedCarried != nil {
		a.Carried = e.QuantizedCarried.Accuracy
	}
}

// rows are the lines of a summary.
func (a *accuracies) rows() [][2]string {
	return append(a.figureRows(), [2]string{"measured on", a.on()})
}

// on says on what the figures were measured, and from which states.
func (a *accuracies) on() string {
	e := a.Evaluation
	on := judgedOn(e)
	if e.QuantizedCarried != nil {
		on += ", the state reset before each, or carried from each to the next"
	}
	return on
}

func (a *accuracies) figureRows() [][2]string {
	e := a.Evaluation
	if a.Float != nil {
		rows := [][2]string{{"float accuracy", inPercent(*a.Float)}, {a.widths + " accuracy", inPercent(*a.Quantized)}}
		if a.Carried != nil {
			rows = append(rows, [2]string{"state carried", inPercent(*a.Carried)})
		}
		return append(rows, [2]string{"baseline", inPercent(*a.Majority) + ", always the most frequent class"})
	}
	var rows [][2]string
	if e.Float.RMSE != nil {
		rows = append(rows, [2]string{"float", numbers(&e.Float)}, [2]string{a.widths, numbers(&e.Quantized)})
		if q := e.QuantizedCarried; q != nil && q.RMSE != nil {
			rows = append(rows, [2]string{"state carried", numbers(q)})
		}
	}
	return append(rows, [2]string{a.widths + " outputs", fmt.Sprintf("differ from float by %s (root mean square)", figures.Short(*a.OutputRMSE))})
}

// figures are those of the float network, for its file.
func (a *accuracies) figures() map[string]float64 {
	f := map[string]float64{}
	if m := &a.Evaluation.Float; m.Accuracy != nil {
		f["float_accuracy"] = *m.Accuracy
	} else if m.R2 != nil {
		f["r2"] = *m.R2
	}
	return f
}

// numbers tells how well numbers are predicted.
func numbers(m *lower.Metrics) string {
	r2 := "without meaning, the targets are all alike"
	if m.R2 != nil {
		r2 = fmt.Sprintf("%.4f", *m.R2)
	}
	if len(m.Outputs) > 1 {
		outputs := make([]train.Output, len(m.Outputs))
		for k, o := range m.Outputs {
			outputs[k] = train.Output{RMSE: o.RMSE, R2: o.R2}
		}
		return fmt.Sprintf("RMSE %s, R² %s, %s", figures.Short(*m.RMSE), r2, byOutput(outputs))
	}
	return fmt.Sprintf("RMSE %s, R² %s", figures.Short(*m.RMSE), r2)
}

// mostOutputs bounds the outputs whose figures are in one line.
const mostOutputs = 8

// byOutput tells how well each of several numbers is predicted: figures of all together are those
// of the ones with large numbers.
func byOutput(outputs []train.Output) string {
	var all []string
	for k, o := range outputs[:min(len(outputs), mostOutputs)] {
		r2 := "-"
		if o.R2 != nil {
			r2 = fmt.Sprintf("%.4f", *o.R2)
		}
		all = append(all, fmt.Sprintf("%d: %s, %s", k, figures.Short(o.RMSE), r2))
	}
	if len(outputs) > mostOutputs {
		all = append(all, "…")
	}
	return "by output " + strings.Join(all, "; ")
}

// outputsApart is byOutput for the differences of outputs.
func outputsApart(each []float64) string {
	if len(each) < 2 {
		return ""
	}
	var all []string
	for k, v := range each[:min(len(each), mostOutputs)] {
		all = append(all, fmt.Sprintf("%d: %s", k, figures.Short(v)))
	}
	if len(each) > mostOutputs {
		all = append(all, "…")
	}
	return "; by output " + strings.Join(all, ", ")
}

// judgedOn says on what an evaluation was made. Where outputs alone are compared nothing is decided.
func judgedOn(e *lower.Evaluation) string {
	n := e.Float.Decisions
	return stepsOf(n, e.Sequences, n != 0 && n != e.Sequences)
}

// stepsOf says on what figures were measured: sequences of the test part, or steps in them.
func stepsOf(decisions, sequences int, several bool) string {
	if !several {
		return commas(sequences) + " test sequences"
	}
	return fmt.Sprintf("%s steps of %s test sequences", commas(decisions), commas(sequences))
}

// print writes it for people; with tables everything.
func (a *accuracies) print(c *cli, activations string, tables bool) {
	e := a.Evaluation
	if e == nil {
		return
	}
	if tables {
		printTables(c.stdout, e, activations)
	}
	n := judgedOn(e)
	if a.Float == nil {
		if e.Float.RMSE != nil {
			fmt.Fprintf(c.stdout, "float: %s; %s: %s\n", numbers(&e.Float), activations, numbers(&e.Quantized))
		}
		if q := e.QuantizedCarried; q != nil && q.RMSE != nil {
			fmt.Fprintf(c.stdout, "with the state carried from sequence to sequence: float %s; %s %s\n", numbers(e.FloatCarried), activations, numbers(q))
		}
		fmt.Fprintf(c.stdout, "%s outputs differ from float by %s (root mean square%s) on %s\n", activations, figures.Short(*a.OutputRMSE), outputsApart(e.OutputRMSEEach), n)
		return
	}
	fmt.Fprintf(c.stdout, "float accuracy %.2f %%, %s accuracy %.2f %% on %s\n", 100**a.Float, activations, 100**a.Quantized, n)
	if a.Carried != nil {
		fmt.Fprintf(c.stdout, "with the state carried from sequence to sequence: float %s, %s %s\n", inPercent(*e.FloatCarried.Accuracy), activations, inPercent(*a.Carried))
	}
	fmt.Fprintf(c.stdout, "always naming the most frequent class gets %s; quantization changed %s of %s decisions%s\n",
		inPercent(*a.Majority), commas(e.Decisions), commas(e.Float.Decisions), listed(e.Changed))
}

// listed names a few sequences.
func listed(numbers []int) string {
	const most = 8
	if len(numbers) == 0 {
		return ""
	}
	var names []string
	for _, n := range numbers[:min(most, len(numbers))] {
		names = append(names, fmt.Sprint(n))
	}
	if len(numbers) > most {
		names = append(names, "…")
	}
	return fmt.Sprintf(" (%s %s)", plural(len(numbers), "sequence"), strings.Join(names, ", "))
}

// mostClasses bounds the confusion matrices that are printed, widestClass the names in them.
const (
	mostClasses = 20
	widestClass = 16
)

// printTables writes confusion matrices and the figures of every class, or of every output.
func printTables(out io.Writer, e *lower.Evaluation, activations string) {
	for _, t := range []struct {
		name string
		m    *lower.Metrics
	}{{"float", &e.Float}, {activations, &e.Quantized}} {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		if t.m.Classes != nil {
			printClasses(w, t.name, t.m)
		}
		if t.m.Outputs != nil {
			fmt.Fprintf(w, "%s output\tRMSE\tMAE\tbias\tR²\t\n", t.name)
			for k, o := range t.m.Outputs {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t\n", k, figures.Short(o.RMSE), figures.Short(o.MAE), figures.Short(o.Bias), figure(o.R2, 1, "%.4f"))
			}
		}
		w.Flush()
	}
}

func printClasses(w io.Writer, name string, m *lower.Metrics) {
	matrix := len(m.Classes) <= mostClasses
	fmt.Fprintf(w, "%s: right \\ named\t", name)
	for k, cm := range m.Classes {
		if matrix {
			fmt.Fprintf(w, "%s\t", className(cm, k))
		}
	}
	fmt.Fprint(w, "recall\tprecision\tF1\t\n")
	for k, cm := range m.Classes {
		fmt.Fprintf(w, "%s\t", className(cm, k))
		for _, n := range m.Confusion[k] {
			if matrix {
				fmt.Fprintf(w, "%d\t", n)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t\n", figure(cm.Recall, 100, "%.1f %%"), figure(cm.Precision, 100, "%.1f %%"), figure(cm.F1, 100, "%.1f %%"))
	}
}

func className(cm lower.ClassMetrics, k int) string {
	if cm.Name == "" {
		return fmt.Sprint(k)
	}
	return figures.Cut(cm.Name, widestClass)
}

func figure(v *float64, times float64, format string) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, times**v)
}

func inPercent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

// export writes the predictions.
func (a *accuracies) export(file string, force bool) error {
	if file == "" {
		return nil
	}
	var b bytes.Buffer
	if err := npy.WriteArchive(&b, a.Evaluation.Predictions()); err != nil {
		return err
	}
	return writeFile(file, b.Bytes(), force)
}
