// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// combinedU85 follows ELEMENTWISE of the U85: its result, scaled.
func (c *checker) combinedU85(k *kernelU85) value {
	scale := k.OFMScale
	if k.IFM.Type.Bits == 32 {
		scale.Value = 1 // as the simulator has it
	}
	round := roundU85(scale)
	looked := k.Activation.Function == isa.FuncS16ToS16 && k.IFM.Type.Bits == 32
	operand := func(m *isa.MapU85) value {
		v, from := c.operandU85(k, m)
		if k.Elem == isa.ElemCLZ || looked {
			if from == nil {
				return v
			}
			zero := int64(m.ZeroPoint)
			whole := v.apply(func(b bound) bound { return b.add(zero) })
			v = c.split(from, whole, newSplitU85).apply(func(b bound) bound { return b.add(-zero) })
		}
		if m.H != k.OFM.H || m.W != k.OFM.W { // elements meet those of other pixels
			return only(v.hull())
		}
		if m.C != k.OFM.C { // and others stand next to them
			v.group = 0
		}
		return v
	}
	a := operand(&k.IFM)
	if k.Unary() {
		return a.apply(c.unaryU85(k, round))
	}
	b := operand(&k.IFM2)
	out := combine(a, b, c.binaryU85(k, b, round))
	if group := c.largestU85(k); group > 0 {
		out.group, out.some = group, round(bound{})
	}
	return out
}

// largestU85 recognizes x - max(x), as leastDifference does: it returns how many elements
// have one that is 0 among them.
func (c *checker) largestU85(k *kernelU85) int {
	a, b := &k.IFM, &k.IFM2
	if k.Elem == isa.ElemSub && k.same != nil && a.InMemory() && b.Storage == isa.Chained && a.ZeroPoint == b.ZeroPoint && k.IFMScale == k.IFM2Scale && c.sameElements(k.same, &a.FeatureMap) {
		return 1
	}
	if k.Elem != isa.ElemSub || !a.InMemory() || !b.InMemory() || b.C != 1 && b.C != a.C || a.Type.Bits == 32 || a.ZeroPoint != b.ZeroPoint ||
		k.IFMScale != k.IFM2Scale || a.H != b.H || a.W != b.W || k.Upscale != isa.UpscaleNone || a.H*a.W*a.C > maxElements {
		return 0
	}
	m := c.mapsU85(k)
	for i := range c.maxima {
		if group := c.meets(&c.maxima[i], m); group > 0 {
			return group
		}
	}
	return 0
}

// unaryU85 returns an operation of one operand.
func (c *checker) unaryU85(k *kernelU85, round func(bound) bound) func(bound) bound {
	switch k.Elem {
	case isa.ElemLRelu:
		above, below := roundU85(k.IFMScale), roundU85(k.IFM2Scale)
		return func(b bound) bound {
			switch {
			case b.lo >= 0:
				return above(b)
			case b.hi < 0:
				return below(b)
			}
			return join(below(bound{b.lo, -1}), above(bound{0, b.hi}))
		}
	case isa.ElemAbs:
		return func(b bound) bound {
			return round(b.abs())
		}
	case isa.ElemNot:
		return func(b bound) bound { return bound{^b.hi, ^b.lo} }
	}
	return func(b bound) bound { return unary(isa.ElemCLZ, b, rounding{}) }
}

// binaryU85 returns an operation of two operands, of which b is the second one's values.
func (c *checker) binaryU85(k *kernelU85, b value, round func(bound) bound) func(a, b bound) bound {
	switch k.Elem {
	case isa.ElemMul:
		return func(a, b bound) bound { return round(mul(a, b)) }
	case isa.ElemMin:
		return func(a, b bound) bound { return bound{min(a.lo, b.lo), min(a.hi, b.hi)} }
	case isa.ElemMax:
		return func(a, b bound) bound { return bound{max(a.lo, b.lo), max(a.hi, b.hi)} }
	case isa.ElemSHR, isa.ElemSHL:
		c.fits("shifts", b.hull(), bound{0, 31}, "bits of the U85")
		return c.shiftU85(k)
	case isa.ElemAdd, isa.ElemSub:
		first, second := func(b bound) bound { return b }, func(b bound) bound { return b }
		if k.IFM.Type.Bits < 32 {
			first, second = roundU85(k.IFMScale), roundU85(k.IFM2Scale)
		}
		return func(a, b bound) bound {
			x, y := first(a), second(b)
			if k.Elem == isa.ElemSub {
				y = bound{-y.hi, -y.lo}
			}
			return round(bound{x.lo + y.lo, x.hi + y.hi})
		}
	}
	lo, hi := k.IFM.Type.Limits() // bits, and what is unproven anyway
	return func(bound, bound) bound { return bound{lo, hi} }
}

// shiftU85 returns SHR and SHL. What SHL makes has to fit 32 bits whatever is clamped
// afterwards; each cell is judged where it is known, and once.
func (c *checker) shiftU85(k *kernelU85) func(a, b bound) bound {
	told := false
	return func(a, b bound) bound {
		b = b.clamp(bound{0, 31})
		if k.Elem == isa.ElemSHL {
			out := bound{min(a.lo<<b.lo, a.lo<<b.hi), max(a.hi<<b.lo, a.hi<<b.hi)}
			if !told && !out.within(int32s) {
				told = true
				c.unproven(RuleOverflow, "values shifted left may be %d to %d, expected 32 bits", out.lo, out.hi)
			}
			return out.clamp(int32s)
		}
		by := func(n int64) bound {
			s := k.OFMScale
			s.Value, s.Shift = 1, int(n)
			return roundU85(s)(a)
		}
		return join(by(b.lo), by(b.hi))
	}
}
