package unroll

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// npuRNN builds a SimpleRNN of 2 block operations a step.
func (c *cell) npuRNN(x graph.TensorID) []graph.TensorID {
	h := c.Units
	rows := c.project(x, turn(c.Kernel, c.Features, h, 0, h), c.Bias)
	rec := c.weights("recurrent", turn(c.Recurrent, h, h, 0, h))
	return c.run(func(t int) {
		if c.h == graph.None {
			c.h = c.stateActivate(rows[t])
			return
		}
		c.rnnStep(rows[t], c.fc(c.at("rec"), c.tied("rec", "pre"), c.h, rec, graph.None))
	})
}

// rnnStep sums the two products and applies the activation.
func (c *cell) rnnStep(x, rec graph.TensorID) {
	if c.Activation == nn.Relu {
		c.h = c.sum(c.stateName("h"), c.role("h"), graph.ActRelu, x, rec)
		return
	}
	pre := c.sum(c.at("pre_h"), c.role("pre_h"), graph.ActNone, x, rec)
	c.h = c.tanh(c.stateName("h"), c.role("h"), pre)
}

// stateActivate makes the state of the first step, which no product precedes.
// A RELU that must change scale is an ADD of zero with a fused activation.
func (c *cell) stateActivate(x graph.TensorID) graph.TensorID {
	if c.Activation == nn.Relu {
		zero := c.constant(c.at("zero"), []float32{0})
		return c.sum(c.stateName("h"), c.role("h"), graph.ActRelu, x, zero)
	}
	return c.tanh(c.stateName("h"), c.role("h"), x)
}
