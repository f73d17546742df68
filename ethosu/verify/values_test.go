// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestValuesByAddress writes and overwrites maps at random, small ones and such of more
// pages than are counted, and compares what is known with what a list says.
func TestValuesByAddress(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var k values
	type entry struct {
		id    int64
		spans []isa.Span
	}
	var want []entry
	span := func() isa.Span {
		n := 1 + r.Int64N(600)
		if r.IntN(8) == 0 {
			n = pageBytes*mostPages - 600 + r.Int64N(1200)
		}
		start := r.Int64N(40000) - 100
		return isa.Span{Region: 1 + r.IntN(2), Start: start, End: start + n}
	}
	wide, few := 0, 0
	for i := range int64(4000) {
		spans := []isa.Span{span()}
		if r.IntN(3) == 0 {
			spans = append(spans, span())
		}
		if pagesOf(spans, func(page) {}) {
			few++
		} else {
			wide++
		}
		k.forget(spans)
		want = slices.DeleteFunc(want, func(e entry) bool { return overlap(e.spans, spans) })
		if r.IntN(4) > 0 {
			k.add(written{spans: spans, v: value{cells: make([]bound, 1+r.IntN(5)), group: int(i)}})
			want = append(want, entry{i, spans})
		}
		region, at := 1+r.IntN(2), r.Int64N(41000)-100
		byte1 := []isa.Span{{Region: region, Start: at, End: at + 1}}
		var found, expected []int64
		for _, w := range k.at(region, at) {
			if overlap(w.spans, byte1) {
				found = append(found, int64(w.v.group))
			}
		}
		for _, e := range want {
			if overlap(e.spans, byte1) {
				expected = append(expected, e.id)
			}
		}
		if !slices.Equal(found, expected) {
			t.Fatalf("round %d: %v at %d of region %d, expected %v", i, found, at, region, expected)
		}
		cells := 0
		var all []int64
		for _, w := range k.all() {
			cells += len(w.v.cells)
			all = append(all, int64(w.v.group))
		}
		if n := len(want); len(all) != n || n > 0 && (all[0] != want[0].id || all[n-1] != want[n-1].id) || cells != k.cells {
			t.Fatalf("round %d: known are %v with %d cells, counted %d, expected %d maps", i, all, cells, k.cells, n)
		}
	}
	if wide < 100 || few < 100 {
		t.Errorf("%d maps of many pages and %d of few: the test has lost what it is for", wide, few)
	}
}
