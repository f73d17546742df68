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
	for _, b := range order {
		b.offset = p.lowest(b)
		size = max(size, b.offset+b.buf.Size)
		p.add(b)
	}
	return size
}

// placed are the buffers that have an address, by the time that they live; each list is in
// the order of addresses. Nearly all in a long program live for a few operations, but inputs
// and outputs of every step live throughout.
type placed struct {
	eras map[int][]*storage // those of few eras, in each of them
	all  []*storage
	long []*storage // those of more
	near []*storage // of lowest: those of the eras of one buffer
}

const (
	era      = 32 // operations
	mostEras = 4  // of a buffer that is kept by its time
)

func byOffset(a, b *storage) int { return cmp.Compare(a.offset, b.offset) }

func (p *placed) add(s *storage) {
	insert := func(list []*storage) []*storage {
		at, _ := slices.BinarySearchFunc(list, s, byOffset)
		return slices.Insert(list, at, s)
	}
	p.all = insert(p.all)
	first, last := s.first/era, s.last/era
	if last-first >= mostEras {
		p.long = insert(p.long)
		return
	}
	for i := first; i <= last; i++ {
		p.eras[i] = insert(p.eras[i])
	}
}

// lowest returns the lowest address with room for a buffer beside those that live at a time
// when it does.
func (p *placed) lowest(s *storage) int {
	first, last := s.first/era, s.last/era
	long, near := p.long, p.near[:0]
	if last-first >= mostEras {
		long = p.all
	} else {
		for i := first; i <= last; i++ {
			near = append(near, p.eras[i]...) // some of them more than once
		}
		slices.SortFunc(near, byOffset)
	}
	p.near = near
	at := 0
	for len(long)+len(near) > 0 {
		var c *storage
		if len(near) == 0 || len(long) > 0 && long[0].offset < near[0].offset {
			c, long = long[0], long[1:]
		} else {
			c, near = near[0], near[1:]
		}
		switch {
		case c.first > s.last || s.first > c.last: // never at the same time
		case c.offset >= at+s.buf.Size:
			return at
		default:
			at = max(at, c.offset+c.buf.Size)
		}
	}
	return at
}
