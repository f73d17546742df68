// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/vectors"
)

// taken returns which indices of a dimension Python's a[begin:end:step] takes, found by
// walking.
func taken(d, begin, end, step int, noBegin, noEnd bool) []int {
	wrap := func(v int) int {
		if v < 0 {
			v += d
		}
		return v
	}
	at := wrap(begin)
	switch {
	case noBegin && step > 0, at < 0 && step > 0:
		at = 0
	case noBegin, at >= d && step < 0:
		at = d - 1
	}
	var list []int
	for ; at >= 0 && at < d; at += step {
		if !noEnd && (step > 0 && at >= wrap(end) || step < 0 && at <= max(wrap(end), -1)) {
			break
		}
		list = append(list, at)
	}
	return list
}

// TestStridedSlice takes slices with every mask and steps both ways, and compares with
// lists of indices.
func TestStridedSlice(t *testing.T) {
	r := rand.New(rand.NewPCG(71, 72))
	tried, backwards, masks := 0, 0, [3]int{}
	for range 4000 {
		shape := []int{1 + r.IntN(5), 1 + r.IntN(6), 1 + r.IntN(7)}
		var begin, end, step, out []int
		var picks [3][]int
		var a graph.StridedSliceAttr
		empty := false
		for i, d := range shape {
			b, e, s := r.IntN(2*d+2)-d-1, r.IntN(2*d+2)-d-1, 1+r.IntN(3)
			if r.IntN(3) == 0 {
				s = -s
			}
			switch r.IntN(5) {
			case 0:
				a.BeginMask |= 1 << i
			case 1:
				a.EndMask |= 1 << i
			case 2:
				a.BeginMask, a.EndMask = a.BeginMask|1<<i, a.EndMask|1<<i
			case 3:
				a.ShrinkAxisMask |= 1 << i
				b, s = r.IntN(2*d)-d, 1
				e = b + 1
				if b == -1 {
					e = d
				}
			}
			picks[i] = taken(d, b, e, s, a.BeginMask>>i&1 != 0, a.EndMask>>i&1 != 0)
			empty = empty || len(picks[i]) == 0
			if a.ShrinkAxisMask>>i&1 == 0 {
				out = append(out, len(picks[i]))
			}
			begin, end, step = append(begin, b), append(end, e), append(step, s)
		}
		if empty {
			continue
		}
		tried++
		if slices.Min(step) < 0 {
			backwards++
		}
		for i, m := range []int{a.BeginMask, a.EndMask, a.ShrinkAxisMask} {
			if m != 0 {
				masks[i]++
			}
		}
		g := &graph.Graph{Name: "slice"}
		ints := func(v []int) graph.TensorID {
			var data []float64
			for _, x := range v {
				data = append(data, float64(x))
			}
			return g.Add(&graph.Tensor{Type: graph.Int32, Shape: []int{len(v)}, Data: vectors.Encode(graph.Int32, data)})
		}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(1, 0)})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int8, Shape: out, Quant: graph.PerTensor(1, 0)})
		g.Ops = []*graph.Op{{Kind: graph.StridedSlice, Attr: a, Inputs: []graph.TensorID{x, ints(begin), ints(end), ints(step)}, Outputs: []graph.TensorID{y}}}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		it, err := New(g)
		if err != nil {
			t.Fatalf("shape %v begin %v end %v step %v %+v -> %v: %v", shape, begin, end, step, a, out, err)
		}
		for i := range it.Tensor(x) {
			it.Tensor(x)[i] = byte(i)
		}
		if err := it.Invoke(); err != nil {
			t.Fatal(err)
		}
		var want []byte
		for _, i := range picks[0] {
			for _, j := range picks[1] {
				for _, k := range picks[2] {
					want = append(want, byte((i*shape[1]+j)*shape[2]+k))
				}
			}
		}
		if !slices.Equal(it.Tensor(y), want) {
			t.Fatalf("shape %v begin %v end %v step %v %+v: %v, expected %v", shape, begin, end, step, a, it.Tensor(y), want)
		}
	}
	if tried < 300 || backwards < 100 || slices.Min(masks[:]) < 100 {
		t.Errorf("%d slices, %d backwards, masks %v: too few of a kind", tried, backwards, masks)
	}
}
