// SPDX-License-Identifier: Apache-2.0

package place

import (
	"cmp"
	"slices"
)

// fit places buffers in the given order, each at the lowest address that is free
// during its life, and returns the size.
func fit(order, fixed []*storage) int {
	p := placed{eras: map[int][]*storage{}}
	for _, s := range fixed {
		p.add(s)
	}
	size := 0
	var meets []*storage
	for _, b := range order {
		meets = p.beside(b, meets[:0])
		slices.SortFunc(meets, func(a, b *storage) int { return cmp.Compare(a.offset, b.offset) })
		at := 0
		for _, c := range meets {
			if c.offset >= at+b.buf.Size {
				break
			}
			at = max(at, c.offset+c.buf.Size)
		}
		b.offset = at
		size = max(size, at+b.buf.Size)
		p.add(b)
	}
	return size
}

// placed are the buffers that have an address, by the time that they live. Nearly all in a
// long program live for a few operations.
type placed struct {
	eras map[int][]*storage // those of few eras, in each of them
	all  []*storage
	long []*storage // those of more
}

const (
	era      = 32 // operations
	mostEras = 4  // of a buffer that is kept by its time
)

func (p *placed) add(s *storage) {
	p.all = append(p.all, s)
	first, last := s.first/era, s.last/era
	if last-first >= mostEras {
		p.long = append(p.long, s)
		return
	}
	for i := first; i <= last; i++ {
		p.eras[i] = append(p.eras[i], s)
	}
}

// beside appends the buffers that live at a time when s does, some of them more than once.
func (p *placed) beside(s *storage, list []*storage) []*storage {
	among := func(some []*storage) {
		for _, c := range some {
			if c.first <= s.last && s.first <= c.last {
				list = append(list, c)
			}
		}
	}
	first, last := s.first/era, s.last/era
	if last-first >= mostEras {
		among(p.all)
		return list
	}
	among(p.long)
	for i := first; i <= last; i++ {
		among(p.eras[i])
	}
	return list
}
