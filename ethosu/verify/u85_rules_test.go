// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// The example for the U85-256: a fully connected operation (0), a table by DMA (1), a chain
// of ADD (2) and MUL with the table (3), a pool (4), rows by a list of indices (5), RESIZE
// (6), a matrix product (7).
const (
	u85Conv = iota
	u85Table
	u85Add
	u85Mul
	u85Pool
	u85Gather
	u85Resize
	u85Matrix
	u85End
)

// Where things lie in region 0 and in region 1.
const (
	u85Records, u85Entries, u85Index           = 1024, 2048, 3072
	u85First, u85Chained, u85Pooled, u85Rows   = 1024, 2048, 3072, 4096
	u85Resized, u85Product, u85Spare, u85Arena = 5120, 6144, 7168, 8192
)

type u85List []isa.Command

var s8U85 = isa.IFMPrecisionU85Fields{Type: true}

// map85 sets the registers of a feature map of bytes in NHWC.
func map85(which string, base int64, h, w, c int) u85List {
	switch which {
	case "ifm":
		return u85List{isa.PutIFMRegion(1), isa.PutIFMBase0(base), isa.PutIFMHeight0M1(h - 1), isa.PutIFMHeight1M1(h - 1), isa.PutIFMWidth0M1(w - 1),
			isa.PutIFMDepthM1(c - 1), isa.PutIFMStrideX(int64(c)), isa.PutIFMStrideY(int64(w * c)), isa.PutIFMStrideC(16), isa.PutIFMPrecisionU85(s8U85), isa.PutIFMZeroPoint(0)}
	case "ifm2":
		return u85List{isa.PutIFM2Region(1), isa.PutIFM2Base0(base), isa.PutIFM2Height0M1(h - 1), isa.PutIFM2Height1M1(h - 1), isa.PutIFM2Width0M1(w - 1),
			isa.PutIFM2StrideX(int64(c)), isa.PutIFM2StrideY(int64(w * c)), isa.PutIFM2StrideC(16), isa.PutIFM2PrecisionU85(isa.IFM2PrecisionU85Fields(s8U85)), isa.PutIFM2ZeroPoint(0)}
	}
	return u85List{isa.PutOFMRegion(1), isa.PutOFMBase0(base), isa.PutOFMHeight0M1(h - 1), isa.PutOFMHeight1M1(h - 1), isa.PutOFMWidth0M1(w - 1),
		isa.PutOFMHeightM1(h - 1), isa.PutOFMWidthM1(w - 1), isa.PutOFMDepthM1(c - 1),
		isa.PutOFMStrideX(int64(c)), isa.PutOFMStrideY(int64(w * c)), isa.PutOFMStrideC(16), ofm85(true, isa.Tile2x2), isa.PutOFMZeroPoint(0)}
}

func ofm85(global bool, s isa.Storage) isa.Command {
	return isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, ScaleMode: global, Storage: s})
}

func block85(h, w, d int, m isa.Microblock) u85List {
	return u85List{isa.PutOFMBLKHeightM1U85(h - 1), isa.PutOFMBLKWidthM1U85(w - 1), isa.PutOFMBLKDepthM1U85(d - 1),
		isa.PutACCFormatU85(isa.ACCFormatU85Fields{Microblock: m})}
}

// common are registers that all kernels of the example have in common.
func common85() u85List {
	unit := isa.OFMScaleU85Fields{Scale: 1}
	return u85List{isa.PutKernelHeightM1(0), isa.PutKernelWidthM1(0), isa.PutKernelStride(isa.KernelStrideFields{}), isa.PutIFMPadTop(0), isa.PutIFMPadLeft(0),
		isa.PutIFMPadBottom(0), isa.PutIFMPadRight(0), isa.PutIFMUpscale(isa.UpscaleNone), isa.PutOFMScaleU85(unit), isa.PutIFMScale(isa.IFMScaleFields(unit)),
		isa.PutIFM2Scale(isa.IFM2ScaleFields(unit)), isa.PutActivationU85(isa.ActivationU85Fields{}), isa.PutActivationMin(0xFF80), isa.PutActivationMax(127),
		isa.PutBlockdepU85(0), isa.PutIFMBroadcast(0), isa.PutIFM2BroadcastU85(0),
		isa.PutIFMBase1(0), isa.PutIFMBase2(0), isa.PutIFMBase3(0), isa.PutOFMBase1(0), isa.PutOFMBase2(0), isa.PutOFMBase3(0)}
}

func indexOf85(at int64, gather bool) u85List {
	return u85List{isa.PutDMA0IdxRegion(0), isa.PutDMA0Idx(at), isa.PutDMA0IdxMax(3),
		isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1, StrideMode: 1, IdxMode: gather})}
}

