// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// bitmap is a set of bytes as the plainest thing that it can be.
type bitmap [64]bool

func (b *bitmap) of(r ranges) *bitmap {
	for _, x := range r {
		for i := x.Start; i < x.End; i++ {
			b[i] = true
		}
	}
	return b
}

// canonical are ranges in ascending order that do not touch.
func canonical(r ranges) bool {
	for i, x := range r {
		if x.Start >= x.End || i > 0 && r[i-1].End >= x.Start {
			return false
		}
	}
	return true
}

// TestSets: every operation on sets of bytes, against one truth value for each byte.
func TestSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	draw := func() Range { a, b := int64(rng.IntN(60)), int64(rng.IntN(60)); return Range{min(a, b), max(a, b)} }
	for range 3000 {
		var set ranges
		var want bitmap
		for range rng.IntN(12) {
			r := draw()
			if rng.IntN(3) > 0 {
				set.add(r.Start, r.End)
			} else {
				set.remove(r.Start, r.End)
			}
			for i := r.Start; i < r.End; i++ {
				want[i] = false
			}
			if before := (&bitmap{}).of(set); before[min(r.Start, 63)] && r.Start < r.End {
				for i := r.Start; i < r.End; i++ {
					want[i] = true
				}
			}
			if *(&bitmap{}).of(set) != want || !canonical(set) {
				t.Fatalf("%v after %v", set, r)
			}
		}
		r := draw()
		first := int64(-1)
		var gaps bitmap
		for i := r.End - 1; i >= r.Start; i-- {
			if !want[i] {
				first, gaps[i] = i, true
			}
		}
		if got := set.missing(r.Start, r.End); got != first {
			t.Fatalf("%v lacks %d first of %v, expected %d", set, got, r, first)
		}
		if got := set.gaps(r.Start, r.End); *(&bitmap{}).of(got) != gaps || !canonical(got) {
			t.Fatalf("%v lacks %v of %v", set, got, r)
		}
		var list ranges
		for at := int64(0); len(list) < 14; at = list[len(list)-1].End + int64(1+rng.IntN(2)) {
			if at > 55 {
				break
			}
			list = append(list, Range{at, at + int64(1+rng.IntN(4))})
			if rng.IntN(20) == 0 {
				break
			}
		}
		both := slices.Clone(set)
		both.union(list)
		if *(&bitmap{}).of(both) != *(&bitmap{}).of(set).of(list) || !canonical(both) {
			t.Fatalf("%v and %v are %v", set, list, both)
		}
		// What is stale and settled.
		c := &checker{}
		for range 3 {
			s := draw()
			if s.Start < s.End {
				c.spoil(1, ranges{s}, Finding{Word: rng.IntN(9)})
			}
		}
		var before, after bitmap
		for _, s := range c.stale[1] {
			before.of(ranges{s.Range})
		}
		c.settle(1, r)
		for _, s := range c.stale[1] {
			if s.Start >= s.End {
				t.Fatalf("stale %v", c.stale[1])
			}
			after.of(ranges{s.Range})
		}
		for i := r.Start; i < r.End; i++ {
			before[i] = false
		}
		if before != after {
			t.Fatalf("%v settled leaves %v", r, c.stale[1])
		}
	}
}

// drawnMap is a small map at a random place, often tiled, of either format.
func drawnMap(rng *rand.Rand, h, w, c int, signed bool) isa.FeatureMap {
	bits := 8 << rng.IntN(3)
	f := isa.FeatureMap{Region: 1, H: h, W: w, C: c, Height0: h, Height1: h, Width0: w, Type: isa.DType{Signed: signed, Bits: bits}, Format: isa.Format(rng.IntN(2))}
	e := int64(bits / 8)
	f.StrideX, f.StrideC = e*int64(c+rng.IntN(2)), e
	if f.Format == isa.NHCWB16 {
		f.StrideX, f.StrideC = 16*e, 16*e*int64(w)
	}
	f.StrideY = f.StrideX*int64(w)*int64((c+15)/16) + e*int64(rng.IntN(3))
	for i := range f.Base {
		f.Base[i] = uint64(16 * rng.IntN(12))
	}
	if rng.IntN(3) == 0 {
		f.Height0, f.Height1, f.Width0 = 1+rng.IntN(h), 1+rng.IntN(h), 1+rng.IntN(w)
	}
	return f
}

