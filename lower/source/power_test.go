// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// TestOtherPowers has exponents without an operator.
func TestOtherPowers(t *testing.T) {
	for _, e := range []float32{0, 1, 0.7, 1.0 / 3, 2.5, 5, -1.5, -3} {
		b := empty(3, 2, 7)
		b.number("e", e)
		b.number("some", 0.5)
		b.node("Abs", "a", "x")
		b.node("Add", "p", "a", "some")
		b.node("Pow", "y", "p", "e")
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if err := b.prove(t); err != nil {
			t.Errorf("%v: %v", e, err)
		}
	}
}

// TestPowers writes the exponents that have operators of their own with these.
func TestPowers(t *testing.T) {
	for _, e := range []float32{4, 3, 2, 1.5, 0.5, 0.25, -0.5, -1, -2} {
		b := empty(3, 2, 7)
		b.number("e", e)
		b.number("some", 0.5)
		b.node("Abs", "a", "x")
		b.node("Add", "p", "a", "some")
		b.node("Pow", "y", "p", "e")
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		b.m.File = fmt.Sprintf("power %v", e)
		if err := b.prove(t); err != nil {
			t.Errorf("%v: %v", e, err)
			continue
		}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range r.Graph.Ops {
			if op.Kind == graph.Pow {
				t.Errorf("%v: is written as POW", e)
			}
		}
	}
}
