// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim/internal/mac"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// TestPlans: which operations run by joined loops, and which by plain ones. Both give the
// same; that the quick ones are taken no other test would tell.
func TestPlans(t *testing.T) {
	want := map[string]string{
		"CONV": "bytes", "CONV of windows": "conv", "CONV of 16 bits": "conv", "CONV with inserted zeros": "conv", "DEPTHWISE": "depthwise", "MAX": "pool",
		"MAX of 1x1 with a table": "bytewise", "AVERAGE": "short pool", "AVERAGE that counts": "pool", "AVERAGE to 32 bits": "pool", "REDUCE_SUM": "pool", "MUL": "pair", "ADD": "pair",
		"SUB from a constant with a table": "bytewise", "SUB of 16 bits": "elementwise", "MUL with tanh": "elementwise", "MIN": "elementwise", "LRELU": "bytewise", "ABS": "elementwise",
		"SHR": "elementwise", "CLZ": "elementwise",
	}
	kind := func(s step) string {
		switch p := s.(type) {
		case *convPlan:
			if p.bias8 != nil {
				return "bytes"
			}
			return "conv"
		case *depthwisePlan:
			return "depthwise"
		case *poolPlan:
			if p.short {
				return "short pool"
			}
			return "pool"
		case *bytewise:
			return "bytewise"
		case *pair8:
			return "pair"
		case *elemPlan:
			return "elementwise"
		}
		return fmt.Sprintf("%T", s)
	}
	for _, s := range smallU55(t) {
		name, _, _ := strings.Cut(s.name, " of ethos")
		for _, slow := range []bool{false, true} {
			p, err := PrepareWith(s.accel, s.words, s.regions, Options{slow: slow})
			if err != nil {
				t.Fatal(err)
			}
			got, want := kind(p.steps[len(p.steps)-1]), want[name]
			if want == "bytes" && !mac.HaveBytes() {
				want = "conv"
			}
			if slow {
				want = map[string]string{"bytes": "conv", "short pool": "pool", "pair": "elementwise"}[want]
			}
			if slow && want == "" || got == want || strings.HasPrefix(name, "rows") {
				continue
			}
			t.Errorf("%s, plain loops %v: %s, expected %s", s.name, slow, got, want)
		}
	}
	wantU85 := map[string]string{"POOL MAX": "bytewise", "ADD": "elementwise", "MUL": "elementwise", "SUB": "bytewise", "ABS": "bytewise", "LRELU": "bytewise", "MIN": "elementwise"}
	for _, s := range smallU85(t) {
		name, _, _ := strings.Cut(s.name, " of ethos")
		p, err := Prepare(s.accel, s.words, s.regions)
		if err != nil {
			t.Fatal(err)
		}
		if want := wantU85[name]; want != "" && kind(p.steps[len(p.steps)-1]) != want {
			t.Errorf("%s: %s, expected %s", s.name, kind(p.steps[len(p.steps)-1]), want)
		}
	}
}

// TestBytewise: what may run from a table of its 256 values.
func TestBytewise(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *blockPlan)
		want   bool
	}{
		{"one element", func(*blockPlan) {}, true},
		{"16 bits in", func(p *blockPlan) { p.ifm.elem = 2 }, false},
		{"16 bits out", func(p *blockPlan) { p.ofm.elem = 2 }, false},
		{"upscaled", func(p *blockPlan) { p.upscale = isa.UpscaleNearest }, false},
		{"two rows", func(p *blockPlan) { p.kernel.H = 2 }, false}, {"two columns", func(p *blockPlan) { p.kernel.W = 2 }, false},
		{"every other row", func(p *blockPlan) { p.kernel.StrideY = 2 }, false}, {"every other column", func(p *blockPlan) { p.kernel.StrideX = 2 }, false},
		{"a row above", func(p *blockPlan) { p.kernel.Top = 1 }, false}, {"a row below", func(p *blockPlan) { p.kernel.Bottom = 1 }, false},
		{"a column to the left", func(p *blockPlan) { p.kernel.Left = 1 }, false}, {"a column to the right", func(p *blockPlan) { p.kernel.Right = 1 }, false},
		{"tanh", func(p *blockPlan) { p.stage.function = isa.ActTanh }, false},
		{"a table of bytes", func(p *blockPlan) { p.stage.table = table8 }, true},
		{"a table of words", func(p *blockPlan) { p.stage.table = table8to32 }, false},
		{"nothing clamped", func(p *blockPlan) { p.stage.strict = true }, false},
		{"32 bits", func(p *blockPlan) { p.stage.wide = true }, false},
	} {
		p := &blockPlan{kernel: pointWindow}
		p.ifm.elem, p.ofm.elem, p.stage.function = 1, 1, isa.ActNone
		if c.change(p); p.isBytewise() != c.want {
			t.Errorf("%s: from a table %v, expected %v", c.name, !c.want, c.want)
		}
	}
}

