// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// kernel is a block operation with what later operations must know of it.
type kernel struct {
	op             isa.Code
	sums           bool // over the depth of the input
	shape          block.Op
	blk            block.Shape
	k              isa.Kernel
	up             int // upscaling factor
	ifm, ifm2, ofm isa.FeatureMap
	hasIFM2        bool
	broadcast      isa.Broadcast
	table, noTable bool // noTable: no table is as the registers have it
	layout         isa.Block
	shramEnd       int // bytes of SHRAM from 0 that its buffers take

	in, in2, out, constants []isa.Span // feature maps; weights and scales
	tableSpan               isa.Span
	unwritten               *Finding // not nil: it reads what nobody wrote
}

func (c *checker) kernel(o *isa.Operation) {
	k := &kernel{op: o.Op, sums: o.Sums(), k: o.Kernel(), ifm: o.IFM(), ofm: o.OFM(), hasIFM2: o.HasIFM2(),
		broadcast: o.Broadcast(), table: o.UsesTable(), layout: o.Block()}
	_, k.up = o.Upscale()
	k.shape, k.blk = block.Of(o)
	if k.hasIFM2 {
		k.ifm2 = o.IFM2()
		k.in2 = k.ifm2.Spans()
	}
	k.out = k.ofm.Spans()
	bad := c.unset(o)
	if !c.shapes(o, k) {
		bad = true
	}
	if bad {
		c.forgetValues(k.out)
	} else {
		k.in = k.ifm.Spans()
		c.types(o, k)
		c.checkClamp(o, k.ofm.Type)
		c.block(k)
		ok := c.featureMap("IFM", &k.ifm, k.in, false)
		if k.hasIFM2 {
			ok = c.featureMap("IFM2", &k.ifm2, k.in2, false) && ok
		}
		ok = c.featureMap("OFM", &k.ofm, k.out, true) && ok
		if o.HasWeights() {
			c.weights(o, k)
		}
		c.useTable(o, k)
		if ok {
			k.unwritten = c.reads(k)
			c.overlaps(k)
			c.overflow(o, k)
		} else {
			c.forgetValues(k.out)
		}
		c.kernelHazards(o, k)
	}
	c.writes(k)
	c.previous = k
}

// writes marks the output as defined, but for what depends on bytes without a value.
// What is known of the bytes is known no more.
func (c *checker) writes(k *kernel) {
	r := k.ofm.Region
	var bad ranges
	if k.unwritten != nil {
		bad = c.dependents(k)
	}
	size := c.regions[r].Size
	for _, s := range k.out {
		c.known[r].forget(s.Start, s.End)
		if s.Start < 0 || s.End > size {
			return // reported already
		}
	}
	list, ok := bytesOf(&k.ofm, whole(&k.ofm))
	if !ok {
		for _, s := range k.out {
			c.defined[r].add(s.Start, s.End)
		}
		c.spend(maxRuns)
		return
	}
	if len(c.stale[r]) > 0 {
		for _, x := range list {
			c.settle(r, x)
		}
	}
	if c.spend(len(list) + len(c.defined[r])/16) {
		c.defined[r].union(list)
	}
	if len(bad) > 0 {
		c.spoil(r, bad, *k.unwritten)
	}
}

// reads looks for what the operation reads and nobody wrote. It returns the finding
// that this is if it matters, or nil. Weights and scales without a value matter.
func (c *checker) reads(k *kernel) *Finding {
	for _, s := range k.constants {
		if at := c.defined[s.Region].missing(s.Start, s.End); at >= 0 {
			c.report(RuleUndefined, "byte %d of region %d, in weights or scales at %d, was never written", at, s.Region, s.Start)
		}
	}
	if at := c.readBox(&k.ifm, k); at >= 0 {
		f := c.since("IFM", k.ifm.Region, at)
		return &f
	}
	if k.hasIFM2 {
		if at := c.readBox(&k.ifm2, nil); at >= 0 {
			f := c.since("IFM2", k.ifm2.Region, at)
			return &f
		}
	}
	return nil
}

// readBox returns the first byte of an input that has no value, or -1. With a kernel,
// rows and columns that its stride steps over are not read.
func (c *checker) readBox(f *isa.FeatureMap, k *kernel) int64 {
	rows, cols := []Range{{0, int64(f.H)}}, []Range{{0, int64(f.W)}}
	if k != nil {
		rows = sampled(f.H, k.ofm.H, k.k.H, k.k.StrideY, k.k.DilationY, k.k.Top, k.up)
		cols = sampled(f.W, k.ofm.W, k.k.W, k.k.StrideX, k.k.DilationX, k.k.Left, k.up)
	}
	if len(rows)*len(cols) > maxRuns {
		c.spend(maxRuns)
		return -1
	}
	for _, y := range rows {
		for _, x := range cols {
			list, ok := bytesOf(f, box{int(y.Start), int(y.End), int(x.Start), int(x.End), 0, f.C})
			if !ok {
				c.spend(maxRuns)
				return -1
			}
			if !c.spend(len(list) + 1) {
				return -1
			}
			for _, r := range list {
				if at := c.defined[f.Region].missing(r.Start, r.End); at >= 0 {
					return at
				}
			}
		}
	}
	return -1
}

// sampled returns the rows (or columns) of an input that an operation reads.
func sampled(extent, out, taps, stride, dilation, pad, up int) []Range {
	all := []Range{{0, int64(extent)}}
	if stride <= taps && dilation == 1 || out*taps > maxRuns {
		return all
	}
	seen := make([]bool, extent)
	for o := range out {
		for t := range taps {
			if v := (o*stride + t*dilation - pad); v >= 0 && v/up < extent {
				seen[v/up] = true
			}
		}
	}
	var list []Range
	for i, s := range seen {
		if n := len(list); s && n > 0 && list[n-1].End == int64(i) {
			list[n-1].End++
		} else if s {
			list = append(list, Range{int64(i), int64(i) + 1})
		}
	}
	return list
}

// overlaps checks that the output does not overwrite what the operation itself
// still reads. An operation that maps every element to the element at the same
// place may work in place.
func (c *checker) overlaps(k *kernel) {
	inPlace := func(f *isa.FeatureMap) bool {
		pointwise := k.op == isa.OpElementwise ||
			(!k.sums || f.C == 1) && k.k.H == 1 && k.k.W == 1 && k.k.StrideX == 1 && k.k.StrideY == 1 && k.up == 1
		return pointwise && f.H == k.ofm.H && f.W == k.ofm.W && f.C == k.ofm.C && sameMapping(f, &k.ofm)
	}
	check := func(which string, f *isa.FeatureMap, spans []isa.Span) {
		if overlap(spans, k.out) && !inPlace(f) && c.meet(f, whole(f), &k.ofm, whole(&k.ofm)) {
			c.report(RuleOverlap, "the OFM overwrites the %s, at another place than where it is read", which)
		}
	}
	check("IFM", &k.ifm, k.in)
	if k.hasIFM2 {
		check("IFM2", &k.ifm2, k.in2)
	}
	if overlap(k.constants, k.out) {
		c.report(RuleOverlap, "the OFM overwrites the operation's weights or scales")
	}
}
