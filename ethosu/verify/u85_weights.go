// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// verdictU85 is what is known of weight streams: what is wrong with them, or the sums of
// the negative and the positive weights of each output channel.
type verdictU85 struct {
	err  error
	sums []bound
}

// verdictKeyU85 is what the verdict on weight streams depends on.
type verdictKeyU85 struct {
	first  [4]*byte
	length [4]int
	layout weights.LayoutU85
	fast   bool
}

// layoutU85 is the order that the operation reads its weights in.
func (c *checker) layoutU85(k *kernelU85) weights.LayoutU85 {
	n := k.Window
	l := weights.LayoutU85{IFMBits: k.IFM.Type.Bits, Sparse: k.Sparse, MACs: c.a.MACs, Cores: c.a.Cores, OFMUBlockDepth: k.micro.D, OFMBlockDepth: k.D,
		KH: n.H, KW: n.W, StrideH: n.StrideY, StrideW: n.StrideX, DilationH: n.DilationY, DilationW: n.DilationX, O: k.OFM.C, I: k.IFM.C}
	switch {
	case k.Op == isa.OpDepthwise:
		l.Traversal, l.I = weights.Depthwise, 1
	case n.PartKernelFirst:
		l.Traversal = weights.PartKernelFirst
	}
	return l
}

// weightsU85 checks the weight streams.
func (c *checker) weightsU85(o *isa.Operation, k *kernelU85) {
	fast := k.Format == isa.WeightsFWD
	cores := c.a.Cores
	if fast {
		for core, n := range []uint32{o.Regs.Weight1Length(), o.Regs.Weight2Length(), o.Regs.Weight3Length()} {
			if core+1 < cores && n != 0 {
				c.report(RuleWeights, "core %d has %d bytes of weights beside the stream of the fast decoder, expected 0", core+1, n)
			}
		}
		cores = 1
	}
	if k.Op == isa.OpDepthwise && (fast || k.Sparse || k.Window.PartKernelFirst) {
		c.report(RuleWeights, "depthwise weights for %v, sparse %v, part kernel first %v; expected none of that", k.Format, k.Sparse, k.Window.PartKernelFirst)
		return
	}
	var streams [][]byte
	key := verdictKeyU85{layout: c.layoutU85(k), fast: fast}
	for core, w := range k.Weights {
		if core >= cores {
			continue
		}
		if w.End == w.Start {
			c.report(RuleWeights, "core %d of the U85 has no weight stream", core)
			return
		}
		if w.Start%16 != 0 || (w.End-w.Start)%16 != 0 {
			c.report(RuleAlignment, "the U85's weight stream of core %d at %#x, %d bytes, expected multiples of 16", core, w.Start, w.End-w.Start)
			return
		}
		if !c.inside("weight stream", w) {
			return
		}
		k.constants = append(k.constants, w)
		c.resident("weight stream", k.index, w)
		b := c.constant("the weight stream", core, w)
		if b == nil {
			return
		}
		key.first[core], key.length[core] = &b[0], len(b)
		streams = append(streams, b)
	}
	if c.judged == nil {
		c.judged = map[verdictKeyU85]verdictU85{}
	}
	v, ok := c.judged[key]
	if !ok {
		n := 0
		for _, s := range streams {
			n += len(s)
		}
		if !c.spend(n) {
			return
		}
		if v.err = key.layout.Check(); v.err == nil && c.spend(key.layout.Volume()*key.layout.Cores/8) {
			var list []int16
			if list, v.err = weights.DecodeU85(streams, key.layout, fast); v.err == nil {
				v.sums = sumWeights(list, k.OFM.C)
			}
		}
		c.judged[key] = v
	}
	if v.err != nil {
		c.report(RuleWeights, "weight streams at %#x for %v: %v", k.Weights[0].Start, k.Format, v.err)
	}
	k.sums = v.sums
}

// recordsU85 checks the bias and scale records, which all cores share.
func (c *checker) recordsU85(k *kernelU85) {
	r := k.Records
	want := int64(weights.RecordsLengthU85(k.OFM.C, k.micro.D))
	if r.Start%16 != 0 {
		c.report(RuleAlignment, "the records of the U85 at %#x, expected a multiple of 16", r.Start)
	}
	if r.End-r.Start != want {
		c.report(RuleWeights, "%d bytes of records, expected %d for %d channels and micro-block %v", r.End-r.Start, want, k.OFM.C, k.micro)
		return
	}
	if !c.inside("scale stream", r) {
		return
	}
	k.constants = append(k.constants, r)
	c.resident("scale stream", k.index, r)
	b := c.constant("the scale records", 0, r)
	if b == nil {
		return
	}
	if _, err := weights.UnpackRecordsU85(b, k.OFM.C, k.Acc.Format == isa.AccI48); err != nil {
		c.report(RuleWeights, "records at %#x: %v", r.Start, err)
	}
}
