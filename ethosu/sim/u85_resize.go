// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// checkAxis reports registers of an axis that contradict each other.
func checkAxis(h *header, name string, a *isa.ResizeU85, block int) error {
	if a.Offset < -a.N || a.Offset >= a.N {
		return h.fault(Contradiction, "RESIZE_%s_OFFSET is %d, expected %d to %d", name, a.Offset, -a.N, a.N-1)
	}
	if a.OneRest >= a.N || a.BlockRest >= a.N {
		return h.fault(Contradiction, "RESIZE_%s_STEP has remainders %d and %d, expected less than the scale %d", name, a.OneRest, a.BlockRest, a.N)
	}
	d := a.OneWhole*a.N + a.OneRest
	if whole := (block - 1) * d; a.BlockWhole != whole/a.N || a.BlockRest != whole%a.N {
		return h.fault(Contradiction, "RESIZE_%s_STEP is %d and %d/%d a block, expected %d and %d/%d for blocks of %d and steps of %d/%d", name,
			a.BlockWhole, a.BlockRest, a.N, whole/a.N, whole%a.N, a.N, block, d, a.N)
	}
	return nil
}

// resizePlan is NPU_OP_RESIZE NEAREST.
type resizePlan struct {
	blockPlan
	y, x isa.ResizeU85
}

func (b *builder) resizeU85(p blockPlan, k *kernelU85) (step, error) {
	if k.Mode != isa.ResizeNearest {
		return nil, p.fault(Unknown, "RESIZE %v: its arithmetic is not known", k.Mode)
	}
	q := &resizePlan{blockPlan: p, y: k.Resize[0], x: k.Resize[1]}
	if err := checkAxis(&q.header, "Y", &q.y, k.H); err != nil {
		return nil, err
	}
	if err := checkAxis(&q.header, "X", &q.x, k.W); err != nil {
		return nil, err
	}
	switch s := &k.OFMScale; {
	case s.Value != 1 || s.Shift != 16:
		return nil, q.fault(Unknown, "OFM_SCALE %d >> %d with RESIZE NEAREST: only 1 >> 16 is known", s.Value, s.Shift)
	case q.upscale != isa.UpscaleNone:
		return nil, q.fault(Unknown, "IFM_UPSCALE %d with RESIZE: only 0 is known", q.upscale)
	case !k.Global:
		return nil, q.fault(Unknown, "RESIZE with OFM_PRECISION scale_mode 0: only 1 is known")
	case p.ifm.C != p.ofm.C:
		return nil, q.fault(Contradiction, "IFM depth %d differs from OFM depth %d", p.ifm.C, p.ofm.C)
	}
	return q, nil
}

func (p *resizePlan) run(c *context) error {
	buf := p.input(c, 0, &p.ifm)
	a, v := sized(&c.a, p.ofm.C), sized(&c.v, p.ofm.C)
	for y := range p.ofm.H {
		for x := range p.ofm.W {
			p.loadAll(a, &p.ifm, buf, nearest(&p.y, y, p.ifm.H), nearest(&p.x, x, p.ifm.W), 0)
			for i, e := range a {
				v[i] = int64(e)
			}
			if err := p.emit(c, y, x, v); err != nil {
				return err
			}
		}
	}
	return nil
}
