// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train"
)

// EvidenceName is where a project keeps its Evidence.
const EvidenceName = "model/evidence.json"

// Evidence is what was measured of a network on its way to the NPU. Every part may be
// absent. Its keys are those that unroll lower prints with --json, so that the output of
// one is Evidence, too.
type Evidence struct {
	Evaluation *lower.Evaluation   `json:"evaluation,omitempty"`
	Report     *lower.Report       `json:"report,omitempty"`
	Drift      *lower.Drift        `json:"drift,omitempty"`
	Widened    []string            `json:"widened"` // values of 16 bits; nil where nobody said
	Widths     *Widths             `json:"widths,omitempty"`
	Errors     []lower.OutputError `json:"output_errors,omitempty"` // of an imported graph
	Training   []Progress          `json:"training,omitempty"`
	Worst      []Sample            `json:"worst,omitempty"`
	Proof      *Proof              `json:"proof,omitempty"`

	seen, every int // moments of the training: told, and those of which one is kept
}

// Progress is a moment of the training.
type Progress struct {
	Step           int      `json:"step"` // batches so far
	Epoch          int      `json:"epoch"`
	Loss           float64  `json:"loss"` // mean of the epoch so far
	Accuracy       float64  `json:"accuracy,omitempty"`
	ValidationLoss *float64 `json:"validation_loss,omitempty"` // at the end of an epoch
}

// mostProgress bounds the moments of a training that are kept.
const mostProgress = 240

// Learn notes a moment of the training. Where there are many, every other one is dropped and
// every other one is left out from then on; ends of epochs with a validation stay.
func (e *Evidence) Learn(p train.Progress) {
	if e.seen++; e.every > 1 && e.seen%e.every != 0 && !(p.EpochDone && p.ValidationLoss > 0) {
		return
	}
	m := Progress{Step: p.Step, Epoch: p.Epoch, Loss: p.Loss, Accuracy: p.Accuracy}
	if p.EpochDone && p.ValidationLoss > 0 {
		v := p.ValidationLoss
		m.ValidationLoss = &v
	}
	e.Training = append(e.Training, m)
	if len(e.Training) < mostProgress {
		return
	}
	kept := e.Training[:0]
	for i, m := range e.Training {
		if i%2 == 1 || m.ValidationLoss != nil {
			kept = append(kept, m)
		}
	}
	e.Training, e.every = kept, 2*max(e.every, 1)
}

// curve is what Learn keeps, as text between two runs of one training.
type curve struct {
	Training []Progress `json:"training"`
	Seen     int        `json:"seen"`
	Every    int        `json:"every"`
}

// Curve is what Learn has noted so far, for Resume.
func (e *Evidence) Curve() (string, error) {
	b, err := json.Marshal(curve{e.Training, e.seen, e.every})
	return string(b), err
}

// Resume has Learn go on from a Curve, or begin anew from an empty text.
func (e *Evidence) Resume(text string) error {
	var c curve
	if text != "" {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return fmt.Errorf("the curve of a training: %w", err)
		}
	}
	e.Training, e.seen, e.every = c.Training, c.Seen, c.Every
	return nil
}

// Proof is a comparison of the simulated program with the reference interpreter.
type Proof struct {
	Compared   int `json:"compared"` // distinct calls
	Carried    int `json:"carried"`  // of them with carried state
	Mismatches int `json:"mismatches"`
}

// Widths says how the widths of values were chosen.
type Widths struct {
	Bound float64 `json:"bound"`
	Loss  float64 `json:"loss"`
	Met   bool    `json:"met"`
	Rows  []Width `json:"rows,omitempty"` // where 8 bits everywhere were not enough
}

// Width is what a value loses and costs alone in 8 and in 16 bits.
type Width struct {
	Role       string  `json:"role"`
	Bits       int     `json:"bits"`
	NarrowLoss float64 `json:"loss_8"`
	NarrowCost float64 `json:"cycles_8"`
	WideLoss   float64 `json:"loss_16"`
	WideCost   float64 `json:"cycles_16"`
}

// WidthsOf takes over a choice; nil where none was made.
func WidthsOf(w *lower.Widths) *Widths {
	if w == nil {
		return nil
	}
	out := &Widths{Bound: w.Bound, Loss: w.Loss, Met: w.Met}
	if w.Choice == nil {
		return out
	}
	for _, r := range w.Choice.Rows {
		bits := 8
		if r.Chosen {
			bits = 16
		}
		name := r.Role
		if r.Further {
			name += " (weights)"
		}
		out.Rows = append(out.Rows, Width{name, bits, r.Narrow.Loss, r.Narrow.Cost, r.Wide.Loss, r.Wide.Cost})
	}
	return out
}

// Encode returns the evidence as JSON, its fractions to four significant digits: what comes
// after them may differ from machine to machine, and files should not.
func (e *Evidence) Encode() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("BUG: evidence does not read back: %w", err)
	}
	if b, err = json.MarshalIndent(rounded(v), "", " "); err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

func rounded(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = rounded(x)
		}
	case []any:
		for i, x := range v {
			v[i] = rounded(x)
		}
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return v
		}
		f, err := v.Float64()
		if err != nil {
			return v
		}
		return json.Number(strconv.FormatFloat(f, 'g', 4, 64))
	}
	return v
}

// DecodeEvidence reads evidence, or what unroll lower --json printed. name says in errors
// where b came from.
func DecodeEvidence(name string, b []byte) (*Evidence, error) {
	e := &Evidence{}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("%s: expected what unroll lower --json prints, or %s of a project: %w", name, EvidenceName, err)
	}
	if e.Evaluation == nil && e.Report == nil && e.Drift == nil && e.Widened == nil && e.Errors == nil && e.Training == nil {
		return nil, fmt.Errorf("%s: holds nothing that was measured: expected what unroll lower --json prints, or %s of a project", name, EvidenceName)
	}
	return e, e.check(name)
}

// check refuses what a page cannot show.
func (e *Evidence) check(name string) error {
	if v := e.Evaluation; v != nil {
		for _, m := range []*lower.Metrics{&v.Float, &v.Quantized, v.FloatCarried, v.QuantizedCarried} {
			if m == nil {
				continue
			}
			if len(m.Confusion) != len(m.Classes) {
				return fmt.Errorf("%s: a confusion matrix of %d rows for %d classes", name, len(m.Confusion), len(m.Classes))
			}
			for _, row := range m.Confusion {
				if len(row) != len(m.Classes) {
					return fmt.Errorf("%s: a row of the confusion matrix has %d entries for %d classes", name, len(row), len(m.Classes))
				}
			}
		}
	}
	for i, s := range e.Worst {
		if len(s.Values) != s.Steps*s.Features {
			return fmt.Errorf("%s: sample %d has %d values for %d steps of %d features", name, i, len(s.Values), s.Steps, s.Features)
		}
	}
	return nil
}
