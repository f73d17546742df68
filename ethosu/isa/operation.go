package isa

// Pooling modes (parameter of NPU_OP_POOL).
const (
	PoolMax = iota
	PoolAverage
	PoolReduceSum
)

// Elementwise modes (parameter of NPU_OP_ELEMENTWISE).
const (
	ElemMul = iota
	ElemAdd
	ElemSub
	ElemMin
	ElemMax
	ElemLRelu
	ElemAbs
	ElemCLZ
	ElemSHR
	ElemSHL
)

// Round modes of IFM_PRECISION and OFM_PRECISION.
const (
	RoundTFL = iota
	RoundTruncate
	RoundNatural
)

// Upscaling modes of IFM_UPSCALE.
const (
	UpscaleNone = iota
	UpscaleNearest
	UpscaleZeros
)

// Activation functions; TABLE_n is ActTable0 + n.
const (
	ActNone    = 0
	ActTanh    = 3
	ActSigmoid = 4
	ActTable0  = 16
)

// Forced clip ranges of ACTIVATION.
const (
	ClipOFM   = 0
	ClipUint8 = 2
	ClipInt8  = 3
	ClipInt16 = 5
)

// Accumulator formats of ACC_FORMAT.
const (
	AccI32 = iota
	AccI40
	AccF16
)

