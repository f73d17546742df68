// SPDX-License-Identifier: Apache-2.0

package isa

// KernelU85 is a block operation of the U85 with all that its registers say: what the
// methods of Operation are for the U55 and U65.
type KernelU85 struct {
	Op   Code // OpConv, OpDepthwise, OpPool, OpElementwise, OpResize
	Pool PoolMode
	Elem ElementwiseMode
	Mode ResizeMode

	// MatMul says that the weights of CONV are IFM2 as it stands: row n of its width has
	// the weights of output channel n.
	MatMul bool

	IFM, IFM2 MapU85 // IFM2 only where HasIFM2
	OFM       MapU85 // before transposition; see Written
	Transpose Transpose
	Reverse   Reverse
	Scalar    int32 // OP_SCALAR, where an input's broadcast is BroadcastScalar

	Window  Kernel // 1x1 with stride 1 for ELEMENTWISE and RESIZE
	Upscale UpscaleMode

	H, W, D int // OFM block in elements, before transposition
	Dep     int // BLOCKDEP
	Acc     AccumulatorsU85

	// Global says that OFMScale is that of all channels; else Records are.
	Global                        bool
	OFMScale, IFMScale, IFM2Scale ScaleU85
	Activation                    ActivationU85

	Weights [4]Span // by core; of the fast decoder alone the first. Empty: none
	Format  WeightFormat
	Sparse  bool // 2:4
	Records Span // bias and scale, of all cores

	Resize [2]ResizeU85 // height, width
}

// MapU85 is a feature map of the U85. Tiles, bases and strides mean something where it is
// InMemory; extents always, those of an input being derived.
type MapU85 struct {
	FeatureMap
	Storage   Storage
	Buffer    int // number of the chaining buffer, where Storage is Chained
	Broadcast BroadcastU85
}

// InMemory reports whether the feature map has addresses.
func (m *MapU85) InMemory() bool { return m.Storage == Tile2x2 || m.Storage == Tile3x1 }

// Spans is FeatureMap.Spans of a map in memory, nil of any other.
func (m *MapU85) Spans() []Span {
	if !m.InMemory() {
		return nil
	}
	return m.FeatureMap.Spans()
}

// AccumulatorsU85 is ACC_FORMAT.
type AccumulatorsU85 struct {
	Format AccFormat // AccI32, AccI48
	Input  AccInput
	Hold   bool // nothing is written: acc_output is disabled
	Micro  Microblock
}

// ScaleU85 is a multiplier of 31 bits and a right shift, with its rounding. Double is the
// shift of the double rounding, 0 for none.
type ScaleU85 struct {
	Value  uint32
	Shift  int
	Double int
	Round  RoundModeU85
}

// Unit reports a scale that changes nothing.
func (s ScaleU85) Unit() bool { return s.Value == 1 && s.Shift == 0 && s.Double == 0 }

// ActivationU85 is the last stage of the output path. Table is the number of the table in
// units of its size; Min and Max are raw register values, which count where Clip is set.
type ActivationU85 struct {
	Function FunctionU85
	Table    int
	Clip     bool
	Min, Max uint16
}

// Span returns the bytes of the table in the memory of tables, as part of region SHRAM;
// empty where the function has none.
func (a ActivationU85) Span() Span {
	n := int64(a.Function.TableBytes())
	return Span{SHRAM, int64(a.Table) * n, int64(a.Table+1) * n}
}

// ResizeU85 is an axis of RESIZE: with the scale N/d output position p lies at (p*d +
// Offset)/N of the input. One is d/N as whole and rest, Block likewise (blk-1)*d/N.
type ResizeU85 struct {
	N                     int
	Offset                int
	OneWhole, OneRest     int
	BlockWhole, BlockRest int
}

