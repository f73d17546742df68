// SPDX-License-Identifier: Apache-2.0

package quantize

import "github.com/unroll-npu/unroll/lower/graph"

// What quantization has no rule for.
func init() {
	conversions.Without("it belongs to networks that are quantized already; compile the file as it is", graph.Quantize, graph.Dequantize, graph.Cast)
	conversions.Without("it keeps a state inside, whose range calibration does not see; import the cell, which is unrolled", graph.UnidirectionalSequenceLSTM, graph.SVDF)
	conversions.Without("a spectrum stays in float32, around an integer network; write it as FULLY_CONNECTED with fixed weights", graph.RFFT2D, graph.RealPart, graph.Imag, graph.ComplexAbs)
	conversions.Without("variables of integers belong to networks that are quantized already; compile the file as it is", graph.AssignVariable)
	conversions.Without("its result is an index or a truth value, which has no scale; end the network before it and compute it outside", graph.ArgMax, graph.ArgMin,
		graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.Equal, graph.NotEqual)
	conversions.Without("it is quantized in parts; give the float graph to LowerGraph (unroll lower), which writes it as SUB, EXP, SUM and LOG", graph.LogSoftmax)
	conversions.Without("no integer kernel gives its values; use MUL for whole powers", graph.Pow)
	conversions.Without("it is quantized in parts; give the float graph to LowerGraph (unroll lower), which writes it as MUL, SUM and RSQRT", graph.L2Normalization)
	conversions.Without("it is quantized as a product with a triangle of ones, which LowerGraph (unroll lower) writes for up to 512 elements; add up fewer", graph.Cumsum)
}
