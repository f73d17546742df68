// SPDX-License-Identifier: Apache-2.0

package device

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim"
)

// Memory is what the NPU reaches over its AXI ports. An error is a bus abort.
type Memory interface {
	ReadAt(addr uint64, p []byte) error
	WriteAt(addr uint64, p []byte) error
}

// Device is one NPU. It is used by one goroutine at a time.
type Device struct {
	accel  *ethosu.Accelerator
	memory Memory
	regs   map[uint32]uint32 // those that keep what is written

	opts     Options
	polls    int    // reads of STATUS until what is under way shows its end
	hidden   uint32 // STATUS bits that appear then
	level    uint32 // PROT
	status   uint32 // without the interrupt bit
	irq      bool
	history  uint32 // irq_history_mask
	levels   uint32 // of CMD
	cmd      uint32 // last written
	qread    uint32
	counters uint32 // enabled ones
	overflow uint32
	intr     uint32
	pmcr     uint32
	cycles   uint64

	shadow isa.State // SET registers as the last stream left them
	shram  []byte

	prepared []*prepared // most recently used last
	fault    error
	runs     int
}

// New returns a healthy NPU after reset: secure and privileged.
func New(accel *ethosu.Accelerator, memory Memory) *Device {
	return NewWith(accel, memory, Options{})
}

// NewWith is New with a choice of misbehaviour.
func NewWith(accel *ethosu.Accelerator, memory Memory, opts Options) *Device {
	d := &Device{accel: accel, memory: memory, opts: opts, shram: make([]byte, sim.InsideBytes(accel))}
	d.reset(1)
	d.status = 0
	if opts.ColdStart {
		d.status = statusReset
		d.polls = -1
	}
	return d
}

// IRQ is the level of the interrupt line.
func (d *Device) IRQ() bool { return d.irq }

// Fault returns why the first run failed that did: a *sim.Fault with the word of the
// stream, or an error of the memory. A reset does not clear it.
func (d *Device) Fault() error { return d.fault }

// Runs counts the streams that were started.
func (d *Device) Runs() int { return d.runs }

func (d *Device) reset(level uint32) {
	d.regs = map[uint32]uint32{}
	d.level = level & 3
	if d.opts.NonSecure {
		d.level |= 2
	}
	d.status, d.irq, d.history, d.qread = 0, false, 0, 0
	d.hidden, d.polls = 0, d.opts.ResetPolls
	if d.polls > 0 || d.opts.StuckInReset {
		d.status = statusReset
	}
	if d.opts.StuckInReset {
		d.polls = -1
	}
	d.shadow = isa.State{}
	d.levels, d.cmd = cmdAtReset, cmdAtReset
	d.counters, d.overflow, d.intr, d.pmcr, d.cycles = 0, 0, 0, 0, 0
}

// ReadReg returns the register at a byte offset; 0 for one that does not exist.
// During a reset every register but STATUS reads 0.
func (d *Device) ReadReg(off uint32) uint32 {
	off = d.place(off)
	if off == regStatus {
		return d.readStatus()
	}
	if d.status&statusReset != 0 {
		return 0
	}
	switch off {
	case regID:
		if d.opts.ID != 0 {
			return d.opts.ID
		}
		return d.accel.ID
	case regCmd:
		return d.cmd
	case regQRead:
		return d.qread
	case regProt:
		return d.level
	case regConfig:
		if d.opts.Config != 0 {
			return d.opts.Config
		}
		return d.accel.ConfigWord
	case regPMCR:
		return d.pmcr&^pmcrCounters | d.counterCount()<<11
	case regCntEnSet, regCntEnClr:
		return d.counters
	case regOvsSet, regOvsClr:
		return d.overflow
	case regIntSet, regIntClr:
		return d.intr
	case regCycles:
		return uint32(d.cycles)
	case regCyclesHi:
		return uint32(d.cycles >> 32)
	}
	if off%4 != 0 || off == nowhere {
		return 0
	}
	if off >= regWindow && off < regWindowEnd {
		return d.window(off - regWindow)
	}
	if off >= regShadow && off < regShadowEnd {
		return d.shadowReg(off)
	}
	if off >= regPID4 {
		if off == regPID0 {
			return d.accel.PeripheralID
		}
		return identification[(off-regPID4)/4]
	}
	return d.regs[off]
}

