// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"strings"
	"testing"

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
