// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"fmt"
	"strings"
)

// Accelerator describes one NPU configuration: everything that differs between them is
// in its row, what all of a generation share in the Generation. Source of the numbers:
// the public register interface, the scheduling facts of the Ethos-U55 and U65, and for
// the cycles the tables of the Vela compiler's estimator.
type Accelerator struct {
	Name string
	*Generation
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

	ConfigWord uint32 // CONFIG register as hardware shows it

	Output OutputCycles
	Delay  AccumulatorDelay
	Pool16 int // cycles of pooling 16-bit inputs, as a multiple of those of 8 bits

	// U85 is the row of an Ethos-U85, which has nothing from UBlockH on but ConfigWord.
	U85 RowU85
}

// OutputCycles are the cycles per output element that the output stage takes, all cores
// together, by what it computes, and those of its activation.
type OutputCycles struct {
	Two32   float64 // elementwise, two operands of 32 bits
	One32   float64 // elementwise, one operand of 32 bits
	Mul32   float64 // MUL with a 32-bit result
	Mul     float64 // any other MUL, and everything with 40-bit accumulators
	AddSub  float64 // ADD and SUB
	MaxPool float64
	Other   float64

	Clip  float64 // a clamp tighter than the type
	Table float64 // a lookup table, tanh and sigmoid
}

// AccumulatorDelay are the cycles that a micro-block waits for the accumulators of the
// one before it, where nothing lies between them.
type AccumulatorDelay struct {
	Acc32, Acc40 int
	Depth40      int // more of them for every step in depth of a block one micro-block high or wide, with 40 bits
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
	{Name: "ethos-u55-32", Generation: U55, MACs: 32, Cores: 1, UBlockH: 1, UBlockW: 1, UBlockD: 4,
		SHRAMBanks: 16, ReservedEndBanks: 0, LUTBanks: 2, ElementwiseUnits: 1, ConfigWord: 0x00001005,
		GranuleIFM8: 2, GranuleIFM16: 2, GranuleIFM8Elem: 2, GranuleIFM16Elem: 2, GranuleIFM32: 4, GranuleAcc16: 4, GranuleAcc32: 4, GranuleAcc40: 4,
		Output: OutputCycles{Two32: 2, One32: 3, Mul32: 3, Mul: 3, AddSub: 6, MaxPool: 1, Other: 2, Clip: 1, Table: 1},
		Delay:  AccumulatorDelay{Acc32: 3, Acc40: 7, Depth40: 7}, Pool16: 1},
	{Name: "ethos-u55-64", Generation: U55, MACs: 64, Cores: 1, UBlockH: 1, UBlockW: 1, UBlockD: 8,
		SHRAMBanks: 16, ReservedEndBanks: 0, LUTBanks: 2, ElementwiseUnits: 2, ConfigWord: 0x00001006,
		GranuleIFM8: 2, GranuleIFM16: 2, GranuleIFM8Elem: 2, GranuleIFM16Elem: 2, GranuleIFM32: 4, GranuleAcc16: 4, GranuleAcc32: 4, GranuleAcc40: 8,
		Output: OutputCycles{Two32: 1, One32: 1.5, Mul32: 1.5, Mul: 1.5, AddSub: 3, MaxPool: 0.5, Other: 1, Clip: 1, Table: 1},
		Delay:  AccumulatorDelay{Acc32: 2, Acc40: 3, Depth40: 0}, Pool16: 2},
	{Name: "ethos-u55-128", Generation: U55, MACs: 128, Cores: 1, UBlockH: 1, UBlockW: 2, UBlockD: 8,
		SHRAMBanks: 24, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 4, ConfigWord: 0x00001807,
		GranuleIFM8: 4, GranuleIFM16: 4, GranuleIFM8Elem: 4, GranuleIFM16Elem: 4, GranuleIFM32: 8, GranuleAcc16: 4, GranuleAcc32: 8, GranuleAcc40: 12,
		Output: OutputCycles{Two32: 0.75, One32: 1.25, Mul32: 0.75, Mul: 0.75, AddSub: 1.5, MaxPool: 0.25, Other: 0.5, Clip: 0.5, Table: 1},
		Delay:  AccumulatorDelay{Acc32: 2, Acc40: 3, Depth40: 0}, Pool16: 2},
	{Name: "ethos-u55-256", Generation: U55, MACs: 256, Cores: 1, UBlockH: 2, UBlockW: 2, UBlockD: 8,
		SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8, ConfigWord: 0x00003008,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		Output: OutputCycles{Two32: 0.625, One32: 1.125, Mul32: 0.5, Mul: 0.375, AddSub: 0.75, MaxPool: 0.125, Other: 0.25, Clip: 0.25, Table: 1},
		Delay:  AccumulatorDelay{Acc32: 2, Acc40: 2, Depth40: 0}, Pool16: 2},
	{Name: "ethos-u65-256", Generation: U65, MACs: 256, Cores: 1, UBlockH: 2, UBlockW: 2, UBlockD: 8,
		SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8, ConfigWord: 0x10003008,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		Output: OutputCycles{Two32: 0.625, One32: 1.125, Mul32: 0.5, Mul: 0.375, AddSub: 0.75, MaxPool: 0.125, Other: 0.25, Clip: 0.25, Table: 1},
		Delay:  AccumulatorDelay{Acc32: 2, Acc40: 2, Depth40: 0}, Pool16: 2},
	{Name: "ethos-u65-512", Generation: U65, MACs: 512, Cores: 2, UBlockH: 2, UBlockW: 2, UBlockD: 8,
		SHRAMBanks: 48, ReservedEndBanks: 2, LUTBanks: 2, ElementwiseUnits: 8, ConfigWord: 0x10006009,
		GranuleIFM8: 8, GranuleIFM16: 8, GranuleIFM8Elem: 8, GranuleIFM16Elem: 8, GranuleIFM32: 16, GranuleAcc16: 8, GranuleAcc32: 16, GranuleAcc40: 20,
		Output: OutputCycles{Two32: 0.3125, One32: 0.5625, Mul32: 0.25, Mul: 0.1875, AddSub: 0.375, MaxPool: 0.0625, Other: 0.125, Clip: 0.125, Table: 0.5},
		Delay:  AccumulatorDelay{Acc32: 2, Acc40: 2, Depth40: 0}, Pool16: 2},
	u85(128, 1, 0x20000117, rowU85_128),
	u85(256, 1, 0x20000118, rowU85_256),
	u85(512, 2, 0x20001119, rowU85_512),
	u85(1024, 4, 0x2000251A, rowU85_1024),
	u85(2048, 4, 0x2000261B, rowU85_2048),
}

