// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// A weight may be an output, also one that an operator reads and beside a name of its own:
// it is compared like the others.
func TestWeightIsOutput(t *testing.T) {
	for _, twice := range []bool{false, true} {
		b := newModel(3, "Add", 17)
		b.input("x", 1, 4)
		b.weights("w", 1, 4)
		b.n.Inputs, b.n.Outputs = []string{"x", "w"}, []string{"y"}
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}, {Name: "w", Kind: "tensor"}}
		if twice {
			b.node("Identity", "again", "w")
			b.m.Graph.Outputs = append(b.m.Graph.Outputs, &onnx.Declared{Name: "again", Kind: "tensor"})
		}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := &Network{Format: "ONNX", Graph: r.Graph}
		if err := n.prove(b.m, r); err != nil || n.Inputs == 0 || len(r.Graph.Outputs) != len(b.m.Graph.Outputs) {
			t.Errorf("%d outputs: %v, compared on %d inputs", len(b.m.Graph.Outputs), err, n.Inputs)
		}
	}
}
