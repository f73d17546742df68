// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestForgetValues: what is overwritten is known no more, and nothing else.
func TestForgetValues(t *testing.T) {
	c := checkerOf(t, "ethos-u55-128")
	span := func(from, to int64) []isa.Span { return []isa.Span{{Region: 1, Start: from, End: to}} }
	for i := range int64(4) {
		c.values.add(written{spans: span(16*i, 16*i+16), v: only(bound{i, i})})
		c.maxima = append(c.maxima, maximum{from: int(i), spans: span(16*i, 16*i+16)})
	}
	c.forgetValues(span(31, 33))
	if len(c.values.all()) != 2 || c.values.all()[0].v.hull().lo != 0 || c.values.all()[1].v.hull().lo != 3 {
		t.Errorf("values %v, expected the first and the last", c.values.all())
	}
	if len(c.maxima) != 2 || c.maxima[0].from != 0 || c.maxima[1].from != 3 {
		t.Errorf("maxima %v, expected the first and the last", c.maxima)
	}
}

// TestSameElements: maps cut in other ways, against the list of their addresses.
func TestSameElements(t *testing.T) {
	addresses := func(f *isa.FeatureMap) (list []int64) {
		for y := range f.H {
			for x := range f.W {
				for ch := range f.C {
					list = append(list, f.Address(y, x, ch))
				}
			}
		}
		return list
	}
	rng := rand.New(rand.NewPCG(31, 32))
	draw := func() isa.FeatureMap {
		f := plain(uint64(64*rng.IntN(2)), 1+rng.IntN(3), 1+rng.IntN(3), 1<<rng.IntN(6), typeS16)
		if rng.IntN(4) == 0 {
			f.StrideX += 2 * int64(rng.IntN(2))
			f.StrideY = f.StrideX*int64(f.W) + 2*int64(rng.IntN(2))
		}
		if rng.IntN(4) == 0 {
			f.Format, f.StrideX, f.StrideC = isa.NHCWB16, 32, 32*int64(f.W)
			f.StrideY = f.StrideC * int64((f.C+15)/16)
		}
		if rng.IntN(4) == 0 {
			f.Width0, f.Height0, f.Height1 = 1+rng.IntN(f.W), 1+rng.IntN(f.H), 1+rng.IntN(f.H)
			f.Base[1], f.Base[2], f.Base[3] = 4000, 8000, 12000
		}
		return f
	}
	same := 0
	for range 20000 {
		f, g := draw(), draw()
		c := checkerOf(t, "ethos-u55-128")
		want := slices.Equal(addresses(&f), addresses(&g))
		if got := c.sameElements(&f, &g); got != want {
			t.Fatalf("%+v\n%+v: the same %v, expected %v", f, g, got, want)
		}
		if want {
			same++
		}
		list := addresses(&f)
		inOrder := true
		for i, a := range list {
			inOrder = inOrder && a == list[0]+int64(2*i)
		}
		if linear(&f) && !inOrder {
			t.Fatalf("%+v is not linear: %v", f, list)
		}
		if f.Format == isa.NHWC && f.W <= f.Width0 && f.H <= f.Height0 && linear(&f) != (inOrder && (f.C > 0)) {
			t.Fatalf("%+v: linear %v, in order %v: %v", f, linear(&f), inOrder, list)
		}
	}
	if same < 100 {
		t.Fatalf("only %d pairs are the same", same)
	}
	c := checkerOf(t, "ethos-u55-128")
	f, g := plain(0, 1, 1, 8, typeS16), plain(0, 1, 1, 8, typeS16)
	if g.Region = 2; c.sameElements(&f, &g) {
		t.Error("the same in another region")
	}
	if g = f; true {
		if g.Type = (isa.DType{Bits: 16}); c.sameElements(&f, &g) {
			t.Error("the same with another type")
		}
	}
	// Elements are looked at one by one up to 65536.
	for n, want := range map[int]bool{1: true, 0: true, -1: false} {
		f := plain(0, 1<<15-n, 2, 1, typeS16)
		g := f
		f.Width0, f.Base[1] = 1, 2 // the second column is a tile at its own place
		if c.sameElements(&f, &g) != want {
			t.Errorf("%d elements: the same %v, expected %v", f.H*f.W, !want, want)
		}
	}
	c.work = maxWork
	if g := plain(0, 16, 4, 1, typeS16); true {
		f := g
		if f.Width0, f.Base[1] = 1, 2; c.sameElements(&f, &g) || len(c.findings) != 1 {
			t.Errorf("work is at its end, and nothing is found: %v", c.findings)
		}
	}
}

