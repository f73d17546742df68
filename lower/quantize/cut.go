// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// changesNothing reports whether an operator cuts values where their type ends: MINIMUM
// with the largest integer, MAXIMUM with the smallest, as networks have it that were
// quantized before. Its output then is its input.
func (c *converter) changesNothing(op, next *graph.Op) bool {
	if op.Kind != graph.Minimum && op.Kind != graph.Maximum {
		return false
	}
	x, y := op.Inputs[0], op.Outputs[0]
	k := c.out.Tensors[next.Inputs[1]]
	if !k.IsConst() || c.value[x] != next.Inputs[0] || !slices.Equal(c.plan.Graph.Tensors[x].Shape, c.plan.Graph.Tensors[y].Shape) {
		return false
	}
	for i := range k.Elems() {
		v, end := 0, math.MaxInt8
		switch k.Type {
		case graph.Int8:
			v = int(int8(k.Data[i]))
		case graph.Int16:
			v, end = int(int16(binary.LittleEndian.Uint16(k.Data[2*i:]))), math.MaxInt16
		default:
			return false
		}
		if op.Kind == graph.Maximum {
			end = -end - 1
		}
		if v != end {
			return false
		}
	}
	g := c.plan.Graph
	if slices.Contains(g.Outputs, y) {
		// The output's name has to stay: it goes to the input, unless that has to keep its own.
		outside := slices.Contains(g.Inputs, x) || slices.Contains(g.Outputs, x)
		for _, s := range g.States {
			outside = outside || s.In == x || s.Out == x || s.In == y || s.Out == y
		}
		if _, made := c.value[y]; made || outside || c.out.Tensors[next.Inputs[0]].IsConst() {
			return false
		}
		c.out.Tensors[next.Inputs[0]].Name = g.Tensors[y].Name
	}
	c.value[y] = next.Inputs[0]
	return true
}
