// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// What the NPU does when a sum, a shift or a difference leaves 32 bits no source
// states. This file follows the values of 32-bit feature maps through the stream, to
// show that none does; what it cannot show is reported as unproven.

// forgetValues drops what is known of bytes that are overwritten.
func (c *checker) forgetValues(spans []isa.Span) {
	c.spend((c.values.forget(spans) + len(c.maxima)) / cellsAtOnce)
	c.maxima = slices.DeleteFunc(c.maxima, func(m maximum) bool { return overlap(m.spans, spans) })
}

// maxElements bounds the feature maps whose elements are looked at one by one.
const maxElements = 1 << 16

// sameElements reports whether two maps have the same elements in the same order,
// however they are cut into rows and pixels. What is known of a value by the cell of
// another one survives that: broadcasts in depth repeat an element next to itself.
func (c *checker) sameElements(f, g *isa.FeatureMap) bool {
	n := f.H * f.W * f.C
	if f.Region != g.Region || f.Type != g.Type || n != g.H*g.W*g.C || f.Base[0] != g.Base[0] {
		return false
	}
	if f.H == g.H && f.W == g.W && f.C == g.C && sameMapping(f, g) || linear(f) && linear(g) {
		return true
	}
	if n > maxElements || !c.spend(n/16) {
		return false
	}
	for i := range n {
		if f.Address(i/f.C/f.W, i/f.C%f.W, i%f.C) != g.Address(i/g.C/g.W, i/g.C%g.W, i%g.C) {
			return false
		}
	}
	return true
}

// linear reports whether the elements of a map lie behind each other, in order.
func linear(f *isa.FeatureMap) bool {
	row := int64(f.C * f.Type.Bytes())
	return f.H <= f.Height0 && f.W <= f.Width0 && (f.Format == isa.NHWC || f.C <= 16 && f.H*f.W == 1) &&
		(f.W == 1 || f.StrideX == row) && (f.H == 1 || f.StrideY == row*int64(f.W))
}

// valueOf returns what is known of a feature map, the zero point not yet subtracted,
// and the entry that says so.
func (c *checker) valueOf(f *isa.FeatureMap) (value, *written) {
	lo, hi := f.Type.Limits()
	unknown := only(bound{lo, hi})
	begin := c.values.at(f.Region, int64(f.Base[0]))
	for _, w := range begin {
		if c.sameElements(&w.f, f) {
			c.followed(w.v, 1)
			return w.v, w
		}
	}
	if f.Type.Bits != 32 {
		return unknown, nil
	}
	for _, w := range begin {
		if halves(&w.f, f) {
			return w.v.apply(func(b bound) bound {
				if b.lo < 0 {
					return bound{b.lo << 16, b.hi<<16 + 1<<16 - 1}
				}
				return bound{b.lo<<16 + b.lo, b.hi<<16 + b.hi}
			}), nil
		}
	}
	list, ok := bytesOf(f, whole(f))
	if !ok || !c.spend(len(list)) {
		return unknown, nil
	}
	var all []bound
	for _, r := range list {
		if b, at := c.known[f.Region].get(r.Start, r.End); at < 0 {
			for i := 0; i+4 <= len(b); i += 4 {
				v := int64(int32(binary.LittleEndian.Uint32(b[i:])))
				all = append(all, bound{v, v})
			}
			continue
		}
		inside := false
		for _, w := range c.values.at(f.Region, r.Start) {
			for _, s := range w.spans {
				if w.f.Type == f.Type && s.Region == f.Region && s.Start <= r.Start && r.End <= s.End && (r.Start-s.Start)%4 == 0 && dense(&w.f) {
					all, inside = append(all, w.v.hull()), true
				}
			}
		}
		if !inside {
			return unknown, nil
		}
	}
	return only(value{cells: all}.hull()), nil
}

// halves reports whether the elements of a map g of 32 bits are the pixels of a map of two
// channels of 16 bits, in order.
func halves(f, g *isa.FeatureMap) bool {
	s16, s32 := isa.DType{Signed: true, Bits: 16}, isa.DType{Signed: true, Bits: 32}
	return f.Type == s16 && g.Type == s32 && f.C == 2 && f.H*f.W == g.H*g.W*g.C &&
		f.Region == g.Region && f.Base[0] == g.Base[0] && linear(f) && linear(g)
}

// dense reports whether the span of a map holds elements of it and nothing else.
func dense(f *isa.FeatureMap) bool {
	list, ok := bytesOf(f, whole(f))
	return ok && len(list) == len(f.Spans())
}

