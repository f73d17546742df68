// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	kernels.Set(planL2Norm, graph.L2Normalization)
}

// planL2Norm divides every row by its length.
func planL2Norm(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	zero, err := quant.ForL2Norm(p.g, op)
	if err != nil {
		return nil, err
	}
	_, depth := in.Rows()
	src, dst := op.Inputs[0], op.Outputs[0]
	return func(m *memory) {
		for x, y := m.v[src], m.v[dst]; len(x) > 0; x, y = x[depth:], y[depth:] {
			sum := int32(0)
			for _, b := range x[:depth] {
				d := int32(int8(b)) - zero
				sum += d * d
			}
			r := quant.InverseSqrt(sum)
			r.Exp += 7
			for i, b := range x[:depth] {
				y[i] = byte(min(max(quant.MBQM(int32(int8(b))-zero, r), -128), 127))
			}
		}
	}, nil
}
