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
