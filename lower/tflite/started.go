// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// started gives a variable its first value, although states start at real 0: what is
// read is state + (first - begun), where begun is a second state that is 0 at the first
// call and the first value from then on. With one quantization for all, both operators
// are exact: one of their operands or results is 0.
func (r *reader) started(v *variable, first *graph.Tensor) error {
	g := r.m.Graph
	in := g.Tensors[v.in]
	if in.Type != graph.Float32 && (in.Type != graph.Int8 && in.Type != graph.Int16 || in.Quant == nil) {
		return fmt.Errorf("is %v and starts with other values than 0, which only quantized int8 and int16 and float32 can; convert the model with initial values of 0", in.Type)
	}
	tensor := func(name string, data []byte) graph.TensorID {
		return g.Add(&graph.Tensor{Name: v.name + "/" + name, Type: in.Type, Shape: in.Shape, Quant: in.Quant, Data: data})
	}
	state, begun, value := tensor("state", nil), tensor("begun", nil), tensor("first", first.Data)
	rest, kept := tensor("missing", nil), tensor("begun_next", nil)
	ops := []*graph.Op{
		{Kind: graph.Sub, Attr: graph.SubAttr{}, Inputs: []graph.TensorID{value, begun}, Outputs: []graph.TensorID{rest}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{state, rest}, Outputs: []graph.TensorID{v.in}},
	}
	// A copy that is computed: begun + (first - begun).
	ops = append(ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{begun, rest}, Outputs: []graph.TensorID{kept}})
	g.Ops = append(ops, g.Ops...)
	r.keep(begun, kept, v.name+"/begun_next")
	in.Name = v.name + "/value"
	v.in = state
	return nil
}
