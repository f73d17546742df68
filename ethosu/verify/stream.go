// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// maxStreamWords is the first length that a stream may not have.
const maxStreamWords = 1 << 22

// Stream checks a command stream for an accelerator. It reports at most 200
// findings.
func Stream(a *ethosu.Accelerator, words []uint32, regions Regions) Report {
	c := newChecker(a, regions)
	c.walk(words)
	c.left()
	return reportOf(c.operations, c.findings)
}

// checker holds what is known while walking a stream.
type checker struct {
	a       *ethosu.Accelerator
	product isa.Product
	regions Regions

	findings   []Finding
	operations int
	at         Finding // place of the command being checked

	defined [len(Regions{})]ranges
	known   [len(Regions{})]contents
	stale   [len(Regions{})][]stale
	tables  ranges // bytes of SHRAM that hold tables

	loaded contents // of SHRAM, as far as tables are copies of constants
	values values   // of feature maps of 32 bits, and such with cells
	maxima []maximum

	kernels, dmas []footprint // that may be under way, oldest first
	previous      *kernel
	names         map[int]string // operation names by word
	beside        *beside        // nil: nothing is said of the operations

	streams map[streamKey]verdict        // weight streams already judged
	judged  map[verdictKeyU85]verdictU85 // those of the U85
	work    int
}

// maxWork bounds the byte ranges that are looked at in all, and what takes as long. No
// network comes near.
const maxWork = 1 << 25

// spend counts work and reports whether there may be more.
func (c *checker) spend(n int) bool {
	if c.work <= maxWork && c.work+n > maxWork {
		c.report(RuleStream, "the rest of the stream is not judged: what it says so far took more than %d steps to follow", maxWork)
	}
	c.work += n
	return c.work <= maxWork
}

func newChecker(a *ethosu.Accelerator, regions Regions) *checker {
	c := &checker{a: a, product: a.Product, regions: regions, streams: map[streamKey]verdict{}}
	for i, r := range regions {
		if r.Constant {
			c.defined[i].add(0, r.Size)
		}
		for _, d := range r.Defined {
			c.defined[i].add(max(d.Start, 0), min(d.End, r.Size))
		}
		c.known[i].put(0, r.Content)
	}
	return c
}

func (c *checker) report(rule Rule, format string, args ...any) {
	if len(c.findings) < maxFindings {
		f := c.at
		f.Rule, f.Msg = rule, fmt.Sprintf(format, args...)
		c.findings = append(c.findings, f)
	}
}

// unproven reports what may be right and cannot be shown to be.
func (c *checker) unproven(rule Rule, format string, args ...any) {
	n := len(c.findings)
	if c.report(rule, format, args...); len(c.findings) > n {
		c.findings[n].Unproven = true
	}
}

// left reports what the stream leaves in memory and has no value. Where outputs are not
// known, everything may be one.
func (c *checker) left() {
	seen := map[int]bool{}
	for _, list := range c.stale {
		for _, s := range list {
			if !seen[s.origin.Word] && len(c.findings) < maxFindings {
				c.findings = append(c.findings, s.origin)
			}
			seen[s.origin.Word] = true
		}
	}
}

var errEnough = errors.New("enough findings")

func (c *checker) walk(words []uint32) {
	if len(words) >= maxStreamWords {
		c.at = Finding{Op: -1, Name: "stream"}
		c.report(RuleStream, "%d words, expected less than %d", len(words), maxStreamWords)
		return
	}
	if c.product == isa.U85 {
		c.walkU85(words)
		return
	}
	parallel := false
	err := isa.WalkAll(words, func(in isa.Instruction) error {
		c.at = Finding{Word: in.Word, Op: -1, Name: in.Code.String()}
		if err := in.Check(c.product); err != nil {
			c.report(RuleStream, "%v", err)
		} else if c.product == isa.U55 && in.SignFilled() {
			c.unproven(RuleStream, "the sign of a stride fills bits that are 0 on the U55: nothing known says that it ignores them")
		}
		switch in.Code {
		case isa.SetParallelMode:
			parallel = true
		case isa.SetUserDefined0:
			c.report(RuleStream, "a register of custom DMA, expected none")
		case isa.OpIRQ, isa.OpPMUMask:
			c.report(RuleStream, "a command that no inference needs")
		case isa.SetKernelStride:
			if isa.GetKernelStride(in.Command).Decomposition {
				c.report(RuleStream, "decomposition into 4x4 kernels, expected 8x8")
			}
		}
		if len(c.findings) >= maxFindings {
			return errEnough
		}
		return nil
	}, func(o *isa.Operation) error {
		c.at = Finding{Word: o.Word, Op: o.Index, Name: c.nameOf(o)}
		if (o.IsBlock() || o.IsDMA()) && o.Index == 0 && c.a.ParallelMode && !parallel {
			c.report(RuleRegister, "NPU_SET_PARALLEL_MODE is not set before the first operation")
		}
		if c.a.ParallelMode && o.IsBlock() && parallel && o.Cores() != c.a.Cores {
			c.report(RuleRegister, "PARALLEL_MODE runs it on %d cores, %s has %d", o.Cores(), c.a.Name, c.a.Cores)
		}
		switch {
		case o.Op == isa.OpKernelWait:
			c.kernels = finish(c.kernels, o.Outstanding())
		case o.Op == isa.OpDMAWait:
			c.dmas = finish(c.dmas, o.Outstanding())
		case o.IsDMA():
			c.operations++
			c.asSaid(o)
			c.dma(o)
		case o.IsBlock():
			c.operations++
			c.asSaid(o)
			c.kernel(o)
		}
		if len(c.findings) >= maxFindings || c.work > maxWork {
			return errEnough
		}
		return nil
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

func (c *checker) nameOf(o *isa.Operation) string {
	if n := c.names[o.Word]; n != "" {
		return n
	}
	return o.Name()
}

// unset reports registers that the operation uses and the stream has not set, and
// whether there are any.
func (c *checker) unset(o *isa.Operation) bool {
	list := o.Unset(c.product, c.a.Cores)
	for _, code := range list {
		c.report(RuleRegister, "%s is used and was never set", code)
	}
	return len(list) > 0
}
