// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Generation is what one generation of the NPU fixes for all its configurations. It is
// the one home of these facts: compiler, verifier, simulator and cycle model all ask
// here.
type Generation struct {
	Name    string // as people write it
	Product isa.Product

	// DefaultSystem is the system configuration for a model that names none.
	DefaultSystem string

	AXIBytes    int // data width of one port in bytes: public register interface
	AddressBits int // of a command stream's addresses: public register interface

	// Port1Writes says that AXI port 1 can write. That of the U55 only reads: its
	// technical overview.
	Port1Writes bool

	// ParallelMode says that streams set PARALLEL_MODE, which tells how many cores
	// share an operation and read weights of their own: public register interface.
	ParallelMode bool

	// OwnMemories says that input blocks, accumulators, chains, outputs and tables have a
	// memory each, which the hardware lays out: there is no SHRAM. Accelerator.U85 has
	// their sizes.
	OwnMemories bool

	// MaxDMA and MaxKernels are how many transfers and block operations may be under
	// way; a further one waits for the oldest. Source: what the Vela compiler assumes
	// when it leaves waits out.
	MaxDMA, MaxKernels int

	// DMAAlign is what addresses and lengths of transfers between memories are
	// multiples of: public register interface.
	DMAAlign int

	// ID and PeripheralID are what the registers ID and PID0 show: public driver and
	// register interface.
	ID, PeripheralID uint32
}

// ProductName is the generation as tools spell it, such as ethos-u55: what the names of its
// accelerators begin with.
func (g *Generation) ProductName() string { return strings.ToLower(g.Name) }

// DMAUnderWay returns how many earlier transfers may still be under way when another
// one starts. Nothing public says that transfers under way together take effect in
// order, and the Vela compiler waits as if they did not: where two of them touch the
// same bytes and one writes, the stream must wait. Waits count transfers in the order of
// issue: NPU_OP_DMA_WAIT k means that all but the newest k are done.
func (g *Generation) DMAUnderWay() int { return g.MaxDMA - 1 }

// Generations of the NPU.
var (
	U55 = &Generation{Name: "Ethos-U55", Product: isa.U55, DefaultSystem: "Ethos_U55_High_End_Embedded",
		AXIBytes: 8, AddressBits: 32, MaxDMA: 1, MaxKernels: 2, DMAAlign: 16, ID: 0x10104201, PeripheralID: 0x80}
	U65 = &Generation{Name: "Ethos-U65", Product: isa.U65, DefaultSystem: "Ethos_U65_High_End",
		AXIBytes: 16, AddressBits: 40, Port1Writes: true, ParallelMode: true, MaxDMA: 2, MaxKernels: 2, DMAAlign: 1,
		ID: 0x10066001, PeripheralID: 0x81}
	U85 = &Generation{Name: "Ethos-U85", Product: isa.U85, DefaultSystem: "Ethos_U85_SYS_DRAM_Low",
		AXIBytes: 16, AddressBits: 40, Port1Writes: true, OwnMemories: true, MaxDMA: 4, MaxKernels: 2, DMAAlign: 1,
		ID: 0x20007001, PeripheralID: 0x82}
)

// Of returns the accelerators of the given generations, smallest first.
func Of(generations ...*Generation) []*Accelerator {
	var list []*Accelerator
	for i := range Accelerators {
		if slices.Contains(generations, Accelerators[i].Generation) {
			list = append(list, &Accelerators[i])
		}
	}
	return list
}
