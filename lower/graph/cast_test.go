// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"strings"
	"testing"
)

// TestCastAgrees: attributes say the tensors' types, or nothing.
func TestCastAgrees(t *testing.T) {
	for _, c := range []struct {
		attr CastAttr
		want string
	}{
		{CastAttr{Int8, Int16}, ""}, {CastAttr{}, ""}, {CastAttr{Int16, Int8}, `attributes say int16 to int8, but "x" is int8 and "y" is int16`}, {CastAttr{Int8, Float32}, "they have to agree"},
	} {
		g := &Graph{Name: "cast"}
		x := g.Add(&Tensor{Name: "x", Type: Int8, Shape: []int{2}, Quant: PerTensor(1, 0)})
		y := g.Add(&Tensor{Name: "y", Type: Int16, Shape: []int{2}, Quant: PerTensor(1, 0)})
		g.Inputs, g.Outputs = []TensorID{x}, []TensorID{y}
		g.Ops = []*Op{{Kind: Cast, Attr: c.attr, Inputs: []TensorID{x}, Outputs: []TensorID{y}}}
		err := g.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, expected %q", c.attr, err, c.want)
		}
	}
}
