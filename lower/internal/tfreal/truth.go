// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Truth values that inputs decide are the real numbers 0 and 1.

func init() {
	register(compare, graph.Less, graph.LessEqual, graph.Greater, graph.GreaterEqual, graph.Equal, graph.NotEqual)
	register(logic, graph.LogicalAnd, graph.LogicalOr, graph.LogicalNot)
	register(anyOrAll, graph.ReduceAny, graph.ReduceAll)
	register(choose, graph.Select, graph.SelectV2)
	register(cast, graph.Cast)
}

// yields ends the operator with a truth value.
func (b *block) yields(k graph.Kind, attr any, in ...graph.TensorID) {
	t := b.out.Tensors[b.made[0]]
	t.Type = graph.Float32
	b.end(k, attr, in...)
	if !t.IsConst() {
		b.ranges[t.Name] = [2]float32{0, 1}
	}
}

// within notes the range of a value.
func (b *block) within(id graph.TensorID, lo, hi float32) graph.TensorID {
	if t := b.out.Tensors[id]; !t.IsConst() {
		b.ranges[t.Name] = [2]float32{lo, hi}
	}
	return id
}

func (b *block) sign(x graph.TensorID, name string) graph.TensorID {
	return b.within(b.value(graph.Sign, nil, name, nil, x), -1, 1)
}

// not is 1 - x.
func (b *block) not(x graph.TensorID, name string) graph.TensorID {
	return b.within(b.value(graph.Sub, graph.SubAttr{}, name, nil, b.scalar(b.name()+"/from", 1), x), 0, 1)
}

// compare takes the sign of a difference.
func compare(b *block) {
	src := b.src.Tensors[b.op.Inputs[0]]
	x, y := b.real(0), b.real(1)
	one := b.scalar(b.name()+"/one", 1)
	if src.Type == graph.Bool { // EQUAL, NOT_EQUAL
		differ := func(name string) graph.TensorID {
			return b.value(graph.Sub, graph.SubAttr{}, name, nil, x, y)
		}
		switch b.op.Kind {
		case graph.NotEqual:
			b.yields(graph.Abs, nil, differ("/by"))
		case graph.Equal:
			b.yields(graph.Sub, graph.SubAttr{}, one, b.within(b.value(graph.Abs, nil, "/unlike", nil, differ("/by")), 0, 1))
		default:
			b.refuse("it orders truth values")
		}
		return
	}
	for _, id := range []graph.TensorID{x, y} {
		for _, v := range b.constant(id) {
			if v-v != 0 {
				b.refuse("it compares with %v; compare with the largest number that occurs", v)
			}
		}
	}
	by := func(left, right graph.TensorID) graph.TensorID {
		return b.sign(b.value(graph.Sub, graph.SubAttr{}, "/by", nil, left, right), "/sign")
	}
	positive := func(sign graph.TensorID) graph.TensorID {
		return b.within(b.value(graph.Relu, nil, "/beyond", nil, sign), 0, 1)
	}
	switch b.op.Kind {
	case graph.Greater:
		b.yields(graph.Relu, nil, by(x, y))
	case graph.Less:
		b.yields(graph.Relu, nil, by(y, x))
	case graph.GreaterEqual:
		b.yields(graph.Sub, graph.SubAttr{}, one, positive(by(y, x)))
	case graph.LessEqual:
		b.yields(graph.Sub, graph.SubAttr{}, one, positive(by(x, y)))
	case graph.NotEqual:
		b.yields(graph.Abs, nil, by(x, y))
	default:
		b.yields(graph.Sub, graph.SubAttr{}, one, b.within(b.value(graph.Abs, nil, "/differs", nil, by(x, y)), 0, 1))
	}
}

func logic(b *block) {
	x := b.truth(0)
	switch b.op.Kind {
	case graph.LogicalNot:
		b.yields(graph.Sub, graph.SubAttr{}, b.scalar(b.name()+"/one", 1), x)
	case graph.LogicalAnd:
		b.yields(graph.Mul, graph.MulAttr{}, x, b.truth(1))
	default:
		b.yields(graph.Maximum, nil, x, b.truth(1))
	}
}

func anyOrAll(b *block) {
	kind := graph.ReduceMax
	if b.op.Kind == graph.ReduceAll {
		kind = graph.ReduceMin
	}
	b.yields(kind, b.op.Attr, b.truth(0), b.in(1))
}

// cast is nothing where truth values become numbers.
func cast(b *block) {
	in, out := b.src.Tensors[b.op.Inputs[0]], b.src.Tensors[b.op.Outputs[0]]
	switch {
	case out.Type == graph.Float32 && (in.Type == graph.Bool || in.Type == graph.Float32):
		b.end(graph.Reshape, graph.ReshapeAttr{NewShape: b.shape(b.in(0))}, b.real(0), b.list(b.shape(b.in(0))...))
	case out.Type == graph.Bool && in.Type == graph.Float32:
		b.yields(graph.Abs, nil, b.sign(b.real(0), "/sign"))
	default:
		b.refuse("it makes %v of %v, and there are no whole numbers at run time: feed %q as float32", out.Type, in.Type, in.Name)
	}
}

