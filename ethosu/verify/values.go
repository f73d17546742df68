// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// written is a feature map of 32 bits, or one with cells, and what is known of its elements.
type written struct {
	f     isa.FeatureMap
	spans []isa.Span
	v     value
}

// values is what is known of feature maps. Most of a long stream's maps are never
// overwritten, so one is found by the memory that it takes, not by going through all.
type values struct {
	list  []*written // as written, nil where the bytes were overwritten since
	pages map[page][]int
	wide  []int // those of more pages than are counted one by one

	cells   int // of all that is known
	trimmed int // maps before that have one cell each
}

// page is a part of a region's memory.
type page struct {
	region int
	number int64
}

const (
	pageBytes = 1 << 8
	// mostPages is how many pages a map is noted in, and looked for in, at most.
	mostPages = 1 << 6
)

// pagesOf calls visit for the pages of the spans and reports whether they are few; where
// they are not it stops early.
func pagesOf(spans []isa.Span, visit func(page)) bool {
	n := int64(0)
	for _, s := range spans {
		first, last := s.Start/pageBytes, (s.End-1)/pageBytes
		if s.End <= s.Start {
			continue
		}
		if n += last - first + 1; n > mostPages {
			return false
		}
		for i := first; i <= last; i++ {
			visit(page{s.Region, i})
		}
	}
	return true
}

// add notes what is known of a map whose bytes nothing else is known of.
func (k *values) add(w written) {
	if k.pages == nil {
		k.pages = map[page][]int{}
	}
	n := len(k.list)
	k.list = append(k.list, &w)
	k.cells += len(w.v.cells)
	if few := pagesOf(w.spans, func(page) {}); !few {
		k.wide = append(k.wide, n)
		return
	}
	pagesOf(w.spans, func(p page) {
		if list := k.pages[p]; len(list) == 0 || list[len(list)-1] != n { // another span may be on it
			k.pages[p] = append(list, n)
		}
	})
}

// all returns what is known, in the order of writing.
func (k *values) all() []*written {
	var list []*written
	for _, w := range k.list {
		if w != nil {
			list = append(list, w)
		}
	}
	return list
}

// at returns the maps that may have a byte at an address, in the order of writing.
func (k *values) at(region int, address int64) []*written {
	numbers := k.on(page{region, address / pageBytes})
	if len(k.wide) > 0 {
		numbers = slices.Concat(numbers, k.wide)
		slices.Sort(numbers)
	}
	var list []*written
	for _, n := range numbers {
		list = append(list, k.list[n])
	}
	return list
}

// on returns the numbers of the maps on a page, and drops those that were overwritten.
func (k *values) on(p page) []int {
	list, ok := k.pages[p]
	if !ok {
		return nil
	}
	n := len(list)
	if list = k.live(list); len(list) == 0 {
		delete(k.pages, p)
	} else if len(list) < n {
		k.pages[p] = list
	}
	return list
}

// live leaves out the numbers of maps that were overwritten.
func (k *values) live(list []int) []int {
	return slices.DeleteFunc(list, func(n int) bool { return k.list[n] == nil })
}

// forget drops the maps with bytes in the spans, and returns how many it looked at.
func (k *values) forget(spans []isa.Span) int {
	looked := 0
	drop := func(n int) {
		looked++
		if w := k.list[n]; w != nil && overlap(w.spans, spans) {
			k.cells -= len(w.v.cells)
			k.list[n] = nil
		}
	}
	for _, n := range k.wide {
		drop(n)
	}
	k.wide = k.live(k.wide)
	few := pagesOf(spans, func(p page) {
		for _, n := range k.on(p) {
			drop(n)
		}
	})
	if !few {
		for n := range k.list {
			drop(n)
		}
	}
	return looked
}

// change replaces what is known of a map.
func (k *values) change(w *written, v value) {
	k.cells += len(v.cells) - len(w.v.cells)
	w.v = v
	k.trimmed = 0
}

// trim gives the oldest maps but the newest one bound for all their elements, until no
// more cells are known than so many.
func (k *values) trim(most int) {
	for ; k.cells > most && k.trimmed < len(k.list)-1; k.trimmed++ {
		if w := k.list[k.trimmed]; w != nil {
			k.cells -= len(w.v.cells) - 1
			w.v = value{cells: []bound{w.v.hull()}, group: w.v.group, some: w.v.some}
		}
	}
}
