// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/npy"
)

// setLengths takes over which steps are the sequences' own. A mask may leave out steps at
// either end: those that are kept are moved to the end, where a network that decides
// last reads them. With a label for every step a mask may have holes: they do not count.
func (s *Set) setLengths(mask, lengths *npy.Array) error {
	if mask == nil && lengths == nil {
		return nil
	}
	if mask != nil && (len(mask.Shape) != 2 || mask.Shape[0] != s.n || mask.Shape[1] != s.Steps || mask.IsText()) {
		return fmt.Errorf("%s: shape %v, type %s, expected [%d %d], a number for each step", mask.Name, mask.Shape, mask.Type, s.n, s.Steps)
	}
	if lengths != nil && (len(lengths.Shape) != 1 || lengths.Shape[0] != s.n || lengths.Kind() == 'f' || lengths.IsText()) {
		return fmt.Errorf("%s: shape %v, type %s, expected a whole number for each of %d sequences", lengths.Name, lengths.Shape, lengths.Type, s.n)
	}
	if mask != nil && lengths != nil {
		if err := s.agree(mask, lengths); err != nil {
			return err
		}
	}
	if err := budget.Ask(s.origin[0], budget.Times(4, int64(s.n), int64(s.Steps), int64(s.Features))); err != nil {
		return err
	}
	var on []float32
	if mask != nil {
		on = mask.Floats()
	}
	if s.pixels != nil {
		s.values = make([]float32, len(s.pixels))
		for i, p := range s.pixels {
			s.values[i] = unit[p]
		}
		s.pixels = nil
	}
	s.values, s.labels, s.targets = slices.Clone(s.values), slices.Clone(s.labels), slices.Clone(s.targets)
	s.lengths = make([]int32, s.n)
	padded := 0
	for i := range s.n {
		first, after := 0, s.Steps
		if mask == nil {
			n := lengths.Int(i)
			if n < 1 || n > int64(s.Steps) {
				return fmt.Errorf("%s: length %d is %d, expected 1 to %d", lengths.Name, i, n, s.Steps)
			}
			after = int(n)
		} else {
			row := on[i*s.Steps : (i+1)*s.Steps]
			for first < after && row[first] == 0 {
				first++
			}
			for after > first && row[after-1] == 0 {
				after--
			}
			if first == after {
				return fmt.Errorf("%s: sequence %d has no step left", mask.Name, i)
			}
			for t := first; t < after; t++ {
				if row[t] != 0 {
					continue
				}
				if !s.PerStep {
					return fmt.Errorf("%s: sequence %d has a hole at step %d: a network that decides at the end takes sequences in one piece", mask.Name, i, t)
				}
				s.unlabel(i, t)
			}
		}
		s.lengths[i] = int32(after - first)
		padded += s.Steps - (after - first)
		s.toEnd(i, first, after)
	}
	if padded > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("sequences have %d to %d own steps: they are moved to the end, what is missing is padded in front", slices.Min(s.lengths), slices.Max(s.lengths)))
	}
	return nil
}

// agree refuses lengths that say otherwise than a mask: a sequence has as many steps as its mask
// reaches from its first step to its last, or as it has set.
func (s *Set) agree(mask, lengths *npy.Array) error {
	on := mask.Floats()
	for i := range s.n {
		first, last, set := s.Steps, -1, 0
		for t, v := range on[i*s.Steps : (i+1)*s.Steps] {
			if v != 0 {
				first, last, set = min(first, t), t, set+1
			}
		}
		if n := lengths.Int(i); last >= 0 && n != int64(last-first+1) && n != int64(set) {
			return fmt.Errorf("%s: sequence %d has length %d, but %s leaves it %d steps: both are there and must agree; leave one of them out", lengths.Name, i, n, mask.Name, set)
		}
	}
	return nil
}

// unlabel takes the label or target of a step away.
func (s *Set) unlabel(i, t int) {
	s.masked = true
	if s.labels != nil {
		s.labels[i*s.Steps+t] = noLabel
		return
	}
	for k := range s.Outputs {
		s.targets[(i*s.Steps+t)*s.Outputs+k] = float32(math.NaN())
	}
}

// toEnd moves steps first..after-1 of a sequence to its end.
func (s *Set) toEnd(i, first, after int) {
	by := s.Steps - after
	if by > 0 {
		x := s.values[i*s.Steps*s.Features : (i+1)*s.Steps*s.Features]
		copy(x[(first+by)*s.Features:], x[first*s.Features:after*s.Features])
		if s.PerStep && s.labels != nil {
			y := s.labels[i*s.Steps : (i+1)*s.Steps]
			copy(y[first+by:], y[first:after])
		} else if s.PerStep {
			y := s.targets[i*s.Steps*s.Outputs : (i+1)*s.Steps*s.Outputs]
			copy(y[(first+by)*s.Outputs:], y[first*s.Outputs:after*s.Outputs])
		}
	}
	for t := range s.Steps - (after - first) {
		if s.PerStep {
			s.unlabel(i, t)
		}
	}
}

// bring brings all sequences to a number of steps; 0 leaves them.
func (s *Set) bring(steps int) error {
	if steps == 0 || steps == s.Steps {
		return nil
	}
	was := s.Steps
	width := s.Features
	if s.PerStep {
		width += max(s.Outputs, 1)
	}
	if err := askSequences(s.origin[0], s.n, steps, width); err != nil {
		return err
	}
	if s.pixels != nil {
		s.values = make([]float32, len(s.pixels))
		for i, p := range s.pixels {
			s.values[i] = unit[p]
		}
		s.pixels = nil
	}
	lengths := make([]int32, s.n)
	for i := range lengths {
		lengths[i] = int32(min(s.Length(i), steps))
	}
	s.values = lastRows(s.values, s.n, was, steps, s.Features, 0)
	if s.PerStep {
		s.masked = s.masked || steps > was
		s.labels = lastRows(s.labels, s.n, was, steps, 1, noLabel)
		s.targets = lastRows(s.targets, s.n, was, steps, s.Outputs, float32(math.NaN()))
	}
	s.Steps, s.lengths = steps, lengths
	s.Notes = append(s.Notes, fmt.Sprintf("sequences of %d steps are brought to %d, the last ones; what is missing is padded in front", was, steps))
	return nil
}

// lastRows keeps the last to rows of n times from rows, or puts rows of pad before them.
func lastRows[T any](v []T, n, from, to, width int, pad T) []T {
	if v == nil {
		return nil
	}
	out := make([]T, n*to*width)
	for i := range out {
		out[i] = pad
	}
	keep := min(from, to)
	for i := range n {
		copy(out[((i+1)*to-keep)*width:(i+1)*to*width], v[((i+1)*from-keep)*width:(i+1)*from*width])
	}
	return out
}
