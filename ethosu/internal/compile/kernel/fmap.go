// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/unroll-npu/unroll/lower/graph"

// Map is a feature map as a kernel addresses it: height x width x channels in NHWC
// with byte strides; channels of one pixel are contiguous. See Bricks for the other
// format.
type Map struct {
	Buf              *Buffer // nil for the one value of a scalar
	Off              int     // bytes from the start of Buf
	H, W, C          int
	StrideY, StrideX int // bytes
	Type             graph.DType
	Zero             int // zero point
	Name             string

	// Low, when set, holds the rows from 1 on (tile 2): two rows anywhere in one
	// region make a map of height 2.
	Low     *Buffer
	LowOff  int
	LowName string

	Brick bool // pixels of 16 channels side by side: NHCWB16 where addresses allow it
}

// TypeRange returns the limits of a result of 8 bits, or of one of 16 or more.
func TypeRange(t graph.DType) (lo, hi int) {
	switch t {
	case graph.Int8:
		return -128, 127
	case graph.Uint8:
		return 0, 255
	}
	return -32768, 32767
}

// Elems returns the number of elements.
func (f *Map) Elems() int { return f.H * f.W * f.C }

// Bits returns the bits of an element.
func (f *Map) Bits() int { return f.Type.Size() * 8 }

// End returns the first byte of Buf behind the map, for a map in one tile.
func (f *Map) End() int {
	return f.Off + (f.H-1)*f.StrideY + (f.W-1)*f.StrideX + f.C*f.Type.Size()
}

// Dense reports whether the elements of a map in one tile lie side by side.
func (f *Map) Dense() bool {
	row := f.C * f.Type.Size()
	return f.Low == nil && (f.W == 1 || f.StrideX == row) && (f.H == 1 || f.StrideY == f.W*row)
}

// span is bytes of a buffer.
type span struct {
	buf      *Buffer
	from, to int
}

// spans returns the bytes of the map, from the first element to the last, for each of its
// tiles; the second one is empty where there is only one.
func (f *Map) spans() [2]span {
	if f.Low == nil {
		return [2]span{{f.Buf, f.Off, f.End()}}
	}
	row := (f.W-1)*f.StrideX + f.C*f.Type.Size()
	return [2]span{{f.Buf, f.Off, f.Off + row}, {f.Low, f.LowOff, f.LowOff + (f.H-2)*f.StrideY + row}}
}

// Meets reports whether two maps share bytes.
func (f *Map) Meets(g *Map) bool {
	if f.Low == nil && g.Low == nil && f.Buf != g.Buf {
		return false // most of all pairs
	}
	for _, a := range f.spans() {
		for _, b := range g.spans() {
			if a.buf != nil && a.buf == b.buf && a.from < b.to && b.from < a.to {
				return true
			}
		}
	}
	return false
}

// Bricks reports whether the map is written as NHCWB16, of which one pixel has one brick:
// the bytes are those of NHWC, but the NPU moves several pixels in one burst. Bricks have
// addresses that are multiples of 16, and buffers begin at such.
func (f *Map) Bricks() bool {
	return f.Brick && f.Off%16 == 0 && (f.Low == nil || f.LowOff%16 == 0)
}

// Buffers calls f for the buffers that the map lies in.
func (f *Map) Buffers(call func(*Buffer)) {
	call(f.Buf)
	if f.Low != nil {
		call(f.Low)
	}
}
