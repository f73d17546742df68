// SPDX-License-Identifier: Apache-2.0

package u85

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// Elementwise returns the block of an elementwise operation, or of a chain that begins
// with one, in the micro-block op.UBlock: the one that Vela takes, for what the memories of
// outputs and chains can hold more is not known. Its width stays within the register.
func Elementwise(a *ethosu.Accelerator, op block.Op) block.Shape {
	g := block.Shape{H: op.UBlock.H, W: op.UBlock.W, D: SplitDepth}
	o := block.Shape{H: roundUp(op.OFM.H, g.H), W: roundUp(op.OFM.W, g.W), D: roundUp(op.OFM.D, g.D)}
	lim := o.Min(Max)
	bits := max(op.IFMBits, op.OutBits)
	units := a.U85.Outputs * 8 / bits / 16
	chain := a.U85.Chains / 6 / (16 * bits / 8) / op.UBlock.H

	h := tile(o.H, g.H, lim.H)
	row := tile(o.W, g.W, min(units, lim.W))
	d, w := share(g.D, lim.D, units, max(row, g.W))
	switch rows, columns, channels := op.Spreads(); {
	case channels:
		d, w = tile(o.D, g.D, lim.D), chain
		if !rows && !columns {
			h, w = share(op.UBlock.H, lim.H, w, max(row, g.W))
		}
	case rows:
		d, w = share(g.D, lim.D, chain, max(row, g.W))
	}
	w = min(w, Max.W)
	return block.Shape{H: max(roundUp(h, g.H), g.H), W: max(roundUp(w, g.W), g.W), D: max(roundUp(d, g.D), g.D)}
}

// tile returns an extent of r elements, cut to parts of at most t.
func tile(r, g, t int) int {
	if t > 0 && r%t == 0 {
		return t
	}
	return max(roundUp(r/(r/max(t, 1)+1), g), g)
}

// share gives a dimension what of the room remains for it, and returns what it takes and
// what is left.
func share(v, most, room, need int) (size, left int) {
	if e := min(room/max(need, 1), most/v); e >= 2 {
		return v * e, room / e
	}
	return v, room
}
