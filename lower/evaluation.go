// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"

	"github.com/unroll-npu/unroll/train/nn"
)

// Evaluation is how a network does before and after quantization, on the same sequences:
// started from the reset state each, and with the state carried from one to the next.
type Evaluation struct {
	Sequences int     `json:"sequences"`
	Float     Metrics `json:"float"`
	Quantized Metrics `json:"quantized"`

	// With the state carried on, as a firmware does that nobody resets; nil where that
	// was not measured.
	FloatCarried     *Metrics `json:"float_carried,omitempty"`
	QuantizedCarried *Metrics `json:"quantized_carried,omitempty"`

	// Changed are the decisions that quantization changed, as sequence numbers; with a
	// decision at every step those with at least one.
	Changed   []int `json:"changed"`
	Decisions int   `json:"changed_decisions"`

	// OutputRMSE is the difference of quantized outputs from float ones, root mean
	// square, all together and by output.
	OutputRMSE     float64   `json:"output_rmse"`
	OutputRMSEEach []float64 `json:"output_rmse_each"`

	// Scores are what the metrics judge; those with carried state may be empty.
	Scores struct{ Float, Quantized, FloatCarried, QuantizedCarried Score } `json:"-"`
}

// Compare evaluates the float and the quantized graph on a set, with carried too, which
// needs state inputs, with the state carried on.
func (r *Result) Compare(ctx context.Context, set Samples, carried bool) (*Evaluation, error) {
	e := &Evaluation{Sequences: set.Len(), Changed: []int{}}
	s := &e.Scores
	var err error
	if s.Float, err = r.EvaluateFloat(ctx, set, 0); err != nil {
		return nil, err
	}
	if s.Quantized, err = r.Evaluate(ctx, set, 0); err != nil {
		return nil, err
	}
	e.Float, e.Quantized = s.Float.Metrics(r.net.Classes), s.Quantized.Metrics(r.net.Classes)
	e.OutputRMSE, e.OutputRMSEEach = s.Float.RMSE(s.Quantized), s.Float.rmseEach(s.Quantized)
	e.changes(r.net.Task)
	if carried {
		if s.FloatCarried, s.QuantizedCarried, err = r.EvaluateCarried(ctx, set, 0); err != nil {
			return nil, err
		}
		f, q := s.FloatCarried.Metrics(r.net.Classes), s.QuantizedCarried.Metrics(r.net.Classes)
		e.FloatCarried, e.QuantizedCarried = &f, &q
	}
	r.Facts.Measured(e.figures())
	return e, nil
}

// changes lists the decisions that quantization changed.
func (e *Evaluation) changes(task nn.Task) {
	s := &e.Scores
	if task != nn.Classification || e.Sequences == 0 {
		return
	}
	for i, out := range s.Float.Outputs {
		if argmax(out) == argmax(s.Quantized.Outputs[i]) {
			continue
		}
		e.Decisions++
		if n := s.Float.Sequence[i]; len(e.Changed) == 0 || e.Changed[len(e.Changed)-1] != n {
			e.Changed = append(e.Changed, n)
		}
	}
}

// Streaming reports whether a sequence takes several calls of the graph, between which
// the state is carried.
func (r *Result) Streaming() bool {
	c, err := cadenceOf(r.net, r.Int8)
	return err == nil && c.steps < r.net.Steps && len(r.Int8.States) > 0
}

// figures are those that travel with the quantized graph. They are all its own: what the
// float graph gives may differ from machine to machine.
func (e *Evaluation) figures() map[string]float64 {
	f := map[string]float64{}
	for name, v := range map[string]*float64{"quantized_accuracy": e.Quantized.Accuracy, "rmse": e.Quantized.RMSE, "r2": e.Quantized.R2} {
		if v != nil {
			f[name] = *v
		}
	}
	if c := e.QuantizedCarried; c != nil {
		for name, v := range map[string]*float64{"accuracy_carried": c.Accuracy, "rmse_carried": c.RMSE, "r2_carried": c.R2} {
			if v != nil {
				f[name] = *v
			}
		}
	}
	return f
}

// parting is the loss of accuracy, or of R², from which on carried states are warned of.
const parting = 0.01

// Warning says where the network does worse with the state carried on than with resets;
// "" where it does not.
func (e *Evaluation) Warning() string {
	if e.QuantizedCarried == nil {
		return ""
	}
	what, reset, on, float := "accuracy", e.Quantized.Accuracy, e.QuantizedCarried.Accuracy, e.FloatCarried.Accuracy
	show := func(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }
	if reset == nil {
		what, reset, on, float = "R²", e.Quantized.R2, e.QuantizedCarried.R2, e.FloatCarried.R2
		show = func(v float64) string { return fmt.Sprintf("%.4f", v) }
	}
	if reset == nil || on == nil || float == nil || *reset-*on <= parting {
		return ""
	}
	cause := "the float network does as badly: it was trained on sequences that start from the reset state, or nothing in them tells where one starts"
	if *float-*on > parting {
		cause = fmt.Sprintf("the float network has %s there: quantization errors add up in the state", show(*float))
	}
	return fmt.Sprintf("with the state carried from sequence to sequence, as the firmware does until it is reset, %s is %s instead of %s; %s. Reset the state where a sequence starts, or train on streams (--carry)",
		what, show(*on), show(*reset), cause)
}

// rmseEach is RMSE output by output.
func (s Score) rmseEach(other Score) []float64 {
	if len(s.Outputs) == 0 {
		return nil
	}
	each := make([]float64, len(s.Outputs[0]))
	one := func(v Score, k int) Score {
		c := Score{Outputs: make([][]float32, len(v.Outputs))}
		for i, out := range v.Outputs {
			c.Outputs[i] = out[k : k+1]
		}
		return c
	}
	for k := range each {
		each[k] = one(s, k).RMSE(one(other, k))
	}
	return each
}
