// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Sums holds the parameters of ADD_N and CUMSUM, which add up terms of one
// quantization in 20 more bits.
type Sums struct {
	In, Out       Multiplier // of terms and of their sum
	Zero, ZeroOut int32
}

// ForSums computes the parameters of ADD_N and CUMSUM (in float64).
func ForSums(g *graph.Graph, op *graph.Op) (Sums, error) {
	in, _, out, err := operands(g, op, false, false)
	if err == nil && (in.t.Type != graph.Int8 || out.t.Type != graph.Int8) {
		err = fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	s := Sums{In: Multiplier{M: 1 << 30}}
	if err == nil {
		s.Zero, s.ZeroOut = in.zero, out.zero
		s.Out, err = factor(2*float64(in.scale)/(float64(1<<20)*float64(out.scale)), "output multiplier")
	}
	if err != nil {
		return s, at(g, op, err)
	}
	return s, nil
}

// Start is what a sum starts with: the kernels take the negated zero point for a 0.
func (s Sums) Start() int32 { return s.Term(0) }

// Term is what one element adds.
func (s Sums) Term(x int32) int32 { return MBQM((x-s.Zero)<<20, s.In) }

// Result is the output of a sum of terms.
func (s Sums) Result(sum int32) int32 { return min(max(MBQM(sum, s.Out)+s.ZeroOut, -128), 127) }
