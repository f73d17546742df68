// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// What is different at the beginning of a stream: frames in front of the first that repeat
// it, or that padding and what is computed of it decide, and constants that settle after a
// few frames.

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

// initial returns what the last frames of a sequence before the stream are, so many of
// them, or nil where all are zero. No input has a part in them: they are padding, and what
// operators make of it.
func (s *stepper) initial(id graph.TensorID, frames int) []float32 {
	m := s.of[id]
	if m.at >= 0 || s.first[id] {
		return nil
	}
	v := s.paddings()[id]
	shape := s.shape(id)
	inner, before := graph.Elems(shape[m.axis+1:]), -floorDiv(m.at, m.rate)
	outer := graph.Elems(shape[:m.axis])
	out := make([]float32, outer*frames*inner)
	zero := true
	for o := range outer {
		for f := range frames {
			from := before - frames + f
			if from < 0 || from >= m.count {
				continue
			}
			for k := range inner {
				x := v[(o*m.count+from)*inner+k]
				out[(o*frames+f)*inner+k] = x
				zero = zero && x == 0
				if math.IsInf(float64(x), 0) || x != x {
					s.refuse(s.made[id], "its frames before the stream are not finite; pad with a number, or by the attribute pads of a pooling")
				}
			}
		}
	}
	if zero {
		return nil
	}
	return out
}

// initialState returns the value of an instance of the call before the first, back calls of
// it before its newest, or nil where it is zero or there is none.
func (s *stepper) initialState(id graph.TensorID, back int) []float32 {
	target := s.of[id].at - s.window - (back-1)*s.of[id].rate
	if target >= 0 || s.of[id].since >= 0 {
		return nil
	}
	earlier, ok := s.earlier[id]
	if !ok {
		return nil
	}
	path := s.path(id, earlier)
	for s.of[id].at > target {
		next := s.along(id, path)
		if next == graph.None || next == id || s.of[next].at != s.of[id].at-s.of[id].rate {
			return nil
		}
		id = next
	}
	v := s.paddings()[id]
	for _, x := range v {
		if x != 0 {
			return v
		}
	}
	return nil
}

// paddings returns the values of what has frames before the stream, from a run of the
// window.
func (s *stepper) paddings() map[graph.TensorID][]float32 {
	if s.padding != nil {
		return s.padding
	}
	s.padding = map[graph.TensorID][]float32{}
	e, err := floatexec.New(s.g)
	if err != nil {
		panic(refusal{err, s.at})
	}
	r := e.Runner()
	r.Visit = func(id graph.TensorID, v floatexec.View) {
		if m := s.of[id]; m.kind != static && m.at < 0 {
			s.padding[id] = append([]float32(nil), v.Row(0)...)
		}
	}
	var in [][]float32
	for _, id := range s.g.Inputs {
		in = append(in, make([]float32, s.g.Tensors[id].Elems()))
	}
	if _, err := r.Run(1, in); err != nil {
		panic(refusal{err, s.at})
	}
	return s.padding
}

// startedFrom returns a state, and in the first call, in which it is zero, the values that
// it has then.
func (b *builder) startedFrom(state graph.TensorID, values []float32) graph.TensorID {
	t := b.g.Tensors[state]
	c := &graph.Tensor{Name: b.unique(t.Name + "_first"), Type: graph.Float32, Shape: append([]int(nil), t.Shape...)}
	for _, x := range values {
		c.Data = binary.LittleEndian.AppendUint32(c.Data, math.Float32bits(x))
	}
	start, from := b.append(c, graph.None), b.from[state]
	began := b.began(len(t.Shape))
	one := &graph.Tensor{Name: b.unique("one"), Type: graph.Float32, Shape: append([]int(nil), b.g.Tensors[began].Shape...)}
	one.Data = binary.LittleEndian.AppendUint32(nil, math.Float32bits(1))
	not := b.one(graph.Sub, graph.SubAttr{}, "not_started", graph.None, one.Shape, b.append(one, graph.None), began)
	once := b.one(graph.Mul, graph.MulAttr{}, t.Name+"_once", from, t.Shape, start, not)
	return b.one(graph.Add, graph.AddAttr{}, t.Name+"_begun", from, t.Shape, state, once)
}

// began is 0 in the first call and 1 from then on, with so many dimensions.
func (b *builder) began(dims int) graph.TensorID {
	shape := make([]int, dims)
	for d := range shape {
		shape[d] = 1
	}
	m := b.mask(moment{kind: sequence, rate: b.s.steps, at: b.s.steps})
	return b.one(graph.Reshape, graph.ReshapeAttr{}, "started", graph.None, shape, m)
}

// replaced returns a state, with values added to it in the first call.
func (b *builder) replaced(state, values graph.TensorID) graph.TensorID {
	t, from := b.g.Tensors[state], b.from[state]
	shape := b.g.Tensors[values].Shape
	again := b.one(graph.Mul, graph.MulAttr{}, t.Name+"_again", from, shape, values, b.began(len(shape)))
	once := b.one(graph.Sub, graph.SubAttr{}, t.Name+"_once", from, shape, values, again)
	return b.one(graph.Add, graph.AddAttr{}, t.Name+"_begun", from, t.Shape, state, once)
}

// begun returns the frames of a ring, and in the first call, in which they are zero, the
// first frame of the stream in the place of each.
func (b *builder) begun(ring, fresh graph.TensorID, axis int) graph.TensorID {
	return b.replaced(ring, b.cut(fresh, axis, 0, 1, b.g.Tensors[ring].Name+"_first"))
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
