// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestTransferRowsU85: the rows of transfers of the U85, against what must be written of
// them.
func TestTransferRowsU85(t *testing.T) {
	base := u85List{isa.PutDMA0Src(0), isa.PutDMA0Dst(512), isa.PutDMA0Len(16), isa.PutDMA0Size0(3), isa.PutDMA0Size1(2),
		isa.PutDMA0SrcStride0(32), isa.PutDMA0SrcStride1(256), isa.PutDMA0DstStride0(48), isa.PutDMA0DstStride1(1024), isa.PutDMA0IdxRegion(0), isa.PutDMA0Idx(u85Index), isa.PutDMA0IdxMax(3)}
	from := func(mode int, by bool) isa.Command {
		return isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1, StrideMode: mode, IdxMode: by})
	}
	to := func(region int, by bool) isa.Command {
		return isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: region, IdxMode: by})
	}
	tables := isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 3, RegionMode: true})
	for _, c := range []struct {
		name string
		set  u85List
		want ranges // written
		rule Rule
		text string
	}{
		{"one row", u85List{from(0, false), to(1, false)}, ranges{{512, 528}}, "", ""},
		{"rows", u85List{from(1, false), to(1, false)}, ranges{{512, 528}, {560, 576}, {608, 624}}, "", ""},
		{"planes", u85List{from(2, false), to(1, false)}, ranges{{512, 528}, {560, 576}, {608, 624}, {1536, 1552}, {1584, 1600}, {1632, 1648}}, "", ""},
		{"rows by a list", u85List{from(1, true), to(1, false)}, ranges{{512, 528}, {560, 576}, {608, 624}}, "", ""},
		{"rows to places by a list", u85List{from(1, false), to(1, true)}, ranges{{560, 576}, {608, 624}, {656, 672}}, "", ""}, // 3, 2, 1
		{"a row to a place by a list", u85List{from(0, false), to(1, true), isa.PutDMA0Size0(1)}, ranges{{656, 672}}, "", ""},
		{"rows to places by a list in mode 0", u85List{from(0, false), to(1, true)}, nil, RuleDMA, "3 rows in 1 planes by a list of indices with stride mode 0"},
		{"planes by a list", u85List{from(2, true), to(1, false), isa.PutDMA0IdxSkip1(16)}, nil, RuleDMA, "3 rows in 2 planes by a list of indices with stride mode 2: rows of mode 1 are known"},
		{"the highest index", u85List{from(1, true), to(1, false), isa.PutDMA0IdxMax(2)}, nil, RuleDMA, "index 0 is 3, expected 0 to 2"},
		{"an index below 0", u85List{from(1, true), to(1, false), isa.PutDMA0Idx(u85Index + 16)}, nil, RuleDMA, "index 0 is -1, expected 0 to 3"},
		{"indices out of the region", u85List{from(1, true), to(1, false), isa.PutDMA0Idx(4088)}, nil, RuleRegion, "list of indices takes bytes 4088 to 4100 of region 0, which has 4096"},
		{"indices at the region's end", u85List{from(1, true), to(1, false), isa.PutDMA0Idx(4084), isa.PutDMA0IdxMax(9)}, ranges{{512, 528}, {560, 576}, {608, 624}}, "", ""},
		{"the last byte of the source", u85List{from(2, false), to(1, false), isa.PutDMA0Src(u85Arena - 16 - 64 - 256)}, ranges{{512, 528}, {560, 576}, {608, 624}, {1536, 1552}, {1584, 1600}, {1632, 1648}}, "", ""},
		{"a byte too many", u85List{from(2, false), to(1, false), isa.PutDMA0Src(u85Arena - 15 - 64 - 256)}, nil, RuleRegion, "DMA source takes bytes 7857 to 8193"},
		{"a source beyond its region", u85List{from(0, false), to(1, false), isa.PutDMA0Src(u85Arena - 15)}, nil, RuleRegion, "DMA source takes bytes 8177 to 8193"},
		{"a destination beyond its region", u85List{from(2, false), to(1, false), isa.PutDMA0Dst(u85Arena - 1024 - 96 - 15)}, nil, RuleRegion, "DMA destination takes bytes 7057 to 8193"},
		{"into constants", u85List{from(0, false), to(0, false)}, nil, RuleRegion, "DMA of the U85 writes to region 0"},
		{"no bytes", u85List{from(0, false), to(1, false), isa.PutDMA0Len(0)}, nil, RuleDMA, "length of a transfer of the U85 is 0"},
		{"no planes", u85List{from(2, false), to(1, false), isa.PutDMA0Size1(0)}, nil, RuleDMA, "3 rows in 0 planes of the U85"},
		{"too many rows", u85List{from(2, false), to(1, false), isa.PutDMA0Size0(513), isa.PutDMA0Size1(512)}, nil, RuleDMA, "513 rows in 512 planes of the U85"},
		{"a copy onto itself", u85List{from(0, false), to(1, false), isa.PutDMA0Dst(0)}, nil, "", ""},
		{"a copy over its source", u85List{from(0, false), to(1, false), isa.PutDMA0Dst(15)}, nil, RuleOverlap, "source and destination of a transfer of the U85 overlap"},
		{"a copy beside its source", u85List{from(0, false), to(1, false), isa.PutDMA0Dst(16)}, nil, "", ""},
		{"a table", u85List{from(0, false), tables}, nil, "", ""},
		{"a table of odd length", u85List{from(0, false), tables, isa.PutDMA0Len(24)}, nil, RuleDMA, "1 rows of 24 bytes to 0x200 of the memory of tables: one of multiples of 16 is known"},
		{"a table at an odd place", u85List{from(0, false), tables, isa.PutDMA0Dst(520)}, nil, RuleDMA, "1 rows of 16 bytes to 0x208"},
		{"a table in rows", u85List{from(1, false), tables}, nil, RuleDMA, "3 rows of 16 bytes to 0x200"},
		{"the last table", u85List{from(0, false), tables, isa.PutDMA0Dst(2032)}, nil, "", ""},
		{"a table beyond the last", u85List{from(0, false), tables, isa.PutDMA0Dst(2048)}, nil, RuleDMA, "bytes 0x800 to 0x810 of the memory of tables, which has 2048"},
	} {
		words := isa.Encode(slices.Concat(base, c.set, u85List{{Code: isa.OpDMAStart}, isa.PutStop(0xFFFF)}))
		r, _ := memory85(t)
		copy(r[0].Content[u85Index+16:], []byte{0xFF, 0xFF, 0xFF, 0xFF})
		copy(r[0].Content[4084:], []byte{9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 0, 0})
		check := checkerOf(t, "ethos-u85-256")
		check = newChecker(check.a, r)
		check.defined[1] = ranges{{0, u85Arena}}
		check.walk(words)
		if c.rule == "" && len(check.findings) > 0 || c.rule != "" && (len(check.findings) != 1 || check.findings[0].Rule != c.rule || !strings.HasPrefix(check.findings[0].Msg, c.text)) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.text)
		}
		if c.want == nil {
			continue
		}
		check = newChecker(check.a, r)
		source := ranges{{0, 384}}
		if strings.HasPrefix(c.name, "the last byte") {
			source = ranges{{7856, 8192}}
		}
		check.defined[1] = slices.Clone(source)
		check.walk(words)
		if check.defined[1].remove(source[0].Start, source[0].End); !slices.Equal(check.defined[1], c.want) {
			t.Errorf("%s: written %v, expected %v", c.name, check.defined[1], c.want)
		}
	}
}

