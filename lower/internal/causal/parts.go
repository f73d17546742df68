// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// leaf makes an output the instance of one frame of a sequence.
func (s *stepper) leaf(op *graph.Op, output int, l leaf) {
	m := s.of[l.from]
	at := m.at + l.index*m.rate
	if at >= s.window {
		one := m
		one.at, one.count = at, 1
		s.notYet(op, one)
	}
	id := op.Outputs[output]
	s.leaves[id] = l
	s.of[id] = moment{kind: instance, rate: m.rate, at: at, since: at, ahead: m.ahead}
}

// emitOutput notes how one of several outputs of an operator is written.
func (s *stepper) emitOutput(op *graph.Op, output int, f func(b *builder)) {
	id := op.Outputs[output]
	s.emitOne[id] = f
}

// parted is the rule of SPLIT, SPLIT_V and UNPACK.
func (s *stepper) parted(op *graph.Op, x graph.TensorID) {
	m, in := s.of[x], s.shape(x)
	axis, err := s.g.Axis(op)
	s.must(op, err)
	if axis != m.axis {
		at := m.axis
		if op.Kind == graph.Unpack && axis < at {
			at--
		}
		s.each(op, at, nil)
		return
	}
	begin := 0
	for i, id := range op.Outputs {
		n := 1
		if op.Kind != graph.Unpack {
			n = s.shape(id)[axis]
		}
		spans := make([]graph.Span, len(in))
		for d := range spans {
			spans[d] = graph.Span{Step: 1, Count: in[d]}
		}
		spans[axis] = graph.Span{Begin: begin, Step: 1, Count: n}
		if n == 0 || m.at+begin*m.rate >= s.window && s.unused(id) {
			s.of[id] = moment{kind: sequence, axis: axis, rate: m.rate, at: m.at + begin*m.rate, count: max(n, 1), ahead: m.ahead}
		} else {
			s.cut(op, i, x, spans)
		}
		begin += n
	}
}

// unused reports whether nothing reads a tensor.
func (s *stepper) unused(id graph.TensorID) bool {
	for _, op := range s.g.Ops {
		if slices.Contains(op.Inputs, id) {
			return false
		}
	}
	return !slices.Contains(s.g.Outputs, id)
}

// gathered is the rule of GATHER: along the frames it may be a slice.
func (s *stepper) gathered(op *graph.Op, frames []graph.TensorID) {
	if len(frames) > 1 || frames[0] != op.Inputs[0] {
		s.refuse(op, "it chooses by computed indices")
	}
	x := frames[0]
	m, in := s.of[x], s.shape(x)
	axis, err := s.g.Axis(op)
	s.must(op, err)
	index := s.g.Tensors[op.Inputs[1]]
	if axis != m.axis {
		at := m.axis
		if axis < at {
			at += len(index.Shape) - 1
		}
		s.each(op, at, nil)
		return
	}
	v, err := index.Ints()
	s.must(op, err)
	if len(index.Shape) > 1 || len(v) == 0 || op.Attr.(graph.GatherAttr).BatchDims != 0 {
		s.refuse(op, "it chooses frames in an order of its own; take them by a slice")
	}
	step := 1
	if len(v) > 1 {
		step = v[1] - v[0]
	}
	if times := len(v) / m.count; len(index.Shape) == 1 && op.Attr.(graph.GatherAttr).BatchDims == 0 && eachTimes(v, times) && times*m.count == len(v) {
		s.repeated(op, x, times)
		return
	}
	for i, n := range v {
		if n != v[0]+i*step || step == 0 {
			s.refuse(op, "it chooses frames in an order of its own; take them by a slice")
		}
	}
	spans := make([]graph.Span, len(in))
	for d := range spans {
		spans[d] = graph.Span{Step: 1, Count: in[d]}
	}
	spans[axis] = graph.Span{Begin: v[0], Step: step, Count: len(v), Drop: len(index.Shape) == 0}
	s.cut(op, 0, x, spans)
}

// eachTimes reports whether indices are those of all frames, each so many times.
func eachTimes(v []int, times int) bool {
	if times < 2 {
		return false
	}
	for i, n := range v {
		if n != i/times {
			return false
		}
	}
	return true
}