func bytesByOne(f *isa.FeatureMap, b box) map[int64]bool {
	set := map[int64]bool{}
	for y := max(b.y0, 0); y < min(b.y1, f.H); y++ {
		for x := max(b.x0, 0); x < min(b.x1, f.W); x++ {
			for c := max(b.c0, 0); c < min(b.c1, f.C); c++ {
				for i := range int64(f.Type.Bytes()) {
					set[f.Address(y, x, c)+i] = true
				}
			}
		}
	}
	return set
}

// TestBoxes: the bytes of a part of a map, and whether two parts meet, element by element.
func TestBoxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	met := 0
	for range 4000 {
		f := drawnMap(rng, 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(36), true)
		g := f
		switch rng.IntN(3) {
		case 0:
			g = drawnMap(rng, 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(36), true)
		case 1: // the same place, a little otherwise
			switch rng.IntN(6) {
			case 0:
				g.StrideX += int64(g.Type.Bytes())
			case 1:
				g.StrideY += 16
			case 2:
				g.StrideC += 16
			case 3:
				g.Region = 2
			case 4:
				g.Base[0] += 16
			case 5:
				g.W, g.H = max(1, g.W-1), max(1, g.H-1)
			}
		}
		part := func(f *isa.FeatureMap) box {
			cut := func(n int) (int, int) { a := rng.IntN(n+1) - 1; return a, a + 1 + rng.IntN(n+1) }
			var b box
			b.y0, b.y1 = cut(f.H)
			b.x0, b.x1 = cut(f.W)
			b.c0, b.c1 = cut(f.C)
			return b
		}
		fb, gb := part(&f), part(&g)
		set, other := bytesByOne(&f, fb), bytesByOne(&g, gb)
		list, ok := bytesOf(&f, fb)
		n := int64(0)
		for _, r := range list {
			n += r.End - r.Start
			for i := r.Start; i < r.End; i++ {
				if !set[i] {
					t.Fatalf("%+v of %+v: byte %d of %v is none of it", fb, f, i, list)
				}
			}
		}
		if !ok || n != int64(len(set)) || !canonical(list) {
			t.Fatalf("%+v of %+v: %v has %d bytes, expected %d", fb, f, list, n, len(set))
		}
		want := false
		for b := range set {
			want = want || f.Region == g.Region && other[b]
		}
		c := &checker{}
		if got := c.meet(&f, fb, &g, gb); got != want {
			t.Fatalf("%+v of %+v and %+v of %+v meet: %v, expected %v", fb, f, gb, g, got, want)
		}
		if sameMapping(&f, &g) && c.work > 0 {
			t.Fatalf("maps that are alike were listed byte by byte")
		}
		if want {
			met++
		}
	}
	if met < 400 || met > 3000 {
		t.Errorf("%d of 4000 met, so that the test shows little", met)
	}
}

