// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

func overlap(a, b []place.Span) bool {
	for _, x := range a {
		for _, y := range b {
			if x.Region == y.Region && x.Start < y.End && y.Start < x.End {
				return true
			}
		}
	}
	return false
}

// spans returns the bytes of an encoded constant that kernels read.
func (s *Stream) spans(c *schedule.Coded) []place.Span {
	var list []place.Span
	for i := range c.Len {
		if c.Len[i] > 0 {
			a := s.layout.At(c.Home(), c.Off[i])
			list = append(list, place.Span{Region: a.Region, Start: a.Offset, End: a.Offset + c.Len[i]})
		}
	}
	return list
}

// access returns what an operation reads and writes.
func (s *Stream) access(op schedule.Operation) (reads, writes []place.Span) {
	if t := op.Transfer; t != nil {
		a := s.layout.At(t.Src, t.From)
		reads = []place.Span{{Region: a.Region, Start: a.Offset, End: a.Offset + t.Length}}
		if t.Dst == nil {
			return reads, []place.Span{{Region: isa.SHRAM, Start: t.Table, End: t.Table + t.Length}}
		}
		a = s.layout.At(t.Dst, t.To)
		return reads, []place.Span{{Region: a.Region, Start: a.Offset, End: a.Offset + t.Length}}
	}
	o := op.Kernel
	for _, f := range o.Inputs() {
		reads = append(reads, s.layout.Spans(f)...)
	}
	if o.Stream != nil {
		reads = append(append(reads, s.spans(&o.Stream.Coded)...), s.spans(o.Scales)...)
	}
	if o.UsesTable() {
		start := s.accel.LUTBase() + 256*o.Slot + o.Table.From
		reads = append(reads, place.Span{Region: isa.SHRAM, Start: start, End: start + len(o.Table.Loaded())})
	}
	if o.Chain.Out == 0 {
		writes = s.layout.Spans(o.OFM)
	}
	if !s.accel.OwnMemories { // which has a memory for tables alone
		writes = append(writes, place.Span{Region: isa.SHRAM, End: s.accel.TopBank(o.UsesTable()) * 1024})
	}
	return reads, writes
}

// group returns what the operations of a chain read and write, of which the given one is
// the first: they are one kernel, which waits for all that any of them needs.
func (s *Stream) group(first int) (reads, writes []place.Span) {
	for i := first; ; i++ {
		o := s.commands[i].Operation
		r, w := s.access(o)
		reads, writes = append(reads, r...), append(writes, w...)
		if o.Kernel == nil || o.Kernel.Chain.Out == 0 {
			return reads, writes
		}
	}
}

// InsertWaits makes every operation wait for the outstanding operation of the
// other engine that it conflicts with. At most MaxDMA transfers and MaxKernels
// kernels can be outstanding, so older ones need no wait.
func InsertWaits(s *Stream) error {
	type acc struct{ r, w []place.Span }
	conflict := func(a, b acc) bool {
		return overlap(a.w, b.r) || overlap(a.r, b.w) || overlap(a.w, b.w)
	}
	var dma, kernels []acc
	for i := range s.commands {
		o := &s.commands[i]
		o.kernelWait, o.dmaWait = -1, -1
		if o.Kernel != nil && o.Kernel.Chain.Inside() {
			continue
		}
		r, w := s.group(i)
		x := acc{r, w}
		if o.Transfer != nil {
			// A transfer waits for a conflicting transfer, too, as far as two may be
			// under way together.
			for i := len(dma) - 1; i >= max(0, len(dma)-s.accel.DMAUnderWay()); i-- {
				if conflict(dma[i], x) {
					o.dmaWait = len(dma) - 1 - i
					dma = dma[i+1:]
					break
				}
			}
			for i := len(kernels) - 1; i >= 0; i-- {
				if conflict(kernels[i], x) {
					o.kernelWait = len(kernels) - 1 - i
					kernels = kernels[i+1:]
					break
				}
			}
			if dma = append(dma, x); len(dma) > s.accel.MaxDMA {
				dma = dma[1:]
			}
			continue
		}
		for i := len(dma) - 1; i >= 0; i-- {
			if conflict(dma[i], x) {
				o.dmaWait = len(dma) - 1 - i
				dma = dma[i+1:]
				break
			}
		}
		if kernels = append(kernels, x); len(kernels) > s.accel.MaxKernels {
			kernels = kernels[1:]
		}
	}
	return nil
}
