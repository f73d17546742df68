// SPDX-License-Identifier: Apache-2.0

package place

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// plainFit is the definition of fit: every buffer that was placed is looked at.
func plainFit(order, fixed []*storage) int {
	placed := slices.Clone(fixed)
	size := 0
	for _, b := range order {
		slices.SortFunc(placed, func(a, b *storage) int { return cmp.Compare(a.offset, b.offset) })
		b.offset = 0
		for _, c := range placed {
			if c.first > b.last || b.first > c.last || c.offset+c.buf.Size <= b.offset {
				continue
			}
			if c.offset >= b.offset+b.buf.Size {
				break
			}
			b.offset = c.offset + c.buf.Size
		}
		size = max(size, b.offset+b.buf.Size)
		placed = append(placed, b)
	}
	return size
}

// TestFit compares places with those of the definition: of buffers that live for a few
// operations, for many eras and for the whole program, beside some that are fixed.
func TestFit(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 11))
		program := 1 + rng.IntN(40*era)
		random := func() *storage {
			s := &storage{buf: &kernel.Buffer{Size: 16 * (1 + rng.IntN(20))}, first: rng.IntN(program)}
			switch rng.IntN(5) {
			case 0:
				s.first, s.last = 0, program-1
			case 1:
				s.last = s.first + rng.IntN(program-s.first)
			default:
				s.last = min(s.first+rng.IntN(2*era), program-1)
			}
			return s
		}
		var fixed, order, again []*storage
		for i := range rng.IntN(3) {
			s := random()
			s.offset = 400 * i
			fixed = append(fixed, s)
		}
		for range 1 + rng.IntN(150) {
			s := random()
			c := *s
			order, again = append(order, s), append(again, &c)
		}
		if got, want := fit(order, fixed), plainFit(again, fixed); got != want {
			t.Fatalf("seed %d: %d bytes, expected %d", seed, got, want)
		}
		for i, s := range order {
			if s.offset != again[i].offset {
				t.Fatalf("seed %d: buffer %d of %d bytes is at %d, expected %d", seed, i, s.buf.Size, s.offset, again[i].offset)
			}
		}
	}
}
