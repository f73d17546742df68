// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math"
	"math/bits"
)

// histogram is what the cost of a section depends on, as long as its coding
// parameters stay the same throughout. Histograms of neighbours add up.
type histogram struct {
	n     int
	count [maxIndex + 1]int32 // by folded value; zero is folded value 0
	runs  int                 // zero runs, each before a non-zero weight
	unary [4]int              // sum of their lengths, shifted right by 0..3
}

func (h *histogram) add(g *histogram) {
	h.n += g.n
	for i, c := range &g.count {
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
		h.count[fold(int16(i-MaxWeight))] = n
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
	for f, c := range &h.count {
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

// each calls f with the cheapest parameters for every palette size with and
// without zero runs. What p.store points to is overwritten by the next call.
func (h *histogram) each(sizes []int, f func(*params)) {
	var store [maxIndex + 1]value
	var entries [maxPalette]uint16
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
		values := h.tally(runs, store[:])
		if len(values) == 0 {
			// All zeros, coded as one weight and a run.
			values = append(values, value{0, 1})
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
			p := params{runs: runs, code: sliceCode{zdiv: zdiv}, store: &entries}
			if p.choose(values, size) {
				p.bits += zbits + 36 + len(p.entries)*p.palbits
				f(&p)
			}
		}
		if !done && len(values) <= maxPalette && len(values) > 1 {
			p := params{runs: runs, code: sliceCode{zdiv: zdiv}, store: &entries}
			if p.choose(values, len(values)) {
				p.bits += zbits + 36 + len(p.entries)*p.palbits
				f(&p)
			}
		}
	}
}

// choose sets palette, direct offset and the cheapest slice code for the values,
// given the size of the palette. It reports false when an index would be too large.
func (p *params) choose(values []value, size int) bool {
	inside := values[:min(size, len(values))]
	outside := values[len(inside):]
	p.dirofs = 0
	if len(outside) > 0 {
		low := int32(maxIndex)
		for _, v := range outside {
			// Zero outside the palette goes by the code of minus zero, which leaves
			// no hole at code 1 when the direct offset is 1 or more.
			low = min(low, max(v.f, 1))
		}
		p.dirofs = min(31, int(low))
	}
	shift := int32(size - p.dirofs)

	var cost [6]int64
	var sum [6]int64   // quotients
	var three [6]int64 // weights with a quotient of 2, which truncation makes cheaper
	largest, n := int32(len(inside)-1), int64(0)
	var count [maxIndex + 1]int32 // by index, and then by quotient
	for i, v := range inside {
		count[i] = v.n
	}
	for _, v := range outside {
		idx := max(v.f, 1) + shift
		if idx > maxIndex {
			return false
		}
		largest = max(largest, idx)
		count[idx] += v.n
	}
	for k, top := 0, int(largest); k < len(sum); k, top = k+1, top>>1 {
		if k > 0 {
			for q := range top + 1 {
				count[q] = count[2*q] + count[2*q+1]
			}
			clear(count[top+1 : 2*top+2])
		}
		for q, c := range count[:top+1] {
			sum[k] += int64(c) * int64(q)
		}
		three[k] = int64(count[2])
	}
	for _, v := range values {
		n += int64(v.n)
	}
	for k := range cost {
		cost[k] = sum[k] + n*int64(1+k)
	}

	p.entries = nil
	top := largest
	if size > 0 {
		top = 0
		p.entries = p.store[:size]
		clear(p.entries)
		for i, v := range inside {
			p.entries[i] = uint16(v.f)
			top = max(top, v.f)
		}
	}
	p.palbits = max(2, bits.Len32(uint32(top)))
	if p.palbits > 9 {
		return false
	}
	bestBits := int64(1) << 62
	take := func(bits int64, wdiv int, trunc bool) {
		if bits < bestBits {
			bestBits = bits
			p.code.wdiv, p.code.trunc = wdiv, trunc
		}
	}
	if len(outside) == 0 || size == 0 {
		take(n*int64(rawBits(size, p.palbits)), wdivRaw, false)
	}
	for k := range cost {
		if largest>>k <= maxQuot {
			take(cost[k], k, false)
		}
		if largest>>k <= 2 {
			take(cost[k]-three[k], k, true)
		}
	}
	if bestBits == 1<<62 {
		return false
	}
	p.bits = int(bestBits)
	return true
}

// section returns the section of the given weights with these parameters as a
// starting point: indices are set, slices are not.
func (p *params) section(weights []int16) *section {
	s := &section{runs: p.runs}
	s.pal.dirofs, s.pal.bits, s.pal.entries = p.dirofs, p.palbits, p.entries
	s.pal.number(len(p.entries))
	s.fill(weights)
	return s
}