// example85 returns the operations: registers, what stands between them and the operation,
// and the operation.
func example85() [u85End][3]u85List {
	conv, pool := block85(1, 4, 16, isa.Micro1x4), block85(1, 2, 16, isa.Micro1x2)
	cat := func(l ...u85List) u85List { return slices.Concat(l...) }
	var out [u85End][3]u85List
	out[u85Conv] = [3]u85List{cat(common85(), map85("ifm", 0, 1, 1, 32), map85("ofm", u85First, 1, 1, 16), conv, u85List{ofm85(false, isa.Tile2x2),
		isa.PutWeightRegion(0), isa.PutWeightBase(0), isa.PutScaleRegion(0), isa.PutScaleBase(u85Records), isa.PutScaleLength(160), isa.PutWeightFormat(isa.WeightFormatFields{})}),
		nil, {isa.PutConvU85(false)}}
	out[u85Table] = [3]u85List{{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}), isa.PutDMA0Src(u85Entries), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 3, RegionMode: true}),
		isa.PutDMA0Dst(256), isa.PutDMA0Len(256)}, nil, {{Code: isa.OpDMAStart}}}
	out[u85Add] = [3]u85List{cat(common85(), map85("ifm", u85First, 1, 1, 16), map85("ifm2", 256, 1, 1, 16), map85("ofm", 0, 1, 1, 16), conv, u85List{ofm85(true, isa.Chained), isa.PutOFMRegion(0)}),
		nil, {isa.PutElementwiseU85(isa.ElemAdd)}}
	chained := s8U85
	chained.Storage = isa.Chained
	out[u85Mul] = [3]u85List{cat(common85(), map85("ifm", 0, 1, 1, 16), u85List{isa.PutIFMPrecisionU85(chained), isa.PutIFMRegion(0)}, map85("ifm2", 512, 1, 1, 16),
		map85("ofm", u85Chained, 1, 1, 16), conv, u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncS8ToS8, Table: 1})}),
		{isa.PutDMAWaitU85(0)}, {isa.PutElementwiseU85(isa.ElemMul)}}
	out[u85Pool] = [3]u85List{cat(common85(), map85("ifm", u85Chained, 1, 1, 16), map85("ofm", u85Pooled, 1, 1, 16), pool), nil, {isa.PutPoolU85(isa.PoolMax)}}
	out[u85Gather] = [3]u85List{cat(indexOf85(u85Index, true), u85List{isa.PutDMA0Src(0), isa.PutDMA0SrcStride0(32), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 1}),
		isa.PutDMA0Dst(u85Rows), isa.PutDMA0DstStride0(24), isa.PutDMA0Len(24), isa.PutDMA0Size0(4)}), nil, {{Code: isa.OpDMAStart}}}
	out[u85Resize] = [3]u85List{cat(common85(), map85("ifm", u85Pooled, 1, 1, 16), map85("ofm", u85Resized, 1, 1, 16), pool, u85List{isa.PutIFM2ZeroPoint(0),
		isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 1, Shift: 16}), isa.PutResizeXScaleNM1(1), isa.PutResizeYScaleNM1(1), isa.PutResizeXOffset(0), isa.PutResizeYOffset(0),
		isa.PutResizeXStep(isa.ResizeXStepFields{OneStepMod: 1}), isa.PutResizeYStep(isa.ResizeYStepFields{OneStepMod: 1})}), nil, {isa.PutResize(isa.ResizeNearest)}}
	out[u85Matrix] = [3]u85List{cat(common85(), map85("ifm", 0, 1, 1, 32), map85("ifm2", 0, 1, 16, 32), map85("ofm", u85Product, 1, 1, 16), conv, u85List{isa.PutWeightFormat(isa.WeightFormatFields{})}),
		nil, {isa.PutConvU85(true)}}
	return out
}

// memory85 returns the regions of the example and the length of its weight stream.
func memory85(t *testing.T) (Regions, uint32) {
	t.Helper()
	content := make([]byte, 4096)
	w := make([]int16, 16*32)
	for i := range w {
		w[i] = int16(i%7) - 3
	}
	l := weights.LayoutU85{IFMBits: 8, MACs: 256, Cores: 1, OFMUBlockDepth: 8, OFMBlockDepth: 16, KH: 1, KW: 1, O: 16, I: 32}
	streams, err := weights.EncodeU85(w, l, false)
	if err != nil || len(streams[0]) > u85Records {
		t.Fatalf("%d bytes of weights: %v", len(streams[0]), err)
	}
	copy(content, streams[0])
	copy(content[u85Records:], weights.PackRecordsU85(make([]weights.RecordU85, 16), 8, false))
	for i := range 4 {
		binary.LittleEndian.PutUint32(content[u85Index+4*i:], uint32(3-i))
	}
	binary.LittleEndian.PutUint32(content[u85Index+256:], 4)
	return Regions{{Size: int64(len(content)), Constant: true, Content: content}, {Size: u85Arena, Defined: []Range{{0, 1024}}}}, uint32(len(streams[0]))
}

// brokenU85 is the example up to one operation with registers set once more, and the one
// finding that must come of it.
type brokenU85 struct {
	name   string
	op     int
	set    u85List
	as     u85List // instead of the operation
	first  u85List // in front of everything
	drop   isa.Code
	to     int // the last operation; 0: op, or the end of its chain
	region func(*Regions)
	rule   Rule
	want   string
	maybe  bool
	free   bool // the finding is of another command than an operation
}

func (b *brokenU85) words(t *testing.T, weightBytes uint32) (words []uint32, at [u85End + 8]int) {
	t.Helper()
	last := max(b.to, b.op)
	if last == u85Add {
		last = u85Mul
	}
	n := 0
	put := func(c isa.Command) {
		if b.drop != 0 && c.Code == b.drop {
			return
		}
		if c.Code == isa.OpConv || c.Code == isa.OpDMAStart || c.Code == isa.OpElementwise || c.Code == isa.OpPool || c.Code == isa.OpResize || c.Code == isa.OpDepthwise {
			at[n] = len(words)
			n++
		}
		words = c.Append(words)
	}
	for _, c := range b.first {
		put(c)
	}
	put(isa.PutWeightLength(weightBytes))
	for op, parts := range example85() {
		if op > last {
			break
		}
		for _, c := range parts[0] {
			put(c)
		}
		for _, c := range parts[1] {
			put(c)
		}
		if op == b.op {
			for _, c := range b.set {
				put(c)
			}
			if b.as != nil {
				parts[2] = b.as
			}
		}
		for _, c := range parts[2] {
			put(c)
		}
	}
	put(isa.PutStop(0xFFFF))
	return words, at
}

func acc85(f isa.ACCFormatU85Fields) isa.Command { return isa.PutACCFormatU85(f) }

func in85(bits isa.Precision, s isa.Storage) isa.Command {
	return isa.PutIFMPrecisionU85(isa.IFMPrecisionU85Fields{Type: true, Precision: bits, Storage: s})
}

func in285(bits isa.Precision, s isa.Storage) isa.Command {
	return isa.PutIFM2PrecisionU85(isa.IFM2PrecisionU85Fields{Type: true, Precision: bits, Storage: s})
}

func out85(f isa.OFMPrecisionU85Fields) isa.Command {
	f.Type, f.ScaleMode = true, true
	return isa.PutOFMPrecisionU85(f)
}

