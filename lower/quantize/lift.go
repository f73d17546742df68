// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// sumShift is how many bits finer than its operands the result of an ADD or SUB of 16
// bits can be: the kernels shift the operands by 15 and halve the larger one.
const sumShift = 14

// lift makes the scales of sums of 16 bits as coarse as kernels need them for their
// operands. It matters where a sum is cut at the saturation of the function behind it
// while an operand of 8 bits reaches far beyond.
func (c *converter) lift() {
	for changed := true; changed; {
		changed = false
		for _, op := range c.plan.Graph.Ops {
			if op.Kind != graph.Add && op.Kind != graph.Sub || c.compute(op) != graph.Int16 {
				continue
			}
			role := c.role(op.Outputs[0])
			if _, fixed := c.plan.Fixed[role]; fixed || role == "" {
				continue
			}
			most := 0.0
			for _, id := range op.Inputs {
				most = math.Max(most, float64(c.scaleRead(id, graph.Int16)))
			}
			least := float32(most / (1 << sumShift))
			for float64(least)*(1<<sumShift) <= most {
				least = math.Nextafter32(least, math.MaxFloat32)
			}
			if q := c.quant(role, graph.Int16); q.Scales[0] < least {
				c.quants[quantKey{role, graph.Int16}] = graph.PerTensor(least, 0)
				changed = true
			}
		}
	}
}

// scaleRead is the scale of an operand as an operator of the given type reads it.
func (c *converter) scaleRead(id graph.TensorID, t graph.DType) float32 {
	role := c.role(id)
	if role == "" {
		if !c.isFloat(id) {
			return 0
		}
		return c.operandScale(id, t)
	}
	return c.quant(role, c.typeOf(role)).Scales[0]
}
