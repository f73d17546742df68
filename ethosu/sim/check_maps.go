// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// checkWindow checks the input that window and output imply, and the padding.
func checkWindow(h *header, o *isa.Operation) error {
	hv, wv := o.InputExtent()
	if hv <= 0 || wv <= 0 {
		return h.fault(Contradiction, "the OFM, kernel and padding imply an input of %dx%d", hv, wv)
	}
	k := o.Kernel()
	if k.Top >= k.DilatedH || k.Left >= k.DilatedW || k.Bottom >= k.DilatedH || k.Right >= k.DilatedW {
		return h.fault(Contradiction, "padding top %d, left %d, bottom %d, right %d reaches past the %dx%d kernel",
			k.Top, k.Left, k.Bottom, k.Right, k.DilatedH, k.DilatedW)
	}
	if (k.DilatedH-1)%k.DilationY != 0 || (k.DilatedW-1)%k.DilationX != 0 {
		return h.fault(Contradiction, "kernel extent %dx%d is not 1 plus a multiple of the dilation %dx%d", k.DilatedH, k.DilatedW, k.DilationY, k.DilationX)
	}
	if k.Decompose4x4 {
		return h.fault(Unknown, "KERNEL_STRIDE decomposition 4x4: no compiler writes it")
	}
	return nil
}

// checkShapes checks the extents and types that the registers imply.
func (b *builder) checkShapes(h *header, o *isa.Operation, ifm, ofm *isa.FeatureMap) error {
	if err := checkWindow(h, o); err != nil {
		return err
	}
	if (o.Op == isa.OpDepthwise || o.Op == isa.OpElementwise || o.Op == isa.OpPool && o.PoolMode() != isa.PoolReduceSum) && ifm.C != ofm.C {
		return h.fault(Contradiction, "IFM depth %d differs from OFM depth %d", ifm.C, ofm.C)
	}
	if o.Op == isa.OpPool && o.PoolMode() == isa.PoolReduceSum && ofm.C != 1 {
		return h.fault(Contradiction, "REDUCE_SUM with OFM depth %d, expected 1", ofm.C)
	}
	if o.Block().Acc == isa.AccF16 {
		return h.fault(Unknown, "ACC_FORMAT fp16: no compiler writes it")
	}
	if b.accel.ParallelMode && o.Regs.IsSet(isa.SetParallelMode) && o.Cores() > b.accel.Cores {
		return h.fault(Contradiction, "PARALLEL_MODE asks for %d cores, %s has %d", o.Cores(), b.accel.Name, b.accel.Cores)
	}
	return b.checkTypes(h, o, ifm, ofm)
}

// checkTypes enforces the data types of each operation.
func (b *builder) checkTypes(h *header, o *isa.Operation, ifm, ofm *isa.FeatureMap) error {
	in, out := ifm.Type, ofm.Type
	if out.Bits == 32 && !out.Signed || in.Bits == 32 && !in.Signed {
		return h.fault(Unknown, "unsigned 32-bit feature maps: IFM %v, OFM %v", in, out)
	}
	if in.Bits == 32 && ifm.ZeroPoint != 0 {
		return h.fault(Contradiction, "IFM_ZERO_POINT %d with type S32, expected 0", ifm.ZeroPoint)
	}
	needs := func(ok bool, want string) error {
		if ok {
			return nil
		}
		return h.fault(Contradiction, "IFM type %v with OFM type %v, expected %s", in, out, want)
	}
	switch {
	case o.HasWeights():
		return needs(in.Bits <= 16, "an IFM of 8 or 16 bits")
	case o.Op == isa.OpPool && o.PoolMode() != isa.PoolReduceSum:
		return needs(in.Bits <= 16 && (out.Bits <= 16 || o.PoolMode() == isa.PoolAverage), "8 or 16 bits")
	case o.Op == isa.OpPool:
		if in.Bits == 32 && (ifm.Format != isa.NHWC || o.Block().Acc == isa.AccI40) {
			return h.fault(Contradiction, "REDUCE_SUM of S32 in %v with ACC_FORMAT %d, expected NHWC and int32", ifm.Format, o.Block().Acc)
		}
		return nil
	}
	if o.Binary() {
		ifm2 := o.IFM2()
		if ifm2.Type != in {
			return h.fault(Contradiction, "IFM2 type %v differs from IFM type %v", ifm2.Type, in)
		}
		if in.Bits == 32 && ifm2.ZeroPoint != 0 {
			return h.fault(Contradiction, "IFM2_ZERO_POINT %d with type S32, expected 0", ifm2.ZeroPoint)
		}
		if o.Scalar() && in.Bits == 32 {
			return h.fault(Unknown, "IFM2_SCALAR with type S32: use a map of one element")
		}
	}
	switch o.ElementwiseMode() {
	case isa.ElemCLZ, isa.ElemSHL:
		return needs(in.Bits == 32 && out.Bits == 32, "S32 to S32")
	case isa.ElemSHR:
		return needs(in.Bits == 32, "an IFM of S32")
	}
	return nil
}