// end85 ends a chain that the operation before it left open, or goes on with it.
func step85(op isa.ElementwiseMode, from, to int) u85List {
	l := u85List{in85(isa.Bits8, isa.Chained), isa.PutIFMRegion(from), isa.PutActivationU85(isa.ActivationU85Fields{})}
	if to < 0 {
		l = append(l, out85(isa.OFMPrecisionU85Fields{}), isa.PutOFMRegion(1))
	} else {
		l = append(l, out85(isa.OFMPrecisionU85Fields{Storage: isa.Chained}), isa.PutOFMRegion(to))
	}
	return append(l, isa.PutElementwiseU85(op))
}

// withSigmoid puts the table of sigmoid behind the constants.
func withSigmoid(r *Regions) {
	at := func(i int) int { return int(math.Round(65536/(1+math.Exp(-float64(i)/24)))) - 32768 }
	for i := -256; i < 256; i++ {
		slope := at(i+1) - at(i)
		if i == -256 {
			slope = 1
		}
		r[0].Content = binary.LittleEndian.AppendUint32(r[0].Content, uint32(slope)<<16|uint32(uint16(max(at(i), -32767))))
	}
	// The example loads another table there.
	copy(r[0].Content[u85Entries:u85Entries+256], r[0].Content[4096+256:])
	r[0].Size = int64(len(r[0].Content))
}

var cat85 = slices.Concat[u85List]

