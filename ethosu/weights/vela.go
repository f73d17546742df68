// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math"
	"math/bits"
	"slices"
	"sync"
)

// EncodeVela encodes weights exactly as the encoder of Vela 3.10 does, byte for
// byte. It measures the distance of Encode from it.
func EncodeVela(weights []int16) ([]byte, error) {
	sections, err := planVela(weights)
	if err != nil {
		return nil, err
	}
	return writeAll(sections), nil
}

func planVela(weights []int16) ([]*section, error) {
	if err := check(weights); err != nil {
		return nil, err
	}
	starts := velaSections(weights)
	sections := make([]*section, len(starts))
	for i, start := range starts {
		end := len(weights)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		sections[i] = velaSection(weights[start:end])
	}
	return sections, nil
}

// velaSections cuts the weights where a new palette promises a gain. It watches
// how many different values the current section has, and looks back at the last
// N non-zero weights for a smaller set.
func velaSections(w []int16) []int {
	var last [2*MaxWeight + 1]int
	for i := range last {
		last[i] = -1
	}
	width := func(s int) int {
		if s <= 1 {
			return 0
		}
		return min(8, ceilLog2(s))
	}
	starts := []int{0}
	start, have, psize, zeros := 0, false, 0, 0
	for i, v := range w {
		ez := 0
		if zeros > (i-start)/4 {
			ez = 1
		}
		if have && last[v+MaxWeight] < start {
			psize++
			x := psize - 1 - ez
			if (x-1)&x == 0 && (i-start-zeros > 512 || psize-ez > maxPalette) {
				starts = append(starts, i)
				start, have, zeros = i, false, 0
			}
		}
		last[v+MaxWeight] = i
		if v == 0 {
			zeros++
		}
		// The loop's bounds of N follow have as it is now; a gain found at one N
		// changes it for the next.
		for n0 := 32; n0 <= 512; n0 *= 2 {
			n := n0
			if have {
				n *= 2
			}
			nz := i - start - zeros
			if nz <= 0 || nz%n != 0 {
				continue
			}
			j := i
			for c := 0; j > start; j-- {
				if w[j] != 0 {
					if c == n+1 {
						break
					}
					c++
				}
			}
			ps := 0
			for _, at := range last {
				if at >= j {
					ps++
				}
			}
			var gain bool
			if have {
				gain = n*(width(psize-ez)-width(ps-ez))*15/16-ps*8-20 > 0
			} else {
				gain = ps-ez <= maxPalette && n*(90-15*width(ps-ez))/16-ps*8-20 > 0
			}
			if !gain {
				continue
			}
			psize, have, start = ps, true, j
			if starts[len(starts)-1] != j {
				starts = append(starts, j)
			}
			zeros = 0
			for _, v := range w[j : i+1] {
				if v == 0 {
					zeros++
				}
			}
		}
	}
	return starts
}

func velaSection(weights []int16) *section {
	var freq [2*MaxWeight + 1]int
	for _, v := range weights {
		freq[v+MaxWeight]++
	}
	top, f0, f1 := 0, 0, 0
	for i, n := range freq {
		if n > f0 {
			top, f0, f1 = i-MaxWeight, n, f0
		} else if n > f1 {
			f1 = n
		}
	}
	s := &section{runs: top == 0 && f0 > 4*f1}
	onlyPalette := s.choosePaletteVela(&freq)
	s.fill(weights)
	raw := -1
	if onlyPalette || len(s.pal.entries) == 0 {
		raw = s.raw()
	}
	s.chooseSlicesVela(raw)
	return s
}

// choosePaletteVela fills the palette from the section's histogram and reports
// whether it holds all values.
func (s *section) choosePaletteVela(freq *[2*MaxWeight + 1]int) bool {
	var count [maxIndex + 1]int
	all, maxf, distinct := 0, 0, 0
	for i, n := range freq {
		f := fold(int16(i - MaxWeight))
		if n == 0 || s.runs && f == 0 {
			continue
		}
		count[f] = n
		all += n
		maxf = max(maxf, f)
		distinct++
	}
	p := &s.pal
	if distinct > 0 {
		for p.dirofs < 31 && count[p.dirofs] == 0 {
			p.dirofs++
		}
	}
	onlyPalette := distinct >= 1 && distinct <= maxPalette
	limit := maxPalette
	if !onlyPalette {
		if limit = min(limit, maxIndex-maxf); limit == 1 {
			limit = 0
		}
	}
	order := make([]uint16, 0, distinct)
	for f := maxIndex; f >= 0; f-- {
		if count[f] > 0 {
			order = append(order, uint16(f))
		}
	}
	slices.SortStableFunc(order, func(a, b uint16) int { return count[b] - count[a] })
	entries := order[:min(limit, distinct)]
	covered := 0
	for _, e := range entries {
		covered += count[e]
	}
	if len(entries) == 1 {
		entries = append(slices.Clone(entries), 0)
	}
	largest := maxf
	if covered > all/2 {
		p.entries = entries
		largest = int(slices.Max(entries))
	}
	p.bits = max(2, bits.Len(uint(largest)))
	p.number(len(p.entries))
	return onlyPalette
}

