// SPDX-License-Identifier: Apache-2.0

package weights

import "slices"

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
	var found []params
	h.each(all, func(p *params) {
		q := *p
		q.entries = slices.Clone(p.entries)
		found = append(found, q)
	})
	slices.SortStableFunc(found, func(a, b params) int { return a.bits - b.bits })
	var best *section
	bestBits := 0
	for i := range found[:min(len(found), 4)] {
		s := found[i].section(weights)
		s.chooseSlices()
		if bits := s.size(); best == nil || bits < bestBits {
			best, bestBits = s, bits
		}
	}
	return best
}

// Costs of a further slice: its header and about half a chunk of filler.
const (
	sliceHeader = 23
	fillerGuess = 6
)

// chooseSlices cuts the section into slices by a dynamic program over all
// combinations of index mode and zero-run parameter, in steps of a few weights.
func (s *section) chooseSlices() {
	table := s.laneTable()
	step := len(s.w)/2048 + 1
	zdivs, change := 1, int32(sliceHeader+fillerGuess)
	if s.runs {
		zdivs, change = 4, change+fillerGuess
	}
	states := len(modes) * zdivs
	blocks := (len(s.w) + step - 1) / step
	total := make([]int32, states)
	from := make([]uint8, (blocks+1)*states)
	for j := range total {
		from[j] = uint8(j)
	}
	one := table.single(step)
	var sums [len(modes)]int32
	for b := range blocks {
		at, end := b*step, min((b+1)*step, len(s.w))
		bits := &sums
		if one != nil {
			bits = &one[s.w[at]&maxIndex]
		} else {
			sums = laneSums(table, s.w[at:end])
		}
		var zbits [4]int32
		if s.runs {
			if b == 0 {
				at = -1
			}
			for _, z := range s.z[at+1 : end+1] {
				for k := range zbits {
					zbits[k] += int32(z>>k + 1 + k)
				}
			}
		}
		best := 0
		for j, c := range total {
			if c < total[best] {
				best = j
			}
		}
		floor := total[best] + change
		row := from[(b+1)*states : (b+2)*states]
		for k := range zdivs {
			z := zbits[k]
			now, came := total[k*len(modes):][:len(modes)], row[k*len(modes):][:len(modes)]
			for j, t := range now {
				came[j] = uint8(k*len(modes) + j)
				if floor < t {
					came[j], t = uint8(best), floor
				}
				now[j] = t + bits[j] + z
			}
		}
	}
	cur := 0
	for j, c := range total {
		if c < total[cur] {
			cur = j
		}
	}
	var segs []segment
	end := len(s.w)
	for b := blocks; b > 0; b-- {
		prev := int(from[b*states+cur])
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

// laneTable is the costs of every index.
type laneTable [maxIndex + 1]lanes

// single returns the sums of blocks of one index, nil for other blocks.
func (t *laneTable) single(step int) *[maxIndex + 1][len(modes)]int32 {
	if step != 1 {
		return nil
	}
	one := new([maxIndex + 1][len(modes)]int32)
	for v := range one {
		one[v] = laneSums(t, []uint16{uint16(v)})
	}
	return one
}

// laneTable returns the costs of every index in the section's modes.
func (s *section) laneTable() *laneTable {
	raw := s.raw()
	plain := 1 << raw
	if len(s.pal.entries) > 0 {
		plain = len(s.pal.entries)
	}
	table := new(laneTable)
	for v, row := range indexBits(raw) {
		for j, bits := range row {
			if bits == illegal || modes[j].wdiv == wdivRaw && v >= plain {
				table[v].illegal |= 1 << j
			} else {
				table[v].bits[j/4] |= uint64(bits) << (j % 4 * 16)
			}
		}
	}
	return table
}

// laneSums returns the costs of the indices in every mode; a mode that cannot code
// them all costs more than any that can.
func laneSums(table *laneTable, w []uint16) (sums [len(modes)]int32) {
	// A lane overflows after 65536/37 weights: 37 bits is the dearest index.
	const most = 1024
	var bad uint16
	for len(w) > 0 {
		part := w[:min(len(w), most)]
		w = w[len(part):]
		var a, b, c, d uint64
		for _, v := range part {
			row := &table[v&maxIndex]
			a += row.bits[0]
			b += row.bits[1]
			c += row.bits[2]
			d += row.bits[3]
			bad |= row.illegal
		}
		for j := range sums {
			sums[j] += int32([4]uint64{a, b, c, d}[j/4] >> (j % 4 * 16) & 0xFFFF)
		}
	}
	for j := range sums {
		if bad>>j&1 != 0 {
			sums[j] = 1 << 24
		}
	}
	return sums
}
