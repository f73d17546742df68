// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Operators that put elements to places that a tensor of whole numbers names.

func init() {
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 {
			n := len(r.shape(op.Inputs[0]))
			row := int(r.at(op.Inputs[0], i[:n]))
			return r.at(op.Inputs[1], append([]int{row}, i[n:]...))
		})
	}, graph.EmbeddingLookup)
	register(func(r *run, op *graph.Op) error {
		s := r.shape(op.Inputs[1])
		front, depth := len(s)-1, s[len(s)-1]
		return r.fill(op, func(i []int) float64 {
			var src []int
			for d := range depth {
				src = append(src, int(r.at(op.Inputs[1], append(slices.Clone(i[:front]), d))))
			}
			return r.at(op.Inputs[0], append(src, i[front:]...))
		})
	}, graph.GatherND)
	register(func(r *run, op *graph.Op) error {
		out, s := r.shape(op.Outputs[0]), r.shape(op.Inputs[0])
		depth := s[len(s)-1]
		sums := map[string]float64{}
		filled(r.shape(op.Inputs[1]), func(i []int) float64 {
			var place []int
			for d := range depth {
				place = append(place, int(r.at(op.Inputs[0], append(slices.Clone(i[:len(s)-1]), d))))
			}
			sums[fmt.Sprint(append(place, i[len(s)-1:]...))] += r.at(op.Inputs[1], i)
			return 0
		})
		r.v[op.Outputs[0]] = filled(out, func(i []int) float64 { return sums[fmt.Sprint(i)] })
		return nil
	}, graph.ScatterND)
	register(func(r *run, op *graph.Op) error {
		out := r.shape(op.Outputs[0])
		v := map[string]float64{}
		places, depth := r.v[op.Inputs[0]], len(out)
		given := r.v[op.Inputs[2]]
		for k := 0; k*depth < len(places); k++ {
			var at []int
			for d := range depth {
				at = append(at, int(places[k*depth+d]))
			}
			v[fmt.Sprint(at)] = given[k%len(given)]
		}
		return r.fill(op, func(i []int) float64 {
			if x, ok := v[fmt.Sprint(i)]; ok {
				return x
			}
			return r.v[op.Inputs[3]][0]
		})
	}, graph.SparseToDense)
	register(func(r *run, op *graph.Op) error {
		s, part := r.shape(op.Inputs[0]), r.shape(op.Inputs[1])
		return r.fill(op, func(i []int) float64 {
			at := make([]int, len(i))
			for d := range i {
				start := max(0, min(int(r.v[op.Inputs[2]][d]), s[d]-part[d]))
				if at[d] = i[d] - start; at[d] < 0 || at[d] >= part[d] {
					return r.at(op.Inputs[0], i)
				}
			}
			return r.at(op.Inputs[1], at)
		})
	}, graph.DynamicUpdateSlice)
	register(func(r *run, op *graph.Op) error {
		a := op.Attr.(graph.ReverseSequenceAttr)
		rank := len(r.shape(op.Inputs[0]))
		dim, batch := (a.Dim+rank)%rank, (a.BatchDim+rank)%rank
		return from(r, op, func(i []int) []int {
			src := slices.Clone(i)
			if n := int(r.v[op.Inputs[1]][i[batch]]); i[dim] < n {
				src[dim] = n - 1 - i[dim]
			}
			return src
		})
	}, graph.ReverseSequence)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func(i []int) float64 {
			n := len(i)
			diagonal := i[n-1] == i[n-2]
			switch {
			case diagonal && op.Kind == graph.MatrixDiag:
				return r.at(op.Inputs[0], i[:n-1])
			case diagonal:
				return r.at(op.Inputs[1], i[:n-1])
			case op.Kind == graph.MatrixSetDiag:
				return r.at(op.Inputs[0], i)
			}
			return 0
		})
	}, graph.MatrixDiag, graph.MatrixSetDiag)
}
