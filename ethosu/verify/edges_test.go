// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// TestRoundingValue: every rounding from its definition, in fractions. At ties, where the
// ways differ, as often as elsewhere.
func TestRoundingValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	floor := func(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }
	half := big.NewRat(1, 2)
	pow := func(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
	modes := map[string]int{}
	for range 20000 {
		shift := rng.IntN(48)
		scale := uint32(1)
		if rng.IntN(2) == 0 {
			scale = rng.Uint32() >> rng.IntN(31)
		}
		v := rng.Int64N(1<<33) - 1<<32
		v >>= rng.IntN(33)
		if rng.IntN(2) == 0 && shift > 0 && shift < 40 { // a tie, when the scale is 1
			v = (v>>20)<<shift + 1<<(shift-1)
		}
		r := rounding{scale: isa.Scale{Value: scale, Shift: shift}, mode: isa.RoundMode(rng.IntN(3)), fixed: []int{0, 15, 20}[rng.IntN(3)]}
		product := new(big.Int).Mul(big.NewInt(v), big.NewInt(int64(scale)))
		exact := new(big.Rat).SetFrac(product, pow(shift))
		var want *big.Int
		switch r.mode {
		case isa.RoundTruncate: // to zero
			if want = floor(new(big.Rat).Abs(exact)); v < 0 {
				want.Neg(want)
			}
		case isa.RoundTFL:
			// Beyond 31 bits, less those of the operand's own shift, the rounding at that
			// place comes first: half a unit there, away from zero.
			if first := 31 - r.fixed; shift > first {
				unit := pow(first - 1)
				if v < 0 {
					unit.Neg(unit)
				}
				exact = new(big.Rat).SetFrac(new(big.Int).Add(product, unit), pow(shift))
			}
			fallthrough
		default: // half up
			want = floor(new(big.Rat).Add(exact, half))
		}
		modes[fmt.Sprint(r.mode, v < 0, exact.IsInt(), shift > 31-r.fixed)]++
		if limit := big.NewInt(most); want.CmpAbs(limit) > 0 {
			if want.Set(limit); v < 0 {
				want.Neg(want)
			}
		}
		if got := r.value(v); got != want.Int64() {
			t.Fatalf("%d * %d >> %d, mode %v, %d bits before: %d, expected %v", v, scale, shift, r.mode, r.fixed, got, want)
		}
	}
	if len(modes) < 20 {
		t.Errorf("only %d cases of rounding were met: %v", len(modes), modes)
	}
}

// TestMostOfStreams: the largest sum of absolute weights of an output, for kernels of all
// orders.
func TestMostOfStreams(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	for range 60 {
		l := weights.Layout{Traversal: weights.Traversal(rng.IntN(3)), IFMBits: 8, OFMBlockDepth: 8 * (1 + rng.IntN(3)), OFMUBlockDepth: 8,
			KH: 1 + rng.IntN(3), KW: 1 + rng.IntN(3), DilationH: 1, DilationW: 1, O: 1 + rng.IntN(20), I: 1 + rng.IntN(20)}
		if l.Traversal == weights.Depthwise {
			l.I = 1
		}
		each := l.KH * l.KW * l.I
		w, want := make([]int16, l.O*each), int64(0)
		for o := range l.O {
			sum := int64(0)
			for i := range each {
				v := int64(rng.IntN(511) - 255)
				w[o*each+i] = int16(v)
				sum += max(v, -v)
			}
			want = max(want, sum)
		}
		b, err := weights.Encode(weights.Reorder(w, l))
		if err != nil {
			t.Fatal(err)
		}
		c := checkerOf(t, "ethos-u55-128")
		if v := c.judge(b, l); v.err != nil || v.most != want {
			t.Errorf("%+v: %v, %d, expected %d", l, v.err, v.most, want)
		}
		before := c.work
		if v := c.judge(b, l); v.most != want || c.work != before {
			t.Errorf("%+v: judged twice, %d, with %d of work", l, v.most, c.work-before)
		}
		if l.O += 8; c.judge(b, l).err == nil {
			t.Errorf("%+v: nothing is wrong with a stream of fewer weights", l)
		}
	}
}

