// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { planners.Set(planDivide, graph.Div) }

// inverse is 2^62/v/2^31 of v from 2^31 to 2^32: 1/(1+f) of the fraction f behind the
// leading one, in 31 bits, by three of Newton's steps as gemmlowp does them.
func inverse(v uint32) int32 {
	half := int32((int64(v&math.MaxInt32) + math.MaxInt32 + 1) / 2) // (1+f)/2
	y := 1515870810 + highProduct(half, -1010580540)                // 48/17 - 32/17 half, in 29 bits
	for range 3 {
		y += doubled(highProduct(y, 1<<29-highProduct(half, y)), 2)
	}
	return doubled(y, 1)
}

// planDivide divides int8 by int8. A divisor of real 0 gives the limit of the sign of the
// dividend.
func planDivide(o *operator) (*Kernel, error) {
	if o.in(0).Type == graph.Float32 {
		return planRealPairs(o)
	}
	if o.in(0).Type != graph.Int8 {
		return nil, o.refuse(0, "int8")
	}
	p, err := quant.ForDiv(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	a, b := o.operand(0), o.operand(1)
	w := broadcast(o.out(0).Shape, o.in(0).Shape, o.in(1).Shape)
	m := multiplierOf(p.Out)
	quotient := func(x, y int32) int32 {
		if x == 0 {
			return 0
		}
		if y < 0 {
			x, y = -x, -y
		}
		room := leading(y)
		head := leading(max(x, -x)) - 1
		f := multiplier{m.m, m.e + room - 31 - head}
		if f.e < -31 {
			return 0
		}
		return f.times(highProduct(x<<head, inverse(uint32(y)<<room)))
	}
	return one("divide", func(in, out [][]byte) {
		w.each(func(i int, at []int) {
			x, y := int32(int8(a.of(in)[at[0]]))-p.ZeroA, int32(int8(b.of(in)[at[1]]))-p.ZeroB
			switch {
			case y == 0 && x < 0:
				out[0][i] = byte(p.Lo)
			case y == 0 && x > 0:
				out[0][i] = byte(p.Hi)
			default:
				out[0][i] = byte(clamp(int64(quotient(x, y)+p.ZeroOut), int64(p.Lo), int64(p.Hi)))
			}
		})
	}, args(Output(0), a.arg(), b.arg(), ints(int(p.ZeroA), int(p.ZeroB), int(p.ZeroOut)), m.args(), ints(int(p.Lo), int(p.Hi)), w.args())...), nil
}
