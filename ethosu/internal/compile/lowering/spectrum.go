// SPDX-License-Identifier: Apache-2.0

package lowering

import "github.com/unroll-npu/unroll/lower/graph"

func init() {
	lowerers.Without("the NPU has no complex numbers; the CPU does it, or FULLY_CONNECTED with fixed weights", graph.RFFT2D, graph.RealPart, graph.Imag, graph.ComplexAbs)
}
