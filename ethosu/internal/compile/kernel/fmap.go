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

// Bricks reports whether the map is written as NHCWB16, of which one pixel has one brick:
// the bytes are those of NHWC, but the NPU moves several pixels in one burst. Bricks have
// addresses that are multiples of 16, and buffers begin at such.
func (f *Map) Bricks() bool {
	return f.Brick && f.Off%16 == 0 && (f.Low == nil || f.LowOff%16 == 0)
}

func (f *Map) buffers(call func(*Buffer)) {
	call(f.Buf)
	if f.Low != nil {
		call(f.Low)
	}
}