// concatenated is the rule of joined sequences: beside each other, or frames of zero in
// front.
func (s *stepper) concatenated(op *graph.Op, frames []graph.TensorID) {
	axis, err := s.g.Axis(op)
	s.must(op, err)
	x := frames[0]
	m := s.of[x]
	for _, id := range frames[1:] {
		if s.of[id].axis != m.axis {
			s.refuse(op, "%q has its frames along another dimension than %q", s.g.Tensors[id].Name, s.g.Tensors[x].Name)
		}
	}
	if axis != m.axis {
		s.each(op, m.axis, func(b *builder, pos int) (graph.TensorID, bool) {
			return b.oneFrame(op, op.Inputs[pos], m.axis, b.count(m)), true
		})
		return
	}
	if len(frames) > 1 {
		s.refuse(op, "it puts sequences behind each other in time; a stream has no end to put another behind")
	}
	front, behind, seen, other := 0, 0, false, false
	for _, id := range op.Inputs {
		switch {
		case id == x:
			seen = true
			continue
		case s.g.Tensors[id].Data == nil:
			s.refuse(op, "it puts %q before or behind the frames, which is computed; put a constant there", s.g.Tensors[id].Name)
		case seen:
			behind += s.shape(id)[axis]
		default:
			front += s.shape(id)[axis]
			other = other || !zeros(s.g.Tensors[id])
		}
	}
	if front > 0 {
		s.before(op, x, other)
	}
	s.of[op.Outputs[0]] = s.extended(op, m, front, behind)
	if other {
		s.emit[op] = func(b *builder) { b.seq[op.Outputs[0]] = b.frames(x, 0, b.count(m)) }
		return
	}
	s.root[op.Outputs[0]] = x
}

// spread is the rule of operators that repeat or resize: not along the frames.
func (s *stepper) spread(op *graph.Op, x graph.TensorID) {
	m, in, out := s.of[x], s.shape(x), s.shape(op.Outputs[0])
	axis := m.axis + len(out) - len(in)
	if times := out[axis] / m.count; op.Kind == graph.ResizeNearestNeighbor && (axis == 1 || axis == 2) && times > 1 && times*m.count == out[axis] {
		s.repeated(op, x, times)
		return
	}
	if out[axis] != m.count {
		s.refuse(op, "it makes %d frames of %d; there is no form of it for single frames", out[axis], m.count)
	}
	s.each(op, axis, func(b *builder, pos int) (graph.TensorID, bool) {
		if pos != 1 {
			return 0, false
		}
		r := m
		r.axis = axis
		v, err := s.g.Tensors[op.Inputs[1]].Ints()
		s.must(op, err)
		v = append([]int(nil), v...)
		switch op.Kind {
		case graph.BroadcastTo:
			v[axis] = b.count(r)
		case graph.ResizeBilinear, graph.ResizeNearestNeighbor:
			if axis == 1 || axis == 2 {
				v[axis-1] = b.count(r)
			}
		}
		return b.ints(v), true
	})
}

// packed is the rule of instances that are joined to a sequence: one for every frame.
// It reports whether they are.
func (s *stepper) packed(op *graph.Op, ids []graph.TensorID) bool {
	if op.Kind != graph.Pack && op.Kind != graph.Concatenation || len(ids) < 2 || len(ids) != len(op.Inputs) {
		return false
	}
	axis, err := s.g.Axis(op)
	s.must(op, err)
	first, second := s.of[ids[0]], s.of[ids[1]]
	for i, id := range ids {
		m := s.of[id]
		if m.at == first.at && i > 0 && len(ids) > 2 && m.since > s.of[ids[i-1]].since {
			s.refuse(op, "its frames are computed from the last one to the first (a backward or bidirectional layer): not causal over time")
		}
		if m.rate != first.rate || m.at != first.at+i*(second.at-first.at) || op.Kind == graph.Concatenation && s.shape(id)[axis] != 1 {
			return false
		}
	}
	if second.at-first.at != first.rate {
		return false
	}
	s.of[op.Outputs[0]] = moment{kind: sequence, axis: axis, rate: first.rate, at: first.at, count: len(ids), ahead: s.of[ids[len(ids)-1]].ahead}
	s.emit[op] = func(b *builder) {
		m := s.of[op.Outputs[0]]
		last := ids[len(ids)-1]
		s.repeats(op, last, ids[len(ids)-2])
		n := b.count(m)
		next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
		for i := range n {
			next.Inputs = append(next.Inputs, b.instance(last, n-1-i))
		}
		if op.Kind == graph.Pack {
			next.Attr = graph.PackAttr{Axis: axis, ValuesCount: n}
		}
		if n == 1 && op.Kind == graph.Concatenation {
			b.seq[op.Outputs[0]] = next.Inputs[0]
			return
		}
		b.give(op, next, m)
	}
	return true
}
