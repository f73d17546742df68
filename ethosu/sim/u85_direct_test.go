// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// runWindowU85 runs an operation on random memory. flash is what region 0 holds: now and
// then constant, now and then memory that only the run knows.
func runWindowU85(t *testing.T, rng *rand.Rand, accel *ethosu.Accelerator, k *isa.KernelU85, flash []byte, direct func(k *isa.KernelU85, mem []byte, y, x, c int) (int64, bool), name string) {
	t.Helper()
	var a arena
	k.IFM.Region, k.IFM2.Region, k.OFM.Region = 1, 1, 1
	a.place(rng, &k.IFM.FeatureMap)
	if k.HasIFM2() {
		k.IFM2.H, k.IFM2.W, k.IFM2.C = k.OFM.H, k.OFM.W, k.OFM.C
		if k.MatMul {
			k.IFM2.H, k.IFM2.W, k.IFM2.C = 1, k.OFM.C, k.IFM.C
		}
		a.place(rng, &k.IFM2.FeatureMap)
	}
	written := k.Written().FeatureMap
	a.place(rng, &written)
	h, w, c := k.OFM.H, k.OFM.W, k.OFM.C
	k.OFM.FeatureMap = written
	k.OFM.H, k.OFM.W, k.OFM.C = h, w, c
	var s stream
	s.kernelU85(k)
	s.stop()
	regions := Regions{{Content: flash}, {Size: a.size + 16}}
	if flash != nil && rng.IntN(3) == 0 {
		regions[0] = Region{Size: int64(len(flash))}
	}
	sim, err := PrepareWith(accel, s.words, regions, Options{slow: rng.IntN(3) == 0})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m := sim.NewMemory()
	copy(m[0], flash)
	for i := range m[1] {
		m[1][i] = byte(rng.Uint32())
	}
	for _, f := range []*isa.MapU85{&k.IFM, &k.IFM2} { // sums must fit the accumulator
		for y := range f.H {
			for x := range f.W {
				for c := range f.C {
					if bits := f.Type.Bits; bits >= 32 {
						poke(m[1], &f.FeatureMap, y, x, c, peek(m[1], &f.FeatureMap, y, x, c)>>(17*bits/32-12))
					}
				}
			}
		}
	}
	want := bytes.Clone(m[1])
	known := true
	for y := range h {
		for x := range w {
			for c := range c {
				v, ok := direct(k, m[1], y, x, c)
				known = known && ok
				wy, wx, wc := placeBySpec(k, y, x, c)
				poke(want, &written, wy, wx, wc, v)
			}
		}
	}
	err = sim.Run(m)
	if known == (err != nil) {
		t.Fatalf("%s: the result is known: %v, and the run says %v", name, known, err)
	}
	if known && !bytes.Equal(m[1], want) {
		t.Fatalf("%s: memory differs from what is expected", name)
	}
}

// placeBySpec is where an output element is written: the list of transpositions of the
// specification, and the three reversals.
func placeBySpec(k *isa.KernelU85, y, x, c int) (int, int, int) {
	switch k.Reverse {
	case isa.ReverseH:
		return k.OFM.H - 1 - y, x, c
	case isa.ReverseW:
		return y, k.OFM.W - 1 - x, c
	case isa.ReverseC:
		return y, x, k.OFM.C - 1 - c
	}
	switch k.Transpose {
	case 1:
		return x, y, c
	case 2:
		return y, c, x
	case 3:
		return x, c, y
	case 6:
		return c, y, x
	case 7:
		return c, x, y
	}
	return y, x, c
}

// directU85 computes one output from the definition; ok is false where the result is not
// known.
func directU85(k *isa.KernelU85, mem []byte, y, x, c int) (int64, bool) {
	in := func(y, x, c int) int64 { return peek(mem, &k.IFM.FeatureMap, y, x, c) - int64(k.IFM.ZeroPoint) }
	two := func(y, x, c int) int64 { return peek(mem, &k.IFM2.FeatureMap, y, x, c) - int64(k.IFM2.ZeroPoint) }
	v := new(big.Int)
	switch {
	case k.Op == isa.OpResize:
		pick := func(a *isa.ResizeU85, p, size int) int {
			// The output's place in halves of 1/N, moved by a half so that the floor is the nearest.
			d := a.OneWhole*a.N + a.OneRest
			q, _ := new(big.Int).DivMod(big.NewInt(int64(2*(p*d+a.Offset)+a.N)), big.NewInt(int64(2*a.N)), new(big.Int))
			return min(max(int(q.Int64()), 0), size-1)
		}
		v.SetInt64(in(pick(&k.Resize[0], y, k.IFM.H), pick(&k.Resize[1], x, k.IFM.W), c))
	case k.MatMul:
		for i := range k.IFM.C {
			v.Add(v, big.NewInt(in(y, x, i)*two(0, c, i)))
		}
		v = scaleBig(v, k.OFMScale)
	case k.Pool == isa.PoolNone:
		v = scaleBig(big.NewInt(two(y, x, c)), k.OFMScale)
	case k.Pool == isa.PoolReduceSum:
		for i := range k.IFM.C {
			v.Add(v, big.NewInt(in(y, x, i)))
		}
		v = scaleBig(v, k.OFMScale)
	default:
		v = poolU85(k, tapsU85(k, y, x), func(at [2]int) int64 { return in(at[0], at[1], c) })
	}
	return finishU85(k, v)
}

// finishU85 takes a scaled value through zero point and clamp.
func finishU85(k *isa.KernelU85, v *big.Int) (int64, bool) {
	x64 := v.Int64()
	if !v.IsInt64() {
		x64 = int64(v.Sign()) << 62
	}
	x64 += int64(k.OFM.ZeroPoint)
	lo, hi := k.OFM.Type.Limits()
	if k.OFM.Type.Bits == 64 {
		return x64, true
	}
	if !k.Activation.Clip {
		return x64, x64 >= lo && x64 <= hi
	}
	e := k.OFM.Type
	return min(max(x64, lo, int64(e.Extend(k.Activation.Min))), hi, int64(e.Extend(k.Activation.Max))), true
}

func poolU85(k *isa.KernelU85, taps [][2]int, in func([2]int) int64) *big.Int {
	sum, least, most, first := int64(0), in(taps[0]), in(taps[0]), 0
	for i, at := range taps {
		e := in(at)
		sum += e
		least = min(least, e)
		if e > most {
			most, first = e, i
		}
	}
	switch k.Pool {
	case isa.PoolMax:
		return big.NewInt(most)
	case isa.PoolMin:
		return big.NewInt(least)
	case isa.PoolArgmaxX, isa.PoolArgmaxY:
		return big.NewInt(int64(first))
	case isa.PoolAverage: // |sum|/n + 1/2, rounded down, with the sign of the sum
		r := new(big.Rat).Add(big.NewRat(max(sum, -sum), int64(len(taps))), big.NewRat(1, 2))
		q, _ := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
		if sum < 0 {
			q.Neg(q)
		}
		return q
	}
	return scaleBig(big.NewInt(sum), k.OFMScale)
}
