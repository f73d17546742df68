// SPDX-License-Identifier: Apache-2.0

package isa

import "slices"

// Commands that the U85 has and its predecessors have not, or not with that name.
const (
	OpResize           Code = 0x007
	SetIFMBroadcast    Code = 0x108
	SetResizeXScaleNM1 Code = 0x12A
	SetResizeYScaleNM1 Code = 0x12B
	SetResizeXOffset   Code = 0x12C
	SetResizeYOffset   Code = 0x12D
	SetWeightFormat    Code = 0x12E
	SetDMA0IdxRegion   Code = 0x134
	SetIFMScale        Code = payload | 0x025
	SetIFM2Scale       Code = payload | 0x026
	SetOpScalar        Code = payload | 0x027
	SetDMA0SrcStride0  Code = payload | 0x033
	SetDMA0SrcStride1  Code = payload | 0x034
	SetDMA0DstStride0  Code = payload | 0x035
	SetDMA0DstStride1  Code = payload | 0x036
	SetDMA0Idx         Code = payload | 0x037
	SetDMA0IdxMax      Code = payload | 0x038
	SetDMA0IdxSkip1    Code = payload | 0x039
	SetWeight2Base     Code = payload | 0x092
	SetWeight2Length   Code = payload | 0x093
	SetWeight3Base     Code = payload | 0x094
	SetWeight3Length   Code = payload | 0x095
	SetResizeXStep     Code = payload | 0x096
	SetResizeYStep     Code = payload | 0x097
	OpBranch           Code = payload | 0x100
)

// Table has one row for each command; a command whose fields differ on the U85 has two.
// Encoder, decoder, disassembler, assembler, verifier and simulator all work from it.
var Table = slices.Concat(rows, rowsU85)

