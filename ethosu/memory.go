// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"fmt"
	"strings"
)

// Names of memories, as system configurations and reports write them.
const (
	Sram         = "Sram"
	Dram         = "Dram"
	OnChipFlash  = "OnChipFlash"
	OffChipFlash = "OffChipFlash"
)

// Memory describes one memory as the NPU sees it.
type Memory struct {
	Name         string  // Sram, Dram, OnChipFlash, OffChipFlash
	ClockScale   float64 // fraction of the port's width per NPU cycle
	Burst        int     // bytes
	ReadLatency  int     // NPU cycles
	WriteLatency int

	// MaxReads and MaxWrites are how many transactions may be under way; 0: as many as
	// the NPU makes.
	MaxReads, MaxWrites int

	// Ports is the number of ports that the memory is spread over; 0 counts as 1.
	Ports int

	// Window is the number of cycles over which a memory keeps to its bandwidth: what it
	// has not delivered in one of them is left for the rest of it. 0: it does so at every
	// moment.
	Window int
}

// Bandwidth returns the bytes per NPU cycle that the memory delivers on one of
// the accelerator's ports.
func (m Memory) Bandwidth(a *Accelerator) float64 { return float64(a.AXIBytes) * m.ClockScale }

// SystemConfig names the memories behind the two AXI ports. Names and numbers are
// those of the Vela compiler's system configurations.
type SystemConfig struct {
	Name  string
	Clock float64 // Hz
	Axi0  Memory
	Axi1  Memory
}

// Port returns the memory behind AXI port 0 or 1.
func (s SystemConfig) Port(n int) Memory {
	if n == 0 {
		return s.Axi0
	}
	return s.Axi1
}

// MemoryMode says which port holds constants, the arena and the fast scratch.
type MemoryMode struct {
	Name                string
	Const, Arena, Cache int // port 0 or 1
	CacheSize           int // bytes; 0: no limit of its own
}

// Spills reports whether the fast scratch is a memory of its own, so that
// RegionFast is in use.
func (m MemoryMode) Spills() bool { return m.Cache != m.Arena }

// kindOf returns what memories of a kind have in common: transactions under way and the
// window of their bandwidth, as the timing adapters have them that Arm's ML evaluation
// kit sets for its high-end systems.
func kindOf(name string) Memory {
	switch name {
	case OffChipFlash:
		return Memory{Name: name, MaxReads: 2, Window: 400}
	case Dram:
		return Memory{Name: name, MaxReads: 24, MaxWrites: 12, Window: 5000}
	}
	return Memory{Name: name, MaxReads: 8, MaxWrites: 8}
}

// sram is the on-chip memory that every system configuration has on port 0.
func sram(transactions int) Memory {
	m := kindOf(Sram)
	m.ClockScale, m.Burst, m.ReadLatency, m.WriteLatency = 1, 32, 32, 32
	m.MaxReads, m.MaxWrites = transactions, transactions
	return m
}

func flash(scale float64) Memory {
	m := kindOf(OffChipFlash)
	m.ClockScale, m.Burst, m.ReadLatency, m.WriteLatency = scale, 128, 64, 64
	return m
}

func dram(scale float64, reads, writes int) Memory {
	m := kindOf(Dram)
	m.ClockScale, m.Burst, m.ReadLatency, m.WriteLatency = scale, 128, 500, 250
	m.MaxReads, m.MaxWrites = reads, writes
	return m
}

// sramU85 is the on-chip memory of a system with an Ethos-U85.
func sramU85(ports, latency int) Memory {
	m := spread(sram(8), ports)
	m.Burst, m.ReadLatency, m.WriteLatency = 64, latency, latency
	return m
}

// flashU85 is a flash that is only read.
func flashU85(latency int) Memory {
	m := flash(0.0625)
	m.ReadLatency, m.WriteLatency = latency, 0
	return m
}

// spread is a memory over several ports.
func spread(m Memory, ports int) Memory {
	m.Ports = ports
	return m
}

// SystemConfigs lists the known system configurations.
var SystemConfigs = []SystemConfig{
	{Name: "Ethos_U55_Deep_Embedded", Clock: 200e6, Axi0: sram(8), Axi1: flash(0.0625)},
	{Name: "Ethos_U55_High_End_Embedded", Clock: 500e6, Axi0: sram(8), Axi1: flash(0.125)},
	{Name: "Ethos_U65_Embedded", Clock: 500e6, Axi0: sram(16), Axi1: flash(0.0625)},
	{Name: "Ethos_U65_Mid_End", Clock: 500e6, Axi0: sram(16), Axi1: dram(0.46875, 24, 12)},
	{Name: "Ethos_U65_High_End", Clock: 1e9, Axi0: sram(16), Axi1: dram(0.234375, 24, 12)},
	{Name: "Ethos_U65_Client_Server", Clock: 1e9, Axi0: sram(16), Axi1: dram(0.75, 64, 32)},
	{Name: "Ethos_U85_SYS_Flash_Low", Clock: 200e6, Axi0: sramU85(2, 8), Axi1: flashU85(32)},
	{Name: "Ethos_U85_SYS_Flash_High", Clock: 500e6, Axi0: sramU85(2, 32), Axi1: flashU85(64)},
	{Name: "Ethos_U85_SYS_DRAM_Low", Clock: 500e6, Axi0: sramU85(2, 16), Axi1: dram(0.46875, 24, 12)},
	{Name: "Ethos_U85_SYS_DRAM_Mid", Clock: 1e9, Axi0: sramU85(2, 32), Axi1: dram(0.75, 64, 32)},
	{Name: "Ethos_U85_SYS_DRAM_High", Clock: 1e9, Axi0: sramU85(4, 32), Axi1: spread(dram(0.75, 64, 32), 2)},
}

