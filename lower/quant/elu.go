// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// elu is the int8 ELU: a table that the kernel fills in float32.
func elu(g *graph.Graph, op *graph.Op) (Element, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return nil, fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	inverse := float32(1 / out.scale)
	return func(x int32) int32 {
		v := float32(in.scale * float32(x-in.zero))
		if v < 0 {
			v = float32(math.Expm1(float64(v)))
		}
		q := float32(math.Round(float64(float32(v * inverse))))
		return int32(min(max(float32(q+float32(out.zero)), -128), 127))
	}, nil
}
