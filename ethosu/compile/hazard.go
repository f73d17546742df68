package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// span is a half-open byte range of a region; shram is the region of table and
// buffer memory inside the NPU.
type span struct{ region, start, end int }

const shram = 0x103

func overlap(a, b []span) bool {
	for _, x := range a {
		for _, y := range b {
			if x.region == y.region && x.start < y.end && y.start < x.end {
				return true
			}
		}
	}
	return false
}

// at returns the address of a place in a buffer.
func at(b *kernel.Buffer, off int) (region, addr int) {
	b = b.Root()
	return b.Region, b.Offset + off
}

// spans returns the byte ranges of a feature map, one for each tile, each from
// its first to its last element.
func mapSpans(f *kernel.Map) []span {
	if f.Buf == nil {
		return nil
	}
	region, addr := at(f.Buf, f.Off)
	rows := f.H
	if f.Low != nil {
		rows = 1
	}
	last := (f.W-1)*f.StrideX + f.C*f.Type.Size()
	s := []span{{region, addr, addr + (rows-1)*f.StrideY + last}}
	if f.Low != nil {
		r, a := at(f.Low, f.LowOff)
		s = append(s, span{r, a, a + (f.H-2)*f.StrideY + last})
	}
	return s
}

func (c *coded) spans() []span {
	b := c.home()
	var s []span
	for i := range c.len {
		if c.len[i] > 0 {
			r, a := at(b, c.off[i])
			s = append(s, span{r, a, a + c.len[i]})
		}
	}
	return s
}

// access returns what an operation reads and writes.
func (o *op) access(a *ethosu.Accelerator) (reads, writes []span) {
	if o.dma {
		r, at0 := at(o.src, o.srcOff)
		reads = []span{{r, at0, at0 + o.length}}
		if o.toLUT {
			return reads, []span{{shram, o.dstOff, o.dstOff + o.length}}
		}
		r, at0 = at(o.dst, o.dstOff)
		return reads, []span{{r, at0, at0 + o.length}}
	}
	reads = mapSpans(o.IFM)
	if o.IFM2 != nil && !o.Scalar {
		reads = append(reads, mapSpans(o.IFM2)...)
	}
	if o.stream != nil {
		reads = append(append(reads, o.stream.spans()...), o.recBuf.spans()...)
	}
	if o.UsesTable() {
		start := a.LUTBase() + 256*o.slot
		reads = append(reads, span{shram, start, start + len(o.Table.Data)})
	}
	writes = append(mapSpans(o.OFM), span{shram, 0, a.TopBank(o.UsesTable()) * 1024})
	return reads, writes
}

// insertWaits makes every operation wait for the outstanding operation of the
// other engine that it conflicts with. At most MaxDMA transfers and MaxKernels
// kernels can be outstanding, so older ones need no wait.
func insertWaits(m *module) error {
	type acc struct{ r, w []span }
	conflict := func(a, b acc) bool {
		return overlap(a.w, b.r) || overlap(a.r, b.w) || overlap(a.w, b.w)
	}
	var dma, kernels []acc
	for _, o := range m.ops {
		r, w := o.access(m.accel)
		x := acc{r, w}
		o.kernelWait, o.dmaWait = -1, -1
		if o.dma {
			// A transfer waits for a conflicting transfer, too, as far as two may be
			// under way together.
			for i := len(dma) - 1; i >= max(0, len(dma)-m.accel.DMAUnderWay()); i-- {
				if conflict(dma[i], x) {
					o.dmaWait = len(dma) - 1 - i
					dma = dma[i+1:]
					break
				}
			}
			for i := len(kernels) - 1; i >= 0; i-- {
				if conflict(kernels[i], x) {
					o.kernelWait = len(kernels) - 1 - i
					kernels = kernels[i+1:]
					break
				}
			}
			if dma = append(dma, x); len(dma) > m.accel.MaxDMA {
				dma = dma[1:]
			}
			continue
		}
		for i := len(dma) - 1; i >= 0; i-- {
			if conflict(dma[i], x) {
				o.dmaWait = len(dma) - 1 - i
				dma = dma[i+1:]
				break
			}
		}
		if kernels = append(kernels, x); len(kernels) > m.accel.MaxKernels {
			kernels = kernels[1:]
		}
	}
	return nil
}

