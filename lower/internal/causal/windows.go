// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// windowed is the rule of convolutions and poolings: along the frames they take what
// earlier ones left in a ring.
func (s *stepper) windowed(op *graph.Op, x graph.TensorID) {
	if len(op.Inputs) > 1 && s.of[op.Inputs[1]].kind != static || op.Inputs[0] != x {
		s.refuse(op, "its weights change from frame to frame")
	}
	m := s.of[x]
	h, w, err := s.g.Windows(op)
	s.must(op, err)
	time, other := h, w
	switch m.axis {
	case 0: // frames are images
		s.each(op, 0, nil)
		return
	case 2:
		time, other = w, h
	case 3:
		s.all(op, []graph.TensorID{x})
		return
	}
	extent := (time.Kernel-1)*time.Dilation + 1
	stride := time.Stride
	if time.Out == 1 { // there is nothing to go on to
		stride = 1
	}
	if extent == 1 && stride == 1 {
		s.each(op, m.axis, nil)
		return
	}
	r := m
	r.at = m.at + (extent-1-time.PadBefore)*m.rate
	r.rate = s.steady(op, m.rate*stride)
	r.count = time.Out
	if r.last() >= s.window && (m.last() < s.window || m.ahead != nil && m.ahead.Kind.Moves()) {
		r.ahead = op // and not the padding that it reads
	}
	if time.PadBefore > 0 {
		s.quiet(op, x)
	}
	beside := max((other.Out-1)*other.Stride+(other.Kernel-1)*other.Dilation+1-other.In, 0)
	pool := op.Kind == graph.AveragePool2D || op.Kind == graph.MaxPool2D
	if beside > 0 && pool && same(op.Attr) {
		s.refuse(op, "it pads beside the frames as well, with what is no value; pad with zeros before it (PAD), or pool without padding")
	}
	s.of[op.Outputs[0]] = r
	s.alike(op.Outputs[0], []graph.TensorID{x})
	s.emit[op] = func(b *builder) {
		n := b.count(r)
		last := r.newest(s.window)*stride + extent - 1 - time.PadBefore
		length := (n-1)*stride + extent
		in := b.until(x, last, length)
		attr := valid(op.Attr, m.axis, stride)
		if beside > 0 && same(op.Attr) {
			pads := make([]int, 8)
			at := 2 * (3 - m.axis)
			pads[at], pads[at+1] = other.PadBefore, beside-other.PadBefore
			in = b.pad(in, pads)
		}
		next := &graph.Op{Kind: op.Kind, Attr: attr, Inputs: []graph.TensorID{in}}
		for _, id := range op.Inputs[1:] {
			next.Inputs = append(next.Inputs, b.optional(id))
		}
		b.give(op, next, r)
	}
}

func same(attr any) bool {
	switch a := attr.(type) {
	case graph.Conv2DAttr:
		return a.Padding == graph.PadSame
	case graph.DepthwiseConv2DAttr:
		return a.Padding == graph.PadSame
	case graph.Pool2DAttr:
		return a.Padding == graph.PadSame
	}
	return false
}

// valid is an attribute without padding, with the given stride along the frames.
func valid(attr any, axis, stride int) any {
	set := func(h, w *int) {
		if axis == 1 {
			*h = stride
		} else {
			*w = stride
		}
	}
	switch a := attr.(type) {
	case graph.Conv2DAttr:
		a.Padding = graph.PadValid
		set(&a.StrideH, &a.StrideW)
		return a
	case graph.DepthwiseConv2DAttr:
		a.Padding = graph.PadValid
		set(&a.StrideH, &a.StrideW)
		return a
	case graph.Pool2DAttr:
		a.Padding = graph.PadValid
		set(&a.StrideH, &a.StrideW)
		return a
	}
	return attr
}

// quiet makes a sequence zero before its first frame, where the windowed graph has
// padding and the step, without this, values of its own.
func (s *stepper) quiet(op *graph.Op, x graph.TensorID) {
	m := s.of[x]
	if m.at < m.rate {
		return
	}
	root := s.rooted(x)
	if s.of[root].at != m.at {
		s.refuse(op, "it pads %q, which is cut off at its beginning; put the padding in front of all that cuts", s.name(x))
	}
	s.mask[root] = true
}

