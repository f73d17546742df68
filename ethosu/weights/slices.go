// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math/bits"
	"slices"
	"sync"
)

// Costs of a further slice: its header and about half a chunk of filler, and with zero
// runs half of one of theirs.
const (
	sliceHeader = 23
	fillerGuess = 6
	changePlain = sliceHeader + fillerGuess
	changeRuns  = changePlain + fillerGuess
)

// The dynamic program goes through states, which are combinations of index mode and
// zero-run parameter: a row of modes for each parameter. The total of a state is a lane
// of 8 bits, eight to a word, counted from the least total. One that is more than a change
// behind comes from the least, so that what a block costs above the cheapest state need
// not be known beyond twice a change: all that is more is as much as farCost, and no lane
// reaches its highest bit, which the comparisons need.
const (
	ones    = 0x0101010101010101
	tops    = 0x8080808080808080
	farCost = 2*changeRuns + 1
	perWord = 8
)

// row is the lanes of the modes; those of no mode are far from the least.
type row [2]uint64

// far is a row of which no state is worth taking, and start that of no block yet; the lanes
// of no mode are never the least.
var (
	far   = row{farCost * ones, farCost * ones}
	start = row{0, farCost * ones << ((len(modes) - perWord) * 8) & (1<<64 - 1)}
)

// rowOf returns what the modes cost above the cheapest one.
func rowOf(sums *[len(modes)]int32) row {
	least := slices.Min(sums[:])
	r := far
	for j, bits := range sums {
		if above := bits - least; above < farCost {
			r[j/perWord] -= uint64(farCost-above) << (j % perWord * 8)
		}
	}
	return r
}

// over marks the highest bit of the lanes of x that are above those of limit. Neither
// reaches its highest bit.
func over(x, limit uint64) uint64 { return ^((limit | tops) - x) & tops }

// below returns the lesser of the lanes, none of which reaches its highest bit.
func below(x, y uint64) uint64 {
	m := over(x, y)
	m -= m >> 7
	return x&^m | y&m
}

// chooseSlices cuts the section into slices by a dynamic program over all
// combinations of index mode and zero-run parameter, in steps of a few weights.
func (s *section) chooseSlices() {
	x := scratches.Get().(*scratch)
	defer scratches.Put(x)
	table := x.laneTable(s)
	step := len(s.w)/2048 + 1
	zdivs, change := 1, uint64(changePlain)
	if s.runs {
		zdivs, change = 4, changeRuns
	}
	change *= ones
	blocks := (len(s.w) + step - 1) / step
	x.changed, x.best = slices.Grow(x.changed[:0], blocks)[:blocks], slices.Grow(x.best[:0], blocks)[:blocks]
	single := step == 1
	if single {
		x.single(table)
	}
	least := uint8(0)
	if single && !s.runs {
		least = x.plain(s.w)
	} else {
		var total [4]row
		for k := range total {
			total[k] = start
		}
		for b := range blocks {
			at, end := b*step, min((b+1)*step, len(s.w))
			var cost row
			if single {
				cost = x.one[s.w[at]&maxIndex]
			} else {
				sums := table.sums(s.w[at:end])
				cost = rowOf(&sums)
			}
			var changed uint64
			if s.runs {
				if b == 0 {
					at = -1
				}
				changed = advanceRuns(&total, &cost, s.z[at+1:end+1], change)
			} else {
				changed = advance(&total[0], &cost, change)
			}
			x.changed[b], x.best[b] = changed, least
			least = settle(total[:zdivs])
		}
	}
	s.trace(x, int(least), step, blocks)
}

// plain is the program for a section without zero runs in steps of one weight: what the
// loop of chooseSlices does, in few variables.
func (x *scratch) plain(w []uint16) (least uint8) {
	const change = changePlain * ones
	t, u := start[0], start[1]
	for b, v := range w {
		c := &x.one[v&maxIndex]
		m, n := over(t, change), over(u, change)
		x.changed[b], x.best[b] = gather(m)|gather(n)<<perWord, least
		m, n = m-m>>7, n-n>>7
		t, u = t&^m|change&m+c[0], u&^n|change&n+c[1]
		low := lowest(below(t, u))
		least = uint8(bits.TrailingZeros64(gather(equal(t, low)) | gather(equal(u, low))<<perWord))
		t, u = t-low, u-low
	}
	return least
}

// gather returns the highest bits of the lanes together; those of x are all that it has.
func gather(x uint64) uint64 { return x >> 7 * 0x0102040810204080 >> 56 }

// equal marks the highest bit of the lanes of x that are those of y.
func equal(x, y uint64) uint64 { return ^((x ^ y | tops) - ones) & tops }

// lowest returns the least lane in all lanes.
func lowest(x uint64) uint64 {
	x = below(x, x>>32)
	x = below(x, x>>16)
	return below(x, x>>8) & 0xFF * ones
}

// advance adds the cost of a block to a row, of which the states that are more than a
// change behind come from the least. It returns which, a bit for each.
func advance(r, cost *row, change uint64) (changed uint64) {
	for i, t := range r {
		m := over(t, change)
		changed |= gather(m) << (i * perWord)
		m -= m >> 7
		r[i] = t&^m | change&m + cost[i]
	}
	return changed
}

