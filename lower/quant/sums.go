// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Sums holds the parameters of ADD_N and CUMSUM, which add up terms of one
// quantization in 20 more bits.
type Sums struct {
	in, out       Multiplier
	zero, zeroOut int32
}

// ForSums computes the parameters of ADD_N and CUMSUM (in float64).
func ForSums(g *graph.Graph, op *graph.Op) (Sums, error) {
	in, _, out, err := operands(g, op, false, false)
	if err == nil && (in.t.Type != graph.Int8 || out.t.Type != graph.Int8) {
		err = fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	s := Sums{in: Multiplier{M: 1 << 30}}
	if err == nil {
		s.zero, s.zeroOut = in.zero, out.zero
		s.out, err = factor(2*float64(in.scale)/(float64(1<<20)*float64(out.scale)), "output multiplier")
	}
	if err != nil {
		return s, at(g, op, err)
	}
	return s, nil
}

// Start is what a sum starts with: the kernels take the negated zero point for a 0.
func (s Sums) Start() int32 { return s.Term(0) }

// Term is what one element adds.
func (s Sums) Term(x int32) int32 { return MBQM((x-s.zero)<<20, s.in) }

// Result is the output of a sum of terms.
func (s Sums) Result(sum int32) int32 { return min(max(MBQM(sum, s.out)+s.zeroOut, -128), 127) }
