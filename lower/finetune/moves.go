// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
)

// splitAxis reads the constant axis of SPLIT (input 0) or SPLIT_V (input 2).
func splitAxis(t *tape, op *graph.Op) int {
	id := op.Inputs[0]
	if op.Kind == graph.SplitV {
		id = op.Inputs[2]
	}
	return int(int32(binary.LittleEndian.Uint32(t.p.g.Tensors[id].Data)))
}

// blocks returns how a tensor of the given shape falls apart along an axis: outer
// runs of as many values.
func blocks(shape []int, axis int) (outer, run int) {
	if axis < 0 {
		axis += len(shape)
	}
	return graph.Elems(shape[:axis]), graph.Elems(shape[axis:])
}

// parts copies the pieces of in to the outputs, or adds their gradients back.
func (t *tape) parts(op *graph.Op, in graph.TensorID, axis int, back bool) {
	outer, whole := blocks(t.p.g.Tensors[in].Shape, axis)
	t.move(op.Outputs, in, outer, whole, back, false)
}

// join copies the inputs into the output, or adds its gradient back to them.
func (t *tape) join(op *graph.Op, axis int, back bool) {
	shape := t.p.g.Tensors[op.Outputs[0]].Shape
	outer, whole := blocks(shape, axis)
	t.move(op.Inputs, op.Outputs[0], outer, whole, back, true)
}

// move copies between a tensor and its pieces: towards the tensor for a forward
// join and a backward split, where gradients add up.
func (t *tape) move(pieces []graph.TensorID, whole graph.TensorID, outer, run int, back, join bool) {
	for s := range t.batch {
		at := 0
		for _, id := range pieces {
			n := t.p.g.Tensors[id].Elems() / outer
			for o := range outer {
				big := func(v []float32) []float32 { return v[o*run+at:][:n] }
				small := func(v []float32) []float32 { return v[o*n:][:n] }
				switch {
				case !back && join:
					copy(big(t.value(whole, s)), small(t.value(id, s)))
				case !back:
					copy(small(t.value(id, s)), big(t.value(whole, s)))
				case join:
					add(small(t.slope(id, s)), big(t.slope(whole, s)))
				default:
					add(big(t.slope(whole, s)), small(t.slope(id, s)))
				}
			}
			at += n
		}
	}
}

func add(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}
