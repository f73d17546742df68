// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/quant"
)

// TestDotKernelsAgree compares the vector kernel, where there is one, with the
// portable one and both with plain loops, at the extremes of the types too.
func TestDotKernelsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		rows, cols := 1+rng.IntN(21), 1+rng.IntN(530)
		weights := make([]byte, rows*cols)
		for i := range weights {
			weights[i] = byte(rng.Uint32())
			if rng.IntN(3) == 0 {
				weights[i] = 0x80
			}
		}
		p := pack(weights, rows, cols)
		x := make([]int16, p.lenX())
		for i := range x { // also the padding, which meets zero weights
			x[i] = int16(rng.Uint32())
			if rng.IntN(3) == 0 {
				x[i] = -32768
			}
		}
		acc, portable, wide := make([]int32, p.lenAcc()), make([]int32, p.lenAcc()), make([]int64, rows)
		p.mul(acc, x)
		dotPortable(portable, p.data, x)
		scratch := make([]int32, p.lenAcc())
		p.mulWide(wide, scratch, x)
		for r := range rows {
			var want int64
			for c := range cols {
				want += int64(int8(weights[r*cols+c])) * int64(x[c])
			}
			if wide[r] != want || acc[r] != int32(want) || portable[r] != int32(want) {
				t.Fatalf("%dx%d row %d: vector %d, portable %d, wide %d, want %d", rows, cols, r, acc[r], portable[r], wide[r], want)
			}
		}
	}
}

// TestScalersEqualPrimitives compares the prepared multipliers with MBQM and MBQM64.
func TestScalersEqualPrimitives(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		m := quant.Multiplier{M: 1<<30 + rng.Int32N(1<<30), Exp: rng.IntN(62) - 31}
		if rng.IntN(20) == 0 {
			m = quant.Multiplier{}
		}
		x := int32(rng.Uint32()) >> rng.IntN(32)
		s := newScaler(m)
		if got, want := s.apply(x), quant.MBQM(x, m); got != want {
			t.Fatalf("%d times %+v: %d, want %d", x, m, got, want)
		}
		if m.Exp < 8 {
			wide := int64(rng.Uint64()) >> (17 + rng.IntN(40))
			s := newScaler64(m)
			if got, want := s.apply(wide), quant.MBQM64(wide, m); got != want {
				t.Fatalf("%d times %+v: %d, want %d", wide, m, got, want)
			}
		}
	}
}
