// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// ForL2Norm returns the input's zero point of an int8 L2_NORMALIZATION, whose output has
// scale 1/128 and zero point 0:
//
//	y = clamp(MBQM(x - In, r * 2^7), -128, 127), r = InverseSqrt(sum of (x - In)^2)
func ForL2Norm(g *graph.Graph, op *graph.Op) (zero int32, err error) {
	in, _, out, err := operands(g, op, false, false)
	if err == nil && (in.t.Type != graph.Int8 || out.t.Type != graph.Int8) {
		err = fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	if err == nil {
		err = fixedOutput(out, 1.0/128, 0)
	}
	if n := in.t; err == nil && len(n.Shape) > 0 && n.Shape[len(n.Shape)-1] > 1<<15 {
		err = fmt.Errorf("normalizes %d elements, expected at most %d, so that the sum fits 32 bits", n.Shape[len(n.Shape)-1], 1<<15)
	}
	if err != nil {
		return 0, at(g, op, err)
	}
	return in.zero, nil
}
