// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
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
			w.set(isa.PutOPAScale(isa.OPAScaleFields{Shift: o.OPA.Shift, Scale: o.OPA.Mul}))
			w.set(isa.PutOPBScale(int(o.OPB)))
		}
		w.set(isa.PutOFMScale(isa.OFMScaleFields{Shift: o.Out.Shift, Scale: o.Out.Mul}))
	}
	s.emitMap(w, o.IFM, &ifmRegisters)
	w.set(isa.PutIFMDepthM1(o.IFM.C - 1))
	w.set(isa.PutIFMZeroPoint(uint16(o.IFM.Zero)))
	w.set(isa.PutIFMPrecision(isa.IFMPrecisionFields{Type: signed(o.IFM), Precision: precision(o.IFM), Format: format(o.IFM), ScaleMode: o.OperandMode}))
	w.set(isa.PutIFMUpscale(isa.UpscaleNone))
	if !elem {
		w.set(isa.PutIFMPadTop(o.PadTop))
		w.set(isa.PutIFMPadLeft(o.PadLeft))
		w.set(isa.PutIFMPadBottom(o.PadBottom))
		w.set(isa.PutIFMPadRight(o.PadRight))
	}
	s.emitMap(w, o.OFM, &ofmRegisters)
	w.set(isa.PutOFMHeightM1(o.OFM.H - 1))
	w.set(isa.PutOFMWidthM1(o.OFM.W - 1))
	w.set(isa.PutOFMDepthM1(o.OFM.C - 1))
	w.set(isa.PutOFMZeroPoint(uint16(o.OFM.Zero)))
	w.set(isa.PutOFMPrecision(isa.OFMPrecisionFields{Type: signed(o.OFM), Precision: precision(o.OFM), Format: format(o.OFM),
		ScaleMode: o.Global, RoundMode: isa.RoundMode(o.Round)}))
	if !elem {
		w.set(isa.PutKernelHeightM1((o.KH - 1) * o.DilH))
		w.set(isa.PutKernelWidthM1((o.KW - 1) * o.DilW))
		stride := isa.KernelStrideFields{WeightOrder: o.PartKernel, DilationX: o.DilW - 1, DilationY: o.DilH - 1}
		stride.SetStrides(o.StrideH, o.StrideW)
		w.set(isa.PutKernelStride(stride))
	}
	if o.Stream != nil {
		s.emitStreams(w, o)
	}
	act := isa.ActivationFields{Function: isa.ActivationFunction(o.Fn)}
	if o.UsesTable() {
		act.Function += isa.ActivationFunction(o.Slot)
		if o.OFM.Bits() == 32 {
			act.ClipRange = isa.ClipInt8 // of the table's index
		}
	}
	w.set(isa.PutActivation(act))
	w.set(isa.PutActivationMin(uint16(o.Lo)))
	w.set(isa.PutActivationMax(uint16(o.Hi)))
	w.set(isa.PutOFMBLKHeightM1(o.Block.H - 1))
	w.set(isa.PutOFMBLKWidthM1(o.Block.W - 1))
	w.set(isa.PutOFMBLKDepthM1(o.Block.D - 1))
	w.set(isa.PutIFMIBEnd(o.Layout.IBEnd))
	w.set(isa.PutABStart(o.Layout.ABStart))
	if elem && o.IFM2 != nil && !o.Scalar {
		w.set(isa.PutIFM2IBStart(o.Layout.IFM2IBStart))
	}
	acc := isa.AccFormat(isa.AccI32)
	if o.Acc40 || (elem && o.IFM.Bits() == 16) {
		acc = isa.AccI40
	}
	w.set(isa.PutACCFormat(acc))
	if o.Kind == kernel.Pool {
		w.set(isa.PutOFMScale(isa.OFMScaleFields{Shift: o.Out.Shift, Scale: o.Out.Mul}))
	}
	if elem && o.IFM2 != nil {
		s.emitIFM2(w, o)
	}
	w.set(isa.PutBlockdep(c.blockdep))
	c.emitWaits(w)
	switch o.Kind {
	case kernel.Conv:
		c.word = w.op(isa.Command{Code: isa.OpConv})
	case kernel.Depthwise:
		c.word = w.op(isa.Command{Code: isa.OpDepthwise})
	case kernel.Pool:
		c.word = w.op(isa.PutPool(isa.PoolMode(o.Mode)))
	default:
		c.word = w.op(isa.PutElementwise(isa.ElementwiseMode(o.Mode)))
	}
	return nil
}

func (c *command) emitWaits(w *writer) {
	if c.kernelWait >= 0 {
		w.op(isa.PutKernelWait(c.kernelWait))
	}
	if c.dmaWait >= 0 {
		w.op(isa.PutDMAWait(c.dmaWait))
	}
}

func (s *Stream) emitTransfer(w *writer, c *command) {
	t := c.Transfer
	a := s.layout.At(t.Src, t.From)
	w.set(isa.PutDMA0SrcRegion(isa.DMA0SrcRegionFields{Region: a.Region}))
	w.set(isa.PutDMA0Src(int64(a.Offset)))
	if t.Dst == nil {
		w.set(isa.PutDMA0DstRegion(isa.DMA0DstRegionFields{Region: bothCores, RegionMode: true}))
		w.set(isa.PutDMA0Dst(int64(t.Table)))
	} else {
		a = s.layout.At(t.Dst, t.To)
		w.set(isa.PutDMA0DstRegion(isa.DMA0DstRegionFields{Region: a.Region}))
		w.set(isa.PutDMA0Dst(int64(a.Offset)))
	}
	w.set(isa.PutDMA0Len(int64(t.Length)))
	c.emitWaits(w)
	c.word = w.op(isa.Command{Code: isa.OpDMAStart})
}

