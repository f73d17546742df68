// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestBuffers: borders in the SHRAM at the last place where they are right, and one step
// beyond. The sizes are worked out by hand.
func TestBuffers(t *testing.T) {
	conv := block.Op{Kind: block.Conv, OFM: block.Shape{H: 8, W: 8, D: 64}, IFM: block.Shape{H: 8, W: 8, D: 32}, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, IFMBits: 8, Unscaled: true}
	wide := conv
	wide.IFMBits, wide.Unscaled, wide.IFM.D = 16, false, 16
	add := block.Op{Kind: block.Elementwise, OFM: block.Shape{H: 8, W: 8, D: 64}, IFM: block.Shape{H: 8, W: 8, D: 64}, IFM2: block.Shape{H: 8, W: 8, D: 64}, KH: 1, KW: 1, IFMBits: 8, Unscaled: true}
	one := add
	one.IFM2 = block.Shape{}
	small := one // 32x32x8 elements of 16 bits are 16 banks, and a core cannot hold four channels
	small.OFM, small.IFM, small.IFMBits = block.Shape{H: 32, W: 32, D: 8}, block.Shape{H: 32, W: 32, D: 8}, 16
	blk := block.Shape{H: 8, W: 8, D: 64}
	// U55-256: 48 banks, the last two for tables alone. An input block of 8x8x32 bytes is 2
	// banks twice, rounded up to the granule of 8; accumulators of 8x8x64 words are 16
	// banks twice; those of 40 bits 20 twice, of two inputs 8x8x64 bytes 4 twice.
	for _, c := range []struct {
		name, accel string
		op          block.Op
		blk         block.Shape
		regs        isa.Block
		two, table  bool
		want        string
	}{
		{"a convolution", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 10, ABStart: 14}, false, false, ""},
		{"a convolution with a wide input buffer", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 14, ABStart: 14}, false, false, ""},
		{"a small input buffer", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 8, ABStart: 14}, false, false, "expected at least 10"},
		{"accumulators below the input's end", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 14, ABStart: 12}, false, false, "accumulators start at bank 12, expected at least 14"},
		{"accumulators beyond the top", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 10, ABStart: 16}, false, false, "32 banks of accumulators from bank 16, expected an end at 46"},
		{"an odd end", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 11, ABStart: 14}, false, false, "expected even"},
		{"an odd start", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 10, ABStart: 13}, false, false, "expected even"},
		{"an odd second start of an operation without one", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 10, ABStart: 14, IB2Start: 3}, false, false, ""},
		{"an odd second start", "ethos-u55-256", add, blk, isa.Block{IBEnd: 46, IB2Start: 11}, true, false, "expected even"},
		{"half floats", "ethos-u55-256", conv, blk, isa.Block{IBEnd: 10, ABStart: 14, Acc: isa.AccF16}, false, false, "fp16"},
		{"a block that is none", "ethos-u55-256", conv, block.Shape{H: 8, W: 7, D: 64}, isa.Block{IBEnd: 10, ABStart: 14}, false, false, "8x7x64"},
		{"40 bits by the register", "ethos-u55-256", conv, block.Shape{H: 8, W: 8, D: 32}, isa.Block{IBEnd: 10, ABStart: 26, Acc: isa.AccI40}, false, false, ""},
		{"40 bits by the register, beyond the top", "ethos-u55-256", conv, block.Shape{H: 8, W: 8, D: 32}, isa.Block{IBEnd: 10, ABStart: 28, Acc: isa.AccI40}, false, false, "20 banks of accumulators from bank 28"},
		{"40 bits", "ethos-u55-256", wide, block.Shape{H: 8, W: 8, D: 32}, isa.Block{IBEnd: 10, ABStart: 26, Acc: isa.AccI40}, false, false, ""},
		{"40 bits of a pool", "ethos-u55-256", func() block.Op { o := conv; o.Kind, o.IFM.D = block.MaxPool, 64; return o }(), block.Shape{H: 8, W: 8, D: 32}, isa.Block{IBEnd: 10, ABStart: 28, Acc: isa.AccI40}, false, false, "20 banks"},
		{"40 bits on two cores", "ethos-u65-512", wide, blk, isa.Block{IBEnd: 10, ABStart: 26, Acc: isa.AccI40}, false, false, ""},
		{"a share of the channels", "ethos-u65-512", conv, blk, isa.Block{IBEnd: 10, ABStart: 30}, false, false, ""},
		{"a share beyond the top", "ethos-u65-512", conv, blk, isa.Block{IBEnd: 10, ABStart: 32}, false, false, "16 banks of accumulators from bank 32"},
		{"a share of one micro-block", "ethos-u65-512", small, block.Shape{H: 32, W: 32, D: 8}, isa.Block{IBEnd: 34}, false, false, ""},
		{"less than a micro-block", "ethos-u65-512", small, block.Shape{H: 32, W: 32, D: 8}, isa.Block{IBEnd: 32}, false, false, "IFM buffers from bank 2 to 32, expected 32 banks for block 32x32x8"},
		{"two inputs", "ethos-u55-256", add, blk, isa.Block{IB2Start: 10, IBEnd: 18}, true, false, ""},
		{"a first input that is small", "ethos-u55-256", add, blk, isa.Block{IB2Start: 8, IBEnd: 18}, true, false, "IFM buffers from bank 2 to 8, expected 8"},
		{"a second input that is small", "ethos-u55-256", add, blk, isa.Block{IB2Start: 10, IBEnd: 16}, true, false, "IFM2 buffers from bank 10 to 16, expected 8"},
		{"inputs up to the top", "ethos-u55-256", add, blk, isa.Block{IB2Start: 10, IBEnd: 46}, true, false, ""},
		{"inputs beyond the top", "ethos-u55-256", add, blk, isa.Block{IB2Start: 10, IBEnd: 48}, true, false, "end at bank 48, expected at most 46"},
		{"one input", "ethos-u55-256", one, blk, isa.Block{IBEnd: 10}, false, false, ""},
		{"one input that is small", "ethos-u55-256", one, blk, isa.Block{IBEnd: 8}, false, false, "expected 8 banks"},
		{"inputs of 16 banks", "ethos-u55-64", one, block.Shape{H: 8, W: 8, D: 64}, isa.Block{IBEnd: 16}, false, false, ""},
		{"inputs beside a table", "ethos-u55-64", func() block.Op { o := one; o.LUT = true; return o }(), block.Shape{H: 8, W: 8, D: 64}, isa.Block{IBEnd: 16}, false, true, "expected at most 14"},
	} {
		check := checkerOf(t, c.accel)
		k := &kernel{shape: c.op, blk: c.blk, layout: c.regs, hasIFM2: c.two, table: c.table}
		check.block(k)
		if c.want == "" && len(check.findings) > 0 || c.want != "" && (len(check.findings) != 1 || !strings.Contains(check.findings[0].Msg, c.want) || check.findings[0].Rule != RuleBlock) {
			t.Errorf("%s: %v, expected %q", c.name, check.findings, c.want)
		}
		if k.blk != c.blk {
			t.Errorf("%s: the block became %v", c.name, k.blk)
		}
	}
}