// TestAliases: which inputs are copied before the output is written.
func TestAliases(t *testing.T) {
	for _, c := range []struct {
		name             string
		ifm, ifm2, ofm   isa.FeatureMap
		two, elementwise bool
		one, other       isa.Span
	}{
		{"apart", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(128, 1, 2, 8, s8), true, true, isa.Span{}, isa.Span{}},
		{"in place", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(0, 1, 2, 8, s8), true, true, isa.Span{}, isa.Span{}},
		{"in place of the second", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), true, true, isa.Span{}, isa.Span{}},
		{"over the first", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(1, 1, 2, 8, s8), true, true, isa.Span{Start: 0, End: 16}, isa.Span{}},
		{"over the second", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(79, 1, 2, 8, s8), true, true, isa.Span{}, isa.Span{Start: 64, End: 80}},
		{"over both", flatMap(0, 1, 2, 8, s8), flatMap(16, 1, 2, 8, s8), flatMap(8, 1, 2, 8, s8), true, true, isa.Span{Start: 0, End: 16}, isa.Span{Start: 16, End: 32}},
		{"over a second that is none", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(79, 1, 2, 8, s8), false, true, isa.Span{}, isa.Span{}},
		{"in place by a window", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(0, 1, 2, 8, s8), false, false, isa.Span{Start: 0, End: 16}, isa.Span{}},
		{"behind it", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(16, 1, 2, 8, s8), false, false, isa.Span{}, isa.Span{}},
		{"in other pixels", flatMap(0, 1, 2, 8, s8), flatMap(64, 1, 2, 8, s8), flatMap(0, 2, 1, 8, s8), false, true, isa.Span{Start: 0, End: 16}, isa.Span{}},
	} {
		p := &blockPlan{ifm: newFmap(c.ifm), ifm2: newFmap(c.ifm2), ofm: newFmap(c.ofm)}
		p.aliases(c.two, c.elementwise)
		for i, want := range []isa.Span{c.one, c.other} {
			if want != (isa.Span{}) {
				want.Region = 1
			}
			f := []*fmap{&p.ifm, &p.ifm2}[i]
			if p.copyIn[i] != want || f.delta != int(want.Start) {
				t.Errorf("%s: input %d is copied from %v, addresses less %d, expected %v", c.name, i, p.copyIn[i], f.delta, want)
			}
		}
	}
	tiles := flatMap(100, 2, 1, 8, s8)
	tiles.Height0, tiles.Base[2] = 1, 20
	p := &blockPlan{ifm: newFmap(tiles), ofm: newFmap(flatMap(104, 1, 1, 8, s8))}
	if p.aliases(false, false); p.copyIn[0] != (isa.Span{Region: 1, Start: 20, End: 108}) {
		t.Errorf("tiles are copied from %v", p.copyIn[0])
	}
}

// TestOrigins: what is left of copies of constants after writes, byte by byte.
func TestOrigins(t *testing.T) {
	content := []byte("abcdefghijklmnopqrstuvwxyz")
	regions := &Regions{{Content: content}, {Size: 64}, {Size: 64}}
	copyOf := func(change func(d *dmaPlan)) *dmaPlan {
		d := &dmaPlan{DMA: isa.DMA{Src: 2, Dst: 16, DstRegion: 1, Length: 10}}
		change(d)
		return d
	}
	for name, c := range map[string]struct {
		change func(d *dmaPlan)
		noted  bool
	}{
		"a copy": {func(*dmaPlan) {}, true}, "from memory": {func(d *dmaPlan) { d.SrcRegion = 2 }, false}, "from inside": {func(d *dmaPlan) { d.SrcInternal = true }, false},
		"to the inside": {func(d *dmaPlan) { d.DstInternal = true }, false}, "rows of the source": {func(d *dmaPlan) { d.SrcStride = 1 }, false}, "rows of the destination": {func(d *dmaPlan) { d.DstStride = 1 }, false},
	} {
		var o origins
		if o.record(copyOf(c.change), regions); (len(o) == 1) != c.noted || c.noted && (o[0].to != isa.Span{Region: 1, Start: 16, End: 26} || string(o[0].from) != "cdefghijkl") {
			t.Errorf("%s: %v, expected a note: %v", name, o, c.noted)
		}
	}
	span := func(from, to int64) isa.Span { return isa.Span{Region: 1, Start: from, End: to} }
	for _, c := range []struct {
		name  string
		write isa.Span
		want  origins
	}{
		{"before it", span(0, 16), origins{{span(16, 26), []byte("cdefghijkl")}}},
		{"behind it", span(26, 30), origins{{span(16, 26), []byte("cdefghijkl")}}},
		{"in another region", isa.Span{Region: 2, Start: 16, End: 26}, origins{{span(16, 26), []byte("cdefghijkl")}}},
		{"at its begin", span(10, 18), origins{{span(18, 26), []byte("efghijkl")}}},
		{"at its end", span(24, 30), origins{{span(16, 24), []byte("cdefghij")}}},
		{"within it", span(18, 20), origins{{span(16, 18), []byte("cd")}, {span(20, 26), []byte("ghijkl")}}},
		{"all of it", span(16, 26), nil},
	} {
		var o origins
		o.record(copyOf(func(*dmaPlan) {}), regions)
		if o.forget(c.write); !reflect.DeepEqual(o, c.want) {
			t.Errorf("a write %s leaves %v, expected %v", c.name, o, c.want)
		}
		b := &builder{Sim: &Sim{regions: *regions}, origin: o}
		for from := int64(14); from < 28; from++ {
			for to := from; to < 28; to++ {
				known := from == to
				for _, w := range c.want {
					known = known || from >= w.to.Start && to <= w.to.End
				}
				data, ok := b.constant(span(from, to))
				if ok != known || ok && from < to && string(data) != string(content[from-14:to-14]) {
					t.Fatalf("after a write %s bytes %d to %d are %q, known %v, expected %v", c.name, from, to, data, ok, known)
				}
			}
		}
	}
	b := &builder{Sim: &Sim{regions: *regions}}
	if data, ok := b.constant(isa.Span{Start: 1, End: 3}); !ok || string(data) != "bc" {
		t.Errorf("constants themselves are %q, %v", data, ok)
	}
}

