// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// put writes a command.
func (s *stream) put(c isa.Command) { s.words = c.Append(s.words) }

// mapU85 writes the registers of a feature map but its precision; which is its first
// base register.
func (s *stream) mapU85(which isa.Code, m *isa.MapU85, written *isa.FeatureMap) {
	var region, h0, h1, w0, zp isa.Code
	switch which {
	case isa.SetIFMBase0:
		region, h0, h1, w0, zp = isa.SetIFMRegion, isa.SetIFMHeight0M1, isa.SetIFMHeight1M1, isa.SetIFMWidth0M1, isa.SetIFMZeroPoint
	case isa.SetIFM2Base0:
		region, h0, h1, w0, zp = isa.SetIFM2Region, isa.SetIFM2Height0M1, isa.SetIFM2Height1M1, isa.SetIFM2Width0M1, isa.SetIFM2ZeroPoint
	default:
		region, h0, h1, w0, zp = isa.SetOFMRegion, isa.SetOFMHeight0M1, isa.SetOFMHeight1M1, isa.SetOFMWidth0M1, isa.SetOFMZeroPoint
		s.raw(isa.SetOFMHeightM1, m.H-1)
		s.raw(isa.SetOFMWidthM1, m.W-1)
		s.raw(isa.SetOFMDepthM1, m.C-1)
	}
	s.raw(zp, int(m.ZeroPoint))
	switch m.Storage {
	case isa.Chained:
		s.raw(region, m.Buffer)
		return
	case isa.NoStorage:
		return
	}
	s.raw(region, written.Region)
	for i, b := range written.Base {
		s.addr(which+isa.Code(i), int64(b))
	}
	s.raw(h0, written.Height0-1)
	s.raw(h1, written.Height1-1)
	s.raw(w0, written.Width0-1)
	s.addr(which+4, written.StrideX)
	s.addr(which+5, written.StrideY)
	s.addr(which+6, written.StrideC)
}

func precision(t isa.DType) isa.Precision {
	return map[int]isa.Precision{8: isa.Bits8, 16: isa.Bits16, 32: isa.Bits32, 64: isa.Bits64}[t.Bits]
}

// kernelU85 writes a block operation with all its registers. The OFM's addresses are
// those of what is written, the streams those that k names.
func (s *stream) kernelU85(k *isa.KernelU85) {
	s.put(isa.PutIFMPrecisionU85(isa.IFMPrecisionU85Fields{Type: k.IFM.Type.Signed, Precision: precision(k.IFM.Type), Format: k.IFM.Format, Storage: k.IFM.Storage}))
	s.mapU85(isa.SetIFMBase0, &k.IFM, &k.IFM.FeatureMap)
	s.raw(isa.SetIFMDepthM1, max(k.IFM.C, 1)-1)
	s.raw(isa.SetIFMUpscale, int(k.Upscale))
	s.put(isa.PutIFM2PrecisionU85(isa.IFM2PrecisionU85Fields{Type: k.IFM2.Type.Signed, Precision: precision(k.IFM2.Type), Format: k.IFM2.Format, Storage: k.IFM2.Storage}))
	if k.HasIFM2() {
		s.mapU85(isa.SetIFM2Base0, &k.IFM2, &k.IFM2.FeatureMap)
	} else {
		s.raw(isa.SetIFM2ZeroPoint, 0)
	}
	s.put(isa.PutOFMPrecisionU85(isa.OFMPrecisionU85Fields{Type: k.OFM.Type.Signed, Precision: precision(k.OFM.Type), Format: k.OFM.Format,
		ScaleMode: k.Global, Reverse: k.Reverse, Transpose: k.Transpose, Storage: k.OFM.Storage}))
	s.mapU85(isa.SetOFMBase0, &k.OFM, &k.OFM.FeatureMap)
	s.put(isa.PutIFMBroadcast(k.IFM.Broadcast))
	s.put(isa.PutIFM2BroadcastU85(k.IFM2.Broadcast))
	s.put(isa.PutOpScalar(uint32(k.Scalar)))
	scale := func(x isa.ScaleU85) isa.OFMScaleU85Fields {
		return isa.OFMScaleU85Fields{Shift: x.Shift, DblRnd: x.Double, RoundMode: x.Round, Scale: x.Value}
	}
	s.put(isa.PutOFMScaleU85(scale(k.OFMScale)))
	s.put(isa.PutIFMScale(isa.IFMScaleFields(scale(k.IFMScale))))
	s.put(isa.PutIFM2Scale(isa.IFM2ScaleFields(scale(k.IFM2Scale))))
	s.put(isa.PutActivationU85(isa.ActivationU85Fields{Function: k.Activation.Function, Table: k.Activation.Table, ClipRange: !k.Activation.Clip}))
	s.raw(isa.SetActivationMin, int(k.Activation.Min))
	s.raw(isa.SetActivationMax, int(k.Activation.Max))
	s.raw(isa.SetOFMBLKHeightM1, k.H-1)
	s.raw(isa.SetOFMBLKWidthM1, k.W-1)
	s.raw(isa.SetOFMBLKDepthM1, k.D-1)
	out := isa.AccOutput(flag(k.Acc.Hold))
	s.put(isa.PutACCFormatU85(isa.ACCFormatU85Fields{AccFormat: k.Acc.Format, AccInput: k.Acc.Input, AccOutput: out, Microblock: k.Acc.Micro}))
	s.raw(isa.SetBlockdep, k.Dep)
	switch k.Op {
	case isa.OpElementwise:
		s.put(isa.PutElementwiseU85(k.Elem))
		return
	case isa.OpResize:
		s.resizeU85(k)
		return
	}
	s.kernel(&k.Window)
	s.streamsU85(k)
	if k.Op == isa.OpPool {
		s.put(isa.PutPoolU85(k.Pool))
		return
	}
	s.raw(k.Op, flag(k.MatMul))
}

