// SPDX-License-Identifier: Apache-2.0

package quantize

import "github.com/unroll-npu/unroll/lower/graph"

// readsNarrow reports whether a product reads in 8 bits what is kept in 16: where roles have
// widths of their own and its reading, see unroll.Plan.Reading, is not among the wide ones.
func (c *converter) readsNarrow(op *graph.Op) bool {
	if c.wideRoles == nil || !hasParts[op.Kind] || !c.wideRoles[c.role(op.Inputs[0])] {
		return false
	}
	name := c.plan.Reading(op)
	return name != "" && !c.wideRoles[name]
}

// readingRange is what was seen where a product reads, within what the role holds; where the source
// prescribes the range of the role it is that, whatever was seen.
func (c *converter) readingRange(op *graph.Op, name string) Range {
	role := c.plan.Role[op.Inputs[0]]
	if b, ok := c.plan.Given[role]; ok {
		return Range{b[0], b[1]}
	}
	r := c.ranges[name]
	if held, ok := c.ranges[role]; ok {
		r = meet(r, held)
	}
	if b, ok := c.plan.Bounds[role]; ok {
		r = meet(r, Range{b[0], b[1]})
	}
	return r
}

// factor is read for what a product multiplies with its weights; narrow reports that its
// values have 8 bits, whichever type they are in.
func (c *converter) factor(op *graph.Op, id graph.TensorID, in graph.DType) (got graph.TensorID, excess int32, narrow bool) {
	if !c.readsNarrow(op) {
		if centered(op) {
			got = c.readCentered(id, in)
		} else {
			got, excess = c.read(id, in)
		}
		return got, excess, c.typeOf(c.role(id)) == graph.Int8
	}
	name := c.plan.Reading(op)
	key := requantKey{c.tensor(id), name}
	got, ok := c.requant[key]
	if !ok {
		src := c.out.Tensors[key.id]
		quant := params(c.plan, name, c.readingRange(op, name), graph.Int8, in == graph.Int16 && centered(op))
		got = c.out.Add(&graph.Tensor{Name: src.Name + "_for_" + c.plan.Graph.Tensors[op.Inputs[1]].Name, Type: graph.Int8, Shape: src.Shape, Quant: quant})
		c.out.Ops = append(c.out.Ops, &graph.Op{Kind: graph.Quantize, Inputs: []graph.TensorID{key.id}, Outputs: []graph.TensorID{got}})
		c.requant[key] = got
	}
	if in == graph.Int16 {
		got, excess = c.cast(got)
	}
	return got, excess, true
}