// bothCores is the core mask of a transfer to the SHRAM; one core ignores the other's bit.
const bothCores = 3

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

// mapRegisters are the registers of one feature map.
type mapRegisters struct {
	region, height0, height1, width0 func(int) isa.Command
	base                             [4]func(int64) isa.Command
	strideC, strideY, strideX        func(int64) isa.Command
}

var (
	ifmRegisters = mapRegisters{isa.PutIFMRegion, isa.PutIFMHeight0M1, isa.PutIFMHeight1M1, isa.PutIFMWidth0M1,
		[4]func(int64) isa.Command{isa.PutIFMBase0, isa.PutIFMBase1, isa.PutIFMBase2, isa.PutIFMBase3},
		isa.PutIFMStrideC, isa.PutIFMStrideY, isa.PutIFMStrideX}
	ifm2Registers = mapRegisters{isa.PutIFM2Region, isa.PutIFM2Height0M1, isa.PutIFM2Height1M1, isa.PutIFM2Width0M1,
		[4]func(int64) isa.Command{isa.PutIFM2Base0, isa.PutIFM2Base1, isa.PutIFM2Base2, isa.PutIFM2Base3},
		isa.PutIFM2StrideC, isa.PutIFM2StrideY, isa.PutIFM2StrideX}
	ofmRegisters = mapRegisters{isa.PutOFMRegion, isa.PutOFMHeight0M1, isa.PutOFMHeight1M1, isa.PutOFMWidth0M1,
		[4]func(int64) isa.Command{isa.PutOFMBase0, isa.PutOFMBase1, isa.PutOFMBase2, isa.PutOFMBase3},
		isa.PutOFMStrideC, isa.PutOFMStrideY, isa.PutOFMStrideX}
)

// emitMap writes the registers of one feature map. Those that no access needs, such as
// the stride between rows of a map of one row, keep what they have.
func (s *Stream) emitMap(w *writer, f *kernel.Map, r *mapRegisters) {
	at := s.layout.At(f.Buf, f.Off)
	w.set(r.region(at.Region))
	h0, low := f.H, 0
	if f.Low != nil {
		h0 = 1
		low = s.layout.At(f.Low, f.LowOff).Offset
	}
	unit := f.Type.Size() // of addresses and strides
	if f.Bricks() {
		unit = 16
	}
	w.set(r.base[0](int64(at.Offset)))
	w.idle(false, unit, r.base[1](0))
	w.idle(f.Low != nil, unit, r.base[2](int64(low)))
	w.idle(false, unit, r.base[3](0))
	w.set(r.height0(h0 - 1))
	w.set(r.height1(h0 - 1))
	w.set(r.width0(f.W - 1))
	// NHWC has no bricks, and a pixel here has one; aligned strides suit both formats.
	w.idle(false, unit, r.strideC(int64(16*f.Type.Size())))
	w.idle(max(h0, f.H-h0) > 1, unit, r.strideY(int64(f.StrideY)))
	w.idle(f.W > 1, unit, r.strideX(int64(f.StrideX)))
}

func (s *Stream) emitIFM2(w *writer, o *schedule.Op) {
	f := o.IFM2
	if !o.Scalar {
		s.emitMap(w, f, &ifm2Registers)
	}
	w.set(isa.PutIFM2ZeroPoint(uint16(f.Zero)))
	w.set(isa.PutIFM2Precision(isa.IFM2PrecisionFields{Type: signed(f), Precision: precision(f), Format: format(f)}))
	b := isa.IFM2BroadcastFields{OperandOrder: o.Swapped, BroadcastConstant: o.Scalar}
	if !o.Scalar {
		b.BroadcastH, b.BroadcastW, b.BroadcastC = f.H == 1 && o.OFM.H > 1, f.W == 1 && o.OFM.W > 1, f.C == 1 && o.OFM.C > 1
	}
	w.set(isa.PutIFM2Broadcast(b))
	if o.Scalar {
		w.set(isa.PutIFM2Scalar(uint16(o.ScalarValue)))
	}
}

func (s *Stream) emitStreams(w *writer, o *schedule.Op) {
	at, c := s.layout.At(o.Stream.Home(), 0), &o.Stream.Coded
	w.set(isa.PutWeightRegion(at.Region))
	w.set(isa.PutWeightBase(int64(at.Offset + c.Off[0])))
	w.set(isa.PutWeightLength(uint32(c.Len[0])))
	if s.accel.Cores == 2 {
		w.set(isa.PutWeight1Base(int64(at.Offset + c.Off[1])))
		w.set(isa.PutWeight1Length(uint32(c.Len[1])))
	}
	at, c = s.layout.At(o.Scales.Home(), 0), o.Scales
	w.set(isa.PutScaleRegion(at.Region))
	w.set(isa.PutScaleBase(int64(at.Offset + c.Off[0])))
	w.set(isa.PutScaleLength(c.Len[0]))
	if s.accel.Cores == 2 {
		w.set(isa.PutScale1Base(int64(at.Offset + c.Off[1])))
		w.set(isa.PutScale1Length(c.Len[1]))
	}
}

func signed(f *kernel.Map) bool { return f.Type != graph.Uint8 }

func precision(f *kernel.Map) isa.Precision {
	switch f.Type.Size() {
	case 2:
		return isa.Bits16
	case 4:
		return isa.Bits32
	}
	return isa.Bits8
}

func format(f *kernel.Map) isa.Format {
	if f.Bricks() {
		return isa.NHCWB16
	}
	return isa.NHWC
}
