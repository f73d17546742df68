// SPDX-License-Identifier: Apache-2.0

package device

import "github.com/unroll-npu/unroll/ethosu/isa"

// What the register map of the U85 has in other places, or other bits in the same.
const (
	// pmuOffset is how far behind its place on the U55 the PMU lies.
	pmuOffset = 0x1000
	// regMemAttr0 to 3 say for each index of REGIONCFG and QCONFIG which port it is.
	regMemAttr0     = 0x040
	regAXISRAM      = 0x050 // limits of the ports to the memory on the chip
	regAXIEXT       = 0x054
	regHash         = 0x068 // address hashes, three of 64 bits
	regHashEnd      = 0x080
	regPowerCtrl    = 0x038
	regFeature      = 0x154
	countersU85     = 8
	statusBranch    = 1 << 9
	memAttrExternal = 1 << 2
	windowTables    = 0 // memory that DEBUG_ADDRESS [31:28] names
)

// isU85 reports the generation whose register map differs.
func (d *Device) isU85() bool { return d.accel.Product == isa.U85 }

// nowhere is an offset at which no register is.
const nowhere = 0xffff

// place returns where the map of the U55 has the register at an offset: those of the
// U85's PMU lie a page further behind, and others are not there.
func (d *Device) place(off uint32) uint32 {
	if !d.isU85() {
		if off >= pmuOffset {
			return nowhere
		}
		return off
	}
	pmu := func(off uint32) bool { return off >= regPMCR && off < 0x1c0 || off >= regEvents && off < regWindow }
	switch {
	case off >= pmuOffset && pmu(off-pmuOffset):
		return off - pmuOffset
	case off >= pmuOffset, pmu(off), off == regLock:
		return nowhere
	}
	return off
}

// keeps says which registers simply keep their value.
func (d *Device) keeps(off uint32) bool {
	if !d.isU85() {
		return writable(off)
	}
	switch {
	case off == regPowerCtrl, off == regRegionCfg, off == regQConfig, off == regCyclesCfg, off == regAXIChannel,
		off >= regMemAttr0 && off <= regAXIEXT,
		off >= regHash && off < regHashEnd,
		off >= regBaseP && off < regBasePEnd,
		off >= regClkForce && off <= regDebugBlock, off == regFeature,
		off >= regEvents && off < regEvents+4*countersU85,
		off >= regTypes && off < regTypes+4*countersU85:
		return true
	}
	return false
}

// counterCount is the number of event counters.
func (d *Device) counterCount() uint32 {
	if d.isU85() {
		return countersU85
	}
	return 4
}

// counterMask are the bits of the counters that there are.
func (d *Device) counterMask() uint32 { return counterCycle | 1<<d.counterCount() - 1 }

// external reports whether accesses with a memory type, an index of two bits, go through
// the port to the memory outside: M1 of the U55 and U65, EXT of the U85.
func (d *Device) external(memoryType uint32) bool {
	if d.isU85() {
		return d.regs[regMemAttr0+4*(memoryType&3)]&memAttrExternal != 0
	}
	return memoryType&2 != 0
}

// errorsOf are the STATUS bits that only a reset clears.
func (d *Device) errorsOf() uint32 {
	if d.isU85() {
		return statusBus | statusParse | statusECC | statusBranch
	}
	return statusErrors
}

// known drops the bits of a fault that the STATUS of this generation does not have: the
// U85 does not notice damaged weights.
func (d *Device) known(status uint32) uint32 {
	if d.isU85() {
		return status &^ statusWeights
	}
	return status
}

// windowBytes is the memory that the window at DEBUG_ADDRESS shows, and its address there:
// of the U85 the LUT memory, the others are not modelled.
func (d *Device) windowBytes() ([]byte, uint64) {
	at := d.regs[regDebugAddr]
	if !d.isU85() {
		return d.shram, uint64(at &^ 1023)
	}
	if at>>28 != windowTables {
		return nil, 0
	}
	return d.shram, uint64(at & 0x0ffffc00)
}
