// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestScalerAgainstIntegers evaluates the rounding formulas in unbounded integers.
func TestScalerAgainstIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200000 {
		s := isa.Scale{Value: rng.Uint32() >> rng.IntN(32), Shift: rng.IntN(64)}
		mode, d := rng.IntN(3), []uint{0, 15, 20}[rng.IntN(3)]
		v := int64(rng.Uint64()) >> (1 + rng.IntN(63))
		r := newScaler(s, isa.RoundMode(mode), d)
		if got, want := r.round(v), roundBig(v, s, mode, d); got != want {
			t.Fatalf("%d times %d, shifted by %d: the scaler gives %d, the formula of round_mode %d (%s, with operands shifted by %d ahead; docs/numerics.md) %d",
				v, s.Value, s.Shift, got, mode, [...]string{"twice, as TFLite", "to zero", "half up"}[mode], d, want)
		}
	}
}

func roundBig(v int64, s isa.Scale, mode int, d uint) int64 {
	n := uint(s.Shift)
	x := new(big.Int).Mul(big.NewInt(v), big.NewInt(int64(s.Value)))
	pow := func(e uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), e) }
	if n > 0 {
		switch mode {
		case isa.RoundTFL:
			x.Add(x, pow(n-1))
			if n > 31-d {
				if v >= 0 {
					x.Add(x, pow(30-d))
				} else {
					x.Sub(x, pow(30-d))
				}
			}
		case isa.RoundNatural:
			x.Add(x, pow(n-1))
		case isa.RoundTruncate:
			if v < 0 {
				x.Add(x, pow(n))
				x.Sub(x, big.NewInt(1))
			}
		}
		x.Rsh(x, n)
	}
	if lim := pow(62); x.CmpAbs(lim) > 0 {
		return map[bool]int64{true: -1 << 62, false: 1 << 62}[x.Sign() < 0]
	}
	return x.Int64()
}

func TestBuiltInFunctions(t *testing.T) {
	for _, c := range []struct{ x, sig int64 }{{-32768, 11}, {-12345, 1534}, {-4096, 8812}, {-513, 15360}, {-512, 15361}, {-1, 16382},
		{0, 16384}, {1, 16386}, {256, 16896}, {4096, 23956}, {12345, 31234}, {32767, 32757}} {
		if got := sigmoidCore(3 * c.x); got != c.sig {
			t.Errorf("sigmoid(3*%d) = %d, expected %d", c.x, got, c.sig)
		}
	}
	for _, c := range []struct{ x, tanh int64 }{{-32768, -32767}, {-12345, -32611}, {-4096, -24956}, {-513, -4083}, {-1, -8}, {0, 0},
		{1, 8}, {256, 2045}, {4096, 24956}, {32767, 32767}} {
		if got := tanhCore(3 * c.x); got != c.tanh {
			t.Errorf("tanh(3*%d) = %d, expected %d", c.x, got, c.tanh)
		}
	}
}
