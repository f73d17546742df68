// SPDX-License-Identifier: Apache-2.0

package block

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// PartKernelPlanned reports whether Vela's block chooser plans a convolution as
// part kernel first. On a tie it plans depth first and encodes part kernel first.
func PartKernelPlanned(op Op) bool {
	if op.Kind != Conv && op.Kind != Depthwise {
		return false
	}
	depth, group := 32, 4
	if op.IFMBits != 8 {
		depth, group = 16, 2
	}
	elems := op.KH * op.KW
	d := op.IFM.D
	byDepth := float64(d) / float64(roundUp(d, depth))
	byPart := float64(d*elems) / float64(roundUp(d, 8)*roundUp(elems, group))
	return d <= 8 || byPart > byDepth
}

// Vela returns the block that the Vela compiler chooses, by the memory traffic of
// inputs and weights. op.PartKernel is ignored, as Vela does, in favour of
// PartKernelPlanned. It reports false when no block fits.
func Vela(a *ethosu.Accelerator, op Op) (Shape, SHRAM, bool) {
	ifm := op.IFM
	if op.IFM2.Elements() > ifm.Elements() {
		ifm = op.IFM2
	}
	op.IFM = ifm
	op.PartKernel = PartKernelPlanned(op)

	equalDepth := !op.Kind.SumsDepth()
	kah, kaw := dilated(op.KH, op.DilationH), dilated(op.KW, op.DilationW)
	repeats := ceilDiv(kaw, 8) * ceilDiv(kah, 8)
	fetch := 0
	if op.Kind == Conv || op.Kind == Depthwise {
		fetch = kah * kaw
	}

	space := searchSpace(a, op)
	best, bestCoverage := math.Inf(1), math.Inf(1)
	var bestBlock Shape
	var bestLayout SHRAM
	type hw struct{ h, w int }
	for d := firstDepth(a, op, space); d <= space.D; d = nextDepth(a, op, d) {
		bad := map[hw]bool{}
		for h := a.UBlockH; h <= space.H; h += a.UBlockH {
			for w := a.UBlockW; w <= space.W; w += a.UBlockW {
				if bad[hw{h, w}] {
					continue
				}
				blk := Shape{h, w, d}
				layout, ok := Layout(a, op, blk)
				if !ok {
					// What is remembered is the transposed pair.
					bad[hw{w, h}] = true
					continue
				}
				eh := accHeight(a, op, h)
				nh, nw, nd := ceilDiv(op.OFM.H, eh), ceilDiv(op.OFM.W, w), ceilDiv(op.OFM.D, d)
				fh, fw, fd := float64(op.OFM.H)/float64(eh), float64(op.OFM.W)/float64(w), float64(op.OFM.D)/float64(d)
				weight := float64(fetch * ifm.D * nh * nw)
				if op.Kind != Depthwise {
					weight *= float64(d) * fd
				}
				ib := layout.IFMBlock
				input := float64(ib.H*ib.W*ifm.D*repeats) * fh * fw
				if !equalDepth {
					input *= float64(nd)
				}
				var cost float64
				if op.Kind == Elementwise {
					cost = max(float64(op.OFM.Elements())/float64(h*w*d), 1)
				} else {
					cost = (input + weight) / float64(op.OFM.Elements())
				}
				if ifm.Elements() < 2*ib.Elements() {
					cost /= 2
				}
				switch {
				case cost < best:
					best, bestCoverage = cost, math.Inf(1)
					bestBlock, bestLayout = blk, layout
				case cost == best:
					coverage := float64(ifm.H*ifm.W) / float64(min(ifm.H, ib.H)*min(ifm.W, ib.W))
					if coverage <= bestCoverage && h <= 4 && w <= 4 {
						bestCoverage = coverage
						bestBlock, bestLayout = blk, layout
					}
				}
			}
		}
	}
	return bestBlock, bestLayout, !math.IsInf(best, 1)
}
