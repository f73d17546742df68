// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// pairs are what whole numbers and truth values are computed with when a file is read.
var pairs = map[graph.Kind]func(x, y float64) float64{
	graph.Add: func(x, y float64) float64 { return x + y }, graph.Sub: func(x, y float64) float64 { return x - y },
	graph.Mul: func(x, y float64) float64 { return x * y }, graph.Div: func(x, y float64) float64 { return math.Trunc(x / y) },
	graph.FloorDiv: func(x, y float64) float64 { return math.Floor(x / y) },
	graph.FloorMod: func(x, y float64) float64 { return x - float64(math.Floor(x/y)*y) },
	graph.Minimum:  math.Min, graph.Maximum: math.Max, graph.Pow: math.Pow,
	graph.SquaredDifference: func(x, y float64) float64 { return (x - y) * (x - y) },
	graph.Less:              func(x, y float64) float64 { return truth(x < y) },
	graph.LessEqual:         func(x, y float64) float64 { return truth(x <= y) },
	graph.Greater:           func(x, y float64) float64 { return truth(x > y) },
	graph.GreaterEqual:      func(x, y float64) float64 { return truth(x >= y) },
	graph.Equal:             func(x, y float64) float64 { return truth(x == y) },
	graph.NotEqual:          func(x, y float64) float64 { return truth(x != y) },
	graph.LogicalAnd:        func(x, y float64) float64 { return x * y },
	graph.LogicalOr:         math.Max,
}

var singles = map[graph.Kind]func(x float64) float64{
	graph.Abs: math.Abs, graph.Neg: func(x float64) float64 { return -x }, graph.Square: func(x float64) float64 { return x * x },
	graph.LogicalNot: func(x float64) float64 { return 1 - x }, graph.Relu: func(x float64) float64 { return math.Max(x, 0) },
	graph.Sign: func(x float64) float64 { return truth(x > 0) - truth(x < 0) },
}

