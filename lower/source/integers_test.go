// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// An input of whole numbers that picks rows of a table says where to cut the model.
func TestTokens(t *testing.T) {
	for _, through := range []string{"", "Cast", "Unsqueeze"} {
		b := newModel(3, "Gather", 12)
		b.input("tokens", 1, 4)
		b.m.Graph.Inputs[0].Type = onnx.Int64
		b.weights("rows", 9, 3)
		b.n.Name, b.n.Inputs, b.n.Outputs = "embedding", []string{"rows", "tokens"}, []string{"y"}
		if through != "" {
			b.n.Inputs[1] = "same"
			b.m.Graph.Nodes = append([]*onnx.Node{{Op: through, Inputs: []string{"tokens"}, Outputs: []string{"same"}, Attrs: map[string]*onnx.Attr{}}}, b.m.Graph.Nodes...)
		}
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "It picks rows of a table (Gather \"embedding\")") {
			t.Errorf("through %q: error %v", through, err)
		}
	}
}
