// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math/bits"
	"sync"
)

// chooser finds the cheapest parameters for the values of one histogram and one palette
// size after the other, by rising size: the first values are in the palette, and what the
// others cost depends on how far the palette shifts their indices.
type chooser struct {
	values []value
	n      int64 // weights of all values

	in    int           // values in the palette
	top   int32         // the largest of them
	quot  [ricers]int64 // sum of their quotients
	three [ricers]int64 // weights of them with a quotient of 2

	// Of the other values, where zero goes by the code of minus zero, 1: that leaves no hole
	// at code 1 when the direct offset is 1 or more.
	least, most [maxPalette + 1]int32 // of those from each number in the palette on
	above       [maxIndex + 2]int32   // weights of such a value or a larger one
	sum         int64                 // of all

	listed  [maxIndex + 1]value
	entries [maxPalette]uint16
}

var choosers = sync.Pool{New: func() any { return new(chooser) }}

// ricers are the Rice parameters.
const ricers = 6

func (v value) code() int32 { return max(v.f, 1) }

// start begins with no value in the palette.
func (x *chooser) start(values []value) {
	x.values, x.n, x.in, x.top, x.sum = values, 0, 0, 0, 0
	x.quot, x.three = [ricers]int64{}, [ricers]int64{}
	clear(x.above[:])
	for _, v := range values {
		x.n += int64(v.n)
		x.sum += int64(v.n) * int64(v.code())
		x.above[v.code()] += v.n
	}
	for c := maxIndex; c >= 0; c-- {
		x.above[c] += x.above[c+1]
	}
	low, high := int32(maxIndex), int32(0)
	for i := len(values); i >= 0; i-- {
		if i < len(values) {
			low, high = min(low, values[i].code()), max(high, values[i].code())
		}
		if i <= maxPalette {
			x.least[i], x.most[i] = low, high
		}
	}
}

// grow moves the next value into the palette.
func (x *chooser) grow() {
	v := x.values[x.in]
	for k := range x.quot {
		q := x.in >> k
		x.quot[k] += int64(v.n) * int64(q)
		if q == 2 {
			x.three[k] += int64(v.n)
		}
	}
	x.sum -= int64(v.n) * int64(v.code())
	for c := range x.above[:v.code()+1] {
		x.above[c] -= v.n
	}
	x.top = max(x.top, v.f)
	x.in++
}

// atLeast returns the weights outside the palette with a value of c or more.
func (x *chooser) atLeast(c int) int64 { return int64(x.above[min(max(c, 0), maxIndex+1)]) }

// choose sets palette, direct offset and the cheapest slice code, given the size of the
// palette, no less than the last one. It reports false when an index would be too large.
func (x *chooser) choose(p *params, size int) bool {
	for x.in < min(size, len(x.values)) {
		x.grow()
	}
	outside := x.in < len(x.values)
	p.dirofs = 0
	largest := x.in - 1
	shift := size
	if outside {
		p.dirofs = min(31, int(x.least[x.in]))
		shift -= p.dirofs
		last := int(x.most[x.in]) + shift
		if last > maxIndex {
			return false
		}
		largest = max(largest, last)
	}

	p.entries = nil
	top := int32(largest)
	if size > 0 {
		top = x.top
		p.entries = p.store[:size]
		clear(p.entries)
		for i, v := range x.values[:x.in] {
			p.entries[i] = uint16(v.f)
		}
	}
	p.palbits = max(2, bits.Len32(uint32(top)))
	if p.palbits > 9 {
		return false
	}
	bestBits := int64(1) << 62
	take := func(bits int64, wdiv int, trunc bool) {
		if bits < bestBits {
			bestBits = bits
			p.code.wdiv, p.code.trunc = wdiv, trunc
		}
	}
	if !outside || size == 0 {
		take(x.n*int64(rawBits(size, p.palbits)), wdivRaw, false)
	}
	for k := range ricers {
		if largest>>k > maxQuot {
			continue
		}
		cost, three := x.quot[k]+x.n*int64(1+k), x.three[k]
		switch {
		case !outside:
		case k == 0:
			cost += x.sum + x.atLeast(0)*int64(shift)
		default: // a weight for each multiple up to its index
			for at := 1 << k; at <= largest; at += 1 << k {
				cost += x.atLeast(at - shift)
			}
		}
		take(cost, k, false)
		if largest>>k <= 2 {
			if outside {
				three += x.atLeast(2<<k-shift) - x.atLeast(3<<k-shift)
			}
			take(cost-three, k, true) // truncation makes a quotient of 2 cheaper
		}
	}
	if bestBits == 1<<62 {
		return false
	}
	p.bits = int(bestBits)
	return true
}
