// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"errors"
	"fmt"
	"math"
)

// Plan is the course of a successive halving.
type Plan struct {
	Candidates int `json:"candidates"` // of the first rung
	Rungs      int `json:"rungs"`
	Keep       int `json:"keep"`   // one of so many goes on to the next rung
	Epochs     int `json:"epochs"` // of the last rung; those before have a Keep-th of the next one's
}

// Bounds of a plan: beyond them a wrong number is likelier than a wish.
const (
	maxCandidates = 100000
	maxRungs      = 16
	maxEpochs     = 100000
)

// Check tells what is wrong with a plan.
func (p Plan) Check() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(p.Candidates >= 1 && p.Candidates <= maxCandidates, "%d candidates, expected 1 to %d", p.Candidates, maxCandidates)
	check(p.Rungs >= 1 && p.Rungs <= maxRungs, "%d rungs, expected 1 to %d", p.Rungs, maxRungs)
	check(p.Keep >= 2 && p.Keep <= maxCandidates, "one of %d goes on, expected one of 2 or more", p.Keep)
	check(p.Epochs >= 1 && p.Epochs <= maxEpochs, "%d epochs, expected 1 to %d", p.Epochs, maxEpochs)
	return errors.Join(errs...)
}

// Size is the number of trials of a rung, counted from 0.
func (p Plan) Size(rung int) int {
	n := p.Candidates
	for range rung {
		n = max(n/p.Keep, 1)
	}
	return n
}

// EpochsAt are the epochs of a rung's trials, at least one.
func (p Plan) EpochsAt(rung int) int {
	e := float64(p.Epochs)
	for range p.Rungs - 1 - rung {
		e /= float64(p.Keep)
	}
	return max(int(math.Round(e)), 1)
}

// First is the number of a rung's first trial; of the rung behind the last one it is the
// number of all trials.
func (p Plan) First(rung int) int {
	n := 0
	for r := range rung {
		n += p.Size(r)
	}
	return n
}

// Trials is the number of all trials.
func (p Plan) Trials() int { return p.First(p.Rungs) }

// At returns the rung of a trial and its place in it.
func (p Plan) At(trial int) (rung, place int) {
	for trial >= p.Size(rung) {
		trial -= p.Size(rung)
		rung++
	}
	return rung, trial
}
