// SPDX-License-Identifier: Apache-2.0

package quantize

import "github.com/unroll-npu/unroll/lower/graph"

func init() { conversions.Set((*converter).prelu, graph.PRelu) }

// prelu is the kernel in 8 bits; there is none for 16, where it is max(x, 0) +
// slope·min(x, 0).
func (c *converter) prelu(op *graph.Op) error {
	if c.compute(op) == graph.Int8 {
		return c.elementwise(op)
	}
	x, _ := c.read(op.Inputs[0], graph.Int16)
	slope, _ := c.read(op.Inputs[1], graph.Int16)
	in := c.out.Tensors[x]
	out := c.quant(c.role(op.Outputs[0]), graph.Int16)
	zero := c.out.Add(&graph.Tensor{Name: in.Name + "_zero", Type: graph.Int16, Quant: in.Quant, Data: []byte{0, 0}})
	one := func(k graph.Kind, attr any, what string, q *graph.Quant, a, b graph.TensorID) graph.TensorID {
		id := c.out.Add(&graph.Tensor{Name: c.plan.Graph.Tensors[op.Outputs[0]].Name + what, Type: graph.Int16, Shape: in.Shape, Quant: q})
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: []graph.TensorID{a, b}, Outputs: []graph.TensorID{id}})
		return id
	}
	above := one(graph.Maximum, nil, "_above", in.Quant, x, zero)
	below := one(graph.Minimum, nil, "_below", in.Quant, x, zero)
	scaled := one(graph.Mul, graph.MulAttr{}, "_scaled", out, below, slope)
	sum := &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: op.Inputs, Outputs: op.Outputs}
	return c.finish(sum, []graph.TensorID{above, scaled})
}
