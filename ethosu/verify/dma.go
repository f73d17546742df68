// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// transferEnd is one side of a DMA: rows of bytes in a region or in the SHRAM.
type transferEnd struct {
	span     isa.Span
	internal bool
	rows     []Range
}

func (c *checker) dma(o *isa.Operation) {
	if c.unset(o) {
		return
	}
	d := o.DMA()
	length := int64(d.Length)
	if length == 0 {
		c.report(RuleDMA, "length is 0")
		return
	}
	if d.SrcStride > 0 && d.DstStride > 0 {
		c.report(RuleDMA, "both sides are strided, expected one at most")
		return
	}
	rows, planes := int64(1), int64(1)
	if mode := max(d.SrcStride, d.DstStride); mode > 0 {
		rows = int64(d.Rows)
		if mode > 1 {
			planes = int64(d.Planes)
		}
		if rows*planes == 0 || rows*planes > maxRuns {
			c.report(RuleDMA, "%d rows in %d planes", rows, planes)
			return
		}
	}
	side := func(start int64, region, stride int, internal bool) transferEnd {
		e := transferEnd{internal: internal}
		at := start
		for p := range planes {
			for r := range rows {
				e.rows = append(e.rows, Range{at, at + length})
				if at += length; stride > 0 && r < rows-1 {
					at += d.Skip0
				}
			}
			if stride > 1 && p < planes-1 {
				at += d.Skip1
			}
		}
		e.span = isa.Span{Region: region, Start: e.rows[0].Start, End: e.rows[0].End}
		for _, r := range e.rows {
			e.span.Start, e.span.End = min(e.span.Start, r.Start), max(e.span.End, r.End)
		}
		if internal {
			e.span.Region = isa.SHRAM
		}
		return e
	}
	if !c.spend(int(rows * planes)) {
		return
	}
	src := side(int64(d.Src), d.SrcRegion, d.SrcStride, d.SrcInternal)
	dst := side(int64(d.Dst), d.DstRegion, d.DstStride, d.DstInternal)

	aligned := func(what string, v int64, internal bool) {
		to := c.a.DMAAlign
		if internal {
			to = 16
		}
		if v%int64(to) != 0 {
			c.report(RuleAlignment, "DMA %s is %d, expected a multiple of %d", what, v, to)
		}
	}
	aligned("source", int64(d.Src), d.SrcInternal)
	aligned("destination", int64(d.Dst), d.DstInternal)
	aligned("length", length, d.DstInternal)
	if src.internal {
		c.report(RuleDMA, "the source is SHRAM, expected a region")
		return
	}
	if !c.inside("DMA source", src.span) {
		return
	}
	if dst.internal {
		base := int64(c.a.LUTBase())
		if dst.span.Start < base || dst.span.End > base+tableArea {
			c.report(RuleDMA, "bytes %#x to %#x of SHRAM, expected the tables at %#x to %#x", dst.span.Start, dst.span.End, base, base+tableArea)
			return
		}
		if mask := 1<<c.a.Cores - 1; d.DstRegion&mask != mask {
			c.report(RuleDMA, "core mask %d leaves out a core, expected %d", d.DstRegion, mask)
		}
	} else {
		if !c.inside("DMA destination", dst.span) {
			return
		}
		if c.regions[d.DstRegion].Constant {
			c.report(RuleRegion, "DMA writes to region %d, which holds constants", d.DstRegion)
			return
		}
		if src.span.Overlaps(dst.span) && !slices.Equal(src.rows, dst.rows) { // a copy onto itself changes nothing
			c.report(RuleOverlap, "DMA source and destination overlap")
		}
	}
	c.dmaHazards(o, src.span, dst.span)
	c.transfer(d, src, dst)
}

// transfer carries to the destination which bytes have a value, and what is known of it.
func (c *checker) transfer(d isa.DMA, src, dst transferEnd) {
	if !dst.internal {
		c.forgetValues([]isa.Span{dst.span})
	}
	for i, to := range dst.rows {
		from := src.rows[i]
		var bad ranges
		for _, g := range c.defined[d.SrcRegion].gaps(from.Start, from.End) {
			bad.add(g.Start-from.Start+to.Start, g.End-from.Start+to.Start)
		}
		if dst.internal {
			c.tables.add(to.Start, to.End)
			for _, g := range bad {
				c.tables.remove(g.Start, g.End)
			}
			carry(&c.loaded, to, c.known[d.SrcRegion], from)
			continue
		}
		origin := Finding{}
		if len(bad) > 0 {
			origin = c.since("DMA", d.SrcRegion, bad[0].Start-to.Start+from.Start)
		}
		c.settle(d.DstRegion, to)
		c.defined[d.DstRegion].add(to.Start, to.End)
		c.spoil(d.DstRegion, bad, origin)
		carry(&c.known[d.DstRegion], to, c.known[d.SrcRegion], from)
	}
}

// carry takes over what is known of a row that is copied.
func carry(to *contents, dst Range, from contents, src Range) {
	known := from.within(src.Start, src.End)
	to.forget(dst.Start, dst.End)
	for _, p := range known {
		to.put(p.start-src.Start+dst.Start, p.data)
	}
}