func putWords(c *checker, region int, at int64, words ...int32) {
	for i, w := range words {
		c.known[region].put(at+4*int64(i), []byte{byte(w), byte(w >> 8), byte(w >> 16), byte(w >> 24)})
	}
}

// TestValueOf: what is known of a map.
func TestValueOf(t *testing.T) {
	all32 := bound{-1 << 31, 1<<31 - 1}
	of := func(f isa.FeatureMap, lo, hi int64) written { return written{f, f.Spans(), only(bound{lo, hi})} }
	scattered := plain(0, 1, 4, 1, typeS32)
	scattered.StrideX = 8
	for _, c := range []struct {
		name  string
		f     isa.FeatureMap
		setup func(c *checker)
		want  bound
		entry bool
	}{
		{"nothing, of 8 bits", plain(0, 1, 1, 4, typeS8), func(*checker) {}, bound{-128, 127}, false},
		{"nothing, of 32", plain(0, 1, 1, 4, typeS32), func(*checker) {}, all32, false},
		{"constants", plain(16, 1, 2, 2, typeS32), func(c *checker) { putWords(c, 1, 16, 7, -3, 9, 5) }, bound{-3, 9}, false},
		{"constants but one", plain(16, 1, 2, 2, typeS32), func(c *checker) { putWords(c, 1, 16, 7, -3, 9) }, all32, false},
		{"constants in parts", scattered, func(c *checker) {
			for i := range int64(4) {
				putWords(c, 1, 8*i, int32(100-i))
			}
		}, bound{97, 100}, false},
		{"constants of bytes", plain(0, 1, 1, 4, typeS8), func(c *checker) { c.known[1].put(0, []byte{1, 2, 3, 4}) }, bound{-128, 127}, false},
		{"the map", plain(0, 1, 1, 4, typeS32), func(c *checker) {
			c.values.add(of(plain(64, 1, 1, 4, typeS32), 8, 9))
			c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6))
		}, bound{-5, 6}, true},
		{"a part of a map", plain(4, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6)) }, bound{-5, 6}, false},
		{"a part at its begin", plain(0, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6)) }, bound{-5, 6}, false},
		{"a part at its end", plain(8, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6)) }, bound{-5, 6}, false},
		{"more than a map", plain(8, 1, 1, 3, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6)) }, all32, false},
		{"before a map", plain(0, 1, 1, 3, typeS32), func(c *checker) { c.values.add(of(plain(4, 1, 1, 4, typeS32), -5, 6)) }, all32, false},
		{"across elements of a map", plain(2, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 4, typeS32), -5, 6)) }, all32, false},
		{"a part of another region", plain(4, 1, 1, 2, typeS32), func(c *checker) {
			f := plain(0, 1, 1, 4, typeS32)
			f.Region = 2
			c.values.add(of(f, -5, 6))
		}, all32, false},
		{"a part of a map of 16 bits", plain(4, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 1, 8, typeS16), -5, 6)) }, all32, false},
		{"a part of a map with holes", plain(8, 1, 1, 2, typeS32), func(c *checker) { c.values.add(of(scattered, -5, 6)) }, all32, false},
		{"constants and a part", plain(8, 1, 3, 1, typeS32), func(c *checker) {
			c.values.add(of(plain(0, 1, 1, 3, typeS32), -5, 6))
			putWords(c, 1, 12, 1, 2)
		}, all32, false}, // one range of bytes, of which neither holds all
		{"constants beside a part", func() isa.FeatureMap { f := plain(0, 1, 2, 1, typeS32); f.StrideX = 64; return f }(), func(c *checker) {
			c.values.add(of(plain(0, 1, 1, 3, typeS32), -5, 6))
			putWords(c, 1, 64, 70)
		}, bound{-5, 70}, false},
		{"halves of 16 bits", plain(0, 1, 4, 1, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 4, 2, typeS16), 2, 5)) }, bound{0x20002, 0x50005}, false},
		{"halves below 0", plain(0, 1, 4, 1, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 4, 2, typeS16), -1, 5)) }, bound{-0x10000, 0x5FFFF}, false},
		{"halves from 0", plain(0, 1, 4, 1, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 4, 2, typeS16), 0, 1)) }, bound{0, 0x10001}, false},
		{"halves of three channels", plain(0, 1, 6, 1, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 4, 3, typeS16), 2, 5)) }, all32, false},
		{"too few halves", plain(0, 1, 4, 1, typeS32), func(c *checker) { c.values.add(of(plain(0, 1, 3, 2, typeS16), 2, 5)) }, all32, false},
		{"halves elsewhere", plain(0, 1, 4, 1, typeS32), func(c *checker) { c.values.add(of(plain(16, 1, 4, 2, typeS16), 2, 5)) }, all32, false},
		{"halves without a sign", plain(0, 1, 4, 1, typeS32), func(c *checker) {
			c.values.add(of(plain(0, 1, 4, 2, isa.DType{Bits: 16}), 2, 5))
		}, all32, false},
		{"halves with holes", plain(0, 1, 4, 1, typeS32), func(c *checker) {
			f := plain(0, 1, 4, 2, typeS16)
			f.StrideX = 8
			c.values.add(of(f, 2, 5))
		}, all32, false},
		{"halves of a map with holes", scattered, func(c *checker) { c.values.add(of(plain(0, 1, 4, 2, typeS16), 2, 5)) }, all32, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		c.setup(check)
		got, entry := check.valueOf(&c.f)
		if got.hull() != c.want || (entry != nil) != c.entry {
			t.Errorf("%s: %v with an entry %v, expected %v and %v", c.name, got.hull(), entry != nil, c.want, c.entry)
		}
	}
}

