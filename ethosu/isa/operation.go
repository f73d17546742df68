// SPDX-License-Identifier: Apache-2.0

package isa

// PoolMode returns the mode of OpPool.
func (o *Operation) PoolMode() PoolMode { return GetPool(o.command()) }

// ElementwiseMode returns the mode of OpElementwise.
func (o *Operation) ElementwiseMode() ElementwiseMode { return GetElementwise(o.command()) }

// Outstanding returns how many operations OpKernelWait, or transfers OpDMAWait, leaves
// under way.
func (o *Operation) Outstanding() int {
	if o.Product == U85 {
		if o.Op == OpDMAWait {
			return GetDMAWaitU85(o.command())
		}
		return GetKernelWaitU85(o.command())
	}
	if o.Op == OpDMAWait {
		return GetDMAWait(o.command())
	}
	return GetKernelWait(o.command())
}

// Sums reports whether the operation adds over the depth of its input: CONV and the
// pooling mode REDUCE_SUM.
func (o *Operation) Sums() bool {
	return o.Op == OpConv || o.Op == OpPool && o.PoolMode() == PoolReduceSum
}

// Name returns the name of the command with its mode, such as NPU_OP_POOL MAX.
func (o *Operation) Name() string {
	switch o.Op {
	case OpElementwise:
		return o.Op.String() + " " + o.ElementwiseMode().String()
	case OpPool:
		return o.Op.String() + " " + o.PoolMode().String()
	case OpResize:
		return o.Op.String() + " " + GetResize(o.command()).String()
	}
	return o.Op.String()
}

func (o *Operation) command() Command { return Command{Code: o.Op, Param: o.Param} }

// Unary reports whether the elementwise operation has one operand.
func (o *Operation) Unary() bool {
	if o.Op != OpElementwise {
		return false
	}
	return unary(o.ElementwiseMode())
}

// Binary reports whether the operation is an elementwise one with two operands.
func (o *Operation) Binary() bool { return o.Op == OpElementwise && !o.Unary() }

// Scalar reports whether the second operand is the constant IFM2_SCALAR.
func (o *Operation) Scalar() bool { return o.Binary() && o.Broadcast().Constant }

// HasIFM2 reports whether the second operand is a feature map.
func (o *Operation) HasIFM2() bool { return o.Binary() && !o.Broadcast().Constant }

// HasWeights reports whether the operation reads weight and scale streams.
func (o *Operation) HasWeights() bool { return o.Op == OpConv || o.Op == OpDepthwise }

// UsesTable reports whether the activation looks up a table.
func (o *Operation) UsesTable() bool { return o.Activation().Function >= ActTable0 }

// Kernel is the window of CONV, DEPTHWISE and POOL.
type Kernel struct {
	H, W                     int // taps
	StrideY, StrideX         int
	DilationY, DilationX     int
	DilatedH, DilatedW       int // extents in input elements
	PartKernelFirst          bool
	Decompose4x4             bool
	Top, Left, Bottom, Right int // padding
}

// Kernel returns the window; 1x1 with stride 1 for ELEMENTWISE and RESIZE.
func (o *Operation) Kernel() Kernel {
	if o.Op == OpElementwise || o.Op == OpResize {
		return Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	}
	s := o.Regs
	b := s.KernelStride()
	k := Kernel{
		StrideX: b.StrideX(), StrideY: b.StrideY(), DilationX: 1 + b.DilationX, DilationY: 1 + b.DilationY,
		PartKernelFirst: b.WeightOrder, Decompose4x4: b.Decomposition,
		DilatedH: s.KernelHeightM1() + 1, DilatedW: s.KernelWidthM1() + 1,
		Top: s.IFMPadTop(), Left: s.IFMPadLeft(), Bottom: s.IFMPadBottom(), Right: s.IFMPadRight(),
	}
	k.H, k.W = (k.DilatedH-1)/k.DilationY+1, (k.DilatedW-1)/k.DilationX+1
	return k
}

// StrideX returns the stride along the width, 1 to 4.
func (f KernelStrideFields) StrideX() int { return 1 + f.StrideXLSB + 2*f.StrideXMSB }

// StrideY returns the stride along the height, 1 to 4.
func (f KernelStrideFields) StrideY() int { return 1 + f.StrideYLSB + 2*f.StrideYMSB }

// SetStrides splits strides over the bits of the register.
func (f *KernelStrideFields) SetStrides(y, x int) {
	f.StrideYLSB, f.StrideYMSB = (y-1)%2, (y-1)/2
	f.StrideXLSB, f.StrideXMSB = (x-1)%2, (x-1)/2
}

// Upscale returns the upscaling mode and its factor, 1 or 2.
func (o *Operation) Upscale() (mode UpscaleMode, factor int) {
	mode = o.Regs.IFMUpscale()
	if mode == UpscaleNone {
		return mode, 1
	}
	return mode, 2
}

