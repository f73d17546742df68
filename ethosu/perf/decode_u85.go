// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/block/u85"
)

// Weights a cycle that the decoders of the Ethos-U85 give: a standard one of each core at
// least, the fast one of bytes and of indices into its table. Source: Vela 5.1's estimator,
// which has the standard ones faster where more than half of the weights are zero.
const (
	standard85 = 8
	fastBytes  = 32
	fastTable  = 64
)

// WeightsU85 returns the weights of an operation in its stream, padding included.
func WeightsU85(a *ethosu.Accelerator, w *Work) int {
	if !w.Kind.MAC() {
		return 0
	}
	u := w.UBlock.D
	depth := 0 // OFM channels, padded
	for left := w.OFM.D; left > 0; left -= w.Block.D {
		depth += roundUp(min(left, w.Block.D), u)
	}
	wide := w.IFMBits > 8
	group, extra, in := 1, 0, 0
	switch {
	case w.Kind == block.Depthwise:
		group, in = 10, 1
		switch {
		case !wide && a.MACs <= 256:
		case a.MACs <= 512:
			extra = 2
		default:
			extra = 6
		}
	case w.Kind == block.Conv && w.PartKernel && wide:
		group, in = 10, roundUp(w.IFM.D, 8)
	case w.Kind == block.Conv && w.PartKernel:
		group, in = 5, roundUp(w.IFM.D, 16)
	default:
		in = roundUp(w.IFM.D, u85.InputDepth(a, w.Op, w.Block))
	}
	elements := 0
	limH, limW := 8/max(w.DilationH, 1), 8/max(w.DilationW, 1)
	for y := max(w.KH, 1); y > 0; y -= limH {
		for x := max(w.KW, 1); x > 0; x -= limW {
			groups := ceilDiv(min(y, limH)*min(x, limW), group)
			elements += groups * (group + extra)
		}
	}
	return depth * in * elements
}

// decode85 returns the cycles that the weights of an operation take to be decoded: anew
// for every block of the image.
func decode85(a *ethosu.Accelerator, w *Work) float64 {
	n := WeightsU85(a, w)
	rate := standard85 * a.Cores
	if w.Fast {
		rate = fastBytes
		if 10*(w.WeightBytes-32) < 6*n {
			rate = fastTable
		}
	}
	return float64(n*ceilDiv(w.OFM.H, w.Block.H)*ceilDiv(w.OFM.W, w.Block.W)) / float64(rate)
}