// TestLookUpEveryValue: what a table makes of a range, against every value of it alone.
func TestLookUpEveryValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(75, 76))
	for range 300 {
		c := checkerOf(t, "ethos-u55-128")
		ofm, index, act := typeS16, typeS16, isa.Activation{Function: isa.ActTable0, Min: 0x8000, Max: 0x7FFF}
		entries := make([]uint32, 512)
		if rng.IntN(2) == 0 {
			ofm, index = typeS32, typeS8
			act = isa.Activation{Function: isa.ActTable0 + isa.ActivationFunction(4*rng.IntN(2)), Clip: isa.ClipInt8, Min: 0xFF80, Max: 127}
			entries = entries[:256]
		}
		if rng.IntN(3) == 0 {
			act.Min, act.Max = uint16(int16(-rng.IntN(100))), uint16(rng.IntN(100))
		}
		var table []byte
		for i := range entries {
			entries[i] = rng.Uint32()
			if index.Bits == 16 {
				entries[i] = uint32(rng.IntN(401)-200)<<16 | uint32(uint16(rng.IntN(40000)-20000))
			}
			table = binary.LittleEndian.AppendUint32(table, entries[i])
		}
		c.loaded.put(int64(c.a.LUTBase())+256*int64(act.Function-isa.ActTable0), table)
		zeroPoint := int32(0)
		if index.Bits == 8 {
			zeroPoint = int32(rng.IntN(21) - 10)
		}
		lo := rng.Int64N(int64(1)<<index.Bits) - int64(1)<<(index.Bits-1)
		b := bound{lo, lo + rng.Int64N(400)>>rng.IntN(9)}
		clip := clipOf(act, index)
		one := func(v int64) int64 {
			v = min(max(v+int64(zeroPoint), clip.lo), clip.hi)
			if index.Bits == 8 {
				return int64(int32(entries[v+128]))
			}
			e := entries[(v+32768)>>7]
			return int64(int16(e)) + (int64(int16(e>>16))*((v+32768)&127)+64)>>7
		}
		want := bound{one(b.lo), one(b.lo)}
		for v := b.lo; v <= b.hi; v++ {
			want = join(want, bound{one(v), one(v)})
		}
		k := &kernel{table: true, ofm: plain(0, 1, 1, 1, ofm)}
		k.ofm.ZeroPoint = zeroPoint
		got := c.looksUp(act, k, only(b)).hull()
		// Of an entry that is met at all, all of its values count where there are several.
		if !want.within(got) {
			t.Fatalf("%v of %v to %v: %v, but the values are %v", b, index, ofm, got, want)
		}
		first, last := min(max(b.lo+int64(zeroPoint), clip.lo), clip.hi), min(max(b.hi+int64(zeroPoint), clip.lo), clip.hi)
		if exact := index.Bits == 8 || (first+32768)>>7 == (last+32768)>>7; exact && got != want {
			t.Fatalf("%v of %v to %v: %v, expected %v", b, index, ofm, got, want)
		}
		if (first+32768)&127 == 0 && (last+32768)&127 == 127 && got != want {
			t.Fatalf("%v, whole entries of %v to %v: %v, expected %v", b, index, ofm, got, want)
		}
		// With one byte of the table unknown nothing is.
		at := int64(c.a.LUTBase()) + 256*int64(act.Function-isa.ActTable0)
		low, _ := index.Limits()
		entry := first - low
		if index.Bits == 16 {
			entry >>= 7
		}
		c.loaded.forget(at+4*entry+3, at+4*entry+4)
		if lo, hi := ofm.Limits(); c.looksUp(act, k, only(b)).hull() != (bound{lo, hi}) {
			t.Fatalf("%v: byte 3 of entry %d is unknown, and the result %v", b, entry, c.looksUp(act, k, only(b)).hull())
		}
	}
}

