// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// command is what the command processor does next: an operation to issue, or a wait.
type command struct {
	op   *Op
	dma  bool
	wait int // operations of the engine that may be under way, or -1
	load Load
}

// engine is the block pipeline or the DMA. What is issued runs in order, one operation
// after the other.
type engine struct {
	queue []*command // issued, the first one under way
	begun bool
	limit int
}

// timeline runs the commands: operations of both engines go on side by side, and share
// the ports by what they ask for.
type timeline struct {
	a        *ethosu.Accelerator
	commands []command
	ports    Ports
	engines  [engines]engine
	state    State
	ops      []*Op // in order of issue

	r Report
}

func (t *timeline) run() {
	t.engines[Kernels].limit, t.engines[Transfers].limit = t.a.MaxKernels, t.a.MaxDMA
	for i := range t.commands {
		if c := &t.commands[i]; c.op != nil {
			c.load.Own = c.op.NPU + c.op.Start
		}
	}
	t.state = t.ports.Start()
	next := 0
	for {
		next = t.issue(next)
		if len(t.engines[Kernels].queue)+len(t.engines[Transfers].queue) == 0 {
			return
		}
		t.advance()
	}
}

// issue lets the command processor go on as far as it can.
func (t *timeline) issue(next int) int {
	for ; next < len(t.commands); next++ {
		c := &t.commands[next]
		e := &t.engines[Kernels]
		if c.dma {
			e = &t.engines[Transfers]
		}
		if c.op == nil {
			if len(e.queue) > c.wait {
				return next
			}
			continue
		}
		if len(e.queue) >= e.limit {
			return next
		}
		e.queue = append(e.queue, c)
		t.ops = append(t.ops, c.op)
	}
	return next
}

// advance goes to the next moment at which something changes.
func (t *timeline) advance() {
	var under [engines]*Load
	for i := range t.engines {
		if e := &t.engines[i]; len(e.queue) > 0 {
			if !e.begun {
				e.begun, e.queue[0].op.Begins = true, t.state.Now
			}
			under[i] = &e.queue[0].load
		}
	}
	for i, ended := range t.ports.Advance(&t.state, under[Kernels], under[Transfers]) {
		if e := &t.engines[i]; ended {
			e.queue[0].op.End = t.state.Now
			e.queue, e.begun = e.queue[1:], false
		}
	}
}

func (t *timeline) memory(name string) *MemoryUse {
	for i := range t.r.Memory {
		if t.r.Memory[i].Name == name {
			return &t.r.Memory[i]
		}
	}
	t.r.Memory = append(t.r.Memory, MemoryUse{Name: name})
	return &t.r.Memory[len(t.r.Memory)-1]
}

func (t *timeline) use(m *Access) {
	u := t.memory(m.Name)
	u.Read += m.Read
	u.Write += m.Write
	u.Cycles += m.Cycles
}

// report adds up. Every cycle goes to the kernel that runs in it: its start to
// Overhead, its own time to its reason, what it waits for a busy port to DMA; and where
// no kernel runs, to DMA.
func (t *timeline) report() Report {
	r := t.r
	var by [reasons]float64
	var npu, at float64
	for _, o := range t.ops {
		r.Ops = append(r.Ops, *o)
		if o.DMA {
			continue
		}
		by[DMA] += max(0, o.Begins-at)
		length := o.End - o.Begins
		start := min(o.Start, length)
		own := min(o.Cycles-o.Start, length-start)
		by[Overhead] += start
		by[o.Reason] += own
		by[DMA] += length - start - own
		at = o.End
		npu += o.NPU
		r.MACs += o.MACs
	}
	by[DMA] += t.state.Now - at
	r.Total, r.NPU = int64(math.Round(t.state.Now)), int64(npu)
	// Round so that the reasons add up to the total.
	sum, done := 0.0, int64(0)
	for i, c := range by {
		sum += c
		r.By[i] = int64(math.Round(sum)) - done
		done += r.By[i]
	}
	return r
}
