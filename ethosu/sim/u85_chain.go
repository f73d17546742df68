// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// Limits of a chain. Source: the Vela compiler's.
const (
	maxChain       = 4 // operations
	maxChainInputs = 3 // feature maps from memory
)

// chain is a run of block operations of which all but the last leave their output in
// chaining buffers, for the elementwise operations behind them.
type chain struct {
	ops, inputs int
	first       header
	kernel      *kernelU85
	buffers     [8]*isa.FeatureMap // written and not yet read
	read        [8]bool            // read before
	maps        []*fmap            // inputs from memory
}

// join checks the place of a block operation in a chain. It reports whether the
// operation goes on with the chain before it.
func (c *chain) join(h *header, k *kernelU85) (bool, error) {
	reads := chained(k.one) || chained(k.two)
	if c.ops == 0 {
		if reads {
			return false, h.fault(Contradiction, "it reads a chaining buffer, and no operation before left anything in one")
		}
		if !chained(&k.OFM) {
			return false, nil
		}
		if k.Op == isa.OpResize || k.passes() {
			return false, h.fault(Contradiction, "%s cannot begin a chain", h.name)
		}
		*c = chain{first: *h, kernel: k}
	} else {
		if k.Op != isa.OpElementwise || !reads {
			return false, h.fault(Contradiction, "it comes inside the chain that operation %d (word %d) begins, and is no elementwise operation on a chaining buffer", c.first.index, c.first.word)
		}
		if j := c.kernel; !k.sameBlock(j) {
			return false, h.fault(IllegalBlock, "OFM block %dx%dx%d, microblock %v, differs from %dx%dx%d, microblock %v, of the operation that begins the chain (word %d)",
				k.H, k.W, k.D, k.Acc.Micro, j.H, j.W, j.D, j.Acc.Micro, c.first.word)
		}
	}
	if k.Dep != 0 {
		return false, h.fault(Unknown, "BLOCKDEP %d in a chain: only 0 is known", k.Dep)
	}
	going := c.ops > 0
	if c.ops++; c.ops > maxChain {
		return false, h.fault(Contradiction, "it is operation %d of the chain that begins at word %d, which has at most %d", c.ops, c.first.word, maxChain)
	}
	return going, nil
}

// take returns the feature map in the chaining buffer of an input.
func (c *chain) take(h *header, name string, x *isa.MapU85, k *kernelU85) (isa.FeatureMap, error) {
	n, ofm := x.Buffer, &k.OFM
	f := c.buffers[n]
	switch {
	case f == nil && c.read[n]:
		return isa.FeatureMap{}, h.fault(Unknown, "%s reads chaining buffer %d a second time: whether it still holds its content is not known", name, n)
	case f == nil:
		return isa.FeatureMap{}, h.fault(Contradiction, "%s reads chaining buffer %d, which no operation of the chain wrote", name, n)
	case f.Type != x.Type:
		return isa.FeatureMap{}, h.fault(Contradiction, "%s type %v differs from %v, which chaining buffer %d holds", name, x.Type, f.Type, n)
	case x.Broadcast != 0:
		return isa.FeatureMap{}, h.fault(Unknown, "%s_BROADCAST %d of a chaining buffer: only 0 is known", name, x.Broadcast)
	case f.H != ofm.H || f.W != ofm.W || f.C != ofm.C:
		if k.Unary() && f.H*f.W*f.C == ofm.H*ofm.W*ofm.C {
			return isa.FeatureMap{}, h.fault(Unknown, "%s is %dx%dx%d in chaining buffer %d and the OFM %dx%dx%d: in which order elements are taken is not known", name, f.H, f.W, f.C, n, ofm.H, ofm.W, ofm.C)
		}
		return isa.FeatureMap{}, h.fault(Contradiction, "%s is %dx%dx%d in chaining buffer %d, expected %dx%dx%d as the OFM", name, f.H, f.W, f.C, n, ofm.H, ofm.W, ofm.C)
	}
	taken := *f
	taken.ZeroPoint = x.ZeroPoint
	return taken, nil
}

// input notes a feature map that a member reads from memory.
func (c *chain) input(h *header, f *fmap) error {
	if c.ops == 0 {
		return nil
	}
	if c.inputs++; c.inputs > maxChainInputs {
		return h.fault(Contradiction, "the chain that begins at word %d reads %d feature maps from memory, at most %d are known", c.first.word, c.inputs, maxChainInputs)
	}
	c.maps = append(c.maps, f)
	return nil
}

// done notes what a member took and left, and ends the chain with an output in memory.
func (c *chain) done(h *header, k *kernelU85, ofm *fmap) error {
	if c.ops == 0 {
		return nil
	}
	for _, x := range []*isa.MapU85{k.one, k.two} {
		if chained(x) {
			c.buffers[x.Buffer], c.read[x.Buffer] = nil, true
		}
	}
	if chained(&k.OFM) {
		n := k.OFM.Buffer
		if c.buffers[n] != nil {
			return h.fault(Contradiction, "it overwrites chaining buffer %d, which nothing has read", n)
		}
		f := ofm.FeatureMap
		c.buffers[n], c.read[n] = &f, false
		return nil
	}
	for n, f := range c.buffers {
		if f != nil {
			return h.fault(Contradiction, "the chain that begins at word %d ends here, and nothing has read chaining buffer %d", c.first.word, n)
		}
	}
	for _, f := range c.maps {
		if !f.sameWalk(ofm) && overlaps(f, ofm) {
			return h.fault(Unknown, "the chain overwrites an input of its own at other places: in which order blocks are read and written is not known")
		}
	}
	*c = chain{}
	return nil
}

// overlaps reports whether two maps share memory.
func overlaps(f, g *fmap) bool {
	for _, a := range f.Spans() {
		for _, b := range g.Spans() {
			if a.Overlaps(b) {
				return true
			}
		}
	}
	return false
}
