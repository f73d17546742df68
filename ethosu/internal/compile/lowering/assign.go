// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { lowerers.Set(lowerAssign, graph.AssignVariable) }

// lowerAssign copies a value to a variable. What reads the variable's old value comes
// before it, since the kernels keep the order of what they read and write.
func lowerAssign(l *lowering, op *graph.Op) error {
	v, err := l.in(op.Inputs[1])
	if err != nil {
		return err
	}
	to, err := l.in(op.Inputs[0])
	if err != nil {
		return err
	}
	return l.copyView("COPY to variable", v, to)
}

// changes reports whether a tensor that is a view of a variable would be read when an
// operator has written the variable, or by the one that writes it.
func (l *lowering) changes(variable *kernel.Buffer, id graph.TensorID) bool {
	last := len(l.g.Ops)
	if !l.output[id] {
		last = -1
		for _, i := range l.consumers[id] {
			last = max(last, i)
		}
	}
	for i := l.cur; i <= last && i < len(l.g.Ops); i++ {
		for pos, in := range l.g.Ops[i].Inputs {
			if in != graph.None && l.g.Tensors[in].Variable && l.views[in].buf == variable && l.g.Ops[i].Writes(pos) {
				return true
			}
		}
	}
	return false
}