func (s *stream) resizeU85(k *isa.KernelU85) {
	s.raw(isa.SetKernelHeightM1, k.IFM.H-1)
	s.raw(isa.SetKernelWidthM1, k.IFM.W-1)
	for _, pad := range []isa.Code{isa.SetIFMPadTop, isa.SetIFMPadLeft, isa.SetIFMPadRight, isa.SetIFMPadBottom} {
		s.raw(pad, 0)
	}
	y, x := &k.Resize[0], &k.Resize[1]
	s.put(isa.PutResizeYScaleNM1(y.N - 1))
	s.put(isa.PutResizeXScaleNM1(x.N - 1))
	s.put(isa.PutResizeYOffset(y.Offset & 0xFFF))
	s.put(isa.PutResizeXOffset(x.Offset & 0xFFF))
	s.put(isa.PutResizeYStep(isa.ResizeYStepFields{OneStepInt: y.OneWhole, OneStepMod: y.OneRest, BlkStepInt: y.BlockWhole, BlkStepMod: y.BlockRest}))
	s.put(isa.PutResizeXStep(isa.ResizeXStepFields{OneStepInt: x.OneWhole, OneStepMod: x.OneRest, BlkStepInt: x.BlockWhole, BlkStepMod: x.BlockRest}))
	s.put(isa.PutResize(k.Mode))
}

// streamsU85 writes the registers of weights and records.
func (s *stream) streamsU85(k *isa.KernelU85) {
	s.put(isa.PutWeightFormat(isa.WeightFormatFields{Format: k.Format, Sparsity: k.Sparse}))
	for i, w := range k.Weights {
		base := isa.SetWeightBase
		if i > 0 {
			base = isa.SetWeight1Base + isa.Code(2*(i-1))
		}
		s.raw(isa.SetWeightRegion, w.Region)
		s.addr(base, w.Start)
		s.words = isa.Command{Code: base + 1, Payload: uint32(w.End - w.Start)}.Append(s.words)
	}
	s.raw(isa.SetScaleRegion, k.Records.Region)
	s.addr(isa.SetScaleBase, k.Records.Start)
	s.words = isa.Command{Code: isa.SetScaleLength, Payload: uint32(k.Records.End - k.Records.Start)}.Append(s.words)
}

// tableU85 writes a DMA of a table in region 0 to the LUT memory.
func (s *stream) tableU85(from int64, to isa.Span) {
	s.put(isa.PutDMA0SrcRegionU85(isa.DMA0SrcRegionU85Fields{}))
	s.put(isa.PutDMA0Src(from))
	s.put(isa.PutDMA0DstRegionU85(isa.DMA0DstRegionU85Fields{Region: 3, RegionMode: true}))
	s.put(isa.PutDMA0Dst(to.Start))
	s.put(isa.PutDMA0Len(to.End - to.Start))
	s.raw(isa.OpDMAStart, 0)
	s.put(isa.PutDMAWaitU85(0))
}

// unitScale is the scale that changes nothing.
var unitScale = isa.ScaleU85{Value: 1}

// everyU85 are the configurations of the U85.
func everyU85(t testing.TB) []*ethosu.Accelerator {
	t.Helper()
	list := ethosu.Of(ethosu.U85)
	if len(list) != 5 {
		t.Fatalf("%d configurations of the U85, expected 5", len(list))
	}
	return list
}
