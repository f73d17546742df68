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
		p.bits = p.h.bits(few)
		parts = append(parts, p)
	}
	// What each part and the next one gain as one, and what they become.
	gains, joined := make([]int, len(parts)), make([]*part, len(parts))
	join := func(i int) {
		p := joined[i]
		if p == nil {
			p = new(part)
			joined[i] = p
		}
		p.start, p.end, p.h = parts[i].start, parts[i+1].end, parts[i].h
		p.h.add(&parts[i+1].h)
		p.bits = p.h.bits(few)
		gains[i] = parts[i].bits + parts[i+1].bits - p.bits
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
	var best, s *section
	bestBits := 0
	for i := range found {
		s = found[i].sectionIn(s, weights)
		s.chooseSlices()
		if bits := s.size(); best == nil || bits < bestBits {
			best, s, bestBits = s, best, bits
		}
	}
	return best
}

// tries is how many candidates of a short section are cut into slices.
const tries = 4