// InputExtent returns the height and width of the IFM as the window sees it, after
// upscaling; they may be zero or negative when the registers contradict.
func (o *Operation) InputExtent() (h, w int) {
	oh, ow := o.Regs.OFMHeightM1()+1, o.Regs.OFMWidthM1()+1
	if o.Op == OpElementwise {
		return oh, ow
	}
	k := o.Kernel()
	return (oh-1)*k.StrideY + k.DilatedH - k.Top - k.Bottom, (ow-1)*k.StrideX + k.DilatedW - k.Left - k.Right
}

// DTypeOf returns the element type that the fields type and precision mean.
func DTypeOf(signed bool, p Precision) DType { return DType{signed, 8 << p} }

// Extend returns a 16-bit register value, such as a zero point or a clip, as a number
// of the type.
func (t DType) Extend(v uint16) int32 {
	if t.Signed {
		return int32(int16(v))
	}
	return int32(v)
}

func bases(base ...int64) [4]uint64 {
	var b [4]uint64
	for i, v := range base {
		b[i] = uint64(v)
	}
	return b
}

// IFM returns the first input.
func (o *Operation) IFM() FeatureMap {
	s := o.Regs
	p := s.IFMPrecision()
	t := DTypeOf(p.Type, p.Precision)
	_, u := o.Upscale()
	h, w := o.InputExtent()
	return FeatureMap{
		Region: s.IFMRegion(), Base: bases(s.IFMBase0(), s.IFMBase1(), s.IFMBase2(), s.IFMBase3()),
		Height0: s.IFMHeight0M1() + 1, Height1: s.IFMHeight1M1() + 1, Width0: s.IFMWidth0M1() + 1,
		H: (h + u - 1) / u, W: (w + u - 1) / u, C: s.IFMDepthM1() + 1,
		StrideY: signed(s.IFMStrideY()), StrideX: signed(s.IFMStrideX()), StrideC: signed(s.IFMStrideC()),
		ZeroPoint: t.Extend(s.IFMZeroPoint()), Type: t, Format: p.Format,
	}
}

// IFM2 returns the second input; only for HasIFM2 operations.
func (o *Operation) IFM2() FeatureMap {
	s := o.Regs
	p := s.IFM2Precision()
	t := DTypeOf(p.Type, p.Precision)
	f := FeatureMap{
		Region: s.IFM2Region(), Base: bases(s.IFM2Base0(), s.IFM2Base1(), s.IFM2Base2(), s.IFM2Base3()),
		Height0: s.IFM2Height0M1() + 1, Height1: s.IFM2Height1M1() + 1, Width0: s.IFM2Width0M1() + 1,
		H: s.OFMHeightM1() + 1, W: s.OFMWidthM1() + 1, C: s.OFMDepthM1() + 1,
		StrideY: signed(s.IFM2StrideY()), StrideX: signed(s.IFM2StrideX()), StrideC: signed(s.IFM2StrideC()),
		ZeroPoint: t.Extend(s.IFM2ZeroPoint()), Type: t, Format: p.Format,
	}
	b := s.IFM2Broadcast()
	if b.BroadcastH {
		f.H = 1
	}
	if b.BroadcastW {
		f.W = 1
	}
	if b.BroadcastC {
		f.C = 1
	}
	return f
}

// OFM returns the output.
func (o *Operation) OFM() FeatureMap {
	s := o.Regs
	p := s.OFMPrecision()
	t := DTypeOf(p.Type, p.Precision)
	return FeatureMap{
		Region: s.OFMRegion(), Base: bases(s.OFMBase0(), s.OFMBase1(), s.OFMBase2(), s.OFMBase3()),
		Height0: s.OFMHeight0M1() + 1, Height1: s.OFMHeight1M1() + 1, Width0: s.OFMWidth0M1() + 1,
		H: s.OFMHeightM1() + 1, W: s.OFMWidthM1() + 1, C: s.OFMDepthM1() + 1,
		StrideY: signed(s.OFMStrideY()), StrideX: signed(s.OFMStrideX()), StrideC: signed(s.OFMStrideC()),
		ZeroPoint: t.Extend(s.OFMZeroPoint()), Type: t, Format: p.Format,
	}
}

// Broadcast is IFM2_BROADCAST.
type Broadcast struct {
	H, W, C  bool // IFM2 has extent 1 there
	Reversed bool // IFM2 is the first mathematical operand
	Constant bool // the operand is IFM2_SCALAR
}

// Broadcast returns how IFM2 meets IFM.
func (o *Operation) Broadcast() Broadcast {
	b := o.Regs.IFM2Broadcast()
	return Broadcast{H: b.BroadcastH, W: b.BroadcastW, C: b.BroadcastC, Reversed: b.OperandOrder, Constant: b.BroadcastConstant}
}

