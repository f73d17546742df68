// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { planners.Set(planLogSoftmax, graph.LogSoftmax) }

// logarithm is the natural one, with 26 bits below the point, of a number from 1 on with
// 19: a power of two and a half, and a quotient of polynomials around (1/2)^(1/4).
func logarithm(v int32) int32 {
	const fourth, half = 1805811301, 1518500250 // roots of 1/2 in 31 bits
	power := func(bits, quarters int32) int32 {
		return clamp(int64(doubled(12-bits, 25))+int64(quarters)<<23, math.MinInt32, math.MaxInt32)
	}
	room, head := leading(v), leading(highProduct(v, half))-1
	r := min(doubled(highProduct(doubled(v, uint(room-1)), half), 1), doubled(v, uint(head)))
	whole := max(power(room, 1), power(head, -1))

	q := (r - fourth) * 2
	square := highProduct(q, q)
	above := highProduct(q, r) + highProduct(highProduct(q, square), 117049297)
	p := int32((int64(r) + fourth + 1) >> 1)
	below := highProduct(p, 1057819769+q+highProduct(127690142, square)) + highProduct(638450708, q)
	return doubled(highProduct(whole, 1488522236)+highProduct(halved(above, 6), inverse(uint32(below)|1<<31)), 1)
}

// planLogSoftmax takes the logarithm of the softmax of every row of int8.
func planLogSoftmax(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Int8 {
		return nil, o.refuse(0, "int8")
	}
	p, err := quant.ForLogSoftmax8(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	x := o.operand(0)
	rows, depth := o.in(0).Rows()
	var exps, diffs Table
	for i := range p.Exp {
		exps, diffs = append(exps, uint32(p.Exp[i])), append(diffs, uint32(p.Diff[i]))
	}
	m := multiplierOf(p.Reverse)
	return one("log_softmax", func(in, out [][]byte) {
		for r := range rows {
			row := x.of(in)[r*depth:][:depth]
			most, total := -128, int32(0)
			for _, b := range row {
				most = max(most, int(int8(b)))
			}
			place := func(b byte) int { return 255 - most + int(int8(b)) }
			for _, b := range row {
				total += p.Exp[place(b)]
			}
			log := logarithm(total)
			least := max(p.DiffMin-1, m.times(int32(uint32(log)^1<<31)))
			for i, b := range row {
				v := int32(-128)
				if int32(place(b))-255 > least {
					v = clamp(int64(halved(p.Diff[place(b)]-log, 22))+127, -128, 127)
				}
				out[0][r*depth+i] = byte(v)
			}
		}
	}, args(Output(0), x.arg(), ints(rows, depth), exps, diffs, Integer(p.DiffMin), m.args())...), nil
}
