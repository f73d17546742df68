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
