package device

import (
	"github.com/unroll-npu/unroll/ethosu"
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

	prepared []*prepared // most recently used last
	fault    error
	runs     int
}

// New returns an NPU after reset: secure and privileged.
func New(accel *ethosu.Accelerator, memory Memory) *Device {
	d := &Device{accel: accel, memory: memory}
	d.reset(1)
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
	d.status, d.irq, d.history, d.qread = 0, false, 0, 0
	d.levels, d.cmd = cmdAtReset, cmdAtReset
	d.counters, d.overflow, d.intr, d.pmcr, d.cycles = 0, 0, 0, 0, 0
}

// ReadReg returns the register at a byte offset; 0 for one that does not exist.
func (d *Device) ReadReg(off uint32) uint32 {
	switch off {
	case regID:
		if d.accel.U65 {
			return idU65
		}
		return idU55
	case regStatus:
		s := d.status | d.history<<historyShift
		if d.irq {
			s |= statusIRQ
		}
		return s
	case regCmd:
		return d.cmd
	case regQRead:
		return d.qread
	case regProt:
		return d.level
	case regConfig:
		return d.accel.ConfigWord
	case regPMCR:
		return d.pmcr&^pmcrCounters | pmcrCounters
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
	if off >= regPID4 && off%4 == 0 && off < 0x1000 {
		v := identification[(off-regPID4)/4]
		if v == 0x80 && d.accel.U65 {
			v = 0x81
		}
		return v
	}
	return d.regs[off]
}

// WriteReg writes the register at a byte offset. Setting bit 0 of CMD runs the
// stream to its end before it returns.
func (d *Device) WriteReg(off, v uint32) {
	switch off {
	case regReset:
		d.reset(v)
	case regCmd:
		d.command(v)
	case regQBase, regQBaseHi, regQSize:
		d.regs[off] = v
		d.status &^= statusEnd
	case regPMCR:
		d.pmcr = v &^ (pmcrEventReset | pmcrCycleReset)
		if v&pmcrCycleReset != 0 {
			d.cycles = 0
		}
		if v&pmcrEventReset != 0 {
			for e := uint32(regEvents); e < regEventsEnd; e += 4 {
				delete(d.regs, e)
			}
		}
	case regCntEnSet:
		d.counters |= v & counterMask
	case regCntEnClr:
		d.counters &^= v
	case regOvsSet:
		d.overflow |= v & counterMask
	case regOvsClr:
		d.overflow &^= v
	case regIntSet:
		d.intr |= v & counterMask
	case regIntClr:
		d.intr &^= v
	case regCycles:
		d.cycles = d.cycles&^0xffffffff | uint64(v)
	case regCyclesHi:
		d.cycles = d.cycles&0xffffffff | uint64(v&0xffff)<<32
	default:
		if writable(off) {
			d.regs[off] = v
		}
	}
}

func (d *Device) command(v uint32) {
	d.cmd, d.levels = v, v&cmdLevels
	d.history &^= v >> historyShift
	if v&cmdClearIRQ != 0 {
		d.irq = false
	}
	if v&cmdRun != 0 {
		d.run()
	}
}

// wide is a 64-bit address from two registers, as far as the product has bits.
func (d *Device) wide(off uint32) uint64 {
	return uint64(d.regs[off]) | uint64(d.regs[off+4])<<32
}