// ScalarValue returns IFM2_SCALAR extended by the IFM2 type, zero point not yet
// subtracted.
func (o *Operation) ScalarValue() int32 {
	p := o.Regs.IFM2Precision()
	return DTypeOf(p.Type, p.Precision).Extend(o.Regs.IFM2Scalar())
}

// Block is the OFM block in elements and the SHRAM layout in banks of 1 KiB.
type Block struct {
	H, W, D                  int
	IBEnd, IB2Start, ABStart int
	Acc                      AccFormat
	Dep                      int // BLOCKDEP
}

// Block returns the block configuration.
func (o *Operation) Block() Block {
	s := o.Regs
	return Block{
		H: s.OFMBLKHeightM1() + 1, W: s.OFMBLKWidthM1() + 1, D: s.OFMBLKDepthM1() + 1,
		IBEnd: s.IFMIBEnd(), IB2Start: s.IFM2IBStart(), ABStart: s.ABStart(), Acc: s.ACCFormat(), Dep: s.Blockdep(),
	}
}

// Activation is the last stage of the output path.
type Activation struct {
	Function ActivationFunction // ActNone, ActTanh, ActSigmoid, ActTable0+slot
	Clip     ClipRange
	Min, Max uint16
}

// Activation returns the activation; Min and Max are raw register values.
func (o *Operation) Activation() Activation {
	s := o.Regs
	a := s.Activation()
	return Activation{a.Function, a.ClipRange, s.ActivationMin(), s.ActivationMax()}
}

// Scale is a multiplier and a right shift.
type Scale struct {
	Value uint32
	Shift int
}

// Scaling is everything about rescaling that lies in registers.
type Scaling struct {
	Global             bool // OFM_PRECISION scale_mode: OFM_SCALE instead of the records
	OFM, OPA           Scale
	OPB                uint32
	IFMMode            int // scale_mode of IFM_PRECISION
	IFMRound, OFMRound RoundMode
}

// Scaling returns the scale registers.
func (o *Operation) Scaling() Scaling {
	s := o.Regs
	in, out := s.IFMPrecision(), s.OFMPrecision()
	ofm, opa := s.OFMScale(), s.OPAScale()
	return Scaling{
		Global: out.ScaleMode, OFM: Scale{ofm.Scale, ofm.Shift}, OPA: Scale{opa.Scale, opa.Shift}, OPB: uint32(s.OPBScale()),
		IFMMode: in.ScaleMode, IFMRound: in.RoundMode, OFMRound: out.RoundMode,
	}
}

// Cores returns the number of cores the operation runs on, from PARALLEL_MODE.
func (o *Operation) Cores() int { return 1 + o.Regs.ParallelMode() }

// Weights returns the weight stream of a core (0 or 1).
func (o *Operation) Weights(core int) Span {
	s := o.Regs
	if core == 0 {
		return stream(s.WeightRegion(), s.WeightBase(), s.WeightLength())
	}
	return stream(s.WeightRegion(), s.Weight1Base(), s.Weight1Length())
}

// Scales returns the bias and scale records of a core (0 or 1).
func (o *Operation) Scales(core int) Span {
	s := o.Regs
	if core == 0 {
		return stream(s.ScaleRegion(), s.ScaleBase(), uint32(s.ScaleLength()))
	}
	return stream(s.ScaleRegion(), s.Scale1Base(), uint32(s.Scale1Length()))
}

func stream(region int, start int64, length uint32) Span {
	return Span{region, start, start + int64(length)}
}

// DMA is the transfer that NPU_OP_DMA_START queues.
type DMA struct {
	Src, Dst                 uint64 // byte offset in the region, or SHRAM address
	SrcRegion, DstRegion     int    // for an internal destination the core mask
	SrcInternal, DstInternal bool   // SHRAM
	SrcStride, DstStride     int    // 0: 1D, 1: 2D, 2: 3D
	Length                   uint64 // bytes of one row
	Rows, Planes             int    // SIZE0 and SIZE1
	Skip0, Skip1             int64
}

// DMA returns the transfer; only for OpDMAStart.
func (o *Operation) DMA() DMA {
	s := o.Regs
	src, dst := s.DMA0SrcRegion(), s.DMA0DstRegion()
	return DMA{
		Src: uint64(s.DMA0Src()), Dst: uint64(s.DMA0Dst()), Length: uint64(s.DMA0Len()),
		SrcRegion: src.Region, DstRegion: dst.Region, SrcInternal: src.RegionMode, DstInternal: dst.RegionMode,
		SrcStride: src.StrideMode, DstStride: dst.StrideMode, Rows: s.DMA0Size0(), Planes: s.DMA0Size1(),
		Skip0: signed(s.DMA0Skip0()), Skip1: signed(s.DMA0Skip1()),
	}
}
