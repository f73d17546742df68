// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// shapesU85 checks extents, padding and tiles. It reports false when they make no sense.
func (c *checker) shapesU85(k *kernelU85) bool {
	if _, ok := k.Transpose.Axes(); !ok {
		return false // reported as a field that is not legal
	}
	n := k.Window
	switch k.Op {
	case isa.OpElementwise:
	case isa.OpResize:
		for i, r := range k.Resize {
			if axis := "HW"[i : i+1]; r.Offset < -r.N || r.Offset >= r.N || r.OneRest >= r.N || r.BlockRest >= r.N {
				c.report(RuleShape, "RESIZE in %s: offset %d, steps %d and %d in parts of %d, expected less than the whole", axis, r.Offset, r.OneRest, r.BlockRest, r.N)
			}
		}
		if k.Upscale != isa.UpscaleNone {
			c.report(RuleShape, "RESIZE with IFM_UPSCALE %d, expected 0", k.Upscale)
		}
	default:
		h, w := k.InputExtent()
		if h < 1 || w < 1 {
			c.report(RuleShape, "the OFM %dx%d of the U85, kernel and padding give an input of %dx%d", k.OFM.H, k.OFM.W, h, w)
			return false
		}
		// A large stride is cut into operations of one tap each that share their accumulators,
		// which is unproven: windows of such a one may lie in the padding alone.
		shares := k.Acc.Hold || k.Acc.Input == isa.AccKeep
		if !shares && (n.Top >= n.DilatedH || n.Left >= n.DilatedW || n.Bottom >= n.DilatedH || n.Right >= n.DilatedW) {
			c.report(RuleShape, "padding top %d, left %d, bottom %d, right %d of the U85, expected less than the kernel's %dx%d", n.Top, n.Left, n.Bottom, n.Right, n.DilatedH, n.DilatedW)
		}
		if (n.DilatedH-1)%n.DilationY != 0 || (n.DilatedW-1)%n.DilationX != 0 {
			c.report(RuleShape, "a kernel of %dx%d with dilation %dx%d, which do not fit", n.DilatedH, n.DilatedW, n.DilationY, n.DilationX)
		}
	}
	switch {
	case k.Op == isa.OpElementwise:
		for _, m := range k.inputs() {
			b := m.f.Broadcast
			if b&isa.BroadcastH != 0 && k.OFM.H == 1 || b&isa.BroadcastW != 0 && k.OFM.W == 1 || b&isa.BroadcastC != 0 && k.OFM.C == 1 {
				c.report(RuleShape, "%s repeats a dimension in which the OFM %dx%dx%d has extent 1", m.which, k.OFM.H, k.OFM.W, k.OFM.C)
			}
		}
	case k.Op == isa.OpPool && k.Pool == isa.PoolReduceSum:
		if k.OFM.C != 1 {
			c.report(RuleShape, "REDUCE_SUM of the U85 with OFM depth %d, expected 1", k.OFM.C)
		}
	case k.Op != isa.OpConv && k.IFM.C != k.OFM.C:
		c.report(RuleShape, "IFM depth %d of the U85, expected the OFM's %d", k.IFM.C, k.OFM.C)
	}
	for _, m := range k.inputs() {
		f := &m.f.FeatureMap
		if f.Height0 >= f.H+max(n.StrideY, 1) || f.Width0 >= f.W+max(n.StrideX, 1) {
			c.report(RuleShape, "%s tile 0 of the U85 is %dx%d, the map %dx%d", m.which, f.Height0, f.Width0, f.H, f.W)
		}
	}
	if w := k.Written(); w.InMemory() && (w.Height0 > w.H || w.Width0 > w.W) {
		c.report(RuleShape, "OFM tile 0 is %dx%d, what is written %dx%d", w.Height0, w.Width0, w.H, w.W)
	}
	return true
}

// depthU85 checks the register of the input's depth where an elementwise operation has it
// beside the extents of its output.
func (c *checker) depthU85(o *isa.Operation, k *kernelU85) {
	depth := o.Regs.IFMDepthM1() + 1
	if k.Op != isa.OpElementwise || !k.IFM.InMemory() || k.HasIFM2() && k.IFM2.Storage == isa.Chained || depth == k.OFM.C || depth == k.IFM.C {
		return
	}
	c.report(RuleShape, "IFM_DEPTH_M1 says %d channels, expected the %d of the OFM", depth, k.OFM.C)
}

// typesU85 checks data types, zero points and scales.
func (c *checker) typesU85(k *kernelU85) {
	c.zeroU85("IFM", &k.IFM)
	if k.HasIFM2() {
		c.zeroU85("IFM2", &k.IFM2)
	}
	if t := k.OFM.Type; !zeroPoint(t, k.OFM.ZeroPoint) && t.Bits <= 16 {
		c.report(RuleType, "OFM zero point %d of %v", k.OFM.ZeroPoint, t)
	}
	switch k.Op {
	case isa.OpElementwise:
		c.elementwiseU85(k)
	case isa.OpResize:
		if !k.Global || k.OFMScale.Value != 1 || k.OFMScale.Shift < 16 {
			c.report(RuleType, "RESIZE scales by %d >> %d, global %v; expected 1 >> 16 or more for all channels", k.OFMScale.Value, k.OFMScale.Shift, k.Global)
		}
	default:
		if k.IFM.Type.Bits > 16 && k.Op != isa.OpPool {
			c.report(RuleType, "IFM type of the U85 is %v, expected 8 or 16 bits", k.IFM.Type)
		}
		if argmax := k.Op == isa.OpPool && (k.Pool == isa.PoolArgmaxX || k.Pool == isa.PoolArgmaxY); argmax && k.OFM.Type.Bits != 32 {
			c.report(RuleType, "the place of a maximum in %v, expected S32", k.OFM.Type)
		}
		if k.Global == k.HasWeights() {
			if k.Op != isa.OpPool {
				c.report(RuleType, "scale_mode is global: %v, expected that with weights from IFM2 alone", k.Global)
			}
		}
	}
	if k.MatMul {
		if k.IFM2.Type.Bits != k.IFM.Type.Bits {
			c.report(RuleType, "weights of %v from IFM2, expected the IFM's %v", k.IFM2.Type, k.IFM.Type)
		}
		if n := k.Window; n.DilatedH != 1 || n.DilatedW != 1 || n.PartKernelFirst {
			c.report(RuleType, "a matrix product with a kernel of %dx%d, part kernel first: %v; expected 1x1 and depth first", n.DilatedH, n.DilatedW, n.PartKernelFirst)
		}
	}
	c.accumulatorsU85(k)
	c.clampU85(k)
}

