// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everyRegister sets each register that an operation reads to a value that no other has,
// so that a view of the registers that takes one for another shows it.
const everyRegister = `
NPU_SET_IFM_PAD_TOP pad=1
NPU_SET_IFM_PAD_LEFT pad=2
NPU_SET_IFM_PAD_RIGHT pad=3
NPU_SET_IFM_PAD_BOTTOM pad=4
NPU_SET_IFM_DEPTH_M1 depth_m1=50
NPU_SET_IFM_PRECISION type=1 precision=1 format=1 scale_mode=2 round_mode=1
NPU_SET_IFM_UPSCALE mode=0
NPU_SET_IFM_ZERO_POINT zero_point=0xFFF0
NPU_SET_IFM_WIDTH0_M1 width_m1=9
NPU_SET_IFM_HEIGHT0_M1 height_m1=10
NPU_SET_IFM_HEIGHT1_M1 height_m1=11
NPU_SET_IFM_IB_END ib_end=12
NPU_SET_IFM_REGION region=3
NPU_SET_OFM_WIDTH_M1 width_m1=20
NPU_SET_OFM_HEIGHT_M1 height_m1=30
NPU_SET_OFM_DEPTH_M1 depth_m1=40
NPU_SET_OFM_PRECISION type=1 precision=2 format=0 scale_mode=1 round_mode=2
NPU_SET_OFM_BLK_WIDTH_M1 width_m1=13
NPU_SET_OFM_BLK_HEIGHT_M1 height_m1=14
NPU_SET_OFM_BLK_DEPTH_M1 depth_m1=15
NPU_SET_OFM_ZERO_POINT zero_point=17
NPU_SET_OFM_WIDTH0_M1 width_m1=18
NPU_SET_OFM_HEIGHT0_M1 height_m1=19
NPU_SET_OFM_HEIGHT1_M1 height_m1=21
NPU_SET_OFM_REGION region=4
NPU_SET_KERNEL_WIDTH_M1 width_m1=4
NPU_SET_KERNEL_HEIGHT_M1 height_m1=8
NPU_SET_KERNEL_STRIDE stride_x_lsb=1 stride_y_lsb=0 weight_order=1 dilation_x=1 dilation_y=0 decomposition=0 stride_x_msb=0 stride_y_msb=1
NPU_SET_PARALLEL_MODE parallel_mode=1
NPU_SET_ACC_FORMAT acc_format=1
NPU_SET_ACTIVATION function=18 clip_range=3
NPU_SET_ACTIVATION_MIN clip=0xFF80
NPU_SET_ACTIVATION_MAX clip=127
NPU_SET_WEIGHT_REGION region=5
NPU_SET_SCALE_REGION region=6
NPU_SET_AB_START ab_start=22
NPU_SET_BLOCKDEP blockdep=2
NPU_SET_DMA0_SRC_REGION region=1 region_mode=0 stride_mode=2
NPU_SET_DMA0_DST_REGION region=2 region_mode=1 stride_mode=1
NPU_SET_DMA0_SIZE0 size=23
NPU_SET_DMA0_SIZE1 size=24
NPU_SET_IFM2_BROADCAST broadcast_h=0 broadcast_w=1 broadcast_c=0 operand_order=1 broadcast_constant=0
NPU_SET_IFM2_SCALAR scalar=0xFFFE
NPU_SET_IFM2_PRECISION type=0 precision=1 format=0
NPU_SET_IFM2_ZERO_POINT zero_point=0xFFF1
NPU_SET_IFM2_WIDTH0_M1 width_m1=25
NPU_SET_IFM2_HEIGHT0_M1 height_m1=26
NPU_SET_IFM2_HEIGHT1_M1 height_m1=27
NPU_SET_IFM2_IB_START ib_start=28
NPU_SET_IFM2_REGION region=7
NPU_SET_IFM_BASE0 addr_hi=1 addr=100
NPU_SET_IFM_BASE1 addr_hi=2 addr=101
NPU_SET_IFM_BASE2 addr_hi=3 addr=102
NPU_SET_IFM_BASE3 addr_hi=4 addr=103
NPU_SET_IFM_STRIDE_X addr_hi=0 addr=104
NPU_SET_IFM_STRIDE_Y addr_hi=0 addr=0xFFFFFF00
NPU_SET_IFM_STRIDE_C addr_hi=1 addr=106
NPU_SET_OFM_BASE0 addr_hi=0 addr=107
NPU_SET_OFM_BASE1 addr_hi=0 addr=108
NPU_SET_OFM_BASE2 addr_hi=0 addr=109
NPU_SET_OFM_BASE3 addr_hi=0 addr=110
NPU_SET_OFM_STRIDE_X addr_hi=0 addr=111
NPU_SET_OFM_STRIDE_Y addr_hi=0 addr=112
NPU_SET_OFM_STRIDE_C addr_hi=0 addr=113
NPU_SET_WEIGHT_BASE addr_hi=0 addr=114
NPU_SET_WEIGHT_LENGTH length=115
NPU_SET_SCALE_BASE addr_hi=0 addr=116
NPU_SET_SCALE_LENGTH length=117
NPU_SET_OFM_SCALE shift=31 scale=118
NPU_SET_OPA_SCALE shift=32 scale=119
NPU_SET_OPB_SCALE scale=120
NPU_SET_DMA0_SRC addr_hi=5 addr=121
NPU_SET_DMA0_DST addr_hi=0 addr=122
NPU_SET_DMA0_LEN addr_hi=0 length=123
NPU_SET_DMA0_SKIP0 addr_hi=0 skip=124
NPU_SET_DMA0_SKIP1 addr_hi=255 skip=0xFFFFFFF0
NPU_SET_IFM2_BASE0 addr_hi=0 addr=126
NPU_SET_IFM2_BASE1 addr_hi=0 addr=127
NPU_SET_IFM2_BASE2 addr_hi=0 addr=128
NPU_SET_IFM2_BASE3 addr_hi=0 addr=129
NPU_SET_IFM2_STRIDE_X addr_hi=0 addr=130
NPU_SET_IFM2_STRIDE_Y addr_hi=0 addr=131
NPU_SET_IFM2_STRIDE_C addr_hi=0 addr=132
NPU_SET_WEIGHT1_BASE addr_hi=0 addr=133
NPU_SET_WEIGHT1_LENGTH length=134
NPU_SET_SCALE1_BASE addr_hi=0 addr=135
NPU_SET_SCALE1_LENGTH length=136
`

