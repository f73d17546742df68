// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// streamKey is what the verdict on a weight stream depends on.
type streamKey struct {
	first  *byte // identity of the bytes
	length int
	layout weights.Layout
}

// weights checks the weight and scale streams of every core.
func (c *checker) weights(o *isa.Operation, k *kernel) {
	if k.ifm.Type.Bits > 16 {
		return // reported already: no weight stream is for it
	}
	cores := 1
	if c.a.ParallelMode {
		cores = o.Cores()
	}
	l := weights.Layout{IFMBits: k.ifm.Type.Bits, OFMBlockDepth: k.blk.D, OFMUBlockDepth: c.a.UBlockD,
		KH: k.k.H, KW: k.k.W, DilationH: k.k.DilationY, DilationW: k.k.DilationX, O: k.ofm.C, I: k.ifm.C}
	switch {
	case o.Op == isa.OpDepthwise:
		l.Traversal, l.I = weights.Depthwise, 1
		if k.k.PartKernelFirst {
			c.report(RuleWeights, "depthwise weights cannot be part kernel first")
		}
	case k.k.PartKernelFirst:
		l.Traversal = weights.PartKernelFirst
	}
	layouts := weights.CoreLayouts(l, cores)
	for core := range cores {
		w, s := o.Weights(core), o.Scales(core)
		if core >= len(layouts) {
			if w.End != w.Start || s.End != s.Start {
				c.report(RuleWeights, "core %d has no channels but %d bytes of weights and %d of scales", core, w.End-w.Start, s.End-s.Start)
			}
			continue
		}
		for _, x := range []struct {
			name string
			isa.Span
		}{{"weight", w}, {"scale", s}} {
			if x.Start%16 != 0 || (x.End-x.Start)%16 != 0 {
				c.report(RuleAlignment, "%s stream of core %d at %#x, %d bytes, expected multiples of 16", x.name, core, x.Start, x.End-x.Start)
			}
		}
		channels := layouts[core].O
		if w.End == w.Start {
			c.report(RuleWeights, "core %d has no weight stream", core)
			continue
		}
		if n := s.End - s.Start; n < int64(channels*weights.RecordBytes) {
			c.report(RuleWeights, "core %d has %d bytes of scales, expected at least %d for %d channels", core, n, channels*weights.RecordBytes, channels)
			continue
		}
		ok := c.inside("weight stream", w)
		ok = c.inside("scale stream", s) && ok
		if !ok {
			continue
		}
		k.constants = append(k.constants, w, s)
		c.resident("weight stream", o.Index, w)
		c.resident("scale stream", o.Index, s)
		if b := c.constant("the weight stream", core, w); b != nil {
			v := c.judge(b, layouts[core])
			if v.err != nil {
				c.report(RuleWeights, "core %d, stream at %#x: %v", core, w.Start, v.err)
			}
			c.accumulates(k, mul(c.limits(&k.ifm), bound{-v.most, v.most}))
		}
		if b := c.constant("the scale records", core, s); b != nil {
			if _, err := weights.UnpackRecords(b, channels); err != nil {
				c.report(RuleWeights, "core %d, records at %#x: %v", core, s.Start, err)
			}
		}
	}
}

// constant returns the bytes of a weight or scale stream, and reports it when they
// are not all constants or copies of constants: what else lies there is no stream.
func (c *checker) constant(what string, core int, s isa.Span) []byte {
	b, unknown := c.known[s.Region].get(s.Start, s.End)
	if unknown < 0 {
		return b
	}
	if r := &c.regions[s.Region]; r.Constant && len(r.Content) == 0 {
		c.unproven(RuleWeights, "%s of core %d lies in region %d, of which only the size is known", what, core, s.Region)
	} else {
		c.report(RuleWeights, "%s of core %d takes bytes %d to %d of region %d, and byte %d holds no constant", what, core, s.Start, s.End, s.Region, unknown)
	}
	return nil
}

// verdict is what a weight stream holds.
type verdict struct {
	err  error
	most int64 // largest sum of the absolute weights of an output
}

// judge decodes a weight stream and compares it with the layout, once for every
// pair of them.
func (c *checker) judge(b []byte, l weights.Layout) verdict {
	key := streamKey{&b[0], len(b), l}
	if v, ok := c.streams[key]; ok {
		return v
	}
	v := verdict{err: l.Check()}
	if v.err == nil && c.spend(len(b)) {
		v = c.decode(b, l)
	}
	c.streams[key] = v
	return v
}

func (c *checker) decode(b []byte, l weights.Layout) (v verdict) {
	list, err := weights.Decode(b)
	if err != nil {
		return verdict{err: err}
	}
	c.spend(len(list) / 8)
	if n := weights.Volume(l); len(list) != n {
		return verdict{err: fmt.Errorf("it decodes to %d weights, expected %d for %d outputs, kernel %dx%d, %d inputs, %s, OFM block depth %d", len(list), n, l.O, l.KH, l.KW, l.I, l.Traversal, l.OFMBlockDepth)}
	}
	all, err := weights.Restore(list, l)
	if err != nil {
		return verdict{err: err}
	}
	n := l.KH * l.KW * l.I
	for o := range l.O {
		sum := int64(0)
		for _, w := range all[o*n : (o+1)*n] {
			sum += max(int64(w), -int64(w))
		}
		v.most = max(v.most, sum)
	}
	return v
}
