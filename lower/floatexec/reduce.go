// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	planners.Set((*Exec).planReduce, graph.Mean, graph.Sum, graph.ReduceMax, graph.ReduceMin)
	planners.Set((*Exec).planLogSoftmax, graph.LogSoftmax)
	planners.Set((*Exec).planL2, graph.L2Normalization)
	planners.Set((*Exec).planAddN, graph.AddN)
	planners.Set((*Exec).planCumsum, graph.Cumsum)
}

// planReduce runs along dimensions; sums are kept in float64.
func (e *Exec) planReduce(op *graph.Op) (kernel, error) {
	over, err := e.g.Reduced(op)
	if err != nil {
		return nil, err
	}
	in, out := op.Inputs[0], op.Outputs[0]
	shape := e.shape(in)
	kept, count := make([]int, len(shape)), 1
	for d, n := range shape {
		if kept[d] = n; over[d] {
			kept[d] = 1
			count *= n
		}
	}
	to, err := spread(kept, shape)
	if err != nil {
		return nil, err
	}
	n := graph.Elems(kept)
	start := map[graph.Kind]float64{graph.ReduceMax: math.Inf(-1), graph.ReduceMin: math.Inf(1)}[op.Kind]
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		sums := make([]float64, n)
		for b := range batch {
			for i := range sums {
				sums[i] = start
			}
			for i, v := range x.Row(b) {
				at := i
				if to != nil {
					at = to[i]
				}
				switch op.Kind {
				case graph.ReduceMax:
					sums[at] = max(sums[at], float64(v))
				case graph.ReduceMin:
					sums[at] = min(sums[at], float64(v))
				default:
					sums[at] += float64(v)
				}
			}
			for i := range sums {
				if op.Kind == graph.Mean {
					sums[i] /= float64(count)
				}
				y.Row(b)[i] = float32(sums[i])
			}
		}
		return nil
	}, nil
}

// alongLast applies f to every run of the last dimension.
func (e *Exec) alongLast(op *graph.Op, f func(y, x []float32)) (kernel, error) {
	in, out := op.Inputs[0], op.Outputs[0]
	k := 1
	if shape := e.shape(in); len(shape) > 0 {
		k = max(shape[len(shape)-1], 1)
	}
	return func(r *Runner, batch int) error {
		x, y := r.views[in], r.alloc(out, batch)
		for b := range batch {
			from, to := x.Row(b), y.Row(b)
			for o := 0; o < len(from); o += k {
				f(to[o:o+k], from[o:o+k])
			}
		}
		return nil
	}, nil
}

func (e *Exec) planLogSoftmax(op *graph.Op) (kernel, error) {
	return e.alongLast(op, func(y, x []float32) {
		top, sum := x[0], 0.0
		for _, v := range x {
			top = max(top, v)
		}
		for _, v := range x {
			sum += math.Exp(float64(v - top))
		}
		for i, v := range x {
			y[i] = float32(float64(v-top) - math.Log(sum))
		}
	})
}

func (e *Exec) planL2(op *graph.Op) (kernel, error) {
	return e.alongLast(op, func(y, x []float32) {
		sum := 0.0
		for _, v := range x {
			sum += float64(float64(v) * float64(v))
		}
		norm := float32(math.Sqrt(max(sum, 1e-12)))
		for i, v := range x {
			y[i] = v / norm
		}
	})
}

func (e *Exec) planAddN(op *graph.Op) (kernel, error) {
	return func(r *Runner, batch int) error {
		y := r.alloc(op.Outputs[0], batch)
		for b := range batch {
			to := y.Row(b)
			copy(to, r.views[op.Inputs[0]].Row(b))
			for _, id := range op.Inputs[1:] {
				for i, v := range r.views[id].Row(b)[:len(to)] {
					to[i] += v
				}
			}
		}
		return nil
	}, nil
}

// planCumsum adds along one dimension, from its end with Reverse.
func (e *Exec) planCumsum(op *graph.Op) (kernel, error) {
	attr := op.Attr.(graph.CumsumAttr)
	axis, err := e.g.Axis(op)
	if err != nil {
		return nil, err
	}
	shape := e.shape(op.Inputs[0])
	n, inner := shape[axis], graph.Elems(shape[axis+1:])
	return func(r *Runner, batch int) error {
		x, y := r.views[op.Inputs[0]], r.alloc(op.Outputs[0], batch)
		for b := range batch {
			from, to := x.Row(b), y.Row(b)
			for outer := range graph.Elems(shape[:axis]) {
				for i := range inner {
					sum := 0.0
					for k := range n {
						if attr.Reverse {
							k = n - 1 - k
						}
						at := (outer*n+k)*inner + i
						if attr.Exclusive {
							to[at] = float32(sum)
						}
						if sum += float64(from[at]); !attr.Exclusive {
							to[at] = float32(sum)
						}
					}
				}
			}
		}
		return nil
	}, nil
}