var brokensU85 = []brokenU85{
	{name: "nothing", op: u85Matrix},
	// The stream and registers.
	{name: "irq", op: u85Conv, first: u85List{isa.PutIRQ(1)}, rule: RuleStream, want: "no inference of the U85 needs", free: true},
	{name: "field", op: u85Conv, first: u85List{{Code: isa.SetIFMBroadcast, Param: 9}}, rule: RuleStream, want: "broadcast=9 is not one of 0..8", free: true},
	{name: "another product's", op: u85Conv, first: u85List{{Code: isa.SetParallelMode}}, rule: RuleStream, want: "unknown opcode 0x123", free: true},
	{name: "decomposition", op: u85Conv, first: u85List{isa.PutKernelStride(isa.KernelStrideFields{Decomposition: true})}, rule: RuleStream, want: "expected 8x8 of the U85", free: true},
	{name: "branch", op: u85Conv, first: u85List{isa.PutBranch(isa.BranchFields{BranchTarget: 8})}, rule: RuleStream, want: "nothing here follows a branch", free: true, maybe: true},
	{name: "branch into a command", op: u85Conv, first: u85List{isa.PutBranch(isa.BranchFields{BranchTarget: 4})}, rule: RuleStream, want: "where no command", free: true},
	{name: "unset", op: u85Conv, drop: isa.SetACCFormat, rule: RuleRegister, want: "NPU_SET_ACC_FORMAT of the U85 is used"},
	{name: "unset scale", op: u85Conv, drop: isa.SetOFMScale, rule: RuleRegister, want: "NPU_SET_OFM_SCALE of the U85 is used"},
	{name: "unset of a transfer", op: u85Gather, drop: isa.SetDMA0IdxMax, rule: RuleRegister, want: "NPU_SET_DMA0_IDX_MAX of a transfer"},

	// Where feature maps lie.
	{name: "tiles of 3x1", op: u85Pool, set: u85List{in85(isa.Bits8, isa.Tile3x1)}, rule: RuleShape, want: "IFM lies in tiles of 3x1", maybe: true},
	{name: "OFM in tiles of 3x1", op: u85Pool, set: u85List{out85(isa.OFMPrecisionU85Fields{Storage: isa.Tile3x1})}, rule: RuleShape, want: "the OFM lies in tiles of 3x1", maybe: true},
	{name: "nowhere", op: u85Pool, set: u85List{in85(isa.Bits8, isa.NoStorage)}, rule: RuleShape, want: "IFM lies nowhere"},
	{name: "scalar in memory", op: u85Mul, set: u85List{isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(1)}, rule: RuleShape, want: "IFM2 is a scalar and lies in TILE2X2"},
	{name: "two scalars", op: u85Mul, set: u85List{isa.PutIFMBroadcast(isa.BroadcastScalar), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(1), in85(isa.Bits8, isa.NoStorage), in285(isa.Bits8, isa.NoStorage)},
		rule: RuleShape, want: "2 operands are scalars"},
	{name: "no output", op: u85Pool, set: u85List{out85(isa.OFMPrecisionU85Fields{Storage: isa.NoStorage})}, rule: RuleShape, want: "the OFM lies in NONE"},
	{name: "output and kept", op: u85Pool, set: u85List{acc85(isa.ACCFormatU85Fields{Microblock: isa.Micro1x2, AccOutput: isa.AccHold})}, rule: RuleShape, want: "expected both or none"},

	// Shapes.
	{name: "no input", op: u85Pool, set: u85List{isa.PutKernelHeightM1(2), isa.PutIFMPadTop(2), isa.PutIFMPadBottom(2)}, rule: RuleShape, want: "give an input of -1x1"},
	{name: "padding", op: u85Pool, set: u85List{isa.PutIFMPadTop(1), isa.PutOFMHeightM1(1), isa.PutOFMHeight0M1(1)}, rule: RuleShape, want: "expected less than the kernel's 1x1"},
	{name: "dilation", op: u85Pool, set: u85List{isa.PutKernelHeightM1(1), isa.PutIFMPadTop(1), isa.PutKernelStride(isa.KernelStrideFields{DilationY: 1})}, rule: RuleShape, want: "a kernel of 2x1 with dilation 2x1"},
	{name: "depth", op: u85Pool, set: u85List{isa.PutIFMDepthM1(14)}, rule: RuleShape, want: "IFM depth 15 of the U85, expected the OFM's 16"},
	{name: "sum", op: u85Pool, set: cat85(block85(1, 4, 16, isa.Micro1x4), u85List{isa.PutIFMDepthM1(15)}), as: u85List{isa.PutPoolU85(isa.PoolReduceSum)}, rule: RuleShape, want: "REDUCE_SUM of the U85 with OFM depth 16"},
	{name: "tile", op: u85Pool, set: u85List{isa.PutIFMWidth0M1(7)}, rule: RuleShape, want: "IFM tile 0 of the U85 is 1x8, the map 1x1"},
	{name: "OFM tile", op: u85Pool, set: u85List{isa.PutOFMWidth0M1(7)}, rule: RuleShape, want: "OFM tile 0 is 1x8, what is written 1x1"},
	{name: "broadcast", op: u85Mul, set: u85List{isa.PutIFM2BroadcastU85(isa.BroadcastH)}, rule: RuleShape, want: "IFM2 repeats a dimension"},
	{name: "resize step", op: u85Resize, set: u85List{isa.PutResizeXOffset(0x7FF)}, rule: RuleShape, want: "RESIZE in W: offset 2047"},
	{name: "resize upscaled", op: u85Resize, set: u85List{isa.PutIFMUpscale(isa.UpscaleNearest)}, rule: RuleShape, want: "RESIZE with IFM_UPSCALE 1"},

	// Types and scales.
	{name: "zero point", op: u85Pool, set: u85List{isa.PutIFMZeroPoint(200)}, rule: RuleType, want: "IFM zero point is 200, which S8 cannot have"},
	{name: "OFM zero point", op: u85Pool, set: u85List{isa.PutOFMZeroPoint(200)}, rule: RuleType, want: "OFM zero point 200 of S8"},
	{name: "scale mode", op: u85Mul, set: u85List{ofm85(false, isa.Tile2x2)}, rule: RuleType, want: "of an elementwise operation of the U85 is per channel"},
	{name: "scale mode of weights", op: u85Conv, set: u85List{ofm85(true, isa.Tile2x2)}, rule: RuleType, want: "scale_mode is global: true"},
	{name: "operands", op: u85Mul, set: u85List{isa.PutIFM2PrecisionU85(isa.IFM2PrecisionU85Fields{})}, rule: RuleType, want: "IFM2 type of the U85 is U8, expected the IFM's S8"},
	{name: "scaled operand", op: u85Mul, set: u85List{isa.PutIFMScale(isa.IFMScaleFields{Scale: 2})}, rule: RuleType, want: "IFM_SCALE is 2 >> 0"},
	{name: "scaled second operand", op: u85Mul, set: u85List{isa.PutIFM2Scale(isa.IFM2ScaleFields{Scale: 2})}, rule: RuleType, want: "IFM2_SCALE is 2 >> 0"},
	{name: "scaled shift", op: u85Mul, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 2})}, as: u85List{isa.PutElementwiseU85(isa.ElemSHR)}, rule: RuleType, want: "OFM_SCALE is 2 >> 0"},
	{name: "place in a byte", op: u85Pool, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 1, Shift: 16, RoundMode: isa.RoundDown})}, as: u85List{isa.PutPoolU85(isa.PoolArgmaxX)}, rule: RuleType, want: "the place of a maximum in S8"},
	{name: "clz", op: u85Mul, as: u85List{isa.PutElementwiseU85(isa.ElemCLZ)}, rule: RuleType, want: "CLZ of the U85 from S8 to S8"},
	{name: "clamp", op: u85Pool, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{}), isa.PutActivationMin(9), isa.PutActivationMax(8)}, rule: RuleType, want: "from 9 to 8 leaves no value of S8"},
	{name: "wide input", op: u85Matrix, set: u85List{in85(isa.Bits32, isa.Tile2x2), isa.PutIFMStrideX(128), isa.PutIFMStrideY(128), in285(isa.Bits32, isa.Tile2x2), isa.PutIFM2StrideX(32), isa.PutIFM2StrideY(32)}, rule: RuleType, want: "IFM type of the U85 is S32"},
	{name: "resize scale", op: u85Resize, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 1})}, rule: RuleType, want: "RESIZE scales by 1 >> 0"},
	{name: "matrix types", op: u85Matrix, set: u85List{in285(isa.Bits16, isa.Tile2x2), isa.PutIFM2Width0M1(15), isa.PutIFM2StrideX(32)}, rule: RuleType, want: "weights of S16 from IFM2, expected the IFM's S8"},
	{name: "matrix kernel", op: u85Matrix, set: u85List{isa.PutKernelStride(isa.KernelStrideFields{WeightOrder: true})}, rule: RuleType, want: "part kernel first: true"},
	{name: "preload", op: u85Conv, set: cat85(map85("ifm2", 0, 1, 1, 16), u85List{acc85(isa.ACCFormatU85Fields{Microblock: isa.Micro1x4, AccInput: isa.AccIFM2})}), rule: RuleType, want: "start from IFM2 of S8, expected 32 bits"},
	{name: "sum of 48 bits", op: u85Pool, set: cat85(map85("ifm", 0, 1, 1, 16), u85List{in85(isa.Bits32, isa.Tile2x2), isa.PutIFMStrideX(64), isa.PutIFMStrideY(64), isa.PutOFMDepthM1(0),
		acc85(isa.ACCFormatU85Fields{Microblock: isa.Micro1x4, AccFormat: isa.AccI48}), isa.PutOFMBLKWidthM1U85(3)}), as: u85List{isa.PutPoolU85(isa.PoolReduceSum)}, rule: RuleType, want: "accumulators of 48 bits"},
	{name: "transposed and reversed", op: u85Pool, set: u85List{out85(isa.OFMPrecisionU85Fields{Transpose: isa.TransposeWHC, Reverse: isa.ReverseH})}, rule: RuleType, want: "the OFM is transposed as WHC and reversed in H"},
	{name: "elementwise reversed", op: u85Resize, set: u85List{out85(isa.OFMPrecisionU85Fields{Reverse: isa.ReverseH})}, rule: RuleType, want: "which this operation cannot"},

	{name: "depth of operands", op: u85Add, set: u85List{isa.PutIFMDepthM1(7)}, rule: RuleShape, want: "IFM_DEPTH_M1 says 8 channels, expected the 16", to: u85Add},
	{name: "chain onto its input", op: u85Mul, set: u85List{isa.PutOFMBase0(264)}, rule: RuleOverlap, want: "overwrites an input of its chain", maybe: true},

	// What no source states.
	{name: "records of a pool", op: u85Pool, set: u85List{ofm85(false, isa.Tile2x2), isa.PutScaleRegion(0), isa.PutScaleBase(u85Records), isa.PutScaleLength(160)}, rule: RuleType, want: "scale records of a pool", maybe: true},
	{name: "upscaled pool", op: u85Pool, set: u85List{isa.PutIFMUpscale(isa.UpscaleZeros)}, rule: RuleType, want: "IFM_UPSCALE 2, which", maybe: true},
	{name: "scaled maximum", op: u85Pool, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 2})}, rule: RuleType, want: "a pool by MAX scales by 2 >> 0", maybe: true},
	{name: "wide average", op: u85Pool, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 1, RoundMode: isa.RoundHalfUp}), isa.PutKernelWidthM1(8), isa.PutIFMPadLeft(8)}, as: u85List{isa.PutPoolU85(isa.PoolAverage)}, rule: RuleShape, want: "an average over 1x9", maybe: true},
	{name: "bilinear", op: u85Resize, as: u85List{isa.PutResize(isa.ResizeBilinear)}, rule: RuleType, want: "RESIZE by BILINEAR", maybe: true},
	{name: "pool of nothing", op: u85Pool, as: u85List{isa.PutPoolU85(isa.PoolNone)}, rule: RuleType, want: "a pool by NONE with accumulators that start from RESET", maybe: true},
	{name: "tanh with a zero point", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits32, ScaleMode: true}),
		isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true}), isa.PutOFMStrideX(64), isa.PutOFMStrideY(64), isa.PutOFMZeroPoint(1)}, rule: RuleType, want: "OFM zero point 1 of S32", maybe: true},
	{name: "table of 32 bits", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncS16ToS32}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits32, ScaleMode: true}),
		isa.PutOFMStrideX(64), isa.PutOFMStrideY(64), isa.PutActivationMin(0)}, first: u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}), isa.PutDMA0Src(0), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{RegionMode: true}),
		isa.PutDMA0Dst(0), isa.PutDMA0Len(2048), {Code: isa.OpDMAStart}, isa.PutDMAWaitU85(0)}, rule: RuleTable, want: "function S16_S32 with OFM zero point 0", maybe: true, free: true},
	{name: "table of another function", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncTanh, ClipRange: true}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits16, ScaleMode: true}),
		isa.PutOFMStrideX(32), isa.PutOFMStrideY(32)}, first: u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}), isa.PutDMA0Src(0), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{RegionMode: true}),
		isa.PutDMA0Dst(0), isa.PutDMA0Len(2048), {Code: isa.OpDMAStart}, isa.PutDMAWaitU85(0)}, rule: RuleTable, want: "entry 0 of the table of TANH", maybe: true, free: true, region: nil},
	{name: "table of sigmoid for tanh", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncTanh, ClipRange: true}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits16, ScaleMode: true}),
		isa.PutOFMStrideX(32), isa.PutOFMStrideY(32)}, first: u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}), isa.PutDMA0Src(4096), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{RegionMode: true}),
		isa.PutDMA0Dst(0), isa.PutDMA0Len(2048), {Code: isa.OpDMAStart}, isa.PutDMAWaitU85(0)}, rule: RuleTable, want: "begins with a slope of 1", maybe: true, free: true, region: withSigmoid},
	{name: "table that is computed", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncTanh, ClipRange: true}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits16, ScaleMode: true}),
		isa.PutOFMStrideX(32), isa.PutOFMStrideY(32)}, first: u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1}), isa.PutDMA0Src(6144), isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{RegionMode: true}),
		isa.PutDMA0Dst(0), isa.PutDMA0Len(2048), {Code: isa.OpDMAStart}, isa.PutDMAWaitU85(0)}, rule: RuleTable, want: "the table of TANH at 0x0 is not constant", maybe: true, free: true, region: func(r *Regions) { r[1].Defined = append(r[1].Defined, Range{6144, 8192}) }},
	{name: "unsigned words", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true}), isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Precision: isa.Bits32, ScaleMode: true}), isa.PutOFMStrideX(64), isa.PutOFMStrideY(64)},
		rule: RuleType, want: "an OFM of U32", maybe: true},
	{name: "scaled minimum", op: u85Mul, set: u85List{isa.PutOFMScaleU85(isa.OFMScaleU85Fields{Scale: 2})}, as: u85List{isa.PutElementwiseU85(isa.ElemMin)}, rule: RuleType, want: "OFM_SCALE is 2 >> 0 with MIN", maybe: true},
	{name: "comparison", op: u85Mul, as: u85List{isa.PutElementwiseU85(isa.ElemCmpEQ)}, rule: RuleType, want: "CMP_EQ: nothing known", maybe: true},
	{name: "bits of a zero point", op: u85Mul, set: u85List{isa.PutIFM2ZeroPoint(1)}, as: u85List{isa.PutElementwiseU85(isa.ElemXor)}, rule: RuleType, want: "zero points 0 and 1 with XOR", maybe: true},
	{name: "chain repeated", op: u85Mul, set: u85List{isa.PutIFMBroadcast(isa.BroadcastH)}, rule: RuleChain, want: "IFM repeats a chaining buffer", maybe: true},
	{name: "chain reshaped", op: u85Mul, set: u85List{isa.PutOFMWidthM1(1), isa.PutOFMWidth0M1(1), isa.PutOFMDepthM1(7), isa.PutIFM2Width0M1(1)}, rule: RuleChain, want: "as 1x2x8, where operation 2 writes 1x1x16", maybe: true},
	{name: "chain twice", op: u85Mul, set: u85List{in285(isa.Bits8, isa.Chained), isa.PutIFM2Region(0)}, rule: RuleChain, want: "both operands are in chaining buffers", maybe: true},
	{name: "indices by planes", op: u85Gather, set: cat85(u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: 1, IdxMode: true})}), rule: RuleDMA, want: "4 rows in 1 planes by a list of indices with stride mode 0", maybe: true},
	{name: "crooked table", op: u85Table, set: u85List{isa.PutDMA0Dst(8)}, rule: RuleDMA, want: "1 rows of 256 bytes to 0x8", maybe: true},

	// Blocks.
	{name: "no such micro-block", op: u85Pool, set: block85(4, 4, 16, isa.Micro4x4), rule: RuleBlock, want: "micro-block 4x4, expected one of [1x2x16 1x4x8 2x2x8]"},
	{name: "micro-block of another kind", op: u85Pool, set: block85(1, 4, 16, isa.Micro1x4), rule: RuleBlock, want: "micro-block 1x4x8 with an IFM of S8, which this operation cannot have"},
	{name: "matrix micro-block", op: u85Matrix, set: block85(1, 2, 16, isa.Micro1x2), rule: RuleBlock, want: "micro-block 1x2x16 with an IFM of S8"},
	{name: "odd block", op: u85Pool, set: block85(1, 3, 16, isa.Micro1x2), rule: RuleBlock, want: "block 1x3x16, expected multiples of the micro-block 1x2x16"},
	{name: "block depth", op: u85Pool, set: block85(1, 2, 24, isa.Micro1x2), rule: RuleBlock, want: "a block 24 channels deep of 16"},
	{name: "shallow block", op: u85Matrix, set: block85(1, 4, 8, isa.Micro1x4), rule: RuleBlock, want: "a block 8 channels deep of 16"},
	{name: "accumulators", op: u85Matrix, set: block85(4, 16, 80, isa.Micro1x4), rule: RuleBlock, want: "has 20480 bytes of accumulators, expected at most 16384"},
	{name: "input block", op: u85Pool, set: cat85(block85(16, 16, 16, isa.Micro1x2), map85("ifm", 0, 40, 40, 16), map85("ofm", u85Pooled, 14, 14, 16),
		u85List{isa.PutKernelStride(isa.KernelStrideFields{StrideXMSB: 1, StrideYMSB: 1}), isa.PutIFMBase0(0), isa.PutIFMStrideY(0), isa.PutIFMStrideX(16)}), rule: RuleBlock, want: "bytes of input, expected at most 16384"},
	{name: "resize block", op: u85Resize, set: block85(2, 2, 16, isa.Micro1x2), rule: RuleBlock, want: "block 2x2x16 of RESIZE"},
	{name: "reversed depth", op: u85Pool, set: cat85(block85(1, 2, 32, isa.Micro1x2), u85List{out85(isa.OFMPrecisionU85Fields{Reverse: isa.ReverseC})}), rule: RuleBlock, want: "32 channels deep that is reversed in depth"},
	{name: "transposed block", op: u85Pool, set: cat85(block85(1, 2, 256, isa.Micro1x2), u85List{out85(isa.OFMPrecisionU85Fields{Transpose: isa.TransposeHCW}), isa.PutOFMWidth0M1(0)}), rule: RuleBlock, want: "is written as 1x256x2"},
	{name: "bricks of a transposed block", op: u85Pool, set: u85List{out85(isa.OFMPrecisionU85Fields{Transpose: isa.TransposeHCW, Format: isa.NHCWB16}), isa.PutOFMWidth0M1(0), isa.PutOFMStrideX(16)}, rule: RuleBlock, want: "is written with 2 channels in bricks"},
	{name: "left in the accumulators", op: u85Pool, to: u85Gather, set: u85List{out85(isa.OFMPrecisionU85Fields{Storage: isa.NoStorage}), acc85(isa.ACCFormatU85Fields{Microblock: isa.Micro1x2, AccOutput: isa.AccHold})},
		rule: RuleBlock, want: "left its result in the accumulators", free: true},
	{name: "kept", op: u85Pool, set: u85List{acc85(isa.ACCFormatU85Fields{Microblock: isa.Micro1x2, AccInput: isa.AccKeep})}, rule: RuleBlock, want: "nothing known says when that holds", maybe: true},

	// Weights, records, tables.
	{name: "no weights", op: u85Conv, set: u85List{isa.PutWeightLength(0)}, rule: RuleWeights, want: "core 0 of the U85 has no weight stream"},
	{name: "weights of another block", op: u85Conv, set: u85List{isa.PutIFMDepthM1(99), isa.PutIFMStrideX(100), isa.PutIFMStrideY(100)}, rule: RuleWeights, want: "expected 2048"},
	{name: "fast weights", op: u85Conv, set: u85List{isa.PutWeightFormat(isa.WeightFormatFields{Format: isa.WeightsFWD})}, rule: RuleWeights, want: "for FWD:"},
	{name: "fast depthwise", op: u85Conv, set: cat85(block85(1, 2, 16, isa.Micro1x2), u85List{isa.PutIFMDepthM1(15), isa.PutWeightFormat(isa.WeightFormatFields{Sparsity: true})}), as: u85List{{Code: isa.OpDepthwise}}, rule: RuleWeights, want: "depthwise weights for SWD, sparse true"},
	{name: "crooked weights", op: u85Conv, set: u85List{isa.PutWeightLength(0x1F8)}, rule: RuleAlignment, want: "the U85's weight stream of core 0"},
	{name: "records short", op: u85Conv, set: u85List{isa.PutScaleLength(144)}, rule: RuleWeights, want: "144 bytes of records, expected 160 for 16 channels"},
	{name: "records are none", op: u85Conv, set: u85List{isa.PutScaleBase(0)}, rule: RuleWeights, want: "records at 0x0"},
	{name: "crooked records", op: u85Conv, set: u85List{isa.PutScaleBase(u85Records + 8)}, rule: RuleAlignment, want: "the records of the U85 at 0x408"},
	{name: "no table", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncS8ToS8, Table: 2})}, rule: RuleTable, want: "table 2 at 0x200 is not loaded"},
	{name: "table outside", op: u85Mul, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncS8ToS8, Table: 7}), isa.PutActivationU85(isa.ActivationU85Fields{Function: isa.FuncS8ToS32, Table: 2}),
		isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits32, ScaleMode: true}), isa.PutOFMStrideX(64), isa.PutOFMStrideY(64)}, rule: RuleTable, want: "table 2 of 1024 bytes ends at 3072"},
	{name: "table type", op: u85Mul, set: u85List{isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: true, Precision: isa.Bits16, ScaleMode: true}), isa.PutOFMStrideX(32), isa.PutOFMStrideY(32)}, rule: RuleTable, want: "function S8_S8 with an OFM of S16"},

	// Chains.
	{name: "pool of a chain", op: u85Pool, set: u85List{in85(isa.Bits8, isa.Chained)}, rule: RuleChain, want: "which elementwise operations alone can read"},
	{name: "chain begins with RESIZE", op: u85Resize, set: u85List{out85(isa.OFMPrecisionU85Fields{Storage: isa.Chained})}, rule: RuleChain, want: "a chain cannot begin with it"},
	{name: "chain's buffer", op: u85Mul, set: u85List{isa.PutIFMRegion(1)}, rule: RuleChain, want: "chaining buffer 1, which is not that"},
	{name: "chain's type", op: u85Mul, set: u85List{in85(isa.Bits16, isa.Chained), in285(isa.Bits16, isa.Tile2x2), isa.PutIFM2StrideX(32), isa.PutIFM2StrideY(32)}, rule: RuleChain, want: "IFM reads S16 from chaining buffer 0"},
	{name: "chain's shape", op: u85Mul, set: u85List{isa.PutOFMDepthM1(7)}, rule: RuleChain, want: "of 16 elements for an OFM of 8"},
	{name: "chain transposed", op: u85Mul, set: u85List{out85(isa.OFMPrecisionU85Fields{Transpose: isa.TransposeHCW}), isa.PutOFMWidth0M1(0), isa.PutOFMBLKWidthM1U85(3)}, rule: RuleChain, want: "in a chain, expected neither"},
	{name: "chain's block", op: u85Mul, set: block85(1, 8, 16, isa.Micro1x4), rule: RuleChain, want: "block 1x8x16 with micro-block 1x4, expected 1x4x16"},
	{name: "chain left", op: u85Mul, as: u85List{{Code: isa.OpDMAStart}}, set: u85List{isa.PutDMA0Dst(512)}, rule: RuleChain, want: "the chain before it has not written"},
	{name: "chain overtaken", op: u85Mul, set: u85List{in85(isa.Bits8, isa.Tile2x2), isa.PutIFMRegion(1), isa.PutIFMBase0(0)}, rule: RuleChain, want: "it reads nothing of the chain that operation 2 begins"},
	{name: "chain's BLOCKDEP", op: u85Mul, set: u85List{isa.PutBlockdepU85(1)}, rule: RuleBlockdep, want: "BLOCKDEP is 1 in a chain"},
	{name: "unclamped sum of bytes", op: u85Add, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true})}, rule: RuleOverflow, want: "results may be -256 to 254, expected -128 to 127 where the U85 clamps nothing", maybe: true},
	{name: "unclamped product of a sum", op: u85Mul, set: u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(3), isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true})},
		rule: RuleOverflow, want: "results may be -384 to 381", maybe: true},
	{name: "unclamped copy", op: u85Mul, set: u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(1), isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true})}},
	{name: "unclamped maximum", op: u85Pool, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true})}},
	{name: "unclamped sums that are scaled to nothing", op: u85Conv, set: u85List{isa.PutActivationU85(isa.ActivationU85Fields{ClipRange: true})}},
	{name: "accumulators that overflow", op: u85Conv, region: func(r *Regions) {
		list := make([]weights.RecordU85, 16)
		list[3].Bias = 1<<31 - 1
		copy((*r)[0].Content[u85Records:], weights.PackRecordsU85(list, 8, false))
	}, rule: RuleOverflow, want: "sums may be ", maybe: true},
	{name: "bits that are shifted out", op: u85Mul, set: u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(30)}, as: u85List{isa.PutElementwiseU85(isa.ElemSHL)},
		rule: RuleOverflow, want: "values shifted left may be -137438953472 to 136365211648", maybe: true},
	{name: "few bits that are not", op: u85Mul, set: u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(24)}, as: u85List{isa.PutElementwiseU85(isa.ElemSHL)}},
	{name: "shift by 40", op: u85Mul, set: u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(40)}, as: u85List{isa.PutElementwiseU85(isa.ElemSHR)},
		rule: RuleOverflow, want: "shifts are 40 to 40, expected 0 to 31 bits of the U85"},
	{name: "long chain", op: u85Mul, as: cat85(u85List{in285(isa.Bits8, isa.NoStorage), isa.PutIFM2BroadcastU85(isa.BroadcastScalar), isa.PutOpScalar(3)},
		step85(isa.ElemMul, 0, 1), step85(isa.ElemMul, 1, 2), step85(isa.ElemMul, 2, 3), step85(isa.ElemMul, 3, -1)), rule: RuleChain, want: "it is operation 5 of a chain", maybe: true, free: true},
	{name: "inputs of a chain", op: u85Mul, as: cat85(step85(isa.ElemMul, 0, 1), step85(isa.ElemMul, 1, -1)), rule: RuleChain, want: "the chain has 4 inputs from memory", maybe: true, free: true},

	// Memory and order.
	{name: "in place", op: u85Pool, set: u85List{isa.PutOFMBase0(u85Chained + 8)}, rule: RuleOverlap, want: "the OFM overwrites the IFM of the U85"},
	{name: "BLOCKDEP", op: u85Pool, set: u85List{isa.PutBlockdepU85(1)}, rule: RuleBlockdep, want: "BLOCKDEP of the U85 is 1, expected at most 0"},
	{name: "no wait", op: u85Mul, drop: isa.OpDMAWait, rule: RuleWait, want: "with the U85 NPU_OP_DMA_WAIT 0 or less is expected"},
	{name: "no wait for a kernel", op: u85Gather, set: u85List{isa.PutDMA0Dst(u85Pooled)}, rule: RuleWait, want: "NPU_OP_KERNEL_WAIT 0 or less"},
	{name: "nothing written", op: u85Pool, set: u85List{isa.PutIFMBase0(u85Spare)}, rule: RuleUndefined, want: "IFM reads byte 7168 of region 1"},

	// Transfers.
	{name: "length", op: u85Gather, set: u85List{isa.PutDMA0Len(0)}, rule: RuleDMA, want: "length of a transfer of the U85 is 0"},
	{name: "rows", op: u85Gather, set: u85List{isa.PutDMA0Size0(0)}, rule: RuleDMA, want: "0 rows in 1 planes of the U85"},
	{name: "gather and scatter", op: u85Gather, set: u85List{isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 1, IdxMode: true})}, rule: RuleDMA, want: "both sides go by the list"},
	{name: "from the tables", op: u85Gather, set: u85List{isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{RegionMode: true})}, rule: RuleDMA, want: "the source is the memory of tables"},
	{name: "source outside", op: u85Gather, set: u85List{isa.PutDMA0Src(8112)}, rule: RuleRegion, want: "DMA source takes bytes 8112 to 8232 of region 1, which has 8192"},
	{name: "destination outside", op: u85Gather, set: u85List{isa.PutDMA0Dst(8112)}, rule: RuleRegion, want: "DMA destination takes bytes 8112 to 8208 of region 1"},
	{name: "behind the tables", op: u85Table, set: u85List{isa.PutDMA0Dst(1920)}, rule: RuleDMA, want: "bytes 0x780 to 0x880 of the memory of tables, which has 2048"},
	{name: "index", op: u85Gather, set: u85List{isa.PutDMA0Idx(u85Index + 256)}, rule: RuleDMA, want: "index 0 is 4, expected 0 to 3"},
	{name: "crooked indices", op: u85Gather, set: u85List{isa.PutDMA0Idx(u85Index + 513)}, rule: RuleAlignment, want: "the list of indices at 0xe01"},
	{name: "unknown indices", op: u85Gather, set: u85List{isa.PutDMA0IdxRegion(1), isa.PutDMA0Idx(0)}, rule: RuleDMA, want: "the list of indices at 0x0 is not constant", maybe: true},
	{name: "to constants", op: u85Gather, set: u85List{isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{}), isa.PutDMA0Dst(0)}, rule: RuleRegion, want: "DMA of the U85 writes to region 0"},
	{name: "transfer onto itself", op: u85Gather, set: u85List{isa.PutDMA0Dst(100)}, rule: RuleOverlap, want: "source and destination of a transfer of the U85 overlap"},
}

