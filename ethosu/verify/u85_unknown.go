// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// unknownU85 says what of an operation no source states: it may be right, and nothing shows
// it. What the simulator stops at must be here, or be a finding of another rule.
func (c *checker) unknownU85(k *kernelU85) {
	if k.Op == isa.OpElementwise {
		c.unknownElementwise(k)
	}
	switch s := k.OFMScale; {
	case k.Op == isa.OpPool && !k.Global:
		c.unproven(RuleType, "scale records of a pool: nothing known says how they apply")
	case k.Op == isa.OpPool && k.Upscale == isa.UpscaleZeros, k.Op == isa.OpElementwise && k.Upscale != isa.UpscaleNone:
		c.unproven(RuleType, "IFM_UPSCALE %d, which nothing known does with it", k.Upscale)
	case k.Op == isa.OpPool && (k.Pool == isa.PoolMax || k.Pool == isa.PoolMin) && (s.Value != 1 || s.Shift != 0),
		k.Op == isa.OpPool && k.Pool == isa.PoolAverage && ((s.Value != 1 || s.Shift != 0) && (s.Value != 1<<30 || s.Shift != 30) || s.Round != isa.RoundHalfUp),
		k.Op == isa.OpPool && (k.Pool == isa.PoolArgmaxX || k.Pool == isa.PoolArgmaxY) && (s.Value != 1 || s.Shift != 16 || s.Round != isa.RoundDown):
		c.unproven(RuleType, "a pool by %v scales by %d >> %d, rounding %v, which nothing known does", k.Pool, s.Value, s.Shift, s.Round)
	case k.Op == isa.OpPool && k.Pool == isa.PoolAverage && (k.Window.DilatedH > 8 || k.Window.DilatedW > 8):
		c.unproven(RuleShape, "an average over %dx%d, expected at most 8x8", k.Window.DilatedH, k.Window.DilatedW)
	case k.Op == isa.OpResize && (k.Mode != isa.ResizeNearest || s.Shift > 16):
		c.unproven(RuleType, "RESIZE by %v with a shift of %d: NEAREST and 16 are known", k.Mode, s.Shift)
	}
	if k.Op == isa.OpPool && (k.Pool == isa.PoolNone) != k.null() || k.Acc.Input == isa.AccIFM2 && k.Op != isa.OpConv && !k.null() {
		c.unproven(RuleType, "a pool by %v with accumulators that start from %v: nothing known says what it reads", k.Pool, k.Acc.Input)
	}
	f, t := k.Activation.Function, k.OFM.Type
	switch {
	case f == isa.FuncS16ToS32 || (f == isa.FuncTanh || f == isa.FuncSigmoid) && k.OFM.ZeroPoint != 0:
		c.unproven(RuleTable, "function %v with OFM zero point %d: nothing known says how its table is read", f, k.OFM.ZeroPoint)
	case f == isa.FuncNone && t.Bits == 32 && k.OFM.ZeroPoint != 0 && !k.Activation.Clip:
		c.unproven(RuleType, "OFM zero point %d of %v: nothing known says that it is added", k.OFM.ZeroPoint, t)
	}
	wide := func(which string, t isa.DType, may bool) {
		if t.Bits >= 32 && !t.Signed || t.Bits == 64 && !may {
			c.unproven(RuleType, "%s of %v, which nothing known has", which, t)
		}
	}
	wide("IFM", k.IFM.Type, false)
	if k.HasIFM2() {
		wide("IFM2", k.IFM2.Type, k.Acc.Input == isa.AccIFM2)
	}
	wide("an OFM", t, k.null())
}

func (c *checker) unknownElementwise(k *kernelU85) {
	scaled := func(which string, s isa.ScaleU85) {
		if s.Value != 1 || s.Shift != 0 {
			c.unproven(RuleType, "%s is %d >> %d with %v, which nothing known scales", which, s.Value, s.Shift, k.Elem)
		}
	}
	inputs := func() {
		if k.IFM.Type.Bits <= 16 { // else they must be that
			scaled("IFM_SCALE", k.IFMScale)
			if k.HasIFM2() {
				scaled("IFM2_SCALE", k.IFM2Scale)
			}
		}
	}
	switch k.Elem {
	case isa.ElemAbs:
		inputs()
	case isa.ElemLRelu:
		scaled("OFM_SCALE", k.OFMScale)
	case isa.ElemSHR, isa.ElemSHL:
		inputs()
	case isa.ElemMin, isa.ElemMax, isa.ElemCLZ, isa.ElemAnd, isa.ElemOr, isa.ElemXor, isa.ElemNot, isa.ElemAndNot:
		scaled("OFM_SCALE", k.OFMScale)
		inputs()
	case isa.ElemLSR, isa.ElemDiv, isa.ElemCmpEQ, isa.ElemCmpNE, isa.ElemCmpGE, isa.ElemCmpGT:
		c.unproven(RuleType, "%v: nothing known says how its result is rounded or coded", k.Elem)
	}
	for _, m := range []inputU85{{"IFM", &k.IFM}, {"IFM2", &k.IFM2}} {
		if m.f.Storage == isa.Chained && m.f.Broadcast != 0 && (m.which == "IFM" || k.HasIFM2()) {
			c.unproven(RuleChain, "%s repeats a chaining buffer, %d, which nothing known does", m.which, m.f.Broadcast)
		}
	}
	switch k.Elem {
	case isa.ElemAnd, isa.ElemOr, isa.ElemXor, isa.ElemNot, isa.ElemAndNot:
		if k.IFM.ZeroPoint != 0 || k.HasIFM2() && k.IFM2.ZeroPoint != 0 {
			c.unproven(RuleType, "zero points %d and %d with %v: only 0 is known", k.IFM.ZeroPoint, k.IFM2.ZeroPoint, k.Elem)
		}
	}
}

// curveU85 reports a table of tanh or sigmoid that is another one than theirs: how it would
// be read no source states. Theirs has, for i from -256 to 255, the value of sigmoid at
// i/24 in units of 2^-16, one half subtracted, and the way to the next one.
func (c *checker) curveU85(k *kernelU85, s isa.Span) {
	f := k.Activation.Function
	if f != isa.FuncTanh && f != isa.FuncSigmoid {
		return
	}
	b, unknown := c.loaded.get(s.Start, s.End)
	if unknown >= 0 {
		c.unproven(RuleTable, "the table of %v at %#x is not constant: only one is known", f, s.Start)
		return
	}
	at := func(i int) float64 { return 65536/(1+math.Exp(-float64(i)/24)) - 32768 }
	for i := -256; i < 256; i++ {
		e := binary.LittleEndian.Uint32(b[4*(i+256):])
		base, slope := float64(int16(e)), float64(int16(e>>16))
		if math.Abs(base-at(i)) > 2 || slope < 0 || i > -256 && i < 255 && math.Abs(base+slope-at(i+1)) > 2 {
			c.unproven(RuleTable, "entry %d of the table of %v at %#x is %#x, and only one table is known", i+256, f, s.Start, e)
			return
		}
	}
	if first, has := map[bool]uint32{true: 0, false: 1}[f == isa.FuncTanh], binary.LittleEndian.Uint32(b)>>16; has != first {
		c.unproven(RuleTable, "the table of %v at %#x begins with a slope of %d, and only one table is known, with %d", f, s.Start, has, first)
	}
}