// TestWaitsCount: the wait that a finding asks for leaves just those under way that came
// after the one at fault.
func TestWaitsCount(t *testing.T) {
	span := func(at int64) []isa.Span { return []isa.Span{{Region: 1, Start: at, End: at + 16}} }
	for _, c := range []struct {
		accel string
		at    int // the transfer whose destination is read, of two
		want  string
	}{
		{"ethos-u65-256", 0, "operation 0 (transfer 0, word 0) transfers and does not wait for it, expected NPU_OP_DMA_WAIT 1 or less"},
		{"ethos-u65-256", 1, "operation 1 (transfer 1, word 10) transfers and does not wait for it, expected NPU_OP_DMA_WAIT 0 or less"},
	} {
		check := checkerOf(t, c.accel)
		for i := range 2 {
			check.dmas = append(check.dmas, footprint{word: 10 * i, op: i, name: fmt.Sprint("transfer ", i), writes: span(int64(64 * i))})
		}
		k := &kernel{in: span(int64(64 * c.at)), out: span(256)}
		if check.kernelHazards(nil, k); len(check.findings) != 1 || check.findings[0].Rule != RuleWait || !strings.Contains(check.findings[0].Msg, c.want) {
			t.Errorf("transfer %d: %v, expected ...%s", c.at, check.findings, c.want)
		}
		check = checkerOf(t, c.accel)
		for i := range 2 {
			check.kernels = append(check.kernels, footprint{word: 10 * i, op: i, name: fmt.Sprint("kernel ", i), reads: span(int64(64 * i))})
		}
		want := strings.NewReplacer("transfers", "uses", "transfer ", "kernel ", "DMA_WAIT", "KERNEL_WAIT").Replace(c.want)
		if check.waitsOfTransfer(footprint{writes: span(int64(64 * c.at))}); len(check.findings) != 1 || !strings.Contains(check.findings[0].Msg, want) {
			t.Errorf("kernel %d: %v, expected ...%s", c.at, check.findings, want)
		}
	}
}

// TestReadsOfEveryOperand: a byte without a value in either operand, in the weights or the
// records, from the very first byte of a region to the last one that is read.
func TestReadsOfEveryOperand(t *testing.T) {
	for _, c := range []struct {
		name    string
		missing Range // of region 1, where bytes 0 to 32 are IFM, 32 to 64 IFM2, 64 to 80 weights
		two     bool
		want    string // of the finding that is returned, or with ! of the one that is reported
	}{
		{"nothing", Range{80, 81}, true, ""},
		{"the first byte of the region", Range{0, 1}, true, "IFM reads byte 0 of region 1"},
		{"the last byte of the IFM", Range{31, 32}, true, "IFM reads byte 31 of region 1"},
		{"the first byte of the IFM2", Range{32, 33}, true, "IFM2 reads byte 32 of region 1"},
		{"the last byte of the IFM2", Range{63, 64}, true, "IFM2 reads byte 63 of region 1"},
		{"the IFM2 of an operation without", Range{32, 64}, false, ""},
		{"the first byte of the weights", Range{64, 65}, true, "!byte 64 of region 1, in weights or scales at 64"},
		{"the last byte of the weights", Range{79, 80}, true, "!byte 79 of region 1, in weights or scales at 64"},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.defined[1].add(0, 81)
		check.defined[1].remove(c.missing.Start, c.missing.End)
		k := &kernel{up: 1, hasIFM2: c.two, ifm: plain(0, 1, 2, 16, typeS8), ifm2: plain(32, 1, 2, 16, typeS8), ofm: plain(128, 1, 2, 16, typeS8),
			k: isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1}, constants: []isa.Span{{Region: 1, Start: 64, End: 80}}}
		got := ""
		if f := check.reads(k); f != nil {
			got = f.Msg
		}
		for _, f := range check.findings {
			got = "!" + f.Msg
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, expected %q", c.name, got, c.want)
		}
	}
	// The IFM2 of an operation whose input starts at byte 0 has no value at byte 0 either.
	check := checkerOf(t, "ethos-u55-128")
	check.defined[1].add(1, 64)
	k := &kernel{up: 1, hasIFM2: true, ifm: plain(16, 1, 1, 16, typeS8), ifm2: plain(0, 1, 1, 16, typeS8), ofm: plain(128, 1, 1, 16, typeS8),
		k: isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1}}
	if f := check.reads(k); f == nil || !strings.HasPrefix(f.Msg, "IFM2 reads byte 0 of region 1") {
		t.Errorf("byte 0 of IFM2: %v", f)
	}
}