// TestFits: at the limits a value fits, beyond them it may, or cannot.
func TestFits(t *testing.T) {
	limit := bound{-10, 10}
	for _, c := range []struct {
		b               bound
		found, unproven bool
	}{
		{bound{-10, 10}, false, false}, {bound{-11, 10}, false, true}, {bound{-10, 11}, false, true}, {bound{10, 11}, false, true}, {bound{-11, -10}, false, true},
		{bound{11, 12}, true, false}, {bound{-12, -11}, true, false}, {bound{-100, 100}, false, true},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.fits("values", c.b, limit, "")
		if found := len(check.findings) == 1 && !check.findings[0].Unproven; found != c.found || (len(check.findings) == 1 && check.findings[0].Unproven) != c.unproven {
			t.Errorf("%v: %v", c.b, check.findings)
		}
	}
	for _, c := range []struct {
		acc  isa.AccFormat
		sum  bound
		fits bool
	}{
		{isa.AccI32, bound{-1 << 31, 1<<31 - 1}, true}, {isa.AccI32, bound{-1<<31 - 1, 0}, false}, {isa.AccI32, bound{0, 1 << 31}, false},
		{isa.AccI40, bound{-1 << 39, 1<<39 - 1}, true}, {isa.AccI40, bound{-1<<39 - 1, 0}, false}, {isa.AccI40, bound{0, 1 << 39}, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		if check.accumulates(&kernel{layout: isa.Block{Acc: c.acc}}, c.sum); len(check.findings) > 0 == c.fits {
			t.Errorf("%v in %v: %v", c.sum, c.acc, check.findings)
		}
	}
}

// TestAverageAccumulates: an average pool adds up its window, zero points taken off.
func TestAverageAccumulates(t *testing.T) {
	o := lastOperation(t, "NPU_OP_POOL pooling_mode=1")
	for _, c := range []struct {
		t         isa.DType
		zeroPoint int32
		h, w      int
		fits      bool
	}{
		{typeS16, 0, 256, 256, true}, {typeS16, 0, 257, 256, false}, {typeS16, 0, 256, 257, false}, {typeS16, 1, 256, 256, false},
		{typeS8, 127, 256, 256, true}, {typeS32, 0, 256, 256, true}, // reported as a type
	} {
		check := checkerOf(t, "ethos-u55-128")
		k := poolOf(plain(0, 1, 1, 1, c.t), plain(64, 1, 1, 1, c.t), c.h, c.w, 1, 1, 1, 1)
		k.ifm.ZeroPoint = c.zeroPoint
		if check.overflow(o, k); len(check.findings) > 0 == c.fits {
			t.Errorf("%+v: %v", c, check.findings)
		}
	}
}

// TestSumOfGroups: REDUCE_SUM of what is known of its input.
func TestSumOfGroups(t *testing.T) {
	o := lastOperation(t, "NPU_SET_OFM_SCALE scale=1 shift=1\nNPU_SET_OFM_PRECISION type=1 precision=2 scale_mode=1 round_mode=2\nNPU_OP_POOL pooling_mode=2")
	for _, c := range []struct {
		name         string
		depth, group int
		h, w         int
		zeroPoint    int32
		want         bound // half of the sum, rounded up
	}{
		{"without groups", 8, 0, 1, 1, 0, bound{-40, 16}},
		{"one group", 8, 8, 1, 1, 0, bound{-34, 15}},  // -10*7 + 2, 4*7 + 2
		{"two groups", 8, 4, 1, 1, 0, bound{-28, 14}}, // -10*6 + 2*2, 4*6 + 2*2
		{"a group of another size", 8, 3, 1, 1, 0, bound{-40, 16}},
		{"a window", 8, 8, 2, 1, 0, bound{-80, 32}},
		{"a wide window", 8, 8, 1, 3, 0, bound{-120, 48}},
		{"a zero point", 8, 4, 1, 1, 2, bound{-36, 6}}, // -12*6 + 0, 2*6 + 0
	} {
		check := checkerOf(t, "ethos-u55-128")
		k := poolOf(plain(0, 1, 1, c.depth, typeS32), plain(64, 1, 1, 1, typeS32), c.h, c.w, 1, 1, 1, 1)
		k.ifm.ZeroPoint = c.zeroPoint
		v := only(bound{-10, 4})
		v.group, v.some = c.group, bound{2, 2}
		check.values.add(written{plain(0, 1, 1, c.depth, typeS32), k.in, v})
		if check.overflow(o, k); len(check.values.all()) != 2 || check.values.all()[1].v.hull() != c.want || len(check.findings) > 0 {
			t.Errorf("%s: %v %v, expected %v", c.name, check.values.all()[1:], check.findings, c.want)
		}
	}
}

// TestUnaryBounds: ABS, LRELU and CLZ at the ends of their ranges.
func TestUnaryBounds(t *testing.T) {
	half := rounding{scale: isa.Scale{Value: 1, Shift: 1}, mode: isa.RoundNatural}
	for _, c := range []struct {
		mode    int
		b, want bound
	}{
		{isa.ElemAbs, bound{-8, 4}, bound{0, 4}}, {isa.ElemAbs, bound{-4, 8}, bound{0, 4}}, {isa.ElemAbs, bound{4, 8}, bound{2, 4}}, {isa.ElemAbs, bound{-8, -4}, bound{2, 4}},
		{isa.ElemAbs, bound{0, 8}, bound{0, 4}}, {isa.ElemAbs, bound{-8, 0}, bound{0, 4}},
		{isa.ElemLRelu, bound{-8, 6}, bound{-8, 6}}, {isa.ElemLRelu, bound{4, 8}, bound{2, 8}}, {isa.ElemLRelu, bound{-8, -4}, bound{-8, -2}},
		{isa.ElemCLZ, bound{-8, -1}, bound{0, 0}}, {isa.ElemCLZ, bound{-8, 0}, bound{0, 32}}, {isa.ElemCLZ, bound{-1, 9}, bound{0, 32}}, {isa.ElemCLZ, bound{0, 1}, bound{31, 32}}, {isa.ElemCLZ, bound{2, 4}, bound{29, 30}},
		{isa.ElemCLZ, bound{1<<31 - 1, 1 << 40}, bound{0, 1}},
	} {
		if got := unary(c.mode, c.b, half); got != c.want {
			t.Errorf("mode %d of %v: %v, expected %v", c.mode, c.b, got, c.want)
		}
	}
}

// TestBinaryBounds: every operation with two operands, on bounds that show each end of each.
func TestBinaryBounds(t *testing.T) {
	natural := rounding{scale: isa.Scale{Value: 1}, mode: isa.RoundNatural}
	shifted := func(n int) rounding { r := natural; r.scale.Shift = n; return r }
	scales := func(mode, opa, shift, opb string) string {
		return "NPU_SET_IFM_PRECISION type=1 scale_mode=" + mode + "\nNPU_SET_OPA_SCALE scale=" + opa + " shift=" + shift + "\nNPU_SET_OPB_SCALE scale=" + opb + "\n"
	}
	const reversed = "NPU_SET_IFM2_BROADCAST operand_order=1\n"
	for _, c := range []struct {
		name, lines string
		mode        string
		t           isa.DType
		round       rounding
		a, b, want  bound
		findings    int
	}{
		{"MUL", "", "0", typeS32, shifted(1), bound{-3, 5}, bound{-2, 4}, bound{-6, 10}, 0},
		{"MIN", "", "3", typeS32, natural, bound{-3, 5}, bound{-2, 4}, bound{-3, 4}, 0},
		{"MIN, the other", "", "3", typeS32, natural, bound{-2, 4}, bound{-3, 5}, bound{-3, 4}, 0},
		{"MAX", "", "4", typeS32, natural, bound{-3, 5}, bound{-2, 4}, bound{-2, 5}, 0},
		{"MAX, the other", "", "4", typeS32, natural, bound{-2, 4}, bound{-3, 5}, bound{-2, 5}, 0},
		{"SHR", "", "8", typeS32, natural, bound{5, 9}, bound{1, 2}, bound{1, 5}, 0},
		{"SHR below 0", "", "8", typeS32, natural, bound{-9, -5}, bound{1, 2}, bound{-4, -1}, 0},
		{"SHR by too much", "", "8", typeS32, natural, bound{-9, 1 << 31}, bound{1, 40}, bound{-4, 1 << 30}, 1},
		{"SHR by less than nothing", "", "8", typeS32, natural, bound{-9, 8}, bound{-1, 31}, bound{-9, 8}, 1},
		{"SHL", "", "9", typeS32, natural, bound{-3, 5}, bound{1, 2}, bound{-12, 20}, 0},
		{"SHL above 0", "", "9", typeS32, natural, bound{3, 5}, bound{1, 2}, bound{6, 20}, 0},
		{"SHL below 0", "", "9", typeS32, natural, bound{-5, -3}, bound{1, 2}, bound{-20, -6}, 0},
		{"ADD", "", "1", typeS32, natural, bound{-3, 5}, bound{10, 40}, bound{7, 45}, 0},
		{"SUB", "", "2", typeS32, natural, bound{-3, 5}, bound{10, 40}, bound{-43, -5}, 0},
		{"SUB reversed", reversed, "2", typeS32, natural, bound{-3, 5}, bound{10, 40}, bound{5, 43}, 0},
		{"SUB of 32 bits has no scales", scales("0", "3", "0", "5"), "2", typeS32, natural, bound{-3, 5}, bound{10, 40}, bound{-43, -5}, 0},
		{"ADD with two factors", scales("0", "65539", "0", "5"), "1", typeS8, natural, bound{-3, 5}, bound{10, 40}, bound{41, 215}, 0},
		{"SUB with two factors", scales("0", "3", "0", "5"), "2", typeS8, natural, bound{-3, 5}, bound{10, 40}, bound{-209, -35}, 0},
		{"ADD, the first scaled", scales("1", "536870912", "11", "5"), "1", typeS8, shifted(19), bound{-2, 4}, bound{2, 4}, bound{1, 6}, 0},
		{"ADD, the second scaled", scales("2", "536870912", "11", "5"), "1", typeS8, shifted(19), bound{-2, 4}, bound{2, 4}, bound{-1, 6}, 0},
		{"SUB, the first scaled", scales("1", "536870912", "11", "5"), "2", typeS8, shifted(19), bound{-2, 4}, bound{2, 4}, bound{-5, 0}, 0},
		{"ADD of 16 bits, the first scaled", scales("1", "536870912", "16", "5"), "1", typeS16, shifted(14), bound{-2, 4}, bound{2, 4}, bound{1, 6}, 0},
		{"ADD of 16 bits, the second scaled", scales("2", "536870912", "16", "5"), "1", typeS16, shifted(14), bound{-2, 4}, bound{2, 4}, bound{-1, 6}, 0},
		{"an operand rounded twice", scales("1", "1", "12", "5"), "1", typeS8, natural, bound{1023, 1024}, bound{0, 0}, bound{0, 1}, 0},
		{"an operand of 16 bits rounded twice", scales("1", "1", "17", "5"), "1", typeS16, natural, bound{1<<15 - 1, 1 << 15}, bound{0, 0}, bound{0, 1}, 0},
	} {
		check := checkerOf(t, "ethos-u55-128")
		k := &kernel{up: 1, hasIFM2: true, ifm: plain(0, 1, 1, 4, c.t), ifm2: plain(64, 1, 1, 4, c.t), ofm: plain(128, 1, 1, 4, typeS32)}
		o := lastOperation(t, c.lines+"NPU_OP_ELEMENTWISE elementwise_mode="+c.mode)
		if got := check.binary(o, k, only(c.a), only(c.b), c.round).hull(); got != c.want || len(check.findings) != c.findings {
			t.Errorf("%s: %v %v, expected %v", c.name, got, check.findings, c.want)
		}
	}
}

// TestCellsMeet: operands cut alike meet cell by cell, but not when one is broadcast.
func TestCellsMeet(t *testing.T) {
	o := lastOperation(t, "NPU_OP_ELEMENTWISE elementwise_mode=2")
	natural := rounding{scale: isa.Scale{Value: 1}, mode: isa.RoundNatural}
	cut := &split{cells: []bound{{0, 0}, {10, 10}}}
	v := value{by: cut, cells: cut.cells}
	for _, c := range []struct {
		h, w int
		want bound
	}{{1, 2, bound{0, 0}}, {1, 1, bound{-10, 10}}, {2, 2, bound{-10, 10}}} {
		k := &kernel{up: 1, hasIFM2: true, ifm: plain(0, 1, 2, 4, typeS32), ifm2: plain(64, c.h, c.w, 4, typeS32), ofm: plain(128, 1, 2, 4, typeS32)}
		if got := checkerOf(t, "ethos-u55-128").binary(o, k, v, v, natural).hull(); got != c.want {
			t.Errorf("%dx%d: %v, expected %v", c.h, c.w, got, c.want)
		}
	}
}

// TestElementwiseFollowed: the whole way of a value of 32 bits through one operation.
func TestElementwiseFollowed(t *testing.T) {
	const registers = "NPU_SET_OFM_SCALE scale=7 shift=1\nNPU_SET_IFM2_PRECISION type=1 precision=2\nNPU_SET_IFM2_SCALAR scalar=9\nNPU_SET_IFM2_ZERO_POINT zero_point=2\n" +
		"NPU_SET_OFM_PRECISION type=1 precision=2 scale_mode=1 round_mode=2\nNPU_SET_ACTIVATION_MIN clip=65416\nNPU_SET_ACTIVATION_MAX clip=100\n"
	for _, c := range []struct {
		name, lines string
		in, out     isa.DType
		a, b, want  bound
		findings    int
		binary      bool
	}{
		{"ADD of 32 bits knows no factor", "NPU_OP_ELEMENTWISE elementwise_mode=1", typeS32, typeS32, bound{-3, 5}, bound{11, 41}, bound{4, 23}, 0, true},
		{"a scalar", "NPU_SET_IFM2_BROADCAST broadcast_constant=1\nNPU_OP_ELEMENTWISE elementwise_mode=1", typeS32, typeS32, bound{-3, 5}, bound{}, bound{2, 6}, 0, false},
		{"ABS", "NPU_OP_ELEMENTWISE elementwise_mode=6", typeS32, typeS32, bound{-8, 4}, bound{}, bound{0, 4}, 0, false},
		{"CLZ", "NPU_OP_ELEMENTWISE elementwise_mode=7", typeS32, typeS32, bound{2, 4}, bound{}, bound{29, 30}, 0, false},
		{"to 8 bits, clamped below", "NPU_OP_ELEMENTWISE elementwise_mode=1", typeS32, typeS8, bound{-9000, 5}, bound{1, 1}, bound{-120, 8}, 0, true},
		{"to 8 bits, clamped above", "NPU_OP_ELEMENTWISE elementwise_mode=1", typeS32, typeS8, bound{-3, 9000}, bound{1, 1}, bound{4, 100}, 0, true},
		{"a sum that leaves 32 bits", "NPU_SET_OFM_SCALE scale=1\nNPU_OP_ELEMENTWISE elementwise_mode=1", typeS32, typeS32, bound{0, 1<<31 - 1}, bound{0, 2}, bound{-1, 1<<31 - 1}, 1, true},
		{"a product that saturates", "NPU_SET_OFM_SCALE scale=1\nNPU_OP_ELEMENTWISE elementwise_mode=0", typeS32, typeS32, bound{0, 1<<31 - 1}, bound{3, 3}, bound{0, 1<<31 - 1}, 0, true},
	} {
		check := checkerOf(t, "ethos-u55-128")
		k := &kernel{op: isa.OpElementwise, up: 1, hasIFM2: c.binary, ifm: plain(0, 1, 1, 4, c.in), ifm2: plain(64, 1, 1, 4, c.in), ofm: plain(128, 1, 1, 4, c.out)}
		k.ofm.ZeroPoint = 5 // added to 8 bits, without effect on 32
		k.ifm2.ZeroPoint = 1
		k.out = k.ofm.Spans()
		check.values.add(written{plain(0, 1, 1, 4, c.in), k.ifm.Spans(), only(c.a)})
		check.values.add(written{plain(64, 1, 1, 4, c.in), k.ifm2.Spans(), only(c.b)})
		check.overflow(lastOperation(t, registers+c.lines), k)
		if n := len(check.values.all()); n != 3 || check.values.all()[2].v.hull() != c.want || len(check.findings) != c.findings {
			t.Errorf("%s: %v %v, expected %v", c.name, check.values.all()[2:], check.findings, c.want)
		}
	}
}

// TestClampBounds: a clamp within, at and beyond the ends of its type.
func TestClampBounds(t *testing.T) {
	neg := func(v int) uint16 { return uint16(int16(v)) }
	for _, c := range []struct {
		t        isa.DType
		min, max uint16
		want     bound
	}{
		{typeS8, neg(-100), 50, bound{-100, 50}}, {typeS8, neg(-300), 300, bound{-128, 127}}, {typeS8, 200, 300, bound{127, 127}}, {typeS8, neg(-300), neg(-200), bound{-128, -128}},
		{typeS8, 50, 20, bound{50, 50}}, {typeU8, 3, 250, bound{3, 250}}, {typeU8, 0, 65535, bound{0, 255}}, {typeU8, 300, 400, bound{255, 255}},
		{typeS16, neg(-32768), 32767, bound{-32768, 32767}},
	} {
		if got := clipOf(isa.Activation{Min: c.min, Max: c.max}, c.t); got != c.want {
			t.Errorf("%v from %d to %d: %v, expected %v", c.t, int16(c.min), int16(c.max), got, c.want)
		}
	}
}
