// SPDX-License-Identifier: Apache-2.0

package reference

import "github.com/unroll-npu/unroll/lower/quant"

// scaler is a quant.Multiplier prepared for branch-free use; apply equals
// quant.MBQM.
type scaler struct {
	m     int64
	half  int64 // rounding of the right shift
	mask  int64 // -1 when there is a right shift, whose ties go away from zero
	left  uint8
	right uint8
}

func newScaler(q quant.Multiplier) scaler {
	s := scaler{m: int64(q.M)}
	if q.Exp >= 0 {
		s.left = uint8(q.Exp)
		return s
	}
	s.right = uint8(-q.Exp)
	s.half, s.mask = 1<<(s.right-1), -1
	return s
}

func (s *scaler) apply(x int32) int32 {
	p := (int64(x<<(s.left&31))*s.m + 1<<30) >> 31
	return int32((p + s.half + p>>63&s.mask) >> (s.right & 63))
}

// scaler64 is quant.MBQM64 prepared.
type scaler64 struct {
	m     int64
	half  int64
	shift uint8
}

func newScaler64(q quant.Multiplier) scaler64 {
	m, shift := q.Reduce()
	return scaler64{int64(m), 1 << (shift - 1), uint8(shift)}
}

func (s *scaler64) apply(x int64) int32 { return int32((x*s.m + s.half) >> (s.shift & 63)) }
