// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everyU85 sets each register that operations of the U85 read to a value that no other has.
func everyU85() []Command {
	return []Command{
		PutIFMPadTop(1), PutIFMPadLeft(2), PutIFMPadRight(3), PutIFMPadBottom(4), PutIFMDepthM1(50), PutIFMZeroPoint(0xFFF0), PutIFMWidth0M1(9), PutIFMHeight0M1(10), PutIFMHeight1M1(11), PutIFMRegion(3),
		PutIFMPrecisionU85(IFMPrecisionU85Fields{Type: true, Precision: Bits16, Format: NHCWB16}), PutIFMUpscale(UpscaleNone),
		PutIFMBase0(100), PutIFMBase1(101), PutIFMBase2(102), PutIFMBase3(103), PutIFMStrideX(110), PutIFMStrideY(111), PutIFMStrideC(112),
		PutIFM2ZeroPoint(7), PutIFM2Width0M1(12), PutIFM2Height0M1(13), PutIFM2Height1M1(14), PutIFM2Region(5), PutIFM2PrecisionU85(IFM2PrecisionU85Fields{Precision: Bits8, Storage: Chained}),
		PutIFM2Base0(120), PutIFM2Base1(121), PutIFM2Base2(122), PutIFM2Base3(123), PutIFM2StrideX(-130), PutIFM2StrideY(131), PutIFM2StrideC(132),
		PutOFMWidthM1(20), PutOFMHeightM1(30), PutOFMDepthM1(40), PutOFMZeroPoint(17), PutOFMWidth0M1(18), PutOFMHeight0M1(19), PutOFMHeight1M1(21), PutOFMRegion(4),
		PutOFMPrecisionU85(OFMPrecisionU85Fields{Type: true, Precision: Bits32, ScaleMode: true, Transpose: TransposeWHC, Reverse: ReverseNone}),
		PutOFMBase0(140), PutOFMBase1(141), PutOFMBase2(142), PutOFMBase3(143), PutOFMStrideX(150), PutOFMStrideY(151), PutOFMStrideC(152),
		PutOFMBLKHeightM1U85(22), PutOFMBLKWidthM1U85(23), PutOFMBLKDepthM1U85(24), PutKernelHeightM1(8), PutKernelWidthM1(4),
		PutKernelStride(KernelStrideFields{StrideXLSB: 1}), PutACCFormatU85(ACCFormatU85Fields{AccFormat: AccI48, Microblock: Micro2x4}), PutBlockdepU85(6),
		PutOFMScaleU85(OFMScaleU85Fields{Shift: 5, DblRnd: 6, RoundMode: RoundDown, Scale: 7}), PutIFMScale(IFMScaleFields{Shift: 8, DblRnd: 9, RoundMode: RoundHalfUp, Scale: 10}),
		PutIFM2Scale(IFM2ScaleFields{Shift: 11, DblRnd: 12, RoundMode: RoundDouble, Scale: 13}), PutActivationU85(ActivationU85Fields{Function: FuncS8ToS16, Table: 3}), PutActivationMin(14), PutActivationMax(15),
		PutIFMBroadcast(BroadcastW), PutIFM2BroadcastU85(BroadcastH), PutOpScalar(0xFFFFFFF6),
		PutWeightRegion(6), PutWeightBase(1000), PutWeightLength(16), PutWeight1Base(2000), PutWeight1Length(32), PutWeight2Base(3000), PutWeight2Length(48), PutWeight3Base(4000), PutWeight3Length(64),
		PutWeightFormat(WeightFormatFields{Sparsity: true}), PutScaleRegion(2), PutScaleBase(5000), PutScaleLength(80),
		PutResizeYScaleNM1(60), PutResizeXScaleNM1(61), PutResizeYOffset(0xFFE), PutResizeXOffset(3),
		PutResizeYStep(ResizeYStepFields{OneStepInt: 1, OneStepMod: 2, BlkStepInt: 3, BlkStepMod: 4}), PutResizeXStep(ResizeXStepFields{OneStepInt: 5, OneStepMod: 6, BlkStepInt: 7, BlkStepMod: 8}),
	}
}