// MemoryModes lists the known memory modes.
var MemoryModes = []MemoryMode{
	{Name: "Sram_Only", Const: 0, Arena: 0, Cache: 0},
	{Name: "Shared_Sram", Const: 1, Arena: 0, Cache: 0},
	{Name: "Dedicated_Sram", Const: 1, Arena: 1, Cache: 0, CacheSize: 393216},
	{Name: "Dedicated_Sram_512KB", Const: 1, Arena: 1, Cache: 0, CacheSize: 524288},
}

// ParseSystemConfig returns the system configuration with the given name.
func ParseSystemConfig(name string) (SystemConfig, error) {
	return pick("system configuration", name, SystemConfigs, func(s SystemConfig) string { return s.Name })
}

// ParseMemoryMode returns the memory mode with the given name.
func ParseMemoryMode(name string) (MemoryMode, error) {
	return pick("memory mode", name, MemoryModes, func(m MemoryMode) string { return m.Name })
}

func pick[T any](what, name string, list []T, nameOf func(T) string) (T, error) {
	var names []string
	for _, v := range list {
		if nameOf(v) == name {
			return v, nil
		}
		names = append(names, nameOf(v))
	}
	var zero T
	return zero, fmt.Errorf("unknown %s %q: expected one of %s", what, name, strings.Join(names, ", "))
}

// DefaultSystemConfig returns the system configuration that is used when none is
// named: the faster of the two common ones of the accelerator's family.
func DefaultSystemConfig(a *Accelerator) SystemConfig {
	s, err := ParseSystemConfig(a.DefaultSystem)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return s
}

// DefaultMemoryMode returns the memory mode that is used when none is named.
func DefaultMemoryMode() MemoryMode {
	m, err := ParseMemoryMode("Shared_Sram")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return m
}

// ConstMemory returns the memory that holds RegionConstants. When constants share
// the arena's SRAM port they lie in an on-chip flash as fast as that SRAM.
func ConstMemory(s SystemConfig, m MemoryMode) Memory {
	mem := s.Port(m.Const)
	if mem.Name == Sram {
		mem.Name = OnChipFlash
	}
	return mem
}

// ArenaMemory returns the memory that holds RegionArena.
func ArenaMemory(s SystemConfig, m MemoryMode) Memory { return s.Port(m.Arena) }

// CacheMemory returns the memory that holds RegionFast.
func CacheMemory(s SystemConfig, m MemoryMode) Memory { return s.Port(m.Cache) }

// RegionMemory returns the memory behind a region of a compiled program and its
// AXI port.
func RegionMemory(s SystemConfig, m MemoryMode, region int) (mem Memory, port int) {
	switch region {
	case RegionConstants:
		return ConstMemory(s, m), m.Const
	case RegionFast:
		return CacheMemory(s, m), m.Cache
	default:
		return ArenaMemory(s, m), m.Arena
	}
}

// ports returns how many AXI ports reach a memory.
func (a *Accelerator) ports(memory string) int {
	switch {
	case !a.OwnMemories:
		return 1
	case memory == Sram:
		return a.U85.SRAMPorts
	}
	return a.U85.EXTPorts
}

func portsTo(n int) string {
	if n == 1 {
		return "one to each memory"
	}
	return fmt.Sprintf("%d", n)
}

// CheckMemory reports why a memory mode is not usable with a system configuration
// on an accelerator, or nil.
func CheckMemory(a *Accelerator, s SystemConfig, m MemoryMode) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("memory mode %s does not fit system configuration %s on %s: %s", m.Name, s.Name, a.Name, fmt.Sprintf(format, args...))
	}
	for _, n := range []int{m.Const, m.Arena, m.Cache} {
		if n != 0 && n != 1 {
			return fail("there is no AXI port %d, expected 0 or 1", n)
		}
		p := s.Port(n)
		if has := a.ports(p.Name); p.Ports > has {
			return fail("%s is spread over %d ports, and an %s has %s", p.Name, p.Ports, a.Generation.Name, portsTo(has))
		}
		if p.MaxReads < 0 || p.MaxWrites < 0 {
			return fail("%s has %d reads and %d writes under way, expected at least 0", p.Name, p.MaxReads, p.MaxWrites)
		}
		if !(p.ClockScale > 0 && p.ClockScale <= 1) || p.Burst < 1 || p.ReadLatency < 0 || p.WriteLatency < 0 {
			return fail("%s has clock scale %g, burst %d, latencies %d and %d; expected a scale above 0 and up to 1, a burst of at least 1 byte and latencies of at least 0",
				p.Name, p.ClockScale, p.Burst, p.ReadLatency, p.WriteLatency)
		}
	}
	switch c := ConstMemory(s, m).Name; c {
	case Dram, OnChipFlash, OffChipFlash:
	default:
		return fail("constants would lie in %s, expected Dram, OnChipFlash or OffChipFlash", c)
	}
	switch c := ArenaMemory(s, m).Name; c {
	case Sram, Dram:
	default:
		return fail("the arena would lie in %s on port %d, expected Sram or Dram; use Shared_Sram or Sram_Only", c, m.Arena)
	}
	if c := CacheMemory(s, m).Name; c != Sram {
		return fail("the fast scratch would lie in %s, expected Sram", c)
	}
	if !a.Port1Writes && (m.Arena == 1 || m.Cache == 1) {
		return fail("the arena is written, and AXI port 1 of an %s only reads; use Shared_Sram or Sram_Only", a.Generation.Name)
	}
	return nil
}