// KernelU85 returns the block operation as the U85 sees it.
func (o *Operation) KernelU85() *KernelU85 {
	s := o.Regs
	acc, act := s.ACCFormatU85(), s.ActivationU85()
	k := &KernelU85{
		Op:     o.Op,
		H:      s.OFMBLKHeightM1U85() + 1,
		W:      s.OFMBLKWidthM1U85() + 1,
		D:      s.OFMBLKDepthM1U85() + 1,
		Dep:    s.BlockdepU85(),
		Acc:    AccumulatorsU85{acc.AccFormat, acc.AccInput, acc.AccOutput == AccHold, acc.Microblock},
		Global: s.OFMPrecisionU85().ScaleMode,

		OFMScale:   scaleU85(s.OFMScaleU85()),
		Activation: ActivationU85{act.Function, act.Table, !act.ClipRange, s.ActivationMin(), s.ActivationMax()},
		Upscale:    s.IFMUpscale(),
	}
	out := s.OFMPrecisionU85()
	k.Transpose, k.Reverse = out.Transpose, out.Reverse
	c := o.command()
	switch o.Op {
	case OpConv:
		k.MatMul = GetConvU85(c)
	case OpPool:
		k.Pool = GetPoolU85(c)
	case OpElementwise:
		k.Elem = GetElementwiseU85(c)
		k.IFMScale = scaleU85(OFMScaleU85Fields(s.IFMScale()))
		k.IFM2Scale = scaleU85(OFMScaleU85Fields(s.IFM2Scale()))
		k.Scalar = int32(s.OpScalar())
	case OpResize:
		k.Mode = GetResize(c)
		y, x := s.ResizeYStep(), s.ResizeXStep()
		k.Resize = [2]ResizeU85{
			{s.ResizeYScaleNM1() + 1, offset12(s.ResizeYOffset()), y.OneStepInt, y.OneStepMod, y.BlkStepInt, y.BlkStepMod},
			{s.ResizeXScaleNM1() + 1, offset12(s.ResizeXOffset()), x.OneStepInt, x.OneStepMod, x.BlkStepInt, x.BlkStepMod},
		}
	}
	k.Window = o.Kernel()
	k.maps(s)
	k.streams(s)
	return k
}

// offset12 extends the 12 bits of an offset.
func offset12(v int) int { return int(int16(v<<4)) >> 4 }

func scaleU85(f OFMScaleU85Fields) ScaleU85 {
	return ScaleU85{f.Scale, f.Shift, f.DblRnd, f.RoundMode}
}

// maps sets the feature maps.
func (k *KernelU85) maps(s *State) {
	out, in, in2 := s.OFMPrecisionU85(), s.IFMPrecisionU85(), s.IFM2PrecisionU85()
	oh, ow, od := s.OFMHeightM1()+1, s.OFMWidthM1()+1, s.OFMDepthM1()+1
	t := DTypeOf(out.Type, out.Precision)
	k.OFM = MapU85{Storage: out.Storage, Buffer: s.OFMRegion(), FeatureMap: FeatureMap{
		Region: s.OFMRegion(), Base: bases(s.OFMBase0(), s.OFMBase1(), s.OFMBase2(), s.OFMBase3()),
		Height0: s.OFMHeight0M1() + 1, Height1: s.OFMHeight1M1() + 1, Width0: s.OFMWidth0M1() + 1, H: oh, W: ow, C: od,
		StrideY: signed(s.OFMStrideY()), StrideX: signed(s.OFMStrideX()), StrideC: signed(s.OFMStrideC()),
		ZeroPoint: t.Extend(s.OFMZeroPoint()), Type: t, Format: out.Format,
	}}
	t = DTypeOf(in.Type, in.Precision)
	k.IFM = MapU85{Storage: in.Storage, Buffer: s.IFMRegion(), FeatureMap: FeatureMap{
		Region: s.IFMRegion(), Base: bases(s.IFMBase0(), s.IFMBase1(), s.IFMBase2(), s.IFMBase3()),
		Height0: s.IFMHeight0M1() + 1, Height1: s.IFMHeight1M1() + 1, Width0: s.IFMWidth0M1() + 1, H: oh, W: ow, C: od,
		StrideY: signed(s.IFMStrideY()), StrideX: signed(s.IFMStrideX()), StrideC: signed(s.IFMStrideC()),
		ZeroPoint: t.Extend(s.IFMZeroPoint()), Type: t, Format: in.Format,
	}}
	switch k.Op {
	case OpElementwise:
		k.IFM.broadcast(s.IFMBroadcast())
	case OpResize:
		k.IFM.H, k.IFM.W, k.IFM.C = s.KernelHeightM1()+1, s.KernelWidthM1()+1, s.IFMDepthM1()+1
	default:
		h, w := k.InputExtent()
		u := k.Factor()
		k.IFM.H, k.IFM.W, k.IFM.C = (h+u-1)/u, (w+u-1)/u, s.IFMDepthM1()+1
	}
	if !k.HasIFM2() {
		return
	}
	t = DTypeOf(in2.Type, in2.Precision)
	k.IFM2 = MapU85{Storage: in2.Storage, Buffer: s.IFM2Region(), FeatureMap: FeatureMap{
		Region: s.IFM2Region(), Base: bases(s.IFM2Base0(), s.IFM2Base1(), s.IFM2Base2(), s.IFM2Base3()),
		Height0: s.IFM2Height0M1() + 1, Height1: s.IFM2Height1M1() + 1, Width0: s.IFM2Width0M1() + 1, H: oh, W: ow, C: od,
		StrideY: signed(s.IFM2StrideY()), StrideX: signed(s.IFM2StrideX()), StrideC: signed(s.IFM2StrideC()),
		ZeroPoint: t.Extend(s.IFM2ZeroPoint()), Type: t, Format: in2.Format,
	}}
	switch {
	case k.Op == OpElementwise:
		k.IFM2.broadcast(s.IFM2BroadcastU85())
	case k.MatMul:
		k.IFM2.H, k.IFM2.W, k.IFM2.C = 1, od, k.IFM.C
	}
}

