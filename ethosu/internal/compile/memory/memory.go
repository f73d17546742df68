// SPDX-License-Identifier: Apache-2.0

// Package memory says in which region a buffer lies and which memory is behind a region,
// as scheduling estimates it and placing carries it out.
package memory

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Map is the memories of a program. It does not change while one is compiled.
type Map struct {
	Mode ethosu.MemoryMode

	// Spilled says that feature maps lie in the arena, not in a fast scratch beside it.
	Spilled bool

	places [regions]perf.Place
}

const regions = 8 // that a stream can address

// New returns the memories of a system in a mode. In own are the regions of single tensors
// that do not lie in the arena's memory, each with the region whose memory it is in.
func New(system ethosu.SystemConfig, mode ethosu.MemoryMode, own map[int]int) *Map {
	m := &Map{Mode: mode}
	for region := range m.places {
		of := region
		if in, ok := own[region]; ok {
			of = in
		}
		mem, port := ethosu.RegionMemory(system, mode, of)
		m.places[region] = perf.Place{Memory: mem, Port: port}
	}
	return m
}

// Spill returns the same memories with feature maps in the arena.
func (m *Map) Spill() *Map {
	s := *m
	s.Spilled = true
	return &s
}

// Place returns the memory behind a region.
func (m *Map) Place(region int) *perf.Place { return &m.places[region] }

// Ports returns the ports of an accelerator with these memories.
func (m *Map) Ports(a *ethosu.Accelerator) perf.Ports {
	return perf.PortsOf(a, func(region int) perf.Place { return m.places[region] })
}

// Fast is the region of resident weights and intermediate feature maps.
func (m *Map) Fast() int {
	if m.Mode.Spills() {
		return ethosu.RegionFast
	}
	return ethosu.RegionArena
}

// RegionOf returns the region a buffer lies in.
func (m *Map) RegionOf(b *kernel.Buffer) int {
	switch {
	case b.Constant():
		return ethosu.RegionConstants
	case b.Own != 0:
		return b.Own
	case b.Resident:
		return m.Fast()
	case b.Bound || m.Spilled:
		return ethosu.RegionArena
	}
	return m.Fast()
}

// Home returns the memory that a buffer lies in; that of the arena for nil.
func (m *Map) Home(b *kernel.Buffer) *perf.Place {
	if b == nil {
		return m.Place(ethosu.RegionArena)
	}
	return m.Place(m.RegionOf(b))
}

// SlowConstants reports whether constants lie in a slower memory than feature maps.
func (m *Map) SlowConstants(a *ethosu.Accelerator) bool {
	slow, fast := m.Place(ethosu.RegionConstants), m.Place(m.Fast())
	return slow.Bandwidth(a) < fast.Bandwidth(a)
}

// SRAM returns how many bytes of regions of the given sizes are SRAM.
func (m *Map) SRAM(arena, fast int) int {
	n := 0
	if m.Place(ethosu.RegionArena).Name == ethosu.Sram {
		n += arena
	}
	if m.Place(ethosu.RegionFast).Name == ethosu.Sram {
		n += fast
	}
	return n
}
