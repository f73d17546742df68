// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"bytes"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// rule says what the outputs of an operator are, and notes how the step computes them
// where they are sequences.
func (s *stepper) rule(op *graph.Op) {
	var frames, moments []graph.TensorID
	for _, id := range op.Inputs {
		if id == graph.None {
			continue
		}
		switch s.of[id].kind {
		case sequence:
			frames = append(frames, id)
		case instance:
			moments = append(moments, id)
		}
	}
	switch {
	case len(frames)+len(moments) == 0: // static, as all tensors are at first
	case len(frames) == 0:
		if !s.packed(op, moments) {
			s.moment(op, moments)
		}
	case s.edged(op, frames):
	case len(moments) > 0:
		s.refuse(op, "it joins every frame of %q with %q, which needs the whole window: not causal over time", s.g.Tensors[frames[0]].Name, s.g.Tensors[moments[0]].Name)
	default:
		s.framed(op, frames)
	}
}

// moment makes the outputs instances of the last moment that an input is of.
func (s *stepper) moment(op *graph.Op, ids []graph.TensorID) {
	var m moment
	for i, id := range ids {
		x := s.of[id]
		if x.kind == sequence {
			x.since, x.at, x.kind = x.at, x.last(), instance
		}
		if i == 0 {
			m = x
			continue
		}
		m.since, m.at, m.rate = min(m.since, x.since), max(m.at, x.at), max(m.rate, x.rate)
		if m.ahead == nil {
			m.ahead = x.ahead
		}
	}
	for _, id := range op.Outputs {
		s.of[id] = m
	}
}

// window makes the output an instance that all frames of the window have a part in.
func (s *stepper) all(op *graph.Op, frames []graph.TensorID) {
	if len(frames) > 1 {
		s.refuse(op, "it needs all frames of the window of %q and of %q at once; there is no form of it for single frames", s.g.Tensors[frames[0]].Name, s.g.Tensors[frames[1]].Name)
	}
	s.notYet(op, s.of[frames[0]])
	s.moment(op, frames)
}

// pointwise are the kinds that compute every element from the one at its place.
func pointwise(k graph.Kind) bool {
	switch k {
	case graph.Logistic, graph.Tanh, graph.Relu, graph.Relu6, graph.ReluN1To1, graph.LeakyRelu, graph.Abs, graph.Elu, graph.HardSwish:
		return true
	}
	d := graph.Describe(k)
	return d != nil && d.Real != nil
}

// pairwise reports whether an operator joins two values element by element.
func pairwise(op *graph.Op) bool {
	switch op.Kind {
	case graph.PRelu, graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Pow, graph.Maximum, graph.Minimum, graph.SquaredDifference:
		return true
	}
	return false
}

// framed is the rule of an operator that reads sequences, and nothing else that changes.
func (s *stepper) framed(op *graph.Op, frames []graph.TensorID) {
	x := frames[0]
	m := s.of[x]
	in := s.shape(x)
	switch k := op.Kind; {
	case pointwise(k):
		s.each(op, m.axis, nil)
	case pairwise(op):
		s.broadcast(op, frames)
	case k == graph.AddN:
		s.each(op, m.axis, nil)
	case k == graph.Softmax || k == graph.LogSoftmax || k == graph.L2Normalization:
		if m.axis == len(in)-1 {
			s.refuse(op, "it runs along the frames, and every frame of it depends on all others: not causal over time")
		}
		s.each(op, m.axis, nil)
	case k == graph.FullyConnected:
		s.fullyConnected(op, frames)
	case k == graph.BatchMatMul:
		s.matMul(op, frames)
	case k == graph.Conv2D || k == graph.DepthwiseConv2D || k == graph.AveragePool2D || k == graph.MaxPool2D:
		s.windowed(op, x)
	case k == graph.TransposeConv:
		s.transposed(op, frames)
	case k == graph.Mean || k == graph.Sum || k == graph.ReduceMax || k == graph.ReduceMin:
		s.reduced(op, x)
	case k == graph.Reshape || k == graph.Squeeze || k == graph.ExpandDims:
		s.reshaped(op, x)
	case k == graph.Transpose:
		perm, err := s.g.Permutation(op)
		s.must(op, err)
		s.each(op, slices.Index(perm, m.axis), nil)
	case k == graph.Pad || k == graph.PadV2 || k == graph.MirrorPad:
		s.padded(op, x)
	case k == graph.Slice || k == graph.StridedSlice:
		s.sliced(op, x)
	case k == graph.Split || k == graph.SplitV || k == graph.Unpack:
		s.parted(op, x)
	case k == graph.Gather:
		s.gathered(op, frames)
	case k == graph.Concatenation:
		s.concatenated(op, frames)
	case k == graph.Pack:
		axis, err := s.g.Axis(op)
		s.must(op, err)
		at := m.axis
		if axis <= at {
			at++
		}
		s.each(op, at, nil)
	case k == graph.ReverseV2:
		axes, err := s.g.Tensors[op.Inputs[1]].Ints()
		s.must(op, err)
		for _, a := range axes {
			if a, _ = graph.NormalAxis(a, len(in)); a == m.axis {
				s.refuse(op, "it turns the frames around, so that the first one needs the last (a backward or bidirectional layer): not causal over time")
			}
		}
		s.each(op, m.axis, nil)
	case k == graph.Tile || k == graph.BroadcastTo || k == graph.ResizeBilinear || k == graph.ResizeNearestNeighbor:
		s.spread(op, x)
	case k == graph.SpaceToBatchND || k == graph.BatchToSpaceND || k == graph.SpaceToDepth || k == graph.DepthToSpace:
		s.refuse(op, "it cuts the frames into blocks; write a dilated convolution as one with a dilation, and blocks of frames as RESHAPE (and TRANSPOSE)")
	case k == graph.Cumsum:
		axis, err := s.g.Axis(op)
		s.must(op, err)
		if axis == m.axis {
			s.refuse(op, "it adds up all frames since the start; keep the sum as a state of the network (a recurrent layer)")
		}
		s.each(op, m.axis, nil)
	default:
		s.refuse(op, "there is no form of it for single frames")
	}
}