// TestWritesSettle: what an operation writes has a value from then on, wherever one
// without was before, and bytes that nobody computes from nothing keep theirs.
func TestWritesSettle(t *testing.T) {
	check := checkerOf(t, "ethos-u55-128")
	check.stale[1] = []stale{{Range{0, 8}, Finding{Word: 1}}, {Range{60, 70}, Finding{Word: 2}}}
	k := &kernel{ofm: plain(4, 1, 1, 58, typeS8)}
	k.out = k.ofm.Spans()
	check.writes(k)
	want := []stale{{Range{0, 4}, Finding{Word: 1}}, {Range{62, 70}, Finding{Word: 2}}}
	if !slices.Equal(check.stale[1], want) || !slices.Equal(check.defined[1], ranges{{4, 62}}) {
		t.Errorf("stale %v and defined %v, expected %v and 4 to 62", check.stale[1], check.defined[1], want)
	}
}

// TestTileBases: of the bases of a map those count whose tile has elements.
func TestTileBases(t *testing.T) {
	for _, c := range []struct {
		name                                      string
		h, w, height0, height1, width0, unaligned int
		found                                     bool
	}{
		{"the first of one", 4, 4, 4, 4, 4, 0, true},
		{"the second of one", 4, 4, 4, 4, 4, 1, false}, {"the third of one", 4, 4, 4, 4, 4, 2, false}, {"the fourth of one", 4, 4, 4, 4, 4, 3, false},
		{"the second, of one column", 4, 4, 4, 4, 3, 1, true}, {"the third, beside one column", 4, 4, 4, 4, 3, 2, false}, {"the fourth, beside one column", 4, 4, 4, 4, 3, 3, false},
		{"the third, of one row", 4, 4, 3, 4, 4, 2, true}, {"the second, above one row", 4, 4, 3, 3, 4, 1, false}, {"the fourth, beside one row", 4, 4, 3, 3, 4, 3, false},
		{"the fourth of all", 4, 4, 3, 3, 3, 3, true}, {"the fourth, with a high second", 4, 4, 3, 4, 3, 3, false}, {"the third of all", 4, 4, 3, 4, 3, 2, true},
	} {
		f := plain(0, c.h, c.w, 1, typeS16)
		f.Height0, f.Height1, f.Width0 = c.height0, c.height1, c.width0
		f.Base = [4]uint64{0, 64, 128, 192}
		f.Base[c.unaligned]++
		check := checkerOf(t, "ethos-u55-128")
		check.featureMap("OFM", &f, nil, true)
		if found := len(check.findings) == 1 && strings.HasPrefix(check.findings[0].Msg, fmt.Sprintf("OFM base %d is", c.unaligned)); found != c.found || len(check.findings) > 1 {
			t.Errorf("%s: %v, expected a finding: %v", c.name, check.findings, c.found)
		}
	}
}

// TestKernelLimits: the largest kernels, and one more row or column.
func TestKernelLimits(t *testing.T) {
	for _, c := range []struct {
		lines     string
		h, w, pad int
		found     bool
	}{
		{"NPU_OP_CONV", 64, 64, 0, false}, {"NPU_OP_CONV", 65, 1, 0, true}, {"NPU_OP_CONV", 64, 65, 0, true}, {"NPU_OP_CONV", 1, 4096, 0, false}, {"NPU_OP_CONV", 1, 4097, 0, true},
		{"NPU_OP_DEPTHWISE", 64, 64, 0, false}, {"NPU_OP_DEPTHWISE", 65, 1, 0, true},
		{"NPU_OP_POOL pooling_mode=0", 256, 256, 0, false}, {"NPU_OP_POOL pooling_mode=0", 257, 1, 0, true}, {"NPU_OP_POOL pooling_mode=0", 256, 257, 0, true}, {"NPU_OP_POOL pooling_mode=0", 256, 256, 1, false},
		{"NPU_OP_POOL pooling_mode=1", 256, 256, 0, false}, {"NPU_OP_POOL pooling_mode=1", 8, 8, 1, false}, {"NPU_OP_POOL pooling_mode=1", 9, 8, 1, true}, {"NPU_OP_POOL pooling_mode=1", 8, 9, 1, true},
		{"NPU_OP_POOL pooling_mode=2", 9, 9, 1, false},
	} {
		for side := range 4 {
			k := &kernel{k: isa.Kernel{DilatedH: c.h, DilatedW: c.w}}
			*[]*int{&k.k.Top, &k.k.Left, &k.k.Bottom, &k.k.Right}[side] = c.pad
			check := checkerOf(t, "ethos-u55-128")
			if check.kernelLimits(lastOperation(t, c.lines), k); (len(check.findings) == 1) != c.found {
				t.Errorf("%s of %dx%d, padding %d on side %d: %v", c.lines, c.h, c.w, c.pad, side, check.findings)
			}
		}
	}
}

