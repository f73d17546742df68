// SPDX-License-Identifier: Apache-2.0

package u85_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/block/u85"
)

// TestElementwise compares blocks and micro-blocks with those of Vela's streams.
func TestElementwise(t *testing.T) {
	for _, c := range []struct {
		accel       string
		bits        int
		ofm         block.Shape
		micro, want block.Shape
	}{
		{"ethos-u85-128", 8, block.Shape{H: 8, W: 10, D: 40}, block.Shape{H: 1, W: 2, D: 8}, block.Shape{H: 8, W: 42, D: 48}},
		{"ethos-u85-256", 8, block.Shape{H: 8, W: 10, D: 40}, block.Shape{H: 2, W: 2, D: 8}, block.Shape{H: 8, W: 42, D: 48}},
		{"ethos-u85-256", 16, block.Shape{H: 8, W: 10, D: 40}, block.Shape{H: 2, W: 2, D: 8}, block.Shape{H: 8, W: 22, D: 48}},
		{"ethos-u85-128", 32, block.Shape{H: 1, W: 1, D: 100}, block.Shape{H: 1, W: 1, D: 16}, block.Shape{H: 1, W: 4, D: 112}},
		{"ethos-u85-256", 8, block.Shape{H: 1, W: 1, D: 96}, block.Shape{H: 1, W: 2, D: 16}, block.Shape{H: 1, W: 22, D: 96}},
		{"ethos-u85-1024", 8, block.Shape{H: 8, W: 10, D: 40}, block.Shape{H: 2, W: 4, D: 16}, block.Shape{H: 8, W: 88, D: 48}},
	} {
		a, err := ethosu.ParseAccelerator(c.accel)
		if err != nil {
			t.Fatal(err)
		}
		op := block.Op{Kind: block.Elementwise, OFM: c.ofm, IFM: c.ofm, IFM2: c.ofm, IFMBits: c.bits, OutBits: c.bits}
		var ok bool
		if op.UBlock, ok = u85.Best(a, op); !ok || op.UBlock != c.micro {
			t.Errorf("%s, %d bits, %v: micro-block %v, want %v", c.accel, c.bits, c.ofm, op.UBlock, c.micro)
		}
		op.UBlock = c.micro
		if got := u85.Elementwise(a, op); got != c.want {
			t.Errorf("%s, %d bits, %v: block %v, want %v", c.accel, c.bits, c.ofm, got, c.want)
		}
	}
}

// TestLegal: every block that is offered fits, and is one of the few that fit twice where
// there are such.
func TestLegal(t *testing.T) {
	for _, a := range ethosu.Of(ethosu.U85) {
		op := block.Op{Kind: block.Conv, OFM: block.Shape{H: 1, W: 28, D: 768}, IFM: block.Shape{H: 1, W: 28, D: 256}, KH: 1, KW: 1, StrideH: 1, StrideW: 1, IFMBits: 8}
		op.UBlock, _ = u85.Best(a, op)
		n := 0
		u85.Legal(a, op, func(blk block.Shape) bool {
			if err := u85.Fits(a, op, blk); err != nil {
				t.Errorf("%s: %v", a.Name, err)
			}
			if 2*blk.H*blk.W*blk.D*4 > a.U85.Accumulators {
				t.Errorf("%s: block %v has no room for the next one's accumulators", a.Name, blk)
			}
			n++
			return true
		})
		if n == 0 {
			t.Errorf("%s: no block", a.Name)
		}
		if err := u85.Fits(a, op, block.Shape{H: 128, W: 128, D: 1024}); err == nil {
			t.Errorf("%s: the largest block fits", a.Name)
		}
	}
}
