// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestValuesOfBadOperations: what an operation overwrites is known no more, however bad it
// is.
func TestValuesOfBadOperations(t *testing.T) {
	const maps = "NPU_SET_OFM_REGION region=1\nNPU_SET_OFM_BASE0 addr=64\nNPU_SET_OFM_PRECISION type=1 precision=2\nNPU_SET_OFM_DEPTH_M1 depth_m1=3\n"
	check := checkerOf(t, "ethos-u55-128")
	for i := range int64(3) {
		f := plain(uint64(56+16*i), 1, 1, 2, typeS32)
		check.values.add(written{f: f, spans: f.Spans(), v: only(bound{i, i})})
	}
	o := lastOperation(t, maps+"NPU_OP_ELEMENTWISE elementwise_mode=6")
	if check.kernel(o); len(check.findings) == 0 || len(check.values.all()) != 2 || check.values.all()[0].v.hull().lo != 0 || check.values.all()[1].v.hull().lo != 2 {
		t.Errorf("%d findings, and known are %v, expected what lies before and behind the output", len(check.findings), check.values.all())
	}
}

// TestFirstByteOfWeights: byte 0 of a region is a byte like any other.
func TestFirstByteOfWeights(t *testing.T) {
	check := checkerOf(t, "ethos-u55-128")
	check.defined[1].add(1, 64)
	k := &kernel{up: 1, ifm: plain(16, 1, 1, 16, typeS8), constants: []isa.Span{{Region: 1, Start: 0, End: 16}}}
	if f := check.reads(k); f != nil || len(check.findings) != 1 || !strings.HasPrefix(check.findings[0].Msg, "byte 0 of region 1, in weights or scales at 0") {
		t.Errorf("%v, %v", f, check.findings)
	}
}

// TestTableBytes: which part of a table the values that the clamp leaves can index.
func TestTableBytes(t *testing.T) {
	u16 := func(v int) uint16 { return uint16(int16(v)) }
	for _, c := range []struct {
		name           string
		ofm            isa.DType
		clip           isa.ClipRange
		min, max       uint16
		size, from, to int64
	}{
		{"all of S8", typeS8, isa.ClipOFM, u16(-128), 127, 256, 0, 256},
		{"a part of S8", typeS8, isa.ClipOFM, u16(-100), 27, 256, 28, 156},
		{"one value of S8", typeS8, isa.ClipOFM, 5, 5, 256, 133, 134},
		{"no value of S8", typeS8, isa.ClipOFM, 5, 4, 256, 133, 134},
		{"more than S8", typeS8, isa.ClipOFM, u16(-300), 300, 256, 0, 256},
		{"above S8", typeS8, isa.ClipOFM, 300, 400, 256, 255, 256},
		{"below S8", typeS8, isa.ClipOFM, u16(-400), u16(-300), 256, 0, 1},
		{"U8, of which all counts", typeU8, isa.ClipOFM, 10, 20, 256, 0, 256},
		{"S8 to 32 bits", typeS32, isa.ClipInt8, u16(-128), u16(-127), 1024, 0, 8},
		{"U8 to 32 bits", typeS32, isa.ClipUint8, 10, 20, 1024, 0, 1024},
		{"all of S16", typeS16, isa.ClipOFM, u16(-32768), 32767, 2048, 0, 2048},
		{"an entry of S16", typeS16, isa.ClipOFM, 0, 127, 2048, 1024, 1028},
		{"two entries of S16", typeS16, isa.ClipOFM, u16(-1), 127, 2048, 1020, 1028},
		{"a value of the next entry", typeS16, isa.ClipOFM, 0, 128, 2048, 1024, 1032},
		{"no value of S16", typeS16, isa.ClipOFM, 256, 0, 2048, 1032, 1036},
		{"S16 by the clip range", typeS16, isa.ClipInt16, 0, 127, 2048, 1024, 1028},
	} {
		o := lastOperation(t, "NPU_OP_ELEMENTWISE elementwise_mode=6")
		o.Regs.Write(isa.PutActivation(isa.ActivationFields{Function: isa.ActTable0, ClipRange: c.clip}))
		o.Regs.Write(isa.PutActivationMin(c.min))
		o.Regs.Write(isa.PutActivationMax(c.max))
		if size, from, to := tableBytes(o, c.ofm); size != c.size || from != c.from || to != c.to {
			t.Errorf("%s: bytes %d to %d of %d, expected %d to %d of %d", c.name, from, to, size, c.from, c.to, c.size)
		}
	}
}

