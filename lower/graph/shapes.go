// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

func attrMissing(op *Op, want any) error {
	return fmt.Errorf("attributes are %T, expected %T", op.Attr, want)
}

// ShapesSame is Descriptor.Shapes of operators whose output is shaped as the first input.
func ShapesSame(g *Graph, op *Op) ([][]int, error) {
	return [][]int{g.Tensors[op.Inputs[0]].Shape}, nil
}

// Broadcast returns the shape of an element-wise operation on a and b by
// NumPy's rule: trailing dimensions are equal or one of them is 1.
func Broadcast(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int(nil), a...)
	for i := range b {
		j := len(a) - len(b) + i
		switch {
		case b[i] == a[j] || b[i] == 1:
		case a[j] == 1:
			out[j] = b[i]
		default:
			return nil, fmt.Errorf("shapes %v and %v cannot be broadcast to each other", a, b)
		}
	}
	return out, nil
}

// shapesAlike requires tensors of one shape, which is the output's.
func shapesAlike(g *Graph, ids []TensorID) ([][]int, error) {
	first := g.Tensors[ids[0]]
	for _, id := range ids[1:] {
		if t := g.Tensors[id]; !equalShape(t.Shape, first.Shape) {
			return nil, fmt.Errorf("input %q has shape %v, expected %v as %q", t.Name, t.Shape, first.Shape, first.Name)
		}
	}
	return [][]int{first.Shape}, nil
}

// ShapesBroadcast is Descriptor.Shapes of operators on two values; see Broadcast.
func ShapesBroadcast(g *Graph, op *Op) ([][]int, error) {
	s, err := Broadcast(g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Inputs[1]].Shape)
	return [][]int{s}, err
}

func shapesFullyConnected(g *Graph, op *Op) ([][]int, error) {
	if _, ok := op.Attr.(FullyConnectedAttr); !ok {
		return nil, attrMissing(op, FullyConnectedAttr{})
	}
	in, w, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]], g.Tensors[op.Outputs[0]]
	if len(w.Shape) != 2 || w.Elems() == 0 {
		return nil, fmt.Errorf("weights %q have shape %v, expected [outputs, inputs]", w.Name, w.Shape)
	}
	if in.Elems()%w.Shape[1] != 0 || in.Elems() == 0 {
		return nil, fmt.Errorf("input %q has %d elements (shape %v), expected a multiple of the %d inputs of the weights", in.Name, in.Elems(), in.Shape, w.Shape[1])
	}
	if err := checkBias(g, op, w.Shape[0]); err != nil {
		return nil, err
	}
	rows := in.Elems() / w.Shape[1]
	// The kernel looks at sizes alone, so any leading dimensions are right.
	if n := len(out.Shape); n > 0 && out.Shape[n-1] == w.Shape[0] && out.Elems() == rows*w.Shape[0] {
		return [][]int{out.Shape}, nil
	}
	return [][]int{{rows, w.Shape[0]}}, nil
}

func checkBias(g *Graph, op *Op, channels int) error {
	if len(op.Inputs) < 3 || op.Inputs[2] == None {
		return nil
	}
	if b := g.Tensors[op.Inputs[2]]; b.Elems() != channels {
		return fmt.Errorf("bias %q has %d elements, expected %d", b.Name, b.Elems(), channels)
	}
	return nil
}

func shapesReshape(g *Graph, op *Op) ([][]int, error) {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if in.Elems() != out.Elems() {
		return nil, fmt.Errorf("output %q has %d elements (shape %v), expected the %d of input %q (shape %v)", out.Name, out.Elems(), out.Shape, in.Elems(), in.Name, in.Shape)
	}
	return [][]int{out.Shape}, nil
}

func shapesLSTM(g *Graph, op *Op) ([][]int, error) {
	attr, ok := op.Attr.(LSTMAttr)
	if !ok {
		return nil, attrMissing(op, LSTMAttr{})
	}
	in := g.Tensors[op.Inputs[0]]
	h := g.Tensors[op.Inputs[18]]
	if len(in.Shape) != 3 || len(h.Shape) != 2 || in.Elems() == 0 || h.Elems() == 0 {
		return nil, fmt.Errorf("input has shape %v and hidden state %v, expected 3 and 2 dimensions", in.Shape, h.Shape)
	}
	batch, features, units := in.Shape[0], in.Shape[2], h.Shape[1]
	if attr.TimeMajor {
		batch = in.Shape[1]
	}
	for _, c := range []struct {
		from, to int
		want     []int
	}{
		{1, 4, []int{units, features}}, {5, 8, []int{units, units}}, {12, 15, []int{units}},
		{18, 19, []int{batch, units}},
	} {
		for pos := c.from; pos <= c.to; pos++ {
			if t := g.Tensors[op.Inputs[pos]]; !equalShape(t.Shape, c.want) {
				return nil, fmt.Errorf("input %d %q has shape %v, expected %v", pos, t.Name, t.Shape, c.want)
			}
		}
	}
	return [][]int{{in.Shape[0], in.Shape[1], units}}, nil
}
