// SPDX-License-Identifier: Apache-2.0

package graph

// Move is a block that a movement copies: for every index i of Shape, element
// Dst + Σ i·DstStep of output Out becomes element Src + Σ i·SrcStep of input In,
// counted in elements of row-major tensors. In is Zero where the element becomes
// real 0, the zero point of the output. Moves of one operator do not overlap.
type Move struct {
	In, Out          int
	Shape            []int
	Src, Dst         int
	SrcStep, DstStep []int
}

// Zero in Move.In stands for real 0.
const Zero = -1

// Strides returns the distance, in elements, of neighbours in each dimension of a
// row-major tensor.
func Strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for d := len(shape) - 1; d >= 0; d-- {
		s[d] = n
		n *= shape[d]
	}
	return s
}

// run is an arithmetic part of a map from output to input indices of a dimension:
// output dst+j takes input src+step*j, for j below count.
type run struct{ dst, src, step, count int }

// runs divides a map from output to input indices into arithmetic parts.
func runs(from []int) []run {
	var list []run
	for i := 0; i < len(from); {
		r := run{dst: i, src: from[i], count: 1}
		if i+1 < len(from) {
			r.step = from[i+1] - from[i]
		}
		for i+r.count < len(from) && from[i+r.count] == r.src+r.step*r.count {
			r.count++
		}
		list = append(list, r)
		i += r.count
	}
	return list
}

// blocks returns the moves of an operator that maps every dimension for itself,
// from the runs of each.
func blocks(in, out []int, axes [][]run) []Move {
	list := []Move{{}}
	from, to := Strides(in), Strides(out)
	for d, parts := range axes {
		var next []Move
		for _, m := range list {
			for _, r := range parts {
				if r.count == 0 {
					continue
				}
				x := Move{Src: m.Src + r.src*from[d], Dst: m.Dst + r.dst*to[d],
					Shape:   append(append([]int(nil), m.Shape...), r.count),
					SrcStep: append(append([]int(nil), m.SrcStep...), r.step*from[d]),
					DstStep: append(append([]int(nil), m.DstStep...), to[d])}
				next = append(next, x)
			}
		}
		list = next
	}
	return list
}

func identity(n int) []run { return []run{{0, 0, 1, n}} }

// whole is the move of all elements in their order.
func whole(in, n int) []Move {
	return []Move{{In: in, Shape: []int{n}, SrcStep: []int{1}, DstStep: []int{1}}}
}

// movesWhole is for operators that change the shape alone.
func movesWhole(g *Graph, op *Op) ([]Move, error) {
	return whole(0, g.Tensors[op.Inputs[0]].Elems()), nil
}

// between moves the range of a larger tensor along an axis to or from a smaller one.
func between(large, extents []int, axis, from int) (shape []int, at int, big, little []int) {
	shape = append([]int(nil), large...)
	shape[axis] = extents[axis]
	big = Strides(large)
	return shape, from * big[axis], big, Strides(shape)
}

func movesJoin(g *Graph, op *Op) ([]Move, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	out := g.Tensors[op.Outputs[0]].Shape
	var list []Move
	at := 0
	for i, id := range op.Inputs {
		extents := append([]int(nil), out...)
		if extents[axis] = 1; op.Kind != Pack {
			extents[axis] = g.Tensors[id].Shape[axis]
		}
		shape, off, big, little := between(out, extents, axis, at)
		list = append(list, Move{In: i, Shape: shape, Dst: off, DstStep: big, SrcStep: little})
		at += extents[axis]
	}
	return list, nil
}

func movesParts(g *Graph, op *Op) ([]Move, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	pos := Describe(op.Kind).Data.First
	in := g.Tensors[op.Inputs[pos]].Shape
	var list []Move
	at := 0
	for i, id := range op.Outputs {
		extents := append([]int(nil), in...)
		if extents[axis] = 1; op.Kind != Unpack {
			extents[axis] = g.Tensors[id].Shape[axis]
		}
		shape, off, big, little := between(in, extents, axis, at)
		list = append(list, Move{In: pos, Out: i, Shape: shape, Src: off, SrcStep: big, DstStep: little})
		at += extents[axis]
	}
	return list, nil
}

func movesSlice(g *Graph, op *Op) ([]Move, error) {
	spans, err := g.Spans(op)
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	counts, axes := make([]int, len(spans)), make([][]run, len(spans))
	for d, s := range spans {
		counts[d], axes[d] = s.Count, []run{{0, s.Begin, s.Step, s.Count}}
	}
	return blocks(in, counts, axes), nil
}

func movesTranspose(g *Graph, op *Op) ([]Move, error) {
	perm, err := g.Permutation(op)
	if err != nil {
		return nil, err
	}
	out := g.Tensors[op.Outputs[0]].Shape
	from := Strides(g.Tensors[op.Inputs[0]].Shape)
	m := Move{Shape: out, DstStep: Strides(out), SrcStep: make([]int, len(perm))}
	for d, p := range perm {
		m.SrcStep[d] = from[p]
	}
	return []Move{m}, nil
}

// Copy copies the block between the bytes of two tensors with elements of the given size.
func (m Move) Copy(to, from []byte, size int) {
	m.each(func(dst, src int) { copy(to[dst*size:(dst+1)*size], from[src*size:]) })
}

// Fill writes real 0 to the block of a tensor that has data.
func (m Move) Fill(t *Tensor) {
	size := t.Type.Size()
	zero := (&Tensor{Type: t.Type, Quant: t.Quant}).ZeroBytes()
	m.each(func(dst, _ int) { copy(t.Data[dst*size:(dst+1)*size], zero) })
}

// each calls f with the places of every element of the block.
func (m Move) each(f func(dst, src int)) {
	var level func(d, dst, src int)
	level = func(d, dst, src int) {
		if d == len(m.Shape) {
			f(dst, src)
			return
		}
		for i := range m.Shape[d] {
			level(d+1, dst+i*m.DstStep[d], src+i*m.SrcStep[d])
		}
	}
	level(0, m.Dst, m.Src)
}
