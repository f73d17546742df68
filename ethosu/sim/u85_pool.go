// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// poolingU85 plans NPU_OP_POOL of the U85.
func (b *builder) poolingU85(p blockPlan, k *kernelU85) (step, error) {
	q := &poolPlan{blockPlan: p, mode: k.Pool, scaler: newScalerU85(k.OFMScale), limit: k.accLimit()}
	w := &q.kernel
	switch {
	case q.upscale == isa.UpscaleZeros:
		return nil, q.fault(Unknown, "POOL with inserted zeros (IFM_UPSCALE 2)")
	case !k.Global:
		return nil, q.fault(Unknown, "POOL with OFM_PRECISION scale_mode 0: how the records of a scale stream apply is not known")
	}
	switch q.mode {
	case isa.PoolNone:
		return &nullPool{blockPlan: p, scaler: q.scaler, limit: q.limit}, nil
	case isa.PoolArgmaxX, isa.PoolArgmaxY:
		return newArgmax(q, k)
	case isa.PoolMax, isa.PoolMin:
		if s := &k.OFMScale; s.Value != 1 || s.Shift != 0 {
			return nil, q.fault(Unknown, "OFM_SCALE %d >> %d with POOL %v: only 1 >> 0 is known", s.Value, s.Shift, q.mode)
		}
	case isa.PoolAverage:
		if s := &k.OFMScale; (s.Value != 1 || s.Shift != 0) && (s.Value != 1<<30 || s.Shift != 30) || s.Round != isa.RoundHalfUp {
			return nil, q.fault(Unknown, "OFM_SCALE %d >> %d, round mode %v, with POOL AVERAGE: only 1, or 2^30 >> 30, and NATURAL are known", s.Value, s.Shift, s.Round)
		}
		if w.DilatedH > 8 || w.DilatedW > 8 {
			return nil, q.fault(Unknown, "POOL AVERAGE with a %dx%d kernel, at most 8x8 is known", w.DilatedH, w.DilatedW)
		}
		q.divide = true
	}
	if b.opts.slow {
		return q, nil
	}
	if q.mode != isa.PoolReduceSum && q.isBytewise() {
		return b.newBytewise(q.blockPlan, func(v *blockPlan, c *context) error {
			all := *q
			all.blockPlan = *v
			return all.run(c)
		})
	}
	padded := w.Top+w.Left+w.Bottom+w.Right > 0
	q.short = q.mode == isa.PoolSum && !padded && q.ifm.elem == 1 && q.canFinish8() && w.H*w.W <= 1<<20
	return q, nil
}

// nullPool is POOL NONE: IFM2 goes through the accumulators to the output, the IFM is
// not read.
type nullPool struct {
	blockPlan
	scaler scaler
	limit  int64
}

func (p *nullPool) run(c *context) error {
	in := p.input(c, 1, &p.ifm2)
	v, out := sized(&c.v, p.ofm.C), c.mem[p.ofm.Region]
	for y := range p.ofm.H {
		for x := range p.ofm.W {
			p.ifm2.wide(v, in, y, x)
			for i, e := range v {
				if e >= p.limit || e < -p.limit {
					return p.fault(Overflow, "element (%d,%d,%d) of IFM2 is %d and does not fit the accumulator", y, x, i, e)
				}
				v[i] = p.scaler.round(e)
			}
			if p.ofm.elem < 8 {
				if err := p.emit(c, y, x, v); err != nil {
					return err
				}
				continue
			}
			for i, e := range v {
				binary.LittleEndian.PutUint64(out[p.ofm.at(y, x, i):], uint64(e))
			}
		}
	}
	return nil
}

// wide reads all channels of a map of 32 or 64 bits.
func (f *fmap) wide(v []int64, buf []byte, y, x int) {
	for i := range v {
		at := f.at(y, x, i)
		if f.elem == 8 {
			v[i] = int64(binary.LittleEndian.Uint64(buf[at:]))
		} else {
			v[i] = int64(int32(binary.LittleEndian.Uint32(buf[at:])))
		}
	}
}

// argmax is POOL ARGMAX_X and ARGMAX_Y: the place of the first largest value along a
// side of the window.
type argmax struct{ *poolPlan }

func newArgmax(q *poolPlan, k *kernelU85) (step, error) {
	w, s := &q.kernel, &k.OFMScale
	other, padding := w.H, w.Top|w.Left|w.Bottom|w.Right
	if q.mode == isa.PoolArgmaxY {
		other = w.W
	}
	switch {
	case s.Value != 1 || s.Shift != 16 || s.Round != isa.RoundDown:
		return nil, q.fault(Unknown, "OFM_SCALE %d >> %d, round mode %v, with POOL %v: only 1 >> 16 and TRUNCATE_TO_LOWER, which leaves the index, are known", s.Value, s.Shift, s.Round, q.mode)
	case other != 1 || padding != 0 || w.DilationY != 1 || w.DilationX != 1 || q.upscale != isa.UpscaleNone:
		return nil, q.fault(Unknown, "POOL %v with a %dx%d kernel, padding, dilation or upscaling: only one row or column is known", q.mode, w.H, w.W)
	}
	return &argmax{q}, nil
}

func (p *argmax) run(c *context) error {
	buf := p.input(c, 0, &p.ifm)
	n := p.ifm.C
	v, a, best := sized(&c.v, n), sized(&c.a, n), sized(&c.b, n)
	for y := range p.ofm.H {
		for x := range p.ofm.W {
			for i := range p.kernel.H * p.kernel.W {
				iy, ix := y*p.kernel.StrideY, x*p.kernel.StrideX
				if p.mode == isa.PoolArgmaxX {
					ix += i
				} else {
					iy += i
				}
				p.loadAll(a, &p.ifm, buf, iy, ix, 0)
				for ch, e := range a {
					if i == 0 || e > best[ch] {
						best[ch], v[ch] = e, int64(i)
					}
				}
			}
			if err := p.emit(c, y, x, v); err != nil {
				return err
			}
		}
	}
	return nil
}
