// SPDX-License-Identifier: Apache-2.0

package place

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
)

// Check reports an invariant of layouts that does not hold, from when buffers have
// addresses on: memory that is not aligned, leaves its region or is used twice at a time,
// and constants that are not in the blob.
func (l *Layout) Check() error {
	if l.Arena+l.Fast == 0 {
		return nil
	}
	size := map[int]int{ethosu.RegionConstants: len(l.Blob), ethosu.RegionArena: l.Arena, ethosu.RegionFast: l.Fast}
	var written []*storage
	for _, s := range l.storage {
		if s.into != nil {
			continue
		}
		if s.buf.Constant() {
			if l.Blob != nil && !bytes.HasPrefix(l.Blob[min(s.offset, len(l.Blob)):], s.buf.Data) {
				return fmt.Errorf("constant %q is not at byte %d of the constants", s.buf.Name, s.offset)
			}
			continue
		}
		if s.buf.Own == 0 && (s.offset%16 != 0 || s.offset < 0 || s.offset+s.buf.Size > size[s.region] || s.region == ethosu.RegionConstants) {
			return fmt.Errorf("buffer %q is %d bytes at %d of region %d, which has %d", s.buf.Name, s.buf.Size, s.offset, s.region, size[s.region])
		}
		written = append(written, s)
	}
	// Of those that start before a storage, only the ones that reach it can meet it.
	sort.Slice(written, func(i, j int) bool {
		a, b := written[i], written[j]
		if a.region != b.region {
			return a.region < b.region
		}
		if a.offset != b.offset {
			return a.offset < b.offset
		}
		return a.first < b.first
	})
	var reach []*storage
	for _, s := range written {
		keep := reach[:0]
		for _, t := range reach {
			if t.region == s.region && t.offset+t.buf.Size > s.offset {
				keep = append(keep, t)
				if t.first <= s.last && s.first <= t.last {
					return fmt.Errorf("buffers %q and %q share bytes of region %d at %d, from operation %d to %d and %d to %d", t.buf.Name, s.buf.Name, s.region, s.offset, t.first, t.last, s.first, s.last)
				}
			}
		}
		reach = append(keep, s)
	}
	return nil
}
