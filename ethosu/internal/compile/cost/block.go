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

// blockKey is a question for a block.
type blockKey struct {
	workKey
	hidden bool
}

// Weights of many bytes are encoded in fewer where blocks are deep: zeros that pad the
// inputs lie together. A deeper block is taken for at most so many times the cycles.
const (
	heavy   = 1 << 18
	shorter = 1.002
)

// Block returns the legal block with the fewest cycles; of equals the one that keeps
// the NPU busy for the shortest time, then the largest. A depth other than 0 leaves only
// blocks of that depth. hidden says that the next kernel reads nothing of this one, and
// computes while its last block leaves. It returns false when no block is legal.
func (m *Model) Block(w perf.Work, depth int, hidden bool) (Choice, bool) {
	w.Block = block.Shape{D: depth}
	key := blockKey{m.key(&w), hidden}
	if c, ok := m.choices[key]; ok {
		return c, true
	}
	var best Choice
	bestNPU, found := 0.0, false
	take := func(blk block.Shape) (cycles, npu float64) {
		w.Block = blk
		c := m.Target.Kernel(&w)
		if hidden {
			c.NPU -= c.Drain
		}
		l := c.Apart()
		l.Own += float64(w.IFMAt.ReadLatency + w.OFMAt.WriteLatency) // of most kernels
		return l.Alone(), c.NPU
	}
	m.Target.Legal(w.Op, func(blk block.Shape, _ block.SHRAM) bool {
		if depth != 0 && blk.D != depth {
			return true
		}
		t, npu := take(blk)
		if !found || t < best.Cycles || (t == best.Cycles && (npu < bestNPU || (npu == bestNPU && blk.Elements() > best.Block.Elements()))) {
			best, bestNPU, found = Choice{blk, t}, npu, true
		}
		return true
	})
	if found && depth == 0 && w.WeightBytes > heavy {
		least := best.Cycles
		m.Target.Legal(w.Op, func(blk block.Shape, _ block.SHRAM) bool {
			if blk.D > best.Block.D {
				if t, _ := take(blk); t <= shorter*least {
					best = Choice{blk, t}
				}
			}
			return true
		})
	}
	if found {
		m.choices[key] = best
	}
	return best, found
}
