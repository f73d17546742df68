// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Operators on truth values and whole numbers, and those of rare use.

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func init() {
	for k, f := range map[graph.Kind]func(a, b float64) bool{
		graph.Less: func(a, b float64) bool { return a < b }, graph.LessEqual: func(a, b float64) bool { return a <= b },
		graph.Greater: func(a, b float64) bool { return a > b }, graph.GreaterEqual: func(a, b float64) bool { return a >= b },
		graph.Equal: func(a, b float64) bool { return a == b }, graph.NotEqual: func(a, b float64) bool { return a != b },
		graph.LogicalAnd: func(a, b float64) bool { return a != 0 && b != 0 }, graph.LogicalOr: func(a, b float64) bool { return a != 0 || b != 0 },
	} {
		register(func(r *run, op *graph.Op) error {
			return r.fill(op, func(i []int) float64 { return number(f(r.at(op.Inputs[0], i), r.at(op.Inputs[1], i))) })
		}, k)
	}
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 { return number(r.at(op.Inputs[0], i) == 0) })
	}, graph.LogicalNot)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 {
			at := i
			if len(r.shape(op.Inputs[0])) == 1 && len(i) > 1 && op.Kind == graph.Select {
				at = i[:1]
			}
			if r.at(op.Inputs[0], at) != 0 {
				return r.at(op.Inputs[1], i)
			}
			return r.at(op.Inputs[2], i)
		})
	}, graph.Select, graph.SelectV2)
	register(func(r *run, op *graph.Op) error {
		to := r.g.Tensors[op.Outputs[0]].Type
		return r.fill(op, func(i []int) float64 {
			switch x := r.at(op.Inputs[0], i); to {
			case graph.Bool:
				return number(x != 0)
			case graph.Float32:
				return x
			default:
				return math.Trunc(x)
			}
		})
	}, graph.Cast)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 { return math.Floor(r.at(op.Inputs[0], i) / r.at(op.Inputs[1], i)) })
	}, graph.FloorDiv)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 {
			a, b := r.at(op.Inputs[0], i), r.at(op.Inputs[1], i)
			m := math.Mod(a, b)
			if m != 0 && (m < 0) != (b < 0) {
				m += b
			}
			return m
		})
	}, graph.FloorMod)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 { return math.Min(math.Max(r.at(op.Inputs[0], i), 0), 1) })
	}, graph.Relu0To1)
	register(func(r *run, op *graph.Op) error {
		a := op.Attr.(graph.LRNAttr)
		c := r.shape(op.Inputs[0])
		n := c[len(c)-1]
		return r.fill(op, func(i []int) float64 {
			at := append([]int(nil), i...)
			last, sum := len(i)-1, 0.0
			for k := i[last] - a.Radius; k <= i[last]+a.Radius; k++ {
				if k >= 0 && k < n {
					at[last] = k
					x := r.at(op.Inputs[0], at)
					sum += float64(x * x)
				}
			}
			return r.at(op.Inputs[0], i) / math.Pow(float64(a.Bias)+float64(float64(a.Alpha)*sum), float64(a.Beta))
		})
	}, graph.LocalResponseNormalization)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func([]int) float64 { return 0 })
	}, graph.ZerosLike)
	register(func(r *run, op *graph.Op) error {
		r.v[op.Outputs[0]] = []float64{float64(len(r.shape(op.Inputs[0])))}
		return nil
	}, graph.Rank)
	register(func(r *run, op *graph.Op) error {
		v := []float64{}
		for _, n := range r.shape(op.Inputs[0]) {
			v = append(v, float64(n))
		}
		r.v[op.Outputs[0]] = v
		return nil
	}, graph.Shape)
	register(func(r *run, op *graph.Op) error {
		first, step := r.v[op.Inputs[0]][0], r.v[op.Inputs[2]][0]
		return r.fill(op, func(i []int) float64 { return first + float64(float64(i[0])*step) })
	}, graph.Range)
	register(func(r *run, op *graph.Op) error {
		axis := op.Attr.(graph.OneHotAttr).Axis
		return r.fill(op, func(i []int) float64 {
			at := axis
			if at < 0 {
				at += len(i)
			}
			rest := append(append([]int(nil), i[:at]...), i[at+1:]...)
			if r.at(op.Inputs[0], rest) == float64(i[at]) {
				return r.v[op.Inputs[2]][0]
			}
			return r.v[op.Inputs[3]][0]
		})
	}, graph.OneHot)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 {
			most := 1.0
			for _, id := range op.Inputs {
				if at := i[0] - r.shape(op.Outputs[0])[0] + len(r.v[id]); at >= 0 {
					most = math.Max(most, r.v[id][at])
				}
			}
			return most
		})
	}, graph.BroadcastArgs)
	register(func(r *run, op *graph.Op) error {
		axis, err := r.g.Axis(op)
		if err != nil {
			return err
		}
		n := r.shape(op.Inputs[0])[axis]
		return r.fill(op, func(i []int) float64 {
			best, place := 0.0, -1
			for k := range n {
				at := append(append(append([]int(nil), i[:axis]...), k), i[axis:]...)
				x := r.at(op.Inputs[0], at)
				if place < 0 || op.Kind == graph.ArgMax && x > best || op.Kind == graph.ArgMin && x < best {
					best, place = x, k
				}
			}
			return float64(place)
		})
	}, graph.ArgMax, graph.ArgMin)
	register(func(r *run, op *graph.Op) error {
		t := r.g.Tensors[op.Inputs[0]]
		if t.Quant == nil || !t.IsConst() {
			r.v[op.Outputs[0]] = r.v[op.Inputs[0]] // was float16
			return nil
		}
		q, inner := t.Quant, 1
		if len(q.Scales) > 1 {
			for _, n := range t.Shape[q.Axis+1:] {
				inner *= n
			}
		}
		v := make([]float64, t.Elems())
		for i := range v {
			k := (i / inner) % len(q.Scales)
			v[i] = float64(q.Scales[k]) * float64(t.Type.Int(t.Data[i*t.Type.Size():])-int64(q.ZeroPoints[k]))
		}
		r.v[op.Outputs[0]] = v
		return nil
	}, graph.Dequantize)
}
