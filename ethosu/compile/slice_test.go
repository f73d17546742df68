// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestSliceMasks compiles slices with every mask, which the random graphs do not draw.
func TestSliceMasks(t *testing.T) {
	r := rand.New(rand.NewPCG(95, 96))
	for n := range 40 {
		x := &randomGraph{Rand: r, g: &graph.Graph{Name: "slice"}, used: map[graph.TensorID]bool{}, scale: []float32{0.1, 0.05, 0.02}}
		shape := []int{1, 1 + r.IntN(5), 1 + r.IntN(5), 1 + r.IntN(20)}
		in := x.add(x.tensor(graph.Int8, shape))
		x.g.Inputs = append(x.g.Inputs, in)
		var begin, end, step, out []int
		var a graph.StridedSliceAttr
		for i, d := range shape {
			b := r.IntN(d)
			e := b + 1 + r.IntN(d-b)
			s := 1 + r.IntN(2)
			from, to := b, e
			switch r.IntN(4) {
			case 0:
				a.BeginMask, from = a.BeginMask|1<<i, 0
			case 1:
				a.EndMask, to = a.EndMask|1<<i, d
			case 2:
				a.ShrinkAxisMask, s, to = a.ShrinkAxisMask|1<<i, 1, b+1
			}
			if a.ShrinkAxisMask>>i&1 == 0 {
				out = append(out, (to-from+s-1)/s)
			}
			begin, end, step = append(begin, b), append(end, e), append(step, s)
		}
		if len(out) == 0 {
			continue
		}
		like := *x.g.Tensors[in]
		x.emit(graph.StridedSlice, a, []graph.TensorID{in, x.ints(begin...), x.ints(end...), x.ints(step...)},
			&graph.Tensor{Name: "part", Type: like.Type, Shape: out, Quant: like.Quant})
		part := x.g.Ops[0].Outputs[0]
		x.emit(graph.Relu, nil, []graph.TensorID{part}, &graph.Tensor{Name: "out", Type: like.Type, Shape: out, Quant: like.Quant})
		x.g.Outputs = []graph.TensorID{x.g.Ops[1].Outputs[0]}
		if err := agree(t, x.g, configs[n%len(configs)].options(t), uint64(n)); err != nil {
			t.Errorf("%v\n%s", err, listing(x.g))
		}
	}
}
