// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// What the U85 does when a sum leaves its accumulator, a shift 32 bits, or a result a type
// to which it is not clamped, no source states. As for the older NPUs the values of a
// stream are followed, through chaining buffers too, to show that none does; what cannot be
// shown is unproven.

// overflowU85 follows one operation.
func (c *checker) overflowU85(s *stateU85, k *kernelU85, w *isa.MapU85) {
	v := c.resultU85(k)
	v = c.storedU85(k, v)
	c.followed(v, 5) // operands, result, zero point, clamp or table
	c.forgetValues(k.out)
	if k.Op == isa.OpPool && k.Pool == isa.PoolMax && k.OFM.InMemory() {
		c.largest(c.mapsU85(k), k.Activation.Clip && !c.clampsNothing(k), k.Activation.Function != isa.FuncNone)
	}
	switch {
	case k.OFM.Storage == isa.Chained:
		s.value = v
		if n := k.Window; k.Op == isa.OpPool && k.Pool == isa.PoolMax && n.H*n.W == 1 && n.StrideX*n.StrideY == 1 && n.Top+n.Left+n.Bottom+n.Right == 0 &&
			k.IFM.InMemory() && k.IFM.Type == k.OFM.Type && k.IFM.ZeroPoint == k.OFM.ZeroPoint && k.Upscale == isa.UpscaleNone &&
			k.Activation.Function == isa.FuncNone && (!k.Activation.Clip || c.clampsNothing(k)) {
			s.same = &k.IFM.FeatureMap // the largest of one
		}
		return
	case !k.OFM.InMemory() || k.Transpose != isa.TransposeHWC || k.Reverse != isa.ReverseNone:
		return
	}
	if k.Op == isa.OpElementwise && (k.IFM.Type.Bits == 32 || k.OFM.Type.Bits == 32) || k.Op == isa.OpPool && k.Pool == isa.PoolReduceSum {
		c.keep(written{f: w.FeatureMap, spans: k.out, v: v})
	}
}

// mapsU85 is an operation as the rules that both generations share see it.
func (c *checker) mapsU85(k *kernelU85) *kernel {
	return &kernel{ifm: k.IFM.FeatureMap, ifm2: k.IFM2.FeatureMap, ofm: k.OFM.FeatureMap, k: k.Window, up: k.Factor(), in: k.IFM.Spans(), out: k.out}
}

// clampsNothing reports whether the clamp is no tighter than the type.
func (c *checker) clampsNothing(k *kernelU85) bool {
	lo, hi := k.OFM.Type.Limits()
	b := clampOfU85(k)
	return b == bound{lo, hi}
}

// clampOfU85 returns what values are after the clamp, in the type of the table's index
// where there is a table: all that the type holds where nothing is clamped.
func clampOfU85(k *kernelU85) bound {
	t := k.OFM.Type
	if in, _ := k.Activation.Function.Types(); in.Bits != 0 {
		t = in
	}
	return clipOf(isa.Activation{Min: k.Activation.Min, Max: k.Activation.Max}, t)
}

// operandU85 returns what is known of an input, its zero point subtracted, and the entry
// of a map in memory.
func (c *checker) operandU85(k *kernelU85, m *isa.MapU85) (value, *written) {
	zero := func(v value) value { return v.apply(func(b bound) bound { return b.add(-int64(m.ZeroPoint)) }) }
	switch {
	case m.Broadcast&isa.BroadcastScalar != 0:
		return zero(only(bound{int64(k.Scalar), int64(k.Scalar)})), nil
	case m.Type.Bits == 64:
		return only(bound{-most, most}), nil
	case m.Storage == isa.Chained && len(k.value.cells) > 0:
		c.followed(k.value, 1)
		return zero(k.value), nil
	case !m.InMemory():
		lo, hi := m.Type.Limits()
		return zero(only(bound{lo, hi})), nil
	}
	v, w := c.valueOf(&m.FeatureMap)
	return zero(v), w
}

// limitU85 is what an accumulator holds.
func (k *kernelU85) limitU85() bound {
	if k.Acc.Format == isa.AccI48 {
		return bound{-1 << 47, 1<<47 - 1}
	}
	return int32s
}

