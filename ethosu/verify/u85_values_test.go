// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

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
		check.values.add(written{f: f, spans: f.Spans(), v: value{cells: []bound{{-100, 100}}, group: c.group, some: bound{-1, 2}}})
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