// operation assembles text that ends in an operation and returns that one.
func operation(t *testing.T, text string) *Operation {
	t.Helper()
	words, err := Assemble(text + "\nNPU_OP_STOP mask=1")
	if err != nil {
		t.Fatal(err)
	}
	var last *Operation
	if err := Walk(words, func(o *Operation) error {
		if o.Op != OpStop {
			regs := *o.Regs
			last = &Operation{Product: o.Product, Word: o.Word, Index: o.Index, Op: o.Op, Param: o.Param, Regs: &regs}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return last
}

// Every view of the registers shows each register where it belongs.
func TestViews(t *testing.T) {
	s16, s32, u16 := DType{true, 16}, DType{true, 32}, DType{false, 16}
	ifm := FeatureMap{Region: 3, Base: [4]uint64{1<<32 + 100, 2<<32 + 101, 3<<32 + 102, 4<<32 + 103}, Height0: 11, Height1: 12, Width0: 10,
		C: 51, StrideY: -256, StrideX: 104, StrideC: 1<<32 + 106, ZeroPoint: -16, Type: s16, Format: NHCWB16}
	conv := operation(t, everyRegister+"NPU_OP_CONV")
	// (31-1)*3 + 9 - 1 - 4 rows of input and (21-1)*2 + 5 - 2 - 3 columns.
	ifm.H, ifm.W = 94, 40
	same(t, "IFM of a convolution", conv.IFM(), ifm)
	same(t, "OFM", conv.OFM(), FeatureMap{Region: 4, Base: [4]uint64{107, 108, 109, 110}, Height0: 20, Height1: 22, Width0: 19,
		H: 31, W: 21, C: 41, StrideY: 112, StrideX: 111, StrideC: 113, ZeroPoint: 17, Type: s32})
	same(t, "kernel", conv.Kernel(), Kernel{H: 9, W: 3, StrideY: 3, StrideX: 2, DilationY: 1, DilationX: 2, DilatedH: 9, DilatedW: 5,
		PartKernelFirst: true, Top: 1, Left: 2, Bottom: 4, Right: 3})
	same(t, "block", conv.Block(), Block{H: 15, W: 14, D: 16, IBEnd: 12, IB2Start: 28, ABStart: 22, Acc: AccI40, Dep: 2})
	same(t, "activation", conv.Activation(), Activation{Function: ActTable0 + 2, Clip: ClipInt8, Min: 0xFF80, Max: 127})
	same(t, "scaling", conv.Scaling(), Scaling{Global: true, OFM: Scale{118, 31}, OPA: Scale{119, 32}, OPB: 120, IFMMode: 2, IFMRound: RoundTruncate, OFMRound: RoundNatural})
	same(t, "weights and scales", []Span{conv.Weights(0), conv.Weights(1), conv.Scales(0), conv.Scales(1)},
		[]Span{{5, 114, 229}, {5, 133, 267}, {6, 116, 233}, {6, 135, 271}})
	same(t, "cores", conv.Cores(), 2)

	add := operation(t, everyRegister+"NPU_OP_ELEMENTWISE elementwise_mode=1")
	ifm.H, ifm.W = 31, 21
	same(t, "IFM of an addition", add.IFM(), ifm)
	same(t, "IFM2", add.IFM2(), FeatureMap{Region: 7, Base: [4]uint64{126, 127, 128, 129}, Height0: 27, Height1: 28, Width0: 26,
		H: 31, W: 1, C: 41, StrideY: 131, StrideX: 130, StrideC: 132, ZeroPoint: 0xFFF1, Type: u16})
	same(t, "broadcast", add.Broadcast(), Broadcast{W: true, Reversed: true})
	same(t, "scalar", add.ScalarValue(), int32(0xFFFE))
	same(t, "kernel of an addition", add.Kernel(), Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1})

	dma := operation(t, everyRegister+"NPU_OP_DMA_START")
	same(t, "DMA", dma.DMA(), DMA{Src: 5<<32 + 121, Dst: 122, SrcRegion: 1, DstRegion: 2, DstInternal: true, SrcStride: 2, DstStride: 1,
		Length: 123, Rows: 23, Planes: 24, Skip0: 124, Skip1: -16})
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// Each dimension of IFM2 is broadcast by its own bit.
func TestBroadcast(t *testing.T) {
	for text, want := range map[string][3]int{
		"broadcast_h=1": {1, 21, 41}, "broadcast_w=1": {31, 1, 41}, "broadcast_c=1": {31, 21, 1}, "operand_order=1": {31, 21, 41},
	} {
		o := operation(t, everyRegister+"NPU_SET_IFM2_BROADCAST "+text+"\nNPU_OP_ELEMENTWISE elementwise_mode=0")
		if f := o.IFM2(); [3]int{f.H, f.W, f.C} != want {
			t.Errorf("%s: IFM2 of %d x %d x %d, expected %v", text, f.H, f.W, f.C, want)
		}
		b := o.Broadcast()
		same(t, text, b, Broadcast{H: text == "broadcast_h=1", W: text == "broadcast_w=1", C: text == "broadcast_c=1", Reversed: text == "operand_order=1"})
	}
}

// An upscaled map has half the rows, rounded up.
func TestUpscaledExtent(t *testing.T) {
	for mode, want := range map[string][3]int{"0": {1, 94, 40}, "1": {2, 47, 20}, "2": {2, 47, 20}} {
		o := operation(t, everyRegister+"NPU_SET_IFM_UPSCALE mode="+mode+"\nNPU_OP_CONV")
		m, factor := o.Upscale()
		if f := o.IFM(); [3]int{factor, f.H, f.W} != want || int(m) != int(mode[0]-'0') {
			t.Errorf("mode %s: %v, factor %d, %d x %d, expected %v", mode, m, factor, f.H, f.W, want)
		}
		o = operation(t, everyRegister+"NPU_SET_IFM_UPSCALE mode="+mode+"\nNPU_SET_IFM_PAD_TOP pad=0\nNPU_SET_IFM_PAD_LEFT pad=1\nNPU_OP_POOL pooling_mode=0")
		if f := o.IFM(); f.H != (95+factor-1)/factor || f.W != (41+factor-1)/factor {
			t.Errorf("mode %s: %d x %d of 95 x 41", mode, f.H, f.W)
		}
	}
}

// What an operation is, and what it reads besides its maps.
func TestOperationKinds(t *testing.T) {
	type kind struct {
		Name                                                    string
		Block, DMA, Sums, Unary, Binary, Scalar, IFM2, MAC, LUT bool
	}
	scalar := "NPU_SET_IFM2_BROADCAST broadcast_constant=1\n"
	table := "NPU_SET_ACTIVATION function=16\n"
	for _, c := range []struct {
		text string
		want kind
	}{
		{table + "NPU_OP_CONV", kind{Name: "NPU_OP_CONV", Block: true, Sums: true, MAC: true, LUT: true}},
		{"NPU_SET_ACTIVATION function=4\nNPU_OP_DEPTHWISE", kind{Name: "NPU_OP_DEPTHWISE", Block: true, MAC: true}},
		{"NPU_OP_POOL pooling_mode=0", kind{Name: "NPU_OP_POOL MAX", Block: true}},
		{"NPU_OP_POOL pooling_mode=1", kind{Name: "NPU_OP_POOL AVERAGE", Block: true}},
		{"NPU_OP_POOL pooling_mode=2", kind{Name: "NPU_OP_POOL REDUCE_SUM", Block: true, Sums: true}},
		{"NPU_OP_ELEMENTWISE elementwise_mode=0", kind{Name: "NPU_OP_ELEMENTWISE MUL", Block: true, Binary: true, IFM2: true}},
		{"NPU_OP_ELEMENTWISE elementwise_mode=4", kind{Name: "NPU_OP_ELEMENTWISE MAX", Block: true, Binary: true, IFM2: true}},
		{scalar + "NPU_OP_ELEMENTWISE elementwise_mode=2", kind{Name: "NPU_OP_ELEMENTWISE SUB", Block: true, Binary: true, Scalar: true}},
		{scalar + "NPU_OP_ELEMENTWISE elementwise_mode=5", kind{Name: "NPU_OP_ELEMENTWISE LRELU", Block: true, Unary: true}},
		{"NPU_OP_ELEMENTWISE elementwise_mode=6", kind{Name: "NPU_OP_ELEMENTWISE ABS", Block: true, Unary: true}},
		{"NPU_OP_ELEMENTWISE elementwise_mode=7", kind{Name: "NPU_OP_ELEMENTWISE CLZ", Block: true, Unary: true}},
		{"NPU_OP_ELEMENTWISE elementwise_mode=8", kind{Name: "NPU_OP_ELEMENTWISE SHR", Block: true, Binary: true, IFM2: true}},
		{scalar + "NPU_OP_CONV", kind{Name: "NPU_OP_CONV", Block: true, Sums: true, MAC: true}},
		// The same number means something else to operations that are not elementwise.
		{"NPU_OP_DMA_WAIT k=5", kind{Name: "NPU_OP_DMA_WAIT"}},
		{"NPU_OP_DMA_START", kind{Name: "NPU_OP_DMA_START", DMA: true}},
		{"NPU_OP_IRQ mask=6", kind{Name: "NPU_OP_IRQ"}},
	} {
		o := operation(t, c.text)
		got := kind{o.Name(), o.IsBlock(), o.IsDMA(), o.Sums(), o.Unary(), o.Binary(), o.Scalar(), o.HasIFM2(), o.HasWeights(), o.UsesTable()}
		if got != c.want {
			t.Errorf("%s: %+v, expected %+v", c.text, got, c.want)
		}
	}
	// Fifteen transfers and three kernels are the most that a wait leaves.
	for text, want := range map[string]int{"NPU_OP_DMA_WAIT k=15": 15, "NPU_OP_DMA_WAIT": 0, "NPU_OP_KERNEL_WAIT n=3": 3, "NPU_OP_KERNEL_WAIT": 0} {
		if got := operation(t, text).Outstanding(); got != want {
			t.Errorf("%s leaves %d", text, got)
		}
	}
}

// Operations and transfers are numbered together, and nothing else is.
func TestWalkIndex(t *testing.T) {
	words, err := Assemble("NPU_OP_CONV\nNPU_OP_DMA_START\nNPU_OP_DMA_WAIT\nNPU_OP_POOL\nNPU_SET_BLOCKDEP blockdep=1\nNPU_OP_ELEMENTWISE\nNPU_OP_DEPTHWISE\nNPU_OP_STOP")
	if err != nil {
		t.Fatal(err)
	}
	var got [][2]int
	seen := 0
	if err := WalkAll(words, func(in Instruction) error {
		if in.Word != seen {
			t.Errorf("command %d is at word %d", seen, in.Word)
		}
		seen++
		return nil
	}, func(o *Operation) error {
		got = append(got, [2]int{o.Word, o.Index})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	same(t, "words and numbers", got, [][2]int{{0, 0}, {1, 1}, {2, -1}, {3, 2}, {5, 3}, {6, 4}, {7, -1}})
	if seen != 8 {
		t.Errorf("%d commands were shown, expected 8", seen)
	}
}

// A walk ends with the error of a callback, and of a word that is no command.
func TestWalkErrors(t *testing.T) {
	words := []uint32{2, 2, 0x8000}
	stop := &Error{Word: 1, What: "enough"}
	n := 0
	if err := Walk(words, func(*Operation) error {
		if n++; n == 2 {
			return stop
		}
		return nil
	}); err != stop || n != 2 {
		t.Errorf("%v after %d operations", err, n)
	}
	if err := WalkAll(words, func(in Instruction) error {
		if in.Word == 1 {
			return stop
		}
		return nil
	}, func(*Operation) error { n++; return nil }); err != stop || n != 3 {
		t.Errorf("%v after %d operations", err, n)
	}
	if err := Walk(words, func(*Operation) error { return nil }); err == nil || err.Error() != "word 2: 0x00008000: payload mode 2, expected 0 or 1" {
		t.Errorf("%v", err)
	}
}

// Strides of 1 to 4 go through both of their bits and back.
func TestStrides(t *testing.T) {
	for y := 1; y <= 4; y++ {
		for x := 1; x <= 4; x++ {
			var f KernelStrideFields
			f.SetStrides(y, x)
			if f.StrideY() != y || f.StrideX() != x {
				t.Errorf("strides %d, %d come back as %d, %d", y, x, f.StrideY(), f.StrideX())
			}
			if back := GetKernelStride(PutKernelStride(f)); back != f {
				t.Errorf("strides %d, %d: %+v is packed as %+v", y, x, f, back)
			}
		}
	}
}
