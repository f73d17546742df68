// SPDX-License-Identifier: Apache-2.0

package isa

// Commands of the U55 and U65 command stream. Commands with a payload word carry
// bit 14, as in the stream itself, so that both number spaces share one type.
const (
	OpStop            Code = 0x000
	OpIRQ             Code = 0x001
	OpConv            Code = 0x002
	OpDepthwise       Code = 0x003
	OpPool            Code = 0x005
	OpElementwise     Code = 0x006
	OpDMAStart        Code = 0x010
	OpDMAWait         Code = 0x011
	OpKernelWait      Code = 0x012
	OpPMUMask         Code = 0x013
	SetIFMPadTop      Code = 0x100
	SetIFMPadLeft     Code = 0x101
	SetIFMPadRight    Code = 0x102
	SetIFMPadBottom   Code = 0x103
	SetIFMDepthM1     Code = 0x104
	SetIFMPrecision   Code = 0x105
	SetIFMUpscale     Code = 0x107
	SetIFMZeroPoint   Code = 0x109
	SetIFMWidth0M1    Code = 0x10A
	SetIFMHeight0M1   Code = 0x10B
	SetIFMHeight1M1   Code = 0x10C
	SetIFMIBEnd       Code = 0x10D
	SetIFMRegion      Code = 0x10F
	SetOFMWidthM1     Code = 0x111
	SetOFMHeightM1    Code = 0x112
	SetOFMDepthM1     Code = 0x113
	SetOFMPrecision   Code = 0x114
	SetOFMBLKWidthM1  Code = 0x115
	SetOFMBLKHeightM1 Code = 0x116
	SetOFMBLKDepthM1  Code = 0x117
	SetOFMZeroPoint   Code = 0x118
	SetOFMWidth0M1    Code = 0x11A
	SetOFMHeight0M1   Code = 0x11B
	SetOFMHeight1M1   Code = 0x11C
	SetOFMRegion      Code = 0x11F
	SetKernelWidthM1  Code = 0x120
	SetKernelHeightM1 Code = 0x121
	SetKernelStride   Code = 0x122
	SetParallelMode   Code = 0x123
	SetACCFormat      Code = 0x124
	SetActivation     Code = 0x125
	SetActivationMin  Code = 0x126
	SetActivationMax  Code = 0x127
	SetWeightRegion   Code = 0x128
	SetScaleRegion    Code = 0x129
	SetABStart        Code = 0x12D
	SetBlockdep       Code = 0x12F
	SetDMA0SrcRegion  Code = 0x130
	SetDMA0DstRegion  Code = 0x131
	SetDMA0Size0      Code = 0x132
	SetDMA0Size1      Code = 0x133
	SetIFM2Broadcast  Code = 0x180
	SetIFM2Scalar     Code = 0x181
	SetIFM2Precision  Code = 0x185
	SetIFM2ZeroPoint  Code = 0x189
	SetIFM2Width0M1   Code = 0x18A
	SetIFM2Height0M1  Code = 0x18B
	SetIFM2Height1M1  Code = 0x18C
	SetIFM2IBStart    Code = 0x18D
	SetIFM2Region     Code = 0x18F
	SetIFMBase0       Code = payload
	SetIFMBase1       Code = payload | 0x001
	SetIFMBase2       Code = payload | 0x002
	SetIFMBase3       Code = payload | 0x003
	SetIFMStrideX     Code = payload | 0x004
	SetIFMStrideY     Code = payload | 0x005
	SetIFMStrideC     Code = payload | 0x006
	SetOFMBase0       Code = payload | 0x010
	SetOFMBase1       Code = payload | 0x011
	SetOFMBase2       Code = payload | 0x012
	SetOFMBase3       Code = payload | 0x013
	SetOFMStrideX     Code = payload | 0x014
	SetOFMStrideY     Code = payload | 0x015
	SetOFMStrideC     Code = payload | 0x016
	SetWeightBase     Code = payload | 0x020
	SetWeightLength   Code = payload | 0x021
	SetScaleBase      Code = payload | 0x022
	SetScaleLength    Code = payload | 0x023
	SetOFMScale       Code = payload | 0x024
	SetOPAScale       Code = payload | 0x025
	SetOPBScale       Code = payload | 0x026
	SetDMA0Src        Code = payload | 0x030
	SetDMA0Dst        Code = payload | 0x031
	SetDMA0Len        Code = payload | 0x032
	SetDMA0Skip0      Code = payload | 0x033
	SetDMA0Skip1      Code = payload | 0x034
	SetIFM2Base0      Code = payload | 0x080
	SetIFM2Base1      Code = payload | 0x081
	SetIFM2Base2      Code = payload | 0x082
	SetIFM2Base3      Code = payload | 0x083
	SetIFM2StrideX    Code = payload | 0x084
	SetIFM2StrideY    Code = payload | 0x085
	SetIFM2StrideC    Code = payload | 0x086
	SetWeight1Base    Code = payload | 0x090
	SetWeight1Length  Code = payload | 0x091
	SetScale1Base     Code = payload | 0x092
	SetScale1Length   Code = payload | 0x093
	SetUserDefined0   Code = payload | 0x0A0
)

