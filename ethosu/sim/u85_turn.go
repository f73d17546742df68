// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// turn is an operation whose output is transposed or mirrored on its way to memory: the
// operation itself writes a dense map inside the NPU.
type turn struct {
	step
	from, to fmap
	kernel   *isa.KernelU85
}

func (t *turn) run(c *context) error {
	if err := t.step.run(c); err != nil {
		return err
	}
	src, dst := c.mem[turnRegion], c.mem[t.to.Region]
	n := t.from.elem
	for y := range t.from.H {
		for x := range t.from.W {
			for ch := range t.from.C {
				s := t.from.at(y, x, ch)
				d := t.to.at(t.kernel.Place(y, x, ch))
				copy(dst[d:d+n], src[s:s+n])
			}
		}
	}
	return nil
}
