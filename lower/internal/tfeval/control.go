// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	register(func(r *run, op *graph.Op) error {
		a := op.Attr.(graph.IfAttr)
		n := a.Else
		if r.v[op.Inputs[0]][0] != 0 {
			n = a.Then
		}
		shapes, v, err := r.call(n, op.Inputs[1:])
		if err == nil {
			r.results(op, shapes, v)
		}
		return err
	}, graph.If)
	register(func(r *run, op *graph.Op) error {
		a := op.Attr.(graph.WhileAttr)
		now := *r // a frame with the values of the round
		names := make([]graph.TensorID, len(op.Inputs))
		g := *r.g
		g.Tensors = nil
		now.g, now.v = &g, map[graph.TensorID][]float64{}
		for i, id := range op.Inputs {
			t := *r.g.Tensors[id]
			names[i] = g.Add(&t)
			now.v[names[i]] = r.v[id]
		}
		for {
			_, more, err := now.call(a.Cond, names)
			if err != nil {
				return err
			}
			var shapes [][]int
			if len(more) != 1 || len(more[0]) != 1 {
				return errors.New("the condition is not one value")
			}
			if more[0][0] == 0 {
				for _, id := range names {
					shapes = append(shapes, g.Tensors[id].Shape)
				}
				v := make([][]float64, len(names))
				for i, id := range names {
					v[i] = now.v[id]
				}
				r.work = now.work
				r.results(op, shapes, v)
				return nil
			}
			shapes, v, err := now.call(a.Body, names)
			if err != nil {
				return err
			}
			for i, id := range names {
				now.v[id], g.Tensors[id].Shape = v[i], shapes[i]
			}
		}
	}, graph.While)
}

// results gives the outputs of an operator values and shapes.
func (r *run) results(op *graph.Op, shapes [][]int, v [][]float64) {
	for i, id := range op.Outputs {
		r.v[id] = v[i]
		r.g.Tensors[id].Shape = shapes[i]
	}
}

// call runs a subgraph with the values of tensors.
func (r *run) call(n int, in []graph.TensorID) (shapes [][]int, v [][]float64, err error) {
	if n <= 0 || n >= len(r.subs) || r.subs[n] == nil || len(r.subs[n].Inputs) != len(in) {
		return nil, nil, fmt.Errorf("names subgraph %d, which does not fit", n)
	}
	if err := r.spend(1 + len(r.subs[n].Ops)); err != nil {
		return nil, nil, err
	}
	next := newRun(r.subs[n], r.subs)
	next.inner, next.work = true, r.work
	for i, id := range next.g.Inputs {
		t := next.g.Tensors[id]
		t.Shape = r.shape(in[i])
		next.v[id] = r.v[in[i]]
		if t.Type == graph.Int32 || t.Type == graph.Int64 {
			list := make([]int, len(next.v[id]))
			for i, x := range next.v[id] {
				list[i] = int(x)
			}
			t.SetInts(list)
		}
	}
	if err := next.all(); err != nil {
		return nil, nil, err
	}
	r.work = next.work
	for _, id := range next.g.Outputs {
		shapes, v = append(shapes, next.shape(id)), append(v, next.v[id])
	}
	return shapes, v, nil
}

// infer finds the shapes of the outputs of an operator of a subgraph, now that all that it
// reads is known.
func (r *run) infer(op *graph.Op) error {
	set := func(shape []int) { r.g.Tensors[op.Outputs[0]].Shape = shape }
	whole := func(pos int) []int {
		var list []int
		for _, x := range r.v[op.Inputs[pos]] {
			list = append(list, int(x))
		}
		return list
	}
	switch op.Kind {
	case graph.Reshape:
		want := append([]int{}, op.Attr.(graph.ReshapeAttr).NewShape...)
		if len(op.Inputs) > 1 {
			want = whole(1)
		}
		rest := len(r.v[op.Inputs[0]])
		for _, d := range want {
			if d > 0 {
				rest /= d
			}
		}
		for i, d := range want {
			if d < 0 {
				want[i] = rest
			}
		}
		set(want)
		return nil
	case graph.FullyConnected:
		x, w := r.shape(op.Inputs[0]), r.shape(op.Inputs[1])
		if op.Attr.(graph.FullyConnectedAttr).KeepNumDims {
			set(append(append([]int{}, x[:len(x)-1]...), w[0]))
			return nil
		}
		set([]int{graph.Elems(x) / w[1], w[0]})
		return nil
	case graph.SplitV:
		axis, err := r.g.Axis(op)
		if err != nil {
			return err
		}
		left := r.shape(op.Inputs[0])[axis]
		sizes := whole(1)
		for _, n := range sizes {
			left -= max(n, 0)
		}
		for i, id := range op.Outputs {
			s := append([]int{}, r.shape(op.Inputs[0])...)
			if s[axis] = sizes[i]; sizes[i] < 0 {
				s[axis] = left
			}
			r.g.Tensors[id].Shape = s
		}
		return nil
	case graph.Range:
		first, last, step := r.v[op.Inputs[0]][0], r.v[op.Inputs[1]][0], r.v[op.Inputs[2]][0]
		n := 0
		for x := first; step > 0 && x < last || step < 0 && x > last; x += step {
			n++
		}
		set([]int{n})
		return nil
	case graph.Shape:
		set([]int{len(r.shape(op.Inputs[0]))})
		return nil
	case graph.If, graph.While, graph.Rank, graph.OneHot, graph.BroadcastArgs, graph.GatherND, graph.MatrixDiag:
		return nil // as the file has them, or as they turn out
	case graph.ScatterND:
		set(whole(2))
		return nil
	case graph.SparseToDense:
		set(whole(1))
		return nil
	case graph.EmbeddingLookup:
		set(append(append([]int{}, r.shape(op.Inputs[0])...), r.shape(op.Inputs[1])[1:]...))
		return nil
	case graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Minimum, graph.Maximum, graph.Pow, graph.SquaredDifference, graph.LogicalAnd, graph.LogicalOr, graph.FloorDiv, graph.FloorMod,
		graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.Equal, graph.NotEqual, graph.Select, graph.SelectV2:
		s := []int{}
		for _, id := range op.Inputs {
			if op.Kind == graph.Select && len(r.shape(op.Inputs[1])) != len(r.shape(id)) {
				continue
			}
			var err error
			if s, err = graph.Broadcast(s, r.shape(id)); err != nil {
				return err
			}
		}
		set(s)
		return nil
	case graph.ReduceProd, graph.ReduceAny, graph.ReduceAll, graph.Sum, graph.ReduceMax, graph.ReduceMin:
		like := &graph.Op{Kind: graph.Sum, Attr: op.Attr, Inputs: op.Inputs, Outputs: op.Outputs}
		t := *r.g.Tensors[op.Inputs[0]]
		g := *r.g
		g.Tensors = append([]*graph.Tensor(nil), r.g.Tensors...)
		t.Type, t.Quant = graph.Float32, nil
		g.Tensors[op.Inputs[0]] = &t
		o := t
		g.Tensors[op.Outputs[0]] = &o
		shapes, err := g.InferShapes(like)
		if err == nil {
			set(shapes[0])
		}
		return err
	}
	if d := graph.Describe(op.Kind); d.Class == graph.Written || d.Real != nil || op.Kind == graph.Cast { // element by element
		set(r.shape(op.Inputs[0]))
		return nil
	}
	shapes, err := r.g.InferShapes(op)
	if err != nil {
		return err
	}
	for i, id := range op.Outputs {
		r.g.Tensors[id].Shape = shapes[i]
	}
	return nil
}
