// SPDX-License-Identifier: Apache-2.0

package isa

// consumesU85 is Consumes for a register that the table gives the operation, on the U85.
// What the compilers that are known always write counts as read where nothing says that
// it is not.
func (o *Operation) consumesU85(c Code, cores int) bool {
	if o.IsDMA() {
		return o.transferReads(c)
	}
	k := o.KernelU85()
	elementwise := k.Op == OpElementwise
	switch c {
	case SetIFMScale, SetIFMBroadcast, SetIFM2Broadcast:
		return elementwise
	case SetIFM2Scale:
		return elementwise && (!k.Unary() || k.Elem == ElemLRelu)
	case SetOpScalar:
		return elementwise && (k.IFM.Broadcast|k.IFM2.Broadcast)&BroadcastScalar != 0
	case SetIFM2ZeroPoint:
		return k.HasIFM2() || k.Op == OpResize
	case SetIFM2Precision:
		return k.HasIFM2()
	case SetIFMDepthM1:
		return !elementwise || k.IFM.InMemory() && !(k.HasIFM2() && k.IFM2.Storage == Chained)
	case SetActivationMin, SetActivationMax:
		return k.Activation.Clip
	case SetWeightFormat:
		return k.HasWeights() || k.MatMul
	case SetWeightRegion, SetWeightLength:
		return k.HasWeights()
	case SetWeight1Length, SetWeight2Length, SetWeight3Length:
		return k.HasWeights() && int(c-SetWeight1Length)/2+1 < cores
	case SetWeightBase:
		return k.HasWeights() && k.Weights[0].End > k.Weights[0].Start
	case SetWeight1Base, SetWeight2Base, SetWeight3Base:
		n := int(c-SetWeight1Base)/2 + 1
		return n < cores && k.Weights[n].End > k.Weights[n].Start
	case SetScaleRegion, SetScaleBase, SetScaleLength:
		return k.HasRecords()
	}
	for _, m := range []struct {
		f                                *MapU85
		used                             bool
		region, height0, height1, width0 Code
		base0, strideY, strideX, strideC Code
	}{
		{&k.IFM, true, SetIFMRegion, SetIFMHeight0M1, SetIFMHeight1M1, SetIFMWidth0M1, SetIFMBase0, SetIFMStrideY, SetIFMStrideX, SetIFMStrideC},
		{&k.IFM2, k.HasIFM2(), SetIFM2Region, SetIFM2Height0M1, SetIFM2Height1M1, SetIFM2Width0M1, SetIFM2Base0, SetIFM2StrideY, SetIFM2StrideX, SetIFM2StrideC},
		{ptr(k.Written()), true, SetOFMRegion, SetOFMHeight0M1, SetOFMHeight1M1, SetOFMWidth0M1, SetOFMBase0, SetOFMStrideY, SetOFMStrideX, SetOFMStrideC},
	} {
		inMemory := m.used && m.f.InMemory()
		switch c {
		case m.region:
			return m.used && m.f.Storage != NoStorage
		case m.height0, m.width0, m.base0, m.strideY, m.strideX:
			return inMemory
		case m.height1, m.base0 + 1, m.base0 + 2, m.base0 + 3:
			return inMemory && (m.f.Storage == Tile3x1 || m.f.reads(c, m.height1, m.base0))
		case m.strideC:
			return inMemory && m.f.Format == NHCWB16
		}
	}
	return true
}

func ptr[T any](v T) *T { return &v }

// transferReads reports whether a transfer reads a register.
func (o *Operation) transferReads(c Code) bool {
	d := o.DMAU85()
	indexed := d.Gather || d.Scatter
	switch c {
	case SetDMA0Size0:
		return d.Mode > 0 || indexed
	case SetDMA0SrcStride0:
		return d.Mode > 0 || d.Gather
	case SetDMA0DstStride0:
		return d.Mode > 0 || d.Scatter
	case SetDMA0Size1, SetDMA0SrcStride1, SetDMA0DstStride1:
		return d.Mode > 1
	case SetDMA0IdxRegion, SetDMA0Idx, SetDMA0IdxMax:
		return indexed
	case SetDMA0IdxSkip1:
		return indexed && d.Mode > 1
	}
	return true
}
