// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// ChooseBlocks gives every kernel the OFM block with the fewest cycles of the
// model, and its SHRAM layout.
func ChooseBlocks(pl *Plan) error {
	depths := map[*kernel.Weights]map[int]int{} // how many kernels have which block depth
	for i, o := range pl.Ops {
		o.hidden = i+1 < len(pl.Ops) && !pl.Ops[i+1].reads(o)
		if err := pl.setBlock(o, 0); err != nil {
			return err
		}
		if o.Weights != nil {
			if depths[o.Weights] == nil {
				depths[o.Weights] = map[int]int{}
			}
			depths[o.Weights][o.Block.D]++
		}
	}
	// A weight stream is in the order of one block depth. Kernels that share weights
	// but have their feature maps in different memories must not drift apart: the
	// weights would be stored, and fetched, once for each depth.
	for _, o := range pl.Ops {
		if o.Weights == nil || len(depths[o.Weights]) < 2 {
			continue
		}
		most := 0
		for d, n := range depths[o.Weights] {
			if k := depths[o.Weights][most]; n > k || n == k && d > most {
				most = d
			}
		}
		if o.Block.D != most && pl.fitsDepth(o, most) {
			if err := pl.setBlock(o, most); err != nil {
				return err
			}
		}
	}
	pl.alignChains()
	return nil
}

// fitsDepth reports whether an operation has a legal block of the given depth.
func (pl *Plan) fitsDepth(o *Op, depth int) bool {
	found := false
	pl.Memo.Cost.Target.Legal(pl.work(o).Op, func(blk block.Shape, _ block.SHRAM) bool {
		found = blk.D == depth
		return !found
	})
	return found
}

// setBlock gives a kernel its best block, of the given depth if that is not 0, and
// the SHRAM layout that goes with it.
func (pl *Plan) setBlock(o *Op, depth int) error {
	if o.head != nil { // in the block of the chain's first kernel
		o.Block, o.Micro, o.Layout = o.head.Block, o.head.Micro, block.SHRAM{}
		return nil
	}
	q := pl.question(o, block.Shape{D: depth})
	slot := q.slot()
	a := o.blocks[slot]
	if a == nil || a.question != q {
		w := pl.work(o)
		c, ok := pl.Memo.Cost.Block(w, depth, o.hidden)
		if !ok {
			return pl.noBlock(o)
		}
		l, err := pl.Memo.Cost.Target.Fits(w.Op, c.Block)
		if err != nil {
			panic(fmt.Sprintf("BUG: %s: the chosen block does not fit: %v", o.Name, err))
		}
		a = &blockAnswer{q, c.Block, w.UBlock, l}
		o.blocks[slot] = a
	}
	o.Block, o.Micro, o.Layout = a.block, a.micro, a.layout
	return nil
}

// chooseBlock returns the block that the cycle model likes best, of the given depth if
// that is not 0.
func (pl *Plan) chooseBlock(o *Op, depth int) (cost.Choice, error) {
	c, ok := pl.Memo.Cost.Block(pl.work(o), depth, o.hidden)
	if !ok {
		return c, pl.noBlock(o)
	}
	return c, nil
}

func (pl *Plan) noBlock(o *Op) error {
	return fmt.Errorf("%s (output %q): no block configuration fits the %d KiB of SHRAM of %s", o.Name, o.Source, pl.Accel.SHRAMBanks, pl.Accel.Name)
}
