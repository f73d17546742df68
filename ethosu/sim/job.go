// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

func newJob(o *isa.Operation, a *ethosu.Accelerator) *job {
	j := &job{block: o.Block(), kernel: o.Kernel(), ofm: o.OFM(), ifm: o.IFM(), two: o.HasIFM2(), table: o.UsesTable(), reserved: a.ReservedEndBanks > 0}
	j.dep = j.block.Dep
	_, j.factor = o.Upscale()
	if j.two {
		j.ifm2 = o.IFM2()
	}
	if o.Sums() {
		most := 256 / j.ifm.Type.Bits
		if o.Op == isa.OpConv && j.kernel.PartKernelFirst {
			most = min(most, 16) // the depth of the input block
		}
		j.depth = min(most, (j.ifm.C+7)/8*8)
	}
	return j
}

// box is a half-open part of a feature map.
type box struct{ y0, y1, x0, x1, c0, c1 int }

// blockAt returns OFM block i: depth fastest, then width, then height.
func (j *job) blockAt(i int) (box, bool) {
	nd, nw, nh := j.count()
	if i < 0 || i >= nd*nw*nh {
		return box{}, false
	}
	z, x, y := i%nd*j.block.D, i/nd%nw*j.block.W, i/(nd*nw)*j.block.H
	return box{y, min(y+j.block.H, j.ofm.H), x, min(x+j.block.W, j.ofm.W), z, min(z+j.block.D, j.ofm.C)}, true
}

func (j *job) count() (nd, nw, nh int) {
	up := func(n, b int) int { return (n + b - 1) / b }
	return up(j.ofm.C, j.block.D), up(j.ofm.W, j.block.W), up(j.ofm.H, j.block.H)
}

// output returns the memory of the OFM block that is n blocks before the last.
func (j *job) output(n int) ([]isa.Span, bool) {
	nd, nw, nh := j.count()
	b, ok := j.blockAt(nd*nw*nh - 1 - n)
	if !ok {
		return nil, false
	}
	if j.written != nil {
		return slices.Clone(j.written), true
	}
	return spansOf(nil, &j.ofm, b), true
}

// input returns the memory that input job f reads: a slice of the IFM depth for one
// OFM block.
func (j *job) input(f int) ([]isa.Span, bool) {
	cuts := 1
	if j.depth > 0 {
		cuts = (j.ifm.C + j.depth - 1) / j.depth
	}
	b, ok := j.blockAt(f / cuts)
	if !ok {
		return nil, false
	}
	if j.read != nil {
		return slices.Clone(j.read), true
	}
	k, in := &j.kernel, b
	in.y0, in.y1 = window(b.y0, b.y1, k.StrideY, k.DilatedH, k.Top, j.factor, j.ifm.H)
	in.x0, in.x1 = window(b.x0, b.x1, k.StrideX, k.DilatedW, k.Left, j.factor, j.ifm.W)
	if j.depth > 0 {
		in.c0 = f % cuts * j.depth
		in.c1 = min(in.c0+j.depth, j.ifm.C)
	}
	clip := func(lo, hi *int, n int) {
		if n == 1 {
			*lo, *hi = 0, 1
		}
	}
	if j.elementwise { // the U85 may broadcast its first input, too
		clip(&in.y0, &in.y1, j.ifm.H)
		clip(&in.x0, &in.x1, j.ifm.W)
		clip(&in.c0, &in.c1, j.ifm.C)
	}
	spans := spansOf(nil, &j.ifm, in)
	if j.two {
		clip(&b.y0, &b.y1, j.ifm2.H)
		clip(&b.x0, &b.x1, j.ifm2.W)
		clip(&b.c0, &b.c1, j.ifm2.C)
		spans = spansOf(spans, &j.ifm2, b)
	}
	return spans, true
}

// window maps output rows or columns to those of the stored input.
func window(o0, o1, stride, extent, pad, factor, size int) (lo, hi int) {
	lo, hi = o0*stride-pad, (o1-1)*stride-pad+extent
	return max(lo, 0) / factor, min((hi+factor-1)/factor, size)
}

// spansOf appends the memory of a box, one span for each run of channels.
func spansOf(out []isa.Span, f *isa.FeatureMap, b box) []isa.Span {
	m := newFmap(*f)
	for y := b.y0; y < b.y1; y++ {
		for x := b.x0; x < b.x1; x++ {
			for c := b.c0; c < b.c1; {
				n := m.runLen(c, b.c1-c)
				at := int64(m.at(y, x, c))
				out = append(out, isa.Span{Region: f.Region, Start: at, End: at + int64(n*m.elem)})
				c += n
			}
		}
	}
	return out
}
