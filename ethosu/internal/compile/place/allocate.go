// SPDX-License-Identifier: Apache-2.0

package place

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// Allocate gives every buffer an offset in its region.
func Allocate(l *Layout) error {
	l.pack(l.live())
	return nil
}

// regionOf returns the region of a storage.
func (l *Layout) regionOf(s *storage) int {
	if s.bound && !s.buf.Constant() && s.buf.Own == 0 && !s.buf.Resident {
		return ethosu.RegionArena
	}
	return l.in.Memory.RegionOf(s.buf)
}

// pack places the storages of each region.
func (l *Layout) pack(list []*storage) {
	l.Arena, l.Fast, l.Bound = 0, 0, 0
	for _, region := range []int{ethosu.RegionArena, ethosu.RegionFast} {
		var part []*storage
		for _, s := range list {
			if s.buf.Own != 0 {
				s.region, s.offset = s.buf.Own, 0
				continue
			}
			if l.regionOf(s) == region {
				s.region = region
				part = append(part, s)
			}
		}
		size, bound := pack(part)
		l.Bound += bound
		if region == ethosu.RegionArena {
			l.Arena = size
		} else {
			l.Fast = size
		}
	}
}

// Constants places every constant that an operation refers to.
func Constants(l *Layout) error {
	used := map[*kernel.Buffer]bool{}
	for _, o := range l.ops {
		o.Reads(func(b *kernel.Buffer) { used[b] = true })
	}
	for _, b := range l.mod.Constants.List {
		if !used[b] {
			continue
		}
		s := l.root(b)
		s.region, s.offset = ethosu.RegionConstants, len(l.Blob)
		l.Blob = append(l.Blob, b.Data...)
		l.Blob = append(l.Blob, make([]byte, kernel.Align(len(l.Blob))-len(l.Blob))...)
	}
	return nil
}