// TestLargestU85: which differences meet their maximum.
func TestLargestU85(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(c *checker, k *kernelU85)
		group  int
	}{
		{"a difference", func(*checker, *kernelU85) {}, 8},
		{"ADD", func(_ *checker, k *kernelU85) { k.Elem = isa.ElemAdd }, 0},
		{"a scalar", func(_ *checker, k *kernelU85) { k.IFM2.Storage = isa.NoStorage }, 0},
		{"a scalar before", func(_ *checker, k *kernelU85) { k.IFM.Storage = isa.NoStorage }, 0},
		{"another depth", func(_ *checker, k *kernelU85) { k.IFM2.C = 2 }, 0},
		{"an element each", func(c *checker, k *kernelU85) {
			k.IFM2.FeatureMap = plain(2048, 2, 1, 8, typeS8)
			for i := range int64(16) {
				c.maxima[1].of[2048+i] = Range{i, i + 1}
			}
		}, 1},
		{"32 bits", func(_ *checker, k *kernelU85) { k.IFM.Type = typeS32 }, 0},
		{"another zero point", func(_ *checker, k *kernelU85) { k.IFM2.ZeroPoint = 4 }, 0},
		{"another scale", func(_ *checker, k *kernelU85) { k.IFM2Scale.Shift = 1 }, 0},
		{"another rounding", func(_ *checker, k *kernelU85) { k.IFM2Scale.Round = isa.RoundDown }, 0},
		{"another height", func(_ *checker, k *kernelU85) { k.IFM2.H = 1 }, 0},
		{"another width", func(_ *checker, k *kernelU85) { k.IFM2.W = 2 }, 0},
		{"upscaling", func(_ *checker, k *kernelU85) { k.Upscale = isa.UpscaleNearest }, 0},
		{"no maximum", func(c *checker, _ *kernelU85) { c.maxima = nil }, 0},
		{"too many elements", func(c *checker, k *kernelU85) {
			k.IFM.FeatureMap, k.IFM2.FeatureMap = plain(0, 1, 1, 65537, typeS8), plain(90000, 1, 1, 1, typeS8)
			c.maxima[1].of = map[int64]Range{90000: {0, 65537}}
		}, 0},
		{"as many as are looked at", func(c *checker, k *kernelU85) {
			k.IFM.FeatureMap, k.IFM2.FeatureMap = plain(0, 1, 1, 65536, typeS8), plain(90000, 1, 1, 1, typeS8)
			c.maxima[1].of = map[int64]Range{90000: {0, 65536}}
		}, 65536},
		{"the chained largest of one", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			k.same, k.IFM2.Storage = &f, isa.Chained
		}, 1},
		{"nothing known of a chain", func(_ *checker, k *kernelU85) { k.IFM2.Storage = isa.Chained }, 0},
		{"known of a chain that is not read", func(c *checker, k *kernelU85) { f := k.IFM.FeatureMap; k.same, c.maxima = &f, nil }, 0},
		{"the chained largest, added", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			k.same, k.IFM2.Storage, k.Elem = &f, isa.Chained, isa.ElemAdd
		}, 0},
		{"the chained largest of others", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			f.Base[0] = 512
			k.same, k.IFM2.Storage = &f, isa.Chained
		}, 0},
		{"the chained largest at another zero point", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			k.same, k.IFM2.Storage, k.IFM2.ZeroPoint = &f, isa.Chained, 4
		}, 0},
		{"the chained largest at another scale", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			k.same, k.IFM2.Storage, k.IFM2Scale.Value = &f, isa.Chained, 2
		}, 0},
		{"the chained largest of a buffer", func(_ *checker, k *kernelU85) {
			f := k.IFM.FeatureMap
			k.same, k.IFM2.Storage, k.IFM.Storage = &f, isa.Chained, isa.Chained
		}, 0},
	} {
		check := checkerOf(t, "ethos-u85-256")
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpElementwise, Elem: isa.ElemSub, IFMScale: isa.ScaleU85{Value: 1}, IFM2Scale: isa.ScaleU85{Value: 1}}}
		k.Window = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
		k.IFM.FeatureMap, k.IFM2.FeatureMap, k.OFM.FeatureMap = plain(0, 2, 1, 8, typeS8), plain(2048, 2, 1, 1, typeS8), plain(4096, 2, 1, 8, typeS8)
		check.maxima = []maximum{{from: 2, to: 1, of: map[int64]Range{}, element: typeS8}, {from: 1, to: 1, of: map[int64]Range{2048: {0, 8}, 2049: {8, 16}}, element: typeS8}}
		c.change(check, k)
		if group := check.largestU85(k); group != c.group {
			t.Errorf("%s: groups of %d, expected %d", c.name, group, c.group)
		}
	}
}

