// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"
	"math/bits"
)

// wide is a number of 128 bits, most of them below the point. Functions of real numbers are
// computed with these, so that what is rounded to 24 bits is off by less than 2^-85 of itself,
// far less than any float32 is from a tie: results are the nearest numbers, on every machine.
type wide struct{ hi, lo uint64 }

// times returns the upper half of a product, a few units of the last place too small.
func (a wide) times(b wide) wide {
	hi, lo := bits.Mul64(a.hi, b.hi)
	x, _ := bits.Mul64(a.hi, b.lo)
	y, _ := bits.Mul64(a.lo, b.hi)
	return wide{hi, lo}.plus(wide{lo: x}).plus(wide{lo: y})
}

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return wide{hi, lo}
}

func (a wide) minus(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo}
}

func (a wide) left(n int) wide {
	if n >= 64 {
		return wide{hi: a.lo << (n - 64)}
	}
	return wide{a.hi<<n | a.lo>>(64-n), a.lo << n}
}

func (a wide) right(n int) wide {
	if n >= 64 {
		return wide{lo: a.hi >> (n - 64)}
	}
	return wide{a.hi >> n, a.lo>>n | a.hi<<(64-n)}
}

// over returns the quotient with a larger number, 128 bits below the point.
func (a wide) over(b wide) (q wide) {
	a, b = a.right(1), b.right(1) // what is left over has to have a bit to spare
	for range 128 {
		a, q = a.left(1), q.left(1)
		if a.hi > b.hi || a.hi == b.hi && a.lo >= b.lo {
			a = a.minus(b)
			q.lo |= 1
		}
	}
	return q
}

// real returns the nearest real number to v * 2^(power-127).
func (v wide) real(negative bool, power int) float32 {
	b := uint32(0)
	if v != (wide{}) {
		for v.hi>>63 == 0 {
			v, power = v.left(1), power-1
		}
		keep := 24
		if power < -126 {
			keep = 150 + power // a subnormal number has fewer bits
		}
		switch {
		case power > 127:
			b = math.Float32bits(float32(math.Inf(1)))
		case keep >= 0:
			rest := v.hi << keep
			b = uint32(v.hi >> (64 - keep))
			if power >= -126 {
				b += uint32(power+126) << 23
			}
			if rest>>63 != 0 && (rest<<1 != 0 || v.lo != 0 || b&1 != 0) {
				b++
			}
		}
	}
	if negative {
		b |= 1 << 31
	}
	return math.Float32frombits(b)
}

// parts returns a finite number as m * 2^e, where m has 24 bits unless it is 0.
func parts(v float32) (m uint32, e int) {
	b := math.Float32bits(v)
	m, e = b&(1<<23-1), int(b>>23&0xff)
	if e > 0 {
		return m | 1<<23, e - 150
	}
	for e = 1; m != 0 && m>>23 == 0; e-- {
		m <<= 1
	}
	return m, e - 150
}
