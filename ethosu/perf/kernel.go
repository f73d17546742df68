// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// Cost is the time of one block operation on its own.
type Cost struct {
	NPU    float64 // cycles inside the NPU while blocks are computed
	Drain  float64 // the part of NPU in which the last block only leaves the output stage
	Begin  float64 // cycles before them that nothing hides: the kernel's start
	Start  float64 // Begin, and the latency of its first reads and its last writes
	Cycles float64 // with the start and the slowest memory
	Reason Reason
	Where  string // the memory that bounds it; empty when the NPU does
	MACs   int64  // multiplications that the network asks for
	Access []Access
}

// Kernel returns the cost of a block operation.
func Kernel(a *ethosu.Accelerator, w *Work) Cost {
	var c Cost
	switch elementwise := w.Kind == block.Elementwise; {
	case elementwise && a.OwnMemories:
		c.NPU, c.Reason = elementwise85(a, w)
	case elementwise:
		c.NPU, c.Reason = ElementwiseCycles(a, w)
	case a.OwnMemories:
		c.NPU, c.Drain, c.Reason = mac85(a, w)
	default:
		c.NPU, c.Drain, c.Reason = MACCycles(a, w)
	}
	if w.Kind != block.Elementwise {
		c.MACs = int64(max(w.KH, 1)) * int64(max(w.KW, 1)) * int64(w.OFM.Elements())
		if w.Kind.SumsDepth() {
			c.MACs *= int64(w.IFM.D)
		}
	}
	// What does not depend on the kernel before is asked for ahead: weights, records, and
	// other inputs. Most kernels read what the one before wrote.
	c.Begin = w.start(a)
	c.Start = c.Begin + float64(w.IFMAt.ReadLatency+w.OFMAt.WriteLatency)
	busy := c.NPU
	c.Access = accesses(a, w)
	for i := range c.Access {
		m := &c.Access[i]
		if t := max(m.Cycles, m.slowest()); t > busy {
			busy, c.Where = t, m.Name
			c.Reason = AXI
			if m.weights*2 > m.Read+m.Write {
				c.Reason = Weights
			}
		}
	}
	c.Cycles = busy + c.Start
	return c
}

// Transfer returns the cost of moving bytes by DMA; a nil place is the SHRAM.
func Transfer(a *ethosu.Accelerator, bytes int, from, to *Place) Cost {
	c := Cost{Reason: DMA}
	add := func(m Access) {
		m.finish(a)
		c.Access = append(c.Access, m)
		c.Cycles = max(c.Cycles, m.Cycles, m.slowest())
	}
	if from != nil {
		m := Access{Place: *from}
		m.addRead(a, bytes, transactionOf(a), byDMA)
		c.Start = float64(m.ReadLatency)
		add(m)
	}
	if to != nil {
		m := Access{Place: *to}
		m.addWrite(a, bytes, transactionOf(a))
		add(m)
	}
	c.Cycles += c.Start
	return c
}

// Apart returns what a kernel asks for that reads nothing of the one before it.
func (c *Cost) Apart() Load {
	return Load{Own: c.NPU + c.Begin, Pace: paces(c.Access), Channel: loads(c.Access)}
}

// Load returns what a transfer asks for.
func (c *Cost) Load() Load {
	return Load{Own: c.NPU + c.Start, Pace: paces(c.Access), Channel: loads(c.Access)}
}