func (s *stepper) must(op *graph.Op, err error) {
	if err != nil {
		s.refuse(op, "%v", err)
	}
}

// aligned is what sequences that are joined frame by frame give: all have one rate, and
// the frame of one index needs the latest of them.
func (s *stepper) aligned(op *graph.Op, ids []graph.TensorID) moment {
	m := s.of[ids[0]]
	for _, id := range ids[1:] {
		x := s.of[id]
		if x.rate != m.rate || x.count != m.count {
			s.refuse(op, "%q has %d frames, %s of the input, and %q has %d, %s: they have to be alike", s.g.Tensors[ids[0]].Name, m.count, s.ratio(m.rate), s.g.Tensors[id].Name, x.count, s.ratio(x.rate))
		}
		m.at = max(m.at, x.at)
		if m.ahead == nil {
			m.ahead = x.ahead
		}
	}
	return m
}

// each is the rule of operators that work frame by frame: their outputs have the frames
// at axis. Inputs that say shapes or places are replaced by what params gives, by
// position.
func (s *stepper) each(op *graph.Op, axis int, params func(b *builder, pos int) (graph.TensorID, bool)) {
	var frames []graph.TensorID
	for _, id := range op.Inputs {
		if id != graph.None && s.of[id].kind == sequence {
			frames = append(frames, id)
		}
	}
	m := s.aligned(op, frames)
	m.axis = axis
	for _, id := range op.Outputs {
		s.of[id] = m
		s.alike(id, frames)
	}
	s.emit[op] = func(b *builder) {
		next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
		for pos, id := range op.Inputs {
			switch {
			case id == graph.None:
				next.Inputs = append(next.Inputs, id)
				continue
			case s.of[id].kind == sequence:
				next.Inputs = append(next.Inputs, b.late(id, m))
				continue
			}
			if params != nil {
				if p, ok := params(b, pos); ok {
					next.Inputs = append(next.Inputs, p)
					continue
				}
			}
			next.Inputs = append(next.Inputs, b.static(id))
		}
		b.give(op, next, m)
	}
}

// broadcast joins operands by NumPy's rule.
func (s *stepper) broadcast(op *graph.Op, frames []graph.TensorID) {
	out := len(s.shape(op.Outputs[0]))
	axis := -1
	for _, id := range frames {
		at := s.of[id].axis + out - len(s.shape(id))
		if axis >= 0 && at != axis {
			s.refuse(op, "%q has its frames along another dimension than %q: every frame meets all others: not causal over time", s.g.Tensors[id].Name, s.g.Tensors[frames[0]].Name)
		}
		axis = at
	}
	count := s.of[frames[0]].count
	s.each(op, axis, func(b *builder, pos int) (graph.TensorID, bool) {
		id := op.Inputs[pos]
		at := axis - (out - len(s.shape(id)))
		if at < 0 || s.shape(id)[at] != count || count == 1 {
			return 0, false
		}
		if n, ok := settling(s.g.Tensors[id], at); ok && n > 0 && s.g.Tensors[id].Type == graph.Float32 {
			return b.settled(id, at, n, s.of[op.Outputs[0]]), true
		}
		return b.oneFrame(op, id, at, 1), true
	})
}

