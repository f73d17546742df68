// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// checkLayout checks the OFM block and that the buffers of the operation fit between
// the borders in SHRAM. The sizes are those that the block needs, not rounded to the
// bank granules, so that layouts of any compiler pass.
func (b *builder) checkLayout(h *header, o *isa.Operation, ifm *isa.FeatureMap) error {
	a, blk, k := b.accel, o.Block(), o.Kernel()
	if blk.W > 64 || blk.H > 32 || blk.D > 128 || blk.H%a.UBlockH != 0 || blk.W%a.UBlockW != 0 || blk.D%a.UBlockD != 0 {
		return h.fault(IllegalBlock, "OFM block %dx%dx%d (HxWxD), expected at most 32x64x128 in multiples of %dx%dx%d",
			blk.H, blk.W, blk.D, a.UBlockH, a.UBlockW, a.UBlockD)
	}
	top := a.TopBank(o.UsesTable())
	mode, u := o.Upscale()
	near := 0
	if mode == isa.UpscaleNearest {
		near = 1
	}
	cores := min(a.Cores, o.Cores())
	up := func(n, m int) int { return (n + m - 1) / m * m }
	ih := up((((blk.H-1)*k.StrideY+min(k.DilatedH, 8)+near)+u-1)/u, a.UBlockH)
	iw := up((((blk.W-1)*k.StrideX+min(k.DilatedW, 8)+near)+u-1)/u, a.UBlockW)
	id := blk.D / cores
	if o.Sums() {
		switch {
		case ifm.Type.Bits == 16:
			id = up(min(ifm.C, 16), 4)
		case k.PartKernelFirst:
			id = up(min(ifm.C, 16), 8)
		default:
			id = up(min(ifm.C, 32), 8)
		}
	}
	in := 2 * ((ih*iw*up(id*ifm.Type.Bytes(), 8) + 1023) / 1024)
	if o.Op == isa.OpElementwise {
		first := blk.IBEnd
		if o.HasIFM2() {
			first = blk.IB2Start
			if blk.IB2Start+in > blk.IBEnd {
				return h.fault(SHRAMOverlap, "IFM2 needs %d banks from IFM2_IB_START %d, IFM_IB_END is %d", in, blk.IB2Start, blk.IBEnd)
			}
		}
		if 2+in > first {
			return h.fault(SHRAMOverlap, "IFM needs %d banks from bank 2, its buffers end at %d", in, first)
		}
		if blk.IBEnd > top {
			return h.fault(SHRAMOverlap, "IFM_IB_END is %d, banks from %d on are not for buffers here", blk.IBEnd, top)
		}
		return nil
	}
	accBits, bh := 32, blk.H
	if blk.Acc == isa.AccI40 {
		accBits = 40
	}
	if o.OFM().H == 1 && k.DilatedH == 1 && a.UBlockH == 2 {
		bh = 1
	}
	acc := 2 * ((bh*blk.W*up(blk.D/cores, 8)*accBits/8 + 1023) / 1024)
	switch {
	case 2+in > blk.IBEnd:
		return h.fault(SHRAMOverlap, "IFM needs %d banks from bank 2, IFM_IB_END is %d", in, blk.IBEnd)
	case blk.IBEnd > blk.ABStart:
		return h.fault(SHRAMOverlap, "IFM_IB_END %d is above AB_START %d", blk.IBEnd, blk.ABStart)
	case blk.ABStart+acc > top:
		return h.fault(SHRAMOverlap, "accumulators need %d banks from AB_START %d, banks from %d on are not for buffers here", acc, blk.ABStart, top)
	}
	return nil
}

// shramMap knows which 16-byte units of SHRAM hold data that a DMA put there.
type shramMap struct{ loaded [1024 * 64 / 16 / 64]uint64 }

func (m *shramMap) mark(start, end int, loaded bool) {
	for u := start / 16; u < (end+15)/16; u++ {
		if loaded {
			m.loaded[u>>6] |= 1 << (u & 63)
		} else {
			m.loaded[u>>6] &^= 1 << (u & 63)
		}
	}
}

// missing returns the first byte in start..end that no DMA loaded, or -1.
func (m *shramMap) missing(start, end int) int {
	for u := start / 16; u < (end+15)/16; u++ {
		if rest := ^m.loaded[u>>6] >> (u & 63); rest&1 != 0 {
			return 16 * (u + bits.TrailingZeros64(rest))
		}
	}
	return -1
}

// useSHRAM checks that the table of the operation is loaded and records what the
// operation's own buffers overwrite. On configurations without reserved banks that
// includes the tables, unless the operation itself uses one.
func (b *builder) useSHRAM(p *blockPlan, o *isa.Operation) error {
	base := b.accel.LUTBase()
	if n := p.stage.tableBytes(); n > 0 {
		at := p.stage.at
		if at+n > 1024*b.accel.SHRAMBanks {
			return p.fault(OutsideRegion, "a table of %d bytes at slot %d reaches past the end of SHRAM", n, (at-base)/256)
		}
		from, to := p.stage.tableUsed()
		if miss := b.shram.missing(at+from, at+to); miss >= 0 {
			return p.fault(TableMissing, "the table at SHRAM 0x%X (slot %d, %d bytes) is not loaded at 0x%X", at, (at-base)/256, n, miss)
		}
		p.touch(ChannelIFM, isa.Span{Region: SHRAM, Start: int64(at + from), End: int64(at + to)})
	}
	top := 1024 * b.accel.TopBank(o.UsesTable())
	b.shram.mark(0, top, false)
	p.touch(ChannelOFM, isa.Span{Region: SHRAM, Start: 0, End: int64(top)})
	return nil
}
