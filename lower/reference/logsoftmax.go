// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { kernels.Set(planLogSoftmax, graph.LogSoftmax) }

// planLogSoftmax takes the logarithm of the softmax of every row.
func planLogSoftmax(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForLogSoftmax8(p.g, op)
	if err != nil {
		return nil, err
	}
	_, depth := in.Rows()
	src, dst := op.Inputs[0], op.Outputs[0]
	return func(m *memory) {
		for x, y := m.v[src], m.v[dst]; len(x) > 0; x, y = x[depth:], y[depth:] {
			most, sum := int8(-128), int32(0)
			for _, b := range x[:depth] {
				most = max(most, int8(b))
			}
			for _, b := range x[:depth] {
				sum += q.Exp[int32(int8(b))-int32(most)+255]
			}
			log := quant.FixedLog(sum)
			least := max(q.DiffMin-1, quant.MBQM(log+math.MinInt32, q.Reverse))
			for i, b := range x[:depth] {
				d := int32(int8(b)) - int32(most)
				v := int32(-128)
				if d > least {
					v = min(max(quant.RDBPOT(q.Diff[d+255]-log, 22)+127, -128), 127)
				}
				y[i] = byte(v)
			}
		}
	}, nil
}
