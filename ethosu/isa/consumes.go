// SPDX-License-Identifier: Apache-2.0

package isa

// use returns the consumer bit of the operation, 0 when it reads no registers.
func (o *Operation) use() Use {
	switch o.Op {
	case OpConv:
		return UseConv
	case OpDepthwise:
		return UseDepthwise
	case OpPool:
		return UsePool
	case OpDMAStart:
		return UseDMA
	case OpResize:
		return UseResize
	case OpElementwise:
		if o.Unary() {
			return UseElementwise1
		}
		return UseElementwise2
	}
	return 0
}

// Consumes reports whether the operation's result or schedule depends on the
// register, given the values of the other registers. cores is that of the
// accelerator.
func (o *Operation) Consumes(r *Row, p Product, cores int) bool {
	if r.Kind == Op || r.UsesOn(p)&o.use() == 0 || !r.Has(p) {
		return false
	}
	c := r.Code
	if p == U85 {
		return o.consumesU85(c, cores)
	}
	switch c {
	case SetOPAScale, SetOPBScale:
		return o.ElementwiseMode() == ElemAdd || o.ElementwiseMode() == ElemSub
	case SetOFMScale:
		if o.Op == OpPool {
			return o.PoolMode() != PoolMax && o.Scaling().Global
		}
		switch o.ElementwiseMode() {
		case ElemMin, ElemMax, ElemCLZ, ElemSHR, ElemSHL:
			return false
		}
		return true
	case SetIFM2Scalar:
		return o.Scalar()
	case SetIFM2ZeroPoint, SetIFM2Precision, SetIFM2Broadcast:
		return true
	case SetParallelMode:
		return cores > 1
	case SetWeight1Length, SetScale1Length:
		return o.Cores() > 1
	case SetWeight1Base: // Vela 5.1 writes none where core 1 has no channels
		return o.Cores() > 1 && o.Regs.Weight1Length() > 0
	case SetScale1Base:
		return o.Cores() > 1 && o.Regs.Scale1Length() > 0
	case SetDMA0Size0, SetDMA0Skip0:
		return o.DMA().SrcStride > 0 || o.DMA().DstStride > 0
	case SetDMA0Size1, SetDMA0Skip1:
		return o.DMA().SrcStride > 1 || o.DMA().DstStride > 1
	case SetIFMHeight1M1, SetIFMBase0 + 1, SetIFMBase0 + 2, SetIFMBase0 + 3:
		f := o.IFM()
		return f.reads(c, SetIFMHeight1M1, SetIFMBase0)
	case SetOFMHeight1M1, SetOFMBase0 + 1, SetOFMBase0 + 2, SetOFMBase0 + 3:
		f := o.OFM()
		return f.reads(c, SetOFMHeight1M1, SetOFMBase0)
	case SetIFM2Height1M1, SetIFM2Base0 + 1, SetIFM2Base0 + 2, SetIFM2Base0 + 3:
		f := o.IFM2()
		return o.HasIFM2() && f.reads(c, SetIFM2Height1M1, SetIFM2Base0)
	case SetIFMStrideC:
		f := o.IFM()
		return f.Format == NHCWB16
	case SetOFMStrideC:
		f := o.OFM()
		return f.Format == NHCWB16
	case SetIFM2StrideC:
		f := o.IFM2()
		return o.HasIFM2() && f.Format == NHCWB16
	}
	if r.Uses == UseElementwise2 { // the rest of the IFM2 registers
		return o.HasIFM2()
	}
	return true
}

// reads reports whether a tile register other than those of tile 0 matters.
func (f *FeatureMap) reads(c, height1, base0 Code) bool {
	wide, high := f.W > f.Width0, f.H > f.Height0
	switch c {
	case height1, base0 + 1:
		return wide
	case base0 + 2:
		return high
	}
	return wide && f.H > f.Height1
}

// Unset returns the registers the operation consumes that the stream never wrote,
// in table order.
func (o *Operation) Unset(p Product, cores int) []Code {
	var out []Code
	for i := range Table {
		r := &Table[i]
		if !o.Regs.IsSet(r.Code) && o.Consumes(r, p, cores) {
			out = append(out, r.Code)
		}
	}
	return out
}