// roundU85 is a scale with its rounding: (v*s + r) >> n, a function that never falls.
func roundU85(s isa.ScaleU85) func(bound) bound {
	r := rounding{scale: isa.Scale{Value: s.Value, Shift: s.Shift}, fixed: s.Double}
	switch s.Round {
	case isa.RoundDouble:
		r.mode = isa.RoundTFL
	case isa.RoundTowardsZero:
		r.mode = isa.RoundTruncate
	default: // the others are at most one less or more than this one
		r.mode = isa.RoundNatural
		return func(b bound) bound {
			b = r.of(b)
			if s.Round == isa.RoundHalfUp {
				return b
			}
			return bound{b.lo - 1, b.hi + 1}
		}
	}
	return r.of
}

// resultU85 returns the scaled result of an operation, before the zero point of its output.
func (c *checker) resultU85(k *kernelU85) value {
	switch k.Op {
	case isa.OpConv, isa.OpDepthwise:
		return only(c.sumsU85(k))
	case isa.OpPool:
		return c.pooledU85(k)
	case isa.OpElementwise:
		return c.combinedU85(k)
	}
	v, _ := c.operandU85(k, &k.IFM)
	return only(v.hull())
}

// sumsU85 follows products with weights.
func (c *checker) sumsU85(k *kernelU85) bound {
	v, _ := c.operandU85(k, &k.IFM)
	in := join(v.hull(), bound{}) // what is missing counts 0
	start := bound{}
	if k.Acc.Input == isa.AccIFM2 {
		v, _ := c.operandU85(k, &k.IFM2)
		start = v.hull()
	}
	n := int64(k.Window.H * k.Window.W)
	if k.SumsDepth() {
		n *= int64(k.IFM.C)
	}
	var all, scaled []bound
	switch sums, records := k.sums, c.recordsOfU85(k); {
	case k.MatMul:
		v, _ := c.operandU85(k, &k.IFM2)
		w := v.hull()
		all = append(all, join(mul(in, w), bound{}).times(n))
		scaled = append(scaled, roundU85(k.OFMScale)(all[0]))
	default:
		for ch := range k.OFM.C {
			b := mul(in, bound{-255, 255}).times(n)
			if sums != nil {
				up, down := in.times(sums[ch].hi), in.times(-sums[ch].lo)
				b = bound{up.lo - down.hi, up.hi - down.lo}
			}
			scale := isa.ScaleU85{Value: 1, Round: k.OFMScale.Round}
			if ch < len(records) {
				b, scale.Value, scale.Shift = b.add(records[ch].Bias), records[ch].Scale, int(records[ch].Shift)
			}
			b = bound{b.lo + start.lo, b.hi + start.hi}
			all, scaled = append(all, b), append(scaled, roundU85(scale)(b.clamp(k.limitU85())))
		}
	}
	c.fits("sums", value{cells: all}.hull(), k.limitU85(), "in the accumulators of the U85")
	return value{cells: scaled}.hull()
}

// sumWeights adds up the weights of each output channel, the negative and the others.
func sumWeights(list []int16, channels int) []bound {
	sums := make([]bound, channels)
	each := len(list) / max(channels, 1)
	for ch := range sums {
		for _, w := range list[ch*each : (ch+1)*each] {
			if w < 0 {
				sums[ch].lo += int64(w)
			} else {
				sums[ch].hi += int64(w)
			}
		}
	}
	return sums
}

// recordsOfU85 returns the records of an operation, as far as they are known.
func (c *checker) recordsOfU85(k *kernelU85) []weights.RecordU85 {
	if !k.HasRecords() {
		return nil
	}
	r := k.Records
	b, unknown := c.known[r.Region].get(r.Start, r.End)
	if unknown >= 0 {
		return nil
	}
	list, err := weights.UnpackRecordsU85(b, k.OFM.C, k.Acc.Format == isa.AccI48)
	if err != nil {
		return nil // reported
	}
	return list
}

