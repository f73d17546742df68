// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// brick returns a map of bricks in region 1, dense, in one tile.
func brick(base uint64, h, w, c int) isa.FeatureMap {
	return isa.FeatureMap{Region: 1, Base: [4]uint64{base}, Height0: h, Height1: h, Width0: w, H: h, W: w, C: c, Format: isa.NHCWB16,
		Type: isa.DType{Signed: true, Bits: 8}, StrideX: 16, StrideC: int64(16 * w), StrideY: int64(w * (c + 15) / 16 * 16)}
}

func testKernel(op isa.Code, kind block.Kind, ifm, ofm isa.FeatureMap, blk block.Shape, size, stride int) *kernel {
	k := &kernel{op: op, ifm: ifm, ofm: ofm, blk: blk, up: 1, in: ifm.Spans(), out: ofm.Spans(),
		k: isa.Kernel{H: size, W: size, StrideY: stride, StrideX: stride, DilationY: 1, DilationX: 1, DilatedH: size, DilatedW: size}}
	k.shape = block.Op{Kind: kind, KH: size, KW: size, StrideH: stride, StrideW: stride, IFMBits: 8,
		IFM: block.Shape{H: ifm.H, W: ifm.W, D: ifm.C}, OFM: block.Shape{H: ofm.H, W: ofm.W, D: ofm.C}}
	return k
}

// The values of Vela's own unit tests.
func TestBlockdepGolden(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	tiled := brick(0x7680, 3, 48, 16)
	tiled.Height0, tiled.Height1, tiled.Base[2] = 2, 2, 0x6480

	scalar := brick(0xA0, 1, 1, 1)
	sub := testKernel(isa.OpElementwise, block.Elementwise, brick(0x39AC0, 1, 1, 1), brick(0xE0, 1, 1, 1), block.Shape{H: 1, W: 1, D: 4}, 1, 1)
	sub.hasIFM2, sub.ifm2, sub.in2 = true, scalar, scalar.Spans()

	for _, c := range []struct {
		name     string
		previous *kernel
		current  *kernel
		want     int
	}{
		{"SUB reads what a unary operation wrote",
			testKernel(isa.OpElementwise, block.Elementwise, brick(0x100, 1, 1, 1), scalar, block.Shape{H: 1, W: 1, D: 4}, 1, 1), sub, 0},
		{"depthwise over tiles of a rolling buffer",
			testKernel(isa.OpConv, block.Conv, brick(0, 4, 48, 16), brick(0x6480, 4, 48, 16), block.Shape{H: 4, W: 6, D: 16}, 1, 1),
			testKernel(isa.OpDepthwise, block.Depthwise, tiled, brick(0x6480, 1, 24, 16), block.Shape{H: 1, W: 8, D: 16}, 3, 2), 2},
		{"depthwise that starts far from the end",
			testKernel(isa.OpConv, block.Conv, brick(0, 13, 97, 8), brick(0x7C80, 6, 48, 8), block.Shape{H: 6, W: 3, D: 8}, 3, 2),
			testKernel(isa.OpDepthwise, block.Depthwise, brick(0x7C80, 5, 48, 8), brick(0x4C80, 4, 48, 8), block.Shape{H: 4, W: 6, D: 8}, 3, 1), 3},
	} {
		ch := newChecker(a, Regions{})
		ch.previous = c.previous
		if got, why := ch.maxBlockdep(c.current); got != c.want {
			t.Errorf("%s: at most %d (%s), want %d", c.name, got, why, c.want)
		}
	}
}

// A fully connected operation reads its input 32 channels at a time: what the
// previous operation still has to write decides.
func TestBlockdepSlices(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	h := brick(0x100, 1, 1, 256)
	for depth, want := range map[int]int{
		128: 1, // two blocks: the first may go ahead of the second
		32:  3, // eight blocks
		256: 0, // one block
	} {
		c := newChecker(a, Regions{})
		c.previous = testKernel(isa.OpElementwise, block.Elementwise, brick(0x900, 1, 1, 256), h, block.Shape{H: 1, W: 2, D: depth}, 1, 1)
		fc := testKernel(isa.OpConv, block.Conv, h, brick(0x200, 1, 1, 768), block.Shape{H: 1, W: 2, D: 128}, 1, 1)
		if got, why := c.maxBlockdep(fc); got != want {
			t.Errorf("blocks of %d channels: at most %d (%s), want %d", depth, got, why, want)
		}
	}
}

func TestRanges(t *testing.T) {
	var r ranges
	r.add(10, 20)
	r.add(30, 40)
	r.add(20, 30)
	r.add(50, 60)
	r.remove(15, 17)
	for _, c := range []struct{ start, end, want int64 }{{10, 15, -1}, {10, 16, 15}, {17, 40, -1}, {17, 41, 40}, {0, 11, 0}, {50, 60, -1}, {60, 60, -1}, {40, 50, 40}} {
		if got := r.missing(c.start, c.end); got != c.want {
			t.Errorf("missing(%d, %d) = %d, want %d in %v", c.start, c.end, got, c.want, r)
		}
	}
}
