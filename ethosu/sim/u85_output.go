// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// newStageU85 reads the output path of the U85: zero point, clamp, table; or, for the
// functions tanh and sigmoid, function and clamp.
func newStageU85(h *header, act isa.ActivationU85, ofm *fmap) (stage, error) {
	t := ofm.Type
	s := stage{zp: int64(ofm.ZeroPoint), function: isa.ActNone}
	index, want := t, t
	if act.Function != isa.FuncNone {
		index, want = act.Function.Types()
	}
	switch act.Function {
	case isa.FuncNone:
	case isa.FuncU8ToU8, isa.FuncS8ToS8:
		s.table = table8
	case isa.FuncS8ToS16:
		s.table = table8to16
	case isa.FuncS8ToS32:
		s.table = table8to32
	case isa.FuncS16ToS16:
		s.table = table16
	case isa.FuncTanh, isa.FuncSigmoid:
		s.table, s.function = tableCurve, isa.ActTanh
		if act.Function == isa.FuncSigmoid {
			s.function = isa.ActSigmoid
		}
		if s.zp != 0 {
			return s, h.fault(Unknown, "ACTIVATION function %v with OFM_ZERO_POINT %d: only 0 is known", act.Function, s.zp)
		}
	default:
		return s, h.fault(Unknown, "ACTIVATION function %v: how its table is interpolated is not known", act.Function)
	}
	if t != want {
		return s, h.fault(Contradiction, "ACTIVATION function %v with OFM type %v, expected %v", act.Function, t, want)
	}
	if s.table != noTable {
		s.at = int(act.Span().Start)
		lo, _ := index.Limits()
		s.bias = -lo
	}
	s.lo, s.hi = index.Limits()
	if !act.Clip {
		s.strict = true
		if s.zp != 0 && t.Bits == 32 && s.table == noTable {
			return s, h.fault(Unknown, "OFM_ZERO_POINT %d with a 32-bit OFM and no clamp: whether it is added is not known", s.zp)
		}
		return s, nil
	}
	lo, hi := int64(index.Extend(act.Min)), int64(index.Extend(act.Max))
	s.lo, s.hi = max(s.lo, lo), min(s.hi, hi)
	if s.lo > s.hi {
		return s, h.fault(Contradiction, "ACTIVATION_MIN %d is above ACTIVATION_MAX %d for type %v", lo, hi, index)
	}
	return s, nil
}

// curves are the tables that functions tanh and sigmoid interpolate, as compilers load
// them: 512 pairs of base and slope, of the values that the built-in functions of the
// U55 have. They differ in the slope of entry 0.
var curves = sync.OnceValue(func() *[2][2048]byte {
	var t [2][2048]byte
	positive := func(i int) int64 { return sigmoid[min(i, 255)] - 32768 }
	for i := -256; i < 256; i++ {
		value := func(i int) int64 {
			if i < 0 {
				return -positive(-i)
			}
			return positive(i)
		}
		base, next := value(i), value(i+1)
		for k, slope := range [2]int64{next - base, next - base} {
			if i == -256 && k == 1 {
				slope = -positive(254) - base
			}
			binary.LittleEndian.PutUint32(t[k][4*(i+256):], uint32(max(slope, 0))<<16|uint32(uint16(base)))
		}
	}
	return &t
})

// checkCurve compares the loaded table of tanh or sigmoid with the known one. What
// another table would give is not known: the interpolation of values that are not
// limited to 16 bits is stated nowhere.
func (s *stage) checkCurve(h *header, lut []byte) error {
	k, name := 0, "tanh"
	if s.function == isa.ActSigmoid {
		k, name = 1, "sigmoid"
	}
	want := &curves()[k]
	if got := lut[s.at : s.at+2048]; !bytes.Equal(got, want[:]) {
		i := 0
		for binary.LittleEndian.Uint32(got[4*i:]) == binary.LittleEndian.Uint32(want[4*i:]) {
			i++
		}
		return h.fault(Unknown, "entry %d of the table for %s is 0x%08X, expected 0x%08X: what another table than that of the 16-bit %s gives is not known",
			i, name, binary.LittleEndian.Uint32(got[4*i:]), binary.LittleEndian.Uint32(want[4*i:]), name)
	}
	return nil
}