// TestSingleStep: findings of the step that a program carries for runtimes without stages
// say so, and its operations count.
func TestSingleStep(t *testing.T) {
	programs := compiled(t)
	p, single := *programs["gru16_t4.vela-u55-128.tflite"], *programs["gru16_t4.vela-u55-128.tflite"]
	alone := Program(&single)
	p.Single = &single
	if r := Program(&p); !r.Proven() || r.Operations != 2*alone.Operations {
		t.Errorf("a good step: %d operations, %v, expected %d", r.Operations, r.All(), 2*alone.Operations)
	}
	single.ArenaSize++
	r := Program(&p)
	if len(r.Findings) != 1 || r.Findings[0].Name != "single step: program" || r.Operations != alone.Operations {
		t.Errorf("a step with an odd arena: %d operations, %v", r.Operations, r.All())
	}
}

// TestNothingOfTheStageBefore: what a stage leaves without a value, a window later in
// memory, has none for the next stage, whatever it had before.
func TestNothingOfTheStageBefore(t *testing.T) {
	for _, at := range []int{0, 64} {
		m := &memories{}
		m.defined[1].add(0, 128)
		check := checkerOf(t, "ethos-u55-128")
		check.stale[1] = []stale{{Range{8, 16}, Finding{Word: 3}}}
		m.after(check, &ethosu.Stage{Times: 1, Windows: []ethosu.Window{{Region: 1, In: 1, Offset: at, Size: 64}}}, true)
		from := int64(at)
		if want := (ranges{{0, from + 8}, {from + 16, 128}}); !slices.Equal(m.defined[1], want) {
			t.Errorf("a window at %d: defined %v, expected %v", at, m.defined[1], want)
		}
	}
}

// TestInPlace: an operation may write where it reads if every element depends on the one
// at its own place alone, which sums over one channel are, too.
func TestInPlace(t *testing.T) {
	for _, c := range []struct {
		name   string
		op     isa.Code
		sums   bool
		depth  int
		size   int
		change func(k *kernel)
		bad    bool
	}{
		{"an elementwise operation", isa.OpElementwise, false, 8, 1, nil, false},
		{"a pool", isa.OpPool, false, 8, 1, nil, false},
		{"a pool of 2x2", isa.OpPool, false, 8, 2, nil, true},
		{"a pool that steps", isa.OpPool, false, 8, 1, func(k *kernel) { k.k.StrideX = 2 }, true},
		{"a pool that doubles", isa.OpPool, false, 8, 1, func(k *kernel) { k.up = 2 }, true},
		{"a convolution", isa.OpConv, true, 8, 1, nil, true},
		{"a convolution of one channel", isa.OpConv, true, 1, 1, nil, false},
		{"a sum of one channel", isa.OpPool, true, 1, 1, nil, false},
		{"a sum over rows of one channel", isa.OpPool, true, 1, 2, nil, true},
		{"elsewhere", isa.OpElementwise, false, 8, 1, func(k *kernel) { k.ofm.Base[0]++ }, true},
		{"one row less", isa.OpElementwise, false, 8, 1, func(k *kernel) { k.ofm.H-- }, true},
	} {
		k := &kernel{op: c.op, sums: c.sums, up: 1, ifm: plain(0, 4, 4, c.depth, typeS8), ofm: plain(0, 4, 4, c.depth, typeS8),
			k: isa.Kernel{H: c.size, W: c.size, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1}}
		if c.change != nil {
			c.change(k)
		}
		k.in, k.out = k.ifm.Spans(), k.ofm.Spans()
		check := checkerOf(t, "ethos-u55-128")
		if check.overlaps(k); (len(check.findings) == 1) != c.bad {
			t.Errorf("%s: %v, expected a finding: %v", c.name, check.findings, c.bad)
		}
	}
}