// pooledU85 follows POOL.
func (c *checker) pooledU85(k *kernelU85) value {
	v, _ := c.operandU85(k, &k.IFM)
	in, n := v.hull(), int64(k.Window.H*k.Window.W)
	round := roundU85(k.OFMScale)
	switch k.Pool {
	case isa.PoolMax, isa.PoolMin:
		return only(in)
	case isa.PoolArgmaxX, isa.PoolArgmaxY:
		return only(bound{0, n})
	case isa.PoolNone:
		v, _ := c.operandU85(k, &k.IFM2)
		c.fits("values of IFM2", v.hull(), k.limitU85(), "in the accumulators of the U85")
		return only(round(v.hull().clamp(k.limitU85())))
	case isa.PoolReduceSum:
		n *= int64(k.IFM.C)
		total := in.times(n)
		if v.group > 0 && k.IFM.C%v.group == 0 && k.Window.H*k.Window.W == 1 {
			groups := n / int64(v.group)
			rest, some := in.times(n-groups), v.some.times(groups)
			total = bound{rest.lo + some.lo, rest.hi + some.hi}
		}
		c.fits("sums", total, k.limitU85(), "in the accumulators of the U85")
		return only(round(total.clamp(k.limitU85())))
	}
	total := join(in, bound{}).times(n)
	c.fits("sums", total, k.limitU85(), "in the accumulators of the U85")
	if k.Pool == isa.PoolAverage {
		return only(in)
	}
	return only(round(total.clamp(k.limitU85())))
}

// storedU85 returns the elements of an output: a result with the zero point, clamped,
// looked up. What is not clamped has to fit.
func (c *checker) storedU85(k *kernelU85, v value) value {
	act, t := k.Activation, k.OFM.Type
	index := t
	if in, _ := act.Function.Types(); in.Bits != 0 {
		index = in
	}
	if t.Bits == 64 {
		return only(bound{-most, most})
	}
	lo, hi := index.Limits()
	v = v.apply(func(b bound) bound { return b.add(int64(k.OFM.ZeroPoint)) })
	curve := act.Function == isa.FuncTanh || act.Function == isa.FuncSigmoid
	switch {
	case curve: // of values beyond 16 bits too
	case !act.Clip:
		c.fits("results", v.hull(), bound{lo, hi}, "where the U85 clamps nothing")
		v = v.apply(func(b bound) bound { return b.clamp(bound{lo, hi}) })
	default:
		clip := clampOfU85(k)
		v = v.apply(func(b bound) bound { return b.clamp(clip) })
	}
	if act.Function == isa.FuncNone {
		return v
	}
	return c.lookedUpU85(k, v, lo)
}

// lookedUpU85 returns what a table makes of its indices; for functions, and for tables of
// which not all is known, whatever the type holds.
func (c *checker) lookedUpU85(k *kernelU85, v value, low int64) value {
	first, last := k.OFM.Type.Limits()
	unknown := bound{first, last}
	f, base := k.Activation.Function, k.Activation.Span().Start
	var size int64
	switch f {
	case isa.FuncS8ToS8:
		size = 1
	case isa.FuncS8ToS16:
		size = 2
	case isa.FuncS8ToS32, isa.FuncS16ToS16:
		size = 4
	default:
		return only(unknown)
	}
	looked := 0
	defer func() { c.lookedAt(looked) }()
	return v.apply(func(b bound) bound {
		at := b.add(-low)
		begin, end := int64(0), int64(127)
		if f == isa.FuncS16ToS16 {
			if at.lo>>7 == at.hi>>7 {
				begin, end = at.lo&127, at.hi&127
			}
			at = bound{at.lo >> 7, at.hi >> 7}
		}
		data, missing := c.loaded.get(base+size*at.lo, base+size*(at.hi+1))
		if missing >= 0 {
			return unknown
		}
		looked += int(int64(len(data)) / size)
		var all []bound
		for i := int64(0); i < int64(len(data)); i += size {
			e := signedValue(data[i:i+size], size)
			one, other := e, e
			if f == isa.FuncS16ToS16 {
				from, slope := int64(int16(e)), e>>16
				one, other = from+(slope*begin+64)>>7, from+(slope*end+64)>>7
			}
			all = append(all, bound{min(one, other), max(one, other)})
		}
		if b := (value{cells: all}).hull(); b.within(unknown) {
			return b
		}
		return unknown
	})
}

// signedValue reads a number of 1, 2 or 4 bytes.
func signedValue(b []byte, size int64) int64 {
	v := int64(0)
	for i := size - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	unused := 64 - 8*size
	return v << unused >> unused
}
