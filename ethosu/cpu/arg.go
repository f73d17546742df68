// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { planners.Set(planArg, graph.ArgMax, graph.ArgMin) }

// planArg finds the first of the greatest or least values along an axis.
func planArg(o *operator) (*Kernel, error) {
	t, x := o.in(0), o.operand(0)
	if !integers(t.Type) {
		return nil, o.refuse(0, "integers of at most 32 bits")
	}
	axis, err := o.Axis(o.op)
	if err != nil {
		return nil, err
	}
	outer, n, inner := graph.Elems(t.Shape[:axis]), t.Shape[axis], graph.Elems(t.Shape[axis+1:])
	if n == 0 {
		return nil, o.refuse(0, "a dimension with something to pick from")
	}
	width, sign := o.out(0).Type.Size(), 1
	if o.op.Kind == graph.ArgMin {
		sign = -1
	}
	return one("arg", func(in, out [][]byte) {
		for i := range outer * inner {
			first, best := i/inner*n*inner+i%inner, 0
			at := func(k int) int64 { return int64(sign) * int64(integer(t.Type, x.of(in), first+k*inner)) }
			for k := range n {
				if at(k) > at(best) {
					best = k
				}
			}
			copy(out[0][i*width:][:width], binary.LittleEndian.AppendUint64(nil, uint64(best)))
		}
	}, args(Output(0), x.arg(), code(t.Type), ints(outer, n, inner, sign, width))...), nil
}
