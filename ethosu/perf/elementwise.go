// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// ElementwiseCycles returns the NPU cycles of an elementwise operation, memory
// bandwidth left aside, and what they are spent on.
func ElementwiseCycles(a *ethosu.Accelerator, w *Work) (float64, Reason) {
	output, activation := perElement(a, w)
	each := max(output, activation)
	// The block counts whole, also where it is larger than the OFM.
	n := float64(w.Block.Elements())
	mi, mo := blockMemory(a, w)
	latency := (mi + mo + float64(each*n)) / 4 / n
	reason := Elementwise
	switch {
	case latency > each:
		reason = Overhead
	case activation > output && w.Activation == Table:
		reason = LUT
	}
	depth := w.OFM.D
	if w.OFMFormat == isa.NHCWB16 {
		depth = roundUp(depth, 16)
	}
	return math.Ceil(max(each, latency) * float64(w.OFM.H*w.OFM.W*depth)), reason
}