// overflow follows one operation.
func (c *checker) overflow(o *isa.Operation, k *kernel) {
	out := value{}
	defer func() { c.followed(out, 4) }() // operands, result, zero point and clamp, or table
	switch {
	case o.Op == isa.OpPool && o.Param == isa.PoolReduceSum:
		out = c.sum(o, k)
	case o.Op == isa.OpPool && o.Param == isa.PoolAverage && k.ifm.Type.Bits < 32:
		sum := mul(c.limits(&k.ifm), bound{1, int64(k.k.H * k.k.W)})
		if c.accumulates(k, sum); k.ofm.Type.Bits == 32 && !k.table {
			sc := o.Scaling()
			results := rounding{scale: sc.OFM, mode: sc.OFMRound}.of(sum)
			c.fits("results", results, int32s, "of 32 bits")
			out = only(results.clamp(int32s))
		}
	case o.Op == isa.OpElementwise && (k.ifm.Type.Bits == 32 || k.ofm.Type.Bits == 32):
		out = c.elementwise(o, k)
	}
	c.forgetValues(k.out)
	if o.Op == isa.OpPool && o.Param == isa.PoolMax {
		c.maximum(o, k)
	}
	if len(out.cells) > 0 {
		c.keep(written{k.ofm, k.out, out})
	}
}

// limits returns the values of a map after its zero point.
func (c *checker) limits(f *isa.FeatureMap) bound {
	v, _ := c.valueOf(f)
	return v.hull().add(-int64(f.ZeroPoint))
}

// accumulates checks that sums fit the accumulators.
func (c *checker) accumulates(k *kernel, sum bound) {
	limit := bound{-1 << 31, 1<<31 - 1}
	if k.layout.Acc == isa.AccI40 {
		limit = bound{-1 << 39, 1<<39 - 1}
	}
	c.fits("sums", sum, limit, "in the accumulators")
}

// fits reports values that leave their limits, or may.
func (c *checker) fits(what string, b, limit bound, where string) {
	switch {
	case b.within(limit):
	case b.lo > limit.hi || b.hi < limit.lo:
		c.report(RuleOverflow, "%s are %d to %d, expected %d to %d %s", what, b.lo, b.hi, limit.lo, limit.hi, where)
	default:
		c.unproven(RuleOverflow, "%s may be %d to %d, expected %d to %d %s", what, b.lo, b.hi, limit.lo, limit.hi, where)
	}
}

// sum follows REDUCE_SUM.
func (c *checker) sum(o *isa.Operation, k *kernel) value {
	v, _ := c.valueOf(&k.ifm)
	all := v.hull().add(-int64(k.ifm.ZeroPoint))
	n := int64(k.ifm.C * k.k.H * k.k.W)
	total := all.times(n)
	if v.group > 0 && k.ifm.C%v.group == 0 && k.k.H*k.k.W == 1 {
		some, groups := v.some.add(-int64(k.ifm.ZeroPoint)), n/int64(v.group)
		rest, all := all.times(n-groups), some.times(groups)
		total = bound{rest.lo + all.lo, rest.hi + all.hi}
	}
	c.accumulates(k, total)
	sc := o.Scaling()
	out := only(rounding{scale: sc.OFM, mode: sc.OFMRound}.of(total.clamp(bound{-1 << 40, 1 << 40})).clamp(int32s))
	switch act := o.Activation(); {
	case act.Function != isa.ActNone:
		return c.looksUp(act, k, out)
	case k.ofm.Type.Bits != 32:
		clip := clipOf(act, k.ofm.Type)
		return out.apply(func(b bound) bound { return b.add(int64(k.ofm.ZeroPoint)).clamp(clip) })
	}
	return out
}

// elementwise follows ELEMENTWISE from or to 32 bits.
func (c *checker) elementwise(o *isa.Operation, k *kernel) value {
	sc := o.Scaling()
	scale := sc.OFM
	if k.ifm.Type.Bits == 32 {
		scale.Value = 1
	}
	round := rounding{scale: scale, mode: sc.OFMRound}
	a, from := c.valueOf(&k.ifm)
	looked := k.table && k.ofm.Type.Bits == 16 && k.ifm.Type.Bits == 32
	if o.Param == isa.ElemCLZ || looked {
		a = c.split(from, a, newSplit)
	}
	a = a.apply(func(b bound) bound { return b.add(-int64(k.ifm.ZeroPoint)) })
	var out value
	if o.Binary() {
		var b value
		if k.hasIFM2 {
			var from *written
			if b, from = c.valueOf(&k.ifm2); looked {
				b = c.split(from, b, newSplit)
			}
			b = b.apply(func(x bound) bound { return x.add(-int64(k.ifm2.ZeroPoint)) })
		} else {
			v := int64(o.ScalarValue() - o.IFM2().ZeroPoint)
			b = only(bound{v, v})
		}
		out = c.binary(o, k, a, b, round)
	} else {
		out = a.apply(func(b bound) bound { return unary(int(o.Param), b, round) })
	}
	switch act := o.Activation(); {
	case act.Function != isa.ActNone:
		return c.looksUp(act, k, out)
	case k.ofm.Type.Bits != 32:
		clip := clipOf(act, k.ofm.Type)
		return out.apply(func(b bound) bound { return b.add(int64(k.ofm.ZeroPoint)).clamp(clip) })
	}
	if o.Param != isa.ElemMul {
		c.fits("results", out.hull(), int32s, "of 32 bits")
	}
	return out.apply(func(b bound) bound { return b.clamp(int32s) })
}