// before prepares a sequence for padding in front of it, with zeros or with others.
func (s *stepper) before(op *graph.Op, x graph.TensorID, other bool) {
	if m := s.of[x]; other && m.at >= m.rate {
		s.refuse(op, "it pads %q, which does not begin with the stream, with another value than 0; put the padding in front of all that cuts", s.name(x))
	}
	s.quiet(op, x)
}

// padded is the rule of padding: in front of the frames it is what a ring starts with.
func (s *stepper) padded(op *graph.Op, x graph.TensorID) {
	m := s.of[x]
	pads, err := s.g.Tensors[op.Inputs[1]].Ints()
	s.must(op, err)
	front, behind := pads[2*m.axis], pads[2*m.axis+1]
	rest := append([]int(nil), pads...)
	rest[2*m.axis], rest[2*m.axis+1] = 0, 0
	beside := false
	for _, n := range rest {
		beside = beside || n > 0
	}
	r := m
	if front+behind > 0 {
		if op.Kind == graph.MirrorPad {
			s.refuse(op, "it mirrors frames at the ends of the window; a stream has no ends: pad with zeros in front")
		}
		other := op.Kind == graph.PadV2 && !zeros(s.g.Tensors[op.Inputs[2]])
		if front > 0 {
			s.before(op, x, other)
		}
		r = s.extended(op, m, front, behind)
		if other && !beside {
			s.of[op.Outputs[0]] = r
			s.emit[op] = func(b *builder) { b.seq[op.Outputs[0]] = b.frames(x, 0, b.count(m)) }
			return
		}
	}
	out := op.Outputs[0]
	s.of[out] = r
	if !beside {
		s.root[out] = x
		return
	}
	s.emit[op] = func(b *builder) {
		next := &graph.Op{Kind: op.Kind, Attr: op.Attr, Inputs: []graph.TensorID{b.late(x, m), b.matrix(rest)}}
		for _, id := range op.Inputs[2:] {
			next.Inputs = append(next.Inputs, b.static(id))
		}
		b.give(op, next, r)
	}
}

// extended is a sequence with frames of zero at its ends.
func (s *stepper) extended(op *graph.Op, m moment, front, behind int) moment {
	r := m
	r.at -= front * m.rate
	r.count += front + behind
	if behind > 0 && r.last() >= s.window && m.ahead == nil {
		r.ahead = op
	}
	return r
}

// sliced is the rule of SLICE and STRIDED_SLICE.
func (s *stepper) sliced(op *graph.Op, x graph.TensorID) {
	spans, err := s.g.Spans(op)
	s.must(op, err)
	s.cut(op, 0, x, spans)
}

// cut takes spans of a sequence for an output.
func (s *stepper) cut(op *graph.Op, output int, x graph.TensorID, spans []graph.Span) {
	m, in := s.of[x], s.shape(x)
	t := spans[m.axis]
	if t.Drop || t.Count == 1 {
		s.leaf(op, output, leaf{from: x, index: t.Begin, spans: beside(spans, m.axis, in)})
		return
	}
	if t.Step < 0 {
		s.refuse(op, "it turns the frames around: not causal over time")
	}
	if t.Count == 0 {
		s.refuse(op, "it leaves no frames")
	}
	r := m
	r.at += t.Begin * m.rate
	r.rate = s.steady(op, m.rate*t.Step)
	r.count = t.Count
	out := op.Outputs[output]
	others := beside(spans, m.axis, in)
	for d := range m.axis {
		if spans[d].Drop {
			r.axis--
		}
	}
	s.of[out] = r
	if others == nil && t.Step == 1 {
		s.root[out] = x
		return
	}
	s.emitOutput(op, output, func(b *builder) {
		n := b.count(r)
		last := t.Begin + r.newest(s.window)*t.Step
		from := b.until(x, last, (n-1)*t.Step+1)
		all := append([]graph.Span(nil), spans...)
		all[m.axis] = graph.Span{Step: t.Step, Count: n}
		b.seq[out] = b.strided(from, all, s.name(out))
	})
}

// beside returns the spans of all dimensions but the frames', or nil where they take
// everything.
func beside(spans []graph.Span, axis int, in []int) []graph.Span {
	whole := true
	out := append([]graph.Span(nil), spans...)
	out[axis] = graph.Span{Step: 1, Count: 1}
	for d, sp := range spans {
		whole = whole && (d == axis || !sp.Drop && sp.Step == 1 && sp.Count == in[d])
	}
	if whole {
		return nil
	}
	return out
}
