// SPDX-License-Identifier: Apache-2.0

package ethosu

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// CPUOp is an operator that the CPU computes, between streams, because the NPU cannot.
type CPUOp struct {
	// Graph is the operator alone, with its constants.
	Graph *graph.Graph

	// Inputs and Outputs are where the values of Graph.Inputs and Graph.Outputs lie.
	Inputs, Outputs []Binding

	// Why says why the NPU does not do it; empty where the file does not tell.
	Why string
}

// Kind is the operator's.
func (o *CPUOp) Kind() graph.Kind { return o.Graph.Ops[0].Kind }

// Output names what it computes, its first output.
func (o *CPUOp) Output() string { return o.Outputs[0].Name }

// CPUOps returns the operators that the CPU computes in one call, in order.
func (p *Program) CPUOps() []*CPUOp {
	var list []*CPUOp
	for i := range p.Stages {
		if o := p.Stages[i].CPU; o != nil {
			list = append(list, o)
		}
	}
	return list
}

// check reports what is wrong with the description of the operator, or with where its
// values lie.
func (o *CPUOp) check(p *Program) error {
	if o.Graph == nil || len(o.Graph.Ops) != 1 || len(o.Graph.Outputs) == 0 {
		return fmt.Errorf("expected a graph of one operator with outputs")
	}
	for _, side := range []struct {
		what string
		ids  []graph.TensorID
		list []Binding
	}{{"input", o.Graph.Inputs, o.Inputs}, {"output", o.Graph.Outputs, o.Outputs}} {
		if len(side.ids) != len(side.list) {
			return fmt.Errorf("%v has %d %ss and places for %d", o.Kind(), len(side.ids), side.what, len(side.list))
		}
		for i := range side.list {
			b := &side.list[i]
			if t := o.Graph.Tensors[side.ids[i]]; t.Bytes() != b.Size || t.Type != b.Type || b.Region != RegionArena || b.Rows > 0 {
				return fmt.Errorf("%s %q of %v is %d bytes of %v in region %d, expected the %d bytes of %v in region %d",
					side.what, b.Name, o.Kind(), b.Size, b.Type, b.Region, t.Bytes(), t.Type, RegionArena)
			}
			if err := p.checkRows(b); err != nil {
				return err
			}
		}
	}
	for i := range o.Outputs {
		out := &o.Outputs[i]
		for _, list := range [][]Binding{o.Inputs, o.Outputs[:i]} {
			for k := range list {
				if in := &list[k]; in.Offset < out.Offset+out.Size && out.Offset < in.Offset+in.Size {
					return fmt.Errorf("output %q of %v lies over %q", out.Name, o.Kind(), in.Name)
				}
			}
		}
	}
	return nil
}
