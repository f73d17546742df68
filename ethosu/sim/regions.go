// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Region is the memory behind one base pointer.
type Region struct {
	Size int64 // bytes; 0: the region is absent
	// Content, when not nil, is a constant region: it is read from here, and a
	// stream that writes to it is at fault. Size is then len(Content).
	Content []byte
}

// Regions are the eight base pointers of the NPU.
type Regions [8]Region

func (r *Regions) size(region int) int64 {
	if c := r[region].Content; c != nil {
		return int64(len(c))
	}
	return r[region].Size
}

// Memory is the content of the regions during a run, little endian. Slices of
// constant regions and of regions that the stream does not touch may be nil.
type Memory [8][]byte

// What an operation reads or writes inside the NPU has region numbers behind those of
// the base pointers: the chaining buffers of the U85, and a place for an output that is
// turned on its way to memory.
const (
	firstChain = 8
	turnRegion = firstChain + 8
	allRegions = turnRegion + 1
)

// inside is the number of bytes that streams address as the NPU's own memory: SHRAM, or
// the LUT memory of the U85.
func (s *Sim) inside() int { return InsideBytes(s.accel) }

// InsideBytes is the size of that memory: of Exec.SHRAM.
func InsideBytes(a *ethosu.Accelerator) int {
	if a.Product == isa.U85 {
		return a.U85.Tables
	}
	return 1024 * a.SHRAMBanks
}

// memories are the regions, and the chaining buffers behind them.
type memories [allRegions][]byte

// NewMemory allocates every region that is not constant, filled with zeros.
func (s *Sim) NewMemory() Memory {
	var m Memory
	for i := range s.regions {
		if s.regions[i].Content == nil && s.regions[i].Size > 0 {
			m[i] = make([]byte, s.regions[i].Size)
		}
	}
	return m
}

// fill checks the sizes of the regions that the stream touches and puts the
// constant ones in place.
func (s *Sim) fill(m *Memory) error {
	for i := range m {
		if s.touched>>i&1 == 0 {
			continue
		}
		if c := s.regions[i].Content; c != nil {
			m[i] = c
			continue
		}
		if int64(len(m[i])) < s.regions[i].Size {
			return fmt.Errorf("region %d has %d bytes, the stream was prepared for %d", i, len(m[i]), s.regions[i].Size)
		}
	}
	return nil
}

// RegionsOf returns the regions of a stage of a compiled program. Constants that an
// earlier stage copied are memory like any other.
func RegionsOf(p *ethosu.Program, s *ethosu.Stage) Regions {
	var r Regions
	for _, w := range s.Windows {
		if w.In == ethosu.RegionConstants {
			r[w.Region] = Region{Content: p.Constants[w.Offset : w.Offset+w.Size]}
		} else {
			r[w.Region] = Region{Size: int64(w.Size)}
		}
	}
	return r
}