// TestOutputNames: the name of an output is that of its operation, else that of its place.
func TestOutputOf(t *testing.T) {
	place := func(word int, at isa.Span) string {
		if at.Start == 16 {
			return fmt.Sprint("place ", word)
		}
		return ""
	}
	operation := func(word int) string {
		if word == 5 {
			return "operation 5"
		}
		return ""
	}
	for _, c := range []struct {
		o     Options
		word  int
		spans []isa.Span
		want  string
	}{
		{Options{Tensor: place, Output: operation}, 5, []isa.Span{{Start: 16}}, "operation 5"}, {Options{Tensor: place, Output: operation}, 6, []isa.Span{{Start: 16}}, "place 6"},
		{Options{Tensor: place}, 5, []isa.Span{{Start: 16}, {Start: 0}}, "place 5"}, {Options{Tensor: place}, 5, []isa.Span{{Start: 0}, {Start: 16}}, ""}, {Options{Tensor: place}, 5, nil, ""},
		{Options{Output: operation}, 5, nil, "operation 5"}, {Options{Output: operation}, 6, []isa.Span{{Start: 16}}, ""}, {Options{}, 5, []isa.Span{{Start: 16}}, ""},
	} {
		if got := c.o.outputOf(c.word, c.spans)(); got != c.want {
			t.Errorf("%+v at word %d: %q, expected %q", c.spans, c.word, got, c.want)
		}
	}
	s := smallU55(t)[0]
	p, err := PrepareWith(s.accel, s.words, s.regions, Options{Output: func(int) string { return "gates" }})
	if err != nil {
		t.Fatal(err)
	}
	if name := p.steps[0].head().tensorName(); name != "gates" {
		t.Errorf("the output is %q", name)
	}
}

// TestStages: which tables and functions the types and clip ranges select.
func TestStages(t *testing.T) {
	u8, u16 := isa.DType{Bits: 8}, isa.DType{Bits: 16}
	const base = 1000
	for _, c := range []struct {
		function, clip int
		ofm            isa.DType
		zp             int32
		min, max       int
		want           stage
		cause          Cause
		text           string
	}{
		{0, 0, s8, 5, -128, 127, stage{zp: 5, lo: -128, hi: 127}, 0, ""},
		{0, 0, s8, 5, -3, 4, stage{zp: 5, lo: -3, hi: 4}, 0, ""},
		{0, 0, s8, 0, -300, 300, stage{lo: -128, hi: 127}, 0, ""},
		{0, 0, u8, 0, 1, 300, stage{lo: 1, hi: 255}, 0, ""},
		{0, 0, s8, 0, 4, 4, stage{lo: 4, hi: 4}, 0, ""},
		{0, 0, s8, 0, 5, 4, stage{}, Contradiction, "ACTIVATION_MIN 5 is above ACTIVATION_MAX 4 for type S8"},
		{0, 0, s32, 5, 5, 4, stage{zp: 5, lo: -1 << 31, hi: 1<<31 - 1, wide: true}, 0, ""},
		{0, 2, s8, 0, 0, 0, stage{}, Contradiction, "clip_range 2 without a table"},
		{3, 0, s16, 0, -5, 5, stage{function: 3, lo: -5, hi: 5}, 0, ""},
		{4, 0, s16, 0, -5, 5, stage{function: 4, lo: -5, hi: 5}, 0, ""},
		{4, 0, s16, 1, -5, 5, stage{}, Unknown, "function 4 with OFM type S16 and zero point 1"},
		{4, 0, u16, 0, -5, 5, stage{}, Unknown, "function 4 with OFM type U16"},
		{4, 0, s8, 0, -5, 5, stage{}, Unknown, "function 4 with OFM type S8"},
		{16, 0, s8, 5, -128, 127, stage{zp: 5, lo: -128, hi: 127, table: table8, bias: 128, at: base}, 0, ""},
		{19, 0, u8, 5, 3, 200, stage{zp: 5, lo: 3, hi: 200, table: table8, at: base + 768}, 0, ""},
		{16, 3, u8, 5, -128, 127, stage{zp: 5, lo: -128, hi: 127, table: table8, bias: 128, at: base}, 0, ""},
		{16, 2, s8, 5, 0, 255, stage{zp: 5, lo: 0, hi: 255, table: table8, at: base}, 0, ""},
		{16, 3, s32, 5, -128, 127, stage{zp: 5, lo: -128, hi: 127, table: table8to32, bias: 128, at: base}, 0, ""},
		{16, 2, s32, 5, 0, 255, stage{zp: 5, lo: 0, hi: 255, table: table8to32, at: base}, 0, ""},
		{16, 0, s16, 0, -32768, 32767, stage{lo: -32768, hi: 32767, table: table16, bias: 32768, at: base}, 0, ""},
		{16, 5, s16, 0, -100, 100, stage{lo: -100, hi: 100, table: table16, bias: 32768, at: base}, 0, ""},
		{16, 3, s16, 0, 0, 0, stage{}, Unknown, "a table indexed by S8 (clip_range 3) with OFM type S16"},
		{16, 5, s8, 0, 0, 0, stage{}, Unknown, "a table indexed by S16 (clip_range 5) with OFM type S8"},
		{16, 5, s32, 0, 0, 0, stage{}, Unknown, "a table indexed by S16 (clip_range 5) with OFM type S32"},
		{16, 0, s32, 0, 0, 0, stage{}, Unknown, "a table indexed by S32 (clip_range 0) with OFM type S32"},
		{16, 0, u16, 0, 0, 0, stage{}, Unknown, "a table indexed by U16 (clip_range 0) with OFM type U16"},
	} {
		var s stream
		s.activation(c.function, c.clip, c.min, c.max)
		s.raw(isa.OpPool, 0)
		s.stop()
		var o *isa.Operation
		if err := isa.WalkAll(s.words, func(isa.Instruction) error { return nil }, func(x *isa.Operation) error {
			if x.IsBlock() {
				y := *x
				o = &y
				m := flatMap(0, 1, 1, 1, c.ofm)
				m.ZeroPoint = c.zp
				f := newFmap(m)
				got, err := newStage(&header{}, o, &f, base)
				var fault *Fault
				if c.text == "" && (err != nil || got != c.want) || c.text != "" && (!errors.As(err, &fault) || fault.Cause != c.cause || !strings.HasPrefix(fault.Detail, strings.TrimPrefix(c.text, "clip")) && !strings.Contains(fault.Detail, c.text)) {
					t.Errorf("function %d, clip range %d, %v: %+v, %v; expected %+v, %q", c.function, c.clip, c.ofm, got, err, c.want, c.text)
				}
			}
			return nil
		}); err != nil || o == nil {
			t.Fatal(err)
		}
	}
}

