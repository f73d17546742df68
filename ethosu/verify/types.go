// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// types checks data types, zero points and scale modes.
func (c *checker) types(o *isa.Operation, k *kernel) {
	in, out := k.ifm.Type, k.ofm.Type
	known := func(which string, t isa.DType) {
		if t.Bits > 32 || t.Bits == 32 && !t.Signed {
			c.report(RuleType, "%s type is %v, expected 8 or 16 bits or S32", which, t)
		}
	}
	known("IFM", in)
	known("OFM", out)
	switch o.Op {
	case isa.OpConv, isa.OpDepthwise:
		if in.Bits > 16 {
			c.report(RuleType, "IFM type is %v, expected 8 or 16 bits", in)
		}
		if o.Scaling().Global {
			c.report(RuleType, "scale_mode is global, expected per channel")
		}
	case isa.OpPool:
		c.poolTypes(o, k)
	case isa.OpElementwise:
		c.elementwiseTypes(o, k)
	}
	if mode, _ := o.Upscale(); mode == isa.UpscaleZeros && !o.HasWeights() {
		c.report(RuleType, "IFM_UPSCALE inserts zeros, expected that of CONV and DEPTHWISE alone")
	}
	c.function(o, k)
	zero := func(which string, zp int32, must bool) {
		if must && zp != 0 {
			c.report(RuleType, "%s zero point is %d, expected 0", which, zp)
		}
	}
	zero("IFM", k.ifm.ZeroPoint, in.Bits == 32)
	// Vela leaves unrelated zero points at S32 outputs, where they have no effect;
	// in front of a table they have.
	if k.hasIFM2 {
		zero("IFM2", k.ifm2.ZeroPoint, in.Bits == 32)
	}
}

func (c *checker) poolTypes(o *isa.Operation, k *kernel) {
	in, out := k.ifm.Type, k.ofm.Type
	padded := k.k.Top+k.k.Left+k.k.Bottom+k.k.Right > 0
	if o.PoolMode() == isa.PoolReduceSum {
		if in.Bits == 32 && k.layout.Acc == isa.AccI40 {
			c.report(RuleType, "REDUCE_SUM of S32 with 40-bit accumulators, expected 32")
		}
		switch {
		case k.ifm.Format == isa.NHWC:
		case in.Bits == 32:
			c.report(RuleType, "REDUCE_SUM of %v reads %v, expected NHWC", in, k.ifm.Format)
		case c.a.Cores > 1:
			// Compilers disagree, and nothing measured decides.
			c.unproven(RuleType, "REDUCE_SUM of %v reads %v with %d cores; NHWC is known to work", in, k.ifm.Format, c.a.Cores)
		}
		if !o.Scaling().Global {
			c.report(RuleType, "scale_mode of a REDUCE_SUM is per channel, expected global")
		}
		return
	}
	// Vela 5.1 widens values to S32 by an average over 1x1.
	if in.Bits > 16 || out.Bits > 16 && o.PoolMode() != isa.PoolAverage {
		c.report(RuleType, "IFM type is %v and OFM type %v, expected 8 or 16 bits", in, out)
	}
	if in != out && !k.table && o.PoolMode() == isa.PoolMax {
		c.report(RuleType, "OFM type is %v, expected the IFM's %v", out, in)
	}
	sc := o.Scaling()
	unit := sc.OFM == isa.Scale{Value: 1}
	switch {
	case o.PoolMode() == isa.PoolMax && sc.Global && !unit:
		c.unproven(RuleType, "a MAX pool scales by %d >> %d, which nothing known does", sc.OFM.Value, sc.OFM.Shift)
	case o.PoolMode() != isa.PoolAverage || sc.Global != padded:
	case padded && unit:
		// Vela 3.10 and 4.0 write 0 and leave it to the hardware to count the elements inside;
		// 5.1 leaves it to the hardware, too, and writes 1. Nothing measured says that both do.
		c.unproven(RuleType, "scale_mode of a padded average pool is global, with a scale of 1 >> 0: per channel is known to count the elements inside")
	default:
		c.report(RuleType, "scale_mode of an average pool is global: %v, expected %v with its padding", sc.Global, !padded)
	}
}

func (c *checker) elementwiseTypes(o *isa.Operation, k *kernel) {
	in, out := k.ifm.Type, k.ofm.Type
	if o.Binary() {
		if t := o.IFM2().Type; t != in {
			c.report(RuleType, "IFM2 type is %v, expected the IFM's %v", t, in)
		}
		if o.Scalar() && in.Bits == 32 {
			c.report(RuleType, "IFM2_SCALAR of an S32 operation, expected a feature map of one element")
		}
	}
	if sc := o.Scaling(); (o.ElementwiseMode() == isa.ElemAdd || o.ElementwiseMode() == isa.ElemSub) && in.Bits < 32 && sc.IFMMode != 0 && sc.IFMRound != isa.RoundTFL {
		c.report(RuleType, "IFM round_mode is %d with a scaled operand, expected 0", sc.IFMRound)
	}
	switch o.ElementwiseMode() {
	case isa.ElemCLZ, isa.ElemSHL:
		if in.Bits != 32 || out.Bits != 32 {
			c.report(RuleType, "%v to %v, expected S32 to S32", in, out)
		}
	case isa.ElemSHR:
		if in.Bits != 32 {
			c.report(RuleType, "IFM type is %v, expected S32", in)
		}
	}
	global := o.Scaling().Global
	switch o.ElementwiseMode() {
	case isa.ElemMul, isa.ElemAdd, isa.ElemSub, isa.ElemLRelu, isa.ElemAbs:
		if !global {
			c.report(RuleType, "scale_mode is per channel, expected global")
		}
	default:
		if global {
			c.report(RuleType, "scale_mode is global, expected per channel")
		}
	}
}

// function checks the built-in functions and the index of a table against the OFM.
func (c *checker) function(o *isa.Operation, k *kernel) {
	act, out, zeroPoint := o.Activation(), k.ofm.Type, k.ofm.ZeroPoint
	switch {
	case act.Function == isa.ActNone:
	case act.Function < isa.ActTable0:
		if out != (isa.DType{Bits: 16, Signed: true}) || zeroPoint != 0 {
			c.report(RuleType, "function %d with OFM type %v and zero point %d, expected S16 and 0", act.Function, out, zeroPoint)
		}
	default:
		index := indexType(act, out)
		if !(index.Bits == 8 && out.Bits != 16) && !(index.Bits == 16 && index.Signed && out.Bits == 16) {
			k.noTable = true
			c.report(RuleTable, "values of %v index a table with entries of %v, expected 8 bits for entries of 8 and 32, S16 for 16", index, out)
		}
	}
}