// TestWritesCost: an output costs as many units of work as it has ranges of bytes, and a
// sixteenth of those that are there.
func TestWritesCost(t *testing.T) {
	for _, name := range []string{"ethos-u55-128", "ethos-u85-256"} {
		check := checkerOf(t, name)
		for i := range int64(48) {
			check.defined[1].add(4096+4*i, 4097+4*i)
		}
		f := plain(0, 1, 4, 8, typeS8)
		f.StrideX = 16
		if name == "ethos-u55-128" {
			check.writes(&kernel{ofm: f, out: f.Spans()})
		} else {
			check.writesU85(&kernelU85{KernelU85: &isa.KernelU85{}, out: f.Spans()}, &isa.MapU85{FeatureMap: f})
		}
		if check.work != 4+3 || !slices.Equal(check.defined[1][:5], ranges{{0, 8}, {16, 24}, {32, 40}, {48, 56}, {4096, 4097}}) {
			t.Errorf("%s: %d of work, expected 7; written %v", name, check.work, check.defined[1][:5])
		}
	}
}

// TestBlockdepOfMovedU85: what is written transposed or reversed may be read by the next
// operation once all of it is there; what it does not read it need not wait for.
func TestBlockdepOfMovedU85(t *testing.T) {
	point := isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	of := func(in, out uint64) *kernelU85 {
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpElementwise, Elem: isa.ElemAbs, Window: point, H: 1, W: 1, D: 16}}
		k.IFM.FeatureMap, k.OFM.FeatureMap = plain(in, 4, 4, 16, typeS8), plain(out, 4, 4, 16, typeS8)
		k.out = k.OFM.Spans()
		return k
	}
	for _, c := range []struct {
		name   string
		p, k   *kernelU85
		change func(p *kernelU85)
		most   int
	}{
		{"apart", of(0, 1024), of(2048, 4096), func(*kernelU85) {}, 7},
		{"one behind the other", of(0, 1024), of(1024, 4096), func(*kernelU85) {}, 7}, // 16 blocks, of which the first is done
		{"transposed, apart", of(0, 1024), of(2048, 4096), func(p *kernelU85) { p.Transpose = isa.TransposeWHC }, 7},
		{"reversed, apart", of(0, 1024), of(2048, 4096), func(p *kernelU85) { p.Reverse = isa.ReverseH }, 7},
		{"transposed", of(0, 1024), of(1024, 4096), func(p *kernelU85) { p.Transpose = isa.TransposeWHC }, 0},
		{"reversed", of(0, 1024), of(1024, 4096), func(p *kernelU85) { p.Reverse = isa.ReverseH }, 0},
		{"the last block", of(0, 784), of(1024, 4096), func(*kernelU85) {}, 0},
		{"the last but three", of(0, 784+48), of(1024, 4096), func(*kernelU85) {}, 3},
		{"into a buffer", of(0, 1024), of(1024, 4096), func(p *kernelU85) { p.out = nil; p.Transpose = isa.TransposeWHC }, 7},
	} {
		c.change(c.p)
		check := checkerOf(t, "ethos-u85-256")
		if most, why := check.maxBlockdepU85(c.p, c.k); most != c.most {
			t.Errorf("%s: at most %d (%s), expected %d", c.name, most, why, c.most)
		}
	}
	check := checkerOf(t, "ethos-u85-256")
	weights := of(0, 1024)
	weights.constants = []isa.Span{{Region: 1, Start: 4351, End: 4400}}
	if most, why := check.maxBlockdepU85(of(0, 4096), weights); most != 0 || !strings.Contains(why, "weights or records") {
		t.Errorf("weights that the operation before writes: at most %d (%s)", most, why)
	}
	if most, _ := check.maxBlockdepU85(nil, weights); most != 7 {
		t.Errorf("at most %d behind nothing", most)
	}
}

