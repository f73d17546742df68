// SPDX-License-Identifier: Apache-2.0

package reference

import "github.com/unroll-npu/unroll/lower/graph"

func init() { kernels.Set(planAssign, graph.AssignVariable) }

// planAssign copies a value to a variable, where the next call finds it.
func planAssign(_ *plan, op *graph.Op) (step, error) {
	return func(m *memory) { copy(m.v[op.Inputs[0]], m.v[op.Inputs[1]]) }, nil
}
