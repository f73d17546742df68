// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// u85 is the emitter of the Ethos-U85.
type u85 struct{}

func (u85) InsertWaits(s *Stream) error          { return InsertWaits(s) }
func (u85) SetBlockDependencies(s *Stream) error { return setBlockDependencies85(s) }

func (u85) Emit(s *Stream) error {
	w := &writer{}
	for i := range s.commands {
		c := &s.commands[i]
		if c.Transfer != nil {
			s.emitTransfer85(w, c)
		} else if err := s.emitKernel85(w, c); err != nil {
			return fmt.Errorf("%s (output %q): %v", c.Kernel.Name, c.Kernel.Source, err)
		}
	}
	if s.drain {
		w.op(isa.PutDMAWaitU85(0))
	}
	return s.finish(w)
}

func (s *Stream) emitKernel85(w *writer, c *command) error {
	o := c.Kernel
	if err := check(o); err != nil {
		return err
	}
	elem := o.Kind == kernel.Elementwise
	first, second := o.IFM, o.IFM2
	chain1, chain2 := o.Chain.In, o.Chain.In2
	scalar1, scalar2 := false, o.Scalar
	if o.Swapped {
		first, second, chain1, chain2, scalar1, scalar2 = second, first, chain2, chain1, scalar2, scalar1
	}
	if elem {
		emitScales85(w, o)
	}
	s.emitInput85(w, first, &ifmRegisters, chain1, scalar1)
	depth := o.IFM.C
	if elem {
		depth = o.OFM.C
	}
	w.set(isa.PutIFMDepthM1(depth - 1))
	w.set(isa.PutIFMZeroPoint(uint16(first.Zero)))
	w.set(isa.PutIFMPrecisionU85(isa.IFMPrecisionU85Fields{Type: signed(first), Precision: precision(first), Format: format(first), Storage: storage(chain1, scalar1)}))
	w.set(isa.PutIFMUpscale(isa.UpscaleNone))
	if !elem {
		w.set(isa.PutIFMPadTop(o.PadTop))
		w.set(isa.PutIFMPadLeft(o.PadLeft))
		w.set(isa.PutIFMPadBottom(o.PadBottom))
		w.set(isa.PutIFMPadRight(o.PadRight))
	}
	s.emitOutput85(w, o)
	if !elem {
		w.set(isa.PutKernelHeightM1((o.KH - 1) * o.DilH))
		w.set(isa.PutKernelWidthM1((o.KW - 1) * o.DilW))
		stride := isa.KernelStrideFields{WeightOrder: o.PartKernel, DilationX: o.DilW - 1, DilationY: o.DilH - 1}
		stride.SetStrides(o.StrideH, o.StrideW)
		w.set(isa.PutKernelStride(stride))
		setOutScale85(w, o)
	}
	if o.Stream != nil {
		s.emitStreams85(w, o)
	}
	emitActivation85(w, o)
	if elem && second != nil {
		s.emitInput85(w, second, &ifm2Registers, chain2, scalar2)
		w.set(isa.PutIFM2ZeroPoint(uint16(second.Zero)))
		w.set(isa.PutIFM2PrecisionU85(isa.IFM2PrecisionU85Fields{Type: signed(second), Precision: precision(second), Format: format(second), Storage: storage(chain2, scalar2)}))
	}
	if elem {
		w.set(isa.PutIFMBroadcast(broadcast85(first, o.OFM, scalar1)))
		w.set(isa.PutIFM2BroadcastU85(broadcast85(second, o.OFM, scalar2)))
		if o.Scalar {
			w.set(isa.PutOpScalar(uint32(int32(o.ScalarValue))))
		}
	}
	w.set(isa.PutOFMBLKHeightM1U85(o.Block.H - 1))
	w.set(isa.PutOFMBLKWidthM1U85(o.Block.W - 1))
	w.set(isa.PutOFMBLKDepthM1U85(o.Block.D - 1))
	micro, ok := isa.MicroblockOf(o.Micro.H, o.Micro.W)
	if !ok {
		panic(fmt.Sprintf("BUG: %s: no number for micro-block %v", o.Name, o.Micro))
	}
	acc := isa.AccFormat(isa.AccI32)
	if o.Acc40 || elem && o.IFM.Bits() == 16 {
		acc = isa.AccI48
	}
	w.set(isa.PutACCFormatU85(isa.ACCFormatU85Fields{AccFormat: acc, Microblock: micro}))
	w.set(isa.PutBlockdepU85(c.blockdep))
	c.emitWaits85(w)
	switch o.Kind {
	case kernel.Conv:
		c.word = w.op(isa.PutConvU85(false))
	case kernel.Depthwise:
		c.word = w.op(isa.Command{Code: isa.OpDepthwise})
	case kernel.Pool:
		c.word = w.op(isa.PutPoolU85(poolMode85(o)))
	default:
		c.word = w.op(isa.PutElementwiseU85(isa.ElementwiseMode(o.Mode)))
	}
	if o.Chain != (schedule.Chain{}) {
		w.stale(chainRegisters...)
	}
	return nil
}