// TestRoundU85: every rounding of a scale from its definition; those that no source states
// for the verifier are bounded.
func TestRoundU85(t *testing.T) {
	for _, c := range []struct {
		s          isa.ScaleU85
		v, lo, hi  int64 // what becomes of a value
		loHi, hiLo int64 // of a range of it and the next one, the ends
	}{
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundHalfUp}, 5, 3, 3, 3, 3},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundHalfUp}, -5, -2, -2, -2, -2},
		{isa.ScaleU85{Value: 3, Round: isa.RoundHalfUp}, -5, -15, -15, -15, -12},
		{isa.ScaleU85{Value: 1, Shift: 31, Round: isa.RoundHalfUp, Double: 20}, 1 << 30, 1, 1, 1, 1},
		{isa.ScaleU85{Value: 1, Shift: 31, Round: isa.RoundHalfUp, Double: 20}, 1<<30 - 1, 0, 0, 0, 1},
		{isa.ScaleU85{Value: 1, Shift: 31, Round: isa.RoundDouble, Double: 20}, 1<<30 - 1<<10, 1, 1, 1, 1}, // 2^10 at bit 11 before
		{isa.ScaleU85{Value: 1, Shift: 31, Round: isa.RoundDouble, Double: 20}, 1<<30 - 1<<10 - 1, 0, 0, 0, 1},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundTowardsZero}, -5, -2, -2, -2, -2},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundTowardsZero}, 5, 2, 2, 2, 3},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundDown}, 5, 2, 4, 2, 4},
		{isa.ScaleU85{Value: 1, Shift: 1, Round: isa.RoundSymmetric}, -5, -3, -1, -3, -1},
	} {
		round := roundU85(c.s)
		if b := round(bound{c.v, c.v}); b != (bound{c.lo, c.hi}) {
			t.Errorf("%+v of %d: %v, expected %d to %d", c.s, c.v, b, c.lo, c.hi)
		}
		if b := round(bound{c.v, c.v + 1}); b != (bound{c.loHi, c.hiLo}) {
			t.Errorf("%+v of %d and the next: %v, expected %d to %d", c.s, c.v, b, c.loHi, c.hiLo)
		}
	}
}

// TestSumsU85: the sums of weights, known or not, with bias, start and padding.
func TestSumsU85(t *testing.T) {
	if got := sumWeights([]int16{1, -2, 3, 0, -5, 7}, 2); !slices.Equal(got, []bound{{-2, 4}, {-5, 7}}) {
		t.Errorf("sums %v", got)
	}
	if got := sumWeights(nil, 0); len(got) != 0 {
		t.Errorf("sums %v of nothing", got)
	}
	for _, c := range []struct {
		name   string
		change func(k *kernelU85)
		want   bound
		found  int
	}{
		{"known weights", func(k *kernelU85) { k.sums = []bound{{-2, 4}, {-5, 7}} }, bound{-7*130 - 5*125, 7*125 + 5*130}, 0},
		{"unknown weights", func(*kernelU85) {}, bound{-130 * 255 * 4, 130 * 255 * 4}, 0},
		{"unknown weights of a window", func(k *kernelU85) { k.Window.H, k.Window.W = 2, 3 }, bound{-130 * 255 * 24, 130 * 255 * 24}, 0},
		{"unknown weights, depthwise", func(k *kernelU85) { k.Op, k.Window.H = isa.OpDepthwise, 3 }, bound{-130 * 255 * 3, 130 * 255 * 3}, 0},
		{"values above 0", func(k *kernelU85) { k.IFM.Type, k.sums = typeU8, []bound{{-1, 1}, {0, 2}} }, bound{-2 - 253, 2 * 253}, 0},
		{"a start", func(k *kernelU85) {
			k.sums, k.Acc.Input, k.IFM2.Type, k.IFM2.Storage = []bound{{0, 0}, {0, 0}}, isa.AccIFM2, typeS8, isa.Chained
		}, bound{-128, 127}, 0},
		{"a matrix", func(k *kernelU85) { k.MatMul, k.IFM2.Type, k.IFM2.ZeroPoint = true, typeS8, 1 }, bound{-4 * 130 * 126, 4 * 130 * 129}, 0},
		{"beyond 32 bits", func(k *kernelU85) { k.IFM.C = 1 << 17 }, bound{-1 << 31, 1<<31 - 1}, 1},
		{"not beyond 48 bits", func(k *kernelU85) { k.IFM.C, k.Acc.Format = 1<<17, isa.AccI48 }, bound{-130 * 255 << 17, 130 * 255 << 17}, 0},
	} {
		check := checkerOf(t, "ethos-u85-256")
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpConv, OFMScale: isa.ScaleU85{Value: 1, Round: isa.RoundHalfUp}}}
		k.Window = isa.Kernel{H: 1, W: 1}
		k.IFM.FeatureMap, k.IFM2.FeatureMap, k.OFM.FeatureMap = plain(0, 1, 1, 4, typeS8), plain(64, 1, 1, 2, typeS32), plain(128, 1, 1, 2, typeS8)
		k.IFM.ZeroPoint = 2
		c.change(k)
		if got := check.sumsU85(k); got != c.want || len(check.findings) != c.found {
			t.Errorf("%s: %v, %v, expected %v", c.name, got, check.findings, c.want)
		}
	}
}

