// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/figures"
)

// spread is what is known of a feature over the own steps of a set.
type spread struct {
	min, max, mean, std float64
}

func (f spread) String() string {
	return fmt.Sprintf("%s to %s, mean %s, deviation %s", figures.Short(f.min), figures.Short(f.max), figures.Short(f.mean), figures.Short(f.std))
}

// spreads returns the spread of every feature.
func (s *Set) spreads() []spread {
	all := make([]spread, s.Features)
	sum, square := make([]float64, s.Features), make([]float64, s.Features)
	for j := range all {
		all[j].min, all[j].max = math.Inf(1), math.Inf(-1)
	}
	x := make([]float32, s.Steps*s.Features)
	n := 0.0
	for i := range s.Len() {
		s.Sample(i, x)
		n += float64(s.Length(i))
		for k, v := range x[(s.Steps-s.Length(i))*s.Features:] {
			j, f := k%s.Features, float64(v)
			all[j].min, all[j].max = min(all[j].min, f), max(all[j].max, f)
			sum[j] += f
			square[j] += float64(f * f)
		}
	}
	for j := range all {
		all[j].mean = sum[j] / n
		all[j].std = math.Sqrt(max(square[j]/n-float64(all[j].mean*all[j].mean), 0))
	}
	return all
}

// needsScaling reports whether features are not yet as initial weights expect them: with
// means near 0 and deviations near 1. Features that never change do not count.
func needsScaling(s *Set) bool {
	for _, f := range s.spreads() {
		if f.std > 0 && (math.Abs(f.mean) > 0.3 || f.std > 2 || f.std < 0.5) {
			return true
		}
	}
	return false
}

// Unscaled names the feature that is farthest from what initial weights expect, with its
// mean and deviation; "" when none is far.
func (s *Set) Unscaled() string {
	if s.Len() == 0 || s.pixels != nil {
		return ""
	}
	worst, far := -1, 5.0
	all := s.spreads()
	for j, f := range all {
		if d := math.Abs(f.mean) + f.std; d > far {
			worst, far = j, d
		}
	}
	if worst < 0 {
		return ""
	}
	return fmt.Sprintf("feature %s has mean %s and deviation %s", s.feature(worst), figures.Short(all[worst].mean), figures.Short(all[worst].std))
}

// feature names feature j.
func (s *Set) feature(j int) string {
	if j < len(s.Columns) {
		return fmt.Sprintf("%q", figures.Cut(s.Columns[j], widest))
	}
	return fmt.Sprint(j)
}
