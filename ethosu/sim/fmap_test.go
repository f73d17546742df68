// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// flatMap returns a map of one tile in region 1 whose elements lie one behind the other.
func flatMap(base uint64, h, w, c int, t isa.DType) isa.FeatureMap {
	row := int64(c * t.Bytes())
	return isa.FeatureMap{Region: 1, Base: [4]uint64{base}, Height0: h, Height1: h, Width0: w, H: h, W: w, C: c,
		StrideY: row * int64(w), StrideX: row, StrideC: row * int64(w*h), Type: t}
}

func addressesOf(f *isa.FeatureMap) (list []int64) {
	for y := range f.H {
		for x := range f.W {
			for c := range f.C {
				list = append(list, f.Address(y, x, c))
			}
		}
	}
	return list
}

func drawMap(rng *rand.Rand) isa.FeatureMap {
	f := flatMap(64, 1+rng.IntN(2), 1+rng.IntN(2), []int{1, 8, 16, 17, 32}[rng.IntN(5)], s16)
	switch rng.IntN(4) {
	case 0:
		f.StrideX += 32 * int64(rng.IntN(2))
	case 1:
		f.StrideY += 32 * int64(rng.IntN(2))
	case 2:
		f.Format, f.StrideX, f.StrideC, f.StrideY = isa.NHCWB16, 32, 32*int64(f.W+rng.IntN(2)), 256
	}
	if rng.IntN(3) == 0 {
		f.Base[1+rng.IntN(3)] = 4096
	}
	if rng.IntN(3) == 0 {
		f.Width0, f.Height0, f.Height1 = 1+rng.IntN(2), 1+rng.IntN(2), 1+rng.IntN(2)
	}
	return f
}

// TestWalks: addresses against those of the registers, and which maps are walked alike.
func TestWalks(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	same := 0
	for range 20000 {
		a, b := drawMap(rng), drawMap(rng)
		f, g := newFmap(a), newFmap(b)
		list := addressesOf(&a)
		f.delta = rng.IntN(50)
		i := 0
		for y := range a.H {
			for x := range a.W {
				for c := range a.C {
					if got := int64(f.at(y, x, c)); got != list[i]-int64(f.delta) {
						t.Fatalf("%+v: element %d, %d, %d at %d, expected %d", a, y, x, c, got, list[i]-int64(f.delta))
					}
					i++
				}
			}
		}
		// Elements on from c that lie together in every pixel.
		c := rng.IntN(a.C)
		n := 1 + rng.IntN(a.C-c)
		want := n
		if a.Format == isa.NHCWB16 {
			want = min(n, (c/16+1)*16-c)
		}
		if got := f.runLen(c, n); got != want {
			t.Fatalf("%+v: %d channels of %d from %d on, expected %d", a, got, n, c, want)
		}
		alike := a.H == b.H && a.W == b.W && a.C == b.C && slices.Equal(list, addressesOf(&b))
		got := f.sameWalk(&g)
		if got && !alike {
			t.Fatalf("%+v\n%+v are not alike", a, b)
		}
		if alike && a.Format == b.Format && !f.tiled && !g.tiled && !got {
			t.Fatalf("%+v\n%+v are alike", a, b)
		}
		if got {
			same++
		}
	}
	if same < 200 {
		t.Errorf("only %d pairs are alike", same)
	}
	a := flatMap(64, 2, 2, 17, s16)
	for name, change := range map[string]func(f *isa.FeatureMap){
		"base": func(f *isa.FeatureMap) { f.Base[0]++ }, "region": func(f *isa.FeatureMap) { f.Region = 2 }, "row": func(f *isa.FeatureMap) { f.StrideY++ }, "pixel": func(f *isa.FeatureMap) { f.StrideX++ },
		"size": func(f *isa.FeatureMap) { f.Type.Bits = 8 }, "format": func(f *isa.FeatureMap) { f.Format = isa.NHCWB16 },
	} {
		b := a
		change(&b)
		f, g := newFmap(a), newFmap(b)
		if f.sameWalk(&g) || g.sameWalk(&f) {
			t.Errorf("another %s is the same walk", name)
		}
	}
	for name, change := range map[string]func(f *isa.FeatureMap){
		"zero point": func(f *isa.FeatureMap) { f.ZeroPoint = 9 }, "sign": func(f *isa.FeatureMap) { f.Type.Signed = false }, "brick": func(f *isa.FeatureMap) { f.StrideC = 1 },
		"unused tile": func(f *isa.FeatureMap) { f.Base[1], f.Base[2], f.Base[3], f.Height1 = 1, 2, 3, 1 },
	} {
		b := a
		change(&b)
		f, g := newFmap(a), newFmap(b)
		if !f.sameWalk(&g) || !g.sameWalk(&f) {
			t.Errorf("another %s is another walk", name)
		}
	}
}

// TestLoadStore: the ends of every type in memory, and what they are less the zero point.
func TestLoadStore(t *testing.T) {
	for _, c := range []struct {
		t      isa.DType
		zp     int32
		values []int32
		bytes  []byte
	}{
		{s8, 3, []int32{-131, -4, -3, 124}, []byte{0x80, 0xFF, 0x00, 0x7F}},
		{isa.DType{Bits: 8}, 3, []int32{-3, 124, 125, 252}, []byte{0x00, 0x7F, 0x80, 0xFF}},
		{s16, 3, []int32{-32771, -4, -3, 32764, 0x0201 - 3}, []byte{0x00, 0x80, 0xFF, 0xFF, 0, 0, 0xFF, 0x7F, 1, 2}},
		{isa.DType{Bits: 16}, 3, []int32{-3, 32764, 32765, 65532}, []byte{0, 0, 0xFF, 0x7F, 0, 0x80, 0xFF, 0xFF}},
		{s32, 0, []int32{-1 << 31, -1, 1<<31 - 1, 0x04030201}, []byte{0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3, 4}},
	} {
		m := flatMap(0, 1, 1, len(c.values), c.t)
		m.ZeroPoint = c.zp
		f := newFmap(m)
		for _, at := range []int{0, 5} {
			buf := append(bytes.Repeat([]byte{0xEE}, at), append(slices.Clone(c.bytes), 0xEE, 0xEE)...)
			got := make([]int32, len(c.values))
			if f.load(got, buf, at); !slices.Equal(got, c.values) {
				t.Errorf("%v from %d: %v, expected %v", c.t, at, got, c.values)
			}
			for i := range got {
				got[i] += c.zp
			}
			empty := bytes.Repeat([]byte{0xEE}, len(buf))
			if f.store(empty, at, got); !bytes.Equal(empty, buf) {
				t.Errorf("%v to %d: %v, expected %v", c.t, at, empty, buf)
			}
		}
	}
}
