// SPDX-License-Identifier: Apache-2.0

package block

import "github.com/unroll-npu/unroll/ethosu/isa"

// Of returns the shape of a block operation of a stream and the OFM block that it
// programs.
func Of(o *isa.Operation) (Op, Shape) {
	k := o.Kernel()
	ifm, ofm := o.IFM(), o.OFM()
	b := o.Block()
	mode, _ := o.Upscale()
	op := Op{
		OFM: Shape{ofm.H, ofm.W, ofm.C}, IFM: Shape{ifm.H, ifm.W, ifm.C},
		KH: k.H, KW: k.W, StrideH: k.StrideY, StrideW: k.StrideX, DilationH: k.DilationY, DilationW: k.DilationX,
		IFMBits: ifm.Type.Bits, Upscale: Upscale(mode), LUT: o.UsesTable(),
		Unscaled: b.Acc == isa.AccI32, Scalar: o.Scalar(),
	}
	switch o.Op {
	case isa.OpConv:
		op.Kind = Conv
		op.PartKernel = k.PartKernelFirst
	case isa.OpDepthwise:
		op.Kind = Depthwise
	case isa.OpPool:
		op.Kind = poolKind(o.PoolMode())
	case isa.OpElementwise:
		op.Kind = Elementwise
	}
	switch {
	case o.HasIFM2():
		f := o.IFM2()
		op.IFM2 = Shape{f.H, f.W, f.C}
	case op.Scalar:
		op.IFM2 = Shape{1, 1, 1}
	}
	op.IFM.H = widen(op.IFM.H, ifm.Height0, op.StrideH, ifm.H <= ifm.Height0)
	op.IFM.W = widen(op.IFM.W, ifm.Width0, op.StrideW, ifm.W <= ifm.Width0)
	return op, Shape{b.H, b.W, b.D}
}

func poolKind(m isa.PoolMode) Kind {
	switch m {
	case isa.PoolAverage:
		return AveragePool
	case isa.PoolReduceSum:
		return ReduceSum
	}
	return MaxPool
}

// widen returns the extent of an input whose last rows or columns the stride does
// not reach, as the size of a single tile tells.
func widen(derived, tile, stride int, single bool) int {
	if single && tile > derived && tile-derived < stride {
		return tile
	}
	return derived
}
