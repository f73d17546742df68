// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// footprint is what an operation that may still be under way reads and writes.
type footprint struct {
	word, op      int
	name          string
	reads, writes []isa.Span
}

// finish drops the operations that a wait has seen to their end: all but the
// newest n.
func finish(list []footprint, n int) []footprint {
	return list[max(len(list)-n, 0):]
}

// conflict reports whether two operations must not run at the same time.
func conflict(a, b *footprint) bool {
	return overlap(a.writes, b.reads) || overlap(a.reads, b.writes) || overlap(a.writes, b.writes)
}

func (c *checker) footprint() footprint {
	return footprint{word: c.at.Word, op: c.at.Op, name: c.at.Name}
}

// kernelHazards checks a kernel against transfers that may be under way and
// against its predecessor.
func (c *checker) kernelHazards(o *isa.Operation, k *kernel) {
	f := c.footprint()
	f.reads = slices.Concat(k.in, k.in2, k.constants)
	if k.table && k.tableSpan.End > 0 {
		f.reads = append(f.reads, k.tableSpan)
	}
	f.writes = append(slices.Clone(k.out), isa.Span{Region: isa.SHRAM, Start: 0, End: int64(k.shramEnd)})
	for i := len(c.dmas) - 1; i >= 0; i-- {
		if d := &c.dmas[i]; conflict(d, &f) {
			c.report(RuleWait, "it touches what operation %d (%s, word %d) transfers and does not wait for it, expected NPU_OP_DMA_WAIT %d or less", d.op, d.name, d.word, len(c.dmas)-1-i)
			break
		}
	}
	if most, why := c.maxBlockdep(k); k.layout.Dep > most {
		ofVela := most
		if k.shape.Kind == block.ReduceSum {
			ofVela, _ = c.maxBlockdepOf(k, sumJobDepth)
		}
		if k.layout.Dep <= ofVela {
			c.unproven(RuleBlockdep, "BLOCKDEP is %d, which is right if a job of REDUCE_SUM reads one channel, and at most %d where it reads the %d of a block: %s", k.layout.Dep, most, c.jobDepth(k), why)
		} else {
			c.report(RuleBlockdep, "BLOCKDEP is %d, expected at most %d: %s", k.layout.Dep, most, why)
		}
	}
	c.kernels = append(c.kernels, f)
	c.kernels = finish(c.kernels, c.a.MaxKernels)
}

// dmaHazards checks a transfer against kernels and other transfers that may be under
// way.
func (c *checker) dmaHazards(o *isa.Operation, src, dst isa.Span) {
	f := c.footprint()
	f.reads, f.writes = []isa.Span{src}, []isa.Span{dst}
	c.waitsOfTransfer(f)
}

// waitsOfTransfer checks what a transfer reads and writes against what is under way.
func (c *checker) waitsOfTransfer(f footprint) {
	for i := len(c.kernels) - 1; i >= 0; i-- {
		if k := &c.kernels[i]; conflict(k, &f) {
			c.report(RuleWait, "it touches what operation %d (%s, word %d) uses and does not wait for it, expected NPU_OP_KERNEL_WAIT %d or less", k.op, k.name, k.word, len(c.kernels)-1-i)
			break
		}
	}
	under := finish(c.dmas, c.a.DMAUnderWay())
	for i := len(under) - 1; i >= 0; i-- {
		if d := &under[i]; conflict(d, &f) {
			c.unproven(RuleWait, "it touches what operation %d (%s, word %d) transfers and does not wait for it, and nothing says that transfers take effect in order, expected NPU_OP_DMA_WAIT %d or less",
				d.op, d.name, d.word, len(under)-1-i)
			break
		}
	}
	c.dmas = append(c.dmas, f)
	c.dmas = finish(c.dmas, c.a.MaxDMA)
}
