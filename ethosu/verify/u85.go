// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Streams of the Ethos-U85 are judged by rules of their own: its commands say other
// things, and its memories are laid out by the hardware. What is known of bytes, findings
// and the rules of waiting are those of the other generations.

// kernelU85 is a block operation with what later operations must know of it.
type kernelU85 struct {
	*isa.KernelU85
	word, index int
	name        string
	micro       ethosu.MicroBlock
	out         []isa.Span // as written
	constants   []isa.Span
	sums        []bound // of the negative and the positive weights of each output channel
	value       value   // in the chaining buffer that it reads

	// The elements in that buffer are those of this map in memory, if there is one.
	same *isa.FeatureMap

	unwritten *Finding // not nil: it reads what nobody wrote
}

// chainU85 is a chain of operations that is under way.
type chainU85 struct {
	first   *kernelU85
	members int
	inputs  []inputU85 // from memory
	last    *kernelU85 // whose result lies in a buffer; every further operation reads it
	foot    footprint
}

// stateU85 is what the walk of a stream of the U85 knows beyond checker.
type stateU85 struct {
	chain    *chainU85 // nil: no chain is open
	value    value     // in the chaining buffer
	same     *isa.FeatureMap
	held     *kernelU85 // left its result in the accumulators
	previous *kernelU85
}

// walkU85 checks a stream of the U85.
func (c *checker) walkU85(words []uint32) {
	s := &stateU85{}
	err := isa.U85.WalkAll(words, func(in isa.Instruction) error {
		c.at = Finding{Word: in.Word, Op: -1, Name: isa.U85.Name(in.Code)}
		if err := in.Check(isa.U85); err != nil {
			c.report(RuleStream, "%v", err)
		}
		switch in.Code {
		case isa.OpIRQ, isa.OpPMUMask:
			c.report(RuleStream, "a command that no inference of the U85 needs")
		case isa.SetKernelStride:
			if isa.GetKernelStride(in.Command).Decomposition {
				c.report(RuleStream, "decomposition into 4x4 kernels, expected 8x8 of the U85")
			}
		case isa.OpBranch:
			c.branch(words, in)
			return errEnough
		}
		return c.enough()
	}, func(o *isa.Operation) error {
		c.at = Finding{Word: o.Word, Op: o.Index, Name: c.nameOf(o)}
		switch {
		case o.Op == isa.OpKernelWait:
			c.kernels = finish(c.kernels, o.Outstanding())
		case o.Op == isa.OpDMAWait:
			c.dmas = finish(c.dmas, o.Outstanding())
		case o.IsDMA():
			c.operations++
			c.asSaid(o)
			c.noChain(s)
			c.dmaU85(o)
		case o.IsBlock():
			c.operations++
			c.asSaid(o)
			c.kernelU85(s, o)
		case o.Op == isa.OpStop:
			c.noChain(s)
			c.noHeld(s, nil)
		}
		return c.enough()
	})
	var shape *isa.Error
	if errors.As(err, &shape) {
		c.at = Finding{Word: shape.Word, Op: -1, Name: shape.Name}
		if shape.Name == "" {
			c.at.Name = "stream"
		}
		c.report(RuleStream, "%s", shape.What)
	}
}

func (c *checker) enough() error {
	if len(c.findings) >= maxFindings || c.work > maxWork {
		return errEnough
	}
	return nil
}

// branch checks where a branch goes. What it would run is not followed.
func (c *checker) branch(words []uint32, in isa.Instruction) {
	target := isa.GetBranch(in.Command).BranchTarget
	for at := 0; at < len(words); {
		if uint32(4*at) == target {
			c.unproven(RuleStream, "it goes to byte %d: nothing here follows a branch, the rest of the stream is not judged", target)
			return
		}
		n, err := isa.U85.Next(words, at)
		if err != nil {
			break
		}
		at += n.Words()
	}
	c.report(RuleStream, "it goes to byte %d, where no command of the stream begins", target)
}

// noChain reports a chain that something else than its next operation meets.
func (c *checker) noChain(s *stateU85) {
	if s.chain == nil {
		return
	}
	s.close(c)
	c.report(RuleChain, "the chain before it has not written its result to memory")
}

// noHeld reports a result that was left in the accumulators and is not taken up.
func (c *checker) noHeld(s *stateU85, k *kernelU85) {
	if s.held != nil && (k == nil || k.Acc.Input != isa.AccKeep) {
		c.report(RuleBlock, "operation %d left its result in the accumulators, and it does not start from it", s.held.index)
	}
	s.held = nil
}

// close ends a chain: it counts as one kernel.
func (s *stateU85) close(c *checker) {
	c.kernels = finish(append(c.kernels, s.chain.foot), c.a.MaxKernels)
	s.chain = nil
}

