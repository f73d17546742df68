// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// readsU85 looks for what the operation reads and nobody wrote. Of such an output every
// element counts as without a value; that it is one matters where it is an output of the
// program, or nothing else is known of outputs.
func (c *checker) readsU85(s *stateU85, k *kernelU85) {
	for _, s := range k.constants {
		if at := c.defined[s.Region].missing(s.Start, s.End); at >= 0 {
			c.report(RuleUndefined, "byte %d of region %d, in weights or records at %d, was never written", at, s.Region, s.Start)
		}
	}
	for _, m := range k.inputs() {
		var at int64
		if m.which == "IFM2" { // which no window steps over
			at = c.readBox(&m.f.FeatureMap, nil)
		} else {
			at = c.readBox(&m.f.FeatureMap, &kernel{ofm: k.OFM.FeatureMap, k: k.Window, up: k.Factor()})
		}
		if at >= 0 && k.unwritten == nil {
			f := c.since(m.which, m.f.Region, at)
			k.unwritten = &f
		}
	}
}

// writesU85 marks the output as written. What is known of its bytes is known no more.
func (c *checker) writesU85(k *kernelU85, written *isa.MapU85) {
	if !written.InMemory() {
		return
	}
	r := written.Region
	list, ok := bytesOf(&written.FeatureMap, whole(&written.FeatureMap))
	if !ok || !c.spend(len(list)+len(c.defined[r])/16) {
		c.spend(maxRuns)
		return
	}
	for _, s := range k.out {
		c.known[r].forget(s.Start, s.End)
	}
	for _, x := range list {
		c.settle(r, x)
	}
	c.defined[r].union(list)
	if k.unwritten != nil {
		c.spoil(r, list, *k.unwritten)
	}
}

// overlapsU85 checks that the output does not overwrite what the operation still reads.
func (c *checker) overlapsU85(k *kernelU85, written *isa.MapU85) {
	pointwise := k.Transpose == isa.TransposeHWC && k.Reverse == isa.ReverseNone &&
		(k.Op == isa.OpElementwise || k.Op == isa.OpPool && (!k.SumsDepth() || k.IFM.C == 1) && k.Window.DilatedH == 1 && k.Window.DilatedW == 1 && k.Window.StrideX == 1 && k.Window.StrideY == 1 && k.Factor() == 1)
	for _, m := range k.inputs() {
		f := &m.f.FeatureMap
		inPlace := pointwise && f.H == written.H && f.W == written.W && f.C == written.C && sameMapping(f, &written.FeatureMap)
		if !inPlace && overlap(f.Spans(), k.out) && c.meet(f, whole(f), &written.FeatureMap, whole(&written.FeatureMap)) {
			c.report(RuleOverlap, "the OFM overwrites the %s of the U85, at another place than where it is read", m.which)
		}
	}
	if overlap(k.constants, k.out) {
		c.report(RuleOverlap, "the OFM overwrites the operation's weights or records")
	}
}

// mostBlockdepU85 is the largest BLOCKDEP.
const mostBlockdepU85 = 7

// maxBlockdepU85 is maxBlockdep for the U85.
func (c *checker) maxBlockdepU85(p, k *kernelU85) (int, string) {
	if p == nil || len(p.out) == 0 {
		return mostBlockdepU85, ""
	}
	if overlap(p.out, k.constants) {
		return 0, "the operation before writes its weights or records"
	}
	before := p.Written()
	moved := p.Transpose != isa.TransposeHWC || p.Reverse != isa.ReverseNone
	for _, m := range k.inputs() {
		if !overlap(p.out, m.f.Spans()) {
			continue
		}
		if moved {
			return 0, "it reads what the operation before writes transposed or reversed"
		}
		for n := 1; n <= mostBlockdepU85; n++ {
			for job := range n {
				in, ok := c.jobU85(k, m, job)
				if !ok {
					break
				}
				for back := range n - job {
					b, ok := p.lastBlock(back)
					if !ok {
						break
					}
					if c.meet(&m.f.FeatureMap, in, &before.FeatureMap, b) {
						return c.lessU85(p, k, m, n-1, job, back)
					}
				}
			}
		}
	}
	return mostBlockdepU85, ""
}

// lessU85 returns the least of what all inputs allow.
func (c *checker) lessU85(p, k *kernelU85, first inputU85, most, job, back int) (int, string) {
	why := fmt.Sprintf("job %d reads what block %d from the end of the operation before writes", job, back)
	if first.which == "IFM" && k.HasIFM2() {
		alone := *k
		kernel := *k.KernelU85
		kernel.IFM.Storage = isa.NoStorage
		alone.KernelU85 = &kernel
		if other, reason := c.maxBlockdepU85(p, &alone); other < most {
			return other, reason
		}
	}
	return most, why
}

// blockAt returns the box of an OFM block; they go by depth, then width, then height.
func (k *kernelU85) blockAt(i int) (box, bool) {
	h, w, d := up(k.OFM.H, k.H)/k.H, up(k.OFM.W, k.W)/k.W, up(k.OFM.C, k.D)/k.D
	if i < 0 || i >= h*w*d {
		return box{}, false
	}
	z, x, y := i%d*k.D, i/d%w*k.W, i/(d*w)*k.H
	return box{y, y + k.H, x, x + k.W, z, z + k.D}.clip(&k.OFM.FeatureMap), true
}

func (k *kernelU85) lastBlock(back int) (box, bool) {
	h, w, d := up(k.OFM.H, k.H)/k.H, up(k.OFM.W, k.W)/k.W, up(k.OFM.C, k.D)/k.D
	return k.blockAt(h*w*d - 1 - back)
}

// jobU85 returns what a job reads of an input: a slice of input depth of one OFM block.
func (c *checker) jobU85(k *kernelU85, m inputU85, job int) (box, bool) {
	f := &m.f.FeatureMap
	switch {
	case k.Op == isa.OpResize, k.MatMul && m.which == "IFM2":
		return whole(f), job == 0
	case k.Op == isa.OpElementwise || m.which == "IFM2":
		b, ok := k.blockAt(job)
		if f.H == 1 {
			b.y0, b.y1 = 0, 1
		}
		if f.W == 1 {
			b.x0, b.x1 = 0, 1
		}
		if f.C == 1 {
			b.c0, b.c1 = 0, 1
		}
		return b, ok
	}
	slices, depth := 1, f.C
	if k.SumsDepth() {
		depth = k.inputDepth(c.a)
		slices = up(f.C, depth) / depth
	}
	b, ok := k.blockAt(job / slices)
	n, u := k.Window, k.Factor()
	in := box{
		y0: max(b.y0*n.StrideY-n.Top, 0) / u, y1: ((b.y1-1)*n.StrideY - n.Top + n.DilatedH + u - 1) / u,
		x0: max(b.x0*n.StrideX-n.Left, 0) / u, x1: ((b.x1-1)*n.StrideX - n.Left + n.DilatedW + u - 1) / u,
		c0: b.c0, c1: b.c1,
	}
	if k.SumsDepth() {
		in.c0 = job % slices * depth
		in.c1 = in.c0 + depth
	}
	return in, ok
}
