// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Movements that read some elements of their input more than once, or not in order.

// paddings returns how much a PAD, PADV2 or MIRROR_PAD puts before and behind every
// dimension.
func paddings(g *Graph, op *Op) ([][2]int, error) {
	t := g.Tensors[op.Inputs[1]]
	v, err := t.Ints()
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	if !equalShape(t.Shape, []int{len(in), 2}) {
		return nil, fmt.Errorf("paddings %q have shape %v, expected [%d 2] for an input of shape %v", t.Name, t.Shape, len(in), in)
	}
	list := make([][2]int, len(in))
	for d := range list {
		list[d] = [2]int{v[2*d], v[2*d+1]}
		if v[2*d] < 0 || v[2*d+1] < 0 || v[2*d] > MaxTensorBytes || v[2*d+1] > MaxTensorBytes {
			return nil, fmt.Errorf("padding %v of dimension %d, expected 0 to %d", list[d], d, MaxTensorBytes)
		}
	}
	return list, nil
}

func shapesPad(g *Graph, op *Op) ([][]int, error) {
	pads, err := paddings(g, op)
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	out := make([]int, len(in))
	for d, n := range in {
		out[d] = pads[d][0] + n + pads[d][1]
		if a, ok := op.Attr.(MirrorPadAttr); ok {
			most := n - 1
			if a.Symmetric {
				most = n
			}
			if max(pads[d][0], pads[d][1]) > most {
				return nil, fmt.Errorf("padding %v of dimension %d with %d elements, expected at most %d", pads[d], d, n, most)
			}
		}
	}
	if op.Kind == PadV2 {
		if v := g.Tensors[op.Inputs[2]]; v.Elems() != 1 || v.Type != g.Tensors[op.Inputs[0]].Type {
			return nil, fmt.Errorf("pad value %q is %v %v, expected one element of the input's type", v.Name, v.Type, v.Shape)
		}
	}
	return [][]int{out}, nil
}

// movesPad copies the input to the middle and the value to the border, which is cut
// along one dimension after the other.
func movesPad(g *Graph, op *Op) ([]Move, error) {
	pads, err := paddings(g, op)
	if err != nil {
		return nil, err
	}
	in, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape
	to := Strides(out)
	m := Move{Shape: in, SrcStep: Strides(in), DstStep: to}
	for d := range in {
		m.Dst += pads[d][0] * to[d]
	}
	list := []Move{m}
	border := Move{In: Zero, DstStep: to, SrcStep: make([]int, len(in)), Shape: append([]int(nil), out...)}
	if op.Kind == PadV2 {
		border.In = 2
	}
	for d, n := range in {
		for side, off := range []int{0, pads[d][0] + n} {
			b := border
			b.Shape = append([]int(nil), border.Shape...)
			b.Shape[d] = pads[d][side]
			b.Dst += off * to[d]
			if Elems(b.Shape) > 0 {
				list = append(list, b)
			}
		}
		border.Shape[d] = n
		border.Dst += pads[d][0] * to[d]
	}
	return list, nil
}

func movesMirrorPad(g *Graph, op *Op) ([]Move, error) {
	pads, err := paddings(g, op)
	if err != nil {
		return nil, err
	}
	in, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape
	edge := 1 // REFLECT leaves the outermost element out
	if op.Attr.(MirrorPadAttr).Symmetric {
		edge = 0
	}
	axes := make([][]run, len(in))
	for d, n := range in {
		before, after := pads[d][0], pads[d][1]
		axes[d] = []run{{0, before - 1 + edge, -1, before}, {before, 0, 1, n}, {before + n, n - 1 - edge, -1, after}}
	}
	return blocks(in, out, axes), nil
}

// GatherAxis returns the axis of a GATHER and checks the batch dimensions.
func (g *Graph) GatherAxis(op *Op) (int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return 0, err
	}
	in, t := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Inputs[1]]
	if t.Type != Int32 && t.Type != Int64 {
		return 0, wrongType(t, "int32 or int64")
	}
	if b := op.Attr.(GatherAttr).BatchDims; b < 0 || b > axis || b > len(t.Shape) || !equalShape(t.Shape[:max(b, 0)], in[:max(b, 0)]) {
		return 0, fmt.Errorf("batch_dims is %d for an input %v, indices %v and axis %d", b, in, t.Shape, axis)
	}
	return axis, nil
}