// setBlockDependencies says for every kernel how many blocks of the kernel before
// it may still be unfinished when it starts: 3 when it reads nothing of that
// kernel's result, 0 when it reads it in another form, else by comparing the last
// blocks written with the first ones read.
func setBlockDependencies(m *module) error {
	var prev *op
	for _, o := range m.ops {
		if !o.isKernel() {
			continue
		}
		o.blockdep = blockdep(m.accel, prev, o)
		prev = o
	}
	return nil
}

func blockdep(a *ethosu.Accelerator, p, o *op) int {
	if p == nil {
		return 0
	}
	if a.ReservedEndBanks == 0 && p.UsesTable() && !o.UsesTable() {
		return 0
	}
	out := mapSpans(p.OFM)
	first := overlap(out, mapSpans(o.IFM))
	second := o.IFM2 != nil && !o.Scalar && overlap(out, mapSpans(o.IFM2))
	switch {
	case !first && !second:
		return 3
	case first && second:
		return 0
	case second && o.IFM2.Elems() < o.IFM.Elems():
		return 0
	}
	f := o.IFM
	if second {
		f = o.IFM2
	}
	g := p.OFM
	if f.Low != nil || g.Low != nil || f.Buf.Root() != g.Buf.Root() || f.Off != g.Off || f.H != g.H || f.W != g.W || f.C != g.C || f.StrideY != g.StrideY || f.StrideX != g.StrideX {
		return 0
	}
	return jobs(a, p, o, f)
}

// jobs is the overlap of two neighbours over one and the same feature map f.
func jobs(a *ethosu.Accelerator, p, o *op, f *kernel.Map) int {
	depth := o.OFM.C
	switch {
	case o.Kind == kernel.Conv:
		depth = min(256/f.Bits(), kernel.RoundUp(f.C, 8))
	case o.Kind == kernel.Pool && o.Mode == kernel.PoolReduceSum:
		depth = kernel.RoundUp(min(f.C, 32), 8) // of the input: every output sums all channels
	}
	nz := cd(f.C, depth)
	kah, kaw := (o.KH-1)*o.DilH+1, (o.KW-1)*o.DilW+1
	jh := kernel.RoundUp((o.block.H-1)*o.StrideH+min(kah, 32), a.UBlockH)
	jw := kernel.RoundUp((o.block.W-1)*o.StrideW+min(kaw, 64), a.UBlockW)
	r := 3
	for i := 0; i < 3; i++ {
		y, x, _, ok := blockAt(o, i/nz)
		if !ok {
			break
		}
		ay, ax, az := max(0, y*o.StrideH-o.PadTop), max(0, x*o.StrideW-o.PadLeft), (i%nz)*depth
		ey, ex := y*o.StrideH+jh, x*o.StrideW+jw
		k := 0
		for j := 0; j < 3; j++ {
			by, bx, bz, ok := blockAt(p, blocksOf(p)-1-j)
			if !ok || (ay < by+p.block.H && by < ey && ax < bx+p.block.W && bx < ex && az < bz+p.block.D && bz < az+depth) {
				break
			}
			k++
		}
		r = min(r, i+k)
	}
	return r
}

func blocksOf(o *op) int {
	return cd(o.OFM.H, o.block.H) * cd(o.OFM.W, o.block.W) * cd(o.OFM.C, o.block.D)
}

// blockAt returns the origin of OFM block i: depth fastest, then width, then height.
func blockAt(o *op, i int) (y, x, z int, ok bool) {
	if i < 0 || i >= blocksOf(o) {
		return 0, 0, 0, false
	}
	nd, nw := cd(o.OFM.C, o.block.D), cd(o.OFM.W, o.block.W)
	return i / (nd * nw) * o.block.H, i / nd % nw * o.block.W, i % nd * o.block.D, true
}
