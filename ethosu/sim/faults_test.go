// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// exampleFile is the stream of the ISA example: weight DMA, fully connected, two
// tables and two additions, for the U55-256.
const exampleFile = "../isa/testdata/fully_connected_u55_256.txt"

// TestFaults breaks one thing at a time in a stream that runs and requires the fault
// to name it.
func TestFaults(t *testing.T) {
	good := exampleText(t)
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("the example does not hold %q", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	for _, c := range []struct {
		name   string
		edit   func(string) string
		cause  Cause
		op     int
		detail string
		status uint32
	}{
		{"nothing", func(s string) string { return s }, 0, 0, "", 0},
		{"unset", replace("NPU_SET_OFM_ZERO_POINT zero_point=5\n", "NPU_SET_IFM_ZERO_POINT zero_point=65533\n"), UnsetRegister, 1, "NPU_SET_OFM_ZERO_POINT", 0},
		{"region size", replace("NPU_SET_OFM_BASE0 addr_hi=0 addr=64", "NPU_SET_OFM_BASE0 addr=4080"), OutsideRegion, 1, "OFM accesses bytes 4080..4104 of region 1, which has 4096", StatusBus},
		{"absent region", replace("NPU_SET_WEIGHT_REGION region=1", "NPU_SET_WEIGHT_REGION region=4"), OutsideRegion, 1, "which is not there", StatusBus},
		{"constant region", replace("NPU_SET_OFM_REGION region=1", "NPU_SET_OFM_REGION region=0"), ReadOnly, 1, "is constant", StatusBus},
		{"weight alignment", replace("NPU_SET_WEIGHT_BASE addr_hi=0 addr=2288", "NPU_SET_WEIGHT_BASE addr=2290"), Misaligned, 1, "WEIGHT stream of core 0 at 0x8F2", 0},
		{"DMA alignment", replace("NPU_SET_DMA0_LEN addr_hi=0 length=384", "NPU_SET_DMA0_LEN length=380"), Misaligned, 0, "DMA0_LEN is 0x17C", 0},
		{"block", replace("NPU_SET_OFM_BLK_WIDTH_M1 width_m1=1", "NPU_SET_OFM_BLK_WIDTH_M1 width_m1=2"), IllegalBlock, 1, "multiples of 2x2x8", 0},
		{"SHRAM", replace("NPU_SET_AB_START ab_start=30", "NPU_SET_AB_START ab_start=46"), SHRAMOverlap, 1, "accumulators need 2 banks from AB_START 46", 0},
		{"table slot", replace("NPU_SET_ACTIVATION function=16", "NPU_SET_ACTIVATION function=19"), TableMissing, 3, "slot 3", 0},
		{"weight count", replace("NPU_SET_IFM_DEPTH_M1 depth_m1=39", "NPU_SET_IFM_DEPTH_M1 depth_m1=70"), WeightCount, 1, "has 1536 weights, expected 2304", StatusWeights},
		{"padding", replace("NPU_SET_IFM_PAD_TOP pad=0", "NPU_SET_IFM_PAD_TOP pad=1"), Contradiction, 1, "imply an input of 0x1", 0},
		{"clip range", replace("NPU_SET_ACTIVATION function=0 clip_range=0", "NPU_SET_ACTIVATION clip_range=3"), Contradiction, 1, "clip_range 3 without a table", 0},
		{"function", replace("NPU_SET_ACTIVATION function=0", "NPU_SET_ACTIVATION function=3"), Unknown, 1, "only S16 with zero point 0 is known", 0},
		{"minimum", replace("NPU_SET_ACTIVATION_MAX clip=127", "NPU_SET_ACTIVATION_MAX clip=65300"), Contradiction, 1, "is above ACTIVATION_MAX", 0},
		{"depth", replace("NPU_SET_IFM_DEPTH_M1 depth_m1=23", "NPU_SET_IFM_DEPTH_M1 depth_m1=22"), Contradiction, 3, "IFM depth 23 differs from OFM depth 24", 0},
		{"end", replace("NPU_OP_STOP mask=65535", "NPU_OP_IRQ mask=1"), BadCommand, -1, "without NPU_OP_STOP", StatusParse},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := assemble(t, c.edit(good))
			_, err := Prepare(accelerator(t, "ethos-u55-256"), words, exampleRegions())
			if c.detail == "" && c.cause == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var f *Fault
			if !errors.As(err, &f) {
				t.Fatalf("%v is not a fault", err)
			}
			if f.Cause != c.cause || f.Op != c.op || !strings.Contains(f.Detail, c.detail) {
				t.Errorf("%v\nexpected %v at operation %d: ...%s...", f, c.cause, c.op, c.detail)
			}
			if f.Status() != c.status {
				t.Errorf("STATUS bits 0x%X, expected 0x%X", f.Status(), c.status)
			}
			if code := isa.Code(words[min(f.Word, len(words)-1)] & 0x43FF); f.Op >= 0 && code.String() != strings.Fields(f.Name)[0] {
				t.Errorf("word %d is %v, the fault says %s", f.Word, code, f.Name)
			}
		})
	}
}

