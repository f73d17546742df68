// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { kernels.Set(planGather, graph.Gather) }

// planGather copies by constant indices as the blocks of its description say, and by
// computed ones element by element. A computed index outside of the dimension, where
// the kernel reads beyond its input, takes the nearest that there is.
func planGather(p *plan, op *graph.Op) (step, error) {
	in, idx := p.in(op, 0), p.in(op, 1)
	if idx.IsConst() {
		return planMoves(p, op)
	}
	axis, err := p.g.GatherAxis(op)
	if err != nil {
		return nil, err
	}
	b := op.Attr.(graph.GatherAttr).BatchDims
	batches, outer, n := graph.Elems(in.Shape[:b]), graph.Elems(in.Shape[b:axis]), in.Shape[axis]
	size := in.Type.Size() * graph.Elems(in.Shape[axis+1:])
	picks := graph.Elems(idx.Shape[b:])
	index := func(v []byte, i int) int {
		if idx.Type == graph.Int64 {
			return int(int64(binary.LittleEndian.Uint64(v[8*i:])))
		}
		return int(int32(binary.LittleEndian.Uint32(v[4*i:])))
	}
	return func(m *memory) {
		x, v, y := m.v[op.Inputs[0]], m.v[op.Inputs[1]], m.v[op.Outputs[0]]
		if n == 0 {
			return
		}
		for k := range batches {
			for o := range outer {
				for i := range picks {
					at := (k*outer+o)*n + min(max(index(v, k*picks+i), 0), n-1)
					copy(y[:size], x[at*size:(at+1)*size])
					y = y[size:]
				}
			}
		}
	}, nil
}
