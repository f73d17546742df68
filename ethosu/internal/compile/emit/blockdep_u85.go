// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	blocks "github.com/unroll-npu/unroll/ethosu/internal/block/u85"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// setBlockDependencies85 is SetBlockDependencies with up to 7 unfinished blocks. Chains
// wait for everything.
func setBlockDependencies85(s *Stream) error {
	var prev *schedule.Op // the kernel before, of a chain the last one
	for i := range s.commands {
		c := &s.commands[i]
		if c.Kernel == nil {
			continue
		}
		c.blockdep = 0
		if prev != nil && c.Kernel.Chain == (schedule.Chain{}) {
			c.blockdep = s.blockdep85(prev, c.Kernel)
		}
		prev = c.Kernel
	}
	return nil
}

func (s *Stream) blockdep85(p, o *schedule.Op) int {
	out := s.layout.Spans(p.OFM)
	var hit []*kernel.Map
	for _, f := range o.Inputs() {
		if overlap(out, s.layout.Spans(f)) {
			hit = append(hit, f)
		}
	}
	switch {
	case len(hit) == 0:
		return int(s.mostBlocks())
	case len(hit) > 1 || p.Chain != (schedule.Chain{}):
		return 0
	}
	f, g := hit[0], p.OFM
	if f.Elems() < max(o.IFM.Elems(), o.OFM.Elems()) && o.Kind == kernel.Elementwise ||
		f.Low != nil || g.Low != nil || !s.layout.Same(f.Buf, g.Buf) || f.Off != g.Off || f.H != g.H || f.W != g.W || f.C != g.C || f.StrideY != g.StrideY || f.StrideX != g.StrideX {
		return 0
	}
	return s.jobs85(p, o, f)
}

// jobs85 is the overlap of two neighbours over one and the same feature map f: the least b
// with which one of the first blocks that are read meets one of the last that are written.
func (s *Stream) jobs85(p, o *schedule.Op, f *kernel.Map) int {
	need := o.Block
	if o.Kind != kernel.Elementwise {
		need = blocks.IFMBlock(s.accel, s.op85(o), o.Block)
		// The block in the NPU is that of a part of a large kernel; all of it is read.
		need.H = max(need.H, (o.Block.H-1)*o.StrideH+(o.KH-1)*max(o.DilH, 1)+1)
		need.W = max(need.W, (o.Block.W-1)*o.StrideW+(o.KW-1)*max(o.DilW, 1)+1)
	}
	nz := 1
	if o.Kind == kernel.Conv || o.Kind == kernel.Pool && o.Mode == kernel.PoolReduceSum {
		nz = kernel.CeilDiv(f.C, need.D)
	}
	most := s.mostBlocks()
	r := most
	for i := 0; i < most; i++ {
		y, x, z, ok := blockAt(o, i/nz)
		if !ok {
			break
		}
		if nz > 1 || o.Kind == kernel.Conv {
			z = i % nz * need.D
		}
		ay, ax := max(0, y*o.StrideH-o.PadTop), max(0, x*o.StrideW-o.PadLeft)
		ey, ex := y*o.StrideH+need.H, x*o.StrideW+need.W
		for j := 0; j < most && i+j < r; j++ {
			by, bx, bz, ok := blockAt(p, blocksOf(p)-1-j)
			if !ok {
				break
			}
			if ay < by+p.Block.H && by < ey && ax < bx+p.Block.W && bx < ex && z < bz+p.Block.D && bz < z+need.D {
				r = i + j
			}
		}
	}
	return min(r, blocksOf(p))
}

// op85 is a kernel as far as its input block depends on it.
func (s *Stream) op85(o *schedule.Op) block.Op {
	op := block.Op{Kind: block.Conv, UBlock: o.Micro, IFMBits: o.IFM.Bits(), PartKernel: o.PartKernel,
		OFM: block.Shape{H: o.OFM.H, W: o.OFM.W, D: o.OFM.C}, IFM: block.Shape{H: o.IFM.H, W: o.IFM.W, D: o.IFM.C},
		KH: o.KH, KW: o.KW, StrideH: o.StrideH, StrideW: o.StrideW, DilationH: o.DilH, DilationW: o.DilW}
	switch {
	case o.Kind == kernel.Depthwise:
		op.Kind = block.Depthwise
	case o.Kind == kernel.Pool && o.Mode == kernel.PoolReduceSum:
		op.Kind = block.ReduceSum
	case o.Kind == kernel.Pool:
		op.Kind = block.MaxPool
	}
	return op
}
