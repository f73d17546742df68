// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestSameMapping: equal coordinates are equal addresses where all strides are equal that
// count, in one tile each.
func TestSameMapping(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(f, g *isa.FeatureMap)
		same   bool
	}{
		{"the same", func(f, g *isa.FeatureMap) {}, true},
		{"another region", func(f, g *isa.FeatureMap) { g.Region = 2 }, false},
		{"another base", func(f, g *isa.FeatureMap) { g.Base[0] = 16 }, false},
		{"an unused base", func(f, g *isa.FeatureMap) { g.Base[1], g.Base[2], g.Base[3] = 1, 2, 3 }, true},
		{"another width of elements", func(f, g *isa.FeatureMap) { g.Type = typeS16 }, false},
		{"another sign", func(f, g *isa.FeatureMap) { g.Type = typeU8 }, true},
		{"another layout", func(f, g *isa.FeatureMap) { g.Format = isa.NHCWB16 }, false},
		{"other rows", func(f, g *isa.FeatureMap) { g.StrideY++ }, false},
		{"rows that only one has", func(f, g *isa.FeatureMap) { f.H = 1; g.StrideY++ }, false},
		{"rows that only the other has", func(f, g *isa.FeatureMap) { g.H = 1; g.StrideY++ }, false},
		{"no rows", func(f, g *isa.FeatureMap) { f.H, g.H = 1, 1; g.StrideY++ }, true},
		{"other pixels", func(f, g *isa.FeatureMap) { g.StrideX++ }, false},
		{"pixels that only one has", func(f, g *isa.FeatureMap) { f.W = 1; g.StrideX++ }, false},
		{"pixels that only the other has", func(f, g *isa.FeatureMap) { g.W = 1; g.StrideX++ }, false},
		{"no pixels", func(f, g *isa.FeatureMap) { f.W, g.W = 1, 1; g.StrideX++ }, true},
		{"bricks that are none", func(f, g *isa.FeatureMap) { g.StrideC++ }, true},
		{"the same bricks", func(f, g *isa.FeatureMap) { f.Format, g.Format = isa.NHCWB16, isa.NHCWB16 }, true},
		{"other bricks", func(f, g *isa.FeatureMap) { f.Format, g.Format = isa.NHCWB16, isa.NHCWB16; g.StrideC++ }, false},
		{"one brick of 16", func(f, g *isa.FeatureMap) {
			f.Format, g.Format, f.C, g.C = isa.NHCWB16, isa.NHCWB16, 16, 16
			g.StrideC++
		}, true},
		{"two bricks of 17", func(f, g *isa.FeatureMap) {
			f.Format, g.Format, f.C, g.C = isa.NHCWB16, isa.NHCWB16, 17, 17
			g.StrideC++
		}, false},
		{"one brick of only one", func(f, g *isa.FeatureMap) { f.Format, g.Format, f.C = isa.NHCWB16, isa.NHCWB16, 16; g.StrideC++ }, false},
		{"one brick of only the other", func(f, g *isa.FeatureMap) { f.Format, g.Format, g.C = isa.NHCWB16, isa.NHCWB16, 16; g.StrideC++ }, false},
		{"tiles above each other", func(f, g *isa.FeatureMap) { f.Height0 = 1 }, false},
		{"tiles beside each other", func(f, g *isa.FeatureMap) { f.Width0 = 1 }, false},
		{"tiles of the other, above each other", func(f, g *isa.FeatureMap) { g.Height0 = 1 }, false},
		{"tiles of the other, beside each other", func(f, g *isa.FeatureMap) { g.Width0 = 1 }, false},
	} {
		f := plain(0, 2, 2, 32, typeS8)
		g := f
		if c.change(&f, &g); sameMapping(&f, &g) != c.same {
			t.Errorf("%s: mapped alike: %v, expected %v", c.name, !c.same, c.same)
		}
	}
}

