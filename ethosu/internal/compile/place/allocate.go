// SPDX-License-Identifier: Apache-2.0

package place

import (
	"slices"

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
		var part, fixed []*storage
		if region == ethosu.RegionArena {
			fixed = l.taken()
		}
		for _, s := range list {
			if s.buf.Own != 0 {
				s.region, s.offset = s.buf.Own, 0
				continue
			}
			if l.regionOf(s) != region {
				continue
			}
			s.region = region
			if s.buf.Placed {
				s.offset = s.buf.At
				fixed = append(fixed, l.inLines(s))
				continue
			}
			part = append(part, s)
		}
		size, bound := pack(part, fixed)
		l.Bound += bound
		if region == ethosu.RegionArena {
			l.Arena = size
		} else {
			l.Fast = size
		}
	}
}

// taken are storages for the bytes that the arena holds for others, from begin to end.
func (l *Layout) taken() []*storage {
	var list []*storage
	for _, s := range l.in.Taken {
		list = append(list, &storage{buf: &kernel.Buffer{Size: s.End - s.Start}, offset: s.Start, first: -1, last: len(l.ops)})
	}
	return list
}

// inLines returns a storage with all of the lines that a placed one touches.
func (l *Layout) inLines(s *storage) *storage {
	n := max(l.in.Line, 1)
	first := s.offset / n * n
	return &storage{buf: &kernel.Buffer{Size: (s.offset + s.buf.Size - first + n - 1) / n * n}, offset: first, first: s.first, last: s.last}
}

// Constants places every constant that an operation refers to.
func Constants(l *Layout) error {
	used := map[*kernel.Buffer]bool{}
	for _, o := range l.ops {
		o.Reads(func(b *kernel.Buffer) { used[b] = true })
	}
	size := 0
	for _, b := range l.mod.Constants.List {
		if used[b] {
			size += kernel.Align(len(b.Data))
		}
	}
	l.Blob = slices.Grow(l.Blob, size)
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