// choose takes elements of one value where a condition holds and of the other where it does
// not: the sum of both, each times 0 or 1.
func choose(b *block) {
	cond := b.truth(0)
	x, y := b.in(1), b.in(2)
	isTruth := b.src.Tensors[b.op.Outputs[0]].Type == graph.Bool
	x, y = b.realOf(x), b.realOf(y)
	if s, own := b.shape(x), b.shape(cond); b.op.Kind == graph.Select && len(own) == 1 && len(s) > 1 { // a row for every element
		rows := append([]int{own[0]}, make([]int, len(s)-1)...)
		for i := range s[1:] {
			rows[i+1] = 1
		}
		cond = b.value(graph.Reshape, graph.ReshapeAttr{NewShape: rows}, "/rows", rows, cond, b.list(rows...))
	}
	end := func(k graph.Kind, attr any, in ...graph.TensorID) {
		if isTruth {
			b.yields(k, attr, in...)
			return
		}
		b.end(k, attr, in...)
	}
	shape, err := graph.Broadcast(b.shape(cond), b.shape(x))
	if err == nil {
		shape, err = graph.Broadcast(shape, b.shape(y))
	}
	if err != nil {
		b.refuse("%v", err)
	}
	if c := b.constant(cond); c != nil {
		end(graph.Add, graph.AddAttr{}, b.part(c, cond, x, shape, true, "/chosen"), b.part(c, cond, y, shape, false, "/other"))
		return
	}
	low, oneLow := b.number(y)
	high, oneHigh := b.number(x)
	for _, id := range []graph.TensorID{x, y} {
		for _, v := range b.constant(id) {
			if v-v != 0 {
				b.refuse("it may choose %v, and the choice is a sum of both values, each times 0 or 1; a number that is large enough will do, as -1e4 in front of a SOFTMAX", v)
			}
		}
	}
	fits := func(id graph.TensorID) bool { return len(b.shape(id)) <= len(shape) }
	full := func(ids ...graph.TensorID) bool { // their product has the shape of the output
		s := []int{}
		for _, id := range ids {
			s, _ = graph.Broadcast(s, b.shape(id))
		}
		return graph.Elems(s) == graph.Elems(shape) && len(s) == len(shape)
	}
	switch {
	case oneLow && oneHigh && full(cond) && fits(x) && fits(y) && addsUp(low, high):
		scaled := b.value(graph.Mul, graph.MulAttr{}, "/chosen", nil, cond, b.scalar(b.name()+"/difference", high-low))
		end(graph.Add, graph.AddAttr{}, scaled, b.scalar(b.name()+"/low", low))
	case oneLow && low == 0 && full(cond, x):
		end(graph.Mul, graph.MulAttr{}, x, cond)
	case oneHigh && high == 0 && full(cond, y):
		end(graph.Mul, graph.MulAttr{}, y, b.not(cond, "/not"))
	default:
		left := b.value(graph.Mul, graph.MulAttr{}, "/chosen", nil, x, cond)
		right := b.value(graph.Mul, graph.MulAttr{}, "/other", nil, y, b.not(cond, "/not"))
		end(graph.Add, graph.AddAttr{}, left, right)
	}
}

// part is what a known condition leaves of a value, and 0 elsewhere. Of a constant it is
// computed here, so that an infinity that is not chosen is a zero.
func (b *block) part(c []float64, cond, v graph.TensorID, shape []int, chosen bool, name string) graph.TensorID {
	mask, known := make([]float64, graph.Elems(shape)), b.constant(v)
	own, from := spread(b.shape(cond), shape), spread(b.shape(v), shape)
	for i := range mask {
		switch {
		case (c[own(i)] != 0) != chosen:
		case known != nil:
			mask[i] = known[from(i)]
		default:
			mask[i] = 1
		}
	}
	m := b.floats(b.name()+name+"_mask", mask, shape...)
	if known != nil {
		return m
	}
	return b.value(graph.Mul, graph.MulAttr{}, name, nil, v, m)
}

// number returns the one value that all elements of a constant have.
func (b *block) number(id graph.TensorID) (float64, bool) {
	v := b.constant(id)
	for _, x := range v {
		if x != v[0] {
			return 0, false
		}
	}
	if len(v) == 0 {
		return 0, false
	}
	return v[0], true
}

// addsUp reports whether high is what high-low and low add up to in float32, but for the
// rounding of numbers of like size: a small one beside a large one is lost.
func addsUp(low, high float64) bool {
	d := float64(float32(high-low)+float32(low)) - high
	return math.Abs(d) <= 1e-6*math.Abs(high)
}

// spread returns where the element of a shape comes from in a value that is repeated to it.
func spread(own, shape []int) func(at int) int {
	step := make([]int, len(shape))
	for i, s := range graph.Strides(own) {
		if own[i] != 1 {
			step[len(shape)-len(own)+i] = s
		}
	}
	return func(at int) int {
		from := 0
		for d := len(shape) - 1; d >= 0; d-- {
			from += at % shape[d] * step[d]
			at /= shape[d]
		}
		return from
	}
}
