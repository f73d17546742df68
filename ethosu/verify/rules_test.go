// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// The stream of the ISA's example for the U55-256: weights by DMA (operation 0), fully
// connected (1), a table by DMA (2), ADD of a scalar with the table (3), another table by
// DMA (4), ADD of two maps with it (5).
const (
	opWeights = iota
	opConv
	opTable
	opScalar
	opTable2
	opAdd
)

// broken is the example up to one operation, with lines put in front of that or of an
// earlier one, and the one finding that must come of it.
type broken struct {
	name    string
	op      int    // the last operation; the finding is its
	lines   string // in front of it
	as      string // the operation becomes this one; "-": it is left out
	first   string // in front of everything
	drop    string // this line, wherever it is, is left out
	replace [2]string
	accel   string
	regions func(*Regions)
	rule    Rule
	want    string
	command bool // the finding is of the command that lines begin with
	maybe   bool // unproven
}

// Lines that turn operation 1 into others of the same maps.
const (
	toPool = "NPU_SET_OFM_DEPTH_M1 depth_m1=39\nNPU_SET_OFM_STRIDE_X addr=40\nNPU_SET_OFM_STRIDE_Y addr=40\nNPU_SET_OFM_SCALE scale=1\n" +
		"NPU_SET_OFM_PRECISION type=1 scale_mode=1\nNPU_SET_OFM_BLK_DEPTH_M1 depth_m1=31\n"
	toSum    = "NPU_SET_OFM_DEPTH_M1 depth_m1=0\nNPU_SET_OFM_SCALE scale=1\nNPU_SET_OFM_PRECISION type=1 scale_mode=1\n"
	wideIFM  = "NPU_SET_IFM_PRECISION type=1 precision=2\nNPU_SET_IFM_ZERO_POINT zero_point=0\n"
	pool     = "NPU_OP_POOL pooling_mode=0"
	average  = "NPU_OP_POOL pooling_mode=1"
	sumUp    = "NPU_OP_POOL pooling_mode=2"
	wideADD  = wideIFM + "NPU_SET_IFM2_PRECISION type=1 precision=2\nNPU_SET_IFM2_ZERO_POINT zero_point=0\nNPU_SET_OFM_PRECISION type=1 precision=2 scale_mode=1\nNPU_SET_ACTIVATION\n"
	wideMaps = "NPU_SET_IFM_DEPTH_M1 depth_m1=3\nNPU_SET_OFM_DEPTH_M1 depth_m1=3\nNPU_SET_OFM_BASE0 addr=256\nNPU_SET_BLOCKDEP\nNPU_SET_IFM2_IB_START ib_start=18\n"
	shift    = "NPU_SET_OFM_PRECISION type=1 precision=2 scale_mode=0\n"
	input    = "NPU_SET_IFM_BASE0 addr=0\nNPU_SET_BLOCKDEP blockdep=0\n"
)

