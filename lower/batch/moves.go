// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	rule((*maker).reshape, graph.Reshape, graph.Squeeze, graph.ExpandDims)
	rule((*maker).join, graph.Concatenation, graph.Pack)
	rule((*maker).split, graph.Split, graph.SplitV, graph.Unpack)
	rule((*maker).slice, graph.Slice, graph.StridedSlice)
	rule((*maker).transpose, graph.Transpose)
	rule((*maker).pad, graph.Pad, graph.PadV2, graph.MirrorPad)
	rule((*maker).reverse, graph.ReverseV2)
	rule((*maker).gather, graph.Gather)
}

// reshape keeps the windows where they are, if the new shape has a dimension that begins there.
func (m *maker) reshape(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	shape, outer := m.shape(out), v.outer
	p, ok := position(shape, outer)
	if !ok {
		outer, p = 1, 0
	}
	to := []int{m.n}
	if len(shape) > 0 {
		to = merged(shape, p, m.n)
	}
	in := m.get(x, outer)
	m.op(graph.Reshape, graph.ReshapeAttr{NewShape: to}, []graph.TensorID{m.add(out, outer, to)}, in)
	return nil
}

// join puts values side by side along an axis. Along the first one windows stay within each
// place if they are there already, so that steps follow each other as steps of all windows.
func (m *maker) join(op *graph.Op) error {
	out := op.Outputs[0]
	axis, err := m.from.Axis(op)
	if err != nil {
		return err
	}
	own := func(id graph.TensorID) []int { // PACK joins along a dimension of 1
		if op.Kind == graph.Pack {
			return opened(m.shape(id), axis, 1)
		}
		return m.shape(id)
	}
	shape, activation := m.shape(out), op.Fused()
	// within: the windows of every value begin behind the axis; before: all at one dimension
	// up to it.
	within, before, strictly, outer := true, true, false, 0
	for _, id := range op.Inputs {
		if m.from.Tensors[id].IsConst() {
			continue
		}
		v, s := m.of(id), own(id)
		p, ok := position(s, v.outer)
		behind := v.outer == graph.Elems(s[:axis+1])
		ahead := ok && p <= axis && (outer == 0 || outer == v.outer)
		within, before, strictly = within && behind, before && ahead, strictly || behind && !ahead
		outer = v.outer
	}
	switch {
	case outer == 0:
		return fmt.Errorf("all that it joins is constant")
	case within, !before && strictly:
		return m.joinAt(op, own, axis+1, axis, activation)
	case before:
		p, _ := position(shape, outer)
		return m.joinAt(op, own, p, axis, activation)
	}
	return m.joinAt(op, own, 0, axis, activation)
}

// joinAt joins values whose windows begin before dimension p.
func (m *maker) joinAt(op *graph.Op, own func(graph.TensorID) []int, p, axis int, activation graph.Activation) error {
	place, at := func(shape []int) []int { return merged(shape, p, m.n) }, axis
	if p == 0 && axis == 0 { // the windows need a dimension of their own
		place, at = func(shape []int) []int { return opened(shape, 0, m.n) }, 1
	}
	var in []graph.TensorID
	for _, id := range op.Inputs {
		s := own(id)
		outer := graph.Elems(s[:p])
		if m.from.Tensors[id].IsConst() {
			in = append(in, m.tiled(id, m.shape(id), outer, place(s)))
		} else {
			in = append(in, m.reshaped(m.get(id, outer), place(s)))
		}
	}
	shape := m.shape(op.Outputs[0])
	y := m.add(op.Outputs[0], graph.Elems(shape[:p]), place(shape))
	m.op(graph.Concatenation, graph.ConcatenationAttr{Axis: at, Activation: activation}, []graph.TensorID{y}, in...)
	return nil
}

// split cuts values apart along an axis.
func (m *maker) split(op *graph.Op) error {
	data := map[graph.Kind]int{graph.Split: 1}[op.Kind]
	x := op.Inputs[data]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	axis, err := m.from.Axis(op)
	if err != nil {
		return err
	}
	shape, outer := m.shape(x), v.outer
	p, ok := position(shape, outer)
	if !ok {
		outer, p = 1, 0
	}
	if outer == graph.Elems(shape[:axis+1]) { // of several dimensions, the one behind the axis
		p = axis + 1
	}
	to, at, times := merged(shape, p, m.n), axis, 1
	switch {
	case p == 0 && axis == 0:
		to, at = opened(shape, 0, m.n), 1
	case p == axis+1:
		times = m.n
	}
	in := m.reshaped(m.get(x, outer), to)
	var sizes []int
	var outs []graph.TensorID
	for _, id := range op.Outputs {
		n, behind := 1, outer
		if op.Kind != graph.Unpack {
			n = m.shape(id)[axis]
		}
		if p > axis {
			behind = outer / shape[axis] * n
		}
		part := slices.Clone(to)
		part[at] = n * times
		sizes, outs = append(sizes, part[at]), append(outs, m.add(id, behind, part))
	}
	m.op(graph.SplitV, graph.SplitVAttr{NumSplits: len(outs)}, outs, in, m.ints("sizes", sizes, len(sizes)), m.ints("axis", []int{at}))
	return nil
}

