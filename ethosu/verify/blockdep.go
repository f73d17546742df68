// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

const mostBlockdep = 3

// maxBlockdep returns the largest BLOCKDEP that is safe for a kernel after its
// predecessor, and the reason for it.
//
// With BLOCKDEP n, n blocks of the predecessor may be unfinished when the first
// job of the kernel starts, n-1 when the second starts, and so on; a job is one
// slice of input depth of one OFM block. Nothing that a job reads may lie in a
// block that may be unfinished then.
func (c *checker) maxBlockdep(k *kernel) (int, string) {
	return c.maxBlockdepOf(k, c.jobDepth(k))
}

// jobDepth returns how much of the input's depth a job reads: all of what the OFM block
// has, in 0, where outputs do not depend on the whole of it.
func (c *checker) jobDepth(k *kernel) int {
	if !k.shape.Kind.SumsDepth() {
		return 0
	}
	return max(block.IFMBlock(c.a, k.shape, k.blk).D, 1)
}

// sumJobDepth is what Vela takes for the depth of a job of REDUCE_SUM. Nothing measured
// tells it from that of the input's block.
const sumJobDepth = 1

// maxBlockdepOf is maxBlockdep for jobs of a depth.
func (c *checker) maxBlockdepOf(k *kernel, depth int) (int, string) {
	p := c.previous
	if p == nil {
		return mostBlockdep, ""
	}
	if p.table && !k.table && k.shramEnd > c.a.LUTBase() {
		return 0, "its buffers overwrite the table of its predecessor"
	}
	if overlap(p.out, k.constants) {
		return 0, "its predecessor writes its weights or scales"
	}
	in := overlap(p.out, k.in)
	in2 := overlap(p.out, k.in2) // nothing without a second input
	if !in && !in2 {
		return mostBlockdep, ""
	}
	for n := 1; n <= mostBlockdep; n++ {
		// Going from n-1 to n adds one unfinished block to every job before the
		// last, and one job.
		for job := range n {
			boxes, ok := c.jobInputs(k, job, depth)
			if !ok {
				break
			}
			for back := range n - job {
				b, ok := p.lastBlock(back)
				if !ok {
					break
				}
				if in && c.meet(&k.ifm, boxes[0], &p.ofm, b) || in2 && c.meet(&k.ifm2, boxes[1], &p.ofm, b) {
					return n - 1, fmt.Sprintf("job %d reads what block %d from the end of its predecessor writes", job, back)
				}
			}
		}
	}
	return mostBlockdep, ""
}

// grid returns the number of OFM blocks per dimension.
func (k *kernel) grid() (h, w, d int) {
	n := func(extent, b int) int { return (extent + b - 1) / b }
	return n(k.ofm.H, k.blk.H), n(k.ofm.W, k.blk.W), n(k.ofm.C, k.blk.D)
}

// blockAt returns the box of an OFM block; blocks go by depth, then width, then
// height.
func (k *kernel) blockAt(i int) (box, bool) {
	h, w, d := k.grid()
	if i < 0 || i >= h*w*d {
		return box{}, false
	}
	z, x, y := i%d*k.blk.D, i/d%w*k.blk.W, i/(d*w)*k.blk.H
	return box{y, y + k.blk.H, x, x + k.blk.W, z, z + k.blk.D}.clip(&k.ofm), true
}

func (k *kernel) lastBlock(back int) (box, bool) {
	h, w, d := k.grid()
	return k.blockAt(h*w*d - 1 - back)
}

// jobInputs returns what a job of a depth reads of IFM and IFM2, see jobDepth.
func (c *checker) jobInputs(k *kernel, job, depth int) (boxes [2]box, ok bool) {
	slices := 1
	if depth > 0 {
		slices = (k.ifm.C + depth - 1) / depth
	}
	b, ok := k.blockAt(job / slices)
	if !ok {
		return boxes, false
	}
	if k.op == isa.OpElementwise {
		boxes[0], boxes[1] = b, b
		if k.broadcast.H {
			boxes[1].y0, boxes[1].y1 = 0, 1
		}
		if k.broadcast.W {
			boxes[1].x0, boxes[1].x1 = 0, 1
		}
		if k.broadcast.C {
			boxes[1].c0, boxes[1].c1 = 0, 1
		}
		return boxes, true
	}
	n := k.k
	in := box{
		y0: b.y0*n.StrideY - n.Top, y1: (b.y1-1)*n.StrideY - n.Top + n.DilatedH,
		x0: b.x0*n.StrideX - n.Left, x1: (b.x1-1)*n.StrideX - n.Left + n.DilatedW,
		c0: b.c0, c1: b.c1,
	}
	if k.up > 1 {
		in.y0, in.x0 = max(in.y0, 0)/k.up, max(in.x0, 0)/k.up
		in.y1, in.x1 = (in.y1+k.up-1)/k.up, (in.x1+k.up-1)/k.up
	}
	if depth > 0 {
		in.c0 = job % slices * depth
		in.c1 = in.c0 + depth
	}
	boxes[0] = in
	return boxes, true
}
