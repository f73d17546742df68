// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math/bits"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Reduce holds the parameters of MEAN and SUM over N elements:
// y = clamp(MBQM(sum of x - N*In, Mult) + Out, Lo, Hi).
type Reduce struct {
	Mult    Multiplier
	N       int
	In, Out int32 // zero points
	Lo, Hi  int32
}

// ForReduce computes the parameters of MEAN and SUM. The mean's multiplier is that of
// the sum, divided by N with its fraction cut off: not the nearest to the quotient.
func ForReduce(g *graph.Graph, op *graph.Op) (Reduce, error) {
	p, err := forReduce(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forReduce(g *graph.Graph, op *graph.Op) (Reduce, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return Reduce{}, err
	}
	reduced, err := g.Reduced(op)
	if err != nil {
		return Reduce{}, err
	}
	p := Reduce{N: 1, In: in.zero, Out: out.zero}
	for d, n := range in.t.Shape {
		if reduced[d] {
			p.N *= n
		}
	}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	if most := int64(1<<31) / max(int64(p.Hi)-int64(p.Lo), 1); int64(p.N) > most {
		return p, fmt.Errorf("adds up %d elements, expected at most %d, so that the sum fits 32 bits", p.N, most)
	}
	if p.Mult, err = factor(float64(in.scale)/float64(out.scale), "output multiplier"); err != nil {
		return p, err
	}
	if op.Kind == graph.Mean {
		shift := min(63-bits.LeadingZeros64(uint64(p.N)), 32, 31+p.Mult.Exp)
		p.Mult.M = int32(int64(p.Mult.M) << shift / int64(p.N))
		p.Mult.Exp -= shift
	}
	return p, nil
}
