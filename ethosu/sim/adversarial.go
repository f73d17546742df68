// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Timing is an order of execution that the waits of a stream permit.
type Timing uint8

// Timings. A stream without missing waits gives the same result with each.
const (
	InOrder     Timing = iota
	LateDMA            // every DMA runs as late as it may
	LateKernels        // every block operation runs as late as it may
	SwappedDMA         // transfers that may be under way together run newest first
)

// ordered is an operation or a wait, in stream order.
type ordered struct {
	op   isa.Code
	n    int  // of a wait
	step int  // -1 for a wait
	join bool // it belongs to the chain of the operation before, which the engine counts as one
}

// queue holds the operations of one kind that may still be under way.
type queue struct {
	groups [][]int // an operation each, or those of a chain
	limit  int
}

// issue adds an operation. The engine takes no more than limit, so older ones are
// finished; they are returned.
func (q *queue) issue(o *ordered) (done []int) {
	if last := len(q.groups) - 1; o.join && last >= 0 {
		q.groups[last] = append(q.groups[last], o.step)
		return nil
	}
	q.groups = append(q.groups, []int{o.step})
	return q.wait(q.limit)
}

// wait finishes all but the newest n and returns them.
func (q *queue) wait(n int) (done []int) {
	for len(q.groups) > n {
		done = append(done, q.groups[0]...)
		q.groups = q.groups[1:]
	}
	return done
}

// newest returns the operations of the n newest.
func (q *queue) newest(n int) (steps []int) {
	for _, g := range q.groups[max(len(q.groups)-n, 0):] {
		steps = append(steps, g...)
	}
	return steps
}

// delayed returns the steps in the order of a timing.
func (s *Sim) delayed(t Timing) []step {
	late, delaysDMA := queue{limit: s.accel.MaxDMA}, t != LateKernels
	if !delaysDMA {
		late.limit = s.accel.MaxKernels
	}
	var out []step
	run := func(done []int) {
		if t == SwappedDMA {
			done = slices.Clone(done)
			slices.Reverse(done)
		}
		for _, i := range done {
			out = append(out, s.steps[i])
		}
	}
	for i := range s.order {
		o := &s.order[i]
		wait, isDMA := o.step < 0, o.op == isa.OpDMAStart || o.op == isa.OpDMAWait
		switch {
		case isDMA != delaysDMA:
			if !wait {
				out = append(out, s.steps[o.step])
			}
		case wait:
			run(late.wait(o.n))
		default:
			run(late.issue(o))
		}
	}
	run(late.wait(0))
	return out
}

// Races returns every pair of operations that may overlap in time and touch the same
// memory, one of them writing: a missing wait, or a BLOCKDEP that is too large. An
// empty result means that program order is the only order there is.
func (s *Sim) Races() []*Fault {
	var out []*Fault
	kernels, dmas := queue{limit: s.accel.MaxKernels}, queue{limit: s.accel.MaxDMA}
	previous := -1
	for i := range s.order {
		o := &s.order[i]
		switch o.op {
		case isa.OpKernelWait:
			if kernels.wait(o.n); len(kernels.groups) == 0 {
				previous = -1
			}
		case isa.OpDMAWait:
			dmas.wait(o.n)
		case isa.OpDMAStart:
			out = append(out, s.conflicts(o.step, dmas.newest(s.accel.DMAUnderWay()), "NPU_OP_DMA_WAIT")...)
			dmas.issue(o)
			out = append(out, s.conflicts(o.step, kernels.newest(kernels.limit), "NPU_OP_KERNEL_WAIT")...)
		default:
			kernels.issue(o)
			out = append(out, s.conflicts(o.step, dmas.newest(dmas.limit), "NPU_OP_DMA_WAIT")...)
			if f := s.blockRace(previous, o.step); f != nil {
				out = append(out, f)
			}
			previous = o.step
		}
	}
	return out
}

// conflicts compares an operation with others that are under way.
func (s *Sim) conflicts(now int, others []int, wait string) []*Fault {
	var out []*Fault
	b := s.steps[now].head()
	for _, i := range others {
		a := s.steps[i].head()
		if x, y, ok := collide(a.access, b.access); ok {
			out = append(out, b.race("it %s %s while operation %d %s (word %d) may still %s it: %s is missing",
				verb(y), s.place(y), a.index, a.name, a.word, infinitive(x), wait))
		}
	}
	return out
}

func (h *header) race(format string, args ...any) *Fault {
	return h.fault(Race, format, args...).(*Fault)
}

// collide finds accesses that overlap, at least one of them a write.
func collide(a, b []Access) (x, y Access, ok bool) {
	for _, x := range a {
		for _, y := range b {
			if (x.Write() || y.Write()) && x.Overlaps(y.Span) {
				return x, y, true
			}
		}
	}
	return x, y, false
}

func verb(a Access) string {
	if a.Write() {
		return "writes"
	}
	return "reads"
}

func infinitive(a Access) string {
	if a.Write() {
		return "write"
	}
	return "read"
}

func (s *Sim) place(a Access) string {
	switch {
	case a.Region == SHRAM && s.product == isa.U85:
		return fmt.Sprintf("LUT memory 0x%X..0x%X", a.Start, a.End)
	case a.Region == SHRAM:
		return fmt.Sprintf("SHRAM 0x%X..0x%X", a.Start, a.End)
	}
	return fmt.Sprintf("bytes %d..%d of region %d", a.Start, a.End, a.Region)
}

// job is what BLOCKDEP is about: how an operation cuts its input and output.
type job struct {
	dep            int
	block          isa.Block
	kernel         isa.Kernel
	factor         int // of upscaling
	ofm, ifm, ifm2 isa.FeatureMap
	two            bool
	depth          int // input channels of one job; 0: those of the OFM block
	table          bool
	reserved       bool // tables have banks of their own

	// Of the U85: an elementwise operation; what every block writes or reads, where the
	// memory of single blocks is not worked out.
	elementwise   bool
	written, read []isa.Span
}

// blockRace checks BLOCKDEP of an operation against the one before it.
func (s *Sim) blockRace(previous, now int) *Fault {
	if previous < 0 {
		return nil
	}
	p, b := s.steps[previous].head(), s.steps[now].head()
	if b.job.dep == 0 {
		return nil
	}
	if p.job.table && !b.job.table && !b.job.reserved {
		return b.race("BLOCKDEP %d lets it overwrite the tables that operation %d %s (word %d) still reads", b.job.dep, p.index, p.name, p.word)
	}
	for f := range b.job.dep {
		read, ok := b.job.input(f)
		if !ok {
			return nil
		}
		for last := range b.job.dep - f {
			written, ok := p.job.output(last)
			if ok && overlap(read, written) {
				return b.race("BLOCKDEP %d: job %d reads what block %d from the end of operation %d %s (word %d) writes, expected at most %d",
					b.job.dep, f, last, p.index, p.name, p.word, f+last)
			}
		}
	}
	return nil
}

// overlap sweeps two lists of spans.
func overlap(a, b []isa.Span) bool {
	by := func(x, y isa.Span) int {
		if x.Region != y.Region {
			return x.Region - y.Region
		}
		return int(max(min(x.Start-y.Start, 1), -1))
	}
	slices.SortFunc(a, by)
	slices.SortFunc(b, by)
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if a[i].Overlaps(b[j]) {
			return true
		}
		if a[i].Region < b[j].Region || a[i].Region == b[j].Region && a[i].End <= b[j].Start {
			i++
		} else {
			j++
		}
	}
	return false
}
