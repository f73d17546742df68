// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// poolPlan is NPU_OP_POOL.
type poolPlan struct {
	blockPlan
	mode    isa.PoolMode
	scaler  scaler
	byCount []scaler // AVERAGE that counts: by the number of elements inside
	divide  bool     // AVERAGE of the U85: by that number
	limit   int64
	short   bool // average8 will do
}

func (b *builder) pooling(p blockPlan, o *isa.Operation) (step, error) {
	sc := o.Scaling()
	q := &poolPlan{blockPlan: p, mode: o.PoolMode(), scaler: newScaler(sc.OFM, sc.OFMRound, 0), limit: accLimit(o)}
	if q.upscale == isa.UpscaleZeros {
		return nil, q.fault(Unknown, "POOL with inserted zeros (IFM_UPSCALE 2)")
	}
	q.stage.exact32 = q.mode == isa.PoolAverage
	unit := sc.OFM == isa.Scale{Value: 1}
	if q.mode == isa.PoolMax && sc.Global && !unit {
		return nil, q.fault(Unknown, "MAX with OFM_SCALE %d >> %d and scale_mode 1: only 1 >> 0 is known", sc.OFM.Value, sc.OFM.Shift)
	}
	if q.mode != isa.PoolReduceSum && sc.Global && q.isBytewise() && !b.opts.slow {
		return b.newBytewise(q.blockPlan, func(v *blockPlan, c *context) error {
			all := *q
			all.blockPlan = *v
			return all.run(c)
		})
	}
	k := &q.kernel
	padded := k.Top+k.Left+k.Bottom+k.Right > 0
	switch {
	case q.mode == isa.PoolMax:
		return q, nil
	case q.mode == isa.PoolReduceSum && !sc.Global:
		return nil, q.fault(Unknown, "REDUCE_SUM with OFM_PRECISION scale_mode 0, expected 1")
	case q.mode == isa.PoolAverage && sc.Global && padded && !unit:
		return nil, q.fault(Unknown, "AVERAGE with padding, OFM_SCALE %d >> %d and scale_mode 1: only 1 >> 0 is known", sc.OFM.Value, sc.OFM.Shift)
	case sc.Global && (q.mode != isa.PoolAverage || !padded):
		q.short = !b.opts.slow && q.mode == isa.PoolAverage && q.ifm.elem == 1 && q.canFinish8() && k.H*k.W <= 1<<20
		return q, nil
	}
	if k.H*k.W > 64 {
		return nil, q.fault(Unknown, "AVERAGE by the count of elements with a %dx%d kernel, at most 8x8 is known", k.H, k.W)
	}
	q.byCount = make([]scaler, k.H*k.W+1)
	for n := 1; n < len(q.byCount); n++ {
		q.byCount[n] = newScaler(reciprocal(n), sc.OFMRound, 0)
	}
	return q, nil
}

func (p *poolPlan) run(c *context) error {
	buf := p.input(c, 0, &p.ifm)
	if p.short {
		p.average8(c, buf)
		return nil
	}
	for y := range p.ofm.H {
		for x := range p.ofm.W {
			v, err := p.window(c, buf, y, x)
			if err != nil {
				return err
			}
			if err := p.emit(c, y, x, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// window returns the rounded values of one output position.
func (p *poolPlan) window(c *context, buf []byte, y, x int) ([]int64, error) {
	n := p.ifm.C
	v, a := sized(&c.v, n), sized(&c.a, n)
	start := int64(0)
	switch p.mode {
	case isa.PoolMax:
		start = math.MinInt64
	case isa.PoolMin:
		start = math.MaxInt64
	}
	for i := range v {
		v[i] = start
	}
	count := 0
	for ty := range p.kernel.H {
		for tx := range p.kernel.W {
			iy, ix, ok := p.tap(y, x, ty, tx)
			if !ok {
				continue
			}
			count++
			p.loadAll(a, &p.ifm, buf, iy, ix, 0)
			switch p.mode {
			case isa.PoolMax:
				for i, e := range a {
					v[i] = max(v[i], int64(e))
				}
			case isa.PoolMin:
				for i, e := range a {
					v[i] = min(v[i], int64(e))
				}
			default:
				for i, e := range a {
					v[i] += int64(e)
				}
			}
		}
	}
	if count == 0 {
		return nil, p.fault(Unknown, "the window of output (%d,%d) holds padding alone", y, x)
	}
	switch p.mode {
	case isa.PoolMax, isa.PoolMin:
		return v, nil
	case isa.PoolReduceSum:
		for _, e := range v[1:] {
			v[0] += e
		}
		v = v[:1]
	}
	s := &p.scaler
	if p.byCount != nil {
		s = &p.byCount[count]
	}
	for i, sum := range v {
		if sum >= p.limit || sum < -p.limit {
			return nil, p.fault(Overflow, "sum %d of output (%d,%d,%d) does not fit the accumulator", sum, y, x, i)
		}
		if p.divide {
			v[i] = averageU85(sum, count)
		} else {
			v[i] = s.round(sum)
		}
	}
	return v, nil
}

// average8 sums bytes and finishes them in one go; sums of up to 2^20 nine-bit values
// stay within bounded.
func (p *poolPlan) average8(c *context, buf []byte) {
	w, n := p.ofm.W, p.ifm.C
	length := (*fmap).runLen
	if k := &p.kernel; k.W == 1 && k.StrideX == 1 && p.upscale == isa.UpscaleNone && p.ifm.dense() && p.ofm.dense() {
		w, n = 1, w*n
		length = func(_ *fmap, c, n int) int { return n }
	}
	acc, none := sized(&c.acc, n), sized(&c.sum, n)
	clear(none)
	f := p.finisher(p.scaler, c.shram)
	out, zp := c.mem[p.ofm.Region], p.ifm.zp
	for y := range p.ofm.H {
		for x := range w {
			clear(acc)
			for ty := range p.kernel.H {
				for tx := range p.kernel.W {
					iy, ix, _ := p.tap(y, x, ty, tx)
					for ch := 0; ch < n; {
						l := length(&p.ifm, ch, n-ch)
						at := p.ifm.at(iy, ix, ch)
						addBytes(acc[ch:ch+l], buf[at:at+l], zp, p.ifm.Type.Signed)
						ch += l
					}
				}
			}
			for ch := 0; ch < n; {
				l := length(&p.ofm, ch, n-ch)
				at := p.ofm.at(y, x, ch)
				f.sums(out[at:at+l], acc[ch:ch+l], none[ch:])
				ch += l
			}
		}
	}
}

func addBytes(acc []int32, src []byte, zp int32, signed bool) {
	src = src[:len(acc)]
	if signed {
		for i, v := range src {
			acc[i] += int32(int8(v)) - zp
		}
		return
	}
	for i, v := range src {
		acc[i] += int32(v) - zp
	}
}
