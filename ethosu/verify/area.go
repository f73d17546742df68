// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// box is a half-open part of a feature map.
type box struct{ y0, y1, x0, x1, c0, c1 int }

func whole(f *isa.FeatureMap) box { return box{0, f.H, 0, f.W, 0, f.C} }

func (b box) empty() bool { return b.y0 >= b.y1 || b.x0 >= b.x1 || b.c0 >= b.c1 }

func (b box) clip(f *isa.FeatureMap) box {
	return box{max(b.y0, 0), min(b.y1, f.H), max(b.x0, 0), min(b.x1, f.W), max(b.c0, 0), min(b.c1, f.C)}
}

func (b box) meets(o box) bool {
	return b.y0 < o.y1 && o.y0 < b.y1 && b.x0 < o.x1 && o.x0 < b.x1 && b.c0 < o.c1 && o.c0 < b.c1
}

// runs calls emit with the byte ranges of a box of a feature map, in no particular
// order, joining what lies together in a row. It stops when emit returns false.
func runs(f *isa.FeatureMap, b box, emit func(start, end int64) bool) bool {
	if b = b.clip(f); b.empty() {
		return true
	}
	e := int64(f.Type.Bytes())
	for y := b.y0; y < b.y1; y++ {
		for x := b.x0; x < b.x1; {
			// Up to the border of the tile.
			xe := b.x1
			if x < f.Width0 {
				xe = min(xe, f.Width0)
			}
			if f.Format == isa.NHWC {
				start, n := f.Address(y, x, b.c0), int64(b.c1-b.c0)*e
				if f.StrideX == n || xe-x == 1 {
					if !emit(start, start+n*int64(xe-x)) {
						return false
					}
				} else {
					for i := range int64(xe - x) {
						if !emit(start+i*f.StrideX, start+i*f.StrideX+n) {
							return false
						}
					}
				}
			} else {
				for c := b.c0; c < b.c1; {
					ce := min(b.c1, c&^15+16)
					start, n := f.Address(y, x, c), int64(ce-c)*e
					if f.StrideX == n || xe-x == 1 {
						if !emit(start, start+n*int64(xe-x)) {
							return false
						}
					} else {
						for i := range int64(xe - x) {
							if !emit(start+i*f.StrideX, start+i*f.StrideX+n) {
								return false
							}
						}
					}
					c = ce
				}
			}
			x = xe
		}
	}
	return true
}

// maxRuns bounds the work on one feature map whose registers are nonsense.
const maxRuns = 1 << 18

// bytesOf returns the bytes of a box, or false when they are too scattered to list.
func bytesOf(f *isa.FeatureMap, b box) (ranges, bool) {
	var list ranges
	ok := runs(f, b, func(start, end int64) bool {
		if n := len(list); n > 0 && list[n-1].End == start {
			list[n-1].End = end
			return true
		}
		list = append(list, Range{start, end})
		return len(list) < maxRuns
	})
	if !ok {
		return nil, false
	}
	slices.SortFunc(list, func(a, b Range) int { return int(min(max(a.Start-b.Start, -1), 1)) })
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && r.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
		} else {
			out = append(out, r)
		}
	}
	return out, true
}

// sameMapping reports whether equal coordinates mean equal addresses in two maps.
func sameMapping(f, g *isa.FeatureMap) bool {
	single := func(m *isa.FeatureMap) bool { return m.H <= m.Height0 && m.W <= m.Width0 }
	return f.Region == g.Region && f.Format == g.Format && f.Type.Bits == g.Type.Bits && f.Base[0] == g.Base[0] &&
		(f.StrideX == g.StrideX || f.W == 1 && g.W == 1) && (f.StrideY == g.StrideY || f.H == 1 && g.H == 1) &&
		(f.Format == isa.NHWC || f.StrideC == g.StrideC || f.C <= 16 && g.C <= 16) &&
		single(f) && single(g)
}

// meet reports whether boxes of two feature maps share a byte; when that is too
// much work it says they do.
func (c *checker) meet(f *isa.FeatureMap, fb box, g *isa.FeatureMap, gb box) bool {
	fb, gb = fb.clip(f), gb.clip(g)
	if f.Region != g.Region || fb.empty() || gb.empty() {
		return false
	}
	if sameMapping(f, g) {
		return fb.meets(gb)
	}
	a, aok := bytesOf(f, fb)
	b, bok := bytesOf(g, gb)
	if !aok || !bok || !c.spend(len(a)+len(b)) {
		c.spend(maxRuns)
		return true
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].End <= b[j].Start:
			i++
		case b[j].End <= a[i].Start:
			j++
		default:
			return true
		}
	}
	return false
}

// overlap reports whether any two spans of the lists share a byte.
func overlap(a, b []isa.Span) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Overlaps(y) {
				return true
			}
		}
	}
	return false
}