// chainRegisters are those that are written again behind a member of a chain, changed or
// not. Vela does; whether hardware needs it nobody says.
var chainRegisters = []isa.Code{
	isa.SetIFMPrecision, isa.SetIFMBase0, isa.SetIFMBase1, isa.SetIFMBase2, isa.SetIFMBase3, isa.SetIFMWidth0M1, isa.SetIFMHeight0M1, isa.SetIFMHeight1M1,
	isa.SetIFMStrideX, isa.SetIFMStrideY, isa.SetIFMStrideC, isa.SetIFMRegion, isa.SetIFMZeroPoint,
	isa.SetIFM2Precision, isa.SetIFM2Base0, isa.SetIFM2Base1, isa.SetIFM2Base2, isa.SetIFM2Base3, isa.SetIFM2Width0M1, isa.SetIFM2Height0M1, isa.SetIFM2Height1M1,
	isa.SetIFM2StrideX, isa.SetIFM2StrideY, isa.SetIFM2StrideC, isa.SetIFM2Region, isa.SetIFM2ZeroPoint,
	isa.SetOFMPrecision,
}

func poolMode85(o *schedule.Op) isa.PoolMode {
	if o.Mode == kernel.PoolAverage {
		return isa.PoolSum // AVERAGE divides; here a scale does
	}
	return isa.PoolMode(o.Mode)
}

func storage(chain int, scalar bool) isa.Storage {
	switch {
	case chain > 0:
		return isa.Chained
	case scalar:
		return isa.NoStorage
	}
	return isa.Tile2x2
}

// emitInput85 writes where an input comes from.
func (s *Stream) emitInput85(w *writer, f *kernel.Map, r *mapRegisters, chain int, scalar bool) {
	switch {
	case chain > 0:
		w.set(r.region(chain - 1))
	case !scalar:
		s.emitMap(w, f, r)
	}
}

func (s *Stream) emitOutput85(w *writer, o *schedule.Op) {
	if o.Chain.Out > 0 {
		w.set(isa.PutOFMRegion(o.Chain.Out - 1))
	} else {
		s.emitMap(w, o.OFM, &ofmRegisters)
	}
	w.set(isa.PutOFMHeightM1(o.OFM.H - 1))
	w.set(isa.PutOFMWidthM1(o.OFM.W - 1))
	w.set(isa.PutOFMDepthM1(o.OFM.C - 1))
	w.set(isa.PutOFMZeroPoint(uint16(o.OFM.Zero)))
	w.set(isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: signed(o.OFM), Precision: precision(o.OFM), Format: format(o.OFM),
		ScaleMode: o.Weights == nil, Storage: storage(o.Chain.Out, false)}))
}

// round85 is a round mode of the older NPUs as the Ethos-U85 counts them.
func round85(o *schedule.Op) isa.RoundModeU85 {
	if o.Round == kernel.RoundNatural {
		return isa.RoundHalfUp
	}
	return isa.RoundDouble
}

func outScale85(o *schedule.Op) isa.OFMScaleU85Fields {
	return isa.OFMScaleU85Fields{Scale: o.Out.Mul, Shift: o.Out.Shift, RoundMode: round85(o)}
}

// setOutScale85 writes the scale of a kernel of windows. Where records have the scales
// only the rounding is read of it, and what there is stays if it has the same.
func setOutScale85(w *writer, o *schedule.Op) {
	f := outScale85(o)
	if o.Weights != nil {
		f.Scale, f.Shift = 1, 0
		if c, ok := w.regs.Command(isa.SetOFMScale); ok {
			if old := isa.GetOFMScaleU85(c); old.RoundMode == f.RoundMode && old.DblRnd == f.DblRnd {
				return
			}
		}
	}
	w.set(isa.PutOFMScaleU85(f))
}

// emitScales85 writes the scales of an elementwise operation and of its operands.
func emitScales85(w *writer, o *schedule.Op) {
	a, b := isa.IFMScaleFields{Scale: 1}, isa.IFM2ScaleFields{Scale: 1}
	if bits := o.IFM.Bits(); (o.Mode == kernel.Add || o.Mode == kernel.Sub) && bits < 32 {
		// The operand that is not scaled is moved up by so many bits, exactly, and the
		// double rounding of the other one is that of a value moved up by double.
		up, double := 19, 20
		if bits == 16 {
			up, double = 14, 15
		}
		exact := isa.IFMScaleFields{Scale: 1 << 30, Shift: 30 - up, DblRnd: double}
		scaled := isa.IFMScaleFields{Scale: o.OPA.Mul, Shift: o.OPA.Shift, DblRnd: double}
		first, second := exact, scaled
		switch o.OperandMode {
		case 0:
			first, second = isa.IFMScaleFields{Scale: o.OPA.Mul, Shift: o.OPA.Shift}, isa.IFMScaleFields{Scale: o.OPB}
		case 1:
			first, second = scaled, exact
		}
		a, b = first, isa.IFM2ScaleFields(second)
	}
	w.set(isa.PutIFMScale(a))
	if o.IFM2 != nil {
		w.set(isa.PutIFM2Scale(b))
	}
	w.set(isa.PutOFMScaleU85(outScale85(o)))
}

