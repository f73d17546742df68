// SPDX-License-Identifier: Apache-2.0

package cost

import (
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// Choice is a block and what the cycle model says of the kernel with it.
type Choice struct {
	Block  block.Shape
	Cycles float64
}

// Block returns the legal block with the fewest cycles; of equals the one that keeps
// the NPU busy for the shortest time, then the largest. A depth other than 0 leaves only
// blocks of that depth. It returns false when no block is legal.
func (m *Model) Block(w perf.Work, depth int) (Choice, bool) {
	w.Block = block.Shape{D: depth}
	key := w
	if c, ok := m.choices[key]; ok {
		return c, true
	}
	var best Choice
	bestNPU, found := 0.0, false
	m.Target.Legal(w.Op, func(blk block.Shape, _ block.SHRAM) bool {
		if depth != 0 && blk.D != depth {
			return true
		}
		w.Block = blk
		c := m.Target.Kernel(&w)
		t := alone(&c)
		if !found || t < best.Cycles || (t == best.Cycles && (c.NPU < bestNPU || (c.NPU == bestNPU && blk.Elements() > best.Block.Elements()))) {
			best, bestNPU, found = Choice{blk, t}, c.NPU, true
		}
		return true
	})
	if found {
		m.choices[key] = best
	}
	return best, found
}
