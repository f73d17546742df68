// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// maskBits is how many entries the masks of a slice have a bit for.
const maskBits = 31

// writtenOut writes every STRIDED_SLICE whose parameters stand for several dimensions (an
// ellipsis) or for new ones out for each dimension of its input, with a RESHAPE behind it
// where there are new ones.
func writtenOut(g *graph.Graph) error {
	var ops []*graph.Op
	for i, op := range g.Ops {
		a, ok := op.Attr.(graph.StridedSliceAttr)
		if !ok || a.EllipsisMask == 0 && a.NewAxisMask == 0 || len(op.Inputs) != 4 || len(op.Outputs) != 1 || slices.ContainsFunc(op.Inputs, func(id graph.TensorID) bool { return id == graph.None }) || op.Outputs[0] == graph.None ||
			slices.ContainsFunc(op.Inputs[1:], func(id graph.TensorID) bool { return !g.Tensors[id].IsConst() }) {
			ops = append(ops, op)
			continue
		}
		next, err := everyDimension(g, op, a)
		if err != nil {
			return fmt.Errorf("operator %d (%v, output %q): %w", i, op.Kind, g.Tensors[op.Outputs[0]].Name, err)
		}
		ops = append(ops, next...)
	}
	g.Ops = ops
	return nil
}

func everyDimension(g *graph.Graph, op *graph.Op, a graph.StridedSliceAttr) ([]*graph.Op, error) {
	rank := len(g.Tensors[op.Inputs[0]].Shape)
	var p [3][]int
	for i := range p {
		v, err := g.Tensors[op.Inputs[1+i]].Ints()
		if err != nil {
			return nil, err
		}
		if len(v) > maskBits {
			return nil, fmt.Errorf("%d entries for a dimension each, expected at most %d", len(v), maskBits)
		}
		if i > 0 && len(v) != len(p[0]) {
			return nil, fmt.Errorf("%s has %d entries and begin has %d, expected as many", [...]string{"begin", "end", "strides"}[i], len(v), len(p[0]))
		}
		p[i] = v
	}
	n, added := len(p[0]), 0
	bit := func(mask, i int) bool { return mask>>i&1 == 1 }
	for i := range n {
		if bit(a.NewAxisMask, i) && !bit(a.EllipsisMask, i) {
			added++
		}
	}
	var plain graph.StridedSliceAttr
	var full [3][]int
	whole := func() { // a dimension that is taken as it is
		plain.BeginMask |= 1 << len(full[0])
		plain.EndMask |= 1 << len(full[0])
		full[0], full[1], full[2] = append(full[0], 0), append(full[1], 0), append(full[2], 1)
	}
	var fresh []bool // by dimension of the result, those of nothing for those that go
	ellipses := 0
	for i := range n {
		switch d := len(full[0]); {
		case bit(a.EllipsisMask, i):
			if ellipses++; ellipses > 1 {
				return nil, fmt.Errorf("ellipsis_mask %d names two entries", a.EllipsisMask)
			}
			for range max(rank-(n-1-added), 0) {
				whole()
				fresh = append(fresh, false)
			}
		case bit(a.NewAxisMask, i):
			fresh = append(fresh, true)
		default:
			for k, mask := range []struct {
				from int
				to   *int
			}{{a.BeginMask, &plain.BeginMask}, {a.EndMask, &plain.EndMask}, {a.ShrinkAxisMask, &plain.ShrinkAxisMask}} {
				if full[k] = append(full[k], p[k][i]); bit(mask.from, i) {
					*mask.to |= 1 << d
				}
			}
			if !bit(a.ShrinkAxisMask, i) {
				fresh = append(fresh, false)
			}
		}
	}
	if len(full[0]) > rank {
		return nil, fmt.Errorf("%d entries for the %d dimensions of shape %v", len(full[0]), rank, g.Tensors[op.Inputs[0]].Shape)
	}
	for len(full[0]) < rank {
		whole()
		fresh = append(fresh, false)
	}
	out := g.Tensors[op.Outputs[0]]
	slice := &graph.Op{Kind: graph.StridedSlice, Attr: plain, Inputs: []graph.TensorID{op.Inputs[0]}, Outputs: op.Outputs}
	for i := range full {
		t := &graph.Tensor{Name: out.Name + [...]string{"/begin", "/end", "/strides"}[i], Type: graph.Int32, Shape: []int{len(full[i])}}
		t.SetInts(full[i])
		slice.Inputs = append(slice.Inputs, g.Add(t))
	}
	if added == 0 {
		return []*graph.Op{slice}, nil
	}
	spans, err := g.Spans(slice)
	if err != nil {
		return nil, err
	}
	shape, want := []int{}, []int{}
	for _, s := range spans {
		if !s.Drop {
			shape = append(shape, s.Count)
		}
	}
	k := 0
	for _, is := range fresh {
		if is {
			want = append(want, 1)
			continue
		}
		want = append(want, shape[k])
		k++
	}
	if !slices.Equal(out.Shape, want) {
		return nil, fmt.Errorf("output has shape %v, expected %v", out.Shape, want)
	}
	slice.Outputs = []graph.TensorID{g.Add(&graph.Tensor{Name: out.Name + "/taken", Type: out.Type, Shape: shape, Quant: out.Quant})}
	sizes := &graph.Tensor{Name: out.Name + "/shape", Type: graph.Int32, Shape: []int{len(want)}}
	sizes.SetInts(want)
	reshape := &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: want}, Inputs: []graph.TensorID{slice.Outputs[0], g.Add(sizes)}, Outputs: op.Outputs}
	return []*graph.Op{slice, reshape}, nil
}
