// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// Rules of operators that make several frames out of one, and of those that join several.

// transposed is the rule of TRANSPOSE_CONV. Along time a frame adds to those that it is
// made into, so that every frame that comes out is made of a few that went in: these are
// kept, and not the sums, which have more bits than values have.
func (s *stepper) transposed(op *graph.Op, frames []graph.TensorID) {
	x := op.Inputs[2]
	if frames[0] != x || len(frames) > 1 {
		s.refuse(op, "its weights change from frame to frame")
	}
	m := s.of[x]
	h, w, err := s.g.TransposeWindows(op)
	s.must(op, err)
	time, other := h, w
	switch m.axis {
	case 0: // frames are images
		s.each(op, 0, func(b *builder, pos int) (graph.TensorID, bool) {
			if pos != 0 {
				return 0, false
			}
			return b.ints(b.resized(op.Outputs[0], m)), true
		})
		return
	case 2:
		time, other = w, h
	case 3:
		s.all(op, []graph.TensorID{x})
		return
	}
	r := s.multiplied(op, m, time.Stride, time.In)
	r.at += time.PadBefore * r.rate
	if r.last() >= s.window && m.last() < s.window {
		r.ahead = op
	}
	if time.Kernel > time.Stride {
		s.quiet(op, x)
	}
	s.of[op.Outputs[0]] = r
	s.emit[op] = func(b *builder) { b.transposed(op, m, r, time, other) }
}

// transposed writes a TRANSPOSE_CONV of the frames that a call's are made of, and takes
// them out of what it gives.
func (b *builder) transposed(op *graph.Op, m, r moment, time, other graph.Window) {
	n := b.count(r)
	last := r.newest(b.s.window) + time.PadBefore // place in what the kernels reach
	first := last - n + 1
	from, to := -floorDiv(time.Kernel-1-first, time.Stride), floorDiv(last, time.Stride)
	in := b.until(op.Inputs[2], to, to-from+1)
	begin := first - from*time.Stride
	room := func(in int, w graph.Window, end int) int { return max((in-1)*w.Stride+w.Kernel, end) }
	shape := append([]int(nil), b.s.shape(op.Outputs[0])...)
	shape[m.axis] = room(to-from+1, time, begin+n)
	shape[3-m.axis] = room(other.Out, other, other.PadBefore+other.In)
	a := op.Attr.(graph.TransposeConvAttr)
	a.Padding = graph.PadValid
	next := []graph.TensorID{b.ints(shape), b.static(op.Inputs[1]), in}
	for _, id := range op.Inputs[3:] {
		next = append(next, b.optional(id))
	}
	out := op.Outputs[0]
	got := b.one(graph.TransposeConv, a, b.s.name(out), out, shape, next...)
	got = b.cut(got, m.axis, begin, n, b.s.name(out))
	b.seq[out] = b.cut(got, 3-m.axis, other.PadBefore, other.In, b.s.name(out))
}

// blocks is the rule of a shape that cuts every frame into several, or joins the frames of
// a block, without changing their order. It reports whether it is one of them; a flattened
// window is none.
func (s *stepper) blocks(op *graph.Op, x graph.TensorID) bool {
	m, in, out := s.of[x], s.shape(x), s.shape(op.Outputs[0])
	before, frame := graph.Elems(in[:m.axis]), graph.Elems(in[m.axis+1:])
	for d, n := range out {
		if graph.Elems(out[:d]) != before || n < 2 || d == len(out)-1 && frame > 1 {
			continue
		}
		each, join := n/m.count, m.count/n
		inner := graph.Elems(out[d+1:])
		r := m
		switch {
		case each > 1 && each*m.count == n && inner*each == frame:
			r = s.multiplied(op, m, each, n)
		case join > 1 && join*n == m.count && inner == frame*join && s.steps%(m.rate*join) == 0:
			r.at, r.rate, r.count = m.at+(join-1)*m.rate, m.rate*join, n
		default:
			continue
		}
		r.axis = d
		s.of[op.Outputs[0]] = r
		s.emit[op] = func(b *builder) {
			last := r.newest(s.window)
			if each > 1 {
				last = floorDiv(last, each)
			} else {
				last = last*join + join - 1
			}
			frames := b.until(x, last, b.count(m))
			b.give(op, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{}, Inputs: []graph.TensorID{frames}}, r)
		}
		return true
	}
	return false
}

// repeated is the rule of RESIZE_NEAREST_NEIGHBOR and GATHER that repeat every frame.
func (s *stepper) repeated(op *graph.Op, x graph.TensorID, times int) {
	m := s.of[x]
	r := s.multiplied(op, m, times, m.count*times)
	s.of[op.Outputs[0]] = r
	s.emit[op] = func(b *builder) {
		v, err := s.g.Tensors[op.Inputs[1]].Ints()
		s.must(op, err)
		v = append([]int(nil), v...)
		if op.Kind == graph.Gather { // the indices begin as those of all frames do
			v = v[:b.count(r)]
		} else {
			v[m.axis-1] = b.count(r)
		}
		frames := b.until(x, floorDiv(r.newest(s.window), times), b.count(m))
		b.give(op, &graph.Op{Kind: op.Kind, Attr: op.Attr, Inputs: []graph.TensorID{frames, b.ints(v)}}, r)
	}
}