// TestTableUsed: the bytes of a table that clamped values can index.
func TestTableUsed(t *testing.T) {
	for _, c := range []struct {
		s        stage
		from, to int
	}{
		{stage{lo: -128, hi: 127, bias: 128, table: table8}, 0, 256}, {stage{lo: -100, hi: -100, bias: 128, table: table8}, 28, 29}, {stage{lo: 5, hi: 9, table: table8}, 5, 10},
		{stage{lo: -127, hi: 3, bias: 128, table: table8to32}, 4, 528}, {stage{lo: -127, hi: 3, bias: 128, table: table8to16}, 2, 264},
		{stage{lo: -32768, hi: 32767, bias: 32768, table: table16}, 0, 2048}, {stage{lo: 0, hi: 127, bias: 32768, table: table16}, 1024, 1028}, {stage{lo: -1, hi: 128, bias: 32768, table: table16}, 1020, 1032},
		{stage{lo: -5, hi: 5, bias: 128, table: tableCurve}, 0, 2048}, {stage{lo: -5, hi: 5}, 0, 0},
	} {
		if from, to := c.s.tableUsed(); from != c.from || to != c.to {
			t.Errorf("%+v: bytes %d to %d, expected %d to %d", c.s, from, to, c.from, c.to)
		}
	}
}

// member is an operation for a chain: what it reads from buffers and leaves in one, below 0
// in memory.
func member(op isa.Code, one, two, out int) *kernelU85 {
	k := &isa.KernelU85{Op: op, Elem: isa.ElemAdd, H: 1, W: 2, D: 16}
	for i, m := range []*isa.MapU85{&k.IFM, &k.IFM2, &k.OFM} {
		m.FeatureMap = flatMap(uint64(64*i), 1, 2, 8, s8)
		if n := []int{one, two, out}[i]; n >= 0 {
			m.Storage, m.Buffer = isa.Chained, n
		}
	}
	x := &kernelU85{KernelU85: k, one: &k.IFM}
	if op == isa.OpElementwise {
		x.two = &k.IFM2
	}
	return x
}

