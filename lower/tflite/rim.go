// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TakeOffFloat removes the QUANTIZE of float32 inputs and the DEQUANTIZE of float32
// outputs that converters put around an integer network: its inputs and outputs become
// the integers, under the names that the file gives to the real values, whose scale and
// zero point say what they stand for. The model's graph is replaced, not changed. It
// returns the names of what became integer; a network that computes in float32 has none.
func TakeOffFloat(m *Model) (names []string) {
	old := m.Graph
	g := &graph.Graph{Name: old.Name, Tensors: slices.Clone(old.Tensors), Inputs: slices.Clone(old.Inputs),
		Outputs: slices.Clone(old.Outputs), States: slices.Clone(old.States)}
	to := make([]graph.TensorID, len(g.Tensors))
	for i := range to {
		to[i] = graph.TensorID(i)
	}
	gone := map[*graph.Op]bool{}
	stay := halfTaken(old)
	for _, id := range old.Inputs {
		if ops := quantizers(old, id); len(ops) > 0 && !stay[id] {
			names = append(names, become(g, id, ops[0].Outputs[0]))
			for _, op := range ops {
				to[op.Outputs[0]], gone[op] = id, true
			}
		}
	}
	for _, id := range old.Outputs {
		op := dequantizer(old, id)
		if op == nil || stay[id] {
			continue
		}
		in := op.Inputs[0]
		if to[in] != in || slices.Contains(old.Inputs, in) || slices.Contains(old.Outputs, in) || old.Tensors[in].IsConst() || old.Tensors[in].Variable {
			continue // the integers have a name of their own already
		}
		names = append(names, become(g, id, in))
		to[in], gone[op] = id, true
	}
	if len(names) == 0 {
		return nil
	}
	for _, op := range old.Ops {
		if gone[op] {
			continue
		}
		next := *op
		next.Inputs, next.Outputs = moved(op.Inputs, to), moved(op.Outputs, to)
		g.Ops = append(g.Ops, &next)
	}
	g.Outputs = moved(g.Outputs, to)
	m.Graph = g
	g.States = append(g.States, namedStates(m)...)
	return names
}

// halfTaken are the ends of states that would not become the same integers: one end is
// computed with in float32, or they have scales of their own.
func halfTaken(g *graph.Graph) map[graph.TensorID]bool {
	stay := map[graph.TensorID]bool{}
	for _, s := range g.States {
		in, out := quantizers(g, s.In), dequantizer(g, s.Out)
		same := (len(in) > 0) == (out != nil)
		if len(in) > 0 && out != nil {
			a, b := g.Tensors[in[0].Outputs[0]], g.Tensors[out.Inputs[0]]
			same = a.Type == b.Type && a.Quant.Equal(b.Quant)
		}
		if !same {
			stay[s.In], stay[s.Out] = true, true
		}
	}
	return stay
}

// quantizers returns the operators that read a float32 input, if each is a QUANTIZE to
// the same integers.
func quantizers(g *graph.Graph, id graph.TensorID) (ops []*graph.Op) {
	if g.Tensors[id].Type != graph.Float32 || slices.Contains(g.Outputs, id) {
		return nil
	}
	for _, op := range g.Ops {
		if !slices.Contains(op.Inputs, id) {
			continue
		}
		if op.Kind != graph.Quantize {
			return nil
		}
		ops = append(ops, op)
		a, b := g.Tensors[ops[0].Outputs[0]], g.Tensors[op.Outputs[0]]
		if a.Type != b.Type || !a.Quant.Equal(b.Quant) || slices.Contains(g.Outputs, op.Outputs[0]) {
			return nil
		}
	}
	return ops
}

// dequantizer returns the DEQUANTIZE that makes a float32 output which nothing else reads.
func dequantizer(g *graph.Graph, id graph.TensorID) (found *graph.Op) {
	for _, op := range g.Ops {
		if slices.Contains(op.Inputs, id) {
			return nil
		}
		if op.Kind == graph.Dequantize && op.Outputs[0] == id {
			found = op
		}
	}
	return found
}

// become gives a float32 tensor the type and scale of an integer one and keeps its name.
func become(g *graph.Graph, id, integer graph.TensorID) string {
	t, q := *g.Tensors[id], g.Tensors[integer]
	t.Type, t.Quant = q.Type, q.Quant
	g.Tensors[id] = &t
	return t.Name
}

func moved(ids, to []graph.TensorID) []graph.TensorID {
	out := slices.Clone(ids)
	for i, id := range out {
		if id != graph.None {
			out[i] = to[id]
		}
	}
	return out
}