// TestRecordsAtTheBegin: records of which byte 0 of a region is not known are not known.
func TestRecordsAtTheBegin(t *testing.T) {
	check := checkerOf(t, "ethos-u85-256")
	check.known[1].put(1, make([]byte, 400))
	k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpConv, Records: isa.Span{Region: 1, Start: 0, End: 160}}}
	if k.OFM.C = 16; check.recordsOfU85(k) != nil {
		t.Error("records of unknown bytes are known")
	}
	if k.Records = (isa.Span{Region: 1, Start: 16, End: 176}); len(check.recordsOfU85(k)) != 16 {
		t.Error("known records are not")
	}
	if k.Global = true; check.recordsOfU85(k) != nil {
		t.Error("records without any")
	}
}

// TestSumOfGroupsU85: a sum in which of every group one element is known to be less.
func TestSumOfGroupsU85(t *testing.T) {
	for _, c := range []struct {
		name     string
		group, h int
		want     bound
	}{{"no groups", 0, 1, bound{-800, 800}}, {"groups of four", 4, 1, bound{-600 - 2, 600 + 4}}, {"groups of eight", 8, 1, bound{-700 - 1, 700 + 2}}, {"groups that do not fit", 3, 1, bound{-800, 800}}, {"a window", 4, 2, bound{-1600, 1600}}} {
		check := checkerOf(t, "ethos-u85-256")
		f := plain(0, 1, 1, 8, typeS32)
		check.values = []written{{f: f, spans: f.Spans(), v: value{cells: []bound{{-100, 100}}, group: c.group, some: bound{-1, 2}}}}
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolReduceSum, OFMScale: isa.ScaleU85{Value: 1, Round: isa.RoundHalfUp}, Window: isa.Kernel{H: c.h, W: 1}}}
		k.IFM.FeatureMap = f
		if got := check.pooledU85(k).hull(); got != c.want {
			t.Errorf("%s: %v, expected %v", c.name, got, c.want)
		}
	}
}

// TestChainedLargest: which pools leave in a buffer what they read.
func TestChainedLargest(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(k *kernelU85)
		same   bool
	}{
		{"the largest of one", func(*kernelU85) {}, true},
		{"a clamp that is none", func(k *kernelU85) { k.Activation.Clip, k.Activation.Min, k.Activation.Max = true, 0xFF80, 127 }, true},
		{"a clamp", func(k *kernelU85) { k.Activation.Clip, k.Activation.Min, k.Activation.Max = true, 0xFF81, 127 }, false},
		{"a clamp that does not count", func(k *kernelU85) { k.Activation.Min, k.Activation.Max = 0xFF81, 127 }, true},
		{"the least", func(k *kernelU85) { k.Pool = isa.PoolMin }, false},
		{"a resize", func(k *kernelU85) { k.Op = isa.OpResize }, false},
		{"two rows", func(k *kernelU85) { k.Window.H = 2 }, false}, {"two columns", func(k *kernelU85) { k.Window.W = 2 }, false},
		{"every other row", func(k *kernelU85) { k.Window.StrideY = 2 }, false}, {"every other column", func(k *kernelU85) { k.Window.StrideX = 2 }, false},
		{"every other of both", func(k *kernelU85) { k.Window.StrideX, k.Window.StrideY = 2, 2 }, false},
		{"padding above", func(k *kernelU85) { k.Window.Top = 1 }, false}, {"padding below", func(k *kernelU85) { k.Window.Bottom = 1 }, false},
		{"padding to the left", func(k *kernelU85) { k.Window.Left = 1 }, false}, {"padding to the right", func(k *kernelU85) { k.Window.Right = 1 }, false},
		{"of a buffer", func(k *kernelU85) { k.IFM.Storage = isa.Chained }, false},
		{"another type", func(k *kernelU85) { k.OFM.Type = typeS16 }, false},
		{"another zero point", func(k *kernelU85) { k.OFM.ZeroPoint = 1 }, false},
		{"upscaled", func(k *kernelU85) { k.Upscale = isa.UpscaleNearest }, false},
		{"a table", func(k *kernelU85) { k.Activation.Function = isa.FuncS8ToS8 }, false},
		{"in memory", func(k *kernelU85) { k.OFM.Storage = isa.Tile2x2 }, false},
	} {
		check := checkerOf(t, "ethos-u85-256")
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolMax, OFMScale: isa.ScaleU85{Value: 1}}}
		k.Window = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
		k.IFM.FeatureMap, k.OFM.FeatureMap = plain(0, 1, 1, 16, typeS8), plain(64, 1, 1, 16, typeS8)
		k.OFM.Storage = isa.Chained
		c.change(k)
		s := &stateU85{}
		written := k.Written()
		if check.overflowU85(s, k, &written); (s.same != nil) != c.same || c.same && s.same != &k.IFM.FeatureMap {
			t.Errorf("%s: what is read is kept: %v, expected %v", c.name, s.same != nil, c.same)
		}
		if chained := k.OFM.Storage == isa.Chained; chained != (len(s.value.cells) > 0) || chained && len(check.maxima) > 0 {
			t.Errorf("%s: %v in the buffer, %d maxima", c.name, s.value.cells, len(check.maxima))
		}
	}
}