// TestElementwiseTypes: the types that every mode has, and the others.
func TestElementwiseTypes(t *testing.T) {
	for _, c := range []struct {
		mode    string
		in, out isa.DType
		want    string
	}{
		{"7", typeS32, typeS32, ""}, {"7", typeS32, typeS16, "S32 to S16, expected S32 to S32"}, {"7", typeS16, typeS32, "S16 to S32, expected S32 to S32"}, {"7", typeS8, typeS8, "S8 to S8, expected S32 to S32"},
		{"9", typeS32, typeS32, ""}, {"9", typeS32, typeS8, "S32 to S8, expected S32 to S32"}, {"9", typeS8, typeS32, "S8 to S32, expected S32 to S32"},
		{"8", typeS32, typeS32, ""}, {"8", typeS32, typeS8, ""}, {"8", typeS16, typeS32, "IFM type is S16, expected S32"},
		{"3", typeS32, typeS8, ""}, {"4", typeS8, typeS32, ""},
	} {
		o := lastOperation(t, "NPU_SET_OFM_PRECISION\nNPU_SET_IFM2_BROADCAST\nNPU_SET_IFM2_PRECISION type=1\nNPU_OP_ELEMENTWISE elementwise_mode="+c.mode)
		for name, p := range map[int]isa.Precision{8: isa.Bits8, 16: isa.Bits16, 32: isa.Bits32} {
			if name == c.in.Bits {
				o.Regs.Write(isa.PutIFM2Precision(isa.IFM2PrecisionFields{Type: true, Precision: p}))
			}
		}
		check := checkerOf(t, "ethos-u55-128")
		check.elementwiseTypes(o, &kernel{ifm: plain(0, 1, 1, 8, c.in), ofm: plain(64, 1, 1, 8, c.out)})
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || check.findings[0].Msg != c.want) {
			t.Errorf("mode %s from %v to %v: %v, expected %q", c.mode, c.in, c.out, check.findings, c.want)
		}
	}
}

// TestLargeDifference: differences of more elements than are looked at one by one are not
// followed, however they are cut.
func TestLargeDifference(t *testing.T) {
	for _, c := range []struct{ h, w, c, group int }{{257, 128, 2, 0}, {256, 128, 2, 2}, {1, 1 << 15, 3, 0}} {
		check := checkerOf(t, "ethos-u55-128")
		in, out := plain(0, c.h, c.w, c.c, typeS8), plain(1<<18, c.h, c.w, 1, typeS8)
		m := maximum{from: 1, to: 1, of: map[int64]Range{}, element: typeS8}
		for y := range c.h {
			for x := range c.w {
				m.of[out.Address(y, x, 0)] = Range{in.Address(y, x, 0), in.Address(y, x, 0) + int64(c.c)}
			}
		}
		check.maxima = []maximum{m}
		k := &kernel{op: isa.OpElementwise, hasIFM2: true, up: 1, ifm: in, ifm2: out, ofm: in}
		o := lastOperation(t, difference+"NPU_OP_ELEMENTWISE elementwise_mode=2")
		if group, _ := check.leastDifference(o, k, rounding{scale: isa.Scale{Value: 1}}); group != c.group {
			t.Errorf("%dx%dx%d: groups of %d, expected %d", c.h, c.w, c.c, group, c.group)
		}
	}
}

// TestMemoriesCompute: an operator of the CPU needs all of its inputs, and what it writes is
// defined and no constant.
func TestMemoriesCompute(t *testing.T) {
	for _, c := range []struct {
		name    string
		missing Range
		want    string
	}{
		{"all", Range{100, 101}, ""},
		{"the first byte", Range{16, 17}, ` reads byte 0 of "in", which was never written`},
		{"the last byte", Range{31, 32}, ` reads byte 15 of "in", which was never written`},
		{"bytes beside", Range{32, 33}, ""},
		{"byte 0 of the memory", Range{0, 1}, ` reads byte 0 of "first", which was never written`},
	} {
		m := &memories{}
		m.defined[1].add(0, 128)
		m.defined[1].remove(c.missing.Start, c.missing.End)
		m.known[2].put(0, make([]byte, 64))
		check := checkerOf(t, "ethos-u55-128")
		m.compute(check, &ethosu.Stage{Name: "cpu", CPU: &ethosu.CPUOp{Graph: &graph.Graph{Ops: []*graph.Op{{Kind: graph.Add}}},
			Inputs:  []ethosu.Binding{{Name: "first", Region: 1, Size: 8}, {Name: "in", Region: 1, Offset: 16, Size: 16}},
			Outputs: []ethosu.Binding{{Name: "out", Region: 2, Offset: 16, Size: 16}, {Name: "far", Region: 2, Offset: 80, Size: 16}}}})
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || !strings.HasSuffix(check.findings[0].Msg, c.want) || check.findings[0].Name != "stage cpu" || check.findings[0].Op != -1) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.want)
		}
		if !slices.Equal(m.defined[2], ranges{{16, 32}, {80, 96}}) || m.known[2].meets(16, 32) || !m.known[2].meets(15, 16) || !m.known[2].meets(32, 33) {
			t.Errorf("%s: written %v, known %v", c.name, m.defined[2], m.known[2])
		}
	}
}