// TestChains: what operations may follow each other in a chain, and how many.
func TestChains(t *testing.T) {
	add := func(one, two, out int) *kernelU85 { return member(isa.OpElementwise, one, two, out) }
	change := func(k *kernelU85, f func(k *kernelU85)) *kernelU85 { f(k); return k }
	for _, c := range []struct {
		name  string
		ops   []*kernelU85
		joins []bool // whether each goes on with the one before
		cause Cause
		text  string // of the last one
	}{
		{"none", []*kernelU85{add(-1, -1, -1), add(-1, -1, -1)}, []bool{false, false}, 0, ""},
		{"of two", []*kernelU85{add(-1, -1, 0), add(0, -1, -1), add(-1, -1, -1)}, []bool{false, true, false}, 0, ""},
		{"behind a pool", []*kernelU85{member(isa.OpPool, -1, -1, 3), add(-1, 3, -1)}, []bool{false, true}, 0, ""},
		{"of four", []*kernelU85{add(-1, -1, 0), add(0, -1, 1), change(add(1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil })}, []bool{false, true, true, true}, 0, ""},
		{"of five", []*kernelU85{add(-1, -1, 0), change(add(0, -1, 1), func(k *kernelU85) { k.two = nil }), change(add(1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, 1), func(k *kernelU85) { k.two = nil }), add(1, -1, -1)},
			[]bool{false, true, true, true, false}, Contradiction, "it is operation 5 of the chain that begins at word 0, which has at most 4"},
		{"with four inputs", []*kernelU85{add(-1, -1, 0), add(0, -1, 1), add(1, -1, -1)}, []bool{false, true, true}, Contradiction, "the chain that begins at word 0 reads 4 feature maps from memory, at most 3 are known"},
		{"with three inputs", []*kernelU85{add(-1, -1, 0), add(0, -1, -1)}, []bool{false, true}, 0, ""},
		{"of two buffers", []*kernelU85{member(isa.OpPool, -1, -1, 0), add(0, -1, 1), add(1, 0, -1)}, []bool{false, true, true}, Unknown, "IFM2 reads chaining buffer 0 a second time"},
		{"twice from one", []*kernelU85{member(isa.OpPool, -1, -1, 0), add(0, 0, -1)}, []bool{false, true}, 0, ""},
		{"into a buffer that is full", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.two = nil }), add(0, -1, 1), add(1, -1, 1)}, []bool{false, true, true}, 0, ""},
		{"that leaves a buffer", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.two = nil }), change(add(0, -1, 0), func(k *kernelU85) { k.two = nil }), add(1, -1, -1)}, []bool{false, true, true}, Contradiction, "IFM reads chaining buffer 1, which no operation of the chain wrote"},
		{"begun by nothing", []*kernelU85{add(0, -1, -1)}, []bool{false}, Contradiction, "it reads a chaining buffer, and no operation before left anything in one"},
		{"begun by nothing, second", []*kernelU85{add(-1, 0, -1)}, []bool{false}, Contradiction, "it reads a chaining buffer"},
		{"that is left", []*kernelU85{add(-1, -1, 0), add(-1, -1, -1)}, []bool{false, false}, Contradiction, "it comes inside the chain that operation 0 (word 0) begins"},
		{"with a pool in it", []*kernelU85{add(-1, -1, 0), member(isa.OpPool, 0, -1, -1)}, []bool{false, false}, Contradiction, "it comes inside the chain"},
		{"of another block's height", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.H = 2 })}, []bool{false, false}, IllegalBlock, "OFM block 2x2x16"},
		{"of another block's width", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.W = 4 })}, []bool{false, false}, IllegalBlock, "OFM block 1x4x16"},
		{"of another block's depth", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.D = 32 })}, []bool{false, false}, IllegalBlock, "OFM block 1x2x32"},
		{"of another micro-block", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.Acc.Micro = isa.Micro2x2 })}, []bool{false, false}, IllegalBlock, "OFM block 1x2x16, microblock 2x2"},
		{"with BLOCKDEP", []*kernelU85{change(add(-1, -1, 0), func(k *kernelU85) { k.Dep = 1 })}, []bool{false}, Unknown, "BLOCKDEP 1 in a chain"},
		{"begun by RESIZE", []*kernelU85{member(isa.OpResize, -1, -1, 0)}, []bool{false}, Contradiction, " cannot begin a chain"},
		{"begun by NONE", []*kernelU85{change(member(isa.OpPool, -1, -1, 0), func(k *kernelU85) { k.Pool = isa.PoolNone })}, []bool{false}, Contradiction, " cannot begin a chain"},
		{"over an input elsewhere", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil; k.OFM.Base[0] = 1 })}, []bool{false, true}, Unknown, "the chain overwrites an input of its own at other places"},
		{"over an input in place", []*kernelU85{add(-1, -1, 0), change(add(0, -1, -1), func(k *kernelU85) { k.two = nil; k.OFM.Base[0] = 0 })}, []bool{false, true}, 0, ""},
	} {
		var ch chain
		for i, k := range c.ops {
			last := i == len(c.ops)-1
			h := &header{word: 10 * i, index: i}
			join, err := ch.join(h, k)
			for j, x := range []*isa.MapU85{k.one, k.two} {
				if x == nil || err != nil {
					continue
				}
				if f := newFmap(x.FeatureMap); chained(x) {
					_, err = ch.take(h, []string{"IFM", "IFM2"}[j], x, k)
				} else {
					err = ch.input(h, &f)
				}
			}
			if err == nil {
				f := newFmap(k.OFM.FeatureMap)
				err = ch.done(h, k, &f)
			}
			var f *Fault
			switch {
			case join != c.joins[i]:
				t.Errorf("%s: operation %d goes on with the chain: %v, expected %v", c.name, i, join, c.joins[i])
			case !last || c.text == "":
				if err != nil {
					t.Errorf("%s: operation %d: %v", c.name, i, err)
				}
			case !errors.As(err, &f) || f.Cause != c.cause || !strings.HasPrefix(f.Detail, c.text):
				t.Errorf("%s: %v, expected %v %q", c.name, err, c.cause, c.text)
			}
		}
		if whole := c.text == "" && c.ops[len(c.ops)-1].OFM.Storage != isa.Chained; whole && ch.ops != 0 {
			t.Errorf("%s: the chain is open after %d operations", c.name, ch.ops)
		}
	}
}

