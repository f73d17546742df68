// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"github.com/unroll-npu/unroll/lower/graph"
)

// Operators that put elements to other places: a GATHER of all that they take them from.

func init() {
	register(lookup, graph.EmbeddingLookup)
	register(gatherND, graph.GatherND)
	register(scatterND, graph.ScatterND)
	register(updateSlice, graph.DynamicUpdateSlice)
	register(reverseSequence, graph.ReverseSequence)
	register(diagonal, graph.MatrixDiag, graph.MatrixSetDiag)
	register(dense, graph.SparseToDense)
}

// maxPicked bounds the elements that are placed one by one.
const maxPicked = 1 << 22

// picked fills the output with elements of values that lie one after the other; from gives
// the place of every element.
func (b *block) picked(shape []int, from func(at int, index []int) int, ids ...graph.TensorID) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			b.refuse("shape %v is none", shape)
		}
		if n *= d; n > maxPicked {
			b.refuse("shape %v has too many elements to place one by one, expected at most %d", shape, maxPicked)
		}
	}
	if b.work += n; b.work > 8*maxPicked {
		b.refuse("the elements up to here that are placed one by one are too many")
	}
	var flat []graph.TensorID
	total := 0
	for _, id := range ids {
		size := b.out.Tensors[id].Elems()
		total += size
		flat = append(flat, b.value(graph.Reshape, graph.ReshapeAttr{NewShape: []int{size}}, "/flat", []int{size}, id, b.list(size)))
	}
	all := flat[0]
	if len(flat) > 1 {
		all = b.value(graph.Concatenation, graph.ConcatenationAttr{}, "/all", nil, flat...)
	}
	picks, index := make([]int, n), make([]int, len(shape))
	for at := range picks {
		if picks[at] = from(at, index); picks[at] < 0 || picks[at] >= total {
			b.refuse("an index is outside of what it takes elements from")
		}
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	got := b.value(graph.Gather, graph.GatherAttr{}, "/picked", nil, all, b.list(picks...))
	out := b.out.Tensors[b.made[0]]
	if out.Type == graph.Bool {
		b.yields(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, got, b.list(shape...))
		return
	}
	b.end(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, got, b.list(shape...))
}

func lookup(b *block) {
	b.end(graph.Gather, graph.GatherAttr{}, b.real(1), b.known(0))
}

// known is an input that has to be constant whole numbers.
func (b *block) known(pos int) graph.TensorID {
	b.ints(pos)
	return b.in(pos)
}

func (b *block) dot(index, stride []int) int {
	sum := 0
	for i, x := range index {
		sum += x * stride[i]
	}
	return sum
}

// tuples returns index tuples [..., depth] and what is in front.
func (b *block) tuples(pos int) (v []int, front []int, depth int) {
	v, s := b.ints(pos), b.tensor(pos).Shape
	if len(s) == 0 {
		b.refuse("indices %q are a single number", b.tensor(pos).Name)
	}
	return v, s[:len(s)-1], s[len(s)-1]
}

func gatherND(b *block) {
	x := b.real(0)
	v, front, depth := b.tuples(1)
	s := b.shape(x)
	if depth > len(s) {
		b.refuse("indices of %d numbers in shape %v", depth, s)
	}
	shape := append(append([]int{}, front...), s[depth:]...)
	stride, own := graph.Strides(s), graph.Strides(front)
	b.picked(shape, func(_ int, index []int) int {
		tuple := v[b.dot(index[:len(front)], own)*depth:][:depth]
		for d, i := range tuple {
			if i < 0 || i >= s[d] {
				return -1
			}
		}
		return b.dot(tuple, stride) + b.dot(index[len(front):], stride[depth:])
	}, x)
}

// scatterND puts slices into zeros.
func scatterND(b *block) {
	v, front, depth := b.tuples(0)
	x, shape := b.real(1), b.ints(2)
	if depth > len(shape) || graph.Elems(front)*graph.Elems(shape[depth:]) != graph.Elems(b.shape(x)) {
		b.refuse("indices of %d numbers, updates %v and shape %v do not fit", depth, b.shape(x), shape)
	}
	each, stride := graph.Elems(shape[depth:]), graph.Strides(shape[:depth])
	at := map[int]int{}
	for i := range graph.Elems(front) {
		tuple := v[i*depth:][:depth]
		for d, k := range tuple {
			if k < 0 || k >= shape[d] {
				b.refuse("index %v is outside of shape %v", tuple, shape)
			}
		}
		place := b.dot(tuple, stride)
		if _, taken := at[place]; taken {
			b.refuse("index %v is there twice, and both would be added; add them before", tuple)
		}
		at[place] = i
	}
	b.picked(shape, func(place int, _ []int) int {
		if i, ok := at[place/max(each, 1)]; ok {
			return i*each + place%each
		}
		return graph.Elems(b.shape(x))
	}, x, b.floats(b.name()+"/zero", []float64{0}, 1))
}

