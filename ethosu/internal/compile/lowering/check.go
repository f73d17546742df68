// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Check refuses graphs that are not valid or not integer, and such with nothing to compute.
func Check(g *graph.Graph) error {
	if len(g.Ops) == 0 || len(g.Outputs) == 0 && !slices.ContainsFunc(g.Ops, (*graph.Op).WritesAny) {
		return fmt.Errorf("the graph has %d operators and %d outputs: nothing to compile", len(g.Ops), len(g.Outputs))
	}
	for i, op := range g.Ops {
		if _, err := lowerers.Get(op.Kind); err != nil && usesComplex(g, op) {
			return opError(g, i, "%v", err)
		}
	}
	if err := g.Validate(); err != nil {
		return err
	}
	for i, op := range g.Ops {
		for _, ids := range [][]graph.TensorID{op.Inputs, op.Outputs} {
			for _, id := range ids {
				if id == graph.None {
					continue
				}
				if t := g.Tensors[id]; t.Type == graph.Float32 && t.Elems() > 0 && !t.IsConst() {
					return opError(g, i, "tensor %q is float32; quantize the network to int8 first", t.Name)
				}
			}
		}
	}
	return nil
}

// usesComplex reports whether an operator takes or makes complex numbers, which alone it
// would have at the rim of its graph.
func usesComplex(g *graph.Graph, op *graph.Op) bool {
	return slices.ContainsFunc(slices.Concat(op.Inputs, op.Outputs), func(id graph.TensorID) bool {
		return id >= 0 && int(id) < len(g.Tensors) && g.Tensors[id] != nil && g.Tensors[id].Type == graph.Complex64
	})
}
