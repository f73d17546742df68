// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/binary"
	"fmt"
)

// Ints returns the value of a constant int32 or int64 tensor.
func (t *Tensor) Ints() ([]int, error) {
	if t.Data == nil {
		return nil, fmt.Errorf("parameter tensor %q is not constant; only fixed parameters are supported", t.Name)
	}
	size := t.Type.Size()
	if t.Type != Int32 && t.Type != Int64 {
		return nil, fmt.Errorf("parameter tensor %q is %v, expected int32", t.Name, t.Type)
	}
	v := make([]int, len(t.Data)/size)
	for i := range v {
		if t.Type == Int32 {
			v[i] = int(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		} else {
			v[i] = int(int64(binary.LittleEndian.Uint64(t.Data[8*i:])))
		}
	}
	return v, nil
}

// NormalAxis maps a possibly negative axis into 0..rank-1.
func NormalAxis(axis, rank int) (int, error) {
	n := axis
	if n < 0 {
		n += rank
	}
	if n < 0 || n >= rank {
		return 0, fmt.Errorf("axis %d is outside the %d dimensions", axis, rank)
	}
	return n, nil
}

// Axis returns the normalized axis of an operator that works along one: of the
// output for PACK, of the input for all others.
func (g *Graph) Axis(op *Op) (int, error) {
	rank := len(g.Tensors[op.DataInputs()[0]].Shape)
	switch a := op.Attr.(type) {
	case ConcatenationAttr:
		return NormalAxis(a.Axis, rank)
	case PackAttr:
		return NormalAxis(a.Axis, rank+1)
	case UnpackAttr:
		return NormalAxis(a.Axis, rank)
	case GatherAttr:
		return NormalAxis(a.Axis, rank)
	}
	pos, ok := map[Kind]int{Split: 0, SplitV: 2, ExpandDims: 1, ArgMax: 1, ArgMin: 1, Cumsum: 1}[op.Kind]
	if !ok || pos >= len(op.Inputs) {
		return 0, fmt.Errorf("%v has no axis", op.Kind)
	}
	if op.Kind == ExpandDims {
		rank++
	}
	t := g.Tensors[op.Inputs[pos]]
	v, err := t.Ints()
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, fmt.Errorf("axis tensor %q has %d elements, expected one", t.Name, len(v))
	}
	return NormalAxis(v[0], rank)
}

func shapesConcatenation(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	if a := op.Attr.(ConcatenationAttr); a.Activation != ActNone {
		return nil, fmt.Errorf("fused activation %v is not allowed, expected NONE", a.Activation)
	}
	out := append([]int(nil), g.Tensors[op.Inputs[0]].Shape...)
	out[axis] = 0
	for _, id := range op.Inputs {
		s := append([]int(nil), g.Tensors[id].Shape...)
		if len(s) != len(out) {
			return nil, fmt.Errorf("input %q has shape %v, expected %d dimensions", g.Tensors[id].Name, s, len(out))
		}
		n := s[axis]
		s[axis] = out[axis]
		if !equalShape(s, out) {
			return nil, fmt.Errorf("input %q has shape %v, which differs from the first outside axis %d", g.Tensors[id].Name, g.Tensors[id].Shape, axis)
		}
		out[axis] += n
	}
	return [][]int{out}, nil
}

func shapesPack(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	first := g.Tensors[op.Inputs[0]].Shape
	for _, id := range op.Inputs {
		if s := g.Tensors[id].Shape; !equalShape(s, first) {
			return nil, fmt.Errorf("input %q has shape %v, expected %v as the first", g.Tensors[id].Name, s, first)
		}
	}
	if n := op.Attr.(PackAttr).ValuesCount; n != len(op.Inputs) {
		return nil, fmt.Errorf("values_count is %d, expected %d, the number of inputs", n, len(op.Inputs))
	}
	out := append([]int(nil), first[:axis]...)
	out = append(append(out, len(op.Inputs)), first[axis:]...)
	return [][]int{out}, nil
}

func shapesUnpack(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	s := g.Tensors[op.Inputs[0]].Shape
	if s[axis] != len(op.Outputs) || op.Attr.(UnpackAttr).Num != len(op.Outputs) {
		return nil, fmt.Errorf("has %d outputs and num %d for axis %d of shape %v", len(op.Outputs), op.Attr.(UnpackAttr).Num, axis, s)
	}
	one := append(append([]int(nil), s[:axis]...), s[axis+1:]...)
	return repeat(one, len(op.Outputs)), nil
}

func shapesSplit(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	a := op.Attr.(SplitAttr)
	s := append([]int(nil), g.Tensors[op.Inputs[1]].Shape...)
	if a.NumSplits != len(op.Outputs) || s[axis]%len(op.Outputs) != 0 {
		return nil, fmt.Errorf("num_splits is %d for %d outputs and axis %d of shape %v, expected equal parts", a.NumSplits, len(op.Outputs), axis, s)
	}
	s[axis] /= len(op.Outputs)
	return repeat(s, len(op.Outputs)), nil
}

// shapesSplitV takes the extents from the outputs, as the kernel does.
func shapesSplitV(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	sum := 0
	var shapes [][]int
	for _, id := range op.Outputs {
		o := g.Tensors[id].Shape
		if len(o) != len(in) {
			return nil, fmt.Errorf("output %q has shape %v, expected %d dimensions", g.Tensors[id].Name, o, len(in))
		}
		s := append([]int(nil), in...)
		s[axis] = o[axis]
		sum += o[axis]
		shapes = append(shapes, s)
	}
	if sum != in[axis] {
		return nil, fmt.Errorf("the outputs take %d of the %d along axis %d", sum, in[axis], axis)
	}
	return shapes, nil
}

func shapesTranspose(g *Graph, op *Op) ([][]int, error) {
	perm, err := g.Permutation(op)
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	out := make([]int, len(in))
	for i, p := range perm {
		out[i] = in[p]
	}
	return [][]int{out}, nil
}

// Permutation returns the input dimension of every output dimension of a TRANSPOSE.
func (g *Graph) Permutation(op *Op) ([]int, error) {
	perm, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	rank := len(g.Tensors[op.Inputs[0]].Shape)
	seen := make([]bool, rank)
	if len(perm) != rank {
		return nil, fmt.Errorf("permutation %v has %d entries, expected %d", perm, len(perm), rank)
	}
	for i, p := range perm {
		if perm[i], err = NormalAxis(p, rank); err != nil {
			return nil, fmt.Errorf("permutation %v: %w", perm, err)
		}
		if seen[perm[i]] {
			return nil, fmt.Errorf("permutation %v names dimension %d twice", perm, p)
		}
		seen[perm[i]] = true
	}
	return perm, nil
}

func repeat(s []int, n int) [][]int {
	out := make([][]int, n)
	for i := range out {
		out[i] = s
	}
	return out
}