// operationU85 is an operation behind registers that are set.
func operationU85(t *testing.T, list ...Command) *Operation {
	t.Helper()
	var last *Operation
	if err := U85.WalkAll(Encode(append(slices.Clone(list), PutStop(0xFFFF))), func(Instruction) error { return nil }, func(o *Operation) error {
		if o.Op != OpStop {
			last = o
		}
		return nil
	}); err != nil || last == nil {
		t.Fatalf("%v, %v", last, err)
	}
	return last
}

// TestKernelU85: what every operation of the U85 sees of the registers.
func TestKernelU85(t *testing.T) {
	s16, s32, u8 := DType{Signed: true, Bits: 16}, DType{Signed: true, Bits: 32}, DType{Bits: 8}
	ifm := MapU85{Buffer: 3, FeatureMap: FeatureMap{Region: 3, Base: [4]uint64{100, 101, 102, 103}, Height0: 11, Height1: 12, Width0: 10, H: 31, W: 21, C: 41, StrideY: 111, StrideX: 110, StrideC: 112, ZeroPoint: -16, Type: s16, Format: NHCWB16}}
	ifm2 := MapU85{Storage: Chained, Buffer: 5, FeatureMap: FeatureMap{Region: 5, Base: [4]uint64{120, 121, 122, 123}, Height0: 14, Height1: 15, Width0: 13, H: 31, W: 21, C: 41, StrideY: 131, StrideX: -130, StrideC: 132, ZeroPoint: 7, Type: u8}}
	base := KernelU85{H: 23, W: 24, D: 25, Dep: 6, Acc: AccumulatorsU85{Format: AccI48, Micro: Micro2x4}, Global: true, OFMScale: ScaleU85{7, 5, 6, RoundDown}, Transpose: TransposeWHC,
		Activation: ActivationU85{Function: FuncS8ToS16, Table: 3, Clip: true, Min: 14, Max: 15}, IFM: ifm,
		OFM: MapU85{Buffer: 4, FeatureMap: FeatureMap{Region: 4, Base: [4]uint64{140, 141, 142, 143}, Height0: 20, Height1: 22, Width0: 19, H: 31, W: 21, C: 41, StrideY: 151, StrideX: 150, StrideC: 152, ZeroPoint: 17, Type: s32}}}
	window := Kernel{H: 9, W: 5, StrideY: 1, StrideX: 2, DilationY: 1, DilationX: 1, DilatedH: 9, DilatedW: 5, Top: 1, Left: 2, Right: 3, Bottom: 4}
	point := Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	scaled := func(k *KernelU85) {
		k.IFMScale, k.IFM2Scale, k.Scalar, k.Window = ScaleU85{10, 8, 9, RoundHalfUp}, ScaleU85{13, 11, 12, RoundDouble}, -10, point
		k.IFM.Broadcast, k.IFM.W = BroadcastW, 1
	}
	windowed := func(k *KernelU85) { // 30 + 9 - 1 - 4 rows, 2*20 + 5 - 2 - 3 columns
		k.Window, k.IFM.H, k.IFM.W, k.IFM.C = window, 34, 40, 51
	}
	weights := func(k *KernelU85) {
		k.Sparse = true
		k.Weights = [4]Span{{6, 1000, 1016}, {6, 2000, 2032}, {6, 3000, 3048}, {6, 4000, 4064}}
	}
	for _, c := range []struct {
		name string
		set  []Command
		want func(k *KernelU85)
	}{
		{"ADD", []Command{PutElementwiseU85(ElemAdd)}, func(k *KernelU85) {
			scaled(k)
			k.Op, k.Elem, k.IFM2 = OpElementwise, ElemAdd, ifm2
			k.IFM2.Broadcast, k.IFM2.H = BroadcastH, 1
		}},
		{"ADD of a repeated channel and a scalar", []Command{PutIFMBroadcast(BroadcastC), PutIFM2BroadcastU85(BroadcastScalar), PutElementwiseU85(ElemAdd)}, func(k *KernelU85) {
			scaled(k)
			k.Op, k.Elem, k.IFM2 = OpElementwise, ElemAdd, ifm2
			k.IFM.Broadcast, k.IFM.W, k.IFM.C = BroadcastC, 21, 1
			k.IFM2.Broadcast, k.IFM2.H, k.IFM2.W, k.IFM2.C = BroadcastScalar, 1, 1, 1
		}},
		{"ABS", []Command{PutElementwiseU85(ElemAbs)}, func(k *KernelU85) { scaled(k); k.Op, k.Elem = OpElementwise, ElemAbs }},
		{"MAX", []Command{PutPoolU85(PoolMax)}, func(k *KernelU85) { windowed(k); k.Op, k.Pool = OpPool, PoolMax }},
		{"MAX of what is repeated", []Command{PutIFMUpscale(UpscaleNearest), PutIFMPadTop(2), PutPoolU85(PoolMax)}, func(k *KernelU85) {
			windowed(k)
			k.Op, k.Pool, k.Upscale, k.Window.Top, k.IFM.H, k.IFM.W = OpPool, PoolMax, UpscaleNearest, 2, 17, 20 // 33 rows, of which the last is a half
		}},
		{"NONE from IFM2", []Command{PutACCFormatU85(ACCFormatU85Fields{AccInput: AccIFM2, AccOutput: AccHold}), PutPoolU85(PoolNone)}, func(k *KernelU85) {
			windowed(k)
			k.Op, k.Pool, k.Acc, k.IFM2 = OpPool, PoolNone, AccumulatorsU85{Input: AccIFM2, Hold: true}, ifm2
		}},
		{"a pool by records", []Command{PutOFMPrecisionU85(OFMPrecisionU85Fields{Type: true, Precision: Bits32}), PutActivationU85(ActivationU85Fields{ClipRange: true}), PutPoolU85(PoolSum)}, func(k *KernelU85) {
			windowed(k)
			k.Op, k.Pool, k.Global, k.Transpose, k.Records, k.Activation = OpPool, PoolSum, false, 0, Span{2, 5000, 5080}, ActivationU85{Min: 14, Max: 15}
		}},
		{"CONV", []Command{PutConvU85(false)}, func(k *KernelU85) { windowed(k); weights(k); k.Op = OpConv }},
		{"CONV of the fast decoder", []Command{PutWeightFormat(WeightFormatFields{Format: WeightsFWD}), PutConvU85(false)}, func(k *KernelU85) {
			windowed(k)
			k.Op, k.Format, k.Weights[0] = OpConv, WeightsFWD, Span{6, 1000, 1016}
		}},
		{"CONV with IFM2", []Command{PutConvU85(true)}, func(k *KernelU85) {
			windowed(k)
			k.Op, k.MatMul, k.IFM2 = OpConv, true, ifm2
			k.IFM2.H, k.IFM2.W, k.IFM2.C = 1, 41, 51
		}},
		{"DEPTHWISE by records", []Command{PutOFMPrecisionU85(OFMPrecisionU85Fields{Type: true, Precision: Bits32, Reverse: ReverseC}), {Code: OpDepthwise}}, func(k *KernelU85) {
			windowed(k)
			weights(k)
			k.Op, k.Global, k.Transpose, k.Reverse, k.Records = OpDepthwise, false, 0, ReverseC, Span{2, 5000, 5080}
		}},
		{"RESIZE", []Command{PutResize(ResizeNearest)}, func(k *KernelU85) {
			k.Op, k.Mode, k.Window, k.IFM.H, k.IFM.W, k.IFM.C = OpResize, ResizeNearest, point, 9, 5, 51
			k.Resize = [2]ResizeU85{{61, -2, 1, 2, 3, 4}, {62, 3, 5, 6, 7, 8}}
		}},
	} {
		want := base
		c.want(&want)
		got := operationU85(t, append(everyU85(), c.set...)...).KernelU85()
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%s (-expected +got):\n%s", c.name, d)
		}
	}
}