func (c *checker) kernelU85(s *stateU85, o *isa.Operation) {
	k := &kernelU85{KernelU85: o.KernelU85(), word: o.Word, index: o.Index, name: c.at.Name}
	if bad := o.Unset(isa.U85, c.a.Cores); len(bad) > 0 {
		for _, code := range bad {
			c.report(RuleRegister, "%s of the U85 is used and was never set", isa.U85.Name(code))
		}
		s.abandon()
		return
	}
	c.noHeld(s, k)
	if !c.storageU85(k) || !c.shapesU85(k) {
		s.abandon()
		return
	}
	c.depthU85(o, k)
	written := k.Written()
	k.out = written.Spans()
	n := len(c.findings)
	c.typesU85(k)
	c.unknownU85(k)
	c.blockU85(k, s.chain != nil || k.OFM.Storage == isa.Chained)
	c.chained(s, k)
	ok := true
	for _, m := range k.inputs() {
		ok = c.featureMap(m.which, &m.f.FeatureMap, m.f.Spans(), false) && ok
	}
	if k.OFM.InMemory() {
		ok = c.featureMap("OFM", &written.FeatureMap, k.out, true) && ok
	}
	if k.HasWeights() {
		c.weightsU85(o, k)
	}
	if k.HasRecords() {
		c.recordsU85(k)
	}
	table := c.tableU85(k)
	if ok {
		c.readsU85(s, k)
		c.overlapsU85(k, &written)
	}
	k.value, k.same = s.value, s.same
	s.value, s.same = value{}, nil
	if ok && len(c.findings) == n {
		c.overflowU85(s, k, &written)
	} else { // its values mean nothing
		c.forgetValues(k.out)
	}
	c.hazardsU85(s, k, table)
	if ok {
		c.writesU85(k, &written)
	}
	if k.Acc.Hold {
		s.held = k
	}
	if len(c.findings) > n && !ok {
		s.abandon()
		return
	}
	if k.OFM.Storage == isa.Chained {
		s.chain.last = k
		return
	}
	s.previous = k
	if s.chain != nil {
		s.close(c)
	}
}

// abandon forgets what is under way, after an operation that cannot be judged.
func (s *stateU85) abandon() { *s = stateU85{} }

// inputU85 is a feature map that an operation reads.
type inputU85 struct {
	which string
	f     *isa.MapU85
}

// inputs returns the inputs that are in memory.
func (k *kernelU85) inputs() []inputU85 {
	var list []inputU85
	if k.IFM.InMemory() && !k.null() {
		list = append(list, inputU85{"IFM", &k.IFM})
	}
	if k.HasIFM2() && k.IFM2.InMemory() {
		list = append(list, inputU85{"IFM2", &k.IFM2})
	}
	return list
}

// null reports a pool whose IFM stands for its shape alone: it moves IFM2.
func (k *kernelU85) null() bool {
	return k.Op == isa.OpPool && k.Pool == isa.PoolNone && k.Acc.Input == isa.AccIFM2
}

// hazardsU85 checks a kernel against transfers that may be under way and against the
// kernel before it.
func (c *checker) hazardsU85(s *stateU85, k *kernelU85, table isa.Span) {
	f := c.footprint()
	for _, m := range k.inputs() {
		f.reads = append(f.reads, m.f.Spans()...)
	}
	f.reads = append(f.reads, k.constants...)
	if table.End > table.Start {
		f.reads = append(f.reads, table)
	}
	f.writes = slices.Clone(k.out)
	for i := len(c.dmas) - 1; i >= 0; i-- {
		if d := &c.dmas[i]; conflict(d, &f) {
			c.report(RuleWait, "it touches what operation %d (%s, word %d) transfers and does not wait for it; with the U85 NPU_OP_DMA_WAIT %d or less is expected", d.op, d.name, d.word, len(c.dmas)-1-i)
			break
		}
	}
	if s.chain != nil {
		if k.Dep != 0 {
			c.report(RuleBlockdep, "BLOCKDEP is %d in a chain, expected 0", k.Dep)
		}
		t := &s.chain.foot
		if s.chain.members == 1 {
			*t = f
		} else {
			t.reads, t.writes = append(t.reads, f.reads...), append(t.writes, f.writes...)
		}
		return
	}
	if most, why := c.maxBlockdepU85(s.previous, k); k.Dep > most {
		c.report(RuleBlockdep, "BLOCKDEP of the U85 is %d, expected at most %d: %s", k.Dep, most, why)
	}
	c.kernels = finish(append(c.kernels, f), c.a.MaxKernels)
}
