// SPDX-License-Identifier: Apache-2.0

package verify

// Region is the memory behind a base pointer.
type Region struct {
	Size     int64  // 0: the region is not there
	Constant bool   // never written; all of it is defined
	Content  []byte // what is known of it before the stream starts; may be nil
	Defined  []Range
}

// Range is a half-open range of bytes that hold data before the stream starts.
type Range struct{ Start, End int64 }

// Regions are the memories of a stream, by region number.
type Regions [8]Region

// ranges is a set of bytes: disjoint half-open ranges in ascending order, with
// gaps between them.
type ranges []Range

// search returns the first range that ends at or behind at.
func (r ranges) search(at int64) int {
	lo, hi := 0, len(r)
	for lo < hi {
		mid := (lo + hi) / 2
		if r[mid].End < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// add puts start..end into the set.
func (r *ranges) add(start, end int64) {
	if start >= end {
		return
	}
	s := *r
	i := s.search(start)
	j := i
	for j < len(s) && s[j].Start <= end {
		start, end = min(start, s[j].Start), max(end, s[j].End)
		j++
	}
	if i < j {
		s[i] = Range{start, end}
		*r = append(s[:i+1], s[j:]...)
		return
	}
	s = append(s, Range{})
	copy(s[i+1:], s[i:])
	s[i] = Range{start, end}
	*r = s
}

// union puts a list of ranges into the set, which is ordered like a set itself.
func (r *ranges) union(list ranges) {
	if len(list) <= 8 {
		for _, x := range list {
			r.add(x.Start, x.End)
		}
		return
	}
	a, b := *r, list
	out := make(ranges, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var x Range
		if len(b) == 0 || len(a) > 0 && a[0].Start <= b[0].Start {
			x, a = a[0], a[1:]
		} else {
			x, b = b[0], b[1:]
		}
		if n := len(out); n > 0 && x.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, x.End)
		} else {
			out = append(out, x)
		}
	}
	*r = out
}

// remove takes start..end out of the set.
func (r *ranges) remove(start, end int64) {
	if start >= end {
		return
	}
	var out ranges
	for _, x := range *r {
		if x.End <= start || x.Start >= end {
			out = append(out, x)
			continue
		}
		if x.Start < start {
			out = append(out, Range{x.Start, start})
		}
		if x.End > end {
			out = append(out, Range{end, x.End})
		}
	}
	*r = out
}

// missing returns the first byte of start..end that is not in the set, or -1.
func (r ranges) missing(start, end int64) int64 {
	for i := r.search(start); start < end; i++ {
		if i >= len(r) || r[i].Start > start {
			return start
		}
		start = max(start, r[i].End)
	}
	return -1
}