// TestQuestionsU85: what follows from the kind of an operation.
func TestQuestionsU85(t *testing.T) {
	for _, c := range []struct {
		name                              string
		k                                 KernelU85
		ifm2, weights, records, sums, one bool
	}{
		{"CONV", KernelU85{Op: OpConv}, false, true, true, true, false}, {"CONV by one scale", KernelU85{Op: OpConv, Global: true}, false, true, false, true, false},
		{"CONV with IFM2", KernelU85{Op: OpConv, MatMul: true, Global: true}, true, false, false, true, false}, {"CONV from IFM2", KernelU85{Op: OpConv, Acc: AccumulatorsU85{Input: AccIFM2}}, true, true, true, true, false},
		{"DEPTHWISE", KernelU85{Op: OpDepthwise}, false, true, true, false, false}, {"MAX", KernelU85{Op: OpPool, Pool: PoolMax, Global: true}, false, false, false, false, false},
		{"a pool by records", KernelU85{Op: OpPool, Pool: PoolSum}, false, false, true, false, false}, {"REDUCE_SUM", KernelU85{Op: OpPool, Pool: PoolReduceSum, Global: true}, false, false, false, true, false},
		{"ADD", KernelU85{Op: OpElementwise, Elem: ElemAdd}, true, false, false, false, false}, {"ABS", KernelU85{Op: OpElementwise, Elem: ElemAbs}, false, false, false, false, true},
		{"LRELU", KernelU85{Op: OpElementwise, Elem: ElemLRelu}, false, false, false, false, true}, {"CLZ", KernelU85{Op: OpElementwise, Elem: ElemCLZ}, false, false, false, false, true},
		{"NOT", KernelU85{Op: OpElementwise, Elem: ElemNot}, false, false, false, false, true}, {"RESIZE", KernelU85{Op: OpResize}, false, false, false, false, false},
		{"a pool with a unary mode left", KernelU85{Op: OpPool, Elem: ElemAbs, Global: true}, false, false, false, false, false},
	} {
		if got := [5]bool{c.k.HasIFM2(), c.k.HasWeights(), c.k.HasRecords(), c.k.SumsDepth(), c.k.Unary()}; got != [5]bool{c.ifm2, c.weights, c.records, c.sums, c.one} {
			t.Errorf("%s: a second input, weights, records, a sum over the depth, one operand: %v", c.name, got)
		}
	}
	for u, want := range map[UpscaleMode]int{UpscaleNone: 1, UpscaleNearest: 2, UpscaleZeros: 2} {
		if got := (&KernelU85{Upscale: u}).Factor(); got != want {
			t.Errorf("upscaling %d: factor %d, expected %d", u, got, want)
		}
	}
	for s, want := range map[ScaleU85]bool{{Value: 1}: true, {Value: 1, Round: RoundDown}: true, {Value: 2}: false, {Value: 1, Shift: 1}: false, {Value: 1, Double: 1}: false, {}: false} {
		if s.Unit() != want {
			t.Errorf("%+v changes nothing: %v, expected %v", s, !want, want)
		}
	}
	m := MapU85{FeatureMap: FeatureMap{H: 1, W: 1, C: 4, Height0: 1, Width0: 1, Type: DType{Bits: 8}}}
	for s, want := range map[Storage]int{Tile2x2: 1, Tile3x1: 1, Chained: 0, NoStorage: 0} {
		if m.Storage = s; len(m.Spans()) != want || m.InMemory() != (want == 1) {
			t.Errorf("storage %v: %v", s, m.Spans())
		}
	}
}

