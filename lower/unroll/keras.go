// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// kerasInput cuts the input [1,T,F] into T rows [1,F] as the converter does.
func (b *builder) kerasInput(in graph.TensorID, steps, features int) []graph.TensorID {
	if steps > 1 {
		in = b.reshape("input_rows", in, steps, 1, features)
	}
	out := make([]graph.TensorID, steps)
	for t := range out {
		out[t] = b.value(fmt.Sprintf("input/t%02d", t), "input", 1, features)
	}
	b.op(graph.Unpack, graph.UnpackAttr{Axis: 0, Num: steps}, out, in)
	return out
}
