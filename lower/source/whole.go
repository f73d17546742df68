// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// wholeTypes are those of inputs that are no real numbers, in the words of ONNX.
var wholeTypes = map[graph.DType]onnx.DataType{
	graph.Int8: onnx.Int8, graph.Uint8: onnx.Uint8, graph.Int16: onnx.Int16, graph.Int32: onnx.Int32, graph.Int64: onnx.Int64, graph.Bool: onnx.Bool,
}

// whole makes inputs of a .tflite that are whole numbers or truth values real ones, where
// nothing but a CAST to those reads them, or constants, where it is known what they have in all
// calls. What is left is no input of a float network.
func (n *Network) whole(g *graph.Graph, known func(in string, typ onnx.DataType, shape []int) ([]float64, error)) error {
	n.declared, n.fixed = map[string]onnx.DataType{}, map[string]int{}
	var inputs []graph.TensorID
	for _, id := range g.Inputs {
		t := g.Tensors[id]
		typ, ok := wholeTypes[t.Type]
		if !ok || t.Quant != nil {
			inputs = append(inputs, id)
			continue
		}
		if castAtOnce(g, id) {
			inputs = append(inputs, id)
			n.declared[t.Name] = typ
			n.Assumed = append(n.Assumed, fmt.Sprintf("input %q is %v in the file, and fed as float32: the model turns it into real numbers before anything else", t.Name, t.Type))
			uncast(g, id)
			continue
		}
		v, err := known(t.Name, typ, t.Shape)
		if err != nil {
			return err
		}
		if v == nil {
			inputs = append(inputs, id)
			continue
		}
		n.declared[t.Name], n.fixed[t.Name] = typ, t.Elems()
		n.Assumed = append(n.Assumed, fmt.Sprintf("input %q is %v and the model computes with it as such: it is fixed at what it is fed with", t.Name, t.Type))
		t.Data = []byte{}
		for _, x := range v {
			if typ == onnx.Bool && x != 0 {
				x = 1
			}
			t.Data = append(t.Data, binary.LittleEndian.AppendUint64(nil, uint64(int64(x)))[:t.Type.Size()]...)
		}
	}
	g.Inputs = inputs
	return nil
}

// castAtOnce reports whether all that reads a tensor turns it into float32.
func castAtOnce(g *graph.Graph, id graph.TensorID) bool {
	casts := 0
	for _, op := range g.Ops {
		if !slices.Contains(op.Inputs, id) {
			continue
		}
		if op.Kind != graph.Cast || g.Tensors[op.Outputs[0]].Type != graph.Float32 || slices.Contains(g.Outputs, op.Outputs[0]) {
			return false
		}
		casts++
	}
	return casts > 0 && !slices.Contains(g.Outputs, id)
}

// uncast makes a tensor float32, and what read its CASTs read it.
func uncast(g *graph.Graph, id graph.TensorID) {
	g.Tensors[id].Type = graph.Float32
	same := map[graph.TensorID]bool{}
	g.Ops = slices.DeleteFunc(g.Ops, func(op *graph.Op) bool {
		cast := op.Kind == graph.Cast && op.Inputs[0] == id
		if cast {
			same[op.Outputs[0]] = true
		}
		return cast
	})
	for _, op := range g.Ops {
		for i, in := range op.Inputs {
			if same[in] {
				op.Inputs[i] = id
			}
		}
	}
}
