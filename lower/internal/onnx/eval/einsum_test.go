// SPDX-License-Identifier: Apache-2.0

package eval_test

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/onnx/eval"
)

// Equations that are none are errors, not faults.
func TestEinsumRefused(t *testing.T) {
	for _, equation := range []string{"…i->i", "iiii->jj", "iiij->ii", "i->ii", "éé->"} {
		m := &onnx.Model{File: "m.onnx", Opset: 17, Graph: &onnx.Graph{
			Weights: map[string]*onnx.Tensor{},
			Inputs:  []*onnx.Declared{{Name: "x", Kind: "tensor", Type: onnx.Float}},
			Outputs: []*onnx.Declared{{Name: "y", Kind: "tensor", Type: onnx.Float}},
			Nodes:   []*onnx.Node{{Op: "Einsum", Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: map[string]*onnx.Attr{"equation": {String: equation}}}},
		}}
		x := &eval.Array{Type: onnx.Float, Shape: []int{1, 1, 1, 1}, Data: []float64{1}}
		if out, err := eval.New(m).Run(map[string]*eval.Array{"x": x}); err == nil {
			t.Errorf("%s gives %v, expected an error", equation, out[0].Shape)
		}
	}
}