// rows are the commands of the U55 and the U65; those that the U85 has just so say it.
//
// Source: the public register interface of the Ethos-U55 and U65 (architecture
// 1.1.0 and 1.0.6). USER_DEFINED0..7 are the custom-DMA registers of the U55,
// which no compiler emits.
var rows = []Row{
	{Code: OpStop, Name: "NPU_OP_STOP", Kind: Op, Param: []Field{{Name: "mask", Hi: 15, Lo: 0, Type: "uint16"}}, U55: true, U65: true, U85: true},
	{Code: OpIRQ, Name: "NPU_OP_IRQ", Kind: Op, Param: []Field{{Name: "mask", Hi: 15, Lo: 0, Type: "uint16"}}, U55: true, U65: true, U85: true},
	{Code: OpConv, Name: "NPU_OP_CONV", Kind: Op, U55: true, U65: true},
	{Code: OpDepthwise, Name: "NPU_OP_DEPTHWISE", Kind: Op, U55: true, U65: true, U85: true},
	{Code: OpPool, Name: "NPU_OP_POOL", Kind: Op, Param: []Field{{Name: "pooling_mode", Hi: 2, Lo: 0, Allowed: []Range{{0, 2}}, Type: "PoolMode"}}, U55: true, U65: true},
	{Code: OpElementwise, Name: "NPU_OP_ELEMENTWISE", Kind: Op, Param: []Field{{Name: "elementwise_mode", Hi: 5, Lo: 0, Allowed: []Range{{0, 9}}, Type: "ElementwiseMode"}}, U55: true, U65: true},
	{Code: OpDMAStart, Name: "NPU_OP_DMA_START", Kind: Op, U55: true, U65: true, U85: true},
	{Code: OpDMAWait, Name: "NPU_OP_DMA_WAIT", Kind: Op, Param: []Field{{Name: "k", Hi: 3, Lo: 0}}, U55: true, U65: true},
	{Code: OpKernelWait, Name: "NPU_OP_KERNEL_WAIT", Kind: Op, Param: []Field{{Name: "n", Hi: 1, Lo: 0}}, U55: true, U65: true},
	{Code: OpPMUMask, Name: "NPU_OP_PMU_MASK", Kind: Op, Param: []Field{{Name: "enable", Hi: 0, Lo: 0, Type: "bool"}}, U55: true, U65: true, U85: true},
	{Code: SetIFMPadTop, Name: "NPU_SET_IFM_PAD_TOP", Kind: Set, MMIO: 0x800, Param: []Field{{Name: "pad", Hi: 6, Lo: 0}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetIFMPadLeft, Name: "NPU_SET_IFM_PAD_LEFT", Kind: Set, MMIO: 0x804, Param: []Field{{Name: "pad", Hi: 6, Lo: 0}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetIFMPadRight, Name: "NPU_SET_IFM_PAD_RIGHT", Kind: Set, MMIO: 0x808, Param: []Field{{Name: "pad", Hi: 7, Lo: 0, Allowed: []Range{{0, 128}}}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetIFMPadBottom, Name: "NPU_SET_IFM_PAD_BOTTOM", Kind: Set, MMIO: 0x80C, Param: []Field{{Name: "pad", Hi: 7, Lo: 0, Allowed: []Range{{0, 128}}}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetIFMDepthM1, Name: "NPU_SET_IFM_DEPTH_M1", Kind: Set, MMIO: 0x810, Param: []Field{{Name: "depth_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMPrecision, Name: "NPU_SET_IFM_PRECISION", Kind: Set, MMIO: 0x814, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "precision", Hi: 3, Lo: 2, Allowed: []Range{{0, 2}}, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}, {Name: "scale_mode", Hi: 9, Lo: 8, Allowed: []Range{{0, 2}}}, {Name: "round_mode", Hi: 15, Lo: 14, Allowed: []Range{{0, 2}}, Type: "RoundMode"}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetIFMUpscale, Name: "NPU_SET_IFM_UPSCALE", Kind: Set, MMIO: 0x81C, Param: []Field{{Name: "mode", Hi: 1, Lo: 0, Allowed: []Range{{0, 2}}, Type: "UpscaleMode"}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMZeroPoint, Name: "NPU_SET_IFM_ZERO_POINT", Kind: Set, MMIO: 0x824, Param: []Field{{Name: "zero_point", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMWidth0M1, Name: "NPU_SET_IFM_WIDTH0_M1", Kind: Set, MMIO: 0x828, Param: []Field{{Name: "width_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMHeight0M1, Name: "NPU_SET_IFM_HEIGHT0_M1", Kind: Set, MMIO: 0x82C, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMHeight1M1, Name: "NPU_SET_IFM_HEIGHT1_M1", Kind: Set, MMIO: 0x830, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMIBEnd, Name: "NPU_SET_IFM_IB_END", Kind: Set, MMIO: 0x834, Param: []Field{{Name: "ib_end", Hi: 5, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetIFMRegion, Name: "NPU_SET_IFM_REGION", Kind: Set, MMIO: 0x83C, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMWidthM1, Name: "NPU_SET_OFM_WIDTH_M1", Kind: Set, MMIO: 0x844, Param: []Field{{Name: "width_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMHeightM1, Name: "NPU_SET_OFM_HEIGHT_M1", Kind: Set, MMIO: 0x848, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMDepthM1, Name: "NPU_SET_OFM_DEPTH_M1", Kind: Set, MMIO: 0x84C, Param: []Field{{Name: "depth_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMPrecision, Name: "NPU_SET_OFM_PRECISION", Kind: Set, MMIO: 0x850, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "precision", Hi: 2, Lo: 1, Allowed: []Range{{0, 2}}, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}, {Name: "scale_mode", Hi: 8, Lo: 8, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "round_mode", Hi: 15, Lo: 14, Allowed: []Range{{0, 2}}, Type: "RoundMode"}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetOFMBLKWidthM1, Name: "NPU_SET_OFM_BLK_WIDTH_M1", Kind: Set, MMIO: 0x854, Param: []Field{{Name: "width_m1", Hi: 5, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetOFMBLKHeightM1, Name: "NPU_SET_OFM_BLK_HEIGHT_M1", Kind: Set, MMIO: 0x858, Param: []Field{{Name: "height_m1", Hi: 4, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetOFMBLKDepthM1, Name: "NPU_SET_OFM_BLK_DEPTH_M1", Kind: Set, MMIO: 0x85C, Param: []Field{{Name: "depth_m1", Hi: 6, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetOFMZeroPoint, Name: "NPU_SET_OFM_ZERO_POINT", Kind: Set, MMIO: 0x860, Param: []Field{{Name: "zero_point", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMWidth0M1, Name: "NPU_SET_OFM_WIDTH0_M1", Kind: Set, MMIO: 0x868, Param: []Field{{Name: "width_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMHeight0M1, Name: "NPU_SET_OFM_HEIGHT0_M1", Kind: Set, MMIO: 0x86C, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMHeight1M1, Name: "NPU_SET_OFM_HEIGHT1_M1", Kind: Set, MMIO: 0x870, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMRegion, Name: "NPU_SET_OFM_REGION", Kind: Set, MMIO: 0x87C, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetKernelWidthM1, Name: "NPU_SET_KERNEL_WIDTH_M1", Kind: Set, MMIO: 0x880, Param: []Field{{Name: "width_m1", Hi: 15, Lo: 0}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetKernelHeightM1, Name: "NPU_SET_KERNEL_HEIGHT_M1", Kind: Set, MMIO: 0x884, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseKernel, U55: true, U65: true, U85: true, Uses85: UseKernel | UseResize},
	{Code: SetKernelStride, Name: "NPU_SET_KERNEL_STRIDE", Kind: Set, MMIO: 0x888, Param: []Field{{Name: "stride_x_lsb", Hi: 0, Lo: 0}, {Name: "stride_y_lsb", Hi: 1, Lo: 1}, {Name: "weight_order", Hi: 2, Lo: 2, Type: "bool"}, {Name: "dilation_x", Hi: 3, Lo: 3}, {Name: "dilation_y", Hi: 4, Lo: 4}, {Name: "decomposition", Hi: 5, Lo: 5, Type: "bool"}, {Name: "stride_x_msb", Hi: 6, Lo: 6}, {Name: "stride_y_msb", Hi: 9, Lo: 9}}, Uses: UseKernel, U55: true, U65: true, U85: true},
	{Code: SetParallelMode, Name: "NPU_SET_PARALLEL_MODE", Kind: Set, MMIO: 0x88C, Param: []Field{{Name: "parallel_mode", Hi: 0, Lo: 0}}, Uses: UseAll, U55: false, U65: true},
	{Code: SetACCFormat, Name: "NPU_SET_ACC_FORMAT", Kind: Set, MMIO: 0x890, Param: []Field{{Name: "acc_format", Hi: 1, Lo: 0, Allowed: []Range{{0, 2}}, Type: "AccFormat"}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetActivation, Name: "NPU_SET_ACTIVATION", Kind: Set, MMIO: 0x894, Param: []Field{{Name: "function", Hi: 4, Lo: 0, Allowed: []Range{{0, 0}, {3, 4}, {16, 23}}, Type: "ActivationFunction"}, {Name: "clip_range", Hi: 14, Lo: 12, Allowed: []Range{{0, 0}, {2, 3}, {5, 5}}, Type: "ClipRange"}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetActivationMin, Name: "NPU_SET_ACTIVATION_MIN", Kind: Set, MMIO: 0x898, Param: []Field{{Name: "clip", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetActivationMax, Name: "NPU_SET_ACTIVATION_MAX", Kind: Set, MMIO: 0x89C, Param: []Field{{Name: "clip", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetWeightRegion, Name: "NPU_SET_WEIGHT_REGION", Kind: Set, MMIO: 0x8A0, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true},
	{Code: SetScaleRegion, Name: "NPU_SET_SCALE_REGION", Kind: Set, MMIO: 0x8A4, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true, Uses85: UseKernel},
	{Code: SetABStart, Name: "NPU_SET_AB_START", Kind: Set, MMIO: 0x8B4, Param: []Field{{Name: "ab_start", Hi: 5, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetBlockdep, Name: "NPU_SET_BLOCKDEP", Kind: Set, MMIO: 0x8BC, Param: []Field{{Name: "blockdep", Hi: 1, Lo: 0}}, Uses: UseAll, U55: true, U65: true},
	{Code: SetDMA0SrcRegion, Name: "NPU_SET_DMA0_SRC_REGION", Kind: Set, MMIO: 0x8C0, Param: []Field{{Name: "region", Hi: 2, Lo: 0}, {Name: "region_mode", Hi: 8, Lo: 8, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "stride_mode", Hi: 10, Lo: 9, Allowed: []Range{{0, 2}}}}, Uses: UseDMA, U55: true, U65: true},
	{Code: SetDMA0DstRegion, Name: "NPU_SET_DMA0_DST_REGION", Kind: Set, MMIO: 0x8C4, Param: []Field{{Name: "region", Hi: 2, Lo: 0}, {Name: "region_mode", Hi: 8, Lo: 8, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "stride_mode", Hi: 10, Lo: 9, Allowed: []Range{{0, 2}}}}, Uses: UseDMA, U55: true, U65: true},
	{Code: SetDMA0Size0, Name: "NPU_SET_DMA0_SIZE0", Kind: Set, MMIO: 0x8C8, Param: []Field{{Name: "size", Hi: 15, Lo: 0}}, Uses: UseDMA, U55: true, U65: true, U85: true},
	{Code: SetDMA0Size1, Name: "NPU_SET_DMA0_SIZE1", Kind: Set, MMIO: 0x8CC, Param: []Field{{Name: "size", Hi: 15, Lo: 0}}, Uses: UseDMA, U55: true, U65: true, U85: true},
	{Code: SetIFM2Broadcast, Name: "NPU_SET_IFM2_BROADCAST", Kind: Set, MMIO: 0x900, Param: []Field{{Name: "broadcast_h", Hi: 0, Lo: 0, Type: "bool"}, {Name: "broadcast_w", Hi: 1, Lo: 1, Type: "bool"}, {Name: "broadcast_c", Hi: 2, Lo: 2, Type: "bool"}, {Name: "operand_order", Hi: 6, Lo: 6, Type: "bool"}, {Name: "broadcast_constant", Hi: 7, Lo: 7, Type: "bool"}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetIFM2Scalar, Name: "NPU_SET_IFM2_SCALAR", Kind: Set, MMIO: 0x904, Param: []Field{{Name: "scalar", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetIFM2Precision, Name: "NPU_SET_IFM2_PRECISION", Kind: Set, MMIO: 0x914, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Allowed: []Range{{0, 1}}, Type: "bool"}, {Name: "precision", Hi: 3, Lo: 2, Allowed: []Range{{0, 2}}, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetIFM2ZeroPoint, Name: "NPU_SET_IFM2_ZERO_POINT", Kind: Set, MMIO: 0x924, Param: []Field{{Name: "zero_point", Hi: 15, Lo: 0, Type: "uint16"}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2 | UseResize},
	{Code: SetIFM2Width0M1, Name: "NPU_SET_IFM2_WIDTH0_M1", Kind: Set, MMIO: 0x928, Param: []Field{{Name: "width_m1", Hi: 15, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2Height0M1, Name: "NPU_SET_IFM2_HEIGHT0_M1", Kind: Set, MMIO: 0x92C, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2Height1M1, Name: "NPU_SET_IFM2_HEIGHT1_M1", Kind: Set, MMIO: 0x930, Param: []Field{{Name: "height_m1", Hi: 15, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2IBStart, Name: "NPU_SET_IFM2_IB_START", Kind: Set, MMIO: 0x934, Param: []Field{{Name: "ib_start", Hi: 5, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetIFM2Region, Name: "NPU_SET_IFM2_REGION", Kind: Set, MMIO: 0x93C, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFMBase0, Name: "NPU_SET_IFM_BASE0", Kind: SetPayload, MMIO: 0xA00, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMBase1, Name: "NPU_SET_IFM_BASE1", Kind: SetPayload, MMIO: 0xA08, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMBase2, Name: "NPU_SET_IFM_BASE2", Kind: SetPayload, MMIO: 0xA10, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMBase3, Name: "NPU_SET_IFM_BASE3", Kind: SetPayload, MMIO: 0xA18, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMStrideX, Name: "NPU_SET_IFM_STRIDE_X", Kind: SetPayload, MMIO: 0xA20, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMStrideY, Name: "NPU_SET_IFM_STRIDE_Y", Kind: SetPayload, MMIO: 0xA28, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetIFMStrideC, Name: "NPU_SET_IFM_STRIDE_C", Kind: SetPayload, MMIO: 0xA30, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMBase0, Name: "NPU_SET_OFM_BASE0", Kind: SetPayload, MMIO: 0xA40, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMBase1, Name: "NPU_SET_OFM_BASE1", Kind: SetPayload, MMIO: 0xA48, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMBase2, Name: "NPU_SET_OFM_BASE2", Kind: SetPayload, MMIO: 0xA50, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMBase3, Name: "NPU_SET_OFM_BASE3", Kind: SetPayload, MMIO: 0xA58, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMStrideX, Name: "NPU_SET_OFM_STRIDE_X", Kind: SetPayload, MMIO: 0xA60, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMStrideY, Name: "NPU_SET_OFM_STRIDE_Y", Kind: SetPayload, MMIO: 0xA68, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetOFMStrideC, Name: "NPU_SET_OFM_STRIDE_C", Kind: SetPayload, MMIO: 0xA70, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseAll, U55: true, U65: true, U85: true},
	{Code: SetWeightBase, Name: "NPU_SET_WEIGHT_BASE", Kind: SetPayload, MMIO: 0xA80, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true},
	{Code: SetWeightLength, Name: "NPU_SET_WEIGHT_LENGTH", Kind: SetPayload, MMIO: 0xA88, Payload: []Field{{Name: "length", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true},
	{Code: SetScaleBase, Name: "NPU_SET_SCALE_BASE", Kind: SetPayload, MMIO: 0xA90, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true},
	{Code: SetScaleLength, Name: "NPU_SET_SCALE_LENGTH", Kind: SetPayload, MMIO: 0xA98, Payload: []Field{{Name: "length", Hi: 19, Lo: 0}}, Uses: UseMAC, U55: true, U65: true, U85: true},
	{Code: SetOFMScale, Name: "NPU_SET_OFM_SCALE", Kind: SetPayload, MMIO: 0xAA0, Param: []Field{{Name: "shift", Hi: 5, Lo: 0}}, Payload: []Field{{Name: "scale", Hi: 31, Lo: 0}}, Uses: UsePool | UseElementwise, U55: true, U65: true},
	{Code: SetOPAScale, Name: "NPU_SET_OPA_SCALE", Kind: SetPayload, MMIO: 0xAA8, Param: []Field{{Name: "shift", Hi: 5, Lo: 0}}, Payload: []Field{{Name: "scale", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetOPBScale, Name: "NPU_SET_OPB_SCALE", Kind: SetPayload, MMIO: 0xAB0, Payload: []Field{{Name: "scale", Hi: 15, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true},
	{Code: SetDMA0Src, Name: "NPU_SET_DMA0_SRC", Kind: SetPayload, MMIO: 0xAC0, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U55: true, U65: true, U85: true},
	{Code: SetDMA0Dst, Name: "NPU_SET_DMA0_DST", Kind: SetPayload, MMIO: 0xAC8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U55: true, U65: true, U85: true},
	{Code: SetDMA0Len, Name: "NPU_SET_DMA0_LEN", Kind: SetPayload, MMIO: 0xAD0, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "length", Hi: 31, Lo: 0}}, Uses: UseDMA, U55: true, U65: true, U85: true},
	{Code: SetDMA0Skip0, Name: "NPU_SET_DMA0_SKIP0", Kind: SetPayload, MMIO: 0xAD8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "skip", Hi: 31, Lo: 0}}, Uses: UseDMA, U55: false, U65: true},
	{Code: SetDMA0Skip1, Name: "NPU_SET_DMA0_SKIP1", Kind: SetPayload, MMIO: 0xAE0, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "skip", Hi: 31, Lo: 0}}, Uses: UseDMA, U55: false, U65: true},
	{Code: SetIFM2Base0, Name: "NPU_SET_IFM2_BASE0", Kind: SetPayload, MMIO: 0xB00, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2Base1, Name: "NPU_SET_IFM2_BASE1", Kind: SetPayload, MMIO: 0xB08, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2Base2, Name: "NPU_SET_IFM2_BASE2", Kind: SetPayload, MMIO: 0xB10, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2Base3, Name: "NPU_SET_IFM2_BASE3", Kind: SetPayload, MMIO: 0xB18, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2StrideX, Name: "NPU_SET_IFM2_STRIDE_X", Kind: SetPayload, MMIO: 0xB20, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2StrideY, Name: "NPU_SET_IFM2_STRIDE_Y", Kind: SetPayload, MMIO: 0xB28, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetIFM2StrideC, Name: "NPU_SET_IFM2_STRIDE_C", Kind: SetPayload, MMIO: 0xB30, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseElementwise2, U55: true, U65: true, U85: true, Uses85: UseIFM2},
	{Code: SetWeight1Base, Name: "NPU_SET_WEIGHT1_BASE", Kind: SetPayload, MMIO: 0xB40, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: false, U65: true, U85: true},
	{Code: SetWeight1Length, Name: "NPU_SET_WEIGHT1_LENGTH", Kind: SetPayload, MMIO: 0xB48, Payload: []Field{{Name: "length", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: false, U65: true, U85: true},
	{Code: SetScale1Base, Name: "NPU_SET_SCALE1_BASE", Kind: SetPayload, MMIO: 0xB50, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U55: false, U65: true},
	{Code: SetScale1Length, Name: "NPU_SET_SCALE1_LENGTH", Kind: SetPayload, MMIO: 0xB58, Payload: []Field{{Name: "length", Hi: 19, Lo: 0}}, Uses: UseMAC, U55: false, U65: true},
	{Code: SetUserDefined0, Name: "NPU_SET_USER_DEFINED0", Kind: SetPayload, MMIO: 0xB80, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 1, Name: "NPU_SET_USER_DEFINED1", Kind: SetPayload, MMIO: 0xB88, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 2, Name: "NPU_SET_USER_DEFINED2", Kind: SetPayload, MMIO: 0xB90, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 3, Name: "NPU_SET_USER_DEFINED3", Kind: SetPayload, MMIO: 0xB98, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 4, Name: "NPU_SET_USER_DEFINED4", Kind: SetPayload, MMIO: 0xBA0, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 5, Name: "NPU_SET_USER_DEFINED5", Kind: SetPayload, MMIO: 0xBA8, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 6, Name: "NPU_SET_USER_DEFINED6", Kind: SetPayload, MMIO: 0xBB0, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
	{Code: SetUserDefined0 + 7, Name: "NPU_SET_USER_DEFINED7", Kind: SetPayload, MMIO: 0xBB8, Payload: []Field{{Name: "user_reg", Hi: 31, Lo: 0}}, Uses: 0, U55: true, U65: false},
}
