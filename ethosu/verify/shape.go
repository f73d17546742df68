// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// shapes checks extents, padding and tiles. It reports false when they make no
// sense, so that nothing else can be judged.
func (c *checker) shapes(o *isa.Operation, k *kernel) bool {
	h, w := o.InputExtent()
	if h < 1 || w < 1 {
		c.report(RuleShape, "the OFM %dx%d, kernel and padding give an input of %dx%d", k.ofm.H, k.ofm.W, h, w)
		return false
	}
	n := k.k
	if o.Op != isa.OpElementwise {
		if n.Top >= n.DilatedH || n.Left >= n.DilatedW || n.Bottom >= n.DilatedH || n.Right >= n.DilatedW {
			c.report(RuleShape, "padding top %d, left %d, bottom %d, right %d, expected less than the kernel's %dx%d", n.Top, n.Left, n.Bottom, n.Right, n.DilatedH, n.DilatedW)
		}
		if (n.DilatedH-1)%n.DilationY != 0 || (n.DilatedW-1)%n.DilationX != 0 {
			c.report(RuleShape, "a kernel of %dx%d cannot have dilation %dx%d", n.DilatedH, n.DilatedW, n.DilationY, n.DilationX)
		}
		if n.StrideX > 3 || n.StrideY > 3 {
			c.report(RuleShape, "stride %dx%d, expected 1 to 3", n.StrideY, n.StrideX)
		}
		c.kernelLimits(o, k)
		if !o.HasWeights() && (!meetsInput(k.ofm.H, n.H, n.StrideY, n.DilationY, n.Top, h) || !meetsInput(k.ofm.W, n.W, n.StrideX, n.DilationX, n.Left, w)) {
			c.report(RuleShape, "a window of the %dx%d kernel with dilation %dx%d lies in the padding alone", n.DilatedH, n.DilatedW, n.DilationY, n.DilationX)
		}
	}
	switch {
	case o.Op == isa.OpPool && o.PoolMode() == isa.PoolReduceSum:
		if k.ofm.C != 1 {
			c.report(RuleShape, "REDUCE_SUM with OFM depth %d, expected 1", k.ofm.C)
		}
	case o.Op != isa.OpConv && k.ifm.C != k.ofm.C:
		c.report(RuleShape, "IFM depth %d, expected the OFM's %d", k.ifm.C, k.ofm.C)
	}
	c.tiles("IFM", &k.ifm, max(n.StrideY, 1), max(n.StrideX, 1))
	c.tiles("OFM", &k.ofm, 1, 1)
	if k.hasIFM2 {
		c.tiles("IFM2", &k.ifm2, 1, 1)
		if k.broadcast.H && k.ofm.H == 1 || k.broadcast.W && k.ofm.W == 1 || k.broadcast.C && k.ofm.C == 1 {
			c.report(RuleShape, "IFM2_BROADCAST repeats a dimension in which the OFM %dx%dx%d has extent 1", k.ofm.H, k.ofm.W, k.ofm.C)
		}
	}
	return true
}

// kernelLimits checks the kernel sizes that compilers keep to.
func (c *checker) kernelLimits(o *isa.Operation, k *kernel) {
	h, w := k.k.DilatedH, k.k.DilatedW
	maxH, maxArea := 64, 4096
	if o.Op == isa.OpPool {
		maxH, maxArea = 256, 65536
		if padded := k.k.Top+k.k.Left+k.k.Bottom+k.k.Right > 0; o.PoolMode() == isa.PoolAverage && padded && (h > 8 || w > 8) {
			c.report(RuleShape, "padded average pool with a %dx%d kernel, expected at most 8x8", h, w)
		}
	}
	if h > maxH || h*w > maxArea {
		c.report(RuleShape, "kernel %dx%d, expected a height of at most %d and an area of at most %d", h, w, maxH, maxArea)
	}
}

// openTile is the extent of a tile that ends nowhere: Vela 4.0 writes it for slices.
const openTile = 1 << 16

// tiles checks that tile 0 is not larger than the map. Where a stride leaves the
// last rows or columns unread the map may be larger than what the registers tell. A
// tile that ends nowhere holds the whole map by the rule that chooses a tile; nothing
// measured says that it may.
func (c *checker) tiles(which string, f *isa.FeatureMap, strideY, strideX int) {
	high, wide := f.Height0 >= f.H+strideY, f.Width0 >= f.W+strideX
	switch {
	case !high && !wide:
	case which != "OFM" && (!high || f.Height0 == openTile) && (!wide || f.Width0 == openTile) && f.Base[1]|f.Base[2]|f.Base[3] == 0:
		c.unproven(RuleShape, "%s tile 0 is %dx%d, the map that is read %dx%d: right if the NPU looks at no more of it", which, f.Height0, f.Width0, f.H, f.W)
	default:
		c.report(RuleShape, "%s tile 0 is %dx%d, the map %dx%d", which, f.Height0, f.Width0, f.H, f.W)
	}
}

// meetsInput reports whether every window has a tap on the input, along one axis.
func meetsInput(out, taps, stride, dilation, pad, extent int) bool {
	if dilation == 1 { // padding is less than the kernel
		return true
	}
	for o := range out {
		hit := false
		for t := range taps {
			if v := o*stride + t*dilation - pad; v >= 0 && v < extent {
				hit = true
				break
			}
		}
		if !hit {
			return false
		}
		if (o+1)*stride >= pad { // from here on windows begin inside
			break
		}
	}
	return true
}