// TestCopyOntoItself: a transfer from where it goes changes nothing; one byte on it does.
func TestCopyOntoItself(t *testing.T) {
	for shift, bad := range map[int64]bool{0: false, 16: true} {
		list := []isa.Command{isa.PutDMA0SrcRegion(isa.DMA0SrcRegionFields{Region: 1}), isa.PutDMA0Src(64), isa.PutDMA0DstRegion(isa.DMA0DstRegionFields{Region: 1}),
			isa.PutDMA0Dst(64 + shift), isa.PutDMA0Len(32), {Code: isa.OpDMAStart}, isa.PutStop(0xFFFF)}
		a := checkerOf(t, "ethos-u55-128").a
		found := Stream(a, isa.Encode(list), Regions{1: {Size: 256, Defined: []Range{{0, 256}}}}).All()
		if (len(found) == 1 && found[0].Rule == RuleOverlap) != bad || !bad && len(found) > 0 {
			t.Errorf("%d bytes on: %v", shift, found)
		}
	}
}

// TestWideAverage: an average that widens to 32 bits is followed, so that what it scales
// out of them is found.
func TestWideAverage(t *testing.T) {
	for _, c := range []struct {
		scale uint32
		want  bound
		fits  bool
	}{{1 << 24, bound{-1 << 31, 127 << 24}, true}, {1<<24 + 1, bound{-1 << 31, 127<<24 + 127}, false}, {128, bound{-1 << 14, 127 * 128}, true}} {
		o := lastOperation(t, fmt.Sprintf("NPU_SET_OFM_SCALE scale=%d\nNPU_SET_OFM_PRECISION type=1 precision=2 scale_mode=1 round_mode=2\nNPU_OP_POOL pooling_mode=1", c.scale))
		check := checkerOf(t, "ethos-u55-128")
		k := poolOf(plain(0, 1, 1, 4, typeS8), plain(64, 1, 1, 4, typeS32), 1, 1, 1, 1, 1, 1)
		check.overflow(o, k)
		if len(check.values.all()) != 1 || check.values.all()[0].v.hull() != c.want || (len(check.findings) == 0) != c.fits {
			t.Errorf("scale %d: %v, %v, expected %v", c.scale, check.values.all(), check.findings, c.want)
		}
	}
}

// TestMeetsInput: whether a window lies in the padding alone, by going through its taps.
func TestMeetsInput(t *testing.T) {
	rng := rand.New(rand.NewPCG(77, 78))
	alone := 0
	for range 20000 {
		out, taps, stride, dilation := 1+rng.IntN(6), 1+rng.IntN(4), 1+rng.IntN(3), 1+rng.IntN(2)
		pad := rng.IntN((taps-1)*dilation + 1)
		behind := rng.IntN((taps-1)*dilation + 1)
		extent := (out-1)*stride + (taps-1)*dilation + 1 - pad - behind
		if extent < 1 {
			continue
		}
		want := true
		for o := range out {
			hit := false
			for k := range taps {
				v := o*stride + k*dilation - pad
				hit = hit || v >= 0 && v < extent
			}
			want = want && (hit || o*stride >= pad) // the end of the map is not looked at
		}
		if dilation == 1 {
			want = true
		}
		if got := meetsInput(out, taps, stride, dilation, pad, extent); got != want {
			t.Fatalf("%d outputs, %d taps, stride %d, dilation %d, pad %d, extent %d: %v, expected %v", out, taps, stride, dilation, pad, extent, got, want)
		}
		if !want {
			alone++
		}
	}
	if alone < 100 {
		t.Errorf("only %d windows lie in the padding alone", alone)
	}
}

// TestMaximaOfPools: a MAX pool is noted, and nothing else whose mode has that number.
func TestMaximaOfPools(t *testing.T) {
	for line, noted := range map[string]bool{"NPU_OP_POOL pooling_mode=0": true, "NPU_OP_POOL pooling_mode=1": false, "NPU_OP_ELEMENTWISE elementwise_mode=0": false, "NPU_OP_DEPTHWISE": false} {
		check := checkerOf(t, "ethos-u55-128")
		k := poolOf(plain(0, 2, 8, 1, typeS8), plain(2048, 2, 2, 1, typeS8), 1, 4, 1, 4, 1, 1)
		if check.overflow(lastOperation(t, strings.Replace(maxPool, "NPU_OP_POOL pooling_mode=0", line, 1)), k); len(check.maxima) == 1 != noted {
			t.Errorf("%s: %d maxima, expected one: %v", line, len(check.maxima), noted)
		}
	}
}
