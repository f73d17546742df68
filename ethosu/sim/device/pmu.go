// SPDX-License-Identifier: Apache-2.0

package device

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// counts is what the cycle model says of a stream.
type counts struct {
	cycles uint64
	events map[uint32]uint64
	masked bool // the stream holds NPU_OP_PMU_MASK and never switches counting on
}

// countsOf estimates a stream, once for each way that its regions were attached.
func (d *Device) countsOf(p *prepared) *counts {
	outside := uint32(0) // regions in the memory outside, a bit each
	for region := range 8 {
		if d.external(d.regs[regRegionCfg] >> (2 * region)) {
			outside |= 1 << region
		}
	}
	c := p.counts[outside]
	if c == nil {
		c = d.estimate(p.commands, outside)
		if p.counts == nil {
			p.counts = map[uint32]*counts{}
		}
		p.counts[outside] = c
	}
	return c
}

// estimate asks the cycle model, with every region behind the AXI port that it is attached
// to. Where the model has no answer the counters stay 0.
func (d *Device) estimate(commands []uint32, outside uint32) *counts {
	c := &counts{events: map[uint32]uint64{}}
	sys := ethosu.DefaultSystemConfig(d.accel)
	if d.opts.System != nil {
		sys = *d.opts.System
	}
	places := func(region int) perf.Place {
		port := int(outside >> region & 1)
		return perf.Place{Memory: sys.Port(port), Port: port}
	}
	report, err := perf.Stream(d.accel, places, commands)
	if err != nil {
		return c
	}
	c.cycles = uint64(max(report.Total, 0))
	c.events[eventCycle], c.events[eventActive], c.events[eventIdle] = c.cycles, c.cycles, 0
	c.events[eventMAC] = uint64(max(report.MACs, 0)) / uint64(d.accel.MACs)
	for _, op := range report.Ops {
		if !op.DMA {
			c.events[eventOutput] += uint64(max(op.NPU, 0))
		}
	}
	c.events[eventWeights] = uint64(max(report.ByName()["weights"], 0))
	for i, m := range report.Memory {
		beat := float64(d.accel.AXIBytes)
		port := uint32(min(i, 1) * eventPort1)
		c.events[eventRead0+port] += uint64(m.Read / beat)
		c.events[eventWritten0+port] += uint64(m.Write / beat)
	}
	c.masked = maskedOut(d.accel.Product, commands)
	return c
}

// maskedOut reports whether a stream that may mask counting keeps it off.
func maskedOut(p isa.Product, commands []uint32) bool {
	on := false
	_ = p.Walk(commands, func(op *isa.Operation) error {
		on = on || op.Op == isa.OpPMUMask && isa.GetPMUMask(isa.Command{Code: op.Op, Param: op.Param})
		return nil
	})
	return !on
}

// count adds a run to the enabled counters; one that overflows says so.
func (d *Device) count(c *counts) {
	if d.pmcr&pmcrEnable == 0 || d.pmcr&pmcrMask != 0 && c.masked {
		return
	}
	if d.counters&counterCycle != 0 {
		d.cycles += c.cycles
		if d.cycles > cycleCounterMax {
			d.cycles &= cycleCounterMax
			d.overflow |= counterCycle
		}
	}
	for i := range d.counterCount() {
		if d.counters>>i&1 == 0 {
			continue
		}
		n := c.events[d.regs[regTypes+4*i]&0x3ff]
		sum := uint64(d.regs[regEvents+4*i]) + n
		d.regs[regEvents+4*i] = uint32(sum)
		if sum>>32 != 0 {
			d.overflow |= 1 << i
		}
	}
	if d.overflow&d.intr != 0 {
		d.status |= statusPMU
		d.irq = true
	}
}
