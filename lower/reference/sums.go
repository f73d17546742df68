// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	kernels.Set(planAddN, graph.AddN)
	kernels.Set(planCumsum, graph.Cumsum)
}

// planAddN adds all inputs, which have one quantization.
func planAddN(p *plan, op *graph.Op) (step, error) {
	out := p.out(op, 0)
	if out.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForSums(p.g, op)
	if err != nil {
		return nil, err
	}
	get, put := loader(out.Type), storer(out.Type)
	dst := op.Outputs[0]
	return func(m *memory) {
		for i := range out.Elems() {
			sum := q.Start()
			for _, id := range op.Inputs {
				sum += q.Term(get(m.v[id], i))
			}
			put(m.v[dst], i, q.Result(sum))
		}
	}, nil
}

// planCumsum adds up along an axis.
func planCumsum(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForSums(p.g, op)
	if err != nil {
		return nil, err
	}
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	a := op.Attr.(graph.CumsumAttr)
	along := make([]bool, len(in.Shape))
	along[axis] = true
	first, offsets := groups(in.Shape, along)
	get, put := loader(in.Type), storer(in.Type)
	src, dst := op.Inputs[0], op.Outputs[0]
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for _, at := range first {
			sum := q.Start()
			for i := range offsets {
				if a.Reverse {
					i = len(offsets) - 1 - i
				}
				k := at + offsets[i]
				before := sum
				sum += q.Term(get(x, k))
				if a.Exclusive {
					put(y, k, q.Result(before))
				} else {
					put(y, k, q.Result(sum))
				}
			}
		}
	}, nil
}