var brokens = []broken{
	{name: "nothing", op: opAdd},
	{name: "an unknown bit", op: opConv, lines: "00040124\n", rule: RuleStream, want: "reserved parameter bits", command: true},
	{name: "another product's register", op: opConv, lines: "NPU_SET_DMA0_SKIP0 skip=0\n", rule: RuleStream, want: "does not exist on the U55", command: true},
	{name: "a custom register", op: opConv, lines: "NPU_SET_USER_DEFINED0 user_reg=1\n", rule: RuleStream, want: "custom DMA", command: true},
	{name: "a stride whose sign fills an address", op: opConv, lines: "00FF4015 FFFFFFF0\n", rule: RuleStream, want: "the sign of a stride fills bits", command: true, maybe: true},
	{name: "an interrupt", op: opConv, lines: "NPU_OP_IRQ mask=1\n", rule: RuleStream, want: "no inference needs", command: true},
	{name: "decomposition", op: opConv, lines: "NPU_SET_KERNEL_STRIDE decomposition=1\n", rule: RuleStream, want: "4x4 kernels", command: true},

	{name: "an unset register", op: opConv, drop: "NPU_SET_OFM_ZERO_POINT zero_point=5", rule: RuleRegister, want: "NPU_SET_OFM_ZERO_POINT is used and was never set"},
	{name: "an unset length", op: opWeights, drop: "NPU_SET_DMA0_LEN addr_hi=0 length=384", rule: RuleRegister, want: "NPU_SET_DMA0_LEN is used"},
	{name: "no parallel mode", op: opWeights, accel: "ethos-u65-256", rule: RuleRegister, want: "PARALLEL_MODE is not set"},
	{name: "two cores of one", op: opScalar - 1, accel: "ethos-u65-256", replace: [2]string{"NPU_OP_CONV", ""}, lines: input,
		first: "NPU_SET_PARALLEL_MODE parallel_mode=1\n", rule: RuleRegister, want: "runs it on 2 cores, ethos-u65-256 has 1"},

	{name: "an absent region", op: opConv, lines: "NPU_SET_IFM_REGION region=5\n", rule: RuleRegion, want: "IFM is in region 5, which is not there"},
	{name: "behind the region", op: opConv, lines: "NPU_SET_OFM_BASE0 addr=4080\n", rule: RuleRegion, want: "OFM takes bytes 4080 to 4104 of region 1"},
	{name: "into constants", op: opConv, lines: "NPU_SET_OFM_REGION region=0\n", rule: RuleRegion, want: "OFM is written to region 0, which holds constants"},
	{name: "a transfer into constants", op: opWeights, lines: "NPU_SET_DMA0_DST_REGION region=0\nNPU_SET_DMA0_DST addr=512\n", rule: RuleRegion, want: "DMA writes to region 0"},

	{name: "a transfer's source", op: opWeights, lines: "NPU_SET_DMA0_SRC addr=8\n", rule: RuleAlignment, want: "DMA source is 8"},
	{name: "weights", op: opConv, lines: "NPU_SET_SCALE_LENGTH length=248\n", rule: RuleAlignment, want: "scale stream of core 0 at 0x800, 248 bytes"},
	{name: "an element's place", op: opAdd, lines: wideADD + shift + wideMaps + input + "NPU_SET_IFM_BASE0 addr=2\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleAlignment, want: "IFM base 0 is 0x2"},
	{name: "a stride in x", op: opAdd, lines: wideADD + shift + wideMaps + input + "NPU_SET_OFM_STRIDE_X addr=18\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleAlignment, want: "OFM stride in x is 18"},
	{name: "a stride in y", op: opAdd, lines: wideADD + shift + wideMaps + input + "NPU_SET_OFM_STRIDE_Y addr=18\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleAlignment, want: "OFM stride in y is 18"},
	{name: "bricks apart", op: opConv, lines: "NPU_SET_OFM_PRECISION type=1 format=1\nNPU_SET_OFM_STRIDE_C addr=24\nNPU_SET_OFM_STRIDE_Y addr=32\n", rule: RuleAlignment, want: "OFM stride between bricks is 24"},
	{name: "pixels of bricks", op: opConv, lines: "NPU_SET_OFM_PRECISION type=1 format=1\nNPU_SET_OFM_STRIDE_C addr=48\nNPU_SET_OFM_STRIDE_Y addr=96\nNPU_SET_OFM_STRIDE_X addr=24\n" +
		"NPU_SET_OFM_WIDTH_M1 width_m1=1\nNPU_SET_OFM_WIDTH0_M1 width_m1=1\nNPU_SET_IFM_WIDTH0_M1 width_m1=1\nNPU_SET_IFM_STRIDE_X addr=0\nNPU_SET_IFM_STRIDE_Y addr=80\n", rule: RuleAlignment, want: "OFM stride in x is 24, expected 16 for bricks"},

	{name: "no input", op: opConv, lines: "NPU_SET_KERNEL_HEIGHT_M1 height_m1=1\nNPU_SET_IFM_PAD_TOP pad=1\nNPU_SET_IFM_PAD_BOTTOM pad=1\n", rule: RuleShape, want: "give an input of 0x1"},
	{name: "padding", op: opScalar, lines: toPool + input + "NPU_SET_IFM_DEPTH_M1 depth_m1=39\nNPU_SET_IFM_STRIDE_X addr=40\nNPU_SET_IFM_STRIDE_Y addr=40\nNPU_SET_OFM_HEIGHT_M1 height_m1=1\nNPU_SET_OFM_HEIGHT0_M1 height_m1=1\n" +
		"NPU_SET_IFM_PAD_TOP pad=1\nNPU_SET_IFM_ZERO_POINT zero_point=5\nNPU_SET_ACTIVATION\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=30\n", as: pool, rule: RuleShape, want: "padding top 1, left 0, bottom 0, right 0, expected less than the kernel's 1x1"},
	{name: "dilation", op: opScalar, lines: toPool + input + "NPU_SET_IFM_DEPTH_M1 depth_m1=15\nNPU_SET_OFM_DEPTH_M1 depth_m1=15\nNPU_SET_KERNEL_WIDTH_M1 width_m1=1\nNPU_SET_KERNEL_STRIDE dilation_x=1\nNPU_SET_IFM_WIDTH0_M1 width_m1=1\nNPU_SET_IFM_STRIDE_X addr=16\n" +
		"NPU_SET_ACTIVATION\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=30\n", as: pool, rule: RuleShape, want: "a kernel of 1x2 cannot have dilation 1x2"},
	{name: "a stride of four", op: opConv, lines: "NPU_SET_KERNEL_STRIDE stride_x_lsb=1 stride_x_msb=1\n", rule: RuleShape, want: "stride 1x4, expected 1 to 3"},
	{name: "a window of padding", op: opScalar, lines: toPool + input + "NPU_SET_IFM_DEPTH_M1 depth_m1=15\nNPU_SET_OFM_DEPTH_M1 depth_m1=15\nNPU_SET_KERNEL_WIDTH_M1 width_m1=2\nNPU_SET_KERNEL_STRIDE dilation_x=1\nNPU_SET_IFM_PAD_LEFT pad=1\nNPU_SET_IFM_PAD_RIGHT pad=1\n" +
		"NPU_SET_ACTIVATION\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=30\n", as: pool, rule: RuleShape, want: "lies in the padding alone"},
	{name: "a sum of many", op: opConv, lines: "NPU_SET_OFM_SCALE scale=1\nNPU_SET_OFM_PRECISION type=1 scale_mode=1\n", as: sumUp, rule: RuleShape, want: "REDUCE_SUM with OFM depth 24, expected 1"},
	{name: "depths", op: opAdd, lines: input + "NPU_SET_IFM_DEPTH_M1 depth_m1=22\n", rule: RuleShape, want: "IFM depth 23, expected the OFM's 24"},
	{name: "a broadcast of nothing", op: opAdd, lines: input + "NPU_SET_IFM2_BROADCAST broadcast_h=1\n", rule: RuleShape, want: "repeats a dimension in which the OFM 1x1x24 has extent 1"},
	{name: "a large padded average", op: opConv, lines: toPool + "NPU_SET_OFM_PRECISION type=1\nNPU_SET_KERNEL_HEIGHT_M1 height_m1=8\nNPU_SET_IFM_PAD_TOP pad=8\n", as: average, rule: RuleShape, want: "padded average pool with a 9x1 kernel"},
	{name: "a high kernel", op: opConv, lines: toPool + "NPU_SET_KERNEL_HEIGHT_M1 height_m1=256\nNPU_SET_IFM_HEIGHT0_M1 height_m1=256\nNPU_SET_IFM_STRIDE_Y\n", as: pool, rule: RuleShape, want: "kernel 257x1, expected a height of at most 256"},
	{name: "a tile that is larger than what is read", op: opConv, lines: "NPU_SET_IFM_WIDTH0_M1 width_m1=65535\n", rule: RuleShape, maybe: true, want: "IFM tile 0 is 1x65536, the map that is read 1x1"},
	{name: "a tile that is too large", op: opConv, lines: "NPU_SET_OFM_HEIGHT0_M1 height_m1=1\n", rule: RuleShape, want: "OFM tile 0 is 2x1, the map 1x1"},

	{name: "an unsigned type of 32 bits", op: opConv, lines: "NPU_SET_OFM_PRECISION type=0 precision=2\n", rule: RuleType, want: "OFM type is U32"},
	{name: "weights for 32 bits", op: opConv, lines: "NPU_SET_IFM_PRECISION type=1 precision=2\nNPU_SET_IFM_ZERO_POINT zero_point=0\nNPU_SET_IFM_DEPTH_M1 depth_m1=9\nNPU_SET_IFM_IB_END ib_end=18\n", rule: RuleType, want: "IFM type is S32, expected 8 or 16 bits"},
	{name: "a scale for all channels", op: opConv, lines: "NPU_SET_OFM_PRECISION type=1 scale_mode=1\n", rule: RuleType, want: "scale_mode is global"},
	{name: "inserted zeros", op: opConv, lines: toPool + "NPU_SET_IFM_UPSCALE mode=2\n", as: pool, rule: RuleType, want: "inserts zeros"},
	{name: "a zero point of 32 bits", op: opScalar, lines: input + "NPU_SET_IFM_PRECISION type=1 precision=2\nNPU_SET_OFM_PRECISION type=1 precision=2\nNPU_SET_OFM_BASE0 addr=256\nNPU_SET_IFM_DEPTH_M1 depth_m1=3\nNPU_SET_OFM_DEPTH_M1 depth_m1=3\nNPU_SET_ACTIVATION\n",
		as: "NPU_OP_ELEMENTWISE elementwise_mode=7", rule: RuleType, want: "IFM zero point is 5, expected 0"},
	{name: "a sum in 40 bits", op: opConv, lines: toSum + wideIFM + "NPU_SET_IFM_DEPTH_M1\nNPU_SET_ACC_FORMAT acc_format=1\nNPU_SET_AB_START ab_start=24\nNPU_SET_IFM_IB_END ib_end=18\n", as: sumUp, rule: RuleType, want: "40-bit accumulators"},
	{name: "a sum of bricks", op: opConv, lines: toSum + "NPU_SET_IFM_PRECISION type=1 precision=2 format=1\nNPU_SET_IFM_ZERO_POINT zero_point=0\nNPU_SET_IFM_DEPTH_M1\nNPU_SET_IFM_STRIDE_Y addr=64\nNPU_SET_IFM_STRIDE_C addr=64\nNPU_SET_IFM_IB_END ib_end=18\n", as: sumUp, rule: RuleType, want: "REDUCE_SUM of S32 reads NHCWB16"},
	{name: "a sum of bricks on two cores", op: opScalar - 1, accel: "ethos-u65-512", first: "NPU_SET_PARALLEL_MODE parallel_mode=1\n", replace: [2]string{"NPU_OP_CONV", ""},
		lines: toSum + input + "NPU_SET_IFM_PRECISION type=1 format=1\nNPU_SET_IFM_STRIDE_X addr=16\nNPU_SET_IFM_STRIDE_Y addr=32\nNPU_SET_IFM_STRIDE_C addr=16\nNPU_SET_ACTIVATION\nNPU_SET_IFM_IB_END ib_end=18\nNPU_SET_AB_START ab_start=30\n",
		as:    sumUp, rule: RuleType, want: "NHWC is known to work", maybe: true},
	{name: "a sum without a scale", op: opConv, lines: toSum + "NPU_SET_OFM_PRECISION type=1\n", as: sumUp, rule: RuleType, want: "scale_mode of a REDUCE_SUM"},
	{name: "pooling of 32 bits", op: opConv, lines: toPool + wideIFM + "NPU_SET_IFM_DEPTH_M1 depth_m1=9\nNPU_SET_OFM_DEPTH_M1 depth_m1=9\nNPU_SET_IFM_IB_END ib_end=18\n", as: average, rule: RuleType, want: "IFM type is S32 and OFM type S8"},
	{name: "a scaled maximum", op: opConv, lines: toPool + "NPU_SET_OFM_SCALE scale=2\n", as: pool, rule: RuleType, want: "a MAX pool scales by 2 >> 0", maybe: true},
	{name: "a padded average of 5.1", op: opConv, lines: toPool + "NPU_SET_KERNEL_HEIGHT_M1 height_m1=1\nNPU_SET_IFM_PAD_TOP pad=1\n", as: average, rule: RuleType, want: "scale_mode of a padded average pool is global", maybe: true},
	{name: "a padded average by a scale", op: opConv, lines: toPool + "NPU_SET_KERNEL_HEIGHT_M1 height_m1=1\nNPU_SET_IFM_PAD_TOP pad=1\nNPU_SET_OFM_SCALE scale=1 shift=1\n", as: average, rule: RuleType, want: "scale_mode of an average pool is global: true, expected false"},
	{name: "pooling to another type", op: opConv, lines: toPool + "NPU_SET_OFM_PRECISION type=0\nNPU_SET_ACTIVATION_MIN clip=0\n", as: pool, rule: RuleType, want: "OFM type is U8, expected the IFM's S8"},
	{name: "an average by registers", op: opConv, lines: toPool + "NPU_SET_OFM_PRECISION type=1\n", as: average, rule: RuleType, want: "scale_mode of an average pool"},
	{name: "operands of two types", op: opAdd, lines: input + "NPU_SET_IFM2_PRECISION type=0\n", rule: RuleType, want: "IFM2 type is U8"},
	{name: "a scalar of 32 bits", op: opAdd, lines: wideADD + wideMaps + input + "NPU_SET_IFM2_BROADCAST broadcast_constant=1\n" + shift, as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleType, want: "IFM2_SCALAR of an S32"},
	{name: "a rounded operand", op: opAdd, lines: input + "NPU_SET_IFM_PRECISION type=1 scale_mode=2 round_mode=1\n", rule: RuleType, want: "IFM round_mode is 1"},
	{name: "leading zeros of bytes", op: opScalar, lines: input + "NPU_SET_ACTIVATION\nNPU_SET_OFM_PRECISION type=1\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=7", rule: RuleType, want: "S8 to S8, expected S32 to S32"},
	{name: "a shift of bytes", op: opScalar, lines: input + "NPU_SET_ACTIVATION\nNPU_SET_OFM_PRECISION type=1\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=8", rule: RuleType, want: "IFM type is S8, expected S32"},
	{name: "MUL by records", op: opScalar, lines: input + "NPU_SET_OFM_PRECISION type=1\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=0", rule: RuleType, want: "scale_mode is per channel, expected global"},
	{name: "ADD by records", op: opScalar, lines: input + "NPU_SET_OFM_PRECISION type=1\n", rule: RuleType, want: "scale_mode is per channel, expected global"},
	{name: "SUB by records", op: opScalar, lines: input + "NPU_SET_OFM_PRECISION type=1\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=2", rule: RuleType, want: "scale_mode is per channel, expected global"},
	{name: "MIN with a scale", op: opScalar, lines: input, as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleType, want: "scale_mode is global, expected per channel"},
	{name: "tanh of bytes", op: opConv, lines: "NPU_SET_ACTIVATION function=3\n", rule: RuleType, want: "function 3 with OFM type S8"},
	{name: "a clamp that leaves nothing", op: opConv, lines: "NPU_SET_ACTIVATION_MAX clip=65300\n", rule: RuleType, want: "leave no value of S8"},

	{name: "a block's width", op: opConv, lines: "NPU_SET_OFM_BLK_WIDTH_M1 width_m1=2\n", rule: RuleBlock, want: "2x3x24"},
	{name: "half floats", op: opConv, lines: "NPU_SET_ACC_FORMAT acc_format=2\n", rule: RuleBlock, want: "fp16"},
	{name: "an odd border", op: opConv, lines: "NPU_SET_IFM_IB_END ib_end=11\n", rule: RuleBlock, want: "expected even numbers"},
	{name: "small input buffers", op: opConv, lines: "NPU_SET_IFM_IB_END ib_end=8\n", rule: RuleBlock, want: "IFM buffers from bank 2 to 8, expected at least 10"},
	{name: "buffers over each other", op: opConv, lines: "NPU_SET_IFM_IB_END ib_end=32\n", rule: RuleBlock, want: "accumulators start at bank 30, expected at least 32"},
	{name: "accumulators behind the top", op: opConv, lines: "NPU_SET_AB_START ab_start=32\n", rule: RuleBlock, want: "16 banks of accumulators from bank 32"},
	{name: "accumulators of 40 bits", op: opConv, lines: "NPU_SET_ACC_FORMAT acc_format=1\n", rule: RuleBlock, want: "20 banks of accumulators from bank 30"},
	{name: "a small first operand", op: opAdd, lines: input + "NPU_SET_IFM2_IB_START ib_start=8\n", rule: RuleBlock, want: "IFM buffers from bank 2 to 8, expected 8 banks"},
	{name: "a small second operand", op: opAdd, lines: input + "NPU_SET_IFM2_IB_START ib_start=40\n", rule: RuleBlock, want: "IFM2 buffers from bank 40 to 46"},
	{name: "operands behind the top", op: opAdd, lines: input + "NPU_SET_IFM_IB_END ib_end=48\n", rule: RuleBlock, want: "IFM buffers end at bank 48, expected at most 46"},

	{name: "no weights", op: opConv, lines: "NPU_SET_WEIGHT_LENGTH length=0\n", rule: RuleWeights, want: "core 0 has no weight stream"},
	{name: "too few records", op: opConv, lines: "NPU_SET_SCALE_LENGTH length=224\n", rule: RuleWeights, want: "224 bytes of scales, expected at least 240"},
	{name: "other weights", op: opConv, lines: "NPU_SET_IFM_DEPTH_M1 depth_m1=31\n", rule: RuleWeights, want: "it decodes to 1536 weights, expected"},
	{name: "weights that are none", op: opConv, lines: "NPU_SET_WEIGHT_BASE addr=2048\n", rule: RuleWeights, want: "core 0, stream at 0x800"},
	{name: "records that are none", op: opConv, lines: "NPU_SET_SCALE_BASE addr=2192\n", rule: RuleWeights, want: "records at 0x890"},
	{name: "weights that a kernel wrote", op: opConv, replace: [2]string{"NPU_SET_DMA0_LEN addr_hi=0 length=384", "NPU_SET_DMA0_LEN length=368"},
		regions: func(r *Regions) { r[1].Defined = append(r[1].Defined, Range{2400, 2500}) }, rule: RuleWeights, want: "byte 2416 holds no constant"},
	{name: "weights of another file", op: opConv, lines: "NPU_SET_WEIGHT_REGION region=2\nNPU_SET_WEIGHT_BASE addr=0\n", regions: func(r *Regions) { r[2] = Region{Size: 4096, Constant: true} },
		rule: RuleWeights, want: "of which only the size is known", maybe: true},
	{name: "a depthwise order", op: opScalar, lines: input + "NPU_SET_KERNEL_STRIDE weight_order=1\nNPU_SET_OFM_PRECISION type=1\nNPU_SET_ACTIVATION\nNPU_SET_IFM_IB_END ib_end=10\nNPU_SET_AB_START ab_start=30\nNPU_SET_WEIGHT_REGION region=0\nNPU_SET_WEIGHT_BASE addr=512\nNPU_SET_WEIGHT_LENGTH length=112\n",
		as: "NPU_OP_DEPTHWISE", rule: RuleWeights, want: "cannot be part kernel first"},

	{name: "a range without a table", op: opConv, lines: "NPU_SET_ACTIVATION clip_range=3\n", rule: RuleTable, want: "clip_range is 3 without a table"},
	{name: "a slot without a table", op: opScalar, lines: input + "NPU_SET_ACTIVATION function=19\n", rule: RuleTable, want: "slot 3"},
	{name: "a table behind the end", op: opAdd, lines: wideADD + wideMaps + input + shift + "NPU_SET_ACTIVATION function=21 clip_range=3\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=3", rule: RuleTable, want: "a table of 1024 bytes in slot 5"},
	{name: "an index of another type", op: opConv, lines: "NPU_SET_ACTIVATION function=16 clip_range=5\n", rule: RuleTable, want: "values of S16 index a table"},

	{name: "nothing to transfer", op: opWeights, lines: "NPU_SET_DMA0_LEN length=0\n", rule: RuleDMA, want: "length is 0"},
	{name: "out of the SHRAM", op: opWeights, lines: "NPU_SET_DMA0_SRC_REGION region=3 region_mode=1\n", rule: RuleDMA, want: "the source is SHRAM"},
	{name: "in front of the tables", op: opTable, lines: "NPU_SET_DMA0_DST addr=46848\n", rule: RuleDMA, want: "of SHRAM, expected the tables"},
	{name: "one core of two", op: opTable - 1, accel: "ethos-u65-512", first: "NPU_SET_PARALLEL_MODE parallel_mode=1\n", replace: [2]string{"NPU_OP_CONV", ""}, lines: "NPU_SET_DMA0_DST_REGION region=1 region_mode=1\n", rule: RuleDMA, want: "core mask 1 leaves out a core, expected 3"},
	{name: "strides on both sides", op: opWeights, accel: "ethos-u65-256", lines: "NPU_SET_PARALLEL_MODE\nNPU_SET_DMA0_SRC_REGION stride_mode=1\nNPU_SET_DMA0_DST_REGION region=1 stride_mode=1\nNPU_SET_DMA0_SIZE0 size=1\nNPU_SET_DMA0_SKIP0\n", rule: RuleDMA, want: "both sides are strided"},
	{name: "no rows", op: opWeights, accel: "ethos-u65-256", lines: "NPU_SET_PARALLEL_MODE\nNPU_SET_DMA0_DST_REGION region=1 stride_mode=1\nNPU_SET_DMA0_SIZE0 size=0\nNPU_SET_DMA0_SKIP0\n", rule: RuleDMA, want: "0 rows in 1 planes"},

	{name: "an input that nobody wrote", op: opConv, lines: "NPU_SET_IFM_BASE0 addr=16\n", rule: RuleUndefined, want: "IFM reads byte 40 of region 1"},
	{name: "a second input that nobody wrote", op: opAdd, lines: input + "NPU_SET_IFM2_BASE0 addr=168\n", rule: RuleUndefined, want: "IFM2 reads byte 184"},
	{name: "a copy of what nobody wrote", op: opWeights, lines: "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=1024\nNPU_SET_DMA0_LEN length=16\n", rule: RuleUndefined, want: "DMA reads byte 1024"},

	{name: "a copy over its source", op: opWeights, lines: "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_DST addr=16\nNPU_SET_DMA0_LEN length=32\n", rule: RuleOverlap, want: "DMA source and destination overlap"},
	{name: "an output over its input", op: opConv, lines: "NPU_SET_OFM_BASE0 addr=0\n", rule: RuleOverlap, want: "the OFM overwrites the IFM"},
	{name: "in place at another offset", op: opScalar, lines: input + "NPU_SET_OFM_BASE0 addr=8\n", rule: RuleOverlap, want: "the OFM overwrites the IFM"},
	{name: "an output over its weights", op: opConv, lines: "NPU_SET_OFM_BASE0 addr=2304\n", rule: RuleOverlap, want: "the OFM overwrites the operation's weights"},

	{name: "weights before they are there", op: opConv, drop: "NPU_OP_DMA_WAIT k=0", rule: RuleWait, want: "it touches what operation 0"},
	{name: "a write after a write", op: opConv, drop: "NPU_OP_DMA_WAIT k=0", lines: "NPU_SET_OFM_BASE0 addr=2432\nNPU_SET_WEIGHT_REGION\nNPU_SET_WEIGHT_BASE addr=240\nNPU_SET_SCALE_REGION\nNPU_SET_SCALE_BASE\n",
		replace: [2]string{"NPU_SET_DMA0_LEN addr_hi=0 length=384", "NPU_SET_DMA0_LEN length=416"}, rule: RuleWait, want: "expected NPU_OP_DMA_WAIT 0"},
	{name: "a transfer into what a kernel reads", op: opTable2, drop: "NPU_OP_KERNEL_WAIT n=0", lines: "NPU_SET_DMA0_DST addr=47104\n", rule: RuleWait, want: "NPU_OP_KERNEL_WAIT 0"},
	{name: "transfers out of order", op: opTable - 1, accel: "ethos-u65-256", first: "NPU_SET_PARALLEL_MODE\n", drop: "NPU_OP_DMA_WAIT k=0", replace: [2]string{"NPU_OP_CONV", ""}, lines: "NPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_SRC addr=2048\nNPU_SET_DMA0_DST addr=47104\n",
		rule: RuleWait, want: "nothing says that transfers take effect in order", maybe: true},

	{name: "a sum over blocks that are not there yet", op: opAdd, replace: [2]string{"NPU_SET_OFM_BASE0 addr_hi=0 addr=128", "NPU_SET_OFM_BASE0 addr_hi=0 addr=128\nNPU_SET_OFM_BLK_DEPTH_M1 depth_m1=15"},
		lines: toSum + "NPU_SET_IFM_BASE0 addr=128\nNPU_SET_BLOCKDEP blockdep=1\nNPU_SET_IFM_IB_END ib_end=30\nNPU_SET_AB_START ab_start=30\n", as: sumUp, rule: RuleBlockdep, want: "right if a job of REDUCE_SUM reads one channel", maybe: true},
	{name: "an output that is not there yet", op: opScalar, lines: "NPU_SET_BLOCKDEP blockdep=1\n", rule: RuleBlockdep, want: "BLOCKDEP is 1, expected at most 0: job 0 reads"},

	{name: "shifts out of range", op: opAdd, lines: wideADD + wideMaps + input + shift, as: "NPU_OP_ELEMENTWISE elementwise_mode=8", rule: RuleOverflow, want: "shifts may be", maybe: true},
	{name: "a shift by 40", op: opAdd, lines: wideADD + wideMaps + input + shift + "NPU_SET_IFM2_REGION\nNPU_SET_IFM2_BASE0 addr=1408\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=8", rule: RuleOverflow, want: "shifts are 40 to 40"},
	{name: "a difference beyond 32 bits", op: opAdd, lines: wideADD + wideMaps + input + "NPU_SET_OFM_SCALE scale=1\n", as: "NPU_OP_ELEMENTWISE elementwise_mode=2", rule: RuleOverflow, want: "results may be", maybe: true},
	{name: "a sum beyond its accumulator", op: opConv, lines: toSum + wideIFM + "NPU_SET_IFM_DEPTH_M1 depth_m1=9\nNPU_SET_IFM_IB_END ib_end=18\n", as: sumUp, rule: RuleOverflow, want: "sums may be", maybe: true},
}

// example returns the lines of the example, one command each.
func example(t *testing.T) []string {
	b, err := os.ReadFile("../isa/testdata/fully_connected_u55_256.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, strings.TrimSpace(line[20:]))
		}
	}
	return out
}

// exampleMemory holds records, weights and tables that fit the example, and its inputs.
func exampleMemory(t *testing.T, a *ethosu.Accelerator) Regions {
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
		t.Fatalf("the example's weights take %d bytes: %v", len(coded), err)
	}
	for i := 0xF0; i < 0x180; i++ {
		flash[i] = 0xFF
	}
	copy(flash[0xF0:], coded)
	d := weights.Layout{Traversal: weights.Depthwise, IFMBits: 8, OFMBlockDepth: 24, OFMUBlockDepth: 8, KH: 1, KW: 1, O: 24, I: 1}
	coded, err = weights.Encode(weights.Reorder(w[:24], d))
	if err != nil || len(coded) > 112 {
		t.Fatalf("the depthwise weights take %d bytes: %v", len(coded), err)
	}
	for i := range 112 {
		flash[0x200+i] = 0xFF
	}
	copy(flash[0x200:], coded)
	for i := range 4 {
		flash[0x580+4*i] = 40
	}
	var r Regions
	r[0] = Region{Size: int64(len(flash)), Constant: true, Content: flash}
	r[1] = Region{Size: 4096, Defined: []Range{{0, 40}, {160, 184}}}
	return r
}

// accelerator is what a case is for.
func (c *broken) accelerator(t *testing.T) *ethosu.Accelerator {
	t.Helper()
	name := c.accel
	if name == "" {
		name = "ethos-u55-256"
	}
	a, err := ethosu.ParseAccelerator(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// text returns the stream's commands as text, and which of them the finding is of.
func (b *broken) text(t *testing.T) (lines []string, at int) {
	op := -1
	for l := range strings.Lines(b.first) {
		lines = append(lines, strings.TrimSpace(l))
	}
	for _, line := range example(t) {
		if line == b.drop {
			continue
		}
		if b.replace[0] != "" {
			line = strings.Replace(line, b.replace[0], b.replace[1], 1)
		}
		if strings.HasPrefix(line, "NPU_OP_DMA_START") || strings.HasPrefix(line, "NPU_OP_CONV") || strings.HasPrefix(line, "NPU_OP_ELEMENTWISE") || strings.HasPrefix(line, "NPU_SET_PARALLEL_MODE\n") {
			op++
		}
		if op == b.op && (strings.HasPrefix(line, "NPU_OP_")) {
			for l := range strings.Lines(b.lines) {
				lines = append(lines, strings.TrimSpace(l))
			}
			if b.as != "" {
				line = b.as
			}
			lines = append(lines, line, "NPU_OP_STOP mask=65535")
			return lines, len(lines) - 2
		}
		lines = append(lines, strings.Split(line, "\n")...)
	}
	t.Fatalf("%s: the example has no operation %d", b.name, b.op)
	return nil, 0
}

// TestRules breaks one rule at a time, and requires exactly the finding of that rule, at
// the word of the command at fault. Every finding that the verifier can make of a stream
// must have been made.
func TestRules(t *testing.T) {
	var made []string
	for _, b := range brokens {
		a := b.accelerator(t)
		lines, at := b.text(t)
		words, err := isa.Assemble(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		r := exampleMemory(t, a)
		if b.regions != nil {
			b.regions(&r)
		}
		before, err := isa.Assemble(strings.Join(lines[:at], "\n"))
		if err != nil {
			t.Fatal(err)
		}
		word := len(before)
		report := Stream(a, words, r)
		all := report.All()
		if b.rule == "" {
			if len(all) > 0 {
				t.Errorf("%s: %v", b.name, all)
			}
			continue
		}
		for _, f := range all {
			made = append(made, f.Msg)
		}
		if b.command {
			word = slices.IndexFunc(all, func(f Finding) bool { return f.Op == -1 })
			if word >= 0 {
				word = all[word].Word
			}
		}
		if len(all) != 1 || all[0].Rule != b.rule || !strings.Contains(all[0].Msg, b.want) || all[0].Word != word || all[0].Unproven != b.maybe {
			t.Errorf("%s: %v\nexpected one finding of %s at word %d: ...%s...", b.name, all, b.rule, word, b.want)
		}
	}
	for format, file := range formats(t) {
		if elsewhere[file] || strings.HasPrefix(file, "u85") || slices.Contains(outOfReach, format) {
			continue
		}
		re := regexp.MustCompile("^" + regexp.MustCompile(`%#?[a-z]`).ReplaceAllString(regexp.QuoteMeta(format), ".*") + "$")
		if !slices.ContainsFunc(made, re.MatchString) {
			t.Errorf("%s: no stream here leads to the finding %q", file, format)
		}
	}
}

// elsewhere are files whose findings are of programs, and tested with those.
var elsewhere = map[string]bool{"program.go": true, "stages.go": true, "beside.go": true}

// outOfReach are findings that need a stream of millions of words, two cores with their
// own weights, or what is also a finding of another rule.
var outOfReach = []string{
	"the rest of the stream is not judged: what it says so far took more than %d steps to follow",
	"%d words, expected less than %d",
	"core %d has no channels but %d bytes of weights and %d of scales",
	"byte %d of region %d, in weights or scales at %d, was never written",
	"%v", "%s", // what the ISA and the block rules say
}

// formats returns the texts of all findings in the package's sources, and their files.
func formats(t *testing.T) map[string]string {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\.(?:report|unproven)\(Rule\w+, "([^"]*)"`)
	out := map[string]string{}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(b), -1) {
			out[m[1]] = f.Name()
		}
	}
	if len(out) < 70 {
		t.Fatalf("only %d findings in the sources", len(out))
	}
	return out
}
