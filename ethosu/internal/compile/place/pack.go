// SPDX-License-Identifier: Apache-2.0

package place

import (
	"math"
	"slices"
	"sort"
)

// pack assigns offsets to buffers so that those alive together do not overlap, nor
// meet those that have a fixed place. It returns the size reached and the largest sum of sizes alive at one time, which
// no assignment can beat. Several orders are tried, then random exchanges from a
// fixed seed, until the bound is met.
func pack(list, fixed []*storage) (size, bound int) {
	ends := 0
	for _, b := range fixed {
		ends = max(ends, b.offset+b.buf.Size)
	}
	if len(list) == 0 {
		return ends, ends
	}
	events := map[int]int{}
	for _, b := range slices.Concat(list, fixed) {
		events[b.first] += b.buf.Size
		events[b.last+1] -= b.buf.Size
	}
	var times []int
	for t := range events {
		times = append(times, t)
	}
	sort.Ints(times)
	sum := 0
	for _, t := range times {
		sum += events[t]
		bound = max(bound, sum)
	}
	bound = max(bound, ends)
	life := func(b *storage) int { return b.last - b.first }
	orders := []func(a, b *storage) bool{
		func(a, b *storage) bool { return a.buf.Size > b.buf.Size },
		func(a, b *storage) bool { return life(a) > life(b) },
		func(a, b *storage) bool { return int64(life(a))*int64(a.buf.Size) > int64(life(b))*int64(b.buf.Size) },
		func(a, b *storage) bool { return a.first < b.first },
	}
	best := math.MaxInt
	var bestOffsets []int
	try := func(order []*storage) int {
		n := max(fit(order, fixed), ends)
		if n < best {
			best = n
			bestOffsets = bestOffsets[:0]
			for _, b := range list {
				bestOffsets = append(bestOffsets, b.offset)
			}
		}
		return n
	}
	order := append([]*storage(nil), list...)
	var bestOrder []*storage
	for _, less := range orders {
		copy(order, list)
		sort.SliceStable(order, func(i, j int) bool { return less(order[i], order[j]) })
		old := best
		if try(order); best < old {
			bestOrder = append(bestOrder[:0], order...)
		}
		if best == bound {
			break
		}
	}
	rng := uint64(1)
	tries := min(200, 3_000_000/(len(list)*len(list)))
	for i := 0; i < tries && best > bound; i++ {
		copy(order, bestOrder)
		for k := 0; k < 2; k++ {
			rng = rng*6364136223846793005 + 1442695040888963407
			x := int(rng>>33) % len(order)
			rng = rng*6364136223846793005 + 1442695040888963407
			y := int(rng>>33) % len(order)
			order[x], order[y] = order[y], order[x]
		}
		if n := try(order); n <= best {
			copy(bestOrder, order)
		}
	}
	for i, b := range list {
		b.offset = bestOffsets[i]
	}
	return best, bound
}
