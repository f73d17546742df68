// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math"
	"math/bits"
	"slices"
	"sync"
)

// planSearch looks for the shortest stream: where to cut the weights into
// sections with palettes of their own, which palette, and where to change the
// Rice parameters inside a section. Costs come from histograms, so that the search
// does not encode anything.
func planSearch(weights []int16) []*section {
	block := 256
	for len(weights)/block > 64 {
		block *= 2
	}
	parts := split(weights, block)
	sections := planParts(weights, parts)
	if len(parts) == 1 {
		return sections
	}
	// A change of Rice parameters may have made the cuts unnecessary.
	whole := &part{end: len(weights)}
	for _, p := range parts {
		whole.h.add(&p.h)
	}
	if single := planParts(weights, []*part{whole}); sizeAll(single) <= sizeAll(sections) {
		return single
	}
	return sections
}

// part is a stretch of the weights that will become a section.
type part struct {
	start, end int
	h          histogram
	bits       int // with the best parameters
}

// split cuts the weights into blocks and joins neighbours as long as that makes
// the stream shorter.
func split(weights []int16, block int) []*part {
	var parts []*part
	for at := 0; at < len(weights); at += block {
		p := &part{start: at, end: min(at+block, len(weights))}
		p.h.scan(weights[p.start:p.end])
		p.bits = p.h.best(few).bits
		parts = append(parts, p)
	}
	// What each part and the next one gain as one, and what they become.
	gains, joined := make([]int, len(parts)), make([]*part, len(parts))
	join := func(i int) {
		p := &part{start: parts[i].start, end: parts[i+1].end, h: parts[i].h}
		p.h.add(&parts[i+1].h)
		p.bits = p.h.best(few).bits
		gains[i], joined[i] = parts[i].bits+parts[i+1].bits-p.bits, p
	}
	for i := range len(parts) - 1 {
		join(i)
	}
	for len(parts) > 1 {
		at := 0
		for i := range len(parts) - 1 {
			if gains[i] > gains[at] {
				at = i
			}
		}
		if gains[at] < 0 {
			break
		}
		parts[at] = joined[at]
		parts = slices.Delete(parts, at+1, at+2)
		gains, joined = slices.Delete(gains, at, at+1), slices.Delete(joined, at, at+1)
		if at > 0 {
			join(at - 1)
		}
		if at+1 < len(parts) {
			join(at)
		}
	}
	return parts
}

func planParts(weights []int16, parts []*part) []*section {
	sections := make([]*section, len(parts))
	for i, p := range parts {
		sections[i] = planSection(weights[p.start:p.end], &p.h)
	}
	return sections
}

// planSection chooses the parameters of one section. For short sections it takes
// the slices of the few best candidates into account.
func planSection(weights []int16, h *histogram) *section {
	if h.n > 1<<14 {
		p := h.best(many)
		s := p.section(weights)
		s.chooseSlices()
		return s
	}
	var found []params // the best, of equals the first
	h.each(all, func(p *params) {
		at := len(found)
		for at > 0 && p.bits < found[at-1].bits {
			at--
		}
		if at == tries {
			return
		}
		q := *p
		q.entries = slices.Clone(p.entries)
		found = slices.Insert(found, at, q)[:min(len(found)+1, tries)]
	})
	var best *section
	bestBits := 0
	for i := range found {
		s := found[i].section(weights)
		s.chooseSlices()
		if bits := s.size(); best == nil || bits < bestBits {
			best, bestBits = s, bits
		}
	}
	return best
}

// tries is how many candidates of a short section are cut into slices.
const tries = 4

// Costs of a further slice: its header and about half a chunk of filler.
const (
	sliceHeader = 23
	fillerGuess = 6
)

// chooseSlices cuts the section into slices by a dynamic program over all
// combinations of index mode and zero-run parameter, in steps of a few weights.
func (s *section) chooseSlices() {
	x := scratches.Get().(*scratch)
	defer scratches.Put(x)
	table := x.laneTable(s)
	step := len(s.w)/2048 + 1
	zdivs, change := 1, int64(sliceHeader+fillerGuess)
	if s.runs {
		zdivs, change = 4, change+fillerGuess
	}
	blocks := (len(s.w) + step - 1) / step
	x.changed, x.best = slices.Grow(x.changed[:0], blocks)[:blocks], slices.Grow(x.best[:0], blocks)[:blocks]
	single := step == 1
	if single {
		x.single(table)
	}
	// Totals are multiples of 64, so that the least of total and state is the first of
	// those with the least total.
	const unit = 64
	var total [4][len(modes)]int64
	least := int64(0)
	var sums [len(modes)]int32
	for b := range blocks {
		at, end := b*step, min((b+1)*step, len(s.w))
		bits := &sums
		if single {
			bits = &x.one[s.w[at]&maxIndex]
		} else {
			sums = table.sums(s.w[at:end])
		}
		var zbits [4]int64
		if s.runs {
			if b == 0 {
				at = -1
			}
			for _, z := range s.z[at+1 : end+1] {
				for k := range zbits {
					zbits[k] += int64(z>>k + 1 + k)
				}
			}
		}
		floor := least&^(unit-1) + change*unit
		changed, next := uint64(0), int64(math.MaxInt64)
		for k := range zdivs {
			row, z := &total[k], zbits[k]
			for j := range row {
				t := row[j]
				changed |= uint64(floor-t) >> 63 << (k*len(modes) + j)
				t = min(t, floor) + (int64(bits[j])+z)*unit
				row[j] = t
				next = min(next, t+int64(k*len(modes)+j))
			}
		}
		x.changed[b], x.best[b] = changed, uint8(least&(unit-1))
		least = next
	}
	cur := int(least & (unit - 1))
	var segs []segment
	end := len(s.w)
	for b := blocks; b > 0; b-- {
		prev := cur
		if x.changed[b-1]>>cur&1 != 0 {
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
	one   [maxIndex + 1][len(modes)]int32

	// Of every block: the states that were better off coming from another one, and which.
	changed []uint64
	best    []uint8
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// single sets the sums of blocks of one index.
func (x *scratch) single(t *laneTable) {
	for v := range t.n {
		x.one[v] = t.sums([]uint16{uint16(v)})
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