// TestMaximaU85: a pool by its maximum is noted when it is clamped to no less than its type.
func TestMaximaU85(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(k *kernelU85)
		noted  bool
	}{
		{"without a clamp", func(*kernelU85) {}, true},
		{"clamped to its type", func(k *kernelU85) { k.Activation.Clip, k.Activation.Min, k.Activation.Max = true, 0xFF80, 127 }, true},
		{"clamped to less", func(k *kernelU85) { k.Activation.Clip, k.Activation.Min, k.Activation.Max = true, 0xFF80, 126 }, false},
		{"with a table", func(k *kernelU85) { k.Activation.Function = isa.FuncS8ToS8 }, false},
		{"by its minimum", func(k *kernelU85) { k.Pool = isa.PoolMin }, false},
	} {
		check := checkerOf(t, "ethos-u85-256")
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolMax}}
		k.Window = isa.Kernel{H: 1, W: 4, StrideY: 1, StrideX: 4, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 4}
		k.IFM.FeatureMap, k.OFM.FeatureMap = plain(0, 2, 8, 1, typeS8), plain(2048, 2, 2, 1, typeS8)
		c.change(k)
		k.out = k.OFM.Spans()
		written := k.Written()
		if check.overflowU85(&stateU85{}, k, &written); (len(check.maxima) == 1) != c.noted {
			t.Errorf("%s: %d maxima, expected one: %v", c.name, len(check.maxima), c.noted)
		}
	}
}

// TestLookUpU85: what tables of the U85 make of a range, against every value of it alone.
func TestLookUpU85(t *testing.T) {
	table := make([]byte, 2048)
	for i := range 512 {
		base, slope := int16(37*i-9000), int16(i%40-17)
		copy(table[4*i:], []byte{byte(base), byte(base >> 8), byte(slope), byte(slope >> 8)})
	}
	word := func(at, size int64) (v int64) {
		for i := range size {
			v |= int64(table[at+i]) << (8 * i)
		}
		return v << (64 - 8*size) >> (64 - 8*size)
	}
	for _, c := range []struct {
		f         isa.FunctionU85
		size, low int64
		ranges    []bound
	}{
		{isa.FuncS8ToS8, 1, -128, []bound{{-128, 127}, {-5, 9}, {3, 3}, {127, 127}}},
		{isa.FuncS8ToS16, 2, -128, []bound{{-128, 127}, {-5, 9}, {3, 3}}},
		{isa.FuncS8ToS32, 4, -128, []bound{{-128, 127}, {-5, 9}, {3, 3}}},
		{isa.FuncS16ToS16, 4, -32768, []bound{{-32768, -32768}, {5, 9}, {0, 127}, {-128, 255}, {32640, 32767}, {127, 127}}},
	} {
		for _, b := range c.ranges {
			one := func(v int64) int64 {
				if c.f != isa.FuncS16ToS16 {
					return word(c.size*(v-c.low), c.size)
				}
				at := v - c.low
				return word(4*(at>>7), 2) + (word(4*(at>>7)+2, 2)*(at&127)+64)>>7
			}
			want := bound{one(b.lo), one(b.lo)}
			for v := b.lo; v <= b.hi; v++ {
				want = join(want, bound{one(v), one(v)})
			}
			check := checkerOf(t, "ethos-u85-256")
			check.loaded.put(0, table)
			k := &kernelU85{KernelU85: &isa.KernelU85{Activation: isa.ActivationU85{Function: c.f}}}
			_, k.OFM.Type = c.f.Types()
			if got := check.lookedUpU85(k, only(b), c.low).hull(); got != want {
				t.Errorf("%v of %v: %v, expected %v", c.f, b, got, want)
			}
			// Of what is not known all of the type may come.
			first, last := k.OFM.Type.Limits()
			at := b.hi - c.low
			if c.f == isa.FuncS16ToS16 {
				at >>= 7
			}
			check.loaded.forget(c.size*(at+1)-1, c.size*(at+1))
			if got := check.lookedUpU85(k, only(b), c.low).hull(); got != (bound{first, last}) {
				t.Errorf("%v of %v with a byte unknown: %v", c.f, b, got)
			}
		}
	}
	// An entry that leads out of 16 bits may lead anywhere.
	check := checkerOf(t, "ethos-u85-256")
	check.loaded.put(0, slices.Repeat([]byte{0xFF, 0x7F, 127, 0}, 512))
	k := &kernelU85{KernelU85: &isa.KernelU85{Activation: isa.ActivationU85{Function: isa.FuncS16ToS16}}}
	if k.OFM.Type = typeS16; check.lookedUpU85(k, only(bound{0, 9}), -32768).hull() != (bound{-32768, 32767}) {
		t.Error("a table that leaves 16 bits is followed")
	}
}

