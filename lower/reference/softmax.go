// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func planSoftmax(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	rows, depth := in.Rows()
	src, dst := op.Inputs[0], op.Outputs[0]
	switch in.Type {
	case graph.Int8:
		s, err := quant.ForSoftmax8(p.g, op)
		if err != nil {
			return nil, err
		}
		size := s.Bits / 8
		return func(m *memory) {
			for r := range rows {
				softmax8(&s, m.v[dst][r*depth*size:(r+1)*depth*size], m.v[src][r*depth:(r+1)*depth])
			}
		}, nil
	case graph.Int16:
		s, err := quant.ForSoftmax16(p.g, op)
		if err != nil {
			return nil, err
		}
		return func(m *memory) {
			for r := range rows {
				softmax16(s, m.v[dst][2*r*depth:2*(r+1)*depth], m.v[src][2*r*depth:2*(r+1)*depth])
			}
		}, nil
	case graph.Float32:
		return planRealSoftmax(p, op, rows, depth)
	}
	return nil, floatError(p, op)
}

// softmax8 computes one row. The table holds 0 for elements that the kernel
// skips, which then come out as the lowest value as they should.
func softmax8(s *quant.Softmax8, y, x []byte) {
	most := int32(-128)
	for _, b := range x {
		most = max(most, int32(int8(b)))
	}
	var sum int32
	for _, b := range x {
		sum += quant.RDBPOT(s.Exp[int32(int8(b))-most+255], 12)
	}
	h := quant.CLZ(sum)
	scale := quant.OneOverOnePlus(int32(uint32(sum)<<h - 1<<31))
	for i, b := range x {
		e := s.Exp[int32(int8(b))-most+255]
		v := min(max(quant.RDBPOT(quant.SRDHM(scale, e), 12-h+31-s.Bits)+s.Lo, s.Lo), s.Hi)
		if s.Bits == 8 {
			y[i] = byte(v)
		} else {
			put16(y, i, v)
		}
	}
}

func softmax16(s quant.Softmax16, y, x []byte) {
	n := len(x) / 2
	most := int32(-32768)
	for i := range n {
		most = max(most, get16(x, i))
	}
	exp := func(i int) int32 {
		return quant.Lookup16(&quant.ExpTable16, quant.Sat16(quant.MBQM(get16(x, i)-most, s.In)+32767))
	}
	var sum int32
	for i := range n {
		sum += exp(i)
	}
	h := quant.CLZ(sum)
	half := (int64(sum)<<max(h-1, 0) + 1<<13) >> 14
	reciprocal := quant.Lookup16(&quant.ReciprocalTable16, quant.Sat16(int32(half-1<<15-1<<16)))
	shift := 31 - h
	for i := range n {
		v := int64(exp(i))*int64(reciprocal) + int64(1)<<max(shift-1, 0)
		put16(y, i, int32(min(max(v>>max(shift, 0), 0), 32767)))
	}
}
