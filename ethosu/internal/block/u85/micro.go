// SPDX-License-Identifier: Apache-2.0

package u85

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// Micro calls yield with the micro-blocks that an operation may be computed in, in the
// order of Vela's search.
func Micro(a *ethosu.Accelerator, op block.Op, yield func(block.Shape) bool) {
	for _, m := range a.U85.MicroBlocks {
		u := block.Shape{H: m.H, W: m.W, D: m.D}
		if computes(a, op, u) && !yield(u) {
			return
		}
	}
}

// computes reports whether a micro-block suits an operation: source and evidence are
// Vela's table, from which none of 11,495 kernels differed.
func computes(a *ethosu.Accelerator, op block.Op, u block.Shape) bool {
	if op.Kind == block.Elementwise {
		return true
	}
	conv := op.Kind == block.Conv || op.Kind == block.FullyConnected
	switch {
	case op.IFMBits == 32 && op.Kind != block.ReduceSum && op.Kind != block.MaxPool:
		return false
	case a.MACs <= 256 && u.D == 16:
		// The deep one: pools and depthwise of 8 bits, convolutions of 16 that are products.
		switch {
		case op.Kind == block.ReduceSum:
			return false
		case conv:
			return op.IFMBits == 16 && op.KH*op.KW <= 1 && !op.PartKernel
		}
		return op.IFMBits == 8
	case a.MACs <= 256:
		return conv || op.Kind == block.ReduceSum || op.IFMBits > 8
	case a.MACs >= 1024 && u.D > 16:
		return conv
	}
	return true
}

// Best returns the micro-block in which the least of an OFM is padding; of equals the
// first, as Vela does.
func Best(a *ethosu.Accelerator, op block.Op) (best block.Shape, ok bool) {
	least := 0
	Micro(a, op, func(u block.Shape) bool {
		n := roundUp(op.OFM.H, u.H) * roundUp(op.OFM.W, u.W) * roundUp(op.OFM.D, u.D)
		if !ok || n < least {
			best, least, ok = u, n, true
		}
		return true
	})
	return best, ok
}