// TestStoredU85: zero point, clamp and what does not fit.
func TestStoredU85(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(k *kernelU85)
		v      bound
		want   bound
		found  int
	}{
		{"a value", func(*kernelU85) {}, bound{-5, 9}, bound{-2, 12}, 0},
		{"the limits", func(*kernelU85) {}, bound{-131, 124}, bound{-128, 127}, 0},
		{"beyond a limit", func(*kernelU85) {}, bound{-132, 124}, bound{-128, 127}, 1},
		{"beyond the other", func(*kernelU85) {}, bound{0, 125}, bound{3, 127}, 1},
		{"clamped", func(k *kernelU85) { k.Activation.Clip, k.Activation.Min, k.Activation.Max = true, 0xFFFF, 5 }, bound{-500, 500}, bound{-1, 5}, 0},
		{"64 bits", func(k *kernelU85) { k.OFM.Type = isa.DType{Bits: 64, Signed: true} }, bound{-5, 9}, bound{-most, most}, 0},
		{"32 bits", func(k *kernelU85) { k.OFM.Type = typeS32 }, bound{-5, 9}, bound{-2, 12}, 0},
		{"a table of another index", func(k *kernelU85) {
			k.OFM.Type, k.Activation.Function, k.Activation.Clip, k.Activation.Min, k.Activation.Max = typeS32, isa.FuncS8ToS32, true, 0xFF80, 0xFF80
		}, bound{-500, 500}, bound{7, 7}, 0},
		{"tanh of values beyond 16 bits", func(k *kernelU85) { k.OFM.Type, k.Activation.Function = typeS16, isa.FuncTanh }, bound{-1 << 20, 1 << 20}, bound{-32768, 32767}, 0},
	} {
		check := checkerOf(t, "ethos-u85-256")
		check.loaded.put(0, []byte{7, 0, 0, 0})
		k := &kernelU85{KernelU85: &isa.KernelU85{}}
		k.OFM.Type, k.OFM.ZeroPoint = typeS8, 3
		c.change(k)
		if got := check.storedU85(k, only(c.v)).hull(); got != c.want || len(check.findings) != c.found {
			t.Errorf("%s: %v, %v, expected %v", c.name, got, check.findings, c.want)
		}
	}
	for size, want := range map[int64]int64{1: -2, 2: 0x7FFE, 4: -2147450882} {
		if got := signedValue([]byte{0xFE, 0x7F, 0, 0x80}, size); got != want {
			t.Errorf("%d bytes: %d, expected %d", size, got, want)
		}
	}
}

// TestTableAtTheBegin: the first byte of the tables has to be loaded as any other.
func TestTableAtTheBegin(t *testing.T) {
	for missing, want := range map[Range]string{{0, 1}: "table 0 at 0x0 is not loaded: its memory was never written at 0x0", {255, 256}: "table 0 at 0x0 is not loaded: its memory was never written at 0xff", {256, 257}: ""} {
		check := checkerOf(t, "ethos-u85-256")
		check.tables.add(0, 2048)
		check.tables.remove(missing.Start, missing.End)
		k := &kernelU85{KernelU85: &isa.KernelU85{Activation: isa.ActivationU85{Function: isa.FuncS8ToS8}}}
		k.OFM.Type = typeS8
		if s := check.tableU85(k); s != (isa.Span{Region: isa.SHRAM, Start: 0, End: 256}) || want == "" && len(check.findings) > 0 || want != "" && (len(check.findings) != 1 || check.findings[0].Msg != want) {
			t.Errorf("without %v: %v, %v, expected %q", missing, s, check.findings, want)
		}
	}
}

// TestEmptyBoxes: a box without extent in any one dimension meets nothing.
func TestEmptyBoxes(t *testing.T) {
	f := plain(0, 4, 4, 4, typeS8)
	for _, c := range []struct {
		b     box
		empty bool
	}{{box{1, 2, 1, 2, 1, 2}, false}, {box{2, 2, 1, 2, 1, 2}, true}, {box{1, 2, 2, 2, 1, 2}, true}, {box{1, 2, 1, 2, 2, 2}, true}, {box{3, 2, 1, 2, 1, 2}, true}, {box{4, 9, 1, 2, 1, 2}, true}} {
		check := checkerOf(t, "ethos-u55-128")
		if c.b.clip(&f).empty() != c.empty || check.meet(&f, c.b, &f, whole(&f)) == c.empty || check.meet(&f, whole(&f), &f, c.b) == c.empty {
			t.Errorf("%v is empty or meets nothing: expected %v", c.b, c.empty)
		}
	}
}

