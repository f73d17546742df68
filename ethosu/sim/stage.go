// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// table kinds.
const (
	noTable    = iota
	table8     // 256 bytes
	table8to32 // 256 words
	table16    // 512 pairs of base and slope
	table8to16 // 256 half words
	tableCurve // what the U85's functions for tanh and sigmoid must find loaded
)

// stage is the path of an element after it is scaled and rounded: zero point,
// function, clamp, table.
type stage struct {
	zp       int64
	function isa.ActivationFunction // isa.ActNone, ActTanh, ActSigmoid
	lo, hi   int64
	wide     bool // 32-bit OFM without a table: saturation instead of zero point and clamp
	exact32  bool // a 32-bit result out of range is a fault, not a saturation
	strict   bool // nothing is clamped: a result out of range is a fault
	table    int
	bias     int64 // added to the clamped value to index the table
	at       int   // byte offset of the table in SHRAM
}

// newStage reads the registers of the output path.
func newStage(h *header, o *isa.Operation, ofm *fmap, lutBase int) (stage, error) {
	act := o.Activation()
	s := stage{zp: int64(ofm.ZeroPoint), function: act.Function}
	t := ofm.Type
	isTable := act.Function >= isa.ActTable0
	if !isTable {
		if act.Clip != isa.ClipOFM {
			return s, h.fault(Contradiction, "ACTIVATION clip_range %d without a table, expected 0", act.Clip)
		}
		if act.Function != isa.ActNone && (t.Bits != 16 || !t.Signed || s.zp != 0) {
			return s, h.fault(Unknown, "function %d with OFM type %v and zero point %d: only S16 with zero point 0 is known", act.Function, t, s.zp)
		}
		s.wide = t.Bits == 32
	} else {
		s.function = isa.ActNone
		s.at = lutBase + 256*int(act.Function-isa.ActTable0)
		index := t
		switch act.Clip {
		case isa.ClipUint8:
			index = isa.DType{Bits: 8}
		case isa.ClipInt8:
			index = isa.DType{Signed: true, Bits: 8}
		case isa.ClipInt16:
			index = isa.DType{Signed: true, Bits: 16}
		}
		switch {
		case index.Bits == 8 && t.Bits == 8:
			s.table = table8
		case index.Bits == 8 && t.Bits == 32:
			s.table = table8to32
		case index.Bits == 16 && index.Signed && t.Bits == 16:
			s.table = table16
		default:
			return s, h.fault(Unknown, "a table indexed by %v (clip_range %d) with OFM type %v", index, act.Clip, t)
		}
		lo, _ := index.Limits()
		s.bias = -lo
		t = index
	}
	if s.wide {
		s.lo, s.hi = t.Limits()
		return s, nil
	}
	s.lo, s.hi = t.Limits()
	lo, hi := int64(act.Min), int64(act.Max)
	if t.Signed {
		lo, hi = int64(int16(act.Min)), int64(int16(act.Max))
	}
	s.lo, s.hi = max(s.lo, lo), min(s.hi, hi)
	if s.lo > s.hi {
		return s, h.fault(Contradiction, "ACTIVATION_MIN %d is above ACTIVATION_MAX %d for type %v", lo, hi, t)
	}
	return s, nil
}

// tableBytes returns the size of the table, 0 without one.
func (s *stage) tableBytes() int { return [...]int{0, 256, 1024, 2048, 512, 2048}[s.table] }

// tableUsed returns the bytes of the table that clamped values can index.
func (s *stage) tableUsed() (from, to int) {
	switch n := s.tableBytes(); s.table {
	case table8, table8to32, table8to16:
		return int(s.lo+s.bias) * n / 256, int(s.hi+s.bias+1) * n / 256
	case table16:
		return 4 * (int(s.lo+s.bias) >> 7), 4 * (int(s.hi+s.bias)>>7 + 1)
	default:
		return 0, n
	}
}

// finish turns rounded values into OFM values.
func (s *stage) finish(h *header, dst []int32, v []int64, shram []byte) error {
	dst = dst[:len(v)]
	if s.wide {
		for i, x := range v {
			if x < s.lo || x > s.hi {
				if s.exact32 {
					return h.fault(Overflow, "result %d of element %d does not fit 32 bits", x, i)
				}
				x = min(max(x, s.lo), s.hi)
			}
			dst[i] = int32(x)
		}
		return nil
	}
	if s.table == tableCurve {
		if err := s.checkCurve(h, shram); err != nil {
			return err
		}
	}
	switch s.function {
	case isa.ActTanh:
		for i, x := range v {
			v[i] = tanhCore(x)
		}
	case isa.ActSigmoid:
		for i, x := range v {
			v[i] = sigmoidCore(x)
		}
	}
	lo, hi, zp := s.lo, s.hi, s.zp
	if s.strict {
		for i, x := range v {
			if x+zp < lo || x+zp > hi {
				return h.fault(Overflow, "result %d of element %d leaves %d..%d, and ACTIVATION clip_range 1 clamps nothing", x+zp, i, lo, hi)
			}
		}
	}
	for i, x := range v {
		dst[i] = int32(min(max(x+zp, lo), hi))
	}
	switch s.table {
	case table8:
		t := (*[256]byte)(shram[s.at:])
		if s.bias != 0 {
			for i, x := range dst {
				dst[i] = int32(int8(t[byte(x+128)]))
			}
		} else {
			for i, x := range dst {
				dst[i] = int32(t[byte(x)])
			}
		}
	case table8to32:
		t := shram[s.at : s.at+1024]
		for i, x := range dst {
			dst[i] = int32(binary.LittleEndian.Uint32(t[4*(x+int32(s.bias)):]))
		}
	case table8to16:
		t := shram[s.at : s.at+512]
		for i, x := range dst {
			dst[i] = int32(int16(binary.LittleEndian.Uint16(t[2*(x+int32(s.bias)):])))
		}
	case table16:
		t := shram[s.at : s.at+2048]
		for i, x := range dst {
			u := x + 32768
			e := binary.LittleEndian.Uint32(t[u>>7<<2:])
			base, slope := int32(int16(e)), int32(int16(e>>16))
			dst[i] = base + (slope*(u&127)+64)>>7
		}
	}
	return nil
}