// TestFullBuffer: a buffer may be written again once it was read, and not before.
func TestFullBuffer(t *testing.T) {
	var ch chain
	f := newFmap(flatMap(0, 1, 2, 8, s8))
	first := member(isa.OpPool, -1, -1, 2)
	if _, err := ch.join(&header{}, first); err != nil {
		t.Fatal(err)
	}
	if err := ch.done(&header{}, first, &f); err != nil {
		t.Fatal(err)
	}
	second := member(isa.OpElementwise, -1, -1, 2) // which reads nothing of it
	if err := ch.done(&header{}, second, &f); err == nil || !strings.Contains(err.Error(), "it overwrites chaining buffer 2, which nothing has read") {
		t.Errorf("%v", err)
	}
	if err := ch.done(&header{}, member(isa.OpElementwise, -1, -1, -1), &f); err == nil || !strings.Contains(err.Error(), "nothing has read chaining buffer 2") {
		t.Errorf("%v", err)
	}
}

// TestTouchedRegions: a run asks for memory of the regions that its stream touches, and of
// no others.
func TestTouchedRegions(t *testing.T) {
	var s stream
	s.words = dmaWords(0, 0, 0, 0, 16, 1, 1, 0, 0)
	sim, err := Prepare(accelerator(t, "ethos-u65-256"), s.words, Regions{{Size: 16}, {Size: 32}, {Size: 64}, 7: {Size: 16}})
	if err != nil {
		t.Fatal(err)
	}
	if sim.touched != 3 {
		t.Errorf("touched are %b", sim.touched)
	}
	for _, c := range []struct {
		m    Memory
		want string
	}{
		{Memory{make([]byte, 16), make([]byte, 32)}, ""}, {Memory{make([]byte, 99), make([]byte, 99)}, ""},
		{Memory{make([]byte, 15), make([]byte, 32)}, "region 0 has 15 bytes, the stream was prepared for 16"}, {Memory{make([]byte, 16), make([]byte, 31)}, "region 1 has 31 bytes, the stream was prepared for 32"},
	} {
		if err := sim.Run(c.m); (err != nil) != (c.want != "") || err != nil && err.Error() != c.want {
			t.Errorf("%v, expected %q", err, c.want)
		}
	}
	m := sim.NewMemory()
	if got := []int{len(m[0]), len(m[1]), len(m[2]), len(m[3]), len(m[7])}; !slices.Equal(got, []int{16, 32, 64, 0, 16}) {
		t.Errorf("new memory of %v bytes", got)
	}
}

// broken is a writer that ends after some bytes.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

// TestTraceEnds: a trace that cannot be written says so, and one of a chain names buffers.
func TestTraceEnds(t *testing.T) {
	for _, s := range smallU85(t) {
		if !strings.HasPrefix(s.name, "a chain") {
			continue
		}
		sim, err := Prepare(s.accel, s.words, s.regions)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := sim.Trace(sim.NewMemory(), &b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines) != 4 || !strings.Contains(lines[0], "LUT memory 0x0..0x800") || !strings.Contains(lines[1], "  chaining buffer 0  ") || !strings.Contains(lines[2], "bytes 2048..2168 of region 1") {
			t.Errorf("%s", b.String())
		}
		for _, left := range []int{0, 10} {
			if err := sim.Trace(sim.NewMemory(), &broken{left}); err == nil || err.Error() != "full" {
				t.Errorf("%v, expected that it is full", err)
			}
		}
	}
}

