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
)

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
