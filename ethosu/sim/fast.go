// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// The loops below are the generic ones of stage.go and plan_*.go, joined and limited
// to 8-bit maps without the built-in functions. TestFastPaths runs both.

// bounded is the magnitude below which scaler.round needs no wide product.
const bounded = 1<<30 - 1

// finish8 is round and finish for values within bounded, from 32-bit accumulators.
type finish8 struct {
	s, pos, dneg int64 // scale, nudge, and what a negative value adds to the nudge
	n            uint
	zp, lo, hi   int64
	table        *[256]byte // nil: none
	flip         byte       // turns a clamped byte into its place in the table
}

// canFinish8 reports whether the output path has the simple form.
func (p *blockPlan) canFinish8() bool {
	return p.ofm.elem == 1 && p.stage.function == isa.ActNone && p.stage.table <= table8 && !p.stage.wide && !p.stage.strict
}

// finisher returns the output path for a run.
func (p *blockPlan) finisher(s scaler, shram []byte) finish8 {
	f := finish8{s: s.s, pos: s.pos, dneg: s.neg - s.pos, n: s.n, zp: p.stage.zp, lo: p.stage.lo, hi: p.stage.hi}
	if p.stage.table == table8 {
		f.table = (*[256]byte)(shram[p.stage.at:])
		if p.stage.bias != 0 { // a signed value v uses entry v+128
			f.flip = 0x80
		}
	}
	return f
}

// sums finishes accumulators with their biases.
func (f *finish8) sums(dst []byte, acc []int32, bias []int64) {
	acc, bias = acc[:len(dst)], bias[:len(dst)]
	s, pos, dneg, n, zp, lo, hi := f.s, f.pos, f.dneg, f.n&63, f.zp, f.lo, f.hi
	if f.table == nil {
		for i := range dst {
			x := int64(acc[i]) + bias[i]
			dst[i] = byte(min(max((x*s+pos+x>>63&dneg)>>n+zp, lo), hi))
		}
		return
	}
	for i := range dst {
		x := int64(acc[i]) + bias[i]
		dst[i] = f.table[byte(min(max((x*s+pos+x>>63&dneg)>>n+zp, lo), hi))^f.flip]
	}
}

// channels finishes accumulators that have a scale for every channel.
func (f *finish8) channels(dst []byte, acc []int32, bias []int64, scalers []scaler) {
	acc, bias, scalers = acc[:len(dst)], bias[:len(dst)], scalers[:len(dst)]
	zp, lo, hi := f.zp, f.lo, f.hi
	t, flip := f.table, f.flip
	for i := range dst {
		x, s := int64(acc[i])+bias[i], &scalers[i]
		y := byte(min(max((x*s.s+s.pos+x>>63&(s.neg-s.pos))>>(s.n&63)+zp, lo), hi))
		if t != nil {
			y = t[y^flip]
		}
		dst[i] = y
	}
}

// products finishes a*b of signed bytes; za and zb are their zero points.
func (f *finish8) products(dst, a, b []byte, za, zb int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	s, pos, dneg, n, zp, lo, hi := f.s, f.pos, f.dneg, f.n&63, f.zp, f.lo, f.hi
	t, flip := f.table, f.flip
	for i := range dst {
		x := (int64(int8(a[i])) - za) * (int64(int8(b[i])) - zb)
		y := byte(min(max((x*s+pos+x>>63&dneg)>>n+zp, lo), hi))
		if t != nil {
			y = t[y^flip]
		}
		dst[i] = y
	}
}

// operand8 scales one operand of a sum: mul*round(x - zp).
type operand8 struct {
	zp, s, pos, dneg int64
	n                uint
	mul              int64
}

func newOperand8(zp int32, s *scaler, mul int64) operand8 {
	o := operand8{zp: int64(zp), s: 1, mul: mul}
	if s != nil {
		o.s, o.pos, o.dneg, o.n = s.s, s.pos, s.neg-s.pos, s.n
	}
	return o
}

// max returns the largest magnitude of the operand over all signed bytes, or more
// than bounded when the arithmetic itself would leave 64 bits.
func (o *operand8) max() int64 {
	s := scaler{s: o.s, n: o.n, pos: o.pos, neg: o.pos + o.dneg}
	var m int64
	for _, x := range []int64{-128 - o.zp, 127 - o.zp} {
		v := abs(s.round(x))
		if v > bounded || abs(o.mul) > bounded {
			return bounded + 1
		}
		m = max(m, v*abs(o.mul))
	}
	return m
}

// sum finishes p+q, where p is scaled and q only multiplied.
func (f *finish8) sum(dst, a, b []byte, p, q *operand8) {
	a, b = a[:len(dst)], b[:len(dst)]
	s, pos, dneg, n, zp, lo, hi := f.s, f.pos, f.dneg, f.n&63, f.zp, f.lo, f.hi
	ps, ppos, pdneg, pn, pzp, pmul := p.s, p.pos, p.dneg, p.n&63, p.zp, p.mul
	qzp, qmul := q.zp, q.mul
	t, flip := f.table, f.flip
	for i := range dst {
		x := int64(int8(a[i])) - pzp
		x = (x*ps+ppos+x>>63&pdneg)>>pn*pmul + (int64(int8(b[i]))-qzp)*qmul
		y := byte(min(max((x*s+pos+x>>63&dneg)>>n+zp, lo), hi))
		if t != nil {
			y = t[y^flip]
		}
		dst[i] = y
	}
}

