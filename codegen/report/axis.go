// SPDX-License-Identifier: Apache-2.0

package report

import "math"

// axis shows the time of a stage with what repeats drawn once: windows of cycles, one
// beside the other.
//
// What is drawn once for many takes at least half of the axis: it is what people look for,
// and it would be a hair beside a long prologue.
type axis struct {
	windows []window
	total   float64 // length of the axis, in cycles of what is not stretched
	cycles  float64 // of the stage
	stretch float64 // of what repeats, at least 1
}

// window is a stretch of time that is drawn: all of a part that does not repeat, the
// second repetition of one that does.
type window struct {
	From, To float64 // cycles of the stage
	At       float64 // where it begins on the axis
	Scale    float64 // length on the axis of a cycle
	First    int     // operation
	Ops      int     // of one repetition
	Count    int     // repetitions
	Each     float64 // cycles of one repetition, on average
	Begin    float64 // of the first repetition
}

// newAxis folds the operations of a stage. Parts that repeat are told by the kernels
// alone: transfers may run ahead of the step that they are for.
func newAxis(s *stage) axis {
	var kernels []int
	var like []string
	for i := range s.ops {
		if !s.ops[i].DMA {
			kernels = append(kernels, i)
			like = append(like, s.ops[i].like())
		}
	}
	a := axis{cycles: float64(s.report.Total)}
	begin := func(k int) float64 {
		switch {
		case k == 0:
			return 0
		case k == len(kernels):
			return a.cycles
		}
		return s.ops[kernels[k]].Begins
	}
	for _, seg := range fold(like) {
		first := seg.First
		w := window{First: kernels[first], Ops: seg.Period, Count: seg.Count, Begin: begin(first)}
		end := begin(seg.end())
		w.Each = (end - w.Begin) / float64(seg.Count)
		w.From, w.To = w.Begin, end
		if seg.Count > 1 {
			w.From, w.To = begin(first+seg.Period), begin(first+2*seg.Period)
			w.First = kernels[first+seg.Period]
		}
		a.add(w)
	}
	if len(kernels) == 0 {
		a.add(window{To: a.cycles, Ops: len(s.ops), Count: 1, Each: a.cycles})
	}
	a.lay()
	return a
}

func (a *axis) add(w window) { a.windows = append(a.windows, w) }

// lay puts the windows side by side.
func (a *axis) lay() {
	var once, many float64
	for _, w := range a.windows {
		if w.Count > 1 {
			many += w.To - w.From
		} else {
			once += w.To - w.From
		}
	}
	if a.stretch = 1; many > 0 && once > many {
		a.stretch = once / many
	}
	for i := range a.windows {
		w := &a.windows[i]
		if w.Scale = 1; w.Count > 1 {
			w.Scale = a.stretch
		}
		w.At = a.total
		a.total += w.length()
	}
}

// length is that of the window on the axis.
func (w *window) length() float64 { return float64((w.To - w.From) * w.Scale) }

// at is where a moment within the window lies on the axis.
func (w *window) at(cycle float64) float64 { return w.At + float64((cycle-w.From)*w.Scale) }

// folded reports whether something is drawn once that happens more often.
func (a *axis) folded() bool {
	for _, w := range a.windows {
		if w.Count > 1 {
			return true
		}
	}
	return false
}

// stretch is a piece of the axis.
type stretch struct{ From, To float64 }

// shown returns where the time from one moment to another is drawn; stretches that touch
// are one.
func (a *axis) shown(from, to float64) []stretch {
	var list []stretch
	for _, w := range a.windows {
		lo, hi := math.Max(from, w.From), math.Min(to, w.To)
		if hi < lo || hi == lo && from != to {
			continue
		}
		s := stretch{w.at(lo), w.at(hi)}
		if n := len(list); n > 0 && list[n-1].To >= s.From {
			list[n-1].To = s.To
			continue
		}
		list = append(list, s)
	}
	return list
}
