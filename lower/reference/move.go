// SPDX-License-Identifier: Apache-2.0

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
	value          []byte // the one element that is copied, where there is no src
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
	src := v.value
	if src == nil {
		src = m.v[v.src]
	}
	if v.run > 0 {
		v.level(m.v[v.dst], src, 0, v.dstOff, v.srcOff)
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

// planMoves executes a movement as the blocks that its description says.
func planMoves(p *plan, op *graph.Op) (step, error) {
	blocks, err := graph.Describe(op.Kind).Moves(p.g, op)
	if err != nil {
		return nil, err
	}
	var list []mover
	for _, b := range blocks {
		out := p.out(op, b.Out)
		size := out.Type.Size()
		from := graph.None
		if b.In != graph.Zero {
			from = op.Inputs[b.In]
		}
		v := newMover(from, op.Outputs[b.Out], size, b.Shape, b.SrcStep, b.DstStep, b.Src, b.Dst)
		if b.In == graph.Zero {
			v.value = (&graph.Tensor{Type: out.Type, Quant: out.Quant}).ZeroBytes()
		}
		list = append(list, v)
	}
	return func(m *memory) {
		for i := range list {
			list[i].copy(m)
		}
	}, nil
}
