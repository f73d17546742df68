// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// bound is what values may be: lo to hi, both included.
type bound struct{ lo, hi int64 }

var int32s = bound{math.MinInt32, math.MaxInt32}

func (b bound) within(o bound) bool { return b.lo >= o.lo && b.hi <= o.hi }

func (b bound) clamp(o bound) bound {
	return bound{min(max(b.lo, o.lo), o.hi), min(max(b.hi, o.lo), o.hi)}
}

func (b bound) add(n int64) bound { return bound{b.lo + n, b.hi + n} }

func (b bound) abs() bound { return bound{max(b.lo, -b.hi, 0), max(-b.lo, b.hi)} }

func join(a, b bound) bound { return bound{min(a.lo, b.lo), max(a.hi, b.hi)} }

// most bounds what is followed: far beyond every limit, and sums of it fit.
const most = 1 << 60

// times returns n values of a bound together.
func (b bound) times(n int64) bound {
	of := func(v int64) int64 {
		if v != 0 && n > most/max(v, -v) {
			if v < 0 {
				return -most
			}
			return most
		}
		return n * v
	}
	return bound{of(b.lo), of(b.hi)}
}

func mul(a, b bound) bound {
	w, x, y, z := a.lo*b.lo, a.lo*b.hi, a.hi*b.lo, a.hi*b.hi
	return bound{min(w, x, y, z), max(w, x, y, z)}
}

// split cuts the values of one feature map into cells, so that what is computed from
// an element can be followed for each cell alone: a shift by the leading zeros of a
// value never loses a bit of that value, and no single bound shows it.
type split struct{ cells []bound }

// octave is the number of cells between one power of two and the next. With these many
// three steps of Newton's division stay within twice its result.
const octave = 64

// newSplit cuts a bound so that every cell has one number of leading zeros.
func newSplit(b bound) *split {
	return splitBy(b, func(at, power int64) int64 { return power / octave })
}

// newSplitU85 is newSplit for the U85, where products are not known to be limited to 32
// bits: quotients next to 1 have to stay below it. Cells are the smaller the nearer a power
// of two is, of which the quotient is 1.
func newSplitU85(b bound) *split {
	return splitBy(b, func(at, power int64) int64 { return min(power/(8*octave), (at-power)/(octave/2)) })
}

// splitBy cuts a bound into cells of a size that depends on where they begin, and on the
// power of two before that.
func splitBy(b bound, sizeOf func(at, power int64) int64) *split {
	s := &split{}
	if b.lo < 0 {
		s.cells = append(s.cells, bound{b.lo, min(b.hi, -1)})
	}
	for at := max(b.lo, 0); at <= b.hi; {
		size, end := int64(1), at
		if n := bits.Len64(uint64(at)); n > 0 {
			power := int64(1) << (n - 1)
			size = max(sizeOf(at, power), 1)
			end = min(at/size*size+size-1, b.hi, 2*power-1)
		}
		s.cells = append(s.cells, bound{at, end})
		at = end + 1
	}
	return s
}

// value is what is known of the elements of a feature map.
type value struct {
	by    *split
	cells []bound // one for every cell of by; without by, one

	// Of every group of so many elements next to each other some holds at least one;
	// nothing is known of such groups when it is 0.
	group int
	some  bound
}

func only(b bound) value { return value{cells: []bound{b}} }

// hull returns one bound for all elements.
func (v value) hull() bound {
	b := v.cells[0]
	for _, c := range v.cells[1:] {
		b = join(b, c)
	}
	return b
}

// apply returns what an operation makes of every element.
func (v value) apply(f func(bound) bound) value {
	out := value{by: v.by, cells: make([]bound, len(v.cells)), group: v.group}
	for i, b := range v.cells {
		out.cells[i] = f(b)
	}
	if v.group > 0 {
		out.some = f(v.some)
	}
	return out
}

// combine returns what an operation makes of pairs of elements, each pair of one pixel.
func combine(a, b value, f func(a, b bound) bound) value {
	if a.by != nil && b.by != nil && a.by != b.by {
		b = only(b.hull())
	}
	var out value
	switch {
	case b.by == nil:
		out = value{by: a.by, cells: make([]bound, len(a.cells))}
		for i := range a.cells {
			out.cells[i] = f(a.cells[i], b.cells[0])
		}
	case a.by == nil:
		out = value{by: b.by, cells: make([]bound, len(b.cells))}
		for i := range b.cells {
			out.cells[i] = f(a.cells[0], b.cells[i])
		}
	default:
		out = value{by: a.by, cells: make([]bound, len(a.cells))}
		for i := range a.cells {
			out.cells[i] = f(a.cells[i], b.cells[i])
		}
	}
	if a.group > 0 {
		out.some, out.group = f(a.some, b.hull()), a.group
	}
	return out
}

// rounding is a scale with its rounding, as a function of whole values that never
// falls. fixed is the number of bits that a shift of the operand accounts for.
type rounding struct {
	scale isa.Scale
	mode  isa.RoundMode
	fixed int
}

func (r rounding) of(b bound) bound { return bound{r.value(b.lo), r.value(b.hi)} }

func (r rounding) value(v int64) int64 {
	const fits = 1 << 62 // and half of a shift of 60 bits beside it
	if r.scale.Shift > 60 || max(v, -v) > fits>>32 && max(v, -v) > fits/max(int64(r.scale.Value), 1) {
		return r.large(v)
	}
	n, sum := r.scale.Shift, v*int64(r.scale.Value)
	if n > 0 {
		switch {
		case r.mode == isa.RoundTruncate && v < 0:
			sum += 1<<n - 1
		case r.mode == isa.RoundTruncate:
		default:
			sum += 1 << (n - 1)
			if r.mode == isa.RoundTFL && n > 31-r.fixed { // as in large
				second := int64(1) << (30 - r.fixed)
				if v < 0 {
					second = -second
				}
				sum += second
			}
		}
		sum >>= n
	}
	return min(max(sum, -most), most)
}

// large is value for products that may have more than 63 bits.
func (r rounding) large(v int64) int64 {
	n := r.scale.Shift
	sum := new(big.Int).Mul(big.NewInt(v), new(big.Int).SetUint64(uint64(r.scale.Value)))
	if n > 0 {
		half := new(big.Int).Lsh(big.NewInt(1), uint(n-1))
		switch {
		case r.mode == isa.RoundTruncate && v < 0:
			sum.Add(sum, half.Lsh(half, 1)).Sub(sum, big.NewInt(1))
		case r.mode == isa.RoundTruncate:
		default:
			sum.Add(sum, half)
			if r.mode == isa.RoundTFL && n > 31-r.fixed { // twice, the first time by 31 bits, half away from zero
				second := new(big.Int).Lsh(big.NewInt(1), uint(30-r.fixed))
				if v < 0 {
					second.Neg(second)
				}
				sum.Add(sum, second)
			}
		}
		sum.Rsh(sum, uint(n))
	}
	if !sum.IsInt64() {
		if sum.Sign() < 0 {
			return -most
		}
		return most
	}
	return min(max(sum.Int64(), -most), most)
}