// TestOperationsU85: kernels and transfers are counted, and those behind the end of the work
// are not.
func TestOperationsU85(t *testing.T) {
	r, n := memory85(t)
	words, _ := (&brokenU85{op: u85Matrix}).words(t, n)
	a := checkerOf(t, "ethos-u85-256").a
	if report := Stream(a, words, r); report.Operations != u85End || !report.Proven() {
		t.Errorf("%d operations, %v, expected %d", report.Operations, report.All(), u85End)
	}
	row := u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}), isa.PutDMA0Src(0), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 1}), isa.PutDMA0Dst(0), isa.PutDMA0Len(16),
		{Code: isa.OpDMAStart}, isa.PutDMAWaitU85(0), {Code: isa.OpDMAStart}, isa.PutStop(0xFFFF)}
	for left, want := range map[int]int{0: 1, 1: 2, 2: 2} {
		check := newChecker(a, r)
		check.work = maxWork - left
		if check.walk(isa.Encode(row)); check.operations != want {
			t.Errorf("with %d of work left %d transfers are looked at, expected %d", left, check.operations, want)
		}
	}
	bad := slices.Repeat(u85List{isa.PutIRQ(1)}, 300)
	if report := Stream(a, isa.Encode(append(bad, row...)), r); len(report.Findings) != maxFindings || report.Operations != 0 {
		t.Errorf("%d findings and %d operations", len(report.Findings), report.Operations)
	}
}

// TestOneOutsideU85: an operation of which one map lies outside is not judged further,
// whichever it is.
func TestOneOutsideU85(t *testing.T) {
	for want, set := range map[string]u85List{
		"IFM takes bytes 8180 to 8196":  {isa.PutIFMBase0(8180)},
		"IFM2 takes bytes 8180 to 8196": {isa.PutIFM2Base0(8180)},
		"OFM takes bytes 8180 to 8196":  {isa.PutOFMBase0(8180)},
	} {
		r, n := memory85(t)
		set = append(set, ofm85(true, isa.Tile2x2), isa.PutOFMRegion(1))
		words, at := (&brokenU85{op: u85Add, set: set}).words(t, n)
		// The next one reads the buffer that this one would have written.
		all := slices.DeleteFunc(Stream(checkerOf(t, "ethos-u85-256").a, words, r).All(), func(f Finding) bool { return f.Word != at[u85Add] })
		if len(all) != 1 || !strings.HasPrefix(all[0].Msg, want) {
			t.Errorf("%v, expected %q alone", all, want)
		}
	}
}

// TestReadsU85: what a window steps over is not read; of a second input all is.
func TestReadsU85(t *testing.T) {
	for _, c := range []struct {
		name    string
		op      isa.Code
		step    int
		missing Range // of the inputs, of four pixels of 16 bytes at 0 and at 64
		want    string
	}{
		{"a pool", isa.OpPool, 1, Range{16, 17}, "IFM reads byte 16 of region 1"},
		{"a pool of every other column", isa.OpPool, 2, Range{16, 17}, ""},
		{"a pool of every other column, one of those", isa.OpPool, 2, Range{47, 48}, "IFM reads byte 47 of region 1"},
		{"an elementwise operation", isa.OpElementwise, 1, Range{63, 64}, "IFM reads byte 63 of region 1"},
		{"its second input", isa.OpElementwise, 1, Range{127, 128}, "IFM2 reads byte 127 of region 1"},
		{"both, of which the first counts", isa.OpElementwise, 1, Range{60, 70}, "IFM reads byte 60 of region 1"},
		{"what a convolution of every other column starts from", isa.OpConv, 2, Range{80, 81}, "IFM2 reads byte 80 of region 1"},
		{"RESIZE", isa.OpResize, 1, Range{20, 21}, "IFM reads byte 20 of region 1"},
		{"nothing", isa.OpElementwise, 1, Range{128, 129}, ""},
	} {
		check := checkerOf(t, "ethos-u85-256")
		check.defined[1] = ranges{{0, 200}}
		check.defined[1].remove(c.missing.Start, c.missing.End)
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: c.op}}
		if c.op == isa.OpConv {
			k.Acc.Input = isa.AccIFM2
		}
		k.Window = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: c.step, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
		k.IFM.FeatureMap, k.IFM2.FeatureMap, k.OFM.FeatureMap = plain(0, 1, 4, 16, typeS8), plain(64, 1, 4, 16, typeS8), plain(256, 1, (4-1)/c.step+1, 16, typeS8)
		check.readsU85(&stateU85{}, k)
		if got := k.unwritten; (got != nil) != (c.want != "") || got != nil && !strings.HasPrefix(got.Msg, c.want) {
			t.Errorf("%s: %v, expected %q", c.name, got, c.want)
		}
	}
	for missing, found := range map[Range]bool{{0, 1}: true, {15, 16}: true, {16, 17}: false} {
		check := checkerOf(t, "ethos-u85-256")
		check.defined[1] = ranges{{0, 200}}
		check.defined[1].remove(missing.Start, missing.End)
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpPool, Pool: isa.PoolNone, Acc: isa.AccumulatorsU85{Input: isa.AccIFM2}}, constants: []isa.Span{{Region: 1, Start: 0, End: 16}}}
		k.IFM2.Storage = isa.Chained
		if check.readsU85(&stateU85{}, k); (len(check.findings) == 1) != found || found && check.findings[0].Rule != RuleUndefined {
			t.Errorf("weights without %v: %v", missing, check.findings)
		}
	}
}
