// SPDX-License-Identifier: Apache-2.0

package lowering

import "github.com/unroll-npu/unroll/lower/graph"

// OnlyReshapes reports whether the result of a data movement is its operand under
// another shape.
func OnlyReshapes(g *graph.Graph, op *graph.Op) bool {
	in, out := op.Inputs[0], op.Outputs[0]
	if len(op.Outputs) != 1 || g.Tensors[in].Elems() != g.Tensors[out].Elems() {
		return false
	}
	t := g.Tensors[in]
	l := &lowering{g: g, views: make([]view, len(g.Tensors))}
	v := l.fresh(t.Name, t.Type, t.Shape)
	l.views[in] = v
	f, err := lowerers.Get(op.Kind)
	if err != nil || f(l, op) != nil {
		return false
	}
	w := l.views[out]
	return w.buf == v.buf && w.off == 0 && w.contiguous()
}
