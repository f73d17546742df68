// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"
	"math/bits"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	planners.Set(planRsqrt, graph.Rsqrt)
	planners.Set(planNormalize, graph.L2Normalization)
}

// inverseRoot is 1/sqrt(v) of v above 0 by Newton's steps in 28 bits below the point, as
// the kernels of TFLite do it.
func inverseRoot(v int32) multiplier {
	if v == 1 {
		return multiplier{math.MaxInt32, 0}
	}
	// Bring v to 27 or 28 bits, by whole powers of four.
	e := int32(11)
	for ; v>>29 != 0; v >>= 2 {
		e++
	}
	for ; v < 1<<27; v <<= 2 {
		e--
	}
	half, y := halved(v>>1, 1), int32(1)<<28
	for range 5 {
		cube := doubled(highProduct(highProduct(y, y), y), 6)
		y = doubled(highProduct(3<<27, y)-highProduct(half, cube), 3)
	}
	y = highProduct(y, 1518500250) // 1/sqrt(2)
	if e < 0 {
		return multiplier{y << -e, 0}
	}
	return multiplier{y, -e}
}

// planRsqrt computes 1/sqrt(x) of int8 and int16.
func planRsqrt(o *operator) (*Kernel, error) {
	t := o.in(0).Type
	if t == graph.Float32 {
		return planReal(o)
	}
	if t != graph.Int8 && t != graph.Int16 {
		return nil, o.refuse(0, "int8 or int16")
	}
	p, err := quant.ForRsqrt(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	x, n, m := o.operand(0), o.in(0).Elems(), multiplierOf(p.Out)
	return one("rsqrt", func(in, out [][]byte) {
		for i := range n {
			y := p.Hi
			if v := integer(t, x.of(in), i) - p.In; v > 0 {
				r := inverseRoot(v)
				r.e += 20
				y = clamp(int64(m.times(r.times(1))+p.Zero), int64(p.Lo), int64(p.Hi))
			}
			putInteger(t, out[0], i, y)
		}
	}, args(Output(0), x.arg(), Integer(n), code(t), ints(int(p.In), int(p.Zero)), m.args(), ints(int(p.Lo), int(p.Hi)))...), nil
}

// planNormalize divides every row by its length.
func planNormalize(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Int8 {
		return nil, o.refuse(0, "int8")
	}
	zero, err := quant.ForL2Norm(o.Graph, o.op)
	if err != nil {
		return nil, err
	}
	x := o.operand(0)
	rows, depth := o.in(0).Rows()
	return one("normalize", func(in, out [][]byte) {
		for r := range rows {
			row, squares := x.of(in)[r*depth:][:depth], int32(0)
			for _, b := range row {
				squares += (int32(int8(b)) - zero) * (int32(int8(b)) - zero)
			}
			f := inverseRoot(max(squares, 1))
			f.e += 7
			for i, b := range row {
				out[0][r*depth+i] = byte(clamp(int64(f.times(int32(int8(b))-zero)), -128, 127))
			}
		}
	}, args(Output(0), x.arg(), ints(rows, depth, int(zero)))...), nil
}

// leading counts the zeros in front of a value above 0.
func leading(v int32) int32 { return int32(bits.LeadingZeros32(uint32(v))) }
