// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"reflect"
)

// CheckOp checks one operator whose tensor ids are in range.
func (g *Graph) CheckOp(op *Op) error {
	want, err := g.InferShapes(op)
	if err != nil || want == nil {
		return err
	}
	for i, id := range op.Outputs {
		if got := g.Tensors[id].Shape; !equalShape(got, want[i]) {
			return fmt.Errorf("output %d %q has shape %v, expected %v", i, g.Tensors[id].Name, got, want[i])
		}
	}
	return nil
}

// InferShapes checks the operator's inputs, types and quantization and returns
// the shapes that its outputs must have; nil for CUSTOM, whose are its own.
// The outputs' present shapes matter only where they decide: RESHAPE, the
// extents of SPLIT_V and the leading dimensions of FULLY_CONNECTED.
func (g *Graph) InferShapes(op *Op) ([][]int, error) {
	d := descriptors[op.Kind]
	if d == nil {
		return nil, fmt.Errorf("operator kind %v is not supported", op.Kind)
	}
	if reflect.TypeOf(op.Attr) != reflect.TypeOf(d.Attr) {
		return nil, fmt.Errorf("attributes are %T, expected %T", op.Attr, d.Attr)
	}
	if n := len(op.Inputs); n < d.Inputs.Min || n > d.Inputs.Max {
		return nil, fmt.Errorf("has %d inputs, expected %v", n, d.Inputs)
	}
	if n := len(op.Outputs); n < d.Outputs.Min || n > d.Outputs.Max {
		return nil, fmt.Errorf("has %d outputs, expected %v", n, d.Outputs)
	}
	for pos, id := range op.Inputs {
		if id == None && (d.Optional == nil || !d.Optional(pos)) {
			return nil, fmt.Errorf("input %d is absent, expected a tensor", pos)
		}
	}
	if d.Class >= Structural {
		return nil, fmt.Errorf("%v belongs to files alone; reading one removes it", op.Kind)
	}
	if d.Shapes == nil {
		return nil, nil
	}
	if err := d.Types(g, op); err != nil {
		return nil, err
	}
	return d.Shapes(g, op)
}