// advanceRuns is advance for a section with the zero runs of the block.
func advanceRuns(total *[4]row, cost *row, runs []int, change uint64) (changed uint64) {
	var sums [4]int
	for _, z := range runs {
		for k := range sums {
			sums[k] += z>>k + 1 + k
		}
	}
	least := min(sums[0], sums[1], sums[2], sums[3])
	for k, n := range sums {
		c := far
		if n -= least; n < farCost {
			for i, word := range cost {
				c[i] = sumBelow(word, uint64(n)*ones)
			}
		}
		changed |= advance(&total[k], &c, change) << (k * 2 * perWord)
	}
	return changed
}

// sumBelow returns the sums of the lanes, or farCost where that is less.
func sumBelow(x, y uint64) uint64 {
	sum := x + y
	m := over(sum&^tops, farCost*ones) | sum&tops
	m |= m - m>>7
	return sum&^m | farCost*ones&m
}

// settle counts the totals from the least again, and returns the first state that has it:
// the number of its row times that of the modes and its mode.
func settle(total []row) uint8 {
	low := below(total[0][0], total[0][1])
	for k := 1; k < len(total); k++ {
		low = below(low, below(total[k][0], total[k][1]))
	}
	low = lowest(low)
	var first uint64
	for k := range total {
		r := &total[k]
		first |= (gather(equal(r[0], low)) | gather(equal(r[1], low))<<perWord) << (k * 2 * perWord)
		r[0], r[1] = r[0]-low, r[1]-low
	}
	n := bits.TrailingZeros64(first)
	return uint8(n/(2*perWord)*len(modes) + n%(2*perWord))
}

// trace goes back from the state that is least in the end and makes the slices.
func (s *section) trace(x *scratch, cur, step, blocks int) {
	var segs []segment
	end := len(s.w)
	for b := blocks; b > 0; b-- {
		prev := cur
		if x.changed[b-1]>>(cur/len(modes)*2*perWord+cur%len(modes))&1 != 0 {
			prev = int(x.best[b-1])
		}
		if prev != cur || b == 1 {
			segs = append(segs, segment{cur, end})
			cur, end = prev, (b-1)*step
		}
	}
	slices.Reverse(segs)
	pos := 0
	for _, seg := range segs {
		code := modes[seg.config%len(modes)]
		code.zdiv = zdivOff
		if s.runs {
			code.zdiv = seg.config / len(modes)
		}
		for pos < seg.end {
			pos = min(pos+maxSlice, seg.end)
			s.codes = append(s.codes, code)
			s.ends = append(s.ends, pos)
		}
	}
}

// lanes holds the costs of one index in all modes, packed into 16-bit lanes so
// that a block of weights is summed with few additions.
type lanes struct {
	bits    [4]uint64
	illegal uint16 // modes that cannot code the index
}

// laneTable is the costs of the first n indices.
type laneTable struct {
	n  int
	of [maxIndex + 1]lanes
}

// scratch is memory that the search of one section after the other uses.
type scratch struct {
	lanes laneTable
	one   [maxIndex + 1]row

	// Of every block: the states that were better off coming from another one, and which.
	changed []uint64
	best    []uint8
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// single sets the rows of blocks of one index.
func (x *scratch) single(t *laneTable) {
	for v := range t.n {
		sums := t.sums([]uint16{uint16(v)})
		x.one[v] = rowOf(&sums)
	}
}

// laneTable returns the costs of the section's indices in its modes.
func (x *scratch) laneTable(s *section) *laneTable {
	raw := s.raw()
	plain := 1 << raw
	if len(s.pal.entries) > 0 {
		plain = len(s.pal.entries)
	}
	table := &x.lanes
	table.n = int(slices.Max(s.w)) + 1
	costs := indexBits(raw)
	for v := range table.n {
		var l lanes
		for j, bits := range &costs[v] {
			if bits == illegal || modes[j].wdiv == wdivRaw && v >= plain {
				l.illegal |= 1 << j
			} else {
				l.bits[j/4] |= uint64(bits) << (j % 4 * 16)
			}
		}
		table.of[v] = l
	}
	return table
}

// sums returns the costs of the indices in every mode; a mode that cannot code
// them all costs more than any that can.
func (t *laneTable) sums(w []uint16) (sums [len(modes)]int32) {
	// A lane overflows after 65536/37 weights: 37 bits is the dearest index.
	const most = 1024
	var bad uint16
	for len(w) > 0 {
		part := w[:min(len(w), most)]
		w = w[len(part):]
		var a, b, c, d uint64
		for _, v := range part {
			row := &t.of[v&maxIndex]
			a += row.bits[0]
			b += row.bits[1]
			c += row.bits[2]
			d += row.bits[3]
			bad |= row.illegal
		}
		for j, l := range [4]uint64{a, b, c, d} {
			for i := j * 4; i < min(j*4+4, len(modes)); i++ {
				sums[i] += int32(l & 0xFFFF)
				l >>= 16
			}
		}
	}
	for ; bad != 0; bad &= bad - 1 {
		sums[bits.TrailingZeros16(bad)] = 1 << 24
	}
	return sums
}