// outOfReachU85 are findings that are also those of another rule, or need an own stream.
var outOfReachU85 = []string{
	"%v", "%s",
	"core %d has %d bytes of weights beside the stream of the fast decoder, expected 0", // see TestFastStreamAlone
	"the OFM overwrites the operation's weights or records",                             // which are constants
	"byte %d of region %d, in weights or records at %d, was never written",              // likewise
}

// TestRulesU85 breaks one rule of the U85 at a time, and requires exactly the finding of
// that rule, at the word of the command at fault. Every finding that the verifier can make
// of a stream of the U85 must have been made.
func TestRulesU85(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u85-256")
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, b := range brokensU85 {
		r, n := memory85(t)
		words, at := b.words(t, n)
		if b.region != nil {
			b.region(&r)
		}
		all := Stream(a, words, r).All()
		for _, f := range all {
			made = append(made, f.Msg)
		}
		if b.rule == "" {
			if len(all) > 0 {
				t.Errorf("%s: %v", b.name, all)
			}
			continue
		}
		if len(all) != 1 || all[0].Rule != b.rule || !strings.Contains(all[0].Msg, b.want) || !b.free && all[0].Word != at[b.op] || all[0].Unproven != b.maybe {
			t.Errorf("%s: %v\nexpected one finding of %s at word %d: ...%s...", b.name, all, b.rule, at[b.op], b.want)
		}
	}
	for format, file := range formats(t) {
		if !strings.HasPrefix(file, "u85") || slices.Contains(outOfReachU85, format) {
			continue
		}
		re := regexp.MustCompile("^" + regexp.MustCompile(`%#?[a-z]`).ReplaceAllString(regexp.QuoteMeta(format), ".*") + "$")
		if !slices.ContainsFunc(made, re.MatchString) {
			t.Errorf("%s: no stream here leads to the finding %q", file, format)
		}
	}
}

// TestFastStreamAlone: on two cores the fast decoder reads one stream, and no core another.
func TestFastStreamAlone(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u85-512")
	if err != nil {
		t.Fatal(err)
	}
	l := weights.LayoutU85{IFMBits: 8, MACs: 512, Cores: 2, OFMUBlockDepth: 16, OFMBlockDepth: 16, KH: 1, KW: 1, O: 16, I: 32}
	streams, err := weights.EncodeU85(make([]int16, 16*32), l, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []uint32{0, 16} {
		r, _ := memory85(t)
		copy(r[0].Content, streams[0])
		b := brokenU85{op: u85Conv, set: u85List{isa.PutWeightFormat(isa.WeightFormatFields{Format: isa.WeightsFWD}), isa.PutWeight1Length(second)}}
		words, at := b.words(t, uint32(len(streams[0])))
		all := Stream(a, words, r).All()
		if second == 0 && len(all) > 0 {
			t.Errorf("one stream: %v", all)
		}
		if second > 0 && (len(all) != 1 || all[0].Rule != RuleWeights || all[0].Word != at[0] || !strings.Contains(all[0].Msg, "core 1 has 16 bytes of weights beside")) {
			t.Errorf("two streams: %v", all)
		}
	}
}