// checkMap checks alignment and bounds of a feature map and adds its spans to what
// the operation reads or writes.
func (b *builder) checkMap(p *base, which string, f *isa.FeatureMap, channel uint8) error {
	h := p.header
	if b.opts.Tensor != nil {
		if s := f.Spans(); len(s) > 0 {
			h.tensor = func() string {
				if name := b.opts.Tensor(h.word, s[0]); name != "" {
					return name
				}
				return p.tensorName()
			}
		}
	}
	e := int64(f.Type.Bytes())
	unit := e
	if f.Format == isa.NHCWB16 {
		unit = 16
		if f.W > 1 && f.StrideX != 16*e {
			return h.fault(Misaligned, "%s_STRIDE_X is %d, expected %d for NHCWB16 of %v", which, f.StrideX, 16*e, f.Type)
		}
		if f.StrideC%16 != 0 {
			return h.fault(Misaligned, "%s_STRIDE_C is %d, expected a multiple of 16", which, f.StrideC)
		}
	} else if f.StrideX%e != 0 {
		return h.fault(Misaligned, "%s_STRIDE_X is %d, expected a multiple of the %d-byte element", which, f.StrideX, e)
	}
	if f.StrideY%unit != 0 {
		return h.fault(Misaligned, "%s_STRIDE_Y is %d, expected a multiple of %d", which, f.StrideY, unit)
	}
	used := [4]bool{true, f.W > f.Width0, f.H > f.Height0, f.W > f.Width0 && f.H > f.Height1}
	for i, a := range f.Base {
		if used[i] && a%uint64(unit) != 0 {
			return h.fault(Misaligned, "%s_BASE%d is 0x%X, expected a multiple of %d", which, i, a, unit)
		}
	}
	for _, s := range f.Spans() {
		if err := b.checkSpan(&h, which, s, channel == ChannelOFM); err != nil {
			return err
		}
		p.touch(channel, s)
	}
	return nil
}

// checkSpan checks that a span lies in its region.
func (b *builder) checkSpan(h *header, which string, s isa.Span, write bool) error {
	size := b.regions.size(s.Region)
	if size == 0 && s.End > s.Start {
		return h.fault(OutsideRegion, "%s accesses bytes %d..%d of region %d, which is not there", which, s.Start, s.End, s.Region)
	}
	if s.Start < 0 || s.End > size {
		return h.fault(OutsideRegion, "%s accesses bytes %d..%d of region %d, which has %d", which, s.Start, s.End, s.Region, size)
	}
	if write && b.regions[s.Region].Content != nil {
		return h.fault(ReadOnly, "%s writes bytes %d..%d of region %d, which is constant", which, s.Start, s.End, s.Region)
	}
	return nil
}