// TestPlacesU85: where the elements of a map of 2x3x4 are written, each at its own place.
func TestPlacesU85(t *testing.T) {
	for _, c := range []struct {
		transpose Transpose
		reverse   Reverse
		extents   [3]int
		place     [3]int // of element 0, 1, 3
	}{
		{TransposeHWC, ReverseNone, [3]int{2, 3, 4}, [3]int{0, 1, 3}}, {TransposeWHC, ReverseNone, [3]int{3, 2, 4}, [3]int{1, 0, 3}}, {TransposeHCW, ReverseNone, [3]int{2, 4, 3}, [3]int{0, 3, 1}},
		{TransposeWCH, ReverseNone, [3]int{3, 4, 2}, [3]int{1, 3, 0}}, {TransposeCHW, ReverseNone, [3]int{4, 2, 3}, [3]int{3, 0, 1}}, {TransposeCWH, ReverseNone, [3]int{4, 3, 2}, [3]int{3, 1, 0}},
		{TransposeHWC, ReverseH, [3]int{2, 3, 4}, [3]int{1, 1, 3}}, {TransposeHWC, ReverseW, [3]int{2, 3, 4}, [3]int{0, 1, 3}}, {TransposeHWC, ReverseC, [3]int{2, 3, 4}, [3]int{0, 1, 0}},
		{4, ReverseNone, [3]int{2, 3, 4}, [3]int{0, 1, 3}}, // no order
	} {
		k := &KernelU85{Transpose: c.transpose, Reverse: c.reverse}
		k.OFM.H, k.OFM.W, k.OFM.C = 2, 3, 4
		w := k.Written()
		if got := [3]int{w.H, w.W, w.C}; got != c.extents {
			t.Errorf("transposed %d, reversed %d: %v, expected %v", c.transpose, c.reverse, got, c.extents)
		}
		if y, x, z := k.Place(0, 1, 3); [3]int{y, x, z} != c.place {
			t.Errorf("transposed %d, reversed %d: the element is at %d, %d, %d, expected %v", c.transpose, c.reverse, y, x, z, c.place)
		}
		seen := map[string]bool{}
		for y := range 2 {
			for x := range 3 {
				for z := range 4 {
					seen[fmt.Sprint(k.Place(y, x, z))] = true
				}
			}
		}
		if len(seen) != 24 {
			t.Errorf("transposed %d, reversed %d: %d places", c.transpose, c.reverse, len(seen))
		}
	}
	k := &KernelU85{Reverse: ReverseW}
	k.OFM.W = 4
	if _, x, _ := k.Place(0, 1, 0); x != 2 {
		t.Errorf("column 1 of 4 is at %d", x)
	}
}