// number gives every folded value its index. Zero outside the palette goes by the
// code of minus zero.
func (p *palette) number(n int) {
	for f := range p.index {
		p.index[f] = int16(f + n - p.dirofs)
	}
	p.index[0] = int16(1 + n - p.dirofs)
	for i := len(p.entries) - 1; i >= 0; i-- {
		p.index[p.entries[i]] = int16(i)
	}
}

// segment is a stretch of a value list with one coding configuration.
type segment struct{ config, end int }

// cheapest cuts a list of n values into segments by a dynamic program over
// configurations. cost returns the bits of a value in every configuration. A change
// costs 40 bits, except at the positions in free.
func cheapest(n, configs int, cost func(i int) []int32, free []segment) []segment {
	// Totals are multiples of 16, so that the least of total and configuration is the
	// first of those with the least total.
	const unit = 16
	var total [unit]int64
	changed, best := make([]uint16, n), make([]uint8, n) // which came from another one, and from which
	least := int64(0)
	for i := range n {
		change := int64(40)
		if len(free) > 0 && i+1 == free[0].end {
			change = 0
			free = free[1:]
		}
		floor := least&^(unit-1) + change*unit
		came, next := uint16(0), int64(math.MaxInt64)
		for j, b := range cost(i)[:configs] {
			t := total[j&(unit-1)]
			came |= uint16(uint64(floor-t)>>63) << j
			t = min(t, floor) + int64(b)*unit
			total[j&(unit-1)] = t
			next = min(next, t+int64(j))
		}
		changed[i], best[i] = came, uint8(least&(unit-1))
		least = next
	}
	cur := int(least & (unit - 1))
	var out []segment
	end := n
	for i := n; i >= 0; i-- {
		prev := cur
		if i > 0 && changed[i-1]>>cur&1 != 0 {
			prev = int(best[i-1])
		}
		if prev != cur || i == 0 {
			out = append(out, segment{cur, end})
			cur, end = prev, i-1
		}
	}
	slices.Reverse(out)
	return out
}

// modes are the thirteen ways to code weight indices, in Vela's order.
var modes = func() (m [13]sliceCode) {
	for k := range 6 {
		m[k] = sliceCode{wdiv: k}
		m[6+k] = sliceCode{wdiv: k, trunc: true}
	}
	m[12] = sliceCode{wdiv: wdivRaw}
	return
}()

// illegal is a cost that no choice survives.
const illegal = 10000

// indexTable is the cost in bits of every index in every mode.
type indexTable [maxIndex + 1][len(modes)]int32

// indexTables are those for plain indices of no bits to nine, and last where they cannot be
// used; each is made when it is asked for.
var indexTables = func() (list [11]func() *indexTable) {
	for raw := range list {
		list[raw] = sync.OnceValue(func() *indexTable { return newIndexTable(raw) })
	}
	return
}()

// indexBits returns the cost in bits of every index in every mode. raw is the
// width of plain indices, or less than 0 when they cannot be used.
func indexBits(raw int) *indexTable {
	if raw < 0 {
		raw = noRaw
	}
	return indexTables[raw]()
}

// noRaw is the place of the costs without plain indices among indexTables.
const noRaw = 10

func newIndexTable(raw int) *indexTable {
	var t indexTable
	for v := range t {
		for j, m := range modes {
			q := v >> min(m.wdiv, 9)
			switch {
			case m.wdiv == wdivRaw && raw == noRaw:
				t[v][j] = 100
			case m.wdiv == wdivRaw:
				t[v][j] = int32(raw)
			case q > maxQuot || m.trunc && q > 2:
				t[v][j] = illegal
			case m.trunc:
				t[v][j] = int32(min(q+1, 2) + m.wdiv)
			default:
				t[v][j] = int32(q + 1 + m.wdiv)
			}
		}
	}
	return &t
}

func (s *section) chooseSlicesVela(raw int) {
	table := indexBits(raw)
	wseg := cheapest(len(s.w), len(modes), func(i int) []int32 { return table[s.w[i]][:] }, nil)
	var zseg []segment
	if s.runs {
		var bits [4]int32
		zseg = cheapest(len(s.z), len(bits), func(i int) []int32 {
			for k := range bits {
				bits[k] = int32(s.z[i]>>k + 1 + k)
			}
			return bits[:]
		}, wseg)
	}
	s.cut(wseg, zseg)
}

// cut makes slices of the segments found for indices and for zero runs. Ends of
// zseg count runs, of which there is one more than indices; as in Vela they are
// taken for index positions.
func (s *section) cut(wseg, zseg []segment) {
	n := len(s.w)
	for pos := 0; pos < n || len(s.ends) == 0; {
		end := min(pos+maxSlice, n)
		c := sliceCode{zdiv: zdivOff}
		if len(wseg) > 0 {
			end = min(end, wseg[0].end)
			c = modes[wseg[0].config]
			c.zdiv = zdivOff
		}
		if len(zseg) > 0 {
			end = min(end, zseg[0].end)
			c.zdiv = zseg[0].config
		}
		s.codes = append(s.codes, c)
		s.ends = append(s.ends, end)
		// The last segment stays in use when a list has run out before the other.
		if len(wseg) > 1 && wseg[0].end == end {
			wseg = wseg[1:]
		}
		if len(zseg) > 1 && zseg[0].end == end {
			zseg = zseg[1:]
		}
		pos = end
	}
}
