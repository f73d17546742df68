// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestLayoutLimits: borders in the SHRAM at the last place where they are right, and one
// bank beyond. The sizes are worked out by hand: 1024 bytes a bank, everything twice.
func TestLayoutLimits(t *testing.T) {
	const (
		registers = "NPU_SET_IFM_PRECISION type=1\nNPU_SET_IFM_DEPTH_M1 depth_m1=31\nNPU_SET_OFM_HEIGHT_M1 height_m1=7\nNPU_SET_OFM_WIDTH_M1 width_m1=7\nNPU_SET_OFM_DEPTH_M1 depth_m1=63\n" +
			"NPU_SET_OFM_BLK_HEIGHT_M1 height_m1=7\nNPU_SET_OFM_BLK_WIDTH_M1 width_m1=7\nNPU_SET_OFM_BLK_DEPTH_M1 depth_m1=63\nNPU_SET_KERNEL_STRIDE\nNPU_SET_IFM2_BROADCAST\n"
		conv, pool, sum, add, abs = "NPU_OP_CONV", "NPU_OP_POOL pooling_mode=0", "NPU_OP_POOL pooling_mode=2", "NPU_OP_ELEMENTWISE elementwise_mode=1", "NPU_OP_ELEMENTWISE elementwise_mode=6"
		wide                      = "NPU_SET_IFM_PRECISION type=1 precision=1\n"
		flat                      = "NPU_SET_OFM_HEIGHT_M1\nNPU_SET_OFM_BLK_HEIGHT_M1 height_m1=1\n"
	)
	for _, c := range []struct {
		name, accel, lines, op   string
		ibEnd, ib2Start, abStart int
		cause                    Cause // 0: it fits
		want                     string
	}{
		{"32 channels", "ethos-u55-256", "", conv, 6, 0, 14, 0, ""}, // 8x8x32 bytes, 8x8x64 words
		{"32 channels, input", "ethos-u55-256", "", conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4 banks from bank 2, IFM_IB_END is 5"},
		{"32 channels, accumulators", "ethos-u55-256", "", conv, 6, 0, 15, SHRAMOverlap, "accumulators need 32 banks from AB_START 15, banks from 46"},
		{"an end at the start", "ethos-u55-256", "", conv, 14, 0, 14, 0, ""},
		{"an end above the start", "ethos-u55-256", "", conv, 15, 0, 14, SHRAMOverlap, "IFM_IB_END 15 is above AB_START 14"},
		{"more channels", "ethos-u55-256", "NPU_SET_IFM_DEPTH_M1 depth_m1=63\n", conv, 6, 0, 14, 0, ""}, // in slices of 32
		{"33 channels on end", "ethos-u55-256", "NPU_SET_IFM_DEPTH_M1 depth_m1=63\n", conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4"},
		{"17 channels", "ethos-u55-256", "NPU_SET_IFM_DEPTH_M1 depth_m1=16\n", conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4"}, // 8x8x24
		{"16 channels", "ethos-u55-256", "NPU_SET_IFM_DEPTH_M1 depth_m1=15\n", conv, 4, 0, 14, 0, ""},
		{"part kernel first", "ethos-u55-256", "NPU_SET_KERNEL_STRIDE weight_order=1\n", conv, 4, 0, 14, 0, ""}, // slices of 16
		{"part kernel first, input", "ethos-u55-256", "NPU_SET_KERNEL_STRIDE weight_order=1\n", conv, 3, 0, 14, SHRAMOverlap, "IFM needs 2"},
		{"16 bits", "ethos-u55-256", wide, conv, 6, 0, 14, 0, ""}, // slices of 16
		{"16 bits, input", "ethos-u55-256", wide, conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4"},
		{"16 bits, 5 channels", "ethos-u55-256", wide + "NPU_SET_IFM_DEPTH_M1 depth_m1=4\n", conv, 4, 0, 14, 0, ""},                                                                                                          // 8
		{"16 bits, 9 channels", "ethos-u55-256", wide + "NPU_SET_IFM_DEPTH_M1 depth_m1=8\n", conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4"},                                                                                    // 12
		{"a step of two", "ethos-u55-256", "NPU_SET_KERNEL_STRIDE stride_x_lsb=1 stride_y_lsb=1\nNPU_SET_KERNEL_HEIGHT_M1 height_m1=2\nNPU_SET_KERNEL_WIDTH_M1 width_m1=2\n", conv, 14, 0, 14, SHRAMOverlap, "IFM needs 22"}, // 18x18x32 bytes
		{"a high kernel", "ethos-u55-256", "NPU_SET_KERNEL_HEIGHT_M1 height_m1=15\n", conv, 10, 0, 14, 0, ""},                                                                                                                // eight rows at a time: 16x8x32
		{"a high kernel, input", "ethos-u55-256", "NPU_SET_KERNEL_HEIGHT_M1 height_m1=15\n", conv, 9, 0, 14, SHRAMOverlap, "IFM needs 8"},
		{"a wide kernel", "ethos-u55-256", "NPU_SET_KERNEL_WIDTH_M1 width_m1=15\n", conv, 10, 0, 14, 0, ""},
		{"a wide kernel, input", "ethos-u55-256", "NPU_SET_KERNEL_WIDTH_M1 width_m1=15\n", conv, 9, 0, 14, SHRAMOverlap, "IFM needs 8"},
		{"nearest", "ethos-u55-256", "NPU_SET_IFM_UPSCALE mode=1\n", conv, 6, 0, 14, 0, ""}, // one more: 6x6x32
		{"nearest, input", "ethos-u55-256", "NPU_SET_IFM_UPSCALE mode=1\n", conv, 5, 0, 14, SHRAMOverlap, "IFM needs 4"},
		{"zeros", "ethos-u55-256", "NPU_SET_IFM_UPSCALE mode=2\n", conv, 4, 0, 14, 0, ""}, // 4x4x32
		{"a pool", "ethos-u55-256", "", pool, 10, 0, 14, 0, ""},                           // the block's 64 channels
		{"a pool, input", "ethos-u55-256", "", pool, 9, 0, 14, SHRAMOverlap, "IFM needs 8"},
		{"a sum", "ethos-u55-256", "", sum, 6, 0, 14, 0, ""},
		{"a sum, input", "ethos-u55-256", "", sum, 5, 0, 14, SHRAMOverlap, "IFM needs 4"},
		{"40 bits", "ethos-u55-256", "NPU_SET_ACC_FORMAT acc_format=1\n", conv, 6, 0, 6, 0, ""}, // 40 banks
		{"40 bits, accumulators", "ethos-u55-256", "NPU_SET_ACC_FORMAT acc_format=1\n", conv, 6, 0, 7, SHRAMOverlap, "accumulators need 40"},
		{"one row", "ethos-u55-256", flat, conv, 6, 0, 42, 0, ""}, // of two, of which one is computed
		{"one row, accumulators", "ethos-u55-256", flat, conv, 6, 0, 43, SHRAMOverlap, "accumulators need 4"},
		{"two rows", "ethos-u55-256", flat + "NPU_SET_OFM_HEIGHT_M1 height_m1=1\n", conv, 6, 0, 38, 0, ""},
		{"two rows, accumulators", "ethos-u55-256", flat + "NPU_SET_OFM_HEIGHT_M1 height_m1=1\n", conv, 6, 0, 39, SHRAMOverlap, "accumulators need 8"},
		{"one row of a high kernel", "ethos-u55-256", flat + "NPU_SET_KERNEL_HEIGHT_M1 height_m1=1\n", conv, 6, 0, 39, SHRAMOverlap, "accumulators need 8"},
		{"one row in micro-blocks of one", "ethos-u55-128", flat, conv, 6, 0, 15, SHRAMOverlap, "accumulators need 8"},
		{"two cores", "ethos-u65-512", "NPU_SET_PARALLEL_MODE parallel_mode=1\n", conv, 6, 0, 30, 0, ""},
		{"two cores, accumulators", "ethos-u65-512", "NPU_SET_PARALLEL_MODE parallel_mode=1\n", conv, 6, 0, 31, SHRAMOverlap, "accumulators need 16"},
		{"one core of two", "ethos-u65-512", "NPU_SET_PARALLEL_MODE\n", conv, 6, 0, 15, SHRAMOverlap, "accumulators need 32"},
		{"a pool on two cores", "ethos-u65-512", "NPU_SET_PARALLEL_MODE parallel_mode=1\n", pool, 6, 0, 30, 0, ""},
		{"two operands", "ethos-u55-256", "", add, 18, 10, 0, 0, ""}, // 8 banks each
		{"two operands, the first", "ethos-u55-256", "", add, 18, 9, 0, SHRAMOverlap, "IFM needs 8 banks from bank 2, its buffers end at 9"},
		{"two operands, the second", "ethos-u55-256", "", add, 17, 10, 0, SHRAMOverlap, "IFM2 needs 8 banks from IFM2_IB_START 10, IFM_IB_END is 17"},
		{"two operands at the top", "ethos-u55-256", "", add, 46, 38, 0, 0, ""},
		{"two operands beyond the top", "ethos-u55-256", "", add, 47, 38, 0, SHRAMOverlap, "IFM_IB_END is 47, banks from 46"},
		{"one operand", "ethos-u55-256", "", abs, 10, 0, 0, 0, ""},
		{"one operand, small", "ethos-u55-256", "", abs, 9, 0, 0, SHRAMOverlap, "IFM needs 8"},
		{"a table beside buffers", "ethos-u55-64", "NPU_SET_ACTIVATION function=16\n", abs, 14, 0, 0, 0, ""},
		{"a table under buffers", "ethos-u55-64", "NPU_SET_ACTIVATION function=16\n", abs, 15, 0, 0, SHRAMOverlap, "IFM_IB_END is 15, banks from 14"},
		{"no table", "ethos-u55-64", "", abs, 16, 0, 0, 0, ""},
		{"half a micro-block in y", "ethos-u55-256", "NPU_SET_OFM_BLK_HEIGHT_M1 height_m1=6\n", conv, 6, 0, 14, IllegalBlock, "OFM block 7x8x64"},
		{"half a micro-block in x", "ethos-u55-256", "NPU_SET_OFM_BLK_WIDTH_M1 width_m1=6\n", conv, 6, 0, 14, IllegalBlock, "OFM block 8x7x64"},
		{"half a micro-block in depth", "ethos-u55-256", "NPU_SET_OFM_BLK_DEPTH_M1 depth_m1=59\n", conv, 6, 0, 14, IllegalBlock, "OFM block 8x8x60"},
	} {
		a := accelerator(t, c.accel)
		words := assemble(t, registers+c.lines+"NPU_OP_CONV\n"+c.op+"\nNPU_OP_STOP mask=65535")
		var o *isa.Operation
		if err := isa.WalkAll(words, func(isa.Instruction) error { return nil }, func(x *isa.Operation) error {
			if x.Op != isa.OpStop {
				o = x
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for code, v := range map[isa.Code]int{isa.SetIFMIBEnd: c.ibEnd, isa.SetIFM2IBStart: c.ib2Start, isa.SetABStart: c.abStart} {
			o.Regs.Write(isa.Command{Code: code, Param: uint16(v)})
		}
		ifm := o.IFM()
		err := (&builder{Sim: &Sim{accel: a}}).checkLayout(&header{}, o, &ifm)
		var f *Fault
		if c.cause == 0 && err != nil || c.cause != 0 && (!errors.As(err, &f) || f.Cause != c.cause || !strings.HasPrefix(f.Detail, c.want)) {
			t.Errorf("%s: %v, expected %v %q", c.name, err, c.cause, c.want)
		}
	}
}

// TestLoadedUnits: which bytes of the SHRAM a DMA loaded, against one truth value a unit.
func TestLoadedUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(91, 92))
	var m shramMap
	var want [256]bool
	for range 20000 {
		from := rng.IntN(4000)
		to := from + 1 + rng.IntN(min(200, 4096-from))
		if rng.IntN(2) == 0 {
			loaded := rng.IntN(3) > 0
			m.mark(from, to, loaded)
			for u := from / 16; 16*u < to; u++ {
				want[u] = loaded
			}
			continue
		}
		first := -1
		for u := from / 16; 16*u < to && first < 0; u++ {
			if !want[u] {
				first = 16 * u
			}
		}
		if got := m.missing(from, to); got != first {
			t.Fatalf("%d to %d: %d is missing first, expected %d", from, to, got, first)
		}
	}
}
