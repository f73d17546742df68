// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { planners.Set(planMatMul, graph.BatchMatMul) }

// planMatMul multiplies matrices of int8 or int16.
func planMatMul(o *operator) (*Kernel, error) {
	t := o.in(0).Type
	if t != graph.Int8 && t != graph.Int16 {
		return nil, o.refuse(0, "int8 or int16")
	}
	p, err := quant.ForMatMul(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	a, b, out := o.in(0).Shape, o.in(1).Shape, o.out(0).Shape
	x, y, attr, rank := o.operand(0), o.operand(1), o.op.Attr.(graph.BatchMatMulAttr), len(out)
	rows, cols, inner := out[rank-2], out[rank-1], a[len(a)-1]
	stepX, stepY := [2]int{inner, 1}, [2]int{cols, 1} // from one row, and from one column to the next
	if attr.AdjX {
		inner = a[len(a)-2]
		stepX = [2]int{1, rows}
	}
	if attr.AdjY {
		stepY = [2]int{1, inner}
	}
	w := broadcast(out[:rank-2], a[:len(a)-2], b[:len(b)-2])
	m, shift := multiplierOf(p.Mult), 0
	if p.Reduced {
		reduced, n := p.Mult.Reduce()
		m, shift = multiplier{reduced, 0}, n
	}
	result := func(total int64) int32 {
		if shift == 0 {
			return clamp(int64(m.times(int32(total))+p.Out), int64(p.Lo), int64(p.Hi))
		}
		return clamp(int64(int32((total*int64(m.m)>>(shift-1)+1)>>1)+p.Out), int64(p.Lo), int64(p.Hi))
	}
	return one("matmul", func(in, to [][]byte) {
		u, v := x.of(in), y.of(in)
		w.each(func(i int, at []int) {
			for r := range rows {
				for c := range cols {
					total := int64(0)
					for k := range inner {
						total += int64(integer(t, u, at[0]*rows*inner+r*stepX[0]+k*stepX[1])-p.A) * int64(integer(t, v, at[1]*inner*cols+k*stepY[0]+c*stepY[1])-p.B)
					}
					putInteger(t, to[0], (i*rows+r)*cols+c, result(total))
				}
			}
		})
	}, args(Output(0), x.arg(), y.arg(), code(t), ints(rows, cols, inner, stepX[0], stepX[1], stepY[0], stepY[1], int(p.A), int(p.B), int(p.Out)),
		m.args(), ints(shift, int(p.Lo), int(p.Hi)), w.args())...), nil
}
