// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// block checks the OFM block and the layout of its buffers in the SHRAM.
func (c *checker) block(k *kernel) {
	// No register tells where the buffers end, so that all banks below the top count.
	k.shramEnd = 1024 * c.a.TopBank(k.table)
	op, blk, reg := k.shape, k.blk, k.layout
	if err := block.CheckShape(c.a, op, blk); err != nil {
		c.report(RuleBlock, "%v", err)
		return
	}
	if reg.Acc == isa.AccF16 {
		c.report(RuleBlock, "ACC_FORMAT is fp16, expected int32 or int40")
		return
	}
	// A core holds its share of the channels: whole micro-blocks are divided.
	blk.D = max(blk.D/c.a.Cores, c.a.UBlockD)
	// Room is counted with the borders of Layout; the registers may leave more.
	need, _ := block.Layout(c.a, op, blk)
	top := c.a.TopBank(k.table)
	if reg.IBEnd%2 != 0 || reg.ABStart%2 != 0 || k.hasIFM2 && reg.IB2Start%2 != 0 {
		c.report(RuleBlock, "SHRAM borders IFM2_IB_START %d, IB_END %d, AB_START %d, expected even numbers", reg.IB2Start, reg.IBEnd, reg.ABStart)
	}
	if op.Kind == block.Elementwise {
		op.IFM2, op.Scalar = op.OFM, false // to get the size of one buffer
		two, _ := block.Layout(c.a, op, blk)
		banks := two.IFM2IBStart - block.FirstBank
		first := reg.IBEnd
		if k.hasIFM2 {
			first = reg.IB2Start
		}
		if first-block.FirstBank < banks {
			c.report(RuleBlock, "IFM buffers from bank %d to %d, expected %d banks for block %v", block.FirstBank, first, banks, k.blk)
		}
		if k.hasIFM2 && reg.IBEnd-reg.IB2Start < banks {
			c.report(RuleBlock, "IFM2 buffers from bank %d to %d, expected %d banks for block %v", reg.IB2Start, reg.IBEnd, banks, k.blk)
		}
		if reg.IBEnd > top {
			c.report(RuleBlock, "IFM buffers end at bank %d, expected at most %d", reg.IBEnd, top)
		}
		return
	}
	accBanks := top - need.ABStart
	if reg.Acc == isa.AccI40 { // by the register, even where 32 bits would do
		wide := op
		if wide.IFMBits, wide.Unscaled = 16, false; !wide.Kind.SumsDepth() {
			wide.Kind = block.Depthwise
		}
		l, _ := block.Layout(c.a, wide, blk)
		accBanks = top - l.ABStart
	}
	switch {
	case reg.IBEnd < need.IBEnd:
		c.report(RuleBlock, "IFM buffers from bank %d to %d, expected at least %d for block %v", block.FirstBank, reg.IBEnd, need.IBEnd, k.blk)
	case reg.ABStart < reg.IBEnd:
		c.report(RuleBlock, "accumulators start at bank %d, expected at least %d, where the IFM buffers end", reg.ABStart, reg.IBEnd)
	case reg.ABStart+accBanks > top:
		c.report(RuleBlock, "%d banks of accumulators from bank %d, expected an end at %d for block %v", accBanks, reg.ABStart, top, k.blk)
	}
}