// Unary reports whether the elementwise operation has one operand.
func (o *Operation) Unary() bool {
	return o.Op == OpElementwise && (o.Param == ElemLRelu || o.Param == ElemAbs || o.Param == ElemCLZ)
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

// Kernel returns the window; 1x1 with stride 1 for ELEMENTWISE.
func (o *Operation) Kernel() Kernel {
	if o.Op == OpElementwise {
		return Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	}
	s := o.Regs
	b := int(s.Param(SetKernelStride))
	k := Kernel{
		StrideX: 1 + b&1 + b>>6&1*2, StrideY: 1 + b>>1&1 + b>>9&1*2,
		PartKernelFirst: b&4 != 0, Decompose4x4: b&32 != 0,
		DilationX: 1 + b>>3&1, DilationY: 1 + b>>4&1,
		DilatedH: int(s.Param(SetKernelHeightM1)) + 1, DilatedW: int(s.Param(SetKernelWidthM1)) + 1,
		Top: int(s.Param(SetIFMPadTop)), Left: int(s.Param(SetIFMPadLeft)),
		Bottom: int(s.Param(SetIFMPadBottom)), Right: int(s.Param(SetIFMPadRight)),
	}
	k.H, k.W = (k.DilatedH-1)/k.DilationY+1, (k.DilatedW-1)/k.DilationX+1
	return k
}

// Upscale returns the upscaling mode and its factor, 1 or 2.
func (o *Operation) Upscale() (mode, factor int) {
	mode = int(o.Regs.Param(SetIFMUpscale) & 3)
	if mode == UpscaleNone {
		return mode, 1
	}
	return mode, 2
}

// InputExtent returns the height and width of the IFM as the window sees it, after
// upscaling; they may be zero or negative when the registers contradict.
func (o *Operation) InputExtent() (h, w int) {
	oh, ow := int(o.Regs.Param(SetOFMHeightM1))+1, int(o.Regs.Param(SetOFMWidthM1))+1
	if o.Op == OpElementwise {
		return oh, ow
	}
	k := o.Kernel()
	return (oh-1)*k.StrideY + k.DilatedH - k.Top - k.Bottom, (ow-1)*k.StrideX + k.DilatedW - k.Left - k.Right
}

func dtype(signed, precision uint16) DType { return DType{signed&1 != 0, 8 << (precision & 3)} }

func zeroPoint(v uint16, t DType) int32 {
	if t.Signed {
		return int32(int16(v))
	}
	return int32(v)
}

// registers of a feature map: first base, first stride, region, tile sizes.
func (o *Operation) featureMap(base, stride, region, h0, h1, w0, zp Code, t DType, format uint16) FeatureMap {
	s := o.Regs
	f := FeatureMap{
		Region:  int(s.Param(region) & 7),
		Height0: int(s.Param(h0)) + 1, Height1: int(s.Param(h1)) + 1, Width0: int(s.Param(w0)) + 1,
		StrideX: s.Stride(stride), StrideY: s.Stride(stride + 1), StrideC: s.Stride(stride + 2),
		ZeroPoint: zeroPoint(s.Param(zp), t), Type: t, Format: Format(format & 3),
	}
	for i := range f.Base {
		f.Base[i] = s.Address(base + Code(i))
	}
	return f
}

// IFM returns the first input.
func (o *Operation) IFM() FeatureMap {
	p := o.Regs.Param(SetIFMPrecision)
	f := o.featureMap(SetIFMBase0, SetIFMStrideX, SetIFMRegion, SetIFMHeight0M1, SetIFMHeight1M1, SetIFMWidth0M1,
		SetIFMZeroPoint, dtype(p, p>>2), p>>6)
	_, u := o.Upscale()
	h, w := o.InputExtent()
	f.H, f.W = (h+u-1)/u, (w+u-1)/u
	f.C = int(o.Regs.Param(SetIFMDepthM1)) + 1
	return f
}

// IFM2 returns the second input; only for HasIFM2 operations.
func (o *Operation) IFM2() FeatureMap {
	p := o.Regs.Param(SetIFM2Precision)
	f := o.featureMap(SetIFM2Base0, SetIFM2StrideX, SetIFM2Region, SetIFM2Height0M1, SetIFM2Height1M1, SetIFM2Width0M1,
		SetIFM2ZeroPoint, dtype(p, p>>2), p>>6)
	ofm := o.OFM()
	f.H, f.W, f.C = ofm.H, ofm.W, ofm.C
	b := o.Broadcast()
	if b.H {
		f.H = 1
	}
	if b.W {
		f.W = 1
	}
	if b.C {
		f.C = 1
	}
	return f
}

// OFM returns the output.
func (o *Operation) OFM() FeatureMap {
	s := o.Regs
	p := s.Param(SetOFMPrecision)
	f := o.featureMap(SetOFMBase0, SetOFMStrideX, SetOFMRegion, SetOFMHeight0M1, SetOFMHeight1M1, SetOFMWidth0M1,
		SetOFMZeroPoint, dtype(p, p>>1), p>>6)
	f.H, f.W, f.C = int(s.Param(SetOFMHeightM1))+1, int(s.Param(SetOFMWidthM1))+1, int(s.Param(SetOFMDepthM1))+1
	return f
}

// Broadcast is IFM2_BROADCAST.
type Broadcast struct {
	H, W, C  bool // IFM2 has extent 1 there
	Reversed bool // IFM2 is the first mathematical operand
	Constant bool // the operand is IFM2_SCALAR
}

// Broadcast returns how IFM2 meets IFM.
func (o *Operation) Broadcast() Broadcast {
	v := o.Regs.Param(SetIFM2Broadcast)
	return Broadcast{H: v&1 != 0, W: v&2 != 0, C: v&4 != 0, Reversed: v&64 != 0, Constant: v&128 != 0}
}

// ScalarValue returns IFM2_SCALAR extended by the IFM2 type, zero point not yet
// subtracted.
func (o *Operation) ScalarValue() int32 {
	t := dtype(o.Regs.Param(SetIFM2Precision), 0)
	return zeroPoint(o.Regs.Param(SetIFM2Scalar), t)
}

// Block is the OFM block in elements and the SHRAM layout in banks of 1 KiB.
type Block struct {
	H, W, D                  int
	IBEnd, IB2Start, ABStart int
	Acc                      int // AccI32, AccI40, AccF16
	Dep                      int // BLOCKDEP
}

// Block returns the block configuration.
func (o *Operation) Block() Block {
	s := o.Regs
	return Block{
		H: int(s.Param(SetOFMBLKHeightM1)) + 1, W: int(s.Param(SetOFMBLKWidthM1)) + 1, D: int(s.Param(SetOFMBLKDepthM1)) + 1,
		IBEnd: int(s.Param(SetIFMIBEnd)), IB2Start: int(s.Param(SetIFM2IBStart)), ABStart: int(s.Param(SetABStart)),
		Acc: int(s.Param(SetACCFormat) & 3), Dep: int(s.Param(SetBlockdep) & 3),
	}
}

// Activation is the last stage of the output path.
type Activation struct {
	Function int // ActNone, ActTanh, ActSigmoid, ActTable0+slot
	Clip     int // ClipOFM, ...
	Min, Max uint16
}

// Activation returns the activation; Min and Max are raw register values.
func (o *Operation) Activation() Activation {
	v := o.Regs.Param(SetActivation)
	return Activation{int(v & 31), int(v >> 12 & 7), o.Regs.Param(SetActivationMin), o.Regs.Param(SetActivationMax)}
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
	IFMRound, OFMRound int
}

// Scaling returns the scale registers.
func (o *Operation) Scaling() Scaling {
	s := o.Regs
	in, out := s.Param(SetIFMPrecision), s.Param(SetOFMPrecision)
	return Scaling{
		Global: out>>8&1 != 0,
		OFM:    Scale{s.Payload(SetOFMScale), int(s.Param(SetOFMScale) & 63)},
		OPA:    Scale{s.Payload(SetOPAScale), int(s.Param(SetOPAScale) & 63)},
		OPB:    s.Payload(SetOPBScale), IFMMode: int(in >> 8 & 3), IFMRound: int(in >> 14), OFMRound: int(out >> 14),
	}
}

// Cores returns the number of cores the operation runs on, from PARALLEL_MODE.
func (o *Operation) Cores() int { return 1 + int(o.Regs.Param(SetParallelMode)&1) }

// Weights returns the weight stream of a core (0 or 1).
func (o *Operation) Weights(core int) Span {
	return o.stream(SetWeightRegion, []Code{SetWeightBase, SetWeight1Base}[core], []Code{SetWeightLength, SetWeight1Length}[core])
}

// Scales returns the bias and scale records of a core (0 or 1).
func (o *Operation) Scales(core int) Span {
	return o.stream(SetScaleRegion, []Code{SetScaleBase, SetScale1Base}[core], []Code{SetScaleLength, SetScale1Length}[core])
}

func (o *Operation) stream(region, base, length Code) Span {
	start := int64(o.Regs.Address(base))
	return Span{int(o.Regs.Param(region) & 7), start, start + int64(o.Regs.Payload(length))}
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
	src, dst := s.Param(SetDMA0SrcRegion), s.Param(SetDMA0DstRegion)
	return DMA{
		Src: s.Address(SetDMA0Src), Dst: s.Address(SetDMA0Dst), Length: s.Address(SetDMA0Len),
		SrcRegion: int(src & 7), DstRegion: int(dst & 7), SrcInternal: src>>8&1 != 0, DstInternal: dst>>8&1 != 0,
		SrcStride: int(src >> 9 & 3), DstStride: int(dst >> 9 & 3),
		Rows: int(s.Param(SetDMA0Size0)), Planes: int(s.Param(SetDMA0Size1)),
		Skip0: s.Stride(SetDMA0Skip0), Skip1: s.Stride(SetDMA0Skip1),
	}
}
