// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// trainable refuses graphs with something that has no gradient here.
func trainable(g *graph.Graph) error {
	for i, op := range g.Ops {
		if _, err := kernels.Get(op.Kind); err != nil {
			return fmt.Errorf("%s: %w", g.OpString(i), err)
		}
		if err := checkBroadcast(g, op); err != nil {
			return fmt.Errorf("%s: %w", g.OpString(i), err)
		}
		if op.Kind == graph.Softmax && readWithin(g, op.Outputs[0]) {
			return fmt.Errorf("%s is read by other operators, and its gradient is known at an output alone; lower without --distill", g.OpString(i))
		}
	}
	return nil
}

// fix starts weights from what they were rounded to, and keeps their scales: the first
// step of learning is better than nothing then, whatever it is.
func (d *distillation) fix(c *constant, q *graph.Tensor) {
	c.scales = q.Quant.Scales
	cols := len(c.value) / c.rows
	for i := range c.value {
		r := i / cols
		if c.apart {
			r = i % c.rows
		}
		c.value[i] = float32(int8(q.Data[i])) * c.scales[r]
	}
}

// grain is the mean step of a constant's grid; of a bias, that of the weights before it.
func (d *distillation) grain(id graph.TensorID) float32 {
	c := d.p.consts[id]
	for _, op := range d.p.g.Ops {
		if c.scales == nil && optional(op, 2) == id {
			c = d.p.consts[op.Inputs[1]]
		}
	}
	if c.scales == nil {
		return 1
	}
	sum := float32(0)
	for _, s := range c.scales {
		sum += s
	}
	return sum / float32(len(c.scales))
}

func isBias(g *graph.Graph, id graph.TensorID) bool {
	for _, op := range g.Ops {
		switch op.Kind {
		case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D:
			if optional(op, 2) == id {
				return true
			}
		}
	}
	return false
}

// isStart reports whether a constant is what a product multiplies with its weights: the
// reset value of a state, which is no weight.
func isStart(g *graph.Graph, id graph.TensorID) bool {
	return slices.ContainsFunc(g.Ops, func(op *graph.Op) bool {
		return (op.Kind == graph.FullyConnected || op.Kind == graph.Conv2D || op.Kind == graph.DepthwiseConv2D) && op.Inputs[0] == id
	})
}

// readWithin reports whether anything but another shape reads a tensor.
func readWithin(g *graph.Graph, id graph.TensorID) bool {
	for _, op := range g.Ops {
		if slices.Contains(op.Inputs, id) && (op.Kind != graph.Reshape || readWithin(g, op.Outputs[0])) {
			return true
		}
	}
	return false
}

// checkBroadcast refuses operands that repeat in the middle of the other one's shape.
func checkBroadcast(g *graph.Graph, op *graph.Op) error {
	switch op.Kind {
	case graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Maximum, graph.Minimum, graph.SquaredDifference:
	default:
		return nil
	}
	out := g.Tensors[op.Outputs[0]].Shape
	for _, id := range op.Inputs {
		s := g.Tensors[id].Shape
		for len(s) > 0 && s[0] == 1 {
			s = s[1:]
		}
		if len(s) > len(out) || !slices.Equal(s, out[len(out)-len(s):]) {
			return fmt.Errorf("operand %q of shape %v repeats inside %v, whose gradient is not known here; lower without --distill", g.Tensors[id].Name, g.Tensors[id].Shape, out)
		}
	}
	return nil
}
