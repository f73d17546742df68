// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Trial is a candidate at a rung.
type Trial struct {
	Number, Rung, Candidate int
	Values                  Candidate
	Epochs                  int
}

// WaitingError says that a trial's candidate is not decided yet.
type WaitingError struct {
	Trial, Rung int
	Missing     []int // trials of the rung before without a result
}

func (e *WaitingError) Error() string {
	const most = 8
	var names []string
	for _, n := range e.Missing[:min(most, len(e.Missing))] {
		names = append(names, strconv.Itoa(n))
	}
	more := ""
	if n := len(e.Missing) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("trial %d is of rung %d, whose candidates are the best of rung %d, which has no results yet of trials %s%s: run those first, or wait for them with --wait",
		e.Trial, e.Rung, e.Rung-1, strings.Join(names, ", "), more)
}

// Results finds the result of a trial, nil where there is none yet.
type Results func(trial int) (*Result, error)

// Trial returns what a trial is. Where that is decided by trials without a result the error
// is a *WaitingError.
func (s *Study) Trial(number int, results Results) (Trial, error) {
	p := s.Plan()
	if number < 0 || number >= p.Trials() {
		return Trial{}, fmt.Errorf("trial %d: the study has trials 0 to %d", number, p.Trials()-1)
	}
	rung, place := p.At(number)
	t := Trial{Number: number, Rung: rung, Candidate: place, Epochs: p.EpochsAt(rung)}
	if rung > 0 {
		before, missing, err := s.rung(rung-1, results)
		if err != nil {
			return t, err
		}
		if len(missing) > 0 {
			return t, &WaitingError{Trial: number, Rung: rung, Missing: missing}
		}
		t.Candidate = s.ranked(before)[place].Candidate
	}
	t.Values = s.Candidates[t.Candidate]
	return t, nil
}

// rung collects the results of a rung and names the trials that have none.
func (s *Study) rung(rung int, results Results) (list []Result, missing []int, err error) {
	p := s.Plan()
	for n := p.First(rung); n < p.First(rung+1); n++ {
		r, err := results(n)
		if err != nil {
			return nil, nil, err
		}
		if r == nil {
			missing = append(missing, n)
		} else {
			list = append(list, *r)
		}
	}
	return list, missing, nil
}

// All collects the results that are there, in the order of the trials.
func (s *Study) All(results Results) ([]Result, error) {
	var all []Result
	for rung := range s.Plan().Rungs {
		list, _, err := s.rung(rung, results)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// Args are the flags of the build of a trial.
func (s *Study) Args(t Trial) []string {
	args := append([]string{}, s.Asked.Flags...)
	args = append(args, s.Asked.Space.Args(t.Values)...)
	return append(args, fmt.Sprintf("--epochs=%d", t.Epochs), fmt.Sprintf("--validation=%v", s.Asked.Validation))
}

// Encode returns a result as its line.
func (r *Result) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(r)
	return b.Bytes(), err
}

// DecodeResult reads the line of a trial of the study.
func (s *Study) DecodeResult(name string, trial int, b []byte) (*Result, error) {
	var r Result
	if err := decode(b, &r); err != nil {
		return nil, fmt.Errorf("%s: no result of a trial: %w; remove it, and the trial runs again", name, err)
	}
	p := s.Plan()
	rung, place := p.At(trial)
	if r.Trial != trial || r.Rung != rung || r.Candidate < 0 || r.Candidate >= len(s.Candidates) || r.Epochs != p.EpochsAt(rung) {
		return nil, fmt.Errorf("%s: says trial %d of rung %d, candidate %d, %d epochs; expected trial %d of rung %d, %d epochs: it is of another study; remove it",
			name, r.Trial, r.Rung, r.Candidate, r.Epochs, trial, rung, p.EpochsAt(rung))
	}
	if rung == 0 && r.Candidate != place || !maps.Equal(r.Values, s.Candidates[r.Candidate]) {
		return nil, fmt.Errorf("%s: says candidate %d, %s; the study has another one there: it is of another study; remove it", name, r.Candidate, strings.Join(s.Asked.Space.Args(r.Values), " "))
	}
	return &r, nil
}
