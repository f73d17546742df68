// SPDX-License-Identifier: Apache-2.0

package device

// Byte offsets of the registers that do something here. All others of the map keep
// what is written to them, or read as 0.
const (
	regID         = 0x000
	regStatus     = 0x004
	regCmd        = 0x008
	regReset      = 0x00c
	regQBase      = 0x010
	regQBaseHi    = 0x014
	regQRead      = 0x018
	regQConfig    = 0x01c
	regQSize      = 0x020
	regProt       = 0x024
	regConfig     = 0x028
	regLock       = 0x02c
	regRegionCfg  = 0x03c
	regAXILimit0  = 0x040 // MEM_ATTR0 of the U85
	regAXILimit3  = 0x04c
	regBaseP      = 0x080
	regBasePEnd   = 0x0c0
	regClkForce   = 0x140
	regDebugAddr  = 0x144
	regDebugBlock = 0x150
	regPMCR       = 0x180
	regCntEnSet   = 0x184
	regCntEnClr   = 0x188
	regOvsSet     = 0x18c
	regOvsClr     = 0x190
	regIntSet     = 0x194
	regIntClr     = 0x198
	regCycles     = 0x1a0
	regCyclesHi   = 0x1a4
	regCyclesCfg  = 0x1a8
	regAXIChannel = 0x1ac
	regEvents     = 0x300
	regEventsEnd  = 0x310 // of four counters
	regTypes      = 0x380
	regTypesEnd   = 0x390 // likewise
	regWindow     = 0x400 // SHRAM at DEBUG_ADDRESS
	regWindowEnd  = 0x800
	regShadow     = 0x800 // the SET registers of the stream
	regShadowEnd  = 0xbd0
	regPID4       = 0xfd0
	regPID0       = 0xfe0
)

// Peripheral and component identification, from PID4 on; PID0 is the generation's.
var identification = [12]uint32{4, 0, 0, 0, 0, 0xb5, 0x0b, 0, 0x0d, 0xf0, 0x05, 0xb1}

// STATUS.
const (
	statusRunning = 1 << 0
	statusIRQ     = 1 << 1
	statusBus     = 1 << 2
	statusReset   = 1 << 3
	statusParse   = 1 << 4
	statusEnd     = 1 << 5
	statusPMU     = 1 << 6
	statusWeights = 1 << 7
	statusECC     = 1 << 8
	// statusErrors are the bits that only a reset clears.
	statusErrors = statusBus | statusParse | statusWeights | statusECC

	statusM1     = 1 << 11 // faulting_interface
	channelShift = 12
	historyShift = 16
)

// CMD.
const (
	cmdRun      = 1 << 0
	cmdClearIRQ = 1 << 1
	cmdLevels   = 0xc // clock and power may go off: levels, all else are actions
	cmdAtReset  = 0xc
)

// PMCR and the counter masks.
const (
	pmcrEnable      = 1 << 0
	pmcrEventReset  = 1 << 1
	pmcrCycleReset  = 1 << 2
	pmcrMask        = 1 << 3     // NPU_OP_PMU_MASK decides what is counted
	pmcrCounters    = 0x1f << 11 // num_event_cnt, read only
	counterCycle    = 1 << 31
	cycleCounterMax = 1<<48 - 1
)

// PMU events that the cycle model feeds.
const (
	eventCycle    = 17
	eventIdle     = 32
	eventActive   = 35
	eventMAC      = 48
	eventOutput   = 64
	eventWeights  = 80
	eventRead0    = 130 // beats received on port 0
	eventWritten0 = 135
	eventPort1    = 256 // added for port 1
)

// writable says which registers of the U55 and U65 simply keep their value.
func writable(off uint32) bool {
	switch {
	case off == regLock, off == regRegionCfg, off == regQConfig, off == regCyclesCfg, off == regAXIChannel,
		off >= regAXILimit0 && off <= regAXILimit3,
		off >= regBaseP && off < regBasePEnd,
		off >= regClkForce && off <= regDebugBlock,
		off >= regEvents && off < regEventsEnd,
		off >= regTypes && off < regTypesEnd:
		return true
	}
	return false
}