// broadcast sets the extents that an input of an elementwise operation has.
func (m *MapU85) broadcast(b BroadcastU85) {
	m.Broadcast = b
	if b&(BroadcastH|BroadcastScalar) != 0 {
		m.H = 1
	}
	if b&(BroadcastW|BroadcastScalar) != 0 {
		m.W = 1
	}
	if b&(BroadcastC|BroadcastScalar) != 0 {
		m.C = 1
	}
}

// streams sets weights and records.
func (k *KernelU85) streams(s *State) {
	if k.HasWeights() {
		f := s.WeightFormat()
		k.Format, k.Sparse = f.Format, f.Sparsity
		r := s.WeightRegion()
		k.Weights[0] = stream(r, s.WeightBase(), s.WeightLength())
		if k.Format == WeightsSWD {
			k.Weights[1] = stream(r, s.Weight1Base(), s.Weight1Length())
			k.Weights[2] = stream(r, s.Weight2Base(), s.Weight2Length())
			k.Weights[3] = stream(r, s.Weight3Base(), s.Weight3Length())
		}
	}
	if k.HasRecords() {
		k.Records = stream(s.ScaleRegion(), s.ScaleBase(), uint32(s.ScaleLength()))
	}
}

// Unary reports whether the operation is an elementwise one with one operand.
func (k *KernelU85) Unary() bool { return k.Op == OpElementwise && unary(k.Elem) }

func unary(m ElementwiseMode) bool {
	switch m {
	case ElemLRelu, ElemAbs, ElemCLZ, ElemNot:
		return true
	}
	return false
}

// HasIFM2 reports whether the operation has a second input: a second operand, be it a
// scalar, weights that are a feature map, or accumulators to start from.
func (k *KernelU85) HasIFM2() bool {
	if k.Op == OpElementwise {
		return !k.Unary()
	}
	return k.MatMul || k.Acc.Input == AccIFM2
}

// HasWeights reports whether the operation reads a compressed weight stream.
func (k *KernelU85) HasWeights() bool { return k.Op == OpDepthwise || k.Op == OpConv && !k.MatMul }

// HasRecords reports whether the operation reads bias and scale of every channel.
func (k *KernelU85) HasRecords() bool {
	return !k.Global && (k.Op == OpConv || k.Op == OpDepthwise || k.Op == OpPool)
}

// SumsDepth reports whether every output depends on the whole depth of the input.
func (k *KernelU85) SumsDepth() bool {
	return k.Op == OpConv || k.Op == OpPool && k.Pool == PoolReduceSum
}

