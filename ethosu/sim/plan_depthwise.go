// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// depthwisePlan is NPU_OP_DEPTHWISE: every channel has its own kernel.
type depthwisePlan struct {
	blockPlan
	src   weightReader
	store *weightStore
	limit int64
}

func (b *builder) depthwise(p blockPlan, o *isa.Operation) (step, error) {
	d := &depthwisePlan{blockPlan: p, store: b.store, limit: accLimit(o)}
	src, err := b.source(&d.blockPlan, o, true)
	if err != nil {
		return nil, err
	}
	d.src = src
	return d, nil
}

func (p *depthwisePlan) run(c *context) error {
	m, r, err := p.src.get(c, p.store, &p.header)
	if err != nil {
		return err
	}
	buf := p.input(c, 0, &p.ifm)
	n := p.ofm.C
	v, x := sized(&c.v, n), sized(&c.a, n)
	for y := range p.ofm.H {
		for col := range p.ofm.W {
			clear(v)
			for ty := range p.kernel.H {
				for tx := range p.kernel.W {
					iy, ix, ok := p.tap(y, col, ty, tx)
					if !ok {
						continue
					}
					p.loadAll(x, &p.ifm, buf, iy, ix, 0)
					w := m.w[ty*p.kernel.W+tx:]
					for ch, a := range x {
						v[ch] += int64(a) * int64(w[ch*m.stride])
					}
				}
			}
			for ch, sum := range v {
				if sum >= p.limit || sum < -p.limit {
					return p.fault(Overflow, "accumulator of output (%d,%d,%d) is %d: what hardware does is unknown", y, col, ch, sum)
				}
				v[ch] = r.scalers[min(ch, len(r.scalers)-1)].round(sum + r.bias[ch])
			}
			if err := p.emit(c, y, col, v); err != nil {
				return err
			}
		}
	}
	return nil
}