func broadcast85(f, out *kernel.Map, scalar bool) isa.BroadcastU85 {
	var b isa.BroadcastU85
	switch {
	case f == nil:
	case scalar:
		b = isa.BroadcastScalar
	default:
		if f.H == 1 && out.H > 1 {
			b |= isa.BroadcastH
		}
		if f.W == 1 && out.W > 1 {
			b |= isa.BroadcastW
		}
		if f.C == 1 && out.C > 1 {
			b |= isa.BroadcastC
		}
	}
	return b
}

func emitActivation85(w *writer, o *schedule.Op) {
	act := isa.ActivationU85Fields{}
	lo, hi := uint16(o.Lo), uint16(o.Hi)
	switch {
	case o.Fn == kernel.FnTanh:
		act.Function = isa.FuncTanh
	case o.Fn == kernel.FnSigmoid:
		act.Function = isa.FuncSigmoid
	case o.Fn == kernel.FnTable && len(o.Table.Data) == 2048:
		act.Function = isa.FuncS16ToS16
	case o.Fn == kernel.FnTable && len(o.Table.Data) == 1024:
		act.Function = isa.FuncS8ToS32
	case o.Fn == kernel.FnTable:
		act.Function = isa.FuncS8ToS8
	case o.OFM.Bits() == 32: // no limits, as Vela writes it
		act.ClipRange, lo, hi = true, 0x8000, 0xffff
	}
	if o.UsesTable() {
		act.Table = 256 * o.Slot / len(o.Table.Data)
	}
	w.set(isa.PutActivationU85(act))
	w.set(isa.PutActivationMin(lo))
	w.set(isa.PutActivationMax(hi))
}

func weightFormat(s *schedule.Stream) isa.WeightFormat {
	if s.Fast {
		return isa.WeightsFWD
	}
	return isa.WeightsSWD
}

func (s *Stream) emitStreams85(w *writer, o *schedule.Op) {
	at, c := s.layout.At(o.Stream.Home(), 0), &o.Stream.Coded
	w.set(isa.PutWeightFormat(isa.WeightFormatFields{Format: weightFormat(o.Stream)}))
	w.set(isa.PutWeightRegion(at.Region))
	base := [4]func(int64) isa.Command{isa.PutWeightBase, isa.PutWeight1Base, isa.PutWeight2Base, isa.PutWeight3Base}
	length := [4]func(uint32) isa.Command{isa.PutWeightLength, isa.PutWeight1Length, isa.PutWeight2Length, isa.PutWeight3Length}
	for i := range s.accel.Cores {
		if c.Len[i] > 0 {
			w.set(base[i](int64(at.Offset + c.Off[i])))
		}
		w.set(length[i](uint32(c.Len[i])))
	}
	at, c = s.layout.At(o.Scales.Home(), 0), o.Scales
	w.set(isa.PutScaleRegion(at.Region))
	w.set(isa.PutScaleBase(int64(at.Offset + c.Off[0])))
	w.set(isa.PutScaleLength(c.Len[0]))
}

func (c *command) emitWaits85(w *writer) {
	if c.dmaWait >= 0 {
		w.op(isa.PutDMAWaitU85(c.dmaWait))
	}
	if c.kernelWait >= 0 {
		w.op(isa.PutKernelWaitU85(c.kernelWait))
	}
}

// tableMemory is the region field of a transfer to the memory of tables, as Vela has it.
const tableMemory = 3

func (s *Stream) emitTransfer85(w *writer, c *command) {
	t := c.Transfer
	a := s.layout.At(t.Src, t.From)
	w.set(isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{Region: a.Region}))
	w.set(isa.PutDMA0Src(int64(a.Offset)))
	if t.Dst == nil {
		w.set(isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: tableMemory, RegionMode: true}))
		w.set(isa.PutDMA0Dst(int64(t.Table)))
	} else {
		a = s.layout.At(t.Dst, t.To)
		w.set(isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: a.Region}))
		w.set(isa.PutDMA0Dst(int64(a.Offset)))
	}
	w.set(isa.PutDMA0Len(int64(t.Length)))
	w.set(isa.PutDMA0Size0(1))
	c.emitWaits85(w)
	c.word = w.op(isa.Command{Code: isa.OpDMAStart})
}
