// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// The NPU's tables of 16 bits are smooth between their entries. Functions that are not, or
// have to be exact, are products there.
func init() {
	conversions.Set((*converter).asProduct, graph.Sign, graph.Neg, graph.ReluN1To1, graph.Relu6)
	conversions.Set((*converter).square, graph.Square)
}

// asProduct writes a function of one value as a product with a constant, where it is no table:
// of SIGN with so large a one that every value but 0 is cut at 1.
func (c *converter) asProduct(op *graph.Op) error {
	compute, by, attr := c.compute(op), 1.0, graph.MulAttr{}
	role := c.role(op.Inputs[0])
	if role == "" || compute == graph.Int8 && op.Kind != graph.Relu6 {
		return c.elementwise(op)
	}
	x := c.readCentered(op.Inputs[0], compute)
	switch in := c.out.Tensors[x]; op.Kind {
	case graph.Sign:
		by, attr.Activation = 1/float64(in.Scale()), graph.ActReluN1To1
	case graph.Neg:
		by = -1
	case graph.ReluN1To1:
		attr.Activation = graph.ActReluN1To1
	case graph.Relu6: // whose kernel keeps the scale
		if in.Quant.Equal(c.quant(c.role(op.Outputs[0]), compute)) {
			return c.elementwise(op)
		}
		attr.Activation = graph.ActRelu6
	}
	_, top := compute.Limits()
	constant := &graph.Tensor{Name: c.plan.Graph.Tensors[op.Outputs[0]].Name + "/factor", Type: compute, Shape: []int{1},
		Quant: graph.PerTensor(float32(math.Abs(by)/float64(top)), 0)}
	value := int16(math.Copysign(float64(top), by))
	if constant.Data = binary.LittleEndian.AppendUint16(nil, uint16(value)); compute == graph.Int8 {
		constant.Data = constant.Data[:1]
	}
	return c.finishAs(graph.Mul, attr, op, []graph.TensorID{x, c.out.Add(constant)})
}

// square is a product with itself in 16 bits.
func (c *converter) square(op *graph.Op) error {
	if c.compute(op) == graph.Int8 || c.role(op.Inputs[0]) == "" {
		return c.elementwise(op)
	}
	x := c.readCentered(op.Inputs[0], graph.Int16)
	return c.finishAs(graph.Mul, graph.MulAttr{}, op, []graph.TensorID{x, x})
}
