// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// scaleBig is a scale of the U85 in unbounded integers.
func scaleBig(v *big.Int, s isa.ScaleU85) *big.Int {
	x := new(big.Int).Mul(v, big.NewInt(int64(s.Value)))
	if s.Shift == 0 {
		return x
	}
	pow := func(e int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(e)) }
	down := v.Sign() < 0
	switch s.Round {
	case isa.RoundDouble, isa.RoundDoubleAsym:
		x.Add(x, pow(s.Shift-1))
		if s.Shift > 31-s.Double {
			if down && s.Round == isa.RoundDouble {
				x.Sub(x, pow(30-s.Double))
			} else {
				x.Add(x, pow(30-s.Double))
			}
		}
	case isa.RoundHalfUp:
		x.Add(x, pow(s.Shift-1))
	case isa.RoundSymmetric: // half away from zero
		if x.Add(x, pow(s.Shift-1)); down {
			x.Sub(x, big.NewInt(1))
		}
	case isa.RoundTowardsZero:
		return x.Quo(x, pow(s.Shift))
	}
	return x.Rsh(x, uint(s.Shift)) // floor
}

// TestRoundModesU85 pins the round modes by what their names say.
func TestRoundModesU85(t *testing.T) {
	for mode, want := range map[isa.RoundModeU85][6]int64{
		//                      -5/2 -3/2 -3/4 3/4 3/2 5/2, as quarters
		isa.RoundDouble:      {-2, -1, -1, 1, 2, 3},
		isa.RoundHalfUp:      {-2, -1, -1, 1, 2, 3},
		isa.RoundDoubleAsym:  {-2, -1, -1, 1, 2, 3},
		isa.RoundSymmetric:   {-3, -2, -1, 1, 2, 3},
		isa.RoundTowardsZero: {-2, -1, 0, 0, 1, 2},
		isa.RoundDown:        {-3, -2, -1, 0, 1, 2},
	} {
		for i, v := range []int64{-10, -6, -3, 3, 6, 10} {
			s := newScalerU85(isa.ScaleU85{Value: 1, Shift: 2, Round: mode})
			if got := s.round(v); got != want[i] {
				t.Errorf("%v: %d/4 is %d, expected %d", mode, v, got, want[i])
			}
		}
	}
	// Rounded twice: 1/2 becomes 1 and 1/4 with it; -1/4 does not become -1.
	s := newScalerU85(isa.ScaleU85{Value: 1 << 29, Shift: 32})
	if a, b := s.round(2), s.round(-2); a != 1 || b != 0 {
		t.Errorf("a quarter of 1 and of -1 are %d and %d, expected 1 and 0", a, b)
	}
}

// TestScalerU85 evaluates the rounding formulas in unbounded integers.
func TestScalerU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	for range 200000 {
		s := isa.ScaleU85{Value: rng.Uint32() >> (1 + rng.IntN(31)), Shift: rng.IntN(64), Round: isa.RoundModeU85(rng.IntN(6)), Double: rng.IntN(31)}
		v := int64(rng.Uint64()) >> (1 + rng.IntN(63))
		want := scaleBig(big.NewInt(v), s)
		if lim := new(big.Int).Lsh(big.NewInt(1), 62); want.CmpAbs(lim) > 0 {
			want.Set(lim)
			if v < 0 {
				want.Neg(want)
			}
		}
		r := newScalerU85(s)
		if got := r.round(v); got != want.Int64() {
			t.Fatalf("round(%d) with %+v is %d, expected %v", v, s, got, want)
		}
		if f, ok := r.exact(); ok && v>>20 == v>>63 && r.round(v) != v*f {
			t.Fatalf("%+v is said to be the factor %d, and round(%d) is %d", s, f, v, r.round(v))
		}
	}
}
