// SPDX-License-Identifier: Apache-2.0

package weights

import "math"

// histogram is what the cost of a section depends on, as long as its coding
// parameters stay the same throughout. Histograms of neighbours add up.
type histogram struct {
	n     int
	top   int                 // no folded value is larger
	count [maxIndex + 1]int32 // by folded value; zero is folded value 0
	runs  int                 // zero runs, each before a non-zero weight
	unary [4]int              // sum of their lengths, shifted right by 0..3
}

func (h *histogram) add(g *histogram) {
	h.n += g.n
	h.top = max(h.top, g.top)
	for i, c := range g.count[:g.top+1] {
		h.count[i] += c
	}
	h.runs += g.runs
	for i, c := range g.unary {
		h.unary[i] += c
	}
}

func (h *histogram) scan(weights []int16) {
	h.n = len(weights)
	var count [maxIndex + 1]int32 // by value
	for _, v := range weights {
		count[uint(v+MaxWeight)&maxIndex]++
	}
	for i, n := range count[:2*MaxWeight+1] {
		if n > 0 {
			f := fold(int16(i - MaxWeight))
			h.count[f], h.top = n, max(h.top, f)
		}
	}
	run := 0
	for _, v := range weights {
		if v == 0 {
			run++
			continue
		}
		if run > 0 {
			for k := range h.unary {
				h.unary[k] += run >> k
			}
			run = 0
		}
	}
	h.runs = h.n - int(h.count[0]) + 1
	for k := range h.unary {
		h.unary[k] += run >> k
	}
}

// params are the coding parameters of a section that has one slice.
type params struct {
	runs    bool
	entries []uint16 // in store
	store   *[maxPalette]uint16
	dirofs  int
	palbits int
	code    sliceCode
	bits    int // cost, without filler
}

// value is a folded value and how often it occurs.
type value struct{ f, n int32 }

// tally lists the values that are coded: as many as a palette can have of the most
// frequent ones in order, then the others.
func (h *histogram) tally(runs bool, buf []value) []value {
	others := buf[:maxPalette] // there are some only where the palette is full
	// Of equal counts the smaller value comes first: as numbers, a higher count is smaller.
	var keys [maxPalette]uint64
	n := 0
	for f, c := range h.count[:h.top+1] {
		if c == 0 || runs && f == 0 {
			continue
		}
		key := uint64(math.MaxInt32-c)<<32 | uint64(f)
		switch {
		case n < maxPalette:
			n++
		case key > keys[n-1]:
			others = append(others, value{int32(f), c})
			continue
		default:
			others = append(others, valueOf(keys[n-1]))
		}
		at := n - 1
		for at > 0 && key < keys[at-1] {
			keys[at] = keys[at-1]
			at--
		}
		keys[at] = key
	}
	for i, k := range keys[:n] {
		others[i] = valueOf(k)
	}
	return others[:n+len(others)-maxPalette]
}

func valueOf(key uint64) value {
	return value{int32(key & math.MaxUint32), math.MaxInt32 - int32(key>>32)}
}

// few and many are the palette sizes that a search tries besides the number of
// different values. One entry cannot be expressed.
var (
	few  = []int{0, 2, 4, 8, 16, 32}
	many = []int{0, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32}
	all  = func() []int {
		s := []int{0}
		for p := 2; p <= maxPalette; p++ {
			s = append(s, p)
		}
		return s
	}()
)

// best returns the cheapest parameters for the histogram among the palette sizes.
func (h *histogram) best(sizes []int) params {
	var out params
	out.bits = math.MaxInt
	var kept [maxPalette]uint16
	h.each(sizes, func(p *params) {
		if p.bits < out.bits {
			out = *p
			out.store, kept = nil, *p.store
		}
	})
	out.entries = append([]uint16(nil), kept[:len(out.entries)]...)
	return out
}

// bits returns the bits of the cheapest parameters among the palette sizes.
func (h *histogram) bits(sizes []int) int {
	least := math.MaxInt
	h.each(sizes, func(p *params) { least = min(least, p.bits) })
	return least
}

// each calls f with the cheapest parameters for every palette size with and
// without zero runs. What p.store points to is overwritten by the next call.
func (h *histogram) each(sizes []int, f func(*params)) {
	x := choosers.Get().(*chooser)
	defer choosers.Put(x)
	zero := int(h.count[0])
	for _, runs := range []bool{false, true} {
		zbits, zdiv := 0, zdivOff
		// A run costs a bit per weight at least, a coded zero nine at most.
		if runs {
			if zero == 0 || zero*9 < h.n-zero {
				continue
			}
			zbits, zdiv = math.MaxInt, 0
			for k, u := range h.unary {
				if b := u + h.runs*(1+k); b < zbits {
					zbits, zdiv = b, k
				}
			}
		}
		values := h.tally(runs, x.listed[:])
		if len(values) == 0 {
			// All zeros, coded as one weight and a run.
			values = append(values, value{0, 1})
		}
		x.start(values)
		take := func(size int) {
			p := params{runs: runs, code: sliceCode{zdiv: zdiv}, store: &x.entries}
			if x.choose(&p, size) {
				p.bits += zbits + 36 + len(p.entries)*p.palbits
				f(&p)
			}
		}
		done := false
		for _, size := range sizes {
			if size >= len(values) {
				if done {
					break
				}
				done = true
				if size = len(values); size == 1 {
					// Zero fills up a palette of one value.
					size = 2
				}
				if size > maxPalette {
					break
				}
			}
			take(size)
		}
		if !done && len(values) <= maxPalette && len(values) > 1 {
			take(len(values))
		}
	}
}

// section returns the section of the given weights with these parameters as a
// starting point: indices are set, slices are not.
func (p *params) section(weights []int16) *section { return p.sectionIn(nil, weights) }

// sectionIn is section in the memory of one that is no longer needed, or nil.
func (p *params) sectionIn(s *section, weights []int16) *section {
	if s == nil {
		s = new(section)
	}
	*s = section{runs: p.runs, w: s.w[:0], z: s.z[:0], codes: s.codes[:0], ends: s.ends[:0]}
	s.pal.dirofs, s.pal.bits, s.pal.entries = p.dirofs, p.palbits, p.entries
	s.pal.number(len(p.entries))
	s.fill(weights)
	return s
}
