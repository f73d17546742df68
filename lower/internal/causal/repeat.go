// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// repeat finds which instance is the value of another one frame later. Two instances
// are, if one kind of operator makes them of inputs that are: the same constants, frames
// of a sequence that follow each other, or instances that are again. The newest pair is
// compared; older ones are taken for the same by induction, as far as their times fit,
// because the first step of a recurrence often is written in a shorter form. What is
// taken for the same wrongly does not pass the proof.
type repeat struct {
	later, earlier map[graph.TensorID]graph.TensorID
	sorted         map[string][]graph.TensorID // instances that operators compute, by what the first look tells
	emitOne        map[graph.TensorID]func(b *builder)
	mask           map[graph.TensorID]bool // rooted sequences that are zero before their first frame
	first          map[graph.TensorID]bool // rooted sequences that are their first frame before it
	padding        map[graph.TensorID][]float32
}

func newRepeat() repeat {
	return repeat{later: map[graph.TensorID]graph.TensorID{}, earlier: map[graph.TensorID]graph.TensorID{},
		sorted: map[string][]graph.TensorID{}, emitOne: map[graph.TensorID]func(b *builder){}, mask: map[graph.TensorID]bool{}, first: map[graph.TensorID]bool{}}
}

// index sorts the instances.
func (s *stepper) index() {
	for _, op := range s.g.Ops {
		for i, id := range op.Outputs {
			if _, isLeaf := s.leaves[id]; s.of[id].kind == instance && !isLeaf {
				key := s.look(op, i, s.of[id].at)
				s.sorted[key] = append(s.sorted[key], id)
			}
		}
	}
}

func (s *stepper) look(op *graph.Op, output, at int) string {
	return fmt.Sprint(op.Kind, op.Attr, output, s.shape(op.Outputs[output]), at)
}

// next returns the instance that id is a frame later, or None.
func (s *stepper) next(id graph.TensorID) graph.TensorID {
	if n, ok := s.later[id]; ok {
		return n
	}
	op, m := s.made[id], s.of[id]
	for _, candidate := range s.sorted[s.look(op, slices.Index(op.Outputs, id), m.at+m.rate)] {
		if s.same(candidate, id) {
			return candidate
		}
	}
	return graph.None
}

// path returns by which inputs one instance is reached from another that is computed from
// it, or nil.
func (s *stepper) path(from, to graph.TensorID) []int {
	seen := map[graph.TensorID]bool{}
	var find func(at graph.TensorID) []int
	find = func(at graph.TensorID) []int {
		if at == graph.None || seen[at] || s.of[at].kind != instance || s.of[at].at < s.of[to].at || s.made[at] == nil {
			return nil
		}
		seen[at] = true
		for pos, in := range s.made[at].Inputs {
			if in == to {
				return []int{pos}
			}
			if rest := find(in); rest != nil {
				return append([]int{pos}, rest...)
			}
		}
		return nil
	}
	return find(from)
}

// along follows a path, or returns None where there is none of its kind.
func (s *stepper) along(at graph.TensorID, path []int) graph.TensorID {
	for _, pos := range path {
		op := s.made[at]
		if op == nil || pos >= len(op.Inputs) || op.Inputs[pos] == graph.None || s.of[op.Inputs[pos]].kind != instance {
			return graph.None
		}
		at = op.Inputs[pos]
	}
	return at
}

// same reports whether b is a, one frame before, and notes it.
func (s *stepper) same(a, b graph.TensorID) bool {
	var noted []graph.TensorID
	if s.match(a, b, &noted) {
		return true
	}
	for _, a := range noted {
		delete(s.later, s.earlier[a])
		delete(s.earlier, a)
	}
	return false
}

func (s *stepper) match(a, b graph.TensorID, noted *[]graph.TensorID) bool {
	if a == graph.None || b == graph.None {
		return a == b
	}
	if old, ok := s.earlier[a]; ok {
		return old == b
	}
	ma, mb := s.of[a], s.of[b]
	if ma.kind == static && mb.kind == static {
		x, y := s.g.Tensors[a], s.g.Tensors[b]
		return a == b || x.IsConst() && y.IsConst() && slices.Equal(x.Shape, y.Shape) && bytes.Equal(x.Data, y.Data)
	}
	if ma.kind == sequence && mb.kind == sequence { // all frames of the window: there is but one
		return false
	}
	la, leafA := s.leaves[a]
	lb, leafB := s.leaves[b]
	if leafA || leafB {
		return leafA && leafB && s.rooted(la.from) == s.rooted(lb.from) && ma.at == mb.at+ma.rate &&
			slices.Equal(s.shape(a), s.shape(b)) && reflect.DeepEqual(la.spans, lb.spans)
	}
	if ma.kind != instance {
		return false
	}
	_, older := s.later[a] // of a pair that is the same a frame later
	if older && (mb.kind == static || mb.at == ma.at-ma.rate) {
		if mb.kind == instance {
			if _, taken := s.later[b]; taken {
				return false
			}
			s.note(a, b, noted)
		}
		return slices.Equal(s.shape(a), s.shape(b)) || mb.kind == static
	}
	if mb.kind != instance || mb.at != ma.at-ma.rate {
		return false
	}
	if _, taken := s.later[b]; taken {
		return false
	}
	x, y := s.made[a], s.made[b]
	i := slices.Index(x.Outputs, a)
	if x.Kind != y.Kind || i != slices.Index(y.Outputs, b) || len(x.Inputs) != len(y.Inputs) || !reflect.DeepEqual(x.Attr, y.Attr) || !slices.Equal(s.shape(a), s.shape(b)) {
		return false
	}
	s.note(a, b, noted)
	for k := range x.Inputs {
		if !s.match(x.Inputs[k], y.Inputs[k], noted) {
			return false
		}
	}
	return true
}

func (s *stepper) note(a, b graph.TensorID, noted *[]graph.TensorID) {
	s.earlier[a], s.later[b] = b, a
	*noted = append(*noted, a)
}

// top returns the newest instance that id is of, and how many frames before it id is.
// last reports that no later one could be; where it is false, the value is computed anew
// from what is.
func (s *stepper) top(id graph.TensorID) (top graph.TensorID, before int, last bool) {
	at := id
	for n := 0; ; n++ {
		m := s.of[at]
		if m.at+m.rate >= s.window {
			s.forward(at)
			return at, n, true
		}
		next := s.next(at)
		if next == graph.None {
			return at, n, false
		}
		at = next
	}
}

// forward refuses a value that is computed from the last frame to the first.
func (s *stepper) forward(id graph.TensorID) {
	op, m := s.made[id], s.of[id]
	at := []graph.TensorID{id}
	for i := 1; i <= 2; i++ {
		for _, other := range s.sorted[s.look(op, slices.Index(op.Outputs, id), m.at)] {
			if s.of[other].since == m.since+i*m.rate {
				at = append(at, other)
				break
			}
		}
	}
	if len(at) == 3 {
		s.refuse(op, "it is computed from the last frame to the first (a backward or bidirectional layer): not causal over time")
	}
}

// repeats refuses frames that are put together to a sequence but not computed alike.
func (s *stepper) repeats(op *graph.Op, last, before graph.TensorID) {
	same := s.same(last, before)
	if !same {
		s.refuse(op, "its last frame, %q, is not computed as the one before, %q: the frames follow no rule that goes on", s.g.Tensors[last].Name, s.g.Tensors[before].Name)
	}
}
