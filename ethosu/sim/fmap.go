// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// fmap is a feature map whose every access is known to lie in its region.
type fmap struct {
	isa.FeatureMap
	elem int // bytes
	zp   int32
	// delta is subtracted from addresses: 0, or the start of the copy that an
	// operation reads while it overwrites the original.
	delta int
	tiled bool
}

func newFmap(f isa.FeatureMap) fmap {
	return fmap{FeatureMap: f, elem: f.Type.Bytes(), zp: f.ZeroPoint, tiled: f.H > f.Height0 || f.W > f.Width0}
}

// at returns the index of element (y, x, c) in its buffer.
func (f *fmap) at(y, x, c int) int {
	base := f.Base[0]
	if f.tiled {
		var tile int
		tile, y, x = f.Tile(y, x)
		base = f.Base[tile]
	}
	a := int(base) + y*int(f.StrideY) + x*int(f.StrideX) - f.delta
	if f.Format == isa.NHCWB16 {
		return a + c>>4*int(f.StrideC) + c&15*f.elem
	}
	return a + c*f.elem
}

// runLen returns how many channels from c on lie consecutively, at most n.
func (f *fmap) runLen(c, n int) int {
	if f.Format == isa.NHCWB16 {
		return min(n, 16-c&15)
	}
	return n
}

// dense reports whether the pixels of a row lie one behind the other, each with its
// channels together: then a row is one run.
func (f *fmap) dense() bool {
	return int(f.StrideX) == f.C*f.elem && f.W <= f.Width0 && (f.Format == isa.NHWC || f.C == 16)
}

// load reads consecutive elements and subtracts the zero point.
func (f *fmap) load(dst []int32, buf []byte, at int) {
	zp := f.zp
	switch {
	case f.elem == 1 && f.Type.Signed:
		src := buf[at : at+len(dst)]
		for i, v := range src {
			dst[i] = int32(int8(v)) - zp
		}
	case f.elem == 1:
		src := buf[at : at+len(dst)]
		for i, v := range src {
			dst[i] = int32(v) - zp
		}
	case f.elem == 2 && f.Type.Signed:
		for i := range dst {
			dst[i] = int32(int16(binary.LittleEndian.Uint16(buf[at+2*i:]))) - zp
		}
	case f.elem == 2:
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint16(buf[at+2*i:])) - zp
		}
	default: // int32, whose zero point is 0
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint32(buf[at+4*i:]))
		}
	}
}

// store writes consecutive elements; the values fit the type.
func (f *fmap) store(buf []byte, at int, src []int32) {
	switch f.elem {
	case 1:
		dst := buf[at : at+len(src)]
		for i, v := range src {
			dst[i] = byte(v)
		}
	case 2:
		for i, v := range src {
			binary.LittleEndian.PutUint16(buf[at+2*i:], uint16(v))
		}
	default:
		for i, v := range src {
			binary.LittleEndian.PutUint32(buf[at+4*i:], uint32(v))
		}
	}
}

// sameWalk reports whether both maps give every element the same address.
func (f *fmap) sameWalk(g *fmap) bool {
	a, b := f.FeatureMap, g.FeatureMap
	if !f.tiled && !g.tiled {
		a.Height0, a.Height1, a.Width0, b.Height0, b.Height1, b.Width0 = 0, 0, 0, 0, 0, 0
		a.Base[1], a.Base[2], a.Base[3], b.Base[1], b.Base[2], b.Base[3] = 0, 0, 0, 0, 0, 0
	}
	if a.H == 1 {
		a.StrideY, b.StrideY = 0, 0
	}
	if a.W == 1 {
		a.StrideX, b.StrideX = 0, 0
	}
	if a.Format == isa.NHWC || a.C <= 16 {
		a.StrideC, b.StrideC = 0, 0
	}
	a.ZeroPoint, b.ZeroPoint = 0, 0
	a.Type.Signed, b.Type.Signed = false, false
	return a == b
}