// TestWaitsOfTransfers: of the transfers that may be under way with another one, the newest
// that it meets is named, and how many may stay.
func TestWaitsOfTransfers(t *testing.T) {
	span := func(at int64) []isa.Span { return []isa.Span{{Region: 1, Start: at, End: at + 16}} }
	for _, c := range []struct {
		accel string
		reads []isa.Span
		want  string
	}{
		{"ethos-u85-256", span(128), "it touches what operation 2 (copy, word 20) transfers and does not wait for it, and nothing says that transfers take effect in order, expected NPU_OP_DMA_WAIT 0 or less"},
		{"ethos-u85-256", span(64), "it touches what operation 1 (copy, word 10) transfers and does not wait for it, and nothing says that transfers take effect in order, expected NPU_OP_DMA_WAIT 1 or less"},
		{"ethos-u85-256", span(256), ""},
		{"ethos-u55-128", span(128), ""}, // one at a time
	} {
		check := checkerOf(t, c.accel)
		under := check.a.DMAUnderWay()
		for i := range 3 {
			check.dmas = append(check.dmas, footprint{word: 10 * i, op: i, name: "copy", writes: span(int64(64 * i))})
		}
		check.waitsOfTransfer(footprint{op: 3, reads: c.reads})
		if under < 2 && c.want != "" && strings.Contains(c.want, "operation 1") {
			c.want = ""
		}
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || check.findings[0].Msg != c.want) {
			t.Errorf("%s reads %v, %d under way: %v, expected %q", c.accel, c.reads, under, check.findings, c.want)
		}
		if n := len(check.dmas); n > check.a.MaxDMA || check.dmas[n-1].op != 3 {
			t.Errorf("%s: under way are %v", c.accel, check.dmas)
		}
	}
}

