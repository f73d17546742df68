// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// mostCopies bounds the kernels that one movement may become.
const mostCopies = 1024

// moveBlocks lowers any movement from the blocks of its description: one block that
// is the whole output in order becomes a view, others are copied.
func moveBlocks(l *lowering, op *graph.Op) error {
	moves, err := graph.Describe(op.Kind).Moves(l.g, op)
	if err != nil {
		return err
	}
	b := &blocks{l: l, op: op, sources: map[int]view{}}
	for i, id := range op.Outputs {
		var own []graph.Move
		for _, m := range moves {
			if m.Out == i {
				own = append(own, m)
			}
		}
		if len(own) == 1 && own[0].In != graph.Zero && ordered(own[0]) {
			v, err := b.source(own[0])
			if err != nil {
				return err
			}
			if w, ok := v.reshape(l.g.Tensors[id].Shape); ok {
				if err := l.set(id, w); err != nil {
					return err
				}
				continue
			}
		}
		if err := b.copy(id, own); err != nil {
			return err
		}
	}
	return nil
}

// ordered reports whether a block fills its output in row-major order, from elements
// that lie in rising order in the input.
func ordered(m graph.Move) bool {
	for d, n := range m.Shape {
		if n > 1 && m.SrcStep[d] <= 0 {
			return false
		}
	}
	return m.Dst == 0 && slices.Equal(m.DstStep, graph.Strides(m.Shape))
}

// blocks is one movement that is being lowered.
type blocks struct {
	l       *lowering
	op      *graph.Op
	sources map[int]view // inputs in row-major order
	copies  int
}

// source returns the source of a block as a view of the input.
func (b *blocks) source(m graph.Move) (view, error) {
	v, ok := b.sources[m.In]
	if !ok {
		var err error
		if v, err = b.l.in(b.op.Inputs[m.In]); err != nil {
			return v, err
		}
		if v, err = b.l.dense(v); err != nil {
			return v, err
		}
		b.sources[m.In] = v
	}
	return v.block(m.Shape, m.Src, m.SrcStep), nil
}

// block returns elements of a contiguous view by steps that count elements.
func (v view) block(shape []int, at int, step []int) view {
	size := v.dt.Size()
	v.off += at * size
	v.shape = append([]int(nil), shape...)
	v.strides = make([]int, len(shape))
	for d, s := range step {
		v.strides[d] = s * size
	}
	return v
}

// copy copies blocks into the place of tensor id.
func (b *blocks) copy(id graph.TensorID, moves []graph.Move) error {
	t := b.l.g.Tensors[id]
	out := b.l.fresh(t.Name, t.Type, t.Shape)
	for _, m := range moves {
		var err error
		to := out.block(m.Shape, m.Dst, m.DstStep)
		var from view
		if m.In == graph.Zero {
			from = b.zeros(t, m.Shape)
		} else {
			from, err = b.source(m)
		}
		if err == nil {
			err = eachRising(from, to, b.part)
		}
		if err != nil {
			return err
		}
	}
	return b.l.set(id, out)
}

// zeros returns a constant block of real zeros.
func (b *blocks) zeros(t *graph.Tensor, shape []int) view {
	zero := &graph.Tensor{Name: t.Name + "/zero", Type: t.Type, Shape: shape, Quant: t.Quant}
	buf := b.l.m.Constants.Intern(zero.Name, zero.ZeroBytes(), 16)
	return denseView(buf, 0, t.Type, shape, zero.Name)
}

// part copies one part of a block.
func (b *blocks) part(from, to view) error {
	if b.copies++; b.copies > mostCopies {
		return fmt.Errorf("needs more than %d copies on the NPU; compute it on the CPU, or change the network to do without it", mostCopies)
	}
	return b.l.copyView("COPY by "+b.op.Kind.String(), from, to)
}

// eachRising cuts a block along the dimensions in which the source does not rise:
// the NPU neither reads an element of its first operand twice nor walks backwards.
func eachRising(from, to view, f func(from, to view) error) error {
	for d, s := range from.strides {
		if from.shape[d] == 1 || s > 0 {
			continue
		}
		for k := range from.shape[d] {
			if err := eachRising(from.cut(d, k, 1, 1), to.cut(d, k, 1, 1), f); err != nil {
				return err
			}
		}
		return nil
	}
	return f(from, to)
}
