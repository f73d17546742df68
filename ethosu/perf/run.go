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
	wait int               // operations of the engine that may be under way, or -1
	load [channels]float64 // cycles of each channel
}

// channels are those of the two AXI ports: reads, and then writes, of each.
const channels = 4

// channelOf returns the channel of a direction of a port. Where the memory is slower than
// the port, its bandwidth is for both directions.
func channelOf(m *Access, write bool) int {
	c := m.Port & 1
	if write && m.ClockScale >= 1 {
		c += 2
	}
	return c
}

// loads returns what accesses ask of each channel.
func loads(access []Access) [channels]float64 {
	var load [channels]float64
	for i := range access {
		m := &access[i]
		if m.ClockScale < 1 {
			load[channelOf(m, false)] += m.Cycles
			continue
		}
		load[channelOf(m, false)] += m.read
		load[channelOf(m, true)] += m.write
	}
	return load
}

// port is a channel and the memory behind it, in cycles of the memory's sustained rate.
type port struct {
	peak   float64 // rate while there is credit, at least 1
	most   float64 // credit
	credit float64 // cycles that the memory may deliver ahead
}

func portOf(a *ethosu.Accelerator, at Places, n int) port {
	p := port{peak: 1}
	for region := range 3 {
		m := at(region)
		if m.Port&1 != n || m.Window == 0 {
			continue
		}
		slow := m.readRate(a, transaction)
		if fast := channel(a, transaction, m.MaxReads, m.ReadLatency); fast > slow {
			p.peak, p.most, p.credit = fast/slow, float64(m.Window), float64(m.Window)
		}
	}
	return p
}

// engine is the block pipeline or the DMA. What is issued runs in order, one operation
// after the other.
type engine struct {
	queue []*command // issued, the first one under way
	done  float64    // share of it
	begun bool
	limit int
}

// timeline runs the commands: operations of both engines go on side by side, and share
// the ports by what they ask for.
type timeline struct {
	a        *ethosu.Accelerator
	commands []command
	ports    [channels]port
	engines  [2]engine // kernels, transfers
	now      float64
	ops      []*Op // in order of issue

	r Report
}

func (t *timeline) run() {
	t.engines[0].limit, t.engines[1].limit = t.a.MaxKernels, t.a.MaxDMA
	next := 0
	for {
		next = t.issue(next)
		if len(t.engines[0].queue)+len(t.engines[1].queue) == 0 {
			return
		}
		t.advance()
	}
}

// issue lets the command processor go on as far as it can.
func (t *timeline) issue(next int) int {
	for ; next < len(t.commands); next++ {
		c := &t.commands[next]
		e := &t.engines[0]
		if c.dma {
			e = &t.engines[1]
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

// advance goes to the next moment at which an operation ends or a memory's credit does.
func (t *timeline) advance() {
	var speed [channels]float64
	for p := range t.ports {
		speed[p] = 1
		if t.ports[p].credit > 0 {
			speed[p] = t.ports[p].peak
		}
	}
	rate := t.rates(speed)
	step := math.Inf(1)
	for i := range t.engines {
		if e := &t.engines[i]; len(e.queue) > 0 {
			if !e.begun {
				e.begun, e.queue[0].op.Begins = true, t.now
			}
			if rate[i] > 0 {
				step = min(step, (1-e.done)/rate[i])
			}
		}
	}
	var used [channels]float64
	for p := range t.ports {
		for i := range t.engines {
			if e := &t.engines[i]; len(e.queue) > 0 {
				used[p] += float64(e.queue[0].load[p] * rate[i])
			}
		}
		if over := used[p] - 1; over > 1e-9 {
			step = min(step, t.ports[p].credit/over)
		}
	}
	step = max(step, 0)
	t.now += step
	for p := range t.ports {
		q := &t.ports[p]
		q.credit = min(q.most, q.credit+float64(step*(1-used[p])))
		if q.credit < 1e-6 {
			q.credit = 0
		}
	}
	for i := range t.engines {
		e := &t.engines[i]
		if len(e.queue) == 0 {
			continue
		}
		if e.done += float64(step * rate[i]); e.done > 1-1e-9 {
			e.queue[0].op.End = t.now
			e.queue, e.done, e.begun = e.queue[1:], 0, false
		}
	}
}

// rates returns the share of its work that each engine does in a cycle. Where both ask
// for more than a port has, each gets half of it, or what it asks for when that is less.
func (t *timeline) rates(speed [channels]float64) [2]float64 {
	var rate [2]float64
	for i := range t.engines {
		e := &t.engines[i]
		if len(e.queue) == 0 {
			continue
		}
		c := e.queue[0]
		rate[i] = 1 / max(c.own(), 1e-3)
		for p, q := range c.load {
			if q > 0 {
				rate[i] = min(rate[i], speed[p]/q)
			}
		}
	}
	if len(t.engines[0].queue) == 0 || len(t.engines[1].queue) == 0 {
		return rate
	}
	k, d := t.engines[0].queue[0], t.engines[1].queue[0]
	for p, s := range speed {
		a, b := float64(k.load[p]*rate[0]), float64(d.load[p]*rate[1])
		switch {
		case a+b <= s || a == 0 || b == 0:
		case a <= s/2:
			rate[1] = min(rate[1], (s-a)/d.load[p])
		case b <= s/2:
			rate[0] = min(rate[0], (s-b)/k.load[p])
		default:
			rate[0], rate[1] = min(rate[0], s/2/k.load[p]), min(rate[1], s/2/d.load[p])
		}
	}
	return rate
}

// own returns the cycles that an operation takes however fast the memories are.
func (c *command) own() float64 { return c.op.NPU + c.op.Start }

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
	by[DMA] += t.now - at
	r.Total, r.NPU = int64(math.Round(t.now)), int64(npu)
	// Round so that the reasons add up to the total.
	sum, done := 0.0, int64(0)
	for i, c := range by {
		sum += c
		r.By[i] = int64(math.Round(sum)) - done
		done += r.By[i]
	}
	return r
}
