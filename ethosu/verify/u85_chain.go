// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// What is known of chains: their length, and how many inputs they have from memory.
const (
	mostMembers = 4
	mostInputs  = 3
)

// storageU85 checks where the feature maps of an operation lie. It reports false when
// nothing else can be judged.
func (c *checker) storageU85(k *kernelU85) bool {
	elementwise := k.Op == isa.OpElementwise
	scalars, ok := 0, true
	for _, m := range []inputU85{{"IFM", &k.IFM}, {"IFM2", &k.IFM2}} {
		if m.which == "IFM2" && !k.HasIFM2() {
			continue
		}
		scalar := m.f.Broadcast&isa.BroadcastScalar != 0
		switch {
		case m.f.Storage == isa.Tile3x1:
			c.unproven(RuleShape, "%s lies in tiles of 3x1: nothing known says where they end", m.which)
			ok = false
		case m.f.Storage == isa.NoStorage && !scalar:
			c.report(RuleShape, "%s lies nowhere and is no scalar", m.which)
			ok = false
		case m.f.Storage != isa.NoStorage && scalar:
			c.report(RuleShape, "%s is a scalar and lies in %v, expected NONE", m.which, m.f.Storage)
			ok = false
		case m.f.Storage == isa.Chained && !elementwise:
			c.report(RuleChain, "%s is in a chaining buffer, which elementwise operations alone can read", m.which)
			ok = false
		}
		if scalar {
			scalars++
		}
	}
	if scalars > 1 || scalars == 1 && k.Unary() {
		c.report(RuleShape, "%d operands are scalars, expected at most one of two", scalars)
		ok = false
	}
	switch {
	case k.OFM.Storage == isa.Tile3x1:
		c.unproven(RuleShape, "the OFM lies in tiles of 3x1: nothing known says where they end")
		ok = false
	case (k.OFM.Storage == isa.NoStorage) != k.Acc.Hold:
		c.report(RuleShape, "the OFM lies in %v, and the accumulators are kept: %v; expected both or none", k.OFM.Storage, k.Acc.Hold)
		ok = false
	case k.OFM.Storage == isa.Chained && (k.Op == isa.OpResize || k.null()):
		c.report(RuleChain, "a chain cannot begin with it")
		ok = false
	}
	return ok
}

// chained follows chains of elementwise operations.
func (c *checker) chained(s *stateU85, k *kernelU85) {
	reads := 0
	for _, m := range []inputU85{{"IFM", &k.IFM}, {"IFM2", &k.IFM2}} {
		if m.f.Storage != isa.Chained || m.which == "IFM2" && !k.HasIFM2() {
			continue
		}
		reads++
		if s.chain == nil || s.chain.last == nil || s.chain.last.OFM.Buffer != m.f.Buffer {
			c.report(RuleChain, "%s reads chaining buffer %d, which is not that of the operation before it in a chain", m.which, m.f.Buffer)
			continue
		}
		from := s.chain.last
		if from.OFM.Type != m.f.Type {
			c.report(RuleChain, "%s reads %v from chaining buffer %d, where operation %d writes %v", m.which, m.f.Type, m.f.Buffer, from.index, from.OFM.Type)
		}
		n, has := k.OFM.H*k.OFM.W*k.OFM.C, from.OFM.H*from.OFM.W*from.OFM.C
		if n == has && (k.OFM.H != from.OFM.H || k.OFM.W != from.OFM.W) {
			c.unproven(RuleChain, "%s reads chaining buffer %d as %dx%dx%d, where operation %d writes %dx%dx%d", m.which, m.f.Buffer, k.OFM.H, k.OFM.W, k.OFM.C, from.index, from.OFM.H, from.OFM.W, from.OFM.C)
		}
		if n != has {
			c.report(RuleChain, "%s reads chaining buffer %d of %d elements for an OFM of %d", m.which, m.f.Buffer, has, n)
		}
		if from.unwritten != nil {
			k.unwritten = from.unwritten
		}
	}
	if reads > 1 {
		c.unproven(RuleChain, "both operands are in chaining buffers: nothing known says that one can be read twice")
	}
	if reads == 0 && s.chain != nil {
		// What would run in a chain's place takes the buffers with it.
		c.report(RuleChain, "it reads nothing of the chain that operation %d begins", s.chain.first.index)
		s.close(c)
	}
	if s.chain == nil && k.OFM.Storage == isa.Chained {
		s.chain = &chainU85{first: k}
	}
	if s.chain == nil {
		return
	}
	t := s.chain
	t.last = nil
	t.members++
	written := k.Written()
	for _, m := range t.inputs { // of the operations before it
		if f := &m.f.FeatureMap; overlap(m.f.Spans(), written.Spans()) && !sameMapping(f, &written.FeatureMap) && c.meet(f, whole(f), &written.FeatureMap, whole(&written.FeatureMap)) {
			c.unproven(RuleOverlap, "the OFM overwrites an input of its chain at another place than where it is read: nothing known says in which order blocks pass")
			break
		}
	}
	t.inputs = append(t.inputs, k.inputs()...)
	switch {
	case t.members > mostMembers:
		c.unproven(RuleChain, "it is operation %d of a chain, and chains of %d are known to work", t.members, mostMembers)
	case len(t.inputs) > mostInputs:
		c.unproven(RuleChain, "the chain has %d inputs from memory, and chains of %d are known to work", len(t.inputs), mostInputs)
	case k.Transpose != isa.TransposeHWC || k.Reverse != isa.ReverseNone:
		c.report(RuleChain, "an OFM that is transposed as %v and reversed as %v in a chain, expected neither", k.Transpose, k.Reverse)
	}
	if f := t.first; f.H != k.H || f.W != k.W || f.D != k.D || f.Acc.Micro != k.Acc.Micro {
		c.report(RuleChain, "block %dx%dx%d with micro-block %v, expected %dx%dx%d with %v as of operation %d, which begins the chain", k.H, k.W, k.D, k.Acc.Micro, f.H, f.W, f.D, f.Acc.Micro, f.index)
	}
}
