// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Span is what SLICE and STRIDED_SLICE take of one dimension of the input:
// Count elements Begin, Begin+Step, ... A dropped dimension has Count 1 and
// is not part of the output's shape.
type Span struct {
	Begin, Step, Count int
	Drop               bool
}

// Spans returns what a SLICE or STRIDED_SLICE takes of every input dimension.
func (g *Graph) Spans(op *Op) ([]Span, error) {
	if op.Kind == Slice {
		return g.sliceSpans(op)
	}
	a, ok := op.Attr.(StridedSliceAttr)
	if !ok {
		return nil, attrMissing(op, StridedSliceAttr{})
	}
	if a.EllipsisMask != 0 || a.NewAxisMask != 0 {
		return nil, fmt.Errorf("ellipsis_mask is %d and new_axis_mask %d, expected 0; write the slice out for every dimension", a.EllipsisMask, a.NewAxisMask)
	}
	shape := g.Tensors[op.Inputs[0]].Shape
	var p [3][]int
	for i := range p {
		var err error
		if p[i], err = g.Tensors[op.Inputs[i+1]].Ints(); err != nil {
			return nil, err
		}
		if len(p[i]) > len(shape) || len(p[i]) != len(p[0]) {
			return nil, fmt.Errorf("begin, end and strides have %d, %d, %d entries for shape %v", len(p[0]), len(p[1]), len(p[2]), shape)
		}
	}
	spans := make([]Span, len(shape))
	for i, d := range shape {
		spans[i] = Span{Step: 1, Count: d}
		if i >= len(p[0]) {
			continue
		}
		s, err := stridedSpan(d, p[0][i], p[1][i], p[2][i], a.BeginMask>>i&1 == 1, a.EndMask>>i&1 == 1, a.ShrinkAxisMask>>i&1 == 1)
		if err != nil {
			return nil, fmt.Errorf("dimension %d: %w", i, err)
		}
		spans[i] = s
	}
	return spans, nil
}

func stridedSpan(d, begin, end, step int, beginMask, endMask, shrink bool) (Span, error) {
	if step == 0 {
		return Span{}, fmt.Errorf("stride is 0, expected another number")
	}
	lo, hi := 0, d // where a start or stop may be
	if step < 0 {
		lo, hi = -1, d-1
	}
	limit := func(v int) int {
		if v < 0 {
			v += d
		}
		return min(max(v, lo), hi)
	}
	start, stop := limit(begin), limit(end)
	if beginMask {
		start = lo
		if step < 0 {
			start = hi
		}
	}
	if endMask {
		stop = hi
		if step < 0 {
			stop = lo
		}
	}
	s := Span{Begin: start, Step: step, Drop: shrink}
	if shrink {
		s.Step, s.Count = 1, 1
		if start < 0 || start >= d {
			return Span{}, fmt.Errorf("index %d is outside 0 to %d", begin, d-1)
		}
		return s, nil
	}
	if step > 0 && stop > start {
		s.Count = (stop-start-1)/step + 1
	} else if step < 0 && stop < start {
		s.Count = (start-stop-1)/(-step) + 1
	}
	return s, nil
}

func (g *Graph) sliceSpans(op *Op) ([]Span, error) {
	shape := g.Tensors[op.Inputs[0]].Shape
	begin, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	size, err := g.Tensors[op.Inputs[2]].Ints()
	if err != nil {
		return nil, err
	}
	if len(begin) != len(shape) || len(size) != len(shape) {
		return nil, fmt.Errorf("begin %v and size %v, expected %d entries for shape %v", begin, size, len(shape), shape)
	}
	spans := make([]Span, len(shape))
	for i, d := range shape {
		n := size[i]
		if n == -1 {
			n = d - begin[i]
		}
		if begin[i] < 0 || begin[i] > d || n < 0 || n > d-begin[i] {
			return nil, fmt.Errorf("dimension %d: begin %d and size %d are outside size %d", i, begin[i], size[i], d)
		}
		spans[i] = Span{Begin: begin[i], Step: 1, Count: n}
	}
	return spans, nil
}

func shapesSlice(g *Graph, op *Op) ([][]int, error) {
	spans, err := g.Spans(op)
	if err != nil {
		return nil, err
	}
	out := []int{}
	for _, s := range spans {
		if !s.Drop {
			out = append(out, s.Count)
		}
	}
	return [][]int{out}, nil
}
