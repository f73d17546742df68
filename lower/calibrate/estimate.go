// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"fmt"
	"math"
)

// Estimator turns observed values into a range.
type Estimator int

// Estimators.
const (
	MinMax     Estimator = iota // everything seen
	Percentile                  // all but the outermost values on each side
	MSE                         // least squared error of rounding and clipping to 8 bits
)

var estimators = [...]string{"minmax", "percentile", "mse"}

func (e Estimator) String() string {
	if e >= 0 && int(e) < len(estimators) {
		return estimators[e]
	}
	return fmt.Sprintf("Estimator(%d)", int(e))
}

// ParseEstimator reads minmax, percentile or mse.
func ParseEstimator(s string) (Estimator, error) {
	for i, n := range estimators {
		if n == s {
			return Estimator(i), nil
		}
	}
	return 0, fmt.Errorf("unknown estimator %q: expected minmax, percentile or mse", s)
}

// Range is an interval of real values.
type Range struct{ Min, Max float32 }

// Estimate returns the range of an observation. It always holds zero.
func (o Options) Estimate(ob *Observation) Range {
	r := Range{ob.Min, ob.Max}
	switch o.Estimator {
	case Percentile:
		p := o.Percentile
		if p == 0 {
			p = 99.99
		}
		r = ob.percentile(p)
	case MSE:
		r = ob.leastError()
	}
	return Range{min(r.Min, 0), max(r.Max, 0)}
}

// percentile cuts (100-p)/2 percent of the values at each end.
func (ob *Observation) percentile(p float64) Range {
	var total int64
	for _, n := range ob.Counts {
		total += n
	}
	cut := int64(float64(total) * (100 - p) / 200)
	lo, hi := 0, Bins-1
	for n := ob.Counts[lo]; n <= cut && lo < Bins-1; n += ob.Counts[lo] {
		lo++
	}
	for n := ob.Counts[hi]; n <= cut && hi > lo; n += ob.Counts[hi] {
		hi--
	}
	width := (ob.Max - ob.Min) / Bins
	return Range{ob.Min + float32(float32(lo)*width), ob.Max - float32(float32(Bins-1-hi)*width)}
}

// leastError searches both ends for the smallest expected squared error: the
// noise of rounding, step²/12, for values inside and the distance to the end
// for values outside.
func (ob *Observation) leastError() Range {
	lo, hi := float64(min(ob.Min, 0)), float64(max(ob.Max, 0))
	if hi <= lo {
		return Range{ob.Min, ob.Max}
	}
	var total float64
	for _, n := range ob.Counts {
		total += float64(n)
	}
	below, above := make([]float64, cuts+1), make([]float64, cuts+1)
	for k := range below {
		below[k], above[k] = ob.outside(float64(lo*fraction(k)), -1), ob.outside(float64(hi*fraction(k)), 1)
	}
	best, out := math.Inf(1), Range{}
	for a := range below {
		for b := range above {
			step := (float64(hi*fraction(b)) - float64(lo*fraction(a))) / 255
			if err := below[a] + above[b] + float64(total*step*step)/12; err < best {
				best = err
				out = Range{float32(lo * fraction(a)), float32(hi * fraction(b))}
			}
		}
	}
	return out
}

// cuts is the number of shorter ranges tried at each end, down to a fifth.
const cuts = 80

func fraction(k int) float64 { return float64(100-k) / 100 }

// outside sums the squared distances of values beyond the end of a range.
func (ob *Observation) outside(end, side float64) float64 {
	sum := 0.0
	for i, n := range ob.Counts {
		if d := (ob.center(i) - end) * side; n > 0 && d > 0 {
			sum += float64(float64(n) * d * d)
		}
	}
	return sum
}
