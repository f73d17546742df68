// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { planners.Set(planGather, graph.Gather) }

// planGather picks by computed indices. One outside of the dimension takes the nearest
// that there is.
func planGather(o *operator) (*Kernel, error) {
	if o.in(1).IsConst() {
		return planMoves(o)
	}
	axis, err := o.GatherAxis(o.op)
	if err != nil {
		return nil, err
	}
	x, index, b := o.in(0), o.in(1), o.op.Attr.(graph.GatherAttr).BatchDims
	batches, outer, n := graph.Elems(x.Shape[:b]), graph.Elems(x.Shape[b:axis]), x.Shape[axis]
	run, picks := graph.Elems(x.Shape[axis+1:])*x.Type.Size(), graph.Elems(index.Shape[b:])
	if n == 0 {
		return nil, o.refuse(0, "a dimension with something to pick from")
	}
	from, which := o.operand(0), o.operand(1)
	width := index.Type.Size()
	return one("gather", func(in, out [][]byte) {
		for i := range batches * outer * picks {
			group, pick := i/picks, i%picks
			at := index.Type.Int(which.of(in)[width*(group/outer*picks+pick):][:width])
			copy(out[0][i*run:][:run], from.of(in)[(group*n+int(clamp(at, 0, int64(n-1))))*run:])
		}
	}, args(Output(0), from.arg(), which.arg(), ints(batches*outer, outer, n, run, picks, width))...), nil
}
