// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// dmaPlan is NPU_OP_DMA_START.
type dmaPlan struct {
	base
	isa.DMA
	rows, planes int64
}

func (b *builder) dma(h header, o *isa.Operation) (step, error) {
	d := &dmaPlan{base: base{header: h}, DMA: o.DMA(), rows: 1, planes: 1}
	mode := max(d.SrcStride, d.DstStride)
	if mode > 0 {
		d.rows = int64(d.Rows)
	}
	if mode > 1 {
		d.planes = int64(d.Planes)
	}
	if mode > 0 && d.SrcStride > 0 && d.DstStride > 0 {
		return nil, h.fault(Unknown, "strides on both sides of a DMA (modes %d and %d): which side a skip applies to is not known", d.SrcStride, d.DstStride)
	}
	if d.Length == 0 || d.rows == 0 || d.planes == 0 {
		return nil, h.fault(Contradiction, "a DMA of %d planes of %d rows of %d bytes moves nothing", d.planes, d.rows, d.Length)
	}
	if err := b.spend(&h, float64(d.Length)*float64(d.rows)*float64(d.planes)); err != nil {
		return nil, err
	}
	if err := b.alignDMA(d); err != nil {
		return nil, err
	}
	src, err := b.side(d, "source", d.Src, d.SrcRegion, d.SrcInternal, d.SrcStride, false)
	if err != nil {
		return nil, err
	}
	dst, err := b.side(d, "destination", d.Dst, d.DstRegion, d.DstInternal, d.DstStride, true)
	if err != nil {
		return nil, err
	}
	d.touch(ChannelDMARead, src)
	d.touch(ChannelDMAWrite, dst)
	if d.SrcInternal {
		if miss := b.shram.missing(int(src.Start), int(src.End)); miss >= 0 {
			return nil, h.fault(TableMissing, "a DMA reads SHRAM 0x%X..0x%X, which is not loaded at 0x%X", src.Start, src.End, miss)
		}
	}
	if d.DstInternal {
		if all := 1<<b.accel.Cores - 1; d.DstRegion&all != all {
			return nil, h.fault(Unknown, "core mask %d of an internal destination leaves out a core: tables would differ", d.DstRegion)
		}
		b.shram.mark(int(dst.Start), int(dst.End), true)
	}
	return d, nil
}

// alignDMA enforces the alignment of each product.
func (b *builder) alignDMA(d *dmaPlan) error {
	u55 := b.product == isa.U55
	for _, c := range []struct {
		name  string
		v     uint64
		check bool
	}{
		{"DMA0_SRC", d.Src, u55 || d.SrcInternal},
		{"DMA0_DST", d.Dst, u55 || d.DstInternal},
		{"DMA0_LEN", d.Length, u55 || d.DstInternal},
	} {
		if c.check && c.v%16 != 0 {
			return d.fault(Misaligned, "%s is 0x%X, expected a multiple of 16", c.name, c.v)
		}
	}
	return nil
}

// side returns the span of one side, checked against its memory.
func (b *builder) side(d *dmaPlan, which string, at uint64, region int, internal bool, stride int, write bool) (isa.Span, error) {
	end := float64(at) + float64(d.Length)*float64(d.rows)*float64(d.planes)
	if stride > 0 {
		end += float64(d.rows*d.planes-1)*float64(abs(d.Skip0)) + float64(d.planes-1)*float64(abs(d.Skip1))
	}
	if end > 1<<62 {
		return isa.Span{}, d.fault(OutsideRegion, "the DMA %s reaches past the address space", which)
	}
	s := isa.Span{Region: region, Start: int64(at), End: int64(at)}
	d.walk(stride, func(offset int64) {
		s.Start, s.End = min(s.Start, int64(at)+offset), max(s.End, int64(at)+offset+int64(d.Length))
	})
	if internal {
		s.Region = SHRAM
		if s.Start < 0 || s.End > int64(1024*b.accel.SHRAMBanks) {
			return s, d.fault(OutsideRegion, "the DMA %s is SHRAM 0x%X..0x%X, which has 0x%X bytes", which, s.Start, s.End, 1024*b.accel.SHRAMBanks)
		}
		return s, nil
	}
	return s, b.checkSpan(&d.header, "the DMA "+which, s, write)
}

// walk calls f with the offset of each row on a side.
func (d *dmaPlan) walk(stride int, f func(offset int64)) {
	row, plane := int64(d.Length), int64(d.Length)*d.rows
	if stride > 0 {
		row += d.Skip0
	}
	if stride > 1 {
		plane += d.Skip1
	} else if stride == 1 {
		plane = row * d.rows
	}
	for p := range d.planes {
		for r := range d.rows {
			f(p*plane + r*row)
		}
	}
}

func (d *dmaPlan) run(c *context) error {
	src, dst := c.shram, c.shram
	if !d.SrcInternal {
		src = c.mem[d.SrcRegion]
	}
	if !d.DstInternal {
		dst = c.mem[d.DstRegion]
	}
	if d.rows*d.planes == 1 {
		copy(dst[d.Dst:d.Dst+d.Length], src[d.Src:d.Src+d.Length])
		return nil
	}
	from := make([]int64, 0, d.rows*d.planes)
	d.walk(d.SrcStride, func(o int64) { from = append(from, o) })
	i := 0
	d.walk(d.DstStride, func(o int64) {
		s, t := int64(d.Src)+from[i], int64(d.Dst)+o
		copy(dst[t:t+int64(d.Length)], src[s:s+int64(d.Length)])
		i++
	})
	return nil
}

func abs(v int64) int64 { return max(v, -v) }
