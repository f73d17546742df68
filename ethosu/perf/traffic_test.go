// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// The bytes of a block that lie together, by walking the addresses of one of its rows.
func TestRun(t *testing.T) {
	r := rand.New(rand.NewPCG(91, 92))
	for range 3000 {
		fm := block.Shape{H: 1 + r.IntN(3), W: 1 + r.IntN(6), D: 1 + r.IntN(50)}
		b := block.Shape{H: 1 + r.IntN(4), W: 1 + r.IntN(8), D: 8 * (1 + r.IntN(8))}
		bits := 8 << r.IntN(3)
		e := int64(bits / 8)
		f := isa.FeatureMap{H: fm.H, W: fm.W, C: fm.D, Height0: fm.H, Width0: fm.W, Type: isa.DType{Bits: bits}, Format: isa.Format(r.IntN(2)),
			StrideX: e * int64(fm.D), StrideY: e * int64(fm.D*fm.W)}
		channels := min(b.D, fm.D)
		if f.Format == isa.NHCWB16 {
			f.StrideX, f.StrideC, f.StrideY = 16*e, 16*e*int64(fm.W), e*int64(fm.W*roundUp(fm.D, 16))
			channels = roundUp(channels, 16) // bricks move whole
		}
		taken := map[int64]bool{}
		for x := range min(b.W, fm.W) {
			for c := range channels {
				taken[f.Address(0, x, c)] = true
			}
		}
		want := int64(0)
		for taken[want] {
			want += e
		}
		if got := run(f.Format, bits, b, fm); int64(got) != want {
			t.Fatalf("%v, %d bits, block %v of %v: %d bytes together, expected %d", f.Format, bits, b, fm, got, want)
		}
	}
}

// The input that blocks need along one axis, by counting what the windows of each touch.
func TestExtent(t *testing.T) {
	r := rand.New(rand.NewPCG(93, 94))
	for range 3000 {
		n, b, stride, kernel, up := 1+r.IntN(40), 1+r.IntN(16), 1+r.IntN(3), 1+r.IntN(5), 1+r.IntN(2)
		input := ((n-1)*stride + kernel + up - 1) / up
		want := 0
		for at := 0; at < n; at += b {
			last := min(at+b, n) - 1
			high := 0
			for o := at; o <= last; o++ {
				high = max(high, ((o-at)*stride+kernel+up-1)/up)
			}
			want += min(high, input)
		}
		if got := extent(n, b, stride, kernel, input, up); got != want {
			t.Fatalf("%d outputs in blocks of %d, stride %d, kernel %d, upscaled by %d: %d, expected %d", n, b, stride, kernel, up, got, want)
		}
	}
}
