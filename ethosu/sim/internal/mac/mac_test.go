// SPDX-License-Identifier: Apache-2.0

package mac

import (
	"math/rand/v2"
	"testing"
)

// TestMatVec compares the kernel in use with plain sums, rows and lengths around the
// unrolling, and requires memory behind the result to be left alone.
func TestMatVec(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		rows, n := 1+rng.IntN(13), Step*(1+rng.IntN(20))
		stride := n + rng.IntN(3)*Step
		x, w := values(rng, n), values(rng, rows*stride)
		acc := make([]int32, rows+8)
		for i := range acc {
			acc[i] = 0x5EED
		}
		MatVec(acc[:rows], x, w, stride)
		check := make([]int32, rows)
		portable(check, x, w, stride)
		for r := range rows {
			var want int64
			for i, v := range x {
				want += int64(v) * int64(w[r*stride+i])
			}
			if int64(acc[r]) != want || int64(check[r]) != want {
				t.Fatalf("row %d of %d, length %d: kernel %d, portable %d, expected %d", r, rows, n, acc[r], check[r], want)
			}
		}
		for _, v := range acc[rows:] {
			if v != 0x5EED {
				t.Fatalf("%d rows of %d: the kernel writes behind the result", rows, n)
			}
		}
	}
}

// TestMatVecExtremes uses the largest products over the longest vector.
func TestMatVecExtremes(t *testing.T) {
	x, w := make([]int16, MaxLen), make([]int16, MaxLen)
	for i := range x {
		x[i], w[i] = -255, 255
	}
	var acc [1]int32
	MatVec(acc[:], x, w, len(x))
	if want := int32(-255 * 255 * MaxLen); acc[0] != want {
		t.Errorf("%d, expected %d", acc[0], want)
	}
}

func values(rng *rand.Rand, n int) []int16 {
	v := make([]int16, n)
	for i := range v {
		v[i] = int16(rng.IntN(511) - 255)
	}
	return v
}

func BenchmarkMatVec256x768(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	x, w, acc := values(rng, 256), values(rng, 256*768), make([]int32, 768)
	for b.Loop() {
		MatVec(acc, x, w, 256)
	}
	b.ReportMetric(float64(b.N)*256*768/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

// TestMatVecBytes compares the byte kernel, where there is one, with plain sums.
func TestMatVecBytes(t *testing.T) {
	if !HaveBytes() {
		t.Skip("SKIPPED: this processor has no byte kernel, so it is not proven")
	}
	rng := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		rows, n := 1+rng.IntN(13), ByteStep*(1+rng.IntN(12))
		stride := n + rng.IntN(3)*ByteStep
		x, w := make([]uint8, n), make([]int8, rows*stride)
		for i := range x {
			x[i] = uint8(rng.Uint32())
		}
		for i := range w {
			w[i] = int8(rng.Uint32())
		}
		acc := make([]int32, rows+8)
		MatVecBytes(acc[:rows], x, w, stride)
		for r := range rows {
			var want int32
			for i, v := range x {
				want += int32(v) * int32(w[r*stride+i])
			}
			if acc[r] != want {
				t.Fatalf("row %d of %d, length %d: %d, expected %d", r, rows, n, acc[r], want)
			}
		}
		for _, v := range acc[rows:] {
			if v != 0 {
				t.Fatalf("%d rows of %d: the kernel writes behind the result", rows, n)
			}
		}
	}
}

func BenchmarkMatVecBytes256x768(b *testing.B) {
	if !HaveBytes() {
		b.Skip()
	}
	x, w, acc := make([]uint8, 256), make([]int8, 256*768), make([]int32, 768)
	for b.Loop() {
		MatVecBytes(acc, x, w, 256)
	}
	b.ReportMetric(float64(b.N)*256*768/b.Elapsed().Seconds()/1e9, "GMAC/s")
}