// Factor returns the factor of upscaling, 1 or 2.
func (k *KernelU85) Factor() int {
	if k.Upscale == UpscaleNone {
		return 1
	}
	return 2
}

// InputExtent returns the height and width of the input as the window sees it, after
// upscaling; they may be zero or negative when the registers contradict. They mean
// nothing for RESIZE.
func (k *KernelU85) InputExtent() (h, w int) {
	n := k.Window
	return (k.OFM.H-1)*n.StrideY + n.DilatedH - n.Top - n.Bottom, (k.OFM.W-1)*n.StrideX + n.DilatedW - n.Left - n.Right
}

// Written returns the output as it is in memory: with its extents after transposition.
func (k *KernelU85) Written() MapU85 {
	m := k.OFM
	if order, ok := k.Transpose.Axes(); ok {
		n := [3]int{m.H, m.W, m.C}
		m.H, m.W, m.C = n[order[0]], n[order[1]], n[order[2]]
	}
	return m
}

// Place returns where element (y, x, c) of the output is in what is written: after
// reversal and transposition.
func (k *KernelU85) Place(y, x, c int) (wy, wx, wc int) {
	switch k.Reverse {
	case ReverseH:
		y = k.OFM.H - 1 - y
	case ReverseW:
		x = k.OFM.W - 1 - x
	case ReverseC:
		c = k.OFM.C - 1 - c
	}
	order, ok := k.Transpose.Axes()
	if !ok {
		return y, x, c
	}
	n := [3]int{y, x, c}
	return n[order[0]], n[order[1]], n[order[2]]
}

// DMAU85 is the transfer that NPU_OP_DMA_START queues on the U85.
type DMAU85 struct {
	Src, Dst                 uint64 // byte offset in the region, or in the memory of tables
	SrcRegion, DstRegion     int
	SrcInternal, DstInternal bool   // the memory of tables
	Mode                     int    // 0: one row, 1: rows, 2: planes of rows
	Length                   uint64 // bytes of a row
	Rows, Planes             int    // 1 where the mode has no more
	SrcRow, DstRow           int64  // bytes from a row to the next
	SrcPlane, DstPlane       int64  // bytes from a plane to the next

	// Gather says that row r comes from Src + index[r]*SrcRow, Scatter that it goes to Dst +
	// index[r]*DstRow. The indices are of 32 bits; those of a plane lie IndexPlane bytes
	// behind those of the plane before.
	Gather, Scatter bool
	IndexRegion     int
	Index           uint64
	IndexMax        int64
	IndexPlane      int64
}

// DMAU85 returns the transfer; only for OpDMAStart.
func (o *Operation) DMAU85() DMAU85 {
	s := o.Regs
	src, dst := s.DMA0SrcRegionU85(), s.DMA0DstRegionU85()
	d := DMAU85{
		Src: uint64(s.DMA0Src()), Dst: uint64(s.DMA0Dst()), Length: uint64(s.DMA0Len()),
		SrcRegion: src.Region, DstRegion: dst.Region, SrcInternal: src.RegionMode, DstInternal: dst.RegionMode,
		Mode: src.StrideMode, Rows: 1, Planes: 1, Gather: src.IdxMode, Scatter: dst.IdxMode,
	}
	indexed := d.Gather || d.Scatter
	if d.Mode > 0 || indexed {
		d.Rows = s.DMA0Size0()
	}
	if d.Mode > 0 || d.Gather {
		d.SrcRow = signed(s.DMA0SrcStride0())
	}
	if d.Mode > 0 || d.Scatter {
		d.DstRow = signed(s.DMA0DstStride0())
	}
	if d.Mode > 1 {
		d.Planes, d.SrcPlane, d.DstPlane = s.DMA0Size1(), signed(s.DMA0SrcStride1()), signed(s.DMA0DstStride1())
	}
	if indexed {
		d.IndexRegion, d.Index, d.IndexMax = s.DMA0IdxRegion(), uint64(s.DMA0Idx()), int64(s.DMA0IdxMax())
		if d.Mode > 1 {
			d.IndexPlane = signed(s.DMA0IdxSkip1())
		}
	}
	return d
}
