// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Bounds hold what single values give, for every operation, and stay in order.
func TestBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 62))
	draw := func() int64 {
		v := r.Int64N(1<<33) - 1<<32
		return v >> r.IntN(33)
	}
	for range 20000 {
		b := bound{draw(), draw()}
		if b.lo > b.hi {
			b.lo, b.hi = b.hi, b.lo
		}
		v := b.lo + r.Int64N(b.hi-b.lo+1)
		holds := func(what string, got bound, want int64) {
			t.Helper()
			if got.lo > got.hi || want < got.lo || want > got.hi {
				t.Fatalf("%s of %d in %v: %d is not in %v", what, v, b, want, got)
			}
		}
		round := rounding{scale: isa.Scale{Value: r.Uint32() >> r.IntN(32), Shift: r.IntN(64)}, mode: isa.RoundMode(r.IntN(3)), fixed: []int{0, 15, 20}[r.IntN(3)]}
		holds("rounding", round.of(b), round.value(v))
		holds("ABS", unary(isa.ElemAbs, b, round), round.value(max(v, -v)))
		if v >= -1<<31 {
			holds("CLZ", unary(isa.ElemCLZ, b, round), int64(bits.LeadingZeros32(uint32(min(v, 1<<32-1)))))
		}
		if v >= 0 {
			holds("LRELU", unary(isa.ElemLRelu, b, round), v)
		} else {
			holds("LRELU", unary(isa.ElemLRelu, b, round), round.value(v))
		}
		n := r.Int64N(1 << 40)
		if got := b.times(n); got.lo > got.hi || n*v>>40 == 0 && n < 1<<20 && (n*v < got.lo || n*v > got.hi) {
			t.Fatalf("%d times %d in %v: %v", n, v, b, got)
		}
		s := newSplit(bound{max(b.lo, -1<<31), min(max(b.hi, -1<<31), 1<<31-1)})
		for i, c := range s.cells {
			if i > 0 && c.lo != s.cells[i-1].hi+1 || c.lo > c.hi {
				t.Fatalf("cell %d of %v is %v behind %v", i, b, c, s.cells[max(i-1, 0)])
			}
			if z := unary(isa.ElemCLZ, c, round); z.lo != z.hi {
				t.Fatalf("cell %v of %v has %v leading zeros, expected one number", c, b, z)
			}
		}
	}
}

// A clamp is a part of the type, in order, whatever the registers hold.
func TestClipOf(t *testing.T) {
	r := rand.New(rand.NewPCG(63, 64))
	for range 2000 {
		for _, typ := range []isa.DType{{Bits: 8}, {Bits: 8, Signed: true}, {Bits: 16}, {Bits: 16, Signed: true}} {
			first, last := typ.Limits()
			act := isa.Activation{Min: uint16(r.Uint32()), Max: uint16(r.Uint32())}
			if b := clipOf(act, typ); b.lo > b.hi || b.lo < first || b.hi > last {
				t.Fatalf("%v of %v: %v", act, typ, b)
			}
		}
	}
}