// TestTransferU85: what a transfer sees of the registers in every mode.
func TestTransferU85(t *testing.T) {
	set := []Command{PutDMA0Src(100), PutDMA0Dst(200), PutDMA0Len(30), PutDMA0Size0(4), PutDMA0Size1(5), PutDMA0SrcStride0(-6), PutDMA0SrcStride1(7), PutDMA0DstStride0(8), PutDMA0DstStride1(-9),
		PutDMA0IdxRegion(2), PutDMA0Idx(300), PutDMA0IdxMax(11), PutDMA0IdxSkip1(12)}
	base := DMAU85{Src: 100, Dst: 200, Length: 30, SrcRegion: 1, DstRegion: 3, Rows: 1, Planes: 1}
	rows := func(d *DMAU85) { d.Mode, d.Rows, d.SrcRow, d.DstRow = 1, 4, -6, 8 }
	list := func(d *DMAU85) { d.IndexRegion, d.Index, d.IndexMax, d.Rows = 2, 300, 11, 4 }
	for _, c := range []struct {
		name string
		src  DMA0SrcRegionU85Fields
		dst  DMA0DstRegionU85Fields
		want func(d *DMAU85)
		read []Code // beside the places, the length and the regions
	}{
		{"one row", DMA0SrcRegionU85Fields{}, DMA0DstRegionU85Fields{}, func(*DMAU85) {}, nil},
		{"to the tables", DMA0SrcRegionU85Fields{}, DMA0DstRegionU85Fields{RegionMode: true}, func(d *DMAU85) { d.DstInternal = true }, nil},
		{"from the tables", DMA0SrcRegionU85Fields{RegionMode: true}, DMA0DstRegionU85Fields{}, func(d *DMAU85) { d.SrcInternal = true }, nil},
		{"rows", DMA0SrcRegionU85Fields{StrideMode: 1}, DMA0DstRegionU85Fields{}, rows, []Code{SetDMA0Size0, SetDMA0SrcStride0, SetDMA0DstStride0}},
		{"planes", DMA0SrcRegionU85Fields{StrideMode: 2}, DMA0DstRegionU85Fields{}, func(d *DMAU85) { rows(d); d.Mode, d.Planes, d.SrcPlane, d.DstPlane = 2, 5, 7, -9 },
			[]Code{SetDMA0Size0, SetDMA0SrcStride0, SetDMA0DstStride0, SetDMA0Size1, SetDMA0SrcStride1, SetDMA0DstStride1}},
		{"a row by a list", DMA0SrcRegionU85Fields{IdxMode: true}, DMA0DstRegionU85Fields{}, func(d *DMAU85) { list(d); d.Gather, d.SrcRow = true, -6 },
			[]Code{SetDMA0Size0, SetDMA0SrcStride0, SetDMA0IdxRegion, SetDMA0Idx, SetDMA0IdxMax}},
		{"a row to a place of a list", DMA0SrcRegionU85Fields{}, DMA0DstRegionU85Fields{IdxMode: true}, func(d *DMAU85) { list(d); d.Scatter, d.DstRow = true, 8 },
			[]Code{SetDMA0Size0, SetDMA0DstStride0, SetDMA0IdxRegion, SetDMA0Idx, SetDMA0IdxMax}},
		{"rows by a list", DMA0SrcRegionU85Fields{StrideMode: 1, IdxMode: true}, DMA0DstRegionU85Fields{}, func(d *DMAU85) { rows(d); list(d); d.Gather = true },
			[]Code{SetDMA0Size0, SetDMA0SrcStride0, SetDMA0DstStride0, SetDMA0IdxRegion, SetDMA0Idx, SetDMA0IdxMax}},
		{"planes by a list", DMA0SrcRegionU85Fields{StrideMode: 2, IdxMode: true}, DMA0DstRegionU85Fields{}, func(d *DMAU85) {
			rows(d)
			list(d)
			d.Gather, d.Mode, d.Planes, d.SrcPlane, d.DstPlane, d.IndexPlane = true, 2, 5, 7, -9, 12
		}, []Code{SetDMA0Size0, SetDMA0SrcStride0, SetDMA0DstStride0, SetDMA0Size1, SetDMA0SrcStride1, SetDMA0DstStride1, SetDMA0IdxRegion, SetDMA0Idx, SetDMA0IdxMax, SetDMA0IdxSkip1}},
	} {
		c.src.Region, c.dst.Region = 1, 3
		o := operationU85(t, append(slices.Clone(set), PutDMA0SrcRegionU85(c.src), PutDMA0DstRegionU85(c.dst), Command{Code: OpDMAStart})...)
		want := base
		c.want(&want)
		if d := cmp.Diff(want, o.DMAU85()); d != "" {
			t.Errorf("%s (-expected +got):\n%s", c.name, d)
		}
		unset := operationU85(t, PutDMA0SrcRegionU85(c.src), PutDMA0DstRegionU85(c.dst), Command{Code: OpDMAStart}).Unset(U85, 1)
		read := slices.Concat(c.read, []Code{SetDMA0Src, SetDMA0Dst, SetDMA0Len})
		slices.Sort(read)
		slices.Sort(unset)
		if !slices.Equal(unset, read) {
			t.Errorf("%s reads %v, expected %v", c.name, unset, read)
		}
	}
}
