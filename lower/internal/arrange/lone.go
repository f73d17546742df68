// SPDX-License-Identifier: Apache-2.0

package arrange

import "github.com/unroll-npu/unroll/lower/graph"

// lone writes means and sums along dimensions of one element as what they are, another
// shape.
func (a *arranger) lone() {
	for i, op := range a.g.Ops {
		if op.Kind != graph.Mean && op.Kind != graph.Sum {
			continue
		}
		in, out := a.g.Tensors[op.Inputs[0]], a.g.Tensors[op.Outputs[0]]
		if in.Elems() != out.Elems() {
			continue
		}
		a.g.Ops[i] = &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: out.Shape},
			Inputs: []graph.TensorID{op.Inputs[0], a.ints(out.Name+"/shape", out.Shape)}, Outputs: op.Outputs}
	}
}