// accumulatorsU85 checks what they start from.
func (c *checker) accumulatorsU85(k *kernelU85) {
	switch k.Acc.Input {
	case isa.AccKeep:
		c.unproven(RuleBlock, "it starts from what the operation before left in the accumulators: nothing known says when that holds")
	case isa.AccIFM2:
		want := 32
		if k.Acc.Format == isa.AccI48 {
			want = 64
		}
		if k.IFM2.Type.Bits != want {
			c.report(RuleType, "accumulators start from IFM2 of %v, expected %d bits", k.IFM2.Type, want)
		}
	}
	if k.Acc.Input > isa.AccIFM2 {
		return // reported as a field
	}
	if k.Op == isa.OpPool && k.Pool == isa.PoolReduceSum && k.Acc.Format == isa.AccI48 && k.IFM.Type.Bits == 32 {
		c.report(RuleType, "REDUCE_SUM of S32 with accumulators of 48 bits, expected 32")
	}
}

// zeroPoint reports whether a type may have it.
func zeroPoint(t isa.DType, zp int32) bool {
	switch {
	case t.Bits == 8:
		lo, hi := t.Limits()
		return int64(zp) >= lo && int64(zp) <= hi
	case t == isa.DType{Bits: 16}:
		return zp == 0 || zp == 32768
	}
	return zp == 0
}

func (c *checker) zeroU85(which string, m *isa.MapU85) {
	if !zeroPoint(m.Type, m.ZeroPoint) {
		c.report(RuleType, "%s zero point is %d, which %v cannot have", which, m.ZeroPoint, m.Type)
	}
}

func (c *checker) elementwiseU85(k *kernelU85) {
	in, out := k.IFM.Type, k.OFM.Type
	if k.HasIFM2() && k.IFM2.Type != in {
		c.report(RuleType, "IFM2 type of the U85 is %v, expected the IFM's %v", k.IFM2.Type, in)
	}
	if !k.Global {
		c.report(RuleType, "scale_mode of an elementwise operation of the U85 is per channel, expected global")
	}
	units := func(what string, s isa.ScaleU85) {
		if !s.Unit() {
			c.report(RuleType, "%s is %d >> %d with double rounding %d, expected that nothing is scaled", what, s.Value, s.Shift, s.Double)
		}
	}
	if in.Bits > 16 || k.Elem == isa.ElemMul || k.Elem == isa.ElemDiv {
		units("IFM_SCALE", isa.ScaleU85{Value: k.IFMScale.Value, Shift: k.IFMScale.Shift})
		if k.HasIFM2() {
			units("IFM2_SCALE", isa.ScaleU85{Value: k.IFM2Scale.Value, Shift: k.IFM2Scale.Shift})
		}
	}
	switch {
	case k.Elem == isa.ElemCLZ && (in.Bits != 32 || out.Bits != 32), k.Elem == isa.ElemSHL && in.Bits == 32 && out.Bits != 32:
		c.report(RuleType, "%v of the U85 from %v to %v, expected S32 to S32", k.Elem, in, out)
	case k.Elem == isa.ElemDiv || k.Elem == isa.ElemSHL || k.Elem == isa.ElemSHR || k.Elem == isa.ElemLSR:
		units("OFM_SCALE", k.OFMScale)
	}
}

// clampU85 finds a clamp that leaves no value.
func (c *checker) clampU85(k *kernelU85) {
	act := k.Activation
	if !act.Clip {
		return
	}
	t := k.OFM.Type
	if in, _ := act.Function.Types(); in.Bits != 0 {
		t = in
	}
	low, high := int64(act.Min), int64(act.Max)
	if t.Signed {
		low, high = int64(int16(act.Min)), int64(int16(act.Max))
	}
	if first, last := t.Limits(); max(low, first) > min(high, last) {
		c.report(RuleType, "the clamp of the U85 from %d to %d leaves no value of %v", low, high, t)
	}
}

// tableU85 checks the table that the activation looks up and returns its bytes.
func (c *checker) tableU85(k *kernelU85) isa.Span {
	f := k.Activation.Function
	if f == isa.FuncNone || f.TableBytes() == 0 {
		return isa.Span{}
	}
	if _, out := f.Types(); out != k.OFM.Type {
		c.report(RuleTable, "function %v with an OFM of %v, expected %v", f, k.OFM.Type, out)
	}
	s := k.Activation.Span()
	if s.End > int64(c.a.U85.Tables) {
		c.report(RuleTable, "table %d of %d bytes ends at %d, expected at most %d", k.Activation.Table, f.TableBytes(), s.End, c.a.U85.Tables)
		return isa.Span{}
	}
	if at := c.tables.missing(s.Start, s.End); at >= 0 {
		c.report(RuleTable, "table %d at %#x is not loaded: its memory was never written at %#x", k.Activation.Table, s.Start, at)
		return s
	}
	c.curveU85(k, s)
	return s
}
