// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// SetBlockDependencies says for every kernel how many blocks of the kernel before
// it may still be unfinished when it starts: 3 when it reads nothing of that
// kernel's result, 0 when it reads it in another form, else by comparing the last
// blocks written with the first ones read.
func SetBlockDependencies(s *Stream) error {
	var prev *schedule.Op
	for i := range s.commands {
		c := &s.commands[i]
		if c.Kernel == nil {
			continue
		}
		c.blockdep = s.blockdep(prev, c.Kernel)
		prev = c.Kernel
	}
	return nil
}

func (s *Stream) blockdep(p, o *schedule.Op) int {
	if p == nil {
		return 0
	}
	if s.accel.ReservedEndBanks == 0 && p.UsesTable() && !o.UsesTable() {
		return 0
	}
	out := s.layout.Spans(p.OFM)
	first := overlap(out, s.layout.Spans(o.IFM))
	second := o.IFM2 != nil && !o.Scalar && overlap(out, s.layout.Spans(o.IFM2))
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
	if f.Low != nil || g.Low != nil || !s.layout.Same(f.Buf, g.Buf) || f.Off != g.Off || f.H != g.H || f.W != g.W || f.C != g.C || f.StrideY != g.StrideY || f.StrideX != g.StrideX {
		return 0
	}
	return jobs(s.accel, p, o, f)
}

// jobs is the overlap of two neighbours over one and the same feature map f.
func jobs(a *ethosu.Accelerator, p, o *schedule.Op, f *kernel.Map) int {
	depth := o.OFM.C
	switch {
	case o.Kind == kernel.Conv:
		depth = min(256/f.Bits(), kernel.RoundUp(f.C, 8))
	case o.Kind == kernel.Pool && o.Mode == kernel.PoolReduceSum:
		depth = kernel.RoundUp(min(f.C, 32), 8) // of the input: every output sums all channels
	}
	nz := kernel.CeilDiv(f.C, depth)
	kah, kaw := (o.KH-1)*o.DilH+1, (o.KW-1)*o.DilW+1
	jh := kernel.RoundUp((o.Block.H-1)*o.StrideH+min(kah, 32), a.UBlockH)
	jw := kernel.RoundUp((o.Block.W-1)*o.StrideW+min(kaw, 64), a.UBlockW)
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
			if !ok || (ay < by+p.Block.H && by < ey && ax < bx+p.Block.W && bx < ex && az < bz+p.Block.D && bz < az+depth) {
				break
			}
			k++
		}
		r = min(r, i+k)
	}
	return r
}

func blocksOf(o *schedule.Op) int {
	return kernel.CeilDiv(o.OFM.H, o.Block.H) * kernel.CeilDiv(o.OFM.W, o.Block.W) * kernel.CeilDiv(o.OFM.C, o.Block.D)
}

// blockAt returns the origin of OFM block i: depth fastest, then width, then height.
func blockAt(o *schedule.Op, i int) (y, x, z int, ok bool) {
	if i < 0 || i >= blocksOf(o) {
		return 0, 0, 0, false
	}
	nd, nw := kernel.CeilDiv(o.OFM.C, o.Block.D), kernel.CeilDiv(o.OFM.W, o.Block.W)
	return i / (nd * nw) * o.Block.H, i / nd % nw * o.Block.W, i % nd * o.Block.D, true
}