// rowsU85 are the commands that only the U85 has, and those whose fields it changes.
//
// Source: the public register interface of the Ethos-U85 (architecture 2.0.0).
var rowsU85 = []Row{
	{Code: OpConv, Name: "NPU_OP_CONV", Kind: Op, Param: []Field{{Name: "weights_ifm2", Hi: 0, Lo: 0, Type: "bool"}}, U85: true},
	{Code: OpPool, Name: "NPU_OP_POOL", Kind: Op, Param: []Field{{Name: "pooling_mode", Hi: 2, Lo: 0, Type: "PoolMode"}}, U85: true},
	{Code: OpElementwise, Name: "NPU_OP_ELEMENTWISE", Kind: Op, Param: []Field{{Name: "elementwise_mode", Hi: 5, Lo: 0, Allowed: []Range{{0, 11}, {16, 19}, {33, 36}, {42, 42}}, Type: "ElementwiseMode"}}, U85: true},
	{Code: OpResize, Name: "NPU_OP_RESIZE", Kind: Op, Param: []Field{{Name: "resize_mode", Hi: 1, Lo: 0, Allowed: []Range{{0, 2}}, Type: "ResizeMode"}}, U85: true},
	{Code: OpDMAWait, Name: "NPU_OP_DMA_WAIT", Kind: Op, Param: []Field{{Name: "k", Hi: 1, Lo: 0}}, U85: true},
	{Code: OpKernelWait, Name: "NPU_OP_KERNEL_WAIT", Kind: Op, Param: []Field{{Name: "n", Hi: 0, Lo: 0}}, U85: true},
	{Code: SetIFMPrecision, Name: "NPU_SET_IFM_PRECISION", Kind: Set, MMIO: 0x814, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Type: "bool"}, {Name: "precision", Hi: 3, Lo: 2, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}, {Name: "storage", Hi: 15, Lo: 14, Type: "Storage"}}, Uses: UseAll, U85: true},
	{Code: SetIFMBroadcast, Name: "NPU_SET_IFM_BROADCAST", Kind: Set, MMIO: 0x820, Param: []Field{{Name: "broadcast", Hi: 3, Lo: 0, Allowed: []Range{{0, 8}}, Type: "BroadcastU85"}}, Uses: UseElementwise, U85: true},
	{Code: SetOFMPrecision, Name: "NPU_SET_OFM_PRECISION", Kind: Set, MMIO: 0x850, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Type: "bool"}, {Name: "precision", Hi: 2, Lo: 1, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}, {Name: "scale_mode", Hi: 8, Lo: 8, Type: "bool"}, {Name: "reverse", Hi: 10, Lo: 9, Type: "Reverse"}, {Name: "transpose", Hi: 13, Lo: 11, Allowed: []Range{{0, 3}, {6, 6}, {7, 7}}, Type: "Transpose"}, {Name: "storage", Hi: 15, Lo: 14, Type: "Storage"}}, Uses: UseAll, U85: true},
	{Code: SetOFMBLKWidthM1, Name: "NPU_SET_OFM_BLK_WIDTH_M1", Kind: Set, MMIO: 0x854, Param: []Field{{Name: "width_m1", Hi: 6, Lo: 0}}, Uses: UseAll, U85: true},
	{Code: SetOFMBLKHeightM1, Name: "NPU_SET_OFM_BLK_HEIGHT_M1", Kind: Set, MMIO: 0x858, Param: []Field{{Name: "height_m1", Hi: 6, Lo: 0}}, Uses: UseAll, U85: true},
	{Code: SetOFMBLKDepthM1, Name: "NPU_SET_OFM_BLK_DEPTH_M1", Kind: Set, MMIO: 0x85C, Param: []Field{{Name: "depth_m1", Hi: 9, Lo: 0}}, Uses: UseAll, U85: true},
	{Code: SetACCFormat, Name: "NPU_SET_ACC_FORMAT", Kind: Set, MMIO: 0x890, Param: []Field{{Name: "acc_format", Hi: 1, Lo: 0, Allowed: []Range{{0, 1}}, Type: "AccFormat"}, {Name: "acc_input", Hi: 5, Lo: 4, Allowed: []Range{{0, 2}}, Type: "AccInput"}, {Name: "acc_output", Hi: 6, Lo: 6, Type: "AccOutput"}, {Name: "microblock", Hi: 10, Lo: 8, Allowed: []Range{{0, 5}}, Type: "Microblock"}}, Uses: UseAll, U85: true},
	{Code: SetActivation, Name: "NPU_SET_ACTIVATION", Kind: Set, MMIO: 0x894, Param: []Field{{Name: "function", Hi: 4, Lo: 0, Allowed: []Range{{0, 0}, {1, 1}, {4, 4}, {5, 5}, {7, 11}}, Type: "FunctionU85"}, {Name: "table", Hi: 7, Lo: 5}, {Name: "clip_range", Hi: 12, Lo: 12, Type: "bool"}}, Uses: UseAll, U85: true},
	{Code: SetResizeXScaleNM1, Name: "NPU_SET_RESIZE_X_SCALE_N_M1", Kind: Set, MMIO: 0x8A8, Param: []Field{{Name: "scale_n_m1", Hi: 10, Lo: 0}}, Uses: UseResize, U85: true},
	{Code: SetResizeYScaleNM1, Name: "NPU_SET_RESIZE_Y_SCALE_N_M1", Kind: Set, MMIO: 0x8AC, Param: []Field{{Name: "scale_n_m1", Hi: 10, Lo: 0}}, Uses: UseResize, U85: true},
	{Code: SetResizeXOffset, Name: "NPU_SET_RESIZE_X_OFFSET", Kind: Set, MMIO: 0x8B0, Param: []Field{{Name: "offset", Hi: 11, Lo: 0}}, Uses: UseResize, U85: true},
	{Code: SetResizeYOffset, Name: "NPU_SET_RESIZE_Y_OFFSET", Kind: Set, MMIO: 0x8B4, Param: []Field{{Name: "offset", Hi: 11, Lo: 0}}, Uses: UseResize, U85: true},
	{Code: SetWeightFormat, Name: "NPU_SET_WEIGHT_FORMAT", Kind: Set, MMIO: 0x8B8, Param: []Field{{Name: "format", Hi: 0, Lo: 0, Type: "WeightFormat"}, {Name: "sparsity", Hi: 4, Lo: 4, Type: "bool"}}, Uses: UseMAC, U85: true},
	{Code: SetBlockdep, Name: "NPU_SET_BLOCKDEP", Kind: Set, MMIO: 0x8BC, Param: []Field{{Name: "blockdep", Hi: 2, Lo: 0}}, Uses: UseAll, U85: true},
	{Code: SetDMA0SrcRegion, Name: "NPU_SET_DMA0_SRC_REGION", Kind: Set, MMIO: 0x8C0, Param: []Field{{Name: "region", Hi: 2, Lo: 0}, {Name: "region_mode", Hi: 8, Lo: 8, Type: "bool"}, {Name: "stride_mode", Hi: 10, Lo: 9, Allowed: []Range{{0, 2}}}, {Name: "idx_mode", Hi: 11, Lo: 11, Type: "bool"}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0DstRegion, Name: "NPU_SET_DMA0_DST_REGION", Kind: Set, MMIO: 0x8C4, Param: []Field{{Name: "region", Hi: 2, Lo: 0}, {Name: "region_mode", Hi: 8, Lo: 8, Type: "bool"}, {Name: "idx_mode", Hi: 11, Lo: 11, Type: "bool"}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0IdxRegion, Name: "NPU_SET_DMA0_IDX_REGION", Kind: Set, MMIO: 0x8D0, Param: []Field{{Name: "region", Hi: 2, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetIFM2Broadcast, Name: "NPU_SET_IFM2_BROADCAST", Kind: Set, MMIO: 0x900, Param: []Field{{Name: "broadcast", Hi: 3, Lo: 0, Allowed: []Range{{0, 8}}, Type: "BroadcastU85"}}, Uses: UseElementwise, U85: true},
	{Code: SetIFM2Precision, Name: "NPU_SET_IFM2_PRECISION", Kind: Set, MMIO: 0x914, Param: []Field{{Name: "type", Hi: 0, Lo: 0, Type: "bool"}, {Name: "precision", Hi: 3, Lo: 2, Type: "Precision"}, {Name: "format", Hi: 7, Lo: 6, Allowed: []Range{{0, 1}}, Type: "Format"}, {Name: "storage", Hi: 15, Lo: 14, Type: "Storage"}}, Uses: UseIFM2, U85: true},
	{Code: SetOFMScale, Name: "NPU_SET_OFM_SCALE", Kind: SetPayload, MMIO: 0xAA0, Param: []Field{{Name: "shift", Hi: 5, Lo: 0}, {Name: "dbl_rnd", Hi: 10, Lo: 6, Allowed: []Range{{0, 30}}}, {Name: "round_mode", Hi: 15, Lo: 13, Allowed: []Range{{0, 5}}, Type: "RoundModeU85"}}, Payload: []Field{{Name: "scale", Hi: 30, Lo: 0, Type: "uint32"}}, Uses: UseAll, U85: true},
	{Code: SetIFMScale, Name: "NPU_SET_IFM_SCALE", Kind: SetPayload, MMIO: 0xAA8, Param: []Field{{Name: "shift", Hi: 5, Lo: 0}, {Name: "dbl_rnd", Hi: 10, Lo: 6, Allowed: []Range{{0, 30}}}, {Name: "round_mode", Hi: 13, Lo: 13, Type: "RoundModeU85"}}, Payload: []Field{{Name: "scale", Hi: 30, Lo: 0, Type: "uint32"}}, Uses: UseElementwise, U85: true},
	{Code: SetIFM2Scale, Name: "NPU_SET_IFM2_SCALE", Kind: SetPayload, MMIO: 0xAB0, Param: []Field{{Name: "shift", Hi: 5, Lo: 0}, {Name: "dbl_rnd", Hi: 10, Lo: 6, Allowed: []Range{{0, 30}}}, {Name: "round_mode", Hi: 13, Lo: 13, Type: "RoundModeU85"}}, Payload: []Field{{Name: "scale", Hi: 30, Lo: 0, Type: "uint32"}}, Uses: UseElementwise, U85: true},
	{Code: SetOpScalar, Name: "NPU_SET_OP_SCALAR", Kind: SetPayload, MMIO: 0xAB8, Payload: []Field{{Name: "scalar", Hi: 31, Lo: 0}}, Uses: UseElementwise, U85: true},
	{Code: SetDMA0SrcStride0, Name: "NPU_SET_DMA0_SRC_STRIDE0", Kind: SetPayload, MMIO: 0xAD8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0SrcStride1, Name: "NPU_SET_DMA0_SRC_STRIDE1", Kind: SetPayload, MMIO: 0xAE0, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0DstStride0, Name: "NPU_SET_DMA0_DST_STRIDE0", Kind: SetPayload, MMIO: 0xAE8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0DstStride1, Name: "NPU_SET_DMA0_DST_STRIDE1", Kind: SetPayload, MMIO: 0xAF0, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0Idx, Name: "NPU_SET_DMA0_IDX", Kind: SetPayload, MMIO: 0xAF8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0IdxMax, Name: "NPU_SET_DMA0_IDX_MAX", Kind: SetPayload, MMIO: 0xBC0, Payload: []Field{{Name: "idx_max", Hi: 30, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetDMA0IdxSkip1, Name: "NPU_SET_DMA0_IDX_SKIP1", Kind: SetPayload, MMIO: 0xBC8, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseDMA, U85: true},
	{Code: SetWeight2Base, Name: "NPU_SET_WEIGHT2_BASE", Kind: SetPayload, MMIO: 0xB50, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U85: true},
	{Code: SetWeight2Length, Name: "NPU_SET_WEIGHT2_LENGTH", Kind: SetPayload, MMIO: 0xB58, Payload: []Field{{Name: "length", Hi: 31, Lo: 0}}, Uses: UseMAC, U85: true},
	{Code: SetWeight3Base, Name: "NPU_SET_WEIGHT3_BASE", Kind: SetPayload, MMIO: 0xB60, Param: []Field{{Name: "addr_hi", Hi: 7, Lo: 0, U65: true}}, Payload: []Field{{Name: "addr", Hi: 31, Lo: 0}}, Uses: UseMAC, U85: true},
	{Code: SetWeight3Length, Name: "NPU_SET_WEIGHT3_LENGTH", Kind: SetPayload, MMIO: 0xB68, Payload: []Field{{Name: "length", Hi: 31, Lo: 0}}, Uses: UseMAC, U85: true},
	{Code: SetResizeXStep, Name: "NPU_SET_RESIZE_X_STEP", Kind: SetPayload, MMIO: 0xB70, Param: []Field{{Name: "one_step_int", Hi: 3, Lo: 0}, {Name: "blk_step_int", Hi: 14, Lo: 4}}, Payload: []Field{{Name: "one_step_mod", Hi: 10, Lo: 0}, {Name: "blk_step_mod", Hi: 26, Lo: 16}}, Uses: UseResize, U85: true},
	{Code: SetResizeYStep, Name: "NPU_SET_RESIZE_Y_STEP", Kind: SetPayload, MMIO: 0xB78, Param: []Field{{Name: "one_step_int", Hi: 3, Lo: 0}, {Name: "blk_step_int", Hi: 14, Lo: 4}}, Payload: []Field{{Name: "one_step_mod", Hi: 10, Lo: 0}, {Name: "blk_step_mod", Hi: 26, Lo: 16}}, Uses: UseResize, U85: true},
	{Code: OpBranch, Name: "NPU_OP_BRANCH", Kind: Op, Param: []Field{{Name: "branch_cond", Hi: 0, Lo: 0}}, Payload: []Field{{Name: "branch_target", Hi: 31, Lo: 0}}, U85: true},
}