// reductions start at a number and go on with a function.
var reductions = map[graph.Kind]struct {
	from float64
	f    func(sum, x float64) float64
}{
	graph.Sum: {0, func(s, x float64) float64 { return s + x }}, graph.ReduceProd: {1, func(s, x float64) float64 { return s * x }},
	graph.ReduceMax: {math.Inf(-1), math.Max}, graph.ReduceMin: {math.Inf(1), math.Min},
	graph.ReduceAny: {0, math.Max}, graph.ReduceAll: {1, math.Min},
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// folded computes the operator where its value is known, and reports whether it did. What
// real numbers are computed with is left to emit.
func (b *block) folded() bool {
	op := b.op
	if len(op.Outputs) == 0 || op.Kind == graph.While || op.Kind == graph.If {
		return false
	}
	shapes := func() []int { return b.shape(b.in(0)) }
	switch op.Kind {
	case graph.Shape:
		var v []float64
		for _, d := range shapes() {
			v = append(v, float64(d))
		}
		b.gives(v, len(v))
		return true
	case graph.Rank:
		b.gives([]float64{float64(len(shapes()))})
		return true
	case graph.ZerosLike:
		b.gives(make([]float64, graph.Elems(shapes())), shapes()...)
		return true
	}
	for _, id := range op.Inputs {
		if id != graph.None && !b.out.Tensors[b.at(id)].IsConst() {
			return false
		}
	}
	real := b.src.Tensors[op.Outputs[0]].Type == graph.Float32
	for _, id := range op.Inputs {
		if id != graph.None && b.out.Tensors[b.at(id)].Quant != nil {
			return false
		}
	}
	d := graph.Describe(op.Kind)
	switch f2, f1 := pairs[op.Kind], singles[op.Kind]; {
	case d.Moves != nil:
		b.moved(d)
	case op.Kind == graph.Cast:
		v := b.constant(b.in(0))
		if b.src.Tensors[op.Outputs[0]].Type != graph.Float32 {
			for i := range v {
				if v[i]-v[i] != 0 {
					b.refuse("it makes a whole number of %v", v[i])
				}
			}
		}
		b.gives(v, shapes()...)
	case op.Kind == graph.Select || op.Kind == graph.SelectV2:
		return b.chosen()
	case op.Kind == graph.Range:
		b.counted()
	case op.Kind == graph.OneHot:
		b.oneHot()
	case op.Kind == graph.BroadcastArgs:
		x, y := b.ints(0), b.ints(1)
		s, err := graph.Broadcast(x, y)
		if err != nil {
			b.refuse("%v", err)
		}
		var v []float64
		for _, n := range s {
			v = append(v, float64(n))
		}
		b.gives(v, len(v))
	case op.Kind == graph.GatherND || op.Kind == graph.ScatterND || op.Kind == graph.EmbeddingLookup || op.Kind == graph.ReverseSequence:
		return false
	case real && b.src.Tensors[op.Inputs[0]].Type == graph.Float32:
		return false
	case f2 != nil && len(op.Inputs) == 2:
		b.paired(f2)
	case f1 != nil && len(op.Inputs) == 1:
		v := b.constant(b.in(0))
		for i := range v {
			v[i] = f1(v[i])
		}
		b.gives(v, shapes()...)
	case reductions[op.Kind].f != nil:
		b.reduced()
	case (op.Kind == graph.ArgMax || op.Kind == graph.ArgMin) && len(op.Inputs) == 2:
		b.place()
	default:
		return false
	}
	return true
}

func (b *block) moved(d *graph.Descriptor) {
	op := &graph.Op{Kind: b.op.Kind, Attr: b.op.Attr, Outputs: b.made}
	for _, id := range b.op.Inputs {
		op.Inputs = append(op.Inputs, b.at(id))
	}
	b.shaped(op)
	if err := b.out.CheckOp(op); err != nil {
		b.refuse("%v", err)
	}
	for _, id := range op.Outputs {
		if _, err := b.out.Tensors[id].CheckSize(); err != nil {
			b.refuse("%v", err)
		}
	}
	moves, err := d.Moves(b.out, op)
	if err != nil {
		b.refuse("%v", err)
	}
	for i, id := range op.Outputs {
		t := b.out.Tensors[id]
		data := make([]byte, t.Bytes())
		t.Data = data
		for _, m := range moves {
			switch {
			case m.Out != i:
			case m.In == graph.Zero:
				m.Fill(t)
			default:
				m.Copy(data, b.out.Tensors[op.Inputs[m.In]].Data, t.Type.Size())
			}
		}
	}
}

func (b *block) together(ids ...graph.TensorID) []int {
	shape := []int{}
	for _, id := range ids {
		var err error
		if shape, err = graph.Broadcast(shape, b.shape(id)); err != nil {
			b.refuse("%v", err)
		}
	}
	if n, err := (&graph.Tensor{Type: graph.Int64, Shape: shape}).CheckSize(); err != nil {
		b.refuse("%v", err)
	} else if b.work += n; b.work > graph.MaxGraphBytes {
		b.refuse("the constants up to here take more than %d bytes, which is the limit", graph.MaxGraphBytes)
	}
	return shape
}

func (b *block) paired(f func(x, y float64) float64) {
	x, y := b.constant(b.in(0)), b.constant(b.in(1))
	shape := b.together(b.in(0), b.in(1))
	fx, fy := spread(b.shape(b.in(0)), shape), spread(b.shape(b.in(1)), shape)
	v := make([]float64, graph.Elems(shape))
	for i := range v {
		if v[i] = f(x[fx(i)], y[fy(i)]); v[i]-v[i] != 0 {
			b.refuse("it divides %v by %v", x[fx(i)], y[fy(i)])
		}
	}
	b.gives(v, shape...)
}

// chosen computes a choice between known values.
func (b *block) chosen() bool {
	if b.op.Kind == graph.Select && len(b.shape(b.in(0))) == 1 && len(b.shape(b.in(1))) > 1 {
		return false
	}
	c, x, y := b.constant(b.in(0)), b.constant(b.in(1)), b.constant(b.in(2))
	shape := b.together(b.in(0), b.in(1), b.in(2))
	fc, fx, fy := spread(b.shape(b.in(0)), shape), spread(b.shape(b.in(1)), shape), spread(b.shape(b.in(2)), shape)
	v := make([]float64, graph.Elems(shape))
	for i := range v {
		if v[i] = y[fy(i)]; c[fc(i)] != 0 {
			v[i] = x[fx(i)]
		}
	}
	b.gives(v, shape...)
	return true
}

// counted are numbers from a first one, in steps, up to a limit.
func (b *block) counted() {
	var p [3]float64
	for i := range p {
		v := b.constant(b.in(i))
		if len(v) != 1 {
			b.refuse("input %d has %d values, expected one", i, len(v))
		}
		p[i] = v[0]
	}
	n := math.Ceil((p[1] - p[0]) / p[2])
	if p[2] == 0 || !(n <= maxPicked) {
		b.refuse("it counts from %v to %v in steps of %v", p[0], p[1], p[2])
	}
	v := make([]float64, int(math.Max(n, 0)))
	for i := range v {
		v[i] = p[0] + float64(float64(i)*p[2])
	}
	b.gives(v, len(v))
}

func (b *block) oneHot() {
	picks, depth := b.constant(b.in(0)), b.constant(b.in(1))
	on, off := b.constant(b.in(2)), b.constant(b.in(3))
	if len(depth) != 1 || len(on) != 1 || len(off) != 1 || !(depth[0] >= 0 && depth[0] <= maxPicked) || float64(len(picks))*depth[0] > maxPicked {
		b.refuse("depth %v, values %v and %v of %d indices, expected one number each, and not too many", depth, on, off, len(picks))
	}
	s, axis, n := b.shape(b.in(0)), b.op.Attr.(graph.OneHotAttr).Axis, int(depth[0])
	if axis < 0 {
		axis += len(s) + 1
	}
	if axis < 0 || axis > len(s) {
		b.refuse("axis %d of indices of shape %v", axis, s)
	}
	shape := append(append(append([]int{}, s[:axis]...), n), s[axis:]...)
	inner := graph.Elems(s[axis:])
	v := make([]float64, graph.Elems(shape))
	for i := range v {
		outer, k, rest := i/inner/max(n, 1), i/inner%max(n, 1), i%inner
		if v[i] = off[0]; picks[outer*inner+rest] == float64(k) {
			v[i] = on[0]
		}
	}
	b.gives(v, shape...)
}

func (b *block) reduced() {
	over, err := b.out.Reduced(&graph.Op{Inputs: []graph.TensorID{b.in(0), b.in(1)}})
	if err != nil {
		b.refuse("%v", err)
	}
	r, x, s := reductions[b.op.Kind], b.constant(b.in(0)), b.shape(b.in(0))
	kept, shape := []int{}, []int{}
	for d, n := range s {
		switch {
		case !over[d]:
			kept, shape = append(kept, n), append(shape, n)
		default:
			kept = append(kept, 1)
			if b.op.Attr.(graph.ReducerAttr).KeepDims {
				shape = append(shape, 1)
			}
		}
	}
	v := make([]float64, graph.Elems(kept))
	for i := range v {
		v[i] = r.from
	}
	to := spread(kept, s)
	for i, e := range x {
		v[to(i)] = r.f(v[to(i)], e)
	}
	b.gives(v, shape...)
}

// place is the first of the largest or smallest values.
func (b *block) place() {
	axis := b.ints(1)
	s, x := b.shape(b.in(0)), b.constant(b.in(0))
	if len(axis) != 1 {
		b.refuse("%d axes, expected one", len(axis))
	}
	a, err := graph.NormalAxis(axis[0], len(s))
	if err != nil || s[a] == 0 {
		b.refuse("axis %d of shape %v", axis[0], s)
	}
	shape := append(append([]int{}, s[:a]...), s[a+1:]...)
	inner := graph.Elems(s[a+1:])
	v := make([]float64, graph.Elems(shape))
	for i := range v {
		first := i/inner*s[a]*inner + i%inner
		best := x[first]
		for k := range s[a] {
			e := x[first+k*inner]
			if b.op.Kind == graph.ArgMax && e > best || b.op.Kind == graph.ArgMin && e < best {
				best, v[i] = e, float64(k)
			}
		}
	}
	b.gives(v, shape...)
}
