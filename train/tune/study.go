// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Asked is all that a study follows from: the same on the same data gives the same study.
type Asked struct {
	Flags      []string `json:"flags"`      // of a build, besides those of the space
	Validation float64  `json:"validation"` // fraction of the training part that judges
	Space      Space    `json:"space"`
	Bounds     Bounds   `json:"bounds"`
	Objective  string   `json:"objective"` // what is made small against accuracy
	Plan       Plan     `json:"plan"`
	Seed       uint64   `json:"seed"`
}

// Check tells what is wrong with what was asked for.
func (a *Asked) Check() error {
	if err := a.Space.Check(); err != nil {
		return err
	}
	if err := a.Plan.Check(); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if !slices.Contains(Objectives(), a.Objective) {
		return fmt.Errorf("objective %q: expected %s", a.Objective, strings.Join(Objectives(), ", "))
	}
	if !(a.Validation > 0 && a.Validation < 1) {
		return fmt.Errorf("validation %v: expected a fraction of the training part, above 0 and below 1, to judge by", a.Validation)
	}
	b := a.Bounds
	if b.Flash < 0 || b.SRAM < 0 || b.Cycles < 0 || !(b.Milliseconds >= 0 && b.Milliseconds <= math.MaxFloat64) || !(b.Accuracy >= 0 && b.Accuracy <= 1) {
		return fmt.Errorf("bounds %+v: expected positive numbers, or 0 for none, and an accuracy up to 1", b)
	}
	return nil
}

// Study is what was drawn before anything is trained.
type Study struct {
	Format     int         `json:"format"`
	Asked      Asked       `json:"asked"`
	Data       string      `json:"data"`      // fingerprint of what is trained and judged on
	Judged     string      `json:"judged_by"` // what an accuracy is: ByAccuracy or ByR2
	Candidates []Candidate `json:"candidates"`
	RuledOut   []RuledOut  `json:"ruled_out"`
}

// RuledOut is a candidate that was never trained, since its network of untrained weights
// does not compile or is far above a bound.
type RuledOut struct {
	Values Candidate `json:"values"`
	Why    string    `json:"why"`
}

// What networks are judged by.
const (
	ByAccuracy = "accuracy"
	ByR2       = "r2" // of a regression
)

// format is the version of a study's files.
const format = 1

// Draw draws the candidates of a study. figures measures a candidate with untrained weights;
// a failed one is ruled out. It is an error when nothing is left to try; when the space has
// fewer candidates than the plan wants, the plan is made smaller.
func Draw(ctx context.Context, a Asked, data, judged string, figures func(context.Context, Candidate) (Figures, error)) (*Study, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	s := &Study{Format: format, Asked: a, Data: data, Judged: judged, RuledOut: []RuledOut{}}
	d := a.Space.draw(a.Seed)
	for len(s.Candidates) < a.Plan.Candidates && len(s.RuledOut) < mostRuledOut+a.Plan.Candidates {
		c, ok := d.next()
		if !ok {
			break
		}
		f, err := figures(ctx, c)
		if err != nil {
			return nil, err
		}
		why := f.Failed
		if why == "" {
			why = a.Bounds.hopeless(f)
		}
		if why != "" {
			s.RuledOut = append(s.RuledOut, RuledOut{c, why})
			continue
		}
		s.Candidates = append(s.Candidates, c)
	}
	if len(s.Candidates) == 0 {
		why := "the space is empty"
		if len(s.RuledOut) > 0 {
			first := s.RuledOut[0]
			why = fmt.Sprintf("%d were drawn; the first one, %s: %s", len(s.RuledOut), a.Space.Name(first.Values), first.Why)
		}
		return nil, fmt.Errorf("no network of the space can be within the bounds: %s; widen the bounds, or give smaller sizes", why)
	}
	return s, nil
}

// mostRuledOut bounds how many candidates are compiled in vain.
const mostRuledOut = 1000

// Plan is the plan with the number of candidates that were found.
func (s *Study) Plan() Plan {
	p := s.Asked.Plan
	p.Candidates = len(s.Candidates)
	return p
}

// Encode returns the study as a file.
func (s *Study) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", " ")
	return append(b, '\n'), err
}

// decode reads the one value of a file: what follows it, the rest of an older file or a line
// of another trial, says that the file is not what it is taken for.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value, the first ends at byte %d", d.InputOffset())
	}
	return nil
}

// Decode reads a study's file.
func Decode(name string, b []byte) (*Study, error) {
	var s Study
	if err := decode(b, &s); err != nil {
		return nil, fmt.Errorf("%s: no study of unroll tune: %w", name, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("%s: format %d, expected %d: it was written by another version of unroll; give another folder", name, s.Format, format)
	}
	if err := s.Asked.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(s.Candidates) == 0 || len(s.Candidates) > s.Asked.Plan.Candidates {
		return nil, fmt.Errorf("%s: %d candidates, expected 1 to %d", name, len(s.Candidates), s.Asked.Plan.Candidates)
	}
	return &s, nil
}
