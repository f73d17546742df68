// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"cmp"
	"slices"
)

// Objectives that are made small against accuracy.
const (
	Cycles = "cycles"
	Flash  = "flash"
	SRAM   = "sram"
)

// Objectives are their names.
func Objectives() []string { return []string{Cycles, Flash, SRAM} }

// cost is what an objective says of a result.
func cost(objective string, f Figures) int64 {
	switch objective {
	case Flash:
		return int64(f.Flash)
	case SRAM:
		return int64(f.SRAM)
	}
	return f.Sequence
}

// dominates reports whether a is at least as exact as b, costs no more, and is better in one
// of the two. What is more exact than asked for counts as asked for, so that of networks that
// are good enough the cheapest one is the best.
func (s *Study) dominates(a, b *Result) bool {
	qa, qb := s.counted(a), s.counted(b)
	ca, cb := cost(s.Asked.Objective, a.Figures), cost(s.Asked.Objective, b.Figures)
	return qa >= qb && ca <= cb && (qa > qb || ca < cb)
}

func (s *Study) counted(r *Result) float64 {
	if bound := s.Asked.Bounds.Accuracy; bound > 0 {
		return min(r.Accuracy, bound)
	}
	return r.Accuracy
}

// ranked orders the results of a rung, the best first. What is not within the bounds comes
// last. The others are taken layer by layer: those that no other one dominates, then those
// that none of the rest does, and so on; within a layer the most exact comes first. So cheap
// networks go on beside exact ones, and none does for which there is a better one.
func (s *Study) ranked(rung []Result) []Result {
	var order, rest []Result
	var last []Result
	for _, r := range rung {
		if s.Asked.Bounds.Fits(r.Figures) {
			rest = append(rest, r)
		} else {
			last = append(last, r)
		}
	}
	for len(rest) > 0 {
		var layer, behind []Result
		for i := range rest {
			if slices.ContainsFunc(rest, func(o Result) bool { return s.dominates(&o, &rest[i]) }) {
				behind = append(behind, rest[i])
			} else {
				layer = append(layer, rest[i])
			}
		}
		slices.SortFunc(layer, func(a, b Result) int {
			return cmp.Or(cmp.Compare(s.counted(&b), s.counted(&a)), cmp.Compare(cost(s.Asked.Objective, a.Figures), cost(s.Asked.Objective, b.Figures)),
				cmp.Compare(b.Accuracy, a.Accuracy), cmp.Compare(a.Candidate, b.Candidate))
		})
		order, rest = append(order, layer...), behind
	}
	slices.SortFunc(last, func(a, b Result) int { return cmp.Compare(a.Candidate, b.Candidate) })
	return append(order, last...)
}

// Latest keeps of every candidate the result of its highest rung, in the order of the
// candidates.
func Latest(results []Result) []Result {
	of := map[int]Result{}
	for _, r := range results {
		if was, ok := of[r.Candidate]; !ok || r.Rung > was.Rung {
			of[r.Candidate] = r
		}
	}
	list := make([]Result, 0, len(of))
	for _, r := range of {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Result) int { return a.Candidate - b.Candidate })
	return list
}

// Front returns the candidates within the bounds of the hardware for which no other one is
// at least as exact and takes no more cycles, flash and SRAM; the cheapest first. Each
// counts by its highest rung.
func (s *Study) Front(results []Result) []Result {
	var list []Result
	for _, r := range Latest(results) {
		if s.Asked.Bounds.Fits(r.Figures) {
			list = append(list, r)
		}
	}
	better := func(a, b *Result) bool {
		if a.Accuracy < b.Accuracy || a.Sequence > b.Sequence || a.Flash > b.Flash || a.SRAM > b.SRAM {
			return false
		}
		same := a.Accuracy == b.Accuracy && a.Sequence == b.Sequence && a.Flash == b.Flash && a.SRAM == b.SRAM
		return !same || a.Candidate < b.Candidate
	}
	var front []Result
	for i := range list {
		if !slices.ContainsFunc(list, func(o Result) bool { return o.Candidate != list[i].Candidate && better(&o, &list[i]) }) {
			front = append(front, list[i])
		}
	}
	slices.SortStableFunc(front, func(a, b Result) int {
		return cmp.Compare(cost(s.Asked.Objective, a.Figures), cost(s.Asked.Objective, b.Figures))
	})
	return front
}

// Best returns the result that answers the study: of those of the last rung within all
// bounds, the cheapest where an accuracy is asked for, else the most exact; false when none is.
func (s *Study) Best(results []Result) (Result, bool) {
	var last []Result
	for _, r := range results {
		if r.Rung == s.Asked.Plan.Rungs-1 && s.Asked.Bounds.Good(r.Figures) {
			last = append(last, r)
		}
	}
	if len(last) == 0 {
		return Result{}, false
	}
	return s.ranked(last)[0], true
}