// TestBuffersTop: how far an operation's buffers may reach, and so which tables they may
// destroy: tables have two banks, their own but on the smallest configurations.
func TestBuffersTop(t *testing.T) {
	for _, c := range []struct {
		accel string
		table bool
		want  int
	}{
		{"ethos-u55-32", false, 16 * 1024}, {"ethos-u55-32", true, 14 * 1024}, {"ethos-u55-64", false, 16 * 1024}, {"ethos-u55-64", true, 14 * 1024},
		{"ethos-u55-128", false, 22 * 1024}, {"ethos-u55-128", true, 22 * 1024}, {"ethos-u55-256", true, 46 * 1024}, {"ethos-u65-512", false, 46 * 1024},
	} {
		k := &kernel{table: c.table}
		if checkerOf(t, c.accel).block(k); k.shramEnd != c.want {
			t.Errorf("%s with a table %v: buffers up to %d, expected %d", c.accel, c.table, k.shramEnd, c.want)
		}
	}
}

// TestStreamsOfCores: the weight and scale streams of two cores, one of them bad at a time.
func TestStreamsOfCores(t *testing.T) {
	good := map[string]int{"WEIGHT_BASE": 64, "WEIGHT_LENGTH": 16, "SCALE_BASE": 96, "SCALE_LENGTH": 16, "WEIGHT1_BASE": 128, "WEIGHT1_LENGTH": 32, "SCALE1_BASE": 160, "SCALE1_LENGTH": 16}
	for _, c := range []struct {
		register string
		value    int
		channels int
		cores    string
		want     []string
	}{
		{"WEIGHT_BASE", 72, 2, "1", []string{"weight stream of core 0 at 0x48, 16 bytes"}},
		{"WEIGHT_LENGTH", 24, 2, "1", []string{"weight stream of core 0 at 0x40, 24 bytes"}},
		{"SCALE_BASE", 100, 2, "1", []string{"scale stream of core 0 at 0x64, 16 bytes"}},
		{"SCALE_LENGTH", 20, 2, "1", []string{"scale stream of core 0 at 0x60, 20 bytes"}},
		{"WEIGHT1_BASE", 129, 2, "1", []string{"weight stream of core 1 at 0x81, 32 bytes"}},
		{"SCALE1_LENGTH", 17, 2, "1", []string{"scale stream of core 1 at 0xa0, 17 bytes"}},
		{"WEIGHT1_LENGTH", 0, 2, "1", []string{"core 1 has no weight stream"}},
		{"WEIGHT_LENGTH", 0, 2, "1", []string{"core 0 has no weight stream"}},
		{"SCALE1_LENGTH", 0, 2, "1", []string{"core 1 has 0 bytes of scales, expected at least 10 for 1 channels"}},
		{"SCALE_LENGTH", 16, 8, "1", []string{"core 0 has 16 bytes of scales, expected at least 40 for 4 channels", "core 1 has 16 bytes of scales, expected at least 40 for 4 channels"}},
		{"WEIGHT_LENGTH", 16, 1, "1", []string{"core 1 has no channels but 32 bytes of weights and 16 of scales"}},
		{"WEIGHT1_LENGTH", 0, 1, "1", []string{"core 1 has no channels but 0 bytes of weights and 16 of scales"}},
		{"SCALE1_LENGTH", 0, 1, "1", []string{"core 1 has no channels but 32 bytes of weights and 0 of scales"}},
		{"WEIGHT1_BASE", 129, 1, "0", nil}, // one core has no second stream
		{"WEIGHT_BASE", 4096, 1, "0", []string{"weight stream takes bytes 4096 to 4112 of region 0, which has 4096"}},
		{"SCALE_BASE", 4096, 1, "0", []string{"scale stream takes bytes 4096 to 4112 of region 0, which has 4096"}},
	} {
		lines := "NPU_SET_PARALLEL_MODE parallel_mode=" + c.cores + "\nNPU_SET_WEIGHT_REGION\nNPU_SET_SCALE_REGION\n"
		for name, v := range good {
			if name == c.register {
				v = c.value
			}
			field := " addr="
			if strings.HasSuffix(name, "LENGTH") {
				field = " length="
			}
			lines += "NPU_SET_" + name + field + strconv.Itoa(v) + "\n"
		}
		check := checkerOf(t, "ethos-u65-512")
		k := &kernel{blk: block.Shape{H: 2, W: 2, D: 16}, k: isa.Kernel{H: 1, W: 1, DilationY: 1, DilationX: 1}, ifm: plain(0, 1, 1, 8, typeS8), ofm: plain(64, 1, 1, c.channels, typeS8)}
		check.weights(lastOperation(t, lines+"NPU_OP_CONV"), k)
		var found []string
		for _, f := range check.findings {
			// Of these regions only the size is known, so that no stream is judged.
			if !f.Unproven {
				found = append(found, f.Msg)
			}
		}
		ok := len(found) == len(c.want)
		for i := range found {
			ok = ok && strings.HasPrefix(found[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s %d, %d channels: %q, expected %q", c.register, c.value, c.channels, found, c.want)
		}
	}
}