// fullyConnected multiplies rows, which are frames or parts of them.
func (s *stepper) fullyConnected(op *graph.Op, frames []graph.TensorID) {
	x := frames[0]
	if x != op.Inputs[0] || len(frames) > 1 {
		s.refuse(op, "its weights change from frame to frame")
	}
	m, in, out := s.of[x], s.shape(x), s.shape(op.Outputs[0])
	width := s.shape(op.Inputs[1])[1]
	if rows := graph.Elems(in[m.axis+1:]); rows%width != 0 { // all frames, or parts of several, have a part in a row
		s.all(op, frames)
		return
	}
	axis, ok := sameFrames(in, m.axis, out, func(n int) int { return n / width * out[len(out)-1] })
	if !ok {
		s.all(op, frames)
		return
	}
	s.each(op, axis, nil)
}

// sameFrames finds the dimension of the frames after an operator that keeps them in
// their order: as many elements in front of it, as many frames, and of each what behind
// says of its elements before.
func sameFrames(in []int, axis int, out []int, behind func(int) int) (int, bool) {
	before, after := graph.Elems(in[:axis]), behind(graph.Elems(in[axis+1:]))
	for d, n := range out {
		if n == in[axis] && graph.Elems(out[:d]) == before && graph.Elems(out[d+1:]) == after {
			return d, true
		}
	}
	return 0, false
}

// matMul multiplies with constants the matrices that frames are, or their rows.
func (s *stepper) matMul(op *graph.Op, frames []graph.TensorID) {
	a := op.Attr.(graph.BatchMatMulAttr)
	out := len(s.shape(op.Outputs[0]))
	x, adj, rows := op.Inputs[0], a.AdjX, out-2
	if len(frames) == 2 {
		m, n := s.of[frames[0]], s.of[frames[1]]
		first, second := m.axis+out-len(s.shape(frames[0])), n.axis+out-len(s.shape(frames[1]))
		if first != second || first >= out-2 {
			s.refuse(op, "it multiplies frames with frames: every one meets all others: not causal over time")
		}
		s.each(op, first, nil)
		return
	}
	if frames[0] != x {
		x, adj, rows = op.Inputs[1], !a.AdjY, out-1
	}
	axis := s.of[x].axis + out - len(s.shape(x))
	inner := out - 1
	if adj {
		inner = out - 2
	}
	switch {
	case axis < out-2:
		s.broadcast(op, frames)
	case axis == inner:
		s.all(op, frames)
	default:
		s.each(op, rows, nil)
	}
}

func (s *stepper) reduced(op *graph.Op, x graph.TensorID) {
	m := s.of[x]
	reduced, err := s.g.Reduced(op)
	s.must(op, err)
	if reduced[m.axis] {
		s.all(op, []graph.TensorID{x})
		return
	}
	axis := m.axis
	if !op.Attr.(graph.ReducerAttr).KeepDims {
		for d := range m.axis {
			if reduced[d] {
				axis--
			}
		}
	}
	s.each(op, axis, nil)
}

// reshaped is for operators that change the shape alone.
func (s *stepper) reshaped(op *graph.Op, x graph.TensorID) {
	m, in, out := s.of[x], s.shape(x), s.shape(op.Outputs[0])
	if m.count == 1 { // one frame: what it is from here on is not said by its shape
		s.leaf(op, 0, leaf{from: x})
		return
	}
	axis, ok := sameFrames(in, m.axis, out, func(n int) int { return n })
	if !ok {
		if s.blocks(op, x) {
			return
		}
		s.all(op, []graph.TensorID{x})
		return
	}
	m.axis = axis
	s.of[op.Outputs[0]] = m
	s.alike(op.Outputs[0], []graph.TensorID{x})
	s.emit[op] = func(b *builder) {
		b.give(op, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{}, Inputs: []graph.TensorID{b.late(x, m)}}, m)
	}
}

// zeros reports whether a constant is zero all over.
func zeros(t *graph.Tensor) bool {
	for _, v := range t.Data {
		if v != 0 && (t.Type != graph.Float32 || v != 0x80) { // the sign of a zero
			return false
		}
	}
	return t.Data != nil
}

// sameAlong reports whether a constant has the same values at all places of a dimension.
func sameAlong(t *graph.Tensor, axis int) bool {
	if t.Data == nil {
		return false
	}
	size := graph.Elems(t.Shape[axis+1:]) * t.Type.Size()
	for outer := range graph.Elems(t.Shape[:axis]) {
		block := t.Data[outer*t.Shape[axis]*size:]
		for i := 1; i < t.Shape[axis]; i++ {
			if !bytes.Equal(block[:size], block[i*size:(i+1)*size]) {
				return false
			}
		}
	}
	return true
}