// TestStageNamed: what is wrong with the memories of a stage says of which one.
func TestStageNamed(t *testing.T) {
	m := &memories{}
	a := checkerOf(t, "ethos-u55-128").a
	c := m.check(a, &ethosu.Stage{Name: "step", Times: 1, Commands: isa.Encode([]isa.Command{isa.PutStop(0xFFFF)}), Windows: []ethosu.Window{{Region: ethosu.RegionConstants, In: 1, Size: 16}}})
	if len(c.findings) != 1 || c.findings[0].Name != "stage step" || c.findings[0].Op != -1 || c.findings[0].Rule != RuleUndefined {
		t.Errorf("%v", c.findings)
	}
}

// TestStreamsResident: weights and records lie in what is said to be there.
func TestStreamsResident(t *testing.T) {
	for _, c := range []struct {
		name  string
		all   []ethosu.Placement
		found string
	}{
		{"both", []ethosu.Placement{{Offset: 64, Size: 16, Last: 9}, {Offset: 96, Size: 16, Last: 9}}, ""},
		{"weights alone", []ethosu.Placement{{Offset: 64, Size: 16, Last: 9}}, "the scale stream is bytes 96 to 112 of region 0, which no tensor holds at operation 0"},
		{"records alone", []ethosu.Placement{{Offset: 96, Size: 16, Last: 9}}, "the weight stream is bytes 64 to 80 of region 0, which no tensor holds at operation 0"},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.beside = besideOf(&ethosu.Stage{Ops: make([]ethosu.OpInfo, 1), Map: c.all})
		k := &kernel{blk: block.Shape{H: 2, W: 2, D: 8}, k: isa.Kernel{H: 1, W: 1, DilationY: 1, DilationX: 1}, ifm: plain(0, 1, 1, 8, typeS8), ofm: plain(64, 1, 1, 1, typeS8)}
		check.weights(lastOperation(t, "NPU_SET_WEIGHT_REGION\nNPU_SET_SCALE_REGION\nNPU_SET_WEIGHT_BASE addr=64\nNPU_SET_WEIGHT_LENGTH length=16\nNPU_SET_SCALE_BASE addr=96\nNPU_SET_SCALE_LENGTH length=16\nNPU_OP_CONV"), k)
		var found []string
		for _, f := range check.findings {
			if f.Rule == RuleProgram {
				found = append(found, f.Msg)
			}
		}
		if got := strings.Join(found, "; "); got != c.found {
			t.Errorf("%s: %q, expected %q", c.name, got, c.found)
		}
	}
}

// TestJudgingCosts: a weight stream costs a unit of work a byte, and an eighth a weight.
func TestJudgingCosts(t *testing.T) {
	l := weights.Layout{IFMBits: 8, OFMBlockDepth: 8, OFMUBlockDepth: 8, KH: 1, KW: 1, DilationH: 1, DilationW: 1, O: 16, I: 100}
	b, err := weights.Encode(weights.Reorder(make([]int16, 1600), l))
	if err != nil {
		t.Fatal(err)
	}
	check := checkerOf(t, "ethos-u55-128")
	if v, want := check.judge(b, l), len(b)+weights.Volume(l)/8; v.err != nil || v.most != 0 || check.work != want {
		t.Errorf("%v, with %d of work for %d bytes, expected %d", v, check.work, len(b), want)
	}
	check.work = maxWork
	l.O = 8
	if v := check.judge(b, l); v.err != nil || len(check.findings) != 1 {
		t.Errorf("%v, %v: judged without work left", v, check.findings)
	}
}

// TestContents: what is known of bytes that are put and forgotten, against one value a byte.
func TestContents(t *testing.T) {
	rng := rand.New(rand.NewPCG(97, 98))
	var c contents
	var want [64]int // 0: unknown
	for n := range 4000 {
		from := rng.IntN(60)
		to := from + rng.IntN(12)
		to = min(to, 64)
		switch rng.IntN(3) {
		case 0:
			data := make([]byte, to-from)
			for i := range data {
				data[i] = byte(1 + (n+i)%250)
				want[from+i] = int(data[i])
			}
			c.put(int64(from), data)
		case 1:
			c.forget(int64(from), int64(to))
			for i := from; i < to; i++ {
				want[i] = 0
			}
		}
		some, first := false, -1
		for i := from; i < to; i++ {
			some = some || want[i] > 0
			if want[i] == 0 && first < 0 {
				first = i
			}
		}
		data, unknown := c.get(int64(from), int64(to))
		if c.meets(int64(from), int64(to)) != some || unknown != int64(first) {
			t.Fatalf("bytes %d to %d of %v: any known %v, the first unknown %d, expected %v and %d", from, to, c, c.meets(int64(from), int64(to)), unknown, some, first)
		}
		for i := range data {
			if first < 0 && int(data[i]) != want[from+i] {
				t.Fatalf("byte %d of %v is %d, expected %d", from+i, c, data[i], want[from+i])
			}
		}
		for i, p := range c {
			for _, q := range c[:i] {
				if p.start < q.end() && q.start < p.end() || len(q.data) == 0 {
					t.Fatalf("pieces %v overlap, or have no bytes", c)
				}
			}
		}
	}
}
