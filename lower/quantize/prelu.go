// SPDX-License-Identifier: Apache-2.0

package quantize

import "github.com/unroll-npu/unroll/lower/graph"

func init() { conversions.Set((*converter).prelu, graph.PRelu) }

// prelu has slopes of 8 bits also beside values of 16.
func (c *converter) prelu(op *graph.Op) error {
	if !c.isFloat(op.Inputs[1]) {
		return c.elementwise(op)
	}
	x := c.readCentered(op.Inputs[0], c.compute(op))
	return c.finish(op, []graph.TensorID{x, c.operand(op.Inputs[1], graph.Int8)})
}
