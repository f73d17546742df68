package ethosu

import (
	"fmt"
	"strings"
)

// Accelerator describes one NPU configuration. Source of every number: the public
// register interface and the scheduling facts of the Ethos-U55 and U65.
type Accelerator struct {
	Name  string
	U65   bool
	MACs  int // per cycle, all cores
	Cores int

	// OFM micro-block: the unit a core computes at a time, in elements.
	UBlockH, UBlockW, UBlockD int

	SHRAMBanks       int // of 1024 bytes, per core
	ReservedEndBanks int // always kept for lookup tables
	LUTBanks         int // taken at the end when an operation uses a table
	ElementwiseUnits int

	// Granules: bank counts are rounded up to these.
	GranuleIFM8, GranuleIFM16, GranuleIFM8Elem, GranuleIFM16Elem, GranuleIFM32 int
	GranuleAcc16, GranuleAcc32, GranuleAcc40                                   int

	AXIBytes    int // data width of one port in bytes
	AddressBits int
	MaxDMA      int    // outstanding transfers
	MaxKernels  int    // outstanding block operations
	ConfigWord  uint32 // CONFIG register as hardware shows it
}

// LUTBase returns the byte address of the lookup-table area in SHRAM.
func (a *Accelerator) LUTBase() int { return (a.SHRAMBanks - a.LUTBanks) * 1024 }

// TopBank returns the first bank that an operation may not use for buffers.
func (a *Accelerator) TopBank(lut bool) int {
	n := a.ReservedEndBanks
	if lut && a.LUTBanks > n {
		n = a.LUTBanks
	}
	return a.SHRAMBanks - n
}

// Accelerators lists every supported configuration, smallest first.
var Accelerators = []Accelerator{
	{Name: "ethos-u55-32", MACs: 32, Cores: 1, UBlockH: 1, UBlockW: 1, UBlockD: 4, SHRAMBanks: 16, LUTBanks: 2, ElementwiseUnits: 1,
		GranuleIFM8: 2, GranuleIFM16: 2, GranuleIFM8Elem: 2, GranuleIFM16Elem: 2, GranuleIFM32: 4, GranuleAcc16: 4, GranuleAcc32: 4, GranuleAcc40: 4,
		AXIBytes: 8, AddressBits: 32, MaxDMA: 1, MaxKernels: 2, ConfigWord: 0x00001005},
	{Name: "ethos-u55-64", MACs: 64, Cores: 1, UBlockH: 1, UBlockW: 1, UBlockD: 8, SHRAMBanks: 16, LUTBanks: 2, ElementwiseUnits: 2,
		GranuleIFM8: 2, GranuleIFM16: 2, GranuleIFM8Elem: 2, GranuleIFM16Elem: 2, GranuleIFM32: 4, GranuleAcc16: 4, GranuleAcc32: 4, GranuleAcc40: 8,
		AXIBytes: 8, AddressBits: 32, MaxDMA: 1, MaxKernels: 2, ConfigWord: 0x00001006},
	{Name: "ethos-u55-128", MACs: 128, Cores: 1, UBlockH: 1, UBlockW: 2, UBlockD: 8, SHRAMBanks: 24, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 4,
		GranuleIFM8: 4, GranuleIFM16: 4, GranuleIFM8Elem: 4, GranuleIFM16Elem: 4, GranuleIFM32: 8, GranuleAcc16: 4, GranuleAcc32: 8, GranuleAcc40: 12,
		AXIBytes: 8, AddressBits: 32, MaxDMA: 1, MaxKernels: 2, ConfigWord: 0x00001807},
	{Name: "ethos-u55-256", MACs: 256, Cores: 1, UBlockH: 2, UBlockW: 2, UBlockD: 8, SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		AXIBytes: 8, AddressBits: 32, MaxDMA: 1, MaxKernels: 2, ConfigWord: 0x00003008},
	{Name: "ethos-u65-256", U65: true, MACs: 256, Cores: 1, UBlockH: 2, UBlockW: 2, UBlockD: 8, SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		AXIBytes: 16, AddressBits: 40, MaxDMA: 2, MaxKernels: 2, ConfigWord: 0x10003008},
	{Name: "ethos-u65-512", U65: true, MACs: 512, Cores: 2, UBlockH: 2, UBlockW: 2, UBlockD: 8, SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		AXIBytes: 16, AddressBits: 40, MaxDMA: 2, MaxKernels: 2, ConfigWord: 0x10006009},
}

// ParseAccelerator returns the configuration with the given name.
func ParseAccelerator(name string) (*Accelerator, error) {
	var names []string
	for i := range Accelerators {
		if Accelerators[i].Name == name {
			return &Accelerators[i], nil
		}
		names = append(names, Accelerators[i].Name)
	}
	return nil, fmt.Errorf("unknown accelerator %q: expected one of %s", name, strings.Join(names, ", "))
}