// WriteReg writes the register at a byte offset. Setting bit 0 of CMD runs the
// stream to its end before it returns. During a reset only RESET itself has an
// effect.
func (d *Device) WriteReg(off, v uint32) {
	off = d.place(off)
	if off == regReset {
		d.reset(v)
		return
	}
	if d.status&statusReset != 0 || off%4 != 0 {
		return
	}
	switch off {
	case regCmd:
		d.command(v)
	case regQBase, regQBaseHi, regQSize:
		d.regs[off] = v
		if d.status&statusRunning == 0 {
			d.status &^= statusEnd
		}
	case regPMCR:
		d.pmcr = v &^ (pmcrEventReset | pmcrCycleReset)
		if v&pmcrCycleReset != 0 {
			d.cycles = 0
		}
		if v&pmcrEventReset != 0 {
			for e := uint32(regEvents); e < regEvents+4*d.counterCount(); e += 4 {
				delete(d.regs, e)
			}
		}
	case regCntEnSet:
		d.counters |= v & d.counterMask()
	case regCntEnClr:
		d.counters &^= v
	case regOvsSet:
		d.overflow |= v & d.counterMask()
	case regOvsClr:
		d.overflow &^= v
	case regIntSet:
		d.intr |= v & d.counterMask()
	case regIntClr:
		d.intr &^= v
	case regCycles:
		d.cycles = d.cycles&^0xffffffff | uint64(v)
	case regCyclesHi:
		d.cycles = d.cycles&0xffffffff | uint64(v&0xffff)<<32
	default:
		if d.keeps(off) {
			d.regs[off] = v
		}
	}
}

// readStatus counts polls down and shows what they were waiting for.
func (d *Device) readStatus() uint32 {
	s := d.status | d.history<<historyShift
	if d.irq {
		s |= statusIRQ
	}
	if d.polls > 0 && d.status&(statusReset|statusRunning) != 0 {
		if d.polls--; d.polls == 0 {
			d.settle()
		}
	}
	return s
}

// settle ends the reset or the run that is under way.
func (d *Device) settle() {
	if d.status&statusRunning != 0 {
		d.status |= d.hidden
		d.irq = true
	}
	d.status &^= statusReset | statusRunning
	d.hidden = 0
}

// shadowReg reads a SET register of the stream as it stands.
func (d *Device) shadowReg(off uint32) uint32 {
	for i := range isa.Table {
		r := &isa.Table[i]
		if !r.Has(d.accel.Product) {
			continue
		}
		switch uint32(r.MMIO) {
		case 0:
		case off:
			if r.Code.HasPayload() {
				return d.shadow.Payload(r.Code)
			}
			return uint32(d.shadow.Param(r.Code))
		case off - 4:
			if r.Code.HasPayload() {
				return uint32(d.shadow.Param(r.Code))
			}
		}
	}
	return 0
}

// window reads the NPU's own memory at DEBUG_ADDRESS, which only works while the device is
// stopped.
func (d *Device) window(off uint32) uint32 {
	memory, at := d.windowBytes()
	at += uint64(off)
	if d.status&statusRunning != 0 || at+4 > uint64(len(memory)) {
		return 0
	}
	return binary.LittleEndian.Uint32(memory[at:])
}

func (d *Device) command(v uint32) {
	d.cmd, d.levels = v, v&cmdLevels
	d.history &^= v >> historyShift
	if v&cmdClearIRQ != 0 {
		d.irq = false
		d.status &^= statusPMU
	}
	if v&cmdRun != 0 && d.status&(statusRunning|d.errorsOf()) == 0 {
		d.start()
	}
	if d.opts.LosePower && v&cmdLevels == cmdLevels && d.status&statusRunning == 0 && !d.irq {
		d.reset(d.level)
		d.status, d.polls = statusReset, -1
	}
}

// start runs the stream; an error bit that is still set holds the device, as only a
// reset clears it.
func (d *Device) start() {
	if d.opts.NeverAnswers {
		d.status = d.status&^statusEnd | statusRunning
		d.polls = -1
		return
	}
	d.run()
	if d.opts.RunPolls > 0 {
		d.hidden = d.status & (statusEnd | d.errorsOf() | statusM1 | 0xf<<channelShift)
		d.status = d.status&^d.hidden | statusRunning
		d.irq, d.polls = false, d.opts.RunPolls
	}
}

// wide is a 64-bit address from two registers. Hardware has 32 or 40 bits of it; here
// all count, because the memory may be that of a program on a 64-bit host.
func (d *Device) wide(off uint32) uint64 {
	return uint64(d.regs[off]) | uint64(d.regs[off+4])<<32
}