// AcceleratorNames returns the names of all configurations, smallest first.
func AcceleratorNames() []string {
	var names []string
	for i := range Accelerators {
		names = append(names, Accelerators[i].Name)
	}
	return names
}

// Check reports a row that is not complete: no configuration may compute with numbers
// that it does not have.
func (a *Accelerator) Check() error {
	if a == nil || a.Generation == nil {
		return fmt.Errorf("an accelerator without a generation: expected one of %s", strings.Join(AcceleratorNames(), ", "))
	}
	g := a.Generation
	numbers := []float64{float64(a.MACs), float64(a.Cores), float64(a.ConfigWord),
		float64(g.AXIBytes), float64(g.AddressBits), float64(g.MaxDMA), float64(g.MaxKernels), float64(g.DMAAlign)}
	if g.OwnMemories {
		numbers = append(numbers, a.U85.numbers()...)
	} else {
		numbers = append(numbers, a.numbers()...)
	}
	for _, n := range numbers {
		if n <= 0 {
			return fmt.Errorf("accelerator %q has no complete row: a number that every configuration has is %g; expected one of %s", a.Name, n, strings.Join(AcceleratorNames(), ", "))
		}
	}
	return nil
}

// numbers are those that every configuration of the U55 and U65 has.
func (a *Accelerator) numbers() []float64 {
	o := &a.Output
	return []float64{float64(a.UBlockH), float64(a.UBlockW), float64(a.UBlockD),
		float64(a.SHRAMBanks), float64(a.LUTBanks), float64(a.ElementwiseUnits), float64(a.Pool16),
		float64(a.GranuleIFM8), float64(a.GranuleIFM16), float64(a.GranuleIFM8Elem), float64(a.GranuleIFM16Elem), float64(a.GranuleIFM32),
		float64(a.GranuleAcc16), float64(a.GranuleAcc32), float64(a.GranuleAcc40), float64(a.Delay.Acc32), float64(a.Delay.Acc40),
		o.Two32, o.One32, o.Mul32, o.Mul, o.AddSub, o.MaxPool, o.Other, o.Clip, o.Table}
}

// ParseAccelerator returns the configuration with the given name.
func ParseAccelerator(name string) (*Accelerator, error) {
	for i := range Accelerators {
		if Accelerators[i].Name == name {
			return &Accelerators[i], nil
		}
	}
	return nil, fmt.Errorf("unknown accelerator %q: expected one of %s", name, strings.Join(AcceleratorNames(), ", "))
}

// AcceleratorOf returns the configuration whose CONFIG register is given.
func AcceleratorOf(config uint32) (*Accelerator, error) {
	for i := range Accelerators {
		if Accelerators[i].ConfigWord == config {
			return &Accelerators[i], nil
		}
	}
	return nil, fmt.Errorf("compiled for an NPU with CONFIG 0x%08X: expected that of one of %s", config, strings.Join(AcceleratorNames(), ", "))
}
