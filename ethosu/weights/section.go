// SPDX-License-Identifier: Apache-2.0

package weights

import "slices"

// section is a run of weights that share one palette, with everything needed to
// write it.
type section struct {
	pal   palette
	runs  bool
	w     []uint16 // indices; with runs those of the non-zero weights
	z     []int    // zero runs before, between and after w; len(w)+1
	codes []sliceCode
	ends  []int // end of each slice in w
}

// fill maps the weights of a section to indices and zero runs.
func (s *section) fill(weights []int16) {
	// By value instead of by folded value: one look-up per weight.
	var index [2*MaxWeight + 2]uint16
	for i := range index[:2*MaxWeight+1] {
		index[i] = uint16(s.pal.index[fold(int16(i-MaxWeight))])
	}
	if !s.runs {
		s.w = slices.Grow(s.w[:0], len(weights))[:len(weights)]
		for i, v := range weights {
			s.w[i] = index[uint(v+MaxWeight)&maxIndex]
		}
		return
	}
	nonzero := 0
	for _, v := range weights {
		if v != 0 {
			nonzero++
		}
	}
	if nonzero == 0 {
		// A slice cannot be without weights: the first zero is coded.
		s.w = append(s.w[:0], uint16(s.pal.index[0]))
		s.z = append(s.z[:0], 0, len(weights)-1)
		return
	}
	s.w, s.z = slices.Grow(s.w[:0], nonzero), slices.Grow(s.z[:0], nonzero+1)
	run := 0
	for _, v := range weights {
		if v == 0 {
			run++
			continue
		}
		s.w = append(s.w, index[uint(v+MaxWeight)&maxIndex])
		s.z = append(s.z, run)
		run = 0
	}
	s.z = append(s.z, run)
}

// raw returns the width of a plain index.
func (s *section) raw() int { return rawBits(len(s.pal.entries), s.pal.bits) }

// size returns the exact number of bits that write will append.
func (s *section) size() int {
	bits := 13 + len(s.pal.entries)*s.pal.bits
	from := 0
	for i, end := range s.ends {
		c := s.codes[i]
		bits += 23
		if c.wdiv == wdivRaw {
			bits += (end - from) * s.raw()
		} else {
			slots := 0
			for _, v := range s.w[from:end] {
				q := int(v >> c.wdiv)
				if c.trunc {
					bits += min(q+1, 2) + c.wdiv
					slots++
				} else {
					bits += q + 1 + c.wdiv
					slots += q>>1 + 1
				}
			}
			bits += (slots+11)/12*12 - slots
		}
		if s.runs {
			unary := 0
			for _, v := range s.zOf(i, from, end) {
				unary += v>>c.zdiv + 1
				bits += c.zdiv
			}
			zlen := 12
			if c.zdiv == 3 {
				zlen = 8
			}
			bits += (unary + zlen - 1) / zlen * zlen
		}
		from = end
	}
	return bits
}

// zOf returns the zero runs that slice i carries.
func (s *section) zOf(i, from, end int) []int {
	if !s.runs {
		return nil
	}
	if i == 0 {
		return s.z[:end+1]
	}
	return s.z[from+1 : end+1]
}

func (s *section) write(b *bitWriter) {
	from := 0
	for i, end := range s.ends {
		var p *palette
		if i == 0 {
			p = &s.pal
		}
		b.header(s.codes[i], end-from, p)
		b.chunks(s.codes[i], s.w[from:end], s.zOf(i, from, end), s.raw())
		from = end
	}
}

// writeAll returns the stream of the given sections.
func writeAll(sections []*section) []byte {
	b := newBitWriter(sizeAll(sections))
	for _, s := range sections {
		s.write(b)
	}
	return b.finish()
}

// sizeAll returns the length of writeAll's result in bytes.
func sizeAll(sections []*section) int {
	bits := 3
	for _, s := range sections {
		bits += s.size()
	}
	return (bits + 127) / 128 * 16
}
