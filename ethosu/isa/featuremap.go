// SPDX-License-Identifier: Apache-2.0

package isa

// Format is the order of a feature map in memory.
type Format uint8

// Feature map formats.
const (
	NHWC    Format = iota
	NHCWB16        // bricks of 16 channels
)

func (f Format) String() string {
	if f == NHCWB16 {
		return "NHCWB16"
	}
	return "NHWC"
}

// DType is the element type of a feature map.
type DType struct {
	Signed bool
	Bits   int // 8, 16, 32; 64 is encodable and never legal
}

// Bytes returns the size of one element.
func (d DType) Bytes() int { return d.Bits / 8 }

// Limits returns the smallest and the largest value.
func (d DType) Limits() (lo, hi int64) {
	if d.Signed {
		return -1 << (d.Bits - 1), 1<<(d.Bits-1) - 1
	}
	return 0, 1<<d.Bits - 1
}

// String returns S8, U16, ...
func (d DType) String() string {
	name := map[int]string{8: "8", 16: "16", 32: "32", 64: "64"}[d.Bits]
	if d.Signed {
		return "S" + name
	}
	return "U" + name
}

// FeatureMap is one of IFM, IFM2 and OFM as the registers describe it.
type FeatureMap struct {
	Region                    int
	Base                      [4]uint64 // byte offset of each tile in the region
	Height0, Height1, Width0  int       // tile sizes in elements
	H, W, C                   int       // extents, derived for IFM and IFM2
	StrideY, StrideX, StrideC int64     // bytes; StrideC between bricks, ignored for NHWC
	ZeroPoint                 int32
	Type                      DType
	Format                    Format
}

// Tile returns the tile of an element and its coordinates in that tile.
func (f *FeatureMap) Tile(y, x int) (tile, ty, tx int) {
	if x >= f.Width0 {
		if y >= f.Height1 {
			return 3, y - f.Height1, x - f.Width0
		}
		return 1, y, x - f.Width0
	}
	if y >= f.Height0 {
		return 2, y - f.Height0, x
	}
	return 0, y, x
}

// Address returns the byte offset of an element in the region. It may be negative
// or beyond the region when the registers say so.
func (f *FeatureMap) Address(y, x, c int) int64 {
	tile, y, x := f.Tile(y, x)
	a := int64(f.Base[tile]) + int64(y)*f.StrideY + int64(x)*f.StrideX
	if f.Format == NHCWB16 {
		return a + int64(c>>4)*f.StrideC + int64(c&15*f.Type.Bytes())
	}
	return a + int64(c*f.Type.Bytes())
}

// SHRAM stands for the memory inside the NPU where a region is asked for: the number that
// the region registers of a DMA have for it, with every core.
const SHRAM = 0x103

// Span is a half-open byte range in a region.
type Span struct {
	Region     int
	Start, End int64
}

// Overlaps reports whether two spans share a byte.
func (a Span) Overlaps(b Span) bool {
	return a.Region == b.Region && a.Start < b.End && b.Start < a.End
}

// Spans returns the smallest span of each used tile that holds every element of
// the feature map. A strided slice counts as one solid span.
func (f *FeatureMap) Spans() []Span {
	if f.C <= 0 {
		return nil
	}
	var out []Span
	w0 := min(f.W, f.Width0)
	add := func(tile, h, w int) {
		if h > 0 && w > 0 {
			out = append(out, f.tileSpan(tile, h, w))
		}
	}
	add(0, min(f.H, f.Height0), w0)
	add(2, f.H-f.Height0, w0)
	add(1, min(f.H, f.Height1), f.W-f.Width0)
	add(3, f.H-f.Height1, f.W-f.Width0)
	return out
}

// tileSpan covers h by w elements of a tile, whichever sign the strides have.
func (f *FeatureMap) tileSpan(tile, h, w int) Span {
	lo := int64(f.Base[tile])
	hi := lo
	grow := func(n int, stride int64) {
		d := int64(n) * stride
		lo, hi = lo+min(d, 0), hi+max(d, 0)
	}
	grow(h-1, f.StrideY)
	grow(w-1, f.StrideX)
	if f.Format == NHCWB16 {
		grow((f.C-1)>>4, f.StrideC)
		return Span{f.Region, lo, hi + int64(f.Type.Bytes()*min(f.C, 16))}
	}
	return Span{f.Region, lo, hi + int64(f.C*f.Type.Bytes())}
}
