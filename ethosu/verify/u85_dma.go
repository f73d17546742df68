// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// dmaU85 checks a transfer of the U85.
func (c *checker) dmaU85(o *isa.Operation) {
	if bad := o.Unset(isa.U85, c.a.Cores); len(bad) > 0 {
		for _, code := range bad {
			c.report(RuleRegister, "%s of a transfer of the U85 is used and was never set", isa.U85.Name(code))
		}
		return
	}
	d := o.DMAU85()
	rows, planes := int64(d.Rows), int64(d.Planes)
	switch {
	case d.Length == 0:
		c.report(RuleDMA, "length of a transfer of the U85 is 0")
		return
	case rows*planes == 0 || rows*planes > maxRuns:
		c.report(RuleDMA, "%d rows in %d planes of the U85", rows, planes)
		return
	case d.Gather && d.Scatter:
		c.report(RuleDMA, "both sides go by the list of indices, expected one")
		return
	case d.SrcInternal:
		c.report(RuleDMA, "the source is the memory of tables, expected a region")
		return
	}
	if (d.Gather || d.Scatter) && (planes > 1 || d.Mode == 0 && rows > 1) {
		c.unproven(RuleDMA, "%d rows in %d planes by a list of indices with stride mode %d: rows of mode 1 are known", rows, planes, d.Mode)
		return
	}
	if d.DstInternal && (rows*planes > 1 || d.Dst%16 != 0 || d.Length%16 != 0) {
		c.unproven(RuleDMA, "%d rows of %d bytes to %#x of the memory of tables: one of multiples of 16 is known", rows*planes, d.Length, d.Dst)
		return
	}
	if !c.spend(int(rows * planes)) {
		return
	}
	index, list, ok := c.indices(&d)
	if !ok {
		return
	}
	side := func(start, row, plane int64, by bool, region int) transferEnd {
		e := transferEnd{}
		for p := range planes {
			for r := range rows {
				at := start + p*plane + r*row
				if by { // of one plane
					at = start + index[r]*row
				}
				e.rows = append(e.rows, Range{at, at + int64(d.Length)})
			}
		}
		e.span = isa.Span{Region: region, Start: e.rows[0].Start, End: e.rows[0].End}
		for _, r := range e.rows {
			e.span.Start, e.span.End = min(e.span.Start, r.Start), max(e.span.End, r.End)
		}
		return e
	}
	src := side(int64(d.Src), d.SrcRow, d.SrcPlane, d.Gather, d.SrcRegion)
	dst := side(int64(d.Dst), d.DstRow, d.DstPlane, d.Scatter, d.DstRegion)
	if !c.inside("DMA source", src.span) {
		return
	}
	if d.DstInternal {
		dst.internal, dst.span.Region = true, isa.SHRAM
		if dst.span.Start < 0 || dst.span.End > int64(c.a.U85.Tables) {
			c.report(RuleDMA, "bytes %#x to %#x of the memory of tables, which has %d", dst.span.Start, dst.span.End, c.a.U85.Tables)
			return
		}
	} else {
		if !c.inside("DMA destination", dst.span) {
			return
		}
		if c.regions[d.DstRegion].Constant {
			c.report(RuleRegion, "DMA of the U85 writes to region %d, which holds constants", d.DstRegion)
			return
		}
		if src.span.Overlaps(dst.span) && !slices.Equal(src.rows, dst.rows) {
			c.report(RuleOverlap, "source and destination of a transfer of the U85 overlap")
		}
	}
	c.transferHazards(list, src.span, dst.span)
	c.transfer(isa.DMA{SrcRegion: d.SrcRegion, DstRegion: d.DstRegion}, src, dst)
}

// indices returns the list of indices of a transfer of one plane that goes by one, where it
// is known.
func (c *checker) indices(d *isa.DMAU85) (index []int64, list isa.Span, ok bool) {
	if !d.Gather && !d.Scatter {
		return nil, isa.Span{}, true
	}
	n := int64(d.Rows)
	list = isa.Span{Region: d.IndexRegion, Start: int64(d.Index), End: int64(d.Index) + 4*n}
	if d.Index%4 != 0 {
		c.report(RuleAlignment, "the list of indices at %#x, expected a multiple of 4", d.Index)
	}
	if !c.inside("list of indices", list) {
		return nil, list, false
	}
	b, unknown := c.known[d.IndexRegion].get(list.Start, list.End)
	if unknown >= 0 {
		c.unproven(RuleDMA, "the list of indices at %#x is not constant: which rows are moved is not known", list.Start)
		return nil, list, false
	}
	for r := range n {
		v := int64(int32(binary.LittleEndian.Uint32(b[4*r:])))
		if v < 0 || v > d.IndexMax {
			c.report(RuleDMA, "index %d is %d, expected 0 to %d", r, v, d.IndexMax)
			return nil, list, false
		}
		index = append(index, v)
	}
	return index, list, true
}

// transferHazards is dmaHazards with a list of indices.
func (c *checker) transferHazards(list, src, dst isa.Span) {
	f := c.footprint()
	f.reads, f.writes = []isa.Span{src}, []isa.Span{dst}
	if list.End > list.Start {
		f.reads = append(f.reads, list)
	}
	c.waitsOfTransfer(f)
}
