// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// SVDF holds the parameters of the int8 SVDF. Feature sums, scaled by State, enter the
// state; products of state and time weights, added up over memory and rank with the
// bias, are scaled by Out:
//
//	s = clamp to the state's type(MBQM(sum of w * (x - In), State)) + StateZero, modulo the type
//	y = clamp(MBQM(bias + sum of t * (s - StateZero), Out) + Zero, -128, 127)
type SVDF struct {
	State, Out          Multiplier
	In, StateZero, Zero int32
	StateLo, StateHi    int32
}

// ForSVDF computes the parameters of SVDF (in float32). A fused activation has no
// effect on int8 values.
func ForSVDF(g *graph.Graph, op *graph.Op) (SVDF, error) {
	p, err := forSVDF(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forSVDF(g *graph.Graph, op *graph.Op) (SVDF, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return SVDF{}, err
	}
	if in.t.Type != graph.Int8 || out.t.Type != graph.Int8 {
		return SVDF{}, fmt.Errorf("input is %v and output %v, expected int8, which is all that the kernel has", in.t.Type, out.t.Type)
	}
	weights, time, state := g.Tensors[op.Inputs[1]], g.Tensors[op.Inputs[2]], g.Tensors[op.Inputs[4]]
	for _, t := range []*graph.Tensor{weights, time} {
		if t.ZeroPoint() != 0 {
			return SVDF{}, fmt.Errorf("weights %q have zero point %d, expected 0; quantize weights symmetrically", t.Name, t.ZeroPoint())
		}
	}
	p := SVDF{In: in.zero, StateZero: state.ZeroPoint(), Zero: out.zero}
	if p.StateLo, p.StateHi, err = Range(state.Type); err != nil {
		return p, err
	}
	if p.State, err = factor(float64(float32(float32(in.scale*weights.Scale())/state.Scale())), "multiplier of the features"); err != nil {
		return p, err
	}
	p.Out, err = factor(float64(float32(float32(state.Scale()*time.Scale())/out.scale)), "output multiplier")
	return p, err
}
