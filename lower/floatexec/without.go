// SPDX-License-Identifier: Apache-2.0

package floatexec

import "github.com/unroll-npu/unroll/lower/graph"

// What float execution has no kernel for.
func init() {
	planners.Without("it keeps a state inside, and files have it with integers alone; import the cell, which is unrolled", graph.UnidirectionalSequenceLSTM, graph.SVDF)
	planners.Without("a spectrum stays in float32, around an integer network; write it as FULLY_CONNECTED with fixed weights", graph.RFFT2D, graph.RealPart, graph.Imag, graph.ComplexAbs)
	planners.Without("variables of integers belong to networks that are quantized already; compile the file as it is", graph.AssignVariable)
	planners.Without("its values are indices or truths and no real numbers; end the network before it and compute it outside", graph.ArgMax, graph.ArgMin,
		graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.Equal, graph.NotEqual, graph.SelectV2)
}
