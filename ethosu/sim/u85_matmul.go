// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// matmul is NPU_OP_CONV with its weights in IFM2: one row of it, over the width, for
// each output channel.
type matmul struct {
	blockPlan
	scaler scaler
	limit  int64
}

func (b *builder) matmulU85(p blockPlan, k *kernelU85) (step, error) {
	w := &p.kernel
	switch {
	case w.H != 1 || w.W != 1 || w.StrideY != 1 || w.StrideX != 1 || w.Top|w.Left|w.Bottom|w.Right != 0 || p.upscale != isa.UpscaleNone:
		return nil, p.fault(Unknown, "CONV with weights in IFM2 and a kernel of %dx%d, strides, padding or upscaling: only 1x1 is known", w.H, w.W)
	case !k.Global:
		return nil, p.fault(Unknown, "CONV with weights in IFM2 and OFM_PRECISION scale_mode 0: only 1 is known")
	case p.ifm.Type != p.ifm2.Type || p.ifm.Type.Bits > 16:
		return nil, p.fault(Contradiction, "IFM2 type %v with IFM type %v, expected the same of 8 or 16 bits", p.ifm2.Type, p.ifm.Type)
	}
	return &matmul{blockPlan: p, scaler: newScalerU85(k.OFMScale), limit: k.accLimit()}, nil
}

func (p *matmul) run(c *context) error {
	in, two := p.input(c, 0, &p.ifm), p.input(c, 1, &p.ifm2)
	n := p.ifm.C
	w, x, v := sized(&c.wide, n*p.ofm.C), sized(&c.a, n), sized(&c.v, p.ofm.C)
	for o := range p.ofm.C {
		p.loadAll(w[o*n:][:n], &p.ifm2, two, 0, o, 0)
	}
	for y := range p.ofm.H {
		for col := range p.ofm.W {
			p.loadAll(x, &p.ifm, in, y, col, 0)
			for o := range v {
				var sum int64
				for i, e := range w[o*n:][:n] {
					sum += int64(x[i]) * int64(e)
				}
				if sum >= p.limit || sum < -p.limit {
					return p.fault(Overflow, "accumulator of output (%d,%d,%d) is %d: what hardware does is unknown", y, col, o, sum)
				}
				v[o] = p.scaler.round(sum)
			}
			if err := p.emit(c, y, col, v); err != nil {
				return err
			}
		}
	}
	return nil
}
