package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Check refuses graphs that lowering could not even index, and such that are not integer.
func Check(g *graph.Graph) error {
	if len(g.Ops) == 0 || len(g.Outputs) == 0 {
		return fmt.Errorf("the graph has %d operators and %d outputs: nothing to compile", len(g.Ops), len(g.Outputs))
	}
	valid := func(id graph.TensorID) bool { return id >= 0 && int(id) < len(g.Tensors) }
	for i, op := range g.Ops {
		for _, id := range op.Outputs {
			if !valid(id) {
				return fmt.Errorf("operator %d (%v): output tensor %d does not exist", i, op.Kind, id)
			}
		}
		for _, id := range op.Inputs {
			if id != graph.None && !valid(id) {
				return fmt.Errorf("operator %d (%v): input tensor %d does not exist", i, op.Kind, id)
			}
		}
		need := 1
		switch op.Kind {
		case graph.Split, graph.Transpose:
			need = 2
		case graph.SplitV, graph.Slice:
			need = 3
		case graph.StridedSlice:
			need = 4
		}
		if len(op.Outputs) == 0 || len(op.Inputs) < need {
			return opError(g, i, "has %d inputs and %d outputs", len(op.Inputs), len(op.Outputs))
		}
		for k := 0; k < need; k++ {
			if op.Inputs[k] == graph.None {
				return opError(g, i, "input %d is missing", k)
			}
		}
		for _, ids := range [][]graph.TensorID{op.Inputs, op.Outputs} {
			for _, id := range ids {
				if id == graph.None {
					continue
				}
				t := g.Tensors[id]
				if t.Type == graph.Float32 && t.Elems() > 0 && !t.IsConst() {
					return opError(g, i, "tensor %q is float32; quantize the network to int8 first", t.Name)
				}
				for _, d := range t.Shape {
					if d < 0 {
						return opError(g, i, "tensor %q has shape %v", t.Name, t.Shape)
					}
				}
			}
		}
	}
	for _, ids := range [][]graph.TensorID{g.Inputs, g.Outputs} {
		for _, id := range ids {
			if !valid(id) {
				return fmt.Errorf("graph input or output tensor %d does not exist", id)
			}
		}
	}
	return nil
}
