// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// What is different at the beginning of a stream: frames in front of the first that repeat
// it, and constants that settle after a few frames.

// edged is the rule of copies of its first frame in front of a sequence. It reports
// whether it is that.
func (s *stepper) edged(op *graph.Op, frames []graph.TensorID) bool {
	if op.Kind != graph.Concatenation || len(frames) != 1 || op.Inputs[len(op.Inputs)-1] != frames[0] {
		return false
	}
	x := frames[0]
	m, front := s.of[x], len(op.Inputs)-1
	if axis, err := s.g.Axis(op); err != nil || axis != m.axis {
		return false
	}
	for _, id := range op.Inputs[:front] {
		l, ok := s.leaves[id]
		if !ok || l.spans != nil || s.rooted(l.from) != s.rooted(x) || s.of[id].at != m.at || s.shape(id)[m.axis] != 1 {
			return false
		}
	}
	if m.at < 0 || m.at >= m.rate {
		s.refuse(op, "it repeats the first frame of %q, which does not begin with the stream; put the padding in front of all that cuts or pads", s.name(x))
	}
	out := op.Outputs[0]
	s.of[out] = s.extended(op, m, front, 0)
	s.first[out] = true
	s.emit[op] = func(b *builder) { b.seq[out] = b.frames(x, 0, b.count(m)) }
	return true
}

// alike says of a sequence that is computed from others what is known of its frames before
// the stream: from frames that repeat the first follow frames that repeat the first.
func (s *stepper) alike(out graph.TensorID, frames []graph.TensorID) {
	for _, id := range frames {
		s.first[out] = s.first[out] || s.of[out].at < 0 && s.first[s.rooted(id)]
	}
}

// begun returns the frames of a ring, and in the first call, in which they are zero, the
// first frame of the stream in the place of each.
func (b *builder) begun(ring, fresh graph.TensorID, axis int) graph.TensorID {
	began := b.mask(moment{kind: sequence, rate: b.s.steps, at: b.s.steps}) // 0 in the first call, then 1
	shape := make([]int, len(b.g.Tensors[ring].Shape))
	for d := range shape {
		shape[d] = 1
	}
	began = b.one(graph.Reshape, graph.ReshapeAttr{}, "started", graph.None, shape, began)
	from, name := b.from[fresh], b.g.Tensors[ring].Name
	first := b.cut(fresh, axis, 0, 1, name+"_first")
	again := b.one(graph.Mul, graph.MulAttr{}, name+"_again", from, b.g.Tensors[first].Shape, first, began)
	once := b.one(graph.Sub, graph.SubAttr{}, name+"_once", from, b.g.Tensors[first].Shape, first, again)
	return b.one(graph.Add, graph.AddAttr{}, name+"_begun", from, b.g.Tensors[ring].Shape, ring, once)
}

// mostUnsettled bounds the frames after which a constant has to be the same for good.
const mostUnsettled = 16

// settling returns after how many frames a constant stays the same along a dimension. ok
// is false where it differs to its end, or for long.
func settling(t *graph.Tensor, axis int) (frames int, ok bool) {
	n := t.Shape[axis]
	for frames = 0; frames <= mostUnsettled && 2*frames < n; frames++ {
		if sameAlong(rows(t, axis, frames, n-frames), axis) {
			return frames, true
		}
	}
	return 0, false
}

// rows takes a range of one dimension of a constant.
func rows(t *graph.Tensor, axis, first, n int) *graph.Tensor {
	out := *t
	out.Shape = append([]int(nil), t.Shape...)
	out.Shape[axis] = n
	out.Data = nil
	size := graph.Elems(t.Shape[axis+1:]) * t.Type.Size()
	for outer := range graph.Elems(t.Shape[:axis]) {
		out.Data = append(out.Data, t.Data[(outer*t.Shape[axis]+first)*size:][:n*size]...)
	}
	return &out
}

// settled is a constant that differs in its first frames, for the frames of a call of m:
// the first value, and every difference from when on it is there.
func (b *builder) settled(id graph.TensorID, axis, frames int, m moment) graph.TensorID {
	t := b.s.g.Tensors[id]
	name := b.s.name(id)
	lead, n := floorDiv(m.at, m.rate), b.count(m)
	most := lead + frames
	row := rows(t, axis, 0, 1)
	steps := make([]*graph.Tensor, frames)
	for i := range steps {
		before, after := floats(rows(t, axis, i, 1)), floats(rows(t, axis, i+1, 1))
		change := *row
		change.Data = nil
		for k := range before {
			change.Data = binary.LittleEndian.AppendUint32(change.Data, math.Float32bits(after[k]-before[k]))
		}
		steps[i] = &change
	}
	ones := make([]int, len(t.Shape))
	for d := range ones {
		ones[d] = 1
	}
	ones[axis] = n
	constant := func(t *graph.Tensor) graph.TensorID {
		c := *t
		c.Name = b.unique(name)
		return b.append(&c, graph.None)
	}
	shape := append([]int(nil), row.Shape...)
	shape[axis] = n
	at := constant(row)
	for i, change := range steps {
		after := lead + i + 1 // frames of the stream before the difference
		add := constant(change)
		if after > 0 {
			began := b.started(m.rate, most, after)
			began = b.one(graph.Reshape, graph.ReshapeAttr{}, "started", graph.None, ones, began)
			add = b.one(graph.Mul, graph.MulAttr{}, name+"_change", graph.None, shape, began, add)
		}
		at = b.one(graph.Add, graph.AddAttr{}, name+"_settling", graph.None, shape, add, at)
	}
	return at
}

// floats returns the elements of a float32 constant.
func floats(t *graph.Tensor) []float32 {
	out := make([]float32, t.Elems())
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return out
}
