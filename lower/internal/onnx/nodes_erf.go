// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"Erf": each((*converter).erf)})

// normal is a tensor that is factor*erf(x/√2), or with one factor*(1+erf(x/√2)), or with
// times as well that times x: the steps in which exporters before opset 20 write a GELU.
type normal struct {
	x          graph.TensorID
	factor     float64
	one, times bool
}

// erf is the error function, which is no operator of TFLite: 2·gelu(y)/y − 1 for y = √2·x.
// What is added to y keeps 0/0 out and is nothing beside any other y.
func (c *converter) erf(x *value) *value {
	const tiny = 1e-20
	y := c.plus(c.base+"/shifted", c.times(c.base+"/scaled", x, math.Sqrt2), tiny)
	ratio := c.binary(graph.Div, graph.DivAttr{}, c.base+"/ratio", c.unary(graph.Gelu, graph.GeluAttr{}, c.base+"/gelu", y), y)
	out := c.plus(c.base, c.times(c.base+"/twice", ratio, 2), -1)
	if from, k := c.scaled(x.id); from != graph.None && math.Abs(float64(k*math.Sqrt2)-1) < 1e-4 {
		c.note(out.id, normal{x: from, factor: 1})
	}
	return out
}

func (c *converter) note(id graph.TensorID, n normal) {
	if c.normal == nil {
		c.normal = map[graph.TensorID]normal{}
	}
	c.normal[id] = n
}

// scaled returns the tensor of which id is a multiple, and the factor: itself and 1 where
// no product with a number makes it.
func (c *converter) scaled(id graph.TensorID) (graph.TensorID, float64) {
	for i := len(c.g.Ops) - 1; i >= 0; i-- {
		op := c.g.Ops[i]
		if op.Outputs[0] != id {
			continue
		}
		if op.Kind == graph.Mul {
			for k, in := range op.Inputs {
				if f, ok := c.number(&value{id: in, shape: c.shapeOf(in)}); ok {
					return op.Inputs[1-k], float64(f)
				}
			}
		}
		break
	}
	return id, 1
}

// gelu returns the GELU that a sum or a product with the error function completes, or
// nil; what leads there is noted.
func (c *converter) gelu(k graph.Kind, a, b, result *value) *value {
	for range 2 {
		a, b = b, a
		n, ok := c.normal[a.id]
		if !ok || a.ints != nil {
			continue
		}
		f, isNumber := c.number(b)
		switch {
		case k == graph.Add && isNumber && f == 1 && !n.one && n.factor == 1:
			n.one = true
		case k == graph.Mul && isNumber:
			n.factor *= float64(f)
		case k == graph.Mul && n.one && !n.times:
			from, s := c.scaled(b.id)
			if from != n.x {
				continue
			}
			n.factor, n.times = n.factor*s, true
		default:
			continue
		}
		if n.times && math.Abs(n.factor-0.5) < 1e-6 {
			return c.stored(c.op(graph.Gelu, graph.GeluAttr{}, c.base, n.x), result.order)
		}
		c.note(result.id, n)
	}
	return nil
}
