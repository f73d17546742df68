// SPDX-License-Identifier: Apache-2.0

package verify

// piece is a range of a region whose content is known.
type piece struct {
	start int64
	data  []byte
}

func (p piece) end() int64 { return p.start + int64(len(p.data)) }

// contents is what is known of a region: pieces that do not overlap, in no order.
type contents []piece

// get returns the content of start..end. When it is not all known it returns the
// first byte that is not.
func (c contents) get(start, end int64) (data []byte, unknown int64) {
	for at := start; at < end; {
		p := c.at(at)
		if p == nil {
			return nil, at
		}
		if at == start && end <= p.end() {
			return p.data[start-p.start : end-p.start], -1
		}
		data = append(data, p.data[at-p.start:min(end, p.end())-p.start]...)
		at = p.end()
	}
	return data, -1
}

// at returns the piece that holds a byte, or nil.
func (c contents) at(b int64) *piece {
	for i := range c {
		if p := &c[i]; p.start <= b && b < p.end() {
			return p
		}
	}
	return nil
}

// within returns the pieces of start..end, cut to it.
func (c contents) within(start, end int64) contents {
	var out contents
	for _, p := range c {
		if lo, hi := max(p.start, start), min(p.end(), end); lo < hi {
			out = append(out, piece{lo, p.data[lo-p.start : hi-p.start]})
		}
	}
	return out
}

// meets reports whether anything of start..end is known.
func (c contents) meets(start, end int64) bool { return len(c.within(start, end)) > 0 }

// forget cuts start..end out of what is known.
func (c *contents) forget(start, end int64) {
	if !c.meets(start, end) {
		return
	}
	var out contents
	for _, p := range *c {
		if start >= p.end() || p.start >= end {
			out = append(out, p)
			continue
		}
		if p.start < start {
			out = append(out, piece{p.start, p.data[:start-p.start]})
		}
		if p.end() > end {
			out = append(out, piece{end, p.data[end-p.start:]})
		}
	}
	*c = out
}

// put records that data lies at start.
func (c *contents) put(start int64, data []byte) {
	if len(data) == 0 {
		return
	}
	c.forget(start, start+int64(len(data)))
	*c = append(*c, piece{start, data})
}