// TestWeightMatrix: rows of both cores in the order of their channels, the largest sum, and
// bytes where the weights are some.
func TestWeightMatrix(t *testing.T) {
	for _, c := range []struct {
		name   string
		w      []int16 // two inputs of five outputs
		absSum int64
		bytes  bool
	}{
		{"bytes", []int16{1, -2, 3, -4, 5, -6, 127, -128, 7, 8}, 255, true},
		{"nine bits", []int16{1, -2, 3, -4, 5, -6, 128, -128, 7, 8}, 256, false},
		{"nine bits below", []int16{1, -2, 3, -4, 5, -6, 127, -129, 7, 8}, 256, false},
	} {
		for cores := 1; cores <= 2; cores++ {
			l := weights.Layout{IFMBits: 8, OFMBlockDepth: 16, OFMUBlockDepth: 8, KH: 1, KW: 1, DilationH: 1, DilationW: 1, O: 5, I: 2}
			var streams [2][]byte
			parts := weights.SplitCores(c.w, 2, cores)
			layouts := weights.CoreLayouts(l, cores)
			for i, cl := range layouts {
				coded, err := weights.EncodePlain(weights.Reorder(parts[i], cl))
				if err != nil {
					t.Fatal(err)
				}
				streams[i] = coded
			}
			store := newWeightStore()
			m, err := store.matrix(&header{}, layouts, streams)
			if err != nil {
				t.Fatal(err)
			}
			for o := range 5 {
				for i := range 2 {
					if got := m.w[o*m.stride+i]; got != c.w[2*o+i] {
						t.Errorf("%s on %d cores: weight %d of output %d is %d, expected %d", c.name, cores, i, o, got, c.w[2*o+i])
					}
				}
			}
			if m.rows != 5 || m.n != 2 || m.absSum != c.absSum || (m.w8 != nil) != (c.bytes && mac.HaveBytes()) {
				t.Errorf("%s on %d cores: %d rows of %d, sums up to %d, bytes %v", c.name, cores, m.rows, m.n, m.absSum, m.w8 != nil)
			}
			if m.w8 != nil && (m.rowSum[3] != -1 || m.rowSum[4] != 15 || m.w8[3*m.stride8+1] != -128) {
				t.Errorf("%s on %d cores: sums of rows %v", c.name, cores, m.rowSum)
			}
			if again, _ := store.matrix(&header{}, layouts, streams); again != m {
				t.Errorf("%s on %d cores: decoded twice", c.name, cores)
			}
		}
	}
}

// TestStageRegions: the regions of a stage are what its windows show of the memories.
func TestStageRegions(t *testing.T) {
	p := &ethosu.Program{Constants: []byte("0123456789abcdef")}
	r := RegionsOf(p, &ethosu.Stage{Windows: []ethosu.Window{{Region: 0, In: ethosu.RegionConstants, Offset: 4, Size: 8}, {Region: 1, In: 1, Size: 64}, {Region: 2, In: 1, Offset: 64, Size: 32}}})
	if string(r[0].Content) != "456789ab" || r[1].Size != 64 || r[2].Size != 32 || r[1].Content != nil {
		t.Errorf("%+v", r)
	}
	copied := RegionsOf(p, &ethosu.Stage{Windows: []ethosu.Window{{Region: 0, In: 1, Offset: 4, Size: 8}}})
	if copied[0].Content != nil || copied[0].Size != 8 {
		t.Errorf("constants that a stage copied: %+v", copied[0])
	}
}

// TestExactScales: scales that drop no bits become factors, of one operand of two.
func TestExactScales(t *testing.T) {
	for _, c := range []struct {
		s      isa.ScaleU85
		factor int64
		ok     bool
	}{
		{isa.ScaleU85{Value: 3, Round: isa.RoundHalfUp}, 3, true}, {isa.ScaleU85{Value: 3 << 5, Shift: 5, Round: isa.RoundHalfUp}, 3, true}, {isa.ScaleU85{Value: 3<<5 + 1, Shift: 5, Round: isa.RoundHalfUp}, 3, false},
		{isa.ScaleU85{Value: 1 << 30, Shift: 11, Double: 20}, 1 << 19, true}, {isa.ScaleU85{Value: 1 << 30, Shift: 12, Double: 20}, 1 << 18, true}, // however often it is rounded
		{isa.ScaleU85{Value: 2, Shift: 1, Round: isa.RoundTowardsZero}, 1, true}, {isa.ScaleU85{Value: 2, Shift: 1, Round: isa.RoundDown}, 1, true}, {isa.ScaleU85{Value: 2, Shift: 1, Round: isa.RoundSymmetric}, 1, true},
	} {
		s := newScalerU85(c.s)
		if factor, ok := s.exact(); factor != c.factor || ok != c.ok {
			t.Errorf("%+v: factor %d, %v; expected %d, %v", c.s, factor, ok, c.factor, c.ok)
		}
	}
	exact, inexact := newScalerU85(isa.ScaleU85{Value: 6, Shift: 1}), newScalerU85(isa.ScaleU85{Value: 5, Shift: 1})
	for _, c := range []struct {
		name       string
		mode       isa.ElementwiseMode
		a, b       *scaler
		mulA, mulB int64
		leftA      bool
		leftB      bool
	}{
		{"the first", isa.ElemAdd, &exact, &inexact, 3, 1, false, true}, {"the second", isa.ElemAdd, &inexact, &exact, 1, 3, true, false}, {"both", isa.ElemSub, &exact, &exact, 3, 1, false, true},
		{"none", isa.ElemAdd, &inexact, &inexact, 1, 1, true, true}, {"LRELU", isa.ElemLRelu, &exact, &exact, 1, 1, true, true}, {"one alone", isa.ElemAdd, &exact, nil, 1, 1, true, false},
	} {
		p := &elemPlan{mode: c.mode, mulA: 1, mulB: 1, scaleA: c.a, scaleB: c.b}
		if q := p.simpleU85(); q.mulA != c.mulA || q.mulB != c.mulB || (q.scaleA != nil) != c.leftA || (q.scaleB != nil) != c.leftB || p.scaleA != c.a || p.scaleB != c.b {
			t.Errorf("%s is exact: factors %d and %d, scales left %v and %v", c.name, q.mulA, q.mulB, q.scaleA != nil, q.scaleB != nil)
		}
	}
}