// updateSlice puts a value into another, moved so that it fits in.
func updateSlice(b *block) {
	x, part := b.real(0), b.real(1)
	start, s, own := b.ints(2), b.shape(x), b.shape(part)
	if len(start) != len(s) || len(own) != len(s) {
		b.refuse("value %v, update %v and %d starts do not fit", s, own, len(start))
	}
	first := make([]int, len(s))
	for d := range s {
		if own[d] > s[d] {
			b.refuse("update %v is larger than %v", own, s)
		}
		first[d] = min(max(start[d], 0), s[d]-own[d])
	}
	stride := graph.Strides(own)
	b.picked(s, func(at int, index []int) int {
		place := 0
		for d, i := range index {
			if i < first[d] || i >= first[d]+own[d] {
				return at
			}
			place += (i - first[d]) * stride[d]
		}
		return graph.Elems(s) + place
	}, x, part)
}

func reverseSequence(b *block) {
	a, x, n := b.op.Attr.(graph.ReverseSequenceAttr), b.real(0), b.ints(1)
	s := b.shape(x)
	dim, err := graph.NormalAxis(a.Dim, len(s))
	batch, err2 := graph.NormalAxis(a.BatchDim, len(s))
	if err != nil || err2 != nil || dim == batch || len(n) != s[batch] {
		b.refuse("%d lengths, dimension %d and batch %d of shape %v do not fit", len(n), a.Dim, a.BatchDim, s)
	}
	stride := graph.Strides(s)
	b.picked(s, func(at int, index []int) int {
		if last := n[index[batch]]; index[dim] < last {
			return at + (last-1-2*index[dim])*stride[dim]
		}
		return at
	}, x)
}

// diagonal makes a matrix of a diagonal, or puts it into one.
func diagonal(b *block) {
	x, other := b.real(0), graph.TensorID(graph.None)
	s := b.shape(x)
	if len(s) == 0 || b.op.Kind == graph.MatrixSetDiag && len(s) < 2 {
		b.refuse("its input has shape %v", s)
	}
	shape, line := append(append([]int{}, s...), s[len(s)-1]), x
	if b.op.Kind == graph.MatrixSetDiag {
		shape, other, line = s, x, b.real(1)
	}
	small := min(shape[len(shape)-1], shape[len(shape)-2])
	if d := b.shape(line); len(d) == 0 || d[len(d)-1] != small {
		b.refuse("diagonal %v and matrix %v do not fit", d, shape)
	}
	if other == graph.None {
		other = b.floats(b.name()+"/zero", []float64{0}, 1)
	}
	elems := graph.Elems(b.shape(line))
	matrix := shape[len(shape)-1] * shape[len(shape)-2]
	b.picked(shape, func(at int, index []int) int {
		n := len(index)
		switch {
		case index[n-1] == index[n-2]:
			return at/matrix*small + index[n-1]
		case b.op.Kind == graph.MatrixSetDiag:
			return elems + at
		}
		return elems
	}, line, other)
}

// dense puts values at places of a constant.
func dense(b *block) {
	shape, v := b.ints(1), b.ints(0)
	depth, s := len(shape), b.tensor(0).Shape
	if len(s) < 2 && depth != 1 && len(v) != depth {
		b.refuse("indices of shape %v and shape %v do not fit", s, shape)
	}
	x := b.real(2)
	stride, at := graph.Strides(shape), map[int]int{}
	if depth == 0 || len(v)%depth != 0 {
		b.refuse("indices of shape %v and shape %v do not fit", s, shape)
	}
	for i := range len(v) / depth {
		tuple := v[i*depth:][:depth]
		for d, k := range tuple {
			if k < 0 || k >= shape[d] {
				b.refuse("index %v is outside of shape %v", tuple, shape)
			}
		}
		at[b.dot(tuple, stride)] = i
	}
	n := graph.Elems(b.shape(x))
	if n != 1 && n != len(v)/depth {
		b.refuse("%d values for %d indices", n, len(v)/depth)
	}
	b.picked(shape, func(place int, _ []int) int {
		if i, ok := at[place]; ok {
			return i % n
		}
		return n
	}, x, b.real(3))
}