// TestSampled: the rows that a kernel reads, by going through its windows.
func TestSampled(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	for range 3000 {
		out, taps, stride, dilation, up := 1+rng.IntN(6), 1+rng.IntN(4), 1+rng.IntN(3), 1+rng.IntN(2), 1+rng.IntN(2)
		pad := rng.IntN(taps)
		extent := max(1, ((out-1)*stride+(taps-1)*dilation+1-pad+up-1)/up)
		want := make([]bool, extent)
		for o := range out {
			for k := range taps {
				if v := o*stride + k*dilation - pad; v >= 0 && v/up < extent {
					want[v/up] = true
				}
			}
		}
		got := make([]bool, extent)
		for _, r := range sampled(extent, out, taps, stride, dilation, pad, up) {
			for i := r.Start; i < r.End; i++ {
				got[i] = true
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d outputs, %d taps, stride %d, dilation %d, pad %d, upscaled by %d: %v of %d, expected %v", out, taps, stride, dilation, pad, up, got, extent, want)
		}
	}
}

// TestRecordedBlockdep: how far kernels of all kinds may overlap with the one before, and
// which elements of an output depend on bytes without a value.
func TestRecordedBlockdep(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	var b strings.Builder
	for _, name := range []string{"ethos-u55-32", "ethos-u55-256", "ethos-u65-512"} {
		a, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 250 {
			kernel := func() *kernel {
				k := &kernel{op: []isa.Code{isa.OpConv, isa.OpDepthwise, isa.OpPool, isa.OpElementwise}[rng.IntN(4)], up: 1, k: isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}}
				k.ofm = drawnMap(rng, 1+rng.IntN(6), 1+rng.IntN(6), 1+rng.IntN(70), true)
				k.shape.Kind = map[isa.Code]block.Kind{isa.OpConv: block.Conv, isa.OpDepthwise: block.Depthwise, isa.OpPool: block.MaxPool, isa.OpElementwise: block.Elementwise}[k.op]
				h, w, d := k.ofm.H, k.ofm.W, k.ofm.C
				if k.op != isa.OpElementwise {
					k.k.H, k.k.W, k.k.StrideY, k.k.StrideX = 1+rng.IntN(3), 1+rng.IntN(3), 1+rng.IntN(2), 1+rng.IntN(2)
					k.k.Top, k.k.Left, k.up = rng.IntN(k.k.H), rng.IntN(k.k.W), 1+rng.IntN(2)
					k.k.DilatedH, k.k.DilatedW = k.k.H, k.k.W
					h, w = max(1, ((h-1)*k.k.StrideY+k.k.H-k.k.Top+k.up-1)/k.up), max(1, ((w-1)*k.k.StrideX+k.k.W-k.k.Left+k.up-1)/k.up)
				}
				if k.op == isa.OpConv {
					d = 1 + rng.IntN(70)
				}
				k.ifm = drawnMap(rng, h, w, d, true)
				if k.op == isa.OpElementwise && rng.IntN(2) == 0 {
					k.hasIFM2 = true
					k.broadcast = isa.Broadcast{H: rng.IntN(2) == 0, W: rng.IntN(2) == 0, C: rng.IntN(2) == 0}
					if k.broadcast.H {
						h = 1
					}
					if k.broadcast.W {
						w = 1
					}
					if k.broadcast.C {
						d = 1
					}
					k.ifm2 = drawnMap(rng, h, w, d, true)
					k.in2 = k.ifm2.Spans()
				}
				k.in, k.out = k.ifm.Spans(), k.ofm.Spans()
				k.blk = block.Shape{H: 1 + rng.IntN(4), W: 1 + rng.IntN(4), D: 8 * (1 + rng.IntN(4))}
				k.shape.IFM, k.shape.OFM = block.Shape{H: k.ifm.H, W: k.ifm.W, D: k.ifm.C}, block.Shape{H: k.ofm.H, W: k.ofm.W, D: k.ofm.C}
				k.shape.KH, k.shape.KW, k.shape.StrideH, k.shape.StrideW, k.shape.IFMBits = k.k.H, k.k.W, k.k.StrideY, k.k.StrideX, k.ifm.Type.Bits
				k.table, k.shramEnd = rng.IntN(4) == 0, 1024*(a.SHRAMBanks-2*rng.IntN(2))
				return k
			}
			p, k := kernel(), kernel()
			if rng.IntN(2) == 0 { // it reads what the one before wrote, or a part
				at := p.ofm.Base
				k.ifm.Base = at
				k.ifm.Base[0] += uint64(16 * rng.IntN(3))
				k.in = k.ifm.Spans()
			}
			if rng.IntN(8) == 0 {
				k.constants = p.out[:1]
			}
			c := newChecker(a, Regions{1: {Size: 1 << 16}})
			c.previous = p
			n, why := c.maxBlockdep(k)
			boxes, ok := c.jobInputs(k, rng.IntN(4), c.jobDepth(k))
			for range 3 {
				x := int64(rng.IntN(2000))
				c.defined[1].add(x, x+int64(rng.IntN(1500)))
			}
			dead := c.dependents(k)
			fmt.Fprintf(&b, "%v %v: %d %s %v %v; %d %d\n", k.shape.Kind, k.shape.OFM, n, why, boxes, ok, len(dead), c.readBox(&k.ifm, k))
		}
	}
	testdata.Recorded(t, "blockdep.txt", b.String(), *update)
}