// exampleText is the example without its hexadecimal words, so that fields can be
// edited.
func exampleText(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			out.WriteString(line[20:])
		}
	}
	return out.String()
}

func assemble(t testing.TB, text string) []uint32 {
	t.Helper()
	words, err := isa.Assemble(text)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// exampleRegions holds records, weights and tables that fit the example.
func exampleRegions() Regions {
	flash := make([]byte, 0x600)
	var recs []weights.Record
	for i := range 24 {
		recs = append(recs, weights.Record{Bias: int64(100 * i), Scale: 1 << 30, Shift: 34})
	}
	copy(flash, weights.PackRecords(recs))
	w := make([]int16, 24*40)
	for o := range 24 {
		w[o*40+o], w[o*40+(7*o+3)%40] = int16(o-12), 5
	}
	l := weights.Layout{IFMBits: 8, OFMBlockDepth: 24, OFMUBlockDepth: 8, KH: 1, KW: 1, O: 24, I: 40}
	coded, err := weights.Encode(weights.Reorder(w, l))
	if err != nil || len(coded) > 0x90 {
		panic(fmt.Sprintf("BUG: the example's weights take %d bytes: %v", len(coded), err))
	}
	for i := 0xF0; i < 0x180; i++ {
		flash[i] = 0xFF
	}
	copy(flash[0xF0:], coded)
	for i := range 512 {
		flash[0x400+i] = byte(3*i + i>>8*7)
	}
	var r Regions
	r[0].Content, r[1].Size = flash, 4096
	return r
}

// TestCorruptWeights damages the stream itself, in the constants and in the arena.
func TestCorruptWeights(t *testing.T) {
	words := assemble(t, exampleText(t))
	r := exampleRegions()
	r[0].Content[0xF0] = 0x04 // zero-run mode 4 does not exist
	var f *Fault
	if _, err := Prepare(accelerator(t, "ethos-u55-256"), words, r); !errors.As(err, &f) || f.Cause != CorruptWeights || f.Op != 1 {
		t.Errorf("%v", err)
	}
	// As an ordinary region the content is only known when the stream runs.
	c := r[0].Content
	r[0] = Region{Size: int64(len(c))}
	s, err := Prepare(accelerator(t, "ethos-u55-256"), words, r)
	if err != nil {
		t.Fatal(err)
	}
	m := s.NewMemory()
	copy(m[0], c)
	if err := s.Run(m); !errors.As(err, &f) || f.Cause != CorruptWeights || f.Op != 1 {
		t.Errorf("%v", err)
	}
	if err := s.Run(Memory{}); err == nil || !strings.Contains(err.Error(), "region 0 has 0 bytes") {
		t.Errorf("run without memory: %v", err)
	}
}

// TestMaxWork stops a stream that would run for hours.
func TestMaxWork(t *testing.T) {
	words := assemble(t, exampleText(t))
	var f *Fault
	_, err := PrepareWith(accelerator(t, "ethos-u55-256"), words, exampleRegions(), Options{MaxWork: 1000})
	if !errors.As(err, &f) || f.Cause != TooMuchWork || f.Op != 1 {
		t.Errorf("%v", err)
	}
}

// TestFastPaths runs the compiled models with and without the joined loops.
func TestFastPaths(t *testing.T) {
	for _, name := range []string{"gru16_t4.vela51-u55-128.tflite", "rnn64_mnist.vela-u55-128.tflite"} {
		c := readCompiled(t, name)
		fast, err := Prepare(c.accel, c.words, c.regions)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := PrepareWith(c.accel, c.words, c.regions, Options{slow: true})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(31, 32))
		for range 20 {
			a := fast.NewMemory()
			for i := range a[1] {
				a[1][i] = byte(rng.Uint32())
			}
			b := Memory{1: bytes.Clone(a[1]), 2: bytes.Clone(a[2])}
			if err := errors.Join(fast.Run(a), slow.Run(b)); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a[1], b[1]) {
				t.Fatalf("%s: the arenas differ", name)
			}
		}
	}
}

// TestDense: a row is one run when its pixels lie side by side, and a pixel of bricks
// when it has one.
func TestDense(t *testing.T) {
	for _, c := range []struct {
		format          isa.Format
		w, c, width0, x int
		want            bool
	}{
		{isa.NHWC, 4, 32, 4, 32, true},
		{isa.NHWC, 4, 32, 4, 48, false},
		{isa.NHWC, 4, 32, 2, 32, false},
		{isa.NHCWB16, 4, 16, 4, 16, true},
		{isa.NHCWB16, 4, 12, 4, 16, false},
		{isa.NHCWB16, 1, 32, 1, 32, false}, // bricks may lie anywhere
	} {
		f := fmap{FeatureMap: isa.FeatureMap{Format: c.format, W: c.w, C: c.c, Width0: c.width0, StrideX: int64(c.x)}, elem: 1}
		if got := f.dense(); got != c.want {
			t.Errorf("%+v: dense %v", c, got)
		}
	}
}
