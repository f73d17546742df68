package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// A mover copies a block of elements between two tensors with any strides.
// All units are bytes; run bytes are contiguous on both sides.
type mover struct {
	src, dst       graph.TensorID
	srcOff, dstOff int
	run            int
	count          []int
	srcStep        []int
	dstStep        []int
}

// newMover takes counts and strides in elements, outermost dimension first.
func newMover(src, dst graph.TensorID, size int, count, srcStep, dstStep []int, srcOff, dstOff int) mover {
	v := mover{src: src, dst: dst, srcOff: srcOff * size, dstOff: dstOff * size, run: size}
	n := len(count)
	for n > 0 && (count[n-1] == 1 || srcStep[n-1]*size == v.run && dstStep[n-1]*size == v.run) {
		n--
		v.run *= count[n]
	}
	for d := range n {
		if count[d] == 0 {
			v.run = 0
		}
		if count[d] != 1 {
			v.count = append(v.count, count[d])
			v.srcStep = append(v.srcStep, srcStep[d]*size)
			v.dstStep = append(v.dstStep, dstStep[d]*size)
		}
	}
	return v
}

func (v *mover) copy(m *memory) {
	if v.run > 0 {
		v.level(m.v[v.dst], m.v[v.src], 0, v.dstOff, v.srcOff)
	}
}

func (v *mover) level(dst, src []byte, d, to, from int) {
	if d == len(v.count) {
		copy(dst[to:to+v.run], src[from:from+v.run])
		return
	}
	if d == len(v.count)-1 && v.run == 1 {
		for range v.count[d] {
			dst[to] = src[from]
			to, from = to+v.dstStep[d], from+v.srcStep[d]
		}
		return
	}
	for range v.count[d] {
		v.level(dst, src, d+1, to, from)
		to, from = to+v.dstStep[d], from+v.srcStep[d]
	}
}

// moves is the step that copies blocks.
func moves(list []mover) step {
	return func(m *memory) {
		for i := range list {
			list[i].copy(m)
		}
	}
}

// strides returns the distance, in elements, of neighbours in each dimension.
func strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for d := len(shape) - 1; d >= 0; d-- {
		s[d] = n
		n *= shape[d]
	}
	return s
}

// part is the mover between a tensor and its range of a larger one along axis,
// which the larger one has and shares with the part but for its extent.
func part(large, small graph.TensorID, shape []int, axis, from, extent, size int, split bool) mover {
	count := append([]int(nil), shape...)
	count[axis] = extent
	big, little := strides(shape), strides(count)
	if split {
		return newMover(large, small, size, count, big, little, from*big[axis], 0)
	}
	return newMover(small, large, size, count, little, big, 0, from*big[axis])
}

func planReshape(p *plan, op *graph.Op) (step, error) {
	src, dst := op.Inputs[0], op.Outputs[0]
	return func(m *memory) { copy(m.v[dst], m.v[src]) }, nil
}

func planConcatenation(p *plan, op *graph.Op) (step, error) {
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	out := p.out(op, 0)
	var list []mover
	from := 0
	for i, id := range op.Inputs {
		extent := p.in(op, i).Shape[axis]
		list = append(list, part(op.Outputs[0], id, out.Shape, axis, from, extent, out.Type.Size(), false))
		from += extent
	}
	return moves(list), nil
}

func planPack(p *plan, op *graph.Op) (step, error) {
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	out := p.out(op, 0)
	var list []mover
	for i, id := range op.Inputs {
		list = append(list, part(op.Outputs[0], id, out.Shape, axis, i, 1, out.Type.Size(), false))
	}
	return moves(list), nil
}

func planUnpack(p *plan, op *graph.Op) (step, error) {
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	in := p.in(op, 0)
	var list []mover
	for i, id := range op.Outputs {
		list = append(list, part(op.Inputs[0], id, in.Shape, axis, i, 1, in.Type.Size(), true))
	}
	return moves(list), nil
}

// planSplit handles SPLIT and SPLIT_V, taking the extents from the outputs.
func planSplit(p *plan, op *graph.Op) (step, error) {
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	src := op.Inputs[0]
	if op.Kind == graph.Split {
		src = op.Inputs[1]
	}
	in := p.g.Tensors[src]
	var list []mover
	from := 0
	for i, id := range op.Outputs {
		extent := p.out(op, i).Shape[axis]
		list = append(list, part(src, id, in.Shape, axis, from, extent, in.Type.Size(), true))
		from += extent
	}
	return moves(list), nil
}

// planSlice handles SLICE and STRIDED_SLICE.
func planSlice(p *plan, op *graph.Op) (step, error) {
	spans, err := p.g.Spans(op)
	if err != nil {
		return nil, err
	}
	in := p.in(op, 0)
	count, step, off := make([]int, len(spans)), strides(in.Shape), 0
	for d, s := range spans {
		count[d] = s.Count
		off += s.Begin * step[d]
		step[d] *= s.Step
	}
	return moves([]mover{newMover(op.Inputs[0], op.Outputs[0], in.Type.Size(), count, step, strides(count), off, 0)}), nil
}

func planTranspose(p *plan, op *graph.Op) (step, error) {
	perm, err := p.g.Permutation(op)
	if err != nil {
		return nil, err
	}
	in, out := p.in(op, 0), p.out(op, 0)
	source := strides(in.Shape)
	from := make([]int, len(perm))
	for d, s := range perm {
		from[d] = source[s]
	}
	return moves([]mover{newMover(op.Inputs[0], op.Outputs[0], in.Type.Size(), out.Shape, from, strides(out.Shape), 0, 0)}), nil
}
