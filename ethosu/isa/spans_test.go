// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"math/rand/v2"
	"testing"
)

// The spans of a map begin at its first byte and end behind its last one, tile by tile,
// whichever way its strides run.
func TestSpansHoldEveryElement(t *testing.T) {
	r := rand.New(rand.NewPCG(81, 82))
	for range 3000 {
		f := FeatureMap{Region: 1, H: 1 + r.IntN(6), W: 1 + r.IntN(6), C: 1 + r.IntN(40), Type: DType{Signed: true, Bits: 8 << r.IntN(3)}, Format: Format(r.IntN(2))}
		f.Height0, f.Height1, f.Width0 = 1+r.IntN(f.H), 1+r.IntN(f.H), 1+r.IntN(f.W)
		e := int64(f.Type.Bytes())
		f.StrideX, f.StrideY, f.StrideC = e*int64(r.IntN(200)-100), e*int64(r.IntN(2000)-1000), e*int64(r.IntN(2000)-1000)
		for i := range f.Base {
			f.Base[i] = uint64(1<<20 + i<<16)
		}
		type ends struct{ lo, hi int64 }
		tiles := map[int]ends{}
		for y := range f.H {
			for x := range f.W {
				for c := range f.C {
					tile, _, _ := f.Tile(y, x)
					a := f.Address(y, x, c)
					b, ok := tiles[tile]
					if !ok {
						b = ends{a, a + e}
					}
					tiles[tile] = ends{min(b.lo, a), max(b.hi, a+e)}
				}
			}
		}
		spans := f.Spans()
		if len(spans) != len(tiles) {
			t.Fatalf("%+v: %d spans of %d tiles", f, len(spans), len(tiles))
		}
		for _, want := range tiles {
			found := false
			for _, s := range spans {
				// The last brick counts as full, and may not be.
				if s.Region == 1 && s.Start == want.lo && (s.End == want.hi || f.Format == NHCWB16 && f.C > 16 && s.End >= want.hi && s.End < want.hi+16*e) {
					found = true
				}
			}
			if !found {
				t.Fatalf("%+v: spans %v, expected one from %d to %d", f, spans, want.lo, want.hi)
			}
		}
	}
	if s := (&FeatureMap{H: 0, W: 1, C: 1}).Spans(); s != nil {
		t.Errorf("a map without rows has spans %v", s)
	}
}

// Kernels come out of the registers with every bit in its place.
func TestKernelRegister(t *testing.T) {
	for v := range 1 << 10 {
		if v&(1<<7|1<<8) != 0 {
			continue
		}
		var s State
		s.Write(Command{Code: SetKernelStride, Param: uint16(v)})
		s.Write(Command{Code: SetKernelHeightM1, Param: 8})
		s.Write(Command{Code: SetKernelWidthM1, Param: 4})
		o := Operation{Op: OpConv, Regs: &s}
		k := o.Kernel()
		bit := func(n int) int { return v >> n & 1 }
		dy, dx := 1+bit(4), 1+bit(3)
		if k.StrideX != 1+bit(0)+2*bit(6) || k.StrideY != 1+bit(1)+2*bit(9) || k.DilationX != dx || k.DilationY != dy ||
			k.PartKernelFirst != (bit(2) == 1) || k.Decompose4x4 != (bit(5) == 1) || k.DilatedH != 9 || k.DilatedW != 5 || k.H != 8/dy+1 || k.W != 4/dx+1 {
			t.Fatalf("KERNEL_STRIDE %#x: %+v", v, k)
		}
	}
}