// slice takes the same part of every window.
func (m *maker) slice(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	spans, err := m.from.Spans(op)
	if err != nil {
		return err
	}
	shape, outer := m.shape(x), v.outer
	p, ok := position(shape, outer)
	if !ok {
		outer, p = 1, 0
	}
	after := 1
	for _, s := range spans[:p] {
		after *= s.Count
	}
	spans = slices.Insert(spans, p, graph.Span{Step: 1, Count: m.n})
	var begin, end, step, to []int
	var a graph.StridedSliceAttr
	for d, s := range spans {
		stop := s.Begin + s.Step*(s.Count-1) + 1
		if s.Step < 0 {
			if stop -= 2; stop < 0 { // before the first: an end cannot say it
				a.EndMask |= 1 << d
				stop = 0
			}
		}
		begin, end, step, to = append(begin, s.Begin), append(end, stop), append(step, s.Step), append(to, s.Count)
	}
	in := m.reshaped(m.get(x, outer), opened(shape, p, m.n))
	n := len(begin)
	m.op(graph.StridedSlice, a, []graph.TensorID{m.add(out, after, to)}, in, m.ints("begin", begin, n), m.ints("end", end, n), m.ints("step", step, n))
	return nil
}

// apart returns a value with the windows in a dimension of their own, the first.
func (m *maker) apart(id graph.TensorID) (graph.TensorID, error) {
	if _, err := m.data(id); err != nil {
		return graph.None, err
	}
	return m.reshaped(m.get(id, 1), opened(m.shape(id), 0, m.n)), nil
}

func (m *maker) transpose(op *graph.Op) error {
	order, err := m.from.Permutation(op)
	if err != nil {
		return err
	}
	in, err := m.apart(op.Inputs[0])
	if err != nil {
		return err
	}
	all := []int{0}
	for _, d := range order {
		all = append(all, d+1)
	}
	out := op.Outputs[0]
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, 1, opened(m.shape(out), 0, m.n))}, in, m.ints("order", all, len(all)))
	return nil
}

func (m *maker) pad(op *graph.Op) error {
	in, err := m.apart(op.Inputs[0])
	if err != nil {
		return err
	}
	pads, err := m.from.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return err
	}
	pads = append([]int{0, 0}, pads...)
	inputs := []graph.TensorID{in, m.ints("pads", pads, len(pads)/2, 2)}
	for _, id := range op.Inputs[2:] {
		if t := m.from.Tensors[id]; !t.IsConst() {
			return fmt.Errorf("padding %q is computed, expected a constant", t.Name)
		}
		inputs = append(inputs, m.constant(id))
	}
	out := op.Outputs[0]
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, 1, opened(m.shape(out), 0, m.n))}, inputs...)
	return nil
}

func (m *maker) reverse(op *graph.Op) error {
	in, err := m.apart(op.Inputs[0])
	if err != nil {
		return err
	}
	axes, err := m.from.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return err
	}
	for i, a := range axes {
		if axes[i], err = graph.NormalAxis(a, len(m.shape(op.Inputs[0]))); err != nil {
			return err
		}
		axes[i]++
	}
	out := op.Outputs[0]
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, 1, opened(m.shape(out), 0, m.n))}, in, m.ints("axes", axes, len(axes)))
	return nil
}

func (m *maker) gather(op *graph.Op) error {
	axis, err := m.from.GatherAxis(op)
	if err != nil {
		return err
	}
	a := op.Attr.(graph.GatherAttr)
	if a.BatchDims != 0 {
		return fmt.Errorf("batch_dims is %d, expected 0", a.BatchDims)
	}
	in, err := m.apart(op.Inputs[0])
	if err != nil {
		return err
	}
	more, err := m.parameters(op)
	if err != nil {
		return err
	}
	out := op.Outputs[0]
	m.op(op.Kind, graph.GatherAttr{Axis: axis + 1}, []graph.TensorID{m.add(out, 1, opened(m.shape(out), 0, m.n))}, append([]graph.TensorID{in}, more...)...)
	return nil
}