// split cuts the value of a map, so that what is computed from it is known for each of its
// cells alone.
func (c *checker) split(w *written, v value, cut func(bound) *split) value {
	if w == nil || v.by != nil {
		return v
	}
	s := cut(v.hull())
	c.values.change(w, value{by: s, cells: s.cells, some: w.v.some, group: w.v.group})
	return value{by: s, cells: s.cells}
}

func unary(mode int, b bound, round rounding) bound {
	switch mode {
	case isa.ElemLRelu:
		return join(b, round.of(b))
	case isa.ElemAbs:
		return round.of(b.abs())
	}
	zeros := func(v int64) int64 { return int64(bits.LeadingZeros32(uint32(min(v, 1<<32-1)))) }
	switch {
	case b.hi < 0:
		return bound{0, 0}
	case b.lo < 0:
		return bound{0, 32}
	}
	return bound{zeros(b.hi), zeros(b.lo)}
}

// binary follows the operations with two operands.
func (c *checker) binary(o *isa.Operation, k *kernel, a, b value, round rounding) value {
	if k.hasIFM2 && (k.ifm2.H != k.ifm.H || k.ifm2.W != k.ifm.W) {
		b = only(b.hull()) // elements meet those of another pixel
	}
	if o.Broadcast().Reversed {
		a, b = b, a
		a.group = 0 // it was about the elements of IFM
	}
	var f func(a, b bound) bound
	switch o.Param {
	case isa.ElemMul:
		f = func(a, b bound) bound { return round.of(mul(a, b)) }
	case isa.ElemMin:
		f = func(a, b bound) bound { return bound{min(a.lo, b.lo), min(a.hi, b.hi)} }
	case isa.ElemMax:
		f = func(a, b bound) bound { return bound{max(a.lo, b.lo), max(a.hi, b.hi)} }
	case isa.ElemSHR, isa.ElemSHL:
		c.fits("shifts", b.hull(), bound{0, 31}, "bits")
		b = b.apply(func(b bound) bound { return b.clamp(bound{0, 31}) })
		f = func(a, b bound) bound {
			if o.Param == isa.ElemSHL {
				return bound{min(a.lo<<b.lo, a.lo<<b.hi), max(a.hi<<b.lo, a.hi<<b.hi)}
			}
			few := rounding{scale: isa.Scale{Value: 1, Shift: int(b.lo)}, mode: round.mode}.of(a)
			many := rounding{scale: isa.Scale{Value: 1, Shift: int(b.hi)}, mode: round.mode}.of(a)
			return join(few, many)
		}
	default:
		f = c.addition(o, k, round)
	}
	out := combine(a, b, f)
	if group, some := c.leastDifference(o, k, round); group > 0 {
		out.group, out.some = group, some
	}
	return out
}

// addition returns ADD or SUB with the scaling of its operands.
func (c *checker) addition(o *isa.Operation, k *kernel, round rounding) func(a, b bound) bound {
	sc := o.Scaling()
	sign := func(b bound) bound {
		if o.Param == isa.ElemSub {
			return bound{-b.hi, -b.lo}
		}
		return b
	}
	plain := func(n int64) func(bound) bound { return func(b bound) bound { return bound{b.lo * n, b.hi * n} } }
	big, fixed := int64(1<<19), 20
	if k.ifm.Type.Bits == 16 {
		big, fixed = 1<<14, 15
	}
	scaled := rounding{scale: sc.OPA, mode: isa.RoundTFL, fixed: fixed}.of
	first, second := plain(1), plain(1)
	switch {
	case k.ifm.Type.Bits == 32:
	case sc.IFMMode == 0:
		first, second = plain(int64(sc.OPA.Value&0xFFFF)), plain(int64(sc.OPB&0xFFFF))
	case sc.IFMMode == 1:
		first, second = scaled, plain(big)
	default:
		first, second = plain(big), scaled
	}
	return func(a, b bound) bound {
		x, y := first(a), sign(second(b))
		return round.of(bound{x.lo + y.lo, x.hi + y.hi})
	}
}

// clipOf returns the range of values after the clamp.
func clipOf(act isa.Activation, t isa.DType) bound {
	first, last := t.Limits()
	lo, hi := int64(act.Min), int64(act.Max)
	if t.Signed {
		lo, hi = int64(int16(act.Min)), int64(int16(act.Max))
	}
	// A clamp that leaves nothing has been reported.
	return bound{min(max(lo, first), last), min(max(hi, lo, first), last)}
}
