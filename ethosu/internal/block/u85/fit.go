// SPDX-License-Identifier: Apache-2.0

package u85

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// SplitDepth is what a block depth is a multiple of when it does not cover the OFM.
const SplitDepth = 16

// InputDepth returns the input channels that one pass over a block of an operation takes
// in, however many there are: what weights are ordered by.
func InputDepth(a *ethosu.Accelerator, op block.Op, blk block.Shape) int {
	switch {
	case !op.Kind.SumsDepth():
		return blk.D
	case op.Kind == block.Conv && op.PartKernel:
		return 16
	case op.IFMBits == 32 || a.MACs <= 256 && op.UBlock.D == 16:
		return 32
	}
	return 64
}

// IFMBlock returns the input block that an OFM block needs, its depth not cut to the
// input's.
func IFMBlock(a *ethosu.Accelerator, op block.Op, blk block.Shape) block.Shape {
	ib := block.Shape{D: InputDepth(a, op, blk)}
	g := unit(a, op.UBlock, ib.D, op.IFMBits)
	up, nearest := 1, 0
	if op.Upscale != block.UpscaleNone {
		up = 2
	}
	if op.Upscale == block.UpscaleNearest {
		nearest = 1
	}
	extent := func(b, stride, kernel, dilation, unit int) int {
		k := (max(kernel, 1)-1)*max(dilation, 1) + 1
		return roundUp(ceilDiv((b-1)*max(stride, 1)+min(k, 8)+nearest, up), unit)
	}
	ib.H = extent(blk.H, op.StrideH, op.KH, op.DilationH, g.H)
	ib.W = extent(blk.W, op.StrideW, op.KW, op.DilationW, g.W)
	return ib
}

// AccBits returns the bits of an accumulator in its memory: those of 48 bits take 64.
func AccBits(op block.Op) int {
	if op.IFMBits == 16 && !op.Unscaled && op.Kind != block.MaxPool && op.Kind != block.AveragePool && op.Kind != block.ReduceSum {
		return 64
	}
	return 32
}

// bytes returns what the input block and the accumulators of a block take. Where it is not
// known whether the depth that counts is cut to the input's, it is what takes more.
func bytes(a *ethosu.Accelerator, op block.Op, blk block.Shape) (in, acc int) {
	full := IFMBlock(a, op, blk)
	for _, d := range []int{full.D, min(full.D, op.IFM.D)} {
		u := unit(a, op.UBlock, d, op.IFMBits)
		depth := roundUp(min(d, op.IFM.D), u.D)
		if !op.Kind.SumsDepth() {
			depth = roundUp(blk.D, u.D)
		}
		n := roundUp(full.H, u.H) * roundUp(full.W, u.W) * depth * op.IFMBits / 8
		whole := roundUp(op.IFM.H, u.H) * roundUp(op.IFM.W, u.W) * roundUp(op.IFM.D, u.D) * op.IFMBits / 8
		in = max(in, min(n, whole))
	}
	return in, blk.H * blk.W * roundUp(blk.D, SplitDepth) * AccBits(op) / 8
}

// CheckShape reports why a block size is not legal for an operation in the micro-block
// op.UBlock, whatever the memories have room for, or nil.
func CheckShape(a *ethosu.Accelerator, op block.Op, blk block.Shape) error {
	u := op.UBlock
	step := SplitDepth
	if op.Kind == block.Conv || op.Kind == block.FullyConnected {
		step = u.D
	}
	switch {
	case !computes(a, op, u):
		return fmt.Errorf("%s does not compute a %v operation of %d bits in micro-blocks of %v", a.Name, op.Kind, op.IFMBits, u)
	case blk.H < 1 || blk.W < 1 || blk.D < 1 || blk.H > Max.H || blk.W > Max.W || blk.D > Max.D:
		return fmt.Errorf("OFM block %v, expected 1x1x1 to %v", blk, Max)
	case blk.H%u.H != 0 || blk.W%u.W != 0 || blk.D%step != 0:
		return fmt.Errorf("OFM block %v is not a multiple of the micro-block %v, or its depth not one of %d", blk, u, step)
	case blk.D < op.OFM.D && blk.D%SplitDepth != 0:
		return fmt.Errorf("OFM block depth %d does not cover the OFM's %d channels, so it must be a multiple of %d", blk.D, op.OFM.D, SplitDepth)
	}
	return nil
}

// Fits reports why a block of an operation in the micro-block op.UBlock is not legal, or
// nil.
func Fits(a *ethosu.Accelerator, op block.Op, blk block.Shape) error {
	if err := CheckShape(a, op, blk); err != nil {
		return err
	}
	if op.Kind == block.Elementwise {
		return nil
	}
	if in, acc := bytes(a, op, blk); in > a.U85.Inputs || acc > a.U85.Accumulators {
		return fmt.Errorf("OFM block %v of a %v operation needs %d bytes for its inputs and %d for its accumulators; %s has %d and %d", blk, op.Kind, in, acc, a.Name, a.U85.Inputs, a.U85.Accumulators)
	}
	return nil
}

// Legal calls yield with blocks in the micro-block op.UBlock, smallest first, depth
// slowest: those that cut the OFM in parts of one size. Of these only such of which the
// next one can be fetched and computed while one leaves, where there are any.
func Legal(a *ethosu.Accelerator, op block.Op, yield func(block.Shape) bool) {
	if op.Kind == block.Elementwise {
		if blk := Elementwise(a, op); CheckShape(a, op, blk) == nil {
			yield(blk)
		}
		return
	}
	found := false
	for _, twice := range []int{2, 1} {
		for _, d := range depths(op) {
			for _, h := range parts(op.OFM.H, op.UBlock.H, Max.H) {
				for _, w := range parts(op.OFM.W, op.UBlock.W, Max.W) {
					blk := block.Shape{H: h, W: w, D: d}
					if CheckShape(a, op, blk) != nil {
						continue
					}
					if in, acc := bytes(a, op, blk); twice*in > a.U85.Inputs || twice*acc > a.U85.Accumulators {
						continue
					}
					found = true
					if !yield(blk) {
						return
					}
				}
			}
		}
		if found {
			return
		}
	}
}

// parts returns the sizes of blocks that cut n elements in parts of one size, as far as
// multiples of a micro-block can, up to most, smallest first.
func parts(n, unit, most int) []int {
	var list []int
	for k := ceilDiv(n, unit); k > 0; k-- {
		size := roundUp(ceilDiv(n, k), unit)
		if size <= most && (len(list) == 0 || list[len(list)-1] != size) {
			list = append(list, size)
		}
	}
	return list
}

func depths(op block.Op) []int {
	unit := SplitDepth
	whole := roundUp(op.OFM.D, unit)
	if op.Kind == block.Conv || op.Kind == block.FullyConnected {
		unit = max(op.UBlock.D, SplitDepth)
		whole = roundUp(op.OFM.D, op.UBlock.D)
	}
	var list []int
	for _, d := range parts(op.OFM.D, unit, Max.D) {
		if d < op.OFM.D {
			list = append(list, d)
		}
	}
	if whole <= Max.D {
		list = append(list, whole)
	}
	return list
}