// TestRecordsU85: bias and scale of channels, one scale where all are equal, and the largest
// bias.
func TestRecordsU85(t *testing.T) {
	for _, c := range []struct {
		name    string
		list    []weights.RecordU85
		wide    bool
		max     int64
		scalers int
		edit    func(b []byte)
		bad     string
	}{
		{"equal", []weights.RecordU85{{Bias: 5, Scale: 9, Shift: 3}, {Bias: -70, Scale: 9, Shift: 3}}, false, 70, 1, nil, ""},
		{"two scales", []weights.RecordU85{{Bias: 500, Scale: 9, Shift: 3}, {Bias: -70, Scale: 8, Shift: 3}}, false, 500, 2, nil, ""},
		{"two shifts", []weights.RecordU85{{Bias: 5, Scale: 9, Shift: 63}, {Bias: 7, Scale: 9, Shift: 62}}, false, 7, 2, nil, ""},
		{"40 bits of bias", []weights.RecordU85{{Bias: 1 << 40, Scale: 9, Shift: 3}, {Bias: -1<<47 + 1, Scale: 9, Shift: 3}}, true, 1<<47 - 1, 1, nil, ""},
		{"the largest scale", []weights.RecordU85{{Scale: 1<<31 - 1}, {Scale: 1<<31 - 1}}, false, 0, 1, nil, ""},
		{"a larger scale", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[17] = 0x80 }, "record of channel 1 has scale 2147483648"},
		{"a larger shift", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[8] = 64 }, "record of channel 0 has scale 0, shift 64"},
		{"the largest shift", []weights.RecordU85{{}, {}}, false, 0, 2, func(b []byte) { b[8] = 63 }, ""},
		{"a last byte", []weights.RecordU85{{}, {}}, false, 0, 1, func(b []byte) { b[19] = 1 }, "record of channel 1 has scale 0, shift 0 and a last byte of 1"},
	} {
		b := weights.PackRecordsU85(c.list, 8, c.wide)
		if c.edit != nil {
			c.edit(b)
		}
		k := &isa.KernelU85{}
		if k.OFM.C = len(c.list); c.wide {
			k.Acc.Format = isa.AccI48
		}
		r, err := recordsU85(&header{}, &kernelU85{KernelU85: k}, b)
		if c.bad != "" {
			if f, ok := err.(*Fault); !ok || f.Cause != CorruptWeights || !strings.HasPrefix(f.Detail, c.bad) {
				t.Errorf("%s: %v, expected %q", c.name, err, c.bad)
			}
			continue
		}
		if err != nil || r.maxBias != c.max || len(r.scalers) != c.scalers || r.bias[0] != c.list[0].Bias || r.bias[1] != c.list[1].Bias {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
}

// TestNamesU85: outputs in memory have the name of their place, those in buffers that of
// their operation alone.
func TestNamesU85(t *testing.T) {
	for _, s := range smallU85(t) {
		if !strings.HasPrefix(s.name, "a chain") {
			continue
		}
		p, err := PrepareWith(s.accel, s.words, s.regions, Options{Tensor: func(word int, at isa.Span) string { return fmt.Sprint("at ", at.Start) }})
		if err != nil {
			t.Fatal(err)
		}
		if one, two := p.steps[1].head().tensorName(), p.steps[2].head().tensorName(); one != "" || two != "at 2048" {
			t.Errorf("outputs are %q and %q", one, two)
		}
	}
}

// TestFarTransfers: rows that lie beyond all addresses, of either product.
func TestFarTransfers(t *testing.T) {
	wide := func(s *stream, c isa.Code, v int64) {
		s.words = isa.Command{Code: c, Param: uint16(v>>32) & 0xFF, Payload: uint32(v)}.Append(s.words)
	}
	var s stream
	s.words = dmaWords(0, 0, 2, 0, 1, 65535, 65535, 0, 0)
	s.words = s.words[:len(s.words)-2]
	wide(&s, isa.SetDMA0Skip0, 1<<39-1)
	s.raw(isa.OpDMAStart, 0)
	s.stop()
	_, err := Prepare(accelerator(t, "ethos-u65-256"), s.words, Regions{{Size: 64}, {Size: 64}})
	if f, ok := err.(*Fault); !ok || f.Cause != OutsideRegion || f.Detail != "the DMA source reaches past the address space" {
		t.Errorf("U65: %v", err)
	}
	s = stream{}
	s.transferU85(&isa.DMAU85{Mode: 2, Length: 1, Rows: 65535, Planes: 65535, DstRegion: 1, SrcRow: 1<<39 - 1, SrcPlane: 1<<39 - 1, DstRow: 1, DstPlane: 1})
	s.stop()
	_, err = Prepare(accelerator(t, "ethos-u85-256"), s.words, Regions{{Size: 64}, {Size: 64}})
	if f, ok := err.(*Fault); !ok || f.Cause != OutsideRegion {
		t.Errorf("U85: %v", err)
	}
}
