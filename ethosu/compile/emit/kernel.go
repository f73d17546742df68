package emit

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

func (s *Stream) emitKernel(w *writer, c *command) error {
	o := c.Kernel
	if err := check(o); err != nil {
		return err
	}
	elem := o.Kind == kernel.Elementwise
	if elem {
		if o.Mode == kernel.Add || o.Mode == kernel.Sub {
			w.write(isa.SetOPAScale, uint16(o.OPA.Shift), o.OPA.Mul)
			w.set32(isa.SetOPBScale, int(o.OPB))
		}
		w.write(isa.SetOFMScale, uint16(o.Out.Shift), o.Out.Mul)
	}
	s.emitMap(w, o.IFM, ifmCodes)
	w.set(isa.SetIFMDepthM1, o.IFM.C-1)
	w.set(isa.SetIFMZeroPoint, o.IFM.Zero)
	w.set(isa.SetIFMPrecision, precision(o.IFM, 2)|o.OperandMode<<8)
	w.set(isa.SetIFMUpscale, 0)
	if !elem {
		w.set(isa.SetIFMPadTop, o.PadTop)
		w.set(isa.SetIFMPadLeft, o.PadLeft)
		w.set(isa.SetIFMPadBottom, o.PadBottom)
		w.set(isa.SetIFMPadRight, o.PadRight)
	}
	s.emitMap(w, o.OFM, ofmCodes)
	w.set(isa.SetOFMHeightM1, o.OFM.H-1)
	w.set(isa.SetOFMWidthM1, o.OFM.W-1)
	w.set(isa.SetOFMDepthM1, o.OFM.C-1)
	w.set(isa.SetOFMZeroPoint, o.OFM.Zero)
	global := 0
	if o.Global {
		global = 1 << 8
	}
	w.set(isa.SetOFMPrecision, precision(o.OFM, 1)|global|o.Round<<14)
	if !elem {
		w.set(isa.SetKernelHeightM1, (o.KH-1)*o.DilH)
		w.set(isa.SetKernelWidthM1, (o.KW-1)*o.DilW)
		w.set(isa.SetKernelStride, kernelStride(o))
	}
	if o.Stream != nil {
		s.emitStreams(w, o)
	}
	act := int(o.Fn)
	if o.UsesTable() {
		act += o.Slot
		if o.OFM.Bits() == 32 {
			act |= 3 << 12 // clip the table index to int8
		}
	}
	w.set(isa.SetActivation, act)
	w.set(isa.SetActivationMin, o.Lo)
	w.set(isa.SetActivationMax, o.Hi)
	w.set(isa.SetOFMBLKHeightM1, o.Block.H-1)
	w.set(isa.SetOFMBLKWidthM1, o.Block.W-1)
	w.set(isa.SetOFMBLKDepthM1, o.Block.D-1)
	w.set(isa.SetIFMIBEnd, o.Layout.IBEnd)
	w.set(isa.SetABStart, o.Layout.ABStart)
	if elem && o.IFM2 != nil && !o.Scalar {
		w.set(isa.SetIFM2IBStart, o.Layout.IFM2IBStart)
	}
	acc := 0
	if o.Acc40 || (elem && o.IFM.Bits() == 16) {
		acc = 1
	}
	w.set(isa.SetACCFormat, acc)
	if o.Kind == kernel.Pool {
		w.write(isa.SetOFMScale, uint16(o.Out.Shift), o.Out.Mul)
	}
	if elem && o.IFM2 != nil {
		s.emitIFM2(w, o)
	}
	w.set(isa.SetBlockdep, c.blockdep)
	c.emitWaits(w)
	switch o.Kind {
	case kernel.Conv:
		c.word = w.op(isa.OpConv, 0)
	case kernel.Depthwise:
		c.word = w.op(isa.OpDepthwise, 0)
	case kernel.Pool:
		c.word = w.op(isa.OpPool, o.Mode)
	default:
		c.word = w.op(isa.OpElementwise, o.Mode)
	}
	return nil
}

func (c *command) emitWaits(w *writer) {
	if c.kernelWait >= 0 {
		w.op(isa.OpKernelWait, c.kernelWait)
	}
	if c.dmaWait >= 0 {
		w.op(isa.OpDMAWait, c.dmaWait)
	}
}

func (s *Stream) emitTransfer(w *writer, c *command) {
	t := c.Transfer
	a := s.layout.At(t.Src, 0)
	w.set(isa.SetDMA0SrcRegion, a.Region)
	w.set32(isa.SetDMA0Src, a.Offset)
	if t.Dst == nil {
		w.set(isa.SetDMA0DstRegion, shram)
		w.set32(isa.SetDMA0Dst, t.Table)
	} else {
		a = s.layout.At(t.Dst, 0)
		w.set(isa.SetDMA0DstRegion, a.Region)
		w.set32(isa.SetDMA0Dst, a.Offset)
	}
	w.set32(isa.SetDMA0Len, t.Length)
	c.emitWaits(w)
	c.word = w.op(isa.OpDMAStart, 0)
}

// check stops an operation that the register fields cannot hold.
func check(o *schedule.Op) error {
	for _, f := range []*kernel.Map{o.IFM, o.OFM} {
		for _, n := range []int{f.H, f.W, f.C} {
			if n < 1 || n > 65536 {
				return fmt.Errorf("tensor %q: an extent of %d is beyond the NPU's 1 to 65536", f.Name, n)
			}
		}
	}
	return nil
}