// each calls f with the places of the runs of elements that lie consecutively in all
// maps. The maps have the extents of the OFM.
func (p *blockPlan) each(maps []*fmap, f func(at [3]int, n int)) {
	w, n := p.ofm.W, p.ofm.C
	run, rows := n, true
	for _, m := range maps {
		if rows = rows && m.dense(); m.Format == isa.NHCWB16 {
			run = 16
		}
	}
	if rows {
		w, n, run = 1, w*n, w*n
	}
	var at [3]int
	for y := range p.ofm.H {
		for x := range w {
			for c := 0; c < n; c += run {
				for i, m := range maps {
					at[i] = m.at(y, x, c)
				}
				f(at, min(run, n-c))
			}
		}
	}
}

// bytewise is an operation that maps every 8-bit element of the IFM on its own: the
// table holds the result for each byte, before the operation's own lookup table.
type bytewise struct {
	blockPlan
	tab [256]byte
}

// newBytewise evaluates run, the generic form, on a map of all 256 values.
func (b *builder) newBytewise(p blockPlan, run func(v *blockPlan, c *context) error) (step, error) {
	q := p
	flat := isa.FeatureMap{Height0: 1, Width0: 1, H: 1, W: 1, C: 256}
	in, out := flat, flat
	in.Type, in.ZeroPoint = p.ifm.Type, p.ifm.ZeroPoint
	out.Type, out.ZeroPoint, out.Region = p.ofm.Type, p.ofm.ZeroPoint, 1
	q.ifm, q.ofm, q.copyIn = newFmap(in), newFmap(out), [2]isa.Span{}
	q.stage.table = noTable
	c := &context{}
	c.mem[0], c.mem[1] = make([]byte, 256), make([]byte, 256)
	for i := range c.mem[0] {
		c.mem[0][i] = byte(i)
	}
	if err := run(&q, c); err != nil {
		return nil, err
	}
	w := &bytewise{blockPlan: p}
	copy(w.tab[:], c.mem[1])
	return w, nil
}

func (p *bytewise) run(c *context) error {
	tab := &p.tab
	if p.stage.table == table8 {
		f := p.finisher(scaler{}, c.shram)
		joined := *tab
		for i, v := range joined {
			joined[i] = f.table[v^f.flip]
		}
		tab = &joined
	}
	in, out := p.input(c, 0, &p.ifm), c.mem[p.ofm.Region]
	p.each([]*fmap{&p.ifm, &p.ofm}, func(at [3]int, n int) {
		src, dst := in[at[0]:at[0]+n], out[at[1]:at[1]+n]
		for i, v := range src {
			dst[i] = tab[v]
		}
	})
	return nil
}

// isBytewise reports whether an operation with one varying 8-bit input and no window
// can run from a table.
func (p *blockPlan) isBytewise() bool {
	k := &p.kernel
	return p.ifm.elem == 1 && p.canFinish8() && p.upscale == isa.UpscaleNone && k.H == 1 && k.W == 1 && k.StrideX == 1 && k.StrideY == 1 &&
		k.Top == 0 && k.Left == 0 && k.Bottom == 0 && k.Right == 0
}

// pair8 is MUL, ADD or SUB of two signed 8-bit maps of the OFM's extents.
type pair8 struct {
	*elemPlan
	p, q operand8
	swap bool // the scaled operand is the second
}

// newPair8 returns the fast form of a plan, or the plan itself.
func newPair8(e *elemPlan) step {
	s8 := isa.DType{Signed: true, Bits: 8}
	b := &e.bcast
	if !e.canFinish8() || e.constant || !e.binary || b.H || b.W || b.C || e.upscale != isa.UpscaleNone || e.ifm.Type != s8 || e.ifm2.Type != s8 {
		return e
	}
	f := &pair8{elemPlan: e}
	switch e.mode {
	case isa.ElemMul:
		return f
	case isa.ElemAdd, isa.ElemSub:
	default:
		return e
	}
	first, second := &e.ifm, &e.ifm2
	if e.reversed {
		first, second = second, first
	}
	mulB, sign := e.mulB, int64(1)
	if e.mode == isa.ElemSub {
		mulB, sign = -mulB, -1
	}
	if f.swap = e.scaleB != nil; f.swap {
		f.p, f.q = newOperand8(second.zp, e.scaleB, sign), newOperand8(first.zp, nil, e.mulA)
	} else if e.scaleA != nil {
		f.p, f.q = newOperand8(first.zp, e.scaleA, 1), newOperand8(second.zp, nil, mulB)
	} else {
		f.p, f.q = newOperand8(first.zp, nil, e.mulA), newOperand8(second.zp, nil, mulB)
	}
	if f.p.max()+f.q.max() > bounded {
		return e
	}
	return f
}

func (p *pair8) run(c *context) error {
	a, b := p.input(c, 0, &p.ifm), p.input(c, 1, &p.ifm2)
	out := c.mem[p.ofm.Region]
	f := p.finisher(p.out, c.shram)
	za, zb := int64(p.ifm.zp), int64(p.ifm2.zp)
	p.each([]*fmap{&p.ifm, &p.ifm2, &p.ofm}, func(at [3]int, n int) {
		x, y, dst := a[at[0]:at[0]+n], b[at[1]:at[1]+n], out[at[2]:at[2]+n]
		if p.mode == isa.ElemMul {
			f.products(dst, x, y, za, zb)
			return
		}
		if p.reversed != p.swap {
			x, y = y, x
		}
		f.sum(dst, x, y, &p.p, &p.q)
	})
	return nil
}
