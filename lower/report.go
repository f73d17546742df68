// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Report says what quantization did to a network. Its JSON form is stable: scripts
// read it.
type Report struct {
	Samples   int            `json:"samples"`   // calibration samples
	Rounds    int            `json:"rounds"`    // passes over them until the ranges of carried states settled
	Sequences int            `json:"sequences"` // that Measure ran
	Tensors   []TensorReport `json:"tensors"`
}

// TensorReport describes one role: the tensors of all steps that share a
// quantization.
type TensorReport struct {
	Role      string       `json:"role"`
	Count     int          `json:"count"`      // tensors of the role in the graph
	Min       float32      `json:"seen_min"`   // in calibration
	Max       float32      `json:"seen_max"`   //
	Type      string       `json:"type"`       // "int8" or "int16"
	Scale     float32      `json:"scale"`      //
	ZeroPoint int32        `json:"zero_point"` //
	Low       float32      `json:"held_min"`   // real value of the lowest integer
	High      float32      `json:"held_max"`   // and of the highest
	SQNR      float64      `json:"sqnr_db"`    // against the float graph; 0 before Measure
	Steps     []StepReport `json:"steps"`      // every tensor of the role at every step; nil before Measure
}

// StepReport is one tensor at one step of the sequences that Measure ran.
type StepReport struct {
	Tensor string `json:"tensor"`

	// First and Last are the time steps of the sequence that the tensor belongs to,
	// counted from 0. They differ where it holds several steps, as the input does.
	First int `json:"first_step"`
	Last  int `json:"last_step"`

	Min  float32 `json:"min"` // of the float graph's values
	Max  float32 `json:"max"`
	SQNR float64 `json:"sqnr_db"` // signal to quantization noise, dB, 200 at most
}

// Worst returns the tensor of the role that quantization hurts most, the first of
// equals. There is none before Measure.
func (t TensorReport) Worst() (worst StepReport, ok bool) {
	for i, s := range t.Steps {
		if i == 0 || s.SQNR < worst.SQNR {
			worst = s
		}
	}
	return worst, len(t.Steps) > 0
}

// roles lists the roles of the quantized graph in execution order.
func (r *Result) roles(seen map[string]*calibrate.Observation) []TensorReport {
	index := map[string]int{}
	var out []TensorReport
	for id, role := range r.plan.Role {
		if role == "" {
			continue
		}
		i, ok := index[role]
		if !ok {
			t := r.Int8.Tensors[r.Int8.Find(r.Float.Tensors[id].Name)]
			i = len(out)
			index[role] = i
			out = append(out, tensorReport(role, t, seen[role].Min, seen[role].Max))
		}
		out[i].Count++
	}
	return out
}

// tensorReport describes the quantization of a role by one of its tensors.
func tensorReport(role string, t *graph.Tensor, lo, hi float32) TensorReport {
	limit := int32(math.MaxInt8)
	if t.Type == graph.Int16 {
		limit = math.MaxInt16
	}
	s, z := t.Scale(), t.ZeroPoint()
	return TensorReport{
		Role: role, Min: lo, Max: hi,
		Type: t.Type.String(), Scale: s, ZeroPoint: z,
		Low: s * float32(-limit-1-z), High: s * float32(limit-z),
	}
}

// WriteText writes a line for each role; after Measure with the step that has the
// lowest SQNR.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	fmt.Fprintf(&b, "%-18s %5s  %-5s %12s %5s  %21s  %21s  %7s  %s\n", "role", "count", "type", "scale", "zero", "seen", "held", "SQNR dB", "worst at step")
	for _, t := range r.Tensors {
		fmt.Fprintf(&b, "%-18s %5d  %-5s %12s %5d  %10s %10s  %10s %10s  ",
			t.Role, t.Count, t.Type, figures.Digits(float64(t.Scale), 6), t.ZeroPoint, short(t.Min), short(t.Max), short(t.Low), short(t.High))
		if worst, ok := t.Worst(); ok {
			fmt.Fprintf(&b, "%7.1f  %5.1f %7s\n", t.SQNR, worst.SQNR, worst.when())
		} else {
			fmt.Fprintf(&b, "%7s\n", "-")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func short(v float32) string { return figures.Short(float64(v)) }

// WriteSteps writes, after Measure, a line for every tensor at every step: its
// quantization, the range of its values and its SQNR. Tensors stand role by role in
// order of execution.
func (r Report) WriteSteps(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	wide := len("tensor")
	for _, t := range r.Tensors {
		for _, s := range t.Steps {
			wide = max(wide, len(s.Tensor))
		}
	}
	fmt.Fprintf(&b, "%7s  %-*s  %-18s  %-5s %12s %5s  %21s  %7s\n", "step", wide, "tensor", "role", "type", "scale", "zero", "seen", "SQNR dB")
	for _, t := range r.Tensors {
		for _, s := range t.Steps {
			fmt.Fprintf(&b, "%7s  %-*s  %-18s  %-5s %12s %5d  %10s %10s  %7.1f\n",
				s.when(), wide, s.Tensor, t.Role, t.Type, figures.Digits(float64(t.Scale), 6), t.ZeroPoint, short(s.Min), short(s.Max), s.SQNR)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) head(b *strings.Builder) {
	fmt.Fprintf(b, "calibrated on %d samples, %d rounds", r.Samples, r.Rounds)
	if r.Sequences > 0 {
		fmt.Fprintf(b, "; SQNR over %d sequences", r.Sequences)
	}
	b.WriteByte('\n')
}

// when gives the steps as text: 7, or 0..27.
func (s StepReport) when() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d..%d", s.First, s.Last)
}
