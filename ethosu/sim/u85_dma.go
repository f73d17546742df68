// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// lutBytes is the size of the U85's LUT memory.
const lutBytes = 2048

// dmaU85 is NPU_OP_DMA_START of the U85: rows and planes with strides on both sides, and
// rows picked by a list of indices on one.
type dmaU85 struct {
	base
	isa.DMAU85
	src, dst isa.Span // all that it may touch
	list     isa.Span // of the indices
}

func (b *builder) dmaU85(h header, o *isa.Operation) (step, error) {
	d := &dmaU85{base: base{header: h}, DMAU85: o.DMAU85()}
	switch {
	case d.Length == 0 || d.Rows == 0 || d.Planes == 0:
		return nil, h.fault(Contradiction, "a DMA of %d planes of %d rows of %d bytes moves nothing", d.Planes, d.Rows, d.Length)
	case d.Gather && d.Scatter:
		return nil, h.fault(Contradiction, "idx_mode on both sides of a DMA, expected on one")
	case d.indexed() && (d.Planes > 1 || d.Mode == 0 && d.Rows > 1):
		return nil, h.fault(Unknown, "a list of indices with stride mode %d, %d rows and %d planes: only rows of mode 1 are known", d.Mode, d.Rows, d.Planes)
	}
	if err := b.spend(&h, float64(d.Length)*float64(d.Rows)*float64(d.Planes)); err != nil {
		return nil, err
	}
	var err error
	if d.src, err = b.sideU85(d, "source", d.Src, d.SrcRegion, d.SrcInternal, d.SrcRow, d.SrcPlane, d.Gather); err != nil {
		return nil, err
	}
	if d.dst, err = b.sideU85(d, "destination", d.Dst, d.DstRegion, d.DstInternal, d.DstRow, d.DstPlane, d.Scatter); err != nil {
		return nil, err
	}
	if d.indexed() {
		if err := b.indicesU85(d); err != nil {
			return nil, err
		}
	}
	if d.Rows*d.Planes > 1 && d.src.Overlaps(d.dst) {
		return nil, h.fault(Unknown, "the rows that the DMA reads and those that it writes overlap: in which order it moves them is not known")
	}
	d.touch(ChannelDMARead, d.src)
	d.touch(ChannelDMAWrite, d.dst)
	if d.SrcInternal {
		if miss := b.shram.missing(int(d.src.Start), int(d.src.End)); miss >= 0 {
			return nil, h.fault(TableMissing, "a DMA reads the LUT memory 0x%X..0x%X, which is not loaded at 0x%X", d.src.Start, d.src.End, miss)
		}
	}
	if d.DstInternal {
		b.shram.mark(int(d.dst.Start), int(d.dst.End), true)
	}
	if d.Rows*d.Planes == 1 && !d.indexed() && !d.SrcInternal && !d.DstInternal {
		// A plain copy, of which the operations behind it may know the content.
		plain := isa.DMA{Src: d.Src, Dst: d.Dst, SrcRegion: d.SrcRegion, DstRegion: d.DstRegion, Length: d.Length}
		return &dmaPlan{base: d.base, DMA: plain, rows: 1, planes: 1}, nil
	}
	return d, nil
}

func (d *dmaU85) indexed() bool { return d.Gather || d.Scatter }

// sideU85 returns what a side may touch, checked against its memory.
func (b *builder) sideU85(d *dmaU85, name string, at uint64, region int, internal bool, row, plane int64, indexed bool) (isa.Span, error) {
	rows, planes := int64(d.Rows-1), int64(d.Planes-1)
	if indexed {
		rows = d.IndexMax
	}
	if float64(at)+float64(rows)*absU85(row)+float64(planes)*absU85(plane)+float64(d.Length) > 1<<62 {
		return isa.Span{}, d.fault(OutsideRegion, "the DMA %s reaches past the address space", name)
	}
	s := isa.Span{Region: region, Start: int64(at), End: int64(at + d.Length)}
	for _, reach := range []int64{rows * row, planes * plane} {
		s.Start, s.End = s.Start+min(reach, 0), s.End+max(reach, 0)
	}
	if !internal {
		return s, b.checkSpan(&d.header, "the DMA "+name, s, name == "destination")
	}
	s.Region = SHRAM
	if s.Start < 0 || s.End > lutBytes {
		return s, d.fault(OutsideRegion, "the DMA %s is 0x%X..0x%X of the LUT memory, which has 0x%X bytes", name, s.Start, s.End, lutBytes)
	}
	if at%16 != 0 || d.Length%16 != 0 || d.Rows*d.Planes > 1 || indexed {
		return s, d.fault(Unknown, "the DMA %s is %d bytes at 0x%X of the LUT memory, %d rows: only one of multiples of 16 is known", name, d.Length, at, d.Rows*d.Planes)
	}
	return s, nil
}

func absU85(v int64) float64 { return float64(max(v, -v)) }

// indicesU85 finds the list of indices.
func (b *builder) indicesU85(d *dmaU85) error {
	at := int64(d.Index)
	d.list = isa.Span{Region: d.IndexRegion, Start: at, End: at + 4*int64(d.Rows)}
	if at%4 != 0 {
		return d.fault(Misaligned, "DMA0_IDX is 0x%X, expected a multiple of 4", at)
	}
	if err := b.checkSpan(&d.header, "the list of DMA indices", d.list, false); err != nil {
		return err
	}
	if d.list.Overlaps(d.dst) {
		return d.fault(Unknown, "the DMA overwrites its list of indices: when it reads them is not known")
	}
	d.touch(ChannelDMARead, d.list)
	return nil
}

func (d *dmaU85) run(c *context) error {
	src, dst := c.shram, c.shram
	if !d.SrcInternal {
		src = c.mem[d.SrcRegion]
	}
	if !d.DstInternal {
		dst = c.mem[d.DstRegion]
	}
	for p := range int64(d.Planes) {
		for r := range int64(d.Rows) {
			from, to := r, r
			if d.indexed() {
				v := int64(int32(binary.LittleEndian.Uint32(c.mem[d.IndexRegion][d.list.Start+4*r:])))
				if v < 0 || v > d.IndexMax {
					return d.fault(Unknown, "index %d of the list is %d, expected 0 to %d: what hardware does with it is not known", r, v, d.IndexMax)
				}
				if d.Gather {
					from = v
				} else {
					to = v
				}
			}
			s, t := int64(d.Src)+p*d.SrcPlane+from*d.SrcRow, int64(d.Dst)+p*d.DstPlane+to*d.DstRow
			copy(dst[t:t+int64(d.Length)], src[s:s+int64(d.Length)])
		}
	}
	return nil
}
