// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// sums are sums of products of two computed operands: products of 32 bits, one row for
// each sum, then one kernel that adds up every row and scales the result.
type sums struct {
	l           *lowering
	name        string
	rows, terms int
	bias        []int64 // of every row, or nil
	n           int
}

// emit computes out[r] = scaled(bias[r] + sum of a[r,i] * b[r,i]). One of a and b may
// have one row for all.
func (s *sums) emit(a, b operand, m quant.Multiplier, out view, zero, lo, hi int) error {
	s.n++
	width := s.terms
	if s.bias != nil {
		width++
	}
	if s.rows > 65536 || width > 65536 {
		return fmt.Errorf("%d sums of %d products, expected at most 65536 of each", s.rows, width)
	}
	products := s.l.fresh(fmt.Sprintf("%s/products%d", s.name, s.n), graph.Int32, []int{s.rows, width})
	k := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: unscaled, OPA: unscaled, OPB: 1}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	if err := s.l.elementwise(k, a, &b, products.cut(1, 0, s.terms, 1), 0); err != nil {
		return err
	}
	if s.bias != nil {
		if err := s.addBias(products.cut(1, s.terms, 1, 1)); err != nil {
			return err
		}
	}
	scale, err := kernel.ScaleOf(m)
	if err != nil {
		return err
	}
	dst := s.l.fresh(s.name+"/sums", out.dt, []int{s.rows, 1})
	sum := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolReduceSum, Rescale: kernel.Rescale{Global: true, Out: scale}, Output: kernel.Output{Lo: lo, Hi: hi}}
	sum.IFM, sum.OFM = rowMap(products, 0), rowMap(dst, zero)
	s.l.emit(&sum)
	to, ok := out.reshape([]int{s.rows, 1})
	if !ok {
		return fmt.Errorf("result of shape %v is no column of %d", out.shape, s.rows)
	}
	return s.l.copyView("COPY to place", dst, to)
}

// addBias writes the bias as one more product of every row.
func (s *sums) addBias(column view) error {
	data := make([]byte, 0, 4*s.rows)
	for _, b := range s.bias {
		if b != int64(int32(b)) {
			return fmt.Errorf("bias %d does not fit 32 bits", b)
		}
		data = binary.LittleEndian.AppendUint32(data, uint32(b))
	}
	v := denseView(s.l.m.Constants.Intern(s.name+"/bias", data, 16), 0, graph.Int32, []int{s.rows, 1}, s.name+"/bias")
	zero := denseView(s.l.m.Constants.Intern("zero", make([]byte, 16), 16), 0, graph.Int32, []int{1, 1}, "constant 0")
	k := kernel.Kernel{Mode: kernel.Add, Rescale: kernel.Rescale{Global: true, Out: unscaled, OPA: unscaled, OPB: 1}, Output: kernel.Output{Lo: -32768, Hi: 32767}}
	return s.l.elementwise(k, operand{v: v}, &operand{v: zero}, column, 0)
}