// mapCodes are the registers of one feature map.
type mapCodes struct {
	region                 isa.Code
	base                   [4]isa.Code
	height0, height1, wid0 isa.Code
	strideC, strideY, strX isa.Code
}

var (
	ifmCodes = mapCodes{isa.SetIFMRegion, [4]isa.Code{isa.SetIFMBase0, isa.SetIFMBase1, isa.SetIFMBase2, isa.SetIFMBase3},
		isa.SetIFMHeight0M1, isa.SetIFMHeight1M1, isa.SetIFMWidth0M1, isa.SetIFMStrideC, isa.SetIFMStrideY, isa.SetIFMStrideX}
	ifm2Codes = mapCodes{isa.SetIFM2Region, [4]isa.Code{isa.SetIFM2Base0, isa.SetIFM2Base1, isa.SetIFM2Base2, isa.SetIFM2Base3},
		isa.SetIFM2Height0M1, isa.SetIFM2Height1M1, isa.SetIFM2Width0M1, isa.SetIFM2StrideC, isa.SetIFM2StrideY, isa.SetIFM2StrideX}
	ofmCodes = mapCodes{isa.SetOFMRegion, [4]isa.Code{isa.SetOFMBase0, isa.SetOFMBase1, isa.SetOFMBase2, isa.SetOFMBase3},
		isa.SetOFMHeight0M1, isa.SetOFMHeight1M1, isa.SetOFMWidth0M1, isa.SetOFMStrideC, isa.SetOFMStrideY, isa.SetOFMStrideX}
)

// emitMap writes the registers of one feature map. Those that no access needs, such as
// the stride between rows of a map of one row, keep what they have.
func (s *Stream) emitMap(w *writer, f *kernel.Map, c mapCodes) {
	at := s.layout.At(f.Buf, f.Off)
	w.set(c.region, at.Region)
	h0, low := f.H, 0
	if f.Low != nil {
		h0 = 1
		low = s.layout.At(f.Low, f.LowOff).Offset
	}
	unit := f.Type.Size() // of addresses and strides
	if f.Bricks() {
		unit = 16
	}
	w.set32(c.base[0], at.Offset)
	w.idle32(false, unit, c.base[1], 0)
	w.idle32(f.Low != nil, unit, c.base[2], low)
	w.idle32(false, unit, c.base[3], 0)
	w.set(c.height0, h0-1)
	w.set(c.height1, h0-1)
	w.set(c.wid0, f.W-1)
	// NHWC has no bricks, and a pixel here has one; aligned strides suit both formats.
	w.idle32(false, unit, c.strideC, 16*f.Type.Size())
	w.idle32(max(h0, f.H-h0) > 1, unit, c.strideY, f.StrideY)
	w.idle32(f.W > 1, unit, c.strX, f.StrideX)
}

func (s *Stream) emitIFM2(w *writer, o *schedule.Op) {
	f := o.IFM2
	if !o.Scalar {
		s.emitMap(w, f, ifm2Codes)
	}
	w.set(isa.SetIFM2ZeroPoint, f.Zero)
	w.set(isa.SetIFM2Precision, precision(f, 2))
	b := 0
	if o.Swapped {
		b |= 1 << 6
	}
	if o.Scalar {
		w.set(isa.SetIFM2Broadcast, b|1<<7)
		w.set(isa.SetIFM2Scalar, o.ScalarValue)
		return
	}
	if f.H == 1 && o.OFM.H > 1 {
		b |= 1
	}
	if f.W == 1 && o.OFM.W > 1 {
		b |= 2
	}
	if f.C == 1 && o.OFM.C > 1 {
		b |= 4
	}
	w.set(isa.SetIFM2Broadcast, b)
}

func (s *Stream) emitStreams(w *writer, o *schedule.Op) {
	emit := func(c *schedule.Coded, region isa.Code, base, length [2]isa.Code) {
		at := s.layout.At(c.Home(), 0)
		w.set(region, at.Region)
		w.set32(base[0], at.Offset+c.Off[0])
		w.set32(length[0], c.Len[0])
		if s.accel.Cores == 2 {
			w.set32(base[1], at.Offset+c.Off[1])
			w.set32(length[1], c.Len[1])
		}
	}
	emit(&o.Stream.Coded, isa.SetWeightRegion, [2]isa.Code{isa.SetWeightBase, isa.SetWeight1Base}, [2]isa.Code{isa.SetWeightLength, isa.SetWeight1Length})
	emit(o.Scales, isa.SetScaleRegion, [2]isa.Code{isa.SetScaleBase, isa.SetScale1Base}, [2]isa.Code{isa.SetScaleLength, isa.SetScale1Length})
}

func kernelStride(o *schedule.Op) int {
	x, y := o.StrideW-1, o.StrideH-1
	v := x&1 | y&1<<1 | x>>1<<6 | y>>1<<9 | (o.DilW-1)<<3 | (o.DilH-1)<<4
	if o.PartKernel {
		v |= 1 << 2
	}
	return v
}

// precision is the type, precision and format field, whose precision starts at the
// given bit.
func precision(f *kernel.Map, bit int) int {
	p := 0
	switch f.Type.Size() {
	case 2:
		p = 1
	case 4:
		p = 2
	}
	p <<= bit
	if f.Bricks() {
		p |= 1 << 6
	}
	if f.Type != graph.Uint8 {
		p |= 1
	}
	return p
}
