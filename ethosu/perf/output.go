// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// perElement returns the cycles per output element: of the output stage, and of
// the activation.
func perElement(a *ethosu.Accelerator, w *Work) (output, activation float64) {
	switch o := &a.Output; w.Activation {
	case Clip:
		activation = o.Clip
	case Table:
		activation = o.Table
	}
	return outputCycles(&a.Output, w), activation
}

func outputCycles(o *ethosu.OutputCycles, w *Work) float64 {
	elementwise := w.Kind == block.Elementwise
	switch {
	case elementwise && w.IFMBits == 32 && w.hasIFM2():
		return o.Two32
	case elementwise && w.IFMBits == 32:
		return o.One32
	case elementwise && w.Mode == isa.ElemMul && w.OFMBits == 32:
		return o.Mul32
	case elementwise && w.Mode == isa.ElemMul, !elementwise && w.Acc40:
		return o.Mul
	case elementwise && (w.Mode == isa.ElemAdd || w.Mode == isa.ElemSub):
		return o.AddSub
	case w.Kind == block.MaxPool:
		return o.MaxPool
	}
	return o.Other
}