// TestTableHazard: a kernel reads its table, where it has one, and overwrites its buffers.
func TestTableHazard(t *testing.T) {
	tables := isa.Span{Region: isa.SHRAM, Start: 22528, End: 22784}
	for _, c := range []struct {
		name   string
		k      kernel
		writes isa.Span // of the transfer that is under way
		found  bool
	}{
		{"its table", kernel{table: true, tableSpan: tables}, isa.Span{Region: isa.SHRAM, Start: 22783, End: 22800}, true},
		{"beside its table", kernel{table: true, tableSpan: tables}, isa.Span{Region: isa.SHRAM, Start: 22784, End: 22800}, false},
		{"another's table", kernel{tableSpan: tables}, isa.Span{Region: isa.SHRAM, Start: 22528, End: 22800}, false},
		{"its buffers", kernel{shramEnd: 22528}, isa.Span{Region: isa.SHRAM, Start: 22527, End: 22800}, true},
		{"beside its buffers", kernel{shramEnd: 22528}, isa.Span{Region: isa.SHRAM, Start: 22528, End: 22800}, false},
		{"its first input", kernel{in: []isa.Span{{Region: 1, Start: 0, End: 8}}}, isa.Span{Region: 1, Start: 7, End: 9}, true},
		{"its second input", kernel{in2: []isa.Span{{Region: 1, Start: 0, End: 8}}}, isa.Span{Region: 1, Start: 7, End: 9}, true},
		{"its weights", kernel{constants: []isa.Span{{Region: 1, Start: 0, End: 8}}}, isa.Span{Region: 1, Start: 7, End: 9}, true},
		{"its output", kernel{out: []isa.Span{{Region: 1, Start: 0, End: 8}}}, isa.Span{Region: 1, Start: 7, End: 9}, true},
		{"nothing of it", kernel{out: []isa.Span{{Region: 1, Start: 0, End: 8}}}, isa.Span{Region: 1, Start: 8, End: 9}, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.dmas = []footprint{{name: "copy", writes: []isa.Span{c.writes}}}
		check.kernelHazards(nil, &c.k)
		if (len(check.findings) == 1 && check.findings[0].Rule == RuleWait) != c.found || len(check.findings) > 1 || len(check.kernels) != 1 {
			t.Errorf("%s: %v, expected a finding: %v", c.name, check.findings, c.found)
		}
	}
}

// TestTablesUnderBuffers: the buffers of an operation without a table destroy tables as far
// as they reach, and what was known of them; one with a table leaves them.
func TestTablesUnderBuffers(t *testing.T) {
	for _, table := range []bool{false, true} {
		check := checkerOf(t, "ethos-u55-64") // the buffers of which may reach over the tables
		base := int64(check.a.LUTBase())
		check.tables.add(base, base+512)
		check.loaded.put(base, make([]byte, 512))
		lines := "NPU_SET_ACTIVATION\n"
		if table {
			lines = "NPU_SET_ACTIVATION function=16\nNPU_SET_ACTIVATION_MIN clip=65408\nNPU_SET_ACTIVATION_MAX clip=127\n"
		}
		k := &kernel{table: table, ofm: plain(0, 1, 1, 8, typeS8), shramEnd: int(base) + 256}
		check.useTable(lastOperation(t, lines+"NPU_OP_ELEMENTWISE elementwise_mode=6"), k)
		want := ranges{{base + 256, base + 512}}
		if table {
			want = ranges{{base, base + 512}}
		}
		_, unknown := check.loaded.get(base, base+512)
		_, behind := check.loaded.get(base+256, base+512)
		if !slices.Equal(check.tables, want) || (unknown < 0) != table || behind >= 0 || len(check.findings) > 0 {
			t.Errorf("with a table %v: tables %v, known but %d, %v", table, check.tables, unknown, check.findings)
		}
	}
}

// TestDependents: which bytes of an output depend on bytes without a value, against every
// tap of every element.
func TestDependents(t *testing.T) {
	rng := rand.New(rand.NewPCG(95, 96))
	some := 0
	for range 400 {
		n := isa.Kernel{H: 1 + rng.IntN(3), W: 1 + rng.IntN(3), StrideY: 1 + rng.IntN(2), StrideX: 1 + rng.IntN(2), DilationY: 1 + rng.IntN(2), DilationX: 1 + rng.IntN(2)}
		n.DilatedH, n.DilatedW = (n.H-1)*n.DilationY+1, (n.W-1)*n.DilationX+1
		n.Top, n.Left = rng.IntN(n.DilatedH), rng.IntN(n.DilatedW)
		wide, depth := rng.IntN(2) == 0, 1+rng.IntN(4)
		k := &kernel{k: n, up: 1 + rng.IntN(2), ofm: plain(4096, 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(4), typeS16)}
		if !wide {
			depth = k.ofm.C
		}
		k.shape.Kind = block.Depthwise
		if wide {
			k.shape.Kind = block.Conv
		}
		k.ifm = plain(0, 1+rng.IntN(6), 1+rng.IntN(6), depth, typeS16)
		k.hasIFM2 = rng.IntN(3) == 0
		k.ifm2 = plain(2048, []int{1, k.ofm.H}[rng.IntN(2)], []int{1, k.ofm.W}[rng.IntN(2)], []int{1, k.ofm.C}[rng.IntN(2)], typeS16)
		check := checkerOf(t, "ethos-u55-128")
		check.defined[1].add(0, 4096)
		for range rng.IntN(4) {
			at := int64(rng.IntN(200))
			check.defined[1].remove(at, at+1+int64(rng.IntN(2)))
		}
		if at := 2048 + int64(rng.IntN(40)); k.hasIFM2 {
			check.defined[1].remove(at, at+1)
		}
		lacks := func(f *isa.FeatureMap, y, x, c int) bool {
			a := f.Address(y, x, c)
			return check.defined[1].missing(a, a+2) >= 0
		}
		var want ranges
		for y := range k.ofm.H {
			for x := range k.ofm.W {
				for c := range k.ofm.C {
					bad := k.hasIFM2 && lacks(&k.ifm2, min(y, k.ifm2.H-1), min(x, k.ifm2.W-1), min(c, k.ifm2.C-1))
					for ty := range n.H {
						for tx := range n.W {
							iy, ix := y*n.StrideY+ty*n.DilationY-n.Top, x*n.StrideX+tx*n.DilationX-n.Left
							for ch := range depth {
								if iy >= 0 && ix >= 0 && iy/k.up < k.ifm.H && ix/k.up < k.ifm.W && (wide || ch == c) {
									bad = bad || lacks(&k.ifm, iy/k.up, ix/k.up, ch)
								}
							}
						}
					}
					if a := k.ofm.Address(y, x, c); bad {
						want.add(a, a+2)
						some++
					}
				}
			}
		}
		before := check.work
		if got := check.dependents(k); !slices.Equal(got, want) {
			t.Fatalf("kernel %+v, upscaled by %d, %v to %v: %v depend, expected %v", n, k.up, k.ifm, k.ofm, got, want)
		}
		if size, n := k.ifm.H*k.ifm.W*k.ifm.C, k.ofm.H*k.ofm.W*k.ofm.C; check.work-before != (size+n)/4 {
			t.Fatalf("%d elements from %d: %d of work", n, size, check.work-before)
		}
	}
	if some < 300 {
		t.Errorf("only %d elements depend on bytes without a value", some)
	}
}

// TestManyDependents: of maps that are too large to follow, all of the output depends.
func TestManyDependents(t *testing.T) {
	for _, c := range []struct {
		name   string
		in, h  int
		taps   int
		follow bool
	}{
		{"as many inputs as are followed", maxFollowed, 1, 1, true}, {"one more", maxFollowed + 1, 1, 1, false},
		{"as many taps as are followed", 4, 1024, 1024, true}, {"more", 4, 1025, 1024, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.defined[1] = ranges{{0, 1 << 30}}
		k := &kernel{up: 1, ifm: plain(0, 1, c.in, 1, typeS8), ofm: plain(1<<25, c.h, 1, 1, typeS8), k: isa.Kernel{H: c.taps, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1}}
		if list := check.dependents(k); (len(list) == 0) != c.follow {
			t.Errorf("%s: %v depend on nothing, followed %v expected", c.name, list, c.follow)
		}
	}
}