func shapesGather(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.GatherAxis(op)
	if err != nil {
		return nil, err
	}
	in, idx := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Inputs[1]]
	if idx.IsConst() {
		if _, err := movesGather(g, op); err != nil {
			return nil, err
		}
	}
	out := append([]int{}, in[:axis]...)
	out = append(out, idx.Shape[op.Attr.(GatherAttr).BatchDims:]...)
	return [][]int{append(out, in[axis+1:]...)}, nil
}

func movesGather(g *Graph, op *Op) ([]Move, error) {
	axis, err := g.GatherAxis(op)
	if err != nil {
		return nil, err
	}
	indices, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	in, b := g.Tensors[op.Inputs[0]].Shape, op.Attr.(GatherAttr).BatchDims
	for _, i := range indices {
		if i < 0 || i >= in[axis] {
			return nil, fmt.Errorf("index %d is outside 0 to %d, dimension %d of shape %v", i, in[axis]-1, axis, in)
		}
	}
	batches, outer := Elems(in[:b]), Elems(in[b:axis])
	if batches == 0 {
		return nil, nil
	}
	inner, n := Elems(in[axis+1:]), len(indices)/batches
	var list []Move
	for k := range batches {
		part := blocks([]int{outer, in[axis], inner}, []int{outer, n, inner}, [][]run{identity(outer), runs(indices[k*n : (k+1)*n]), identity(inner)})
		for _, m := range part {
			m.Src += k * outer * in[axis] * inner
			m.Dst += k * outer * n * inner
			list = append(list, m)
		}
	}
	return list, nil
}

func movesReverse(g *Graph, op *Op) ([]Move, error) {
	v, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	axes := make([][]run, len(in))
	for d, n := range in {
		axes[d] = identity(n)
	}
	for _, d := range v {
		if d, err = NormalAxis(d, len(in)); err != nil {
			return nil, err
		}
		axes[d] = []run{{0, in[d] - 1, -1, in[d]}}
	}
	return blocks(in, in, axes), nil
}

func shapesTile(g *Graph, op *Op) ([][]int, error) {
	times, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	if len(times) != len(in) {
		return nil, fmt.Errorf("multiples %v for an input of shape %v, expected one for every dimension", times, in)
	}
	out := make([]int, len(in))
	for d, n := range in {
		if times[d] < 0 || times[d] > MaxTensorBytes {
			return nil, fmt.Errorf("multiple %d of dimension %d, expected 0 to %d", times[d], d, MaxTensorBytes)
		}
		out[d] = n * times[d]
	}
	return [][]int{out}, nil
}

// movesTile sees every dimension as two: the repetitions, and what is repeated.
func movesTile(g *Graph, op *Op) ([]Move, error) {
	in, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape
	from, to := Strides(in), Strides(out)
	m := Move{}
	for d, n := range in {
		if n == 0 {
			return nil, nil
		}
		m.Shape = append(m.Shape, out[d]/n, n)
		m.SrcStep = append(m.SrcStep, 0, from[d])
		m.DstStep = append(m.DstStep, n*to[d], to[d])
	}
	return []Move{m}, nil
}

func shapesBroadcastTo(g *Graph, op *Op) ([][]int, error) {
	want, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	s, err := Broadcast(in, want)
	if err == nil && !equalShape(s, want) {
		err = fmt.Errorf("shape %v cannot be broadcast to %v", in, want)
	}
	return [][]int{s}, err
}

func movesBroadcastTo(g *Graph, op *Op) ([]Move, error) {
	in, out := g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape
	m := Move{Shape: out, DstStep: Strides(out), SrcStep: make([]int, len(out))}
	for d, s := range Strides(in) {
		if in[d] > 1 {
			m.SrcStep[len(out)-len(in)+d] = s
		}
	}
	return []Move{m}, nil
}

func shapesFill(g *Graph, op *Op) ([][]int, error) {
	dims, err := g.Tensors[op.Inputs[0]].Ints()
	if err != nil {
		return nil, err
	}
	for _, n := range dims {
		if n < 0 {
			return nil, fmt.Errorf("dimensions %v, expected numbers from 0", dims)
		}
	}
	if v := g.Tensors[op.Inputs[1]]; v.Elems() != 1 {
		return nil, fmt.Errorf("value %q has shape %v, expected one element", v.Name, v.Shape)
	}
	return [][]int{dims}, nil
}

func movesFill(g *Graph, op *Op) ([]Move, error) {
	n := g.Tensors[op.Outputs[0]].Elems()
	return []Move{{In: 1, Shape: []int{n}, SrcStep: []int{0}, DstStep: []int{1}}}, nil
}
