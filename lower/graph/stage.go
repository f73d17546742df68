// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Stage is the table of what one stage of the pipeline does with each operator
// kind: a function, or the reason why there is none. A kind with neither is a hole
// that the test of all stages reports.
type Stage[F any] struct {
	name     string
	rows     map[Kind]F
	reasons  map[Kind]string
	others   string // reason for kinds that have none of their own
	scope    func(d *Descriptor) bool
	fallback func(d *Descriptor) (F, bool)
}

// StageInfo is a stage as the test of all kinds sees it.
type StageInfo interface {
	// Name says what the stage is.
	Name() string
	// Concerns reports whether the stage could have the kind at all.
	Concerns(k Kind) bool
	// Holds reports whether the stage has the kind, with a row of its own or by
	// what its description says; if not, the reason, "" for none given.
	Holds(k Kind) (own, common bool, reason string)
}

var stages []StageInfo

// Stages returns all stages of the packages that a program imports, in order of
// initialization.
func Stages() []StageInfo { return stages }

// NewStage returns an empty table. The name completes "… does not do KIND".
// fallback, which may be nil, derives a function from the description of a kind
// that has no row: of a movement, or of a function of real numbers.
func NewStage[F any](name string, fallback func(d *Descriptor) (F, bool)) *Stage[F] {
	executed := func(d *Descriptor) bool { return d.Class < Structural && d.Kind != Custom }
	s := &Stage[F]{name: name, scope: executed, rows: map[Kind]F{}, reasons: map[Kind]string{}, fallback: fallback}
	stages = append(stages, s)
	return s
}

// Only narrows the kinds that concern the stage, which are all that a graph can hold
// but CUSTOM.
func (s *Stage[F]) Only(scope func(d *Descriptor) bool) *Stage[F] {
	s.scope = scope
	return s
}

// Concerns implements StageInfo.
func (s *Stage[F]) Concerns(k Kind) bool { return s.scope(descriptors[k]) }

// Set gives kinds their function.
func (s *Stage[F]) Set(f F, kinds ...Kind) {
	for _, k := range kinds {
		if _, ok := s.rows[k]; ok {
			panic(fmt.Sprintf("BUG: %s has two functions for %v", s.name, k))
		}
		s.rows[k] = f
	}
}

// Without says why the stage has no function for kinds, and what to do about it.
func (s *Stage[F]) Without(reason string, kinds ...Kind) {
	for _, k := range kinds {
		s.reasons[k] = reason
	}
}

// Otherwise is the reason for all kinds that have neither a function nor a reason of
// their own: for a stage that has few kinds by design.
func (s *Stage[F]) Otherwise(reason string) { s.others = reason }

// Get returns the function for a kind, or an error that says why there is none.
func (s *Stage[F]) Get(k Kind) (F, error) {
	if f, ok := s.rows[k]; ok {
		return f, nil
	}
	var none F
	if reason := s.reasons[k]; reason != "" {
		return none, fmt.Errorf("%s does not do %v: %s", s.name, k, reason)
	}
	if d := descriptors[k]; d != nil && s.fallback != nil {
		if f, ok := s.fallback(d); ok {
			return f, nil
		}
	}
	if s.others != "" {
		return none, fmt.Errorf("%s does not do %v: %s", s.name, k, s.others)
	}
	return none, fmt.Errorf("%s does not do %v", s.name, k)
}

// Name returns the stage's name.
func (s *Stage[F]) Name() string { return s.name }

// Holds implements StageInfo.
func (s *Stage[F]) Holds(k Kind) (own, common bool, reason string) {
	if _, own = s.rows[k]; own {
		return
	}
	if reason = s.reasons[k]; reason != "" {
		return
	}
	if d := descriptors[k]; d != nil && s.fallback != nil {
		_, common = s.fallback(d)
	}
	if !common {
		reason = s.others
	}
	return
}
