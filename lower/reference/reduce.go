// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	kernels.Set(planReduce, graph.Mean, graph.Sum)
	kernels.Set(planExtreme, graph.ReduceMax, graph.ReduceMin)
	kernels.Set(planArg, graph.ArgMax, graph.ArgMin)
}

// groups returns for every output element of a reduction the place of its first input
// element, and the distances of all its elements from that.
func groups(shape []int, reduced []bool) (first, offsets []int) {
	first, offsets = []int{0}, []int{0}
	spread := func(list []int, n, step int) []int {
		var out []int
		for _, at := range list {
			for i := range n {
				out = append(out, at+i*step)
			}
		}
		return out
	}
	for d, step := range graph.Strides(shape) {
		if reduced[d] {
			offsets = spread(offsets, shape[d], step)
		} else {
			first = spread(first, shape[d], step)
		}
	}
	return first, offsets
}

// planReduce computes MEAN and SUM.
func planReduce(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	q, err := quant.ForReduce(p.g, op)
	if err != nil {
		return nil, err
	}
	reduced, err := p.g.Reduced(op)
	if err != nil {
		return nil, err
	}
	first, offsets := groups(in.Shape, reduced)
	src, dst := op.Inputs[0], op.Outputs[0]
	get, put := loader(in.Type), storer(p.out(op, 0).Type)
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for o, at := range first {
			sum := int32(0)
			for _, off := range offsets {
				sum += get(x, at+off)
			}
			put(y, o, min(max(quant.MBQM(sum-int32(q.N)*q.In, q.Mult)+q.Out, q.Lo), q.Hi))
		}
	}, nil
}

// planExtreme computes REDUCE_MAX and REDUCE_MIN of raw values.
func planExtreme(p *plan, op *graph.Op) (step, error) {
	in := p.in(op, 0)
	if in.Type != graph.Int8 && in.Type != graph.Int16 {
		return nil, floatError(p, op)
	}
	reduced, err := p.g.Reduced(op)
	if err != nil {
		return nil, err
	}
	first, offsets := groups(in.Shape, reduced)
	src, dst := op.Inputs[0], op.Outputs[0]
	get, put, most := loader(in.Type), storer(in.Type), op.Kind == graph.ReduceMax
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for o, at := range first {
			best := get(x, at)
			for _, off := range offsets {
				if v := get(x, at+off); most && v > best || !most && v < best {
					best = v
				}
			}
			put(y, o, best)
		}
	}, nil
}

// planArg computes ARG_MAX and ARG_MIN: the first of several equal ones.
func planArg(p *plan, op *graph.Op) (step, error) {
	in, out := p.in(op, 0), p.out(op, 0)
	if in.Type == graph.Float32 {
		return nil, floatError(p, op)
	}
	axis, err := p.g.Axis(op)
	if err != nil {
		return nil, err
	}
	along := make([]bool, len(in.Shape))
	along[axis] = true
	first, offsets := groups(in.Shape, along)
	src, dst := op.Inputs[0], op.Outputs[0]
	get, most := loader(in.Type), op.Kind == graph.ArgMax
	return func(m *memory) {
		x, y := m.v[src], m.v[dst]
		for o, at := range first {
			best, index := get(x, at), 0
			for i, off := range offsets {
				if v := get(x, at+off); most && v > best || !most && v < best {
					best, index = v, i
				}
			}
			if out.Type == graph.Int64 {
				binary.LittleEndian.PutUint64(y[8*o:], uint64(index))
			} else {
				binary.LittleEndian.PutUint32(y[4*o:], uint32(index))
			}
		}
	}, nil
}
