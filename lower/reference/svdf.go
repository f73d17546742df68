// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { kernels.Set(planSVDF, graph.SVDF) }

// planSVDF computes SVDF: the state of every filter moves on by one, a product of the
// input with the feature weights enters, and the time weights look at all of it.
func planSVDF(p *plan, op *graph.Op) (step, error) {
	in, features, time, state, out := p.in(op, 0), p.in(op, 1), p.in(op, 2), p.in(op, 4), p.out(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForSVDF(p.g, op)
	if err != nil {
		return nil, err
	}
	for i := 1; i <= 3; i++ {
		if id := op.Inputs[i]; id != graph.None && !p.g.Tensors[id].IsConst() {
			return nil, errComputed(op, i, p.g.Tensors[id].Name)
		}
	}
	rank := op.Attr.(graph.SVDFAttr).Rank
	filters, depth, inputs, units := features.Shape[0], time.Shape[1], in.Shape[1], out.Shape[1]
	get, put, getTime := loader(state.Type), storer(state.Type), loader(time.Type)
	size := state.Type.Size()
	return func(m *memory) {
		x, s, y := m.v[op.Inputs[0]], m.v[op.Inputs[4]], m.v[op.Outputs[0]]
		copy(s, s[size:])
		for b := range in.Shape[0] {
			for f := range filters {
				sum := int32(0)
				for i := range inputs {
					sum += int32(int8(features.Data[f*inputs+i])) * (int32(int8(x[b*inputs+i])) - q.In)
				}
				sum = min(max(quant.MBQM(sum, q.State), q.StateLo), q.StateHi)
				put(s, (b*filters+f)*depth+depth-1, sum+q.StateZero)
			}
			for u := range units {
				sum := int32(0)
				if op.Inputs[3] != graph.None {
					sum = int32(binary.LittleEndian.Uint32(p.in(op, 3).Data[4*u:]))
				}
				for f := u * rank; f < (u+1)*rank; f++ {
					for k := range depth {
						sum += getTime(time.Data, f*depth+k) * (get(s, (b*filters+f)*depth+k) - q.StateZero)
					}
				}
				y[b*units+u] = byte(min(max(quant.MBQM(sum, q.Out)+q.Zero, -128), 127))
			}
		}
	}, nil
}
