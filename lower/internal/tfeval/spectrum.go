// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	register(func(r *run, op *graph.Op) error {
		in, out := r.shape(op.Inputs[0]), r.shape(op.Outputs[0])
		size, err := r.ints(op, 1)
		if err != nil || len(size) != 2 || size[0] != 1 {
			return fmt.Errorf("lengths are %v, expected 1 and another: %v", size, err)
		}
		if err := r.spend(graph.Elems(out), size[1]); err != nil {
			return err
		}
		part := func(of func(angle float64) float64) []float64 {
			return filled(out, func(i []int) float64 {
				src, sum := append([]int(nil), i...), 0.0
				for t := range min(in[len(in)-1], size[1]) {
					src[len(src)-1] = t
					sum += float64(r.at(op.Inputs[0], src) * of(2*math.Pi*float64(i[len(i)-1])*float64(t)/float64(size[1])))
				}
				return sum
			})
		}
		r.v[op.Outputs[0]] = part(math.Cos)
		r.imaginary[op.Outputs[0]] = part(func(a float64) float64 { return -math.Sin(a) })
		return nil
	}, graph.RFFT2D)
	register(func(r *run, op *graph.Op) error {
		re, im := r.v[op.Inputs[0]], r.imaginary[op.Inputs[0]]
		if len(im) != len(re) {
			return fmt.Errorf("the input is not complex")
		}
		out := make([]float64, len(re))
		for i := range out {
			switch op.Kind {
			case graph.RealPart:
				out[i] = re[i]
			case graph.Imag:
				out[i] = im[i]
			default:
				out[i] = math.Hypot(re[i], im[i])
			}
		}
		r.v[op.Outputs[0]] = out
		return nil
	}, graph.RealPart, graph.Imag, graph.ComplexAbs)
}
