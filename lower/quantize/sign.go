// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { conversions.Set((*converter).sign, graph.Sign) }

// sign of 8 bits is a table. The NPU's tables of 16 bits are smooth, so that there it is a
// product with so large a constant that every value but 0 ends where the result does.
func (c *converter) sign(op *graph.Op) error {
	if c.compute(op) != graph.Int16 {
		return c.elementwise(op)
	}
	x, excess := c.read(op.Inputs[0], graph.Int16)
	if excess != 0 {
		panic("BUG: SIGN reads a zero point in 16 bits")
	}
	const top = 1<<15 - 1
	factor := &graph.Tensor{
		Name: c.plan.Graph.Tensors[op.Outputs[0]].Name + "/factor", Type: graph.Int16, Shape: []int{1},
		Quant: graph.PerTensor(1/c.out.Tensors[x].Scale()/top, 0), Data: binary.LittleEndian.AppendUint16(nil, top),
	}
	return c.finishAs(graph.Mul, graph.MulAttr{}, op, []graph.TensorID{x, c.out.Add(factor)})
}
