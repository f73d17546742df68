// SPDX-License-Identifier: Apache-2.0

package batch

import (
	"errors"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// rules say what becomes of an operator. Those of movements are in moves.go.
var rules = map[graph.Kind]func(m *maker, op *graph.Op) error{}

func rule(f func(m *maker, op *graph.Op) error, kinds ...graph.Kind) {
	for _, k := range kinds {
		rules[k] = f
	}
}

func init() {
	rule((*maker).rows, graph.FullyConnected)
	rule((*maker).convolve, graph.Conv2D, graph.DepthwiseConv2D)
	rule((*maker).pool, graph.MaxPool2D, graph.AveragePool2D)
	rule((*maker).eachValue, graph.Logistic, graph.Tanh, graph.Relu, graph.Relu6, graph.ReluN1To1, graph.Quantize, graph.Dequantize, graph.Cast,
		graph.LeakyRelu, graph.Elu, graph.HardSwish, graph.Gelu, graph.Abs, graph.Neg, graph.Square, graph.Sqrt, graph.Rsqrt,
		graph.Exp, graph.Log, graph.Sin, graph.Cos, graph.Floor, graph.Ceil, graph.Round, graph.Sign)
	rule((*maker).eachRow, graph.Softmax, graph.LogSoftmax, graph.L2Normalization)
	rule((*maker).pairs, graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Pow, graph.SquaredDifference, graph.Maximum, graph.Minimum, graph.PRelu, graph.AddN)
	rule((*maker).reduce, graph.Mean, graph.Sum, graph.ReduceMax, graph.ReduceMin)
}

// parameters are the inputs behind the first, which must be constant.
func (m *maker) parameters(op *graph.Op) ([]graph.TensorID, error) {
	var all []graph.TensorID
	for _, id := range op.Inputs[1:] {
		if t := m.from.Tensor(id); t != nil && !t.IsConst() {
			return nil, fmt.Errorf("%q is computed, expected a constant, which all windows share", t.Name)
		}
		all = append(all, m.constant(id))
	}
	return all, nil
}

// data returns an input that windows have a part in.
func (m *maker) data(id graph.TensorID) (value, error) {
	if t := m.from.Tensors[id]; t.IsConst() {
		return value{}, fmt.Errorf("%q is constant, expected a value that windows have a part in", t.Name)
	}
	return m.of(id), nil
}

// rows multiplies the rows of all windows. The steps of a window become outer, so that the
// rows of a step, one of each window, lie side by side.
func (m *maker) rows(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	more, err := m.parameters(op)
	if err != nil {
		return err
	}
	rows := m.from.Tensors[x].Elems() / m.shape(op.Inputs[1])[1]
	outer := v.outer
	if outer == 1 || rows%outer != 0 {
		outer = rows
	}
	shape := m.shape(out)
	p, ok := position(shape, outer)
	if !ok {
		if outer, p = 1, 0; len(shape) == 0 {
			return errors.New("its output is a scalar")
		}
	}
	in := m.get(x, outer)
	if q, ok := position(m.shape(x), outer); ok {
		in = m.reshaped(in, merged(m.shape(x), q, m.n))
	}
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, outer, merged(shape, p, m.n))}, append([]graph.TensorID{in}, more...)...)
	return nil
}

// convolve makes the windows of a call rows of one image where the filter has one row; they share
// every weight then. Where the columns of an image are steps, windows lie beside each other at
// every step, and the image is turned.
func (m *maker) convolve(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	more, err := m.parameters(op)
	if err != nil {
		return err
	}
	in, to, filter := m.shape(x), m.shape(out), m.shape(op.Inputs[1])
	flat := in[0] == 1 && filter[1] == 1
	if flat && in[1] == 1 && in[2] > 1 && v.outer == in[2] {
		attr, turned := transposed(op.Attr), *m.g.Tensors[more[0]]
		turned.Name, turned.Shape = m.name(turned.Name+"/turned"), []int{filter[0], filter[2], 1, filter[3]}
		if q := turned.Quant; q != nil && len(q.Scales) > 1 && (q.Axis == 1 || q.Axis == 2) {
			return fmt.Errorf("weights %q have scales along dimension %d, expected outputs", m.from.Tensors[op.Inputs[1]].Name, q.Axis)
		}
		more[0] = m.g.Add(&turned)
		image := m.reshaped(v.id, []int{1, in[2], m.n, in[3]})
		m.op(op.Kind, attr, []graph.TensorID{m.add(out, to[2], []int{1, to[2], m.n, to[3]})}, append([]graph.TensorID{image}, more...)...)
		return nil
	}
	image, shape := merged(in, 0, m.n), merged(to, 0, m.n)
	if flat && strideH(op.Attr) == 1 {
		image, shape = []int{1, m.n * in[1], in[2], in[3]}, []int{1, m.n * to[1], to[2], to[3]}
	}
	y := m.add(out, 1, shape)
	m.op(op.Kind, op.Attr, []graph.TensorID{y}, append([]graph.TensorID{m.reshaped(m.get(x, 1), image)}, more...)...)
	return nil
}

func strideH(attr any) int {
	switch a := attr.(type) {
	case graph.Conv2DAttr:
		return a.StrideH
	case graph.DepthwiseConv2DAttr:
		return a.StrideH
	}
	return 0
}

// transposed are the attributes of a convolution whose image is turned.
func transposed(attr any) any {
	switch a := attr.(type) {
	case graph.Conv2DAttr:
		a.StrideH, a.StrideW, a.DilationH, a.DilationW = a.StrideW, a.StrideH, a.DilationW, a.DilationH
		return a
	case graph.DepthwiseConv2DAttr:
		a.StrideH, a.StrideW, a.DilationH, a.DilationW = a.StrideW, a.StrideH, a.DilationW, a.DilationH
		return a
	}
	return attr
}

// pool has the images of all windows one after the other.
func (m *maker) pool(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	if _, err := m.data(x); err != nil {
		return err
	}
	in := m.reshaped(m.get(x, 1), merged(m.shape(x), 0, m.n))
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, 1, merged(m.shape(out), 0, m.n))}, in)
	return nil
}

// eachValue takes values wherever they are.
func (m *maker) eachValue(op *graph.Op) error {
	v, err := m.data(op.Inputs[0])
	if err != nil {
		return err
	}
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(op.Outputs[0], v.outer, m.g.Tensors[v.id].Shape)}, v.id)
	return nil
}

// eachRow takes rows of the last dimension wherever they are.
func (m *maker) eachRow(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	v, err := m.data(x)
	if err != nil {
		return err
	}
	shape, outer := m.shape(x), v.outer
	p, ok := position(shape, outer)
	if !ok || p >= len(shape) {
		outer, p = 1, 0
	}
	if len(shape) < 2 { // the dimension of the rows cannot be that of the windows
		shape = []int{1, m.from.Tensors[x].Elems()}
	}
	shape = merged(shape, p, m.n)
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, outer, shape)}, m.reshaped(m.get(x, outer), shape))
	return nil
}

// pairs computes element by element. Operands have one layout; a constant is repeated for the
// windows where it differs along the dimension that they lie in.
func (m *maker) pairs(op *graph.Op) error {
	shape, outer := m.shape(op.Outputs[0]), 0
	alike := true
	for _, id := range op.Inputs {
		if m.from.Tensors[id].IsConst() {
			continue
		}
		if v := m.of(id); outer == 0 {
			outer = v.outer
		}
		alike = alike && slices.Equal(m.shape(id), shape)
	}
	if outer == 0 {
		return errors.New("all of its operands are constant")
	}
	p, ok := position(shape, outer)
	if !alike || !ok || len(shape) == 0 {
		return m.spread(op, shape)
	}
	to := merged(shape, p, m.n)
	var in []graph.TensorID
	for _, id := range op.Inputs {
		if m.from.Tensors[id].IsConst() {
			in = append(in, m.repeated(id, shape, p))
		} else {
			in = append(in, m.reshaped(m.get(id, outer), to))
		}
	}
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(op.Outputs[0], outer, to)}, in...)
	return nil
}

// spread is pairs of operands of several shapes: the windows get a dimension of their own.
func (m *maker) spread(op *graph.Op, shape []int) error {
	var in []graph.TensorID
	for _, id := range op.Inputs {
		own := m.shape(id)
		if m.from.Tensors[id].IsConst() {
			in = append(in, m.constant(id))
			continue
		}
		wide := append([]int{m.n}, slices.Repeat([]int{1}, len(shape)-len(own))...)
		in = append(in, m.reshaped(m.get(id, 1), append(wide, own...)))
	}
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(op.Outputs[0], 1, opened(shape, 0, m.n))}, in...)
	return nil
}

// repeated returns a constant operand of values of a shape whose windows begin before
// dimension p.
func (m *maker) repeated(id graph.TensorID, shape []int, p int) graph.TensorID {
	t := m.from.Tensors[id]
	if at := max(p-1, 0) - (len(shape) - len(t.Shape)); at < 0 || t.Shape[at] == 1 {
		return m.constant(id)
	}
	return m.tiled(id, shape, graph.Elems(shape[:p]), merged(shape, p, m.n))
}

// tiled writes a constant out for all windows, stretched to a shape that its own broadcasts to.
func (m *maker) tiled(id graph.TensorID, shape []int, outer int, to []int) graph.TensorID {
	t := *m.from.Tensors[id]
	size, d := t.Type.Size(), len(shape)-len(t.Shape)
	own, full := graph.Strides(t.Shape), graph.Strides(shape)
	whole := make([]byte, 0, graph.Elems(shape)*size)
	for i := range graph.Elems(shape) {
		from := 0
		for k, n := range t.Shape {
			if n > 1 {
				from += i / full[k+d] % n * own[k]
			}
		}
		whole = append(whole, t.Data[from*size:(from+1)*size]...)
	}
	var data []byte
	part := len(whole) / outer
	for o := range outer {
		for range m.n {
			data = append(data, whole[o*part:(o+1)*part]...)
		}
	}
	t.Name, t.Shape, t.Data = m.name(t.Name+"/windows"), to, data
	return m.g.Add(&t)
}

// reduce runs along the dimensions of every window.
func (m *maker) reduce(op *graph.Op) error {
	x, out := op.Inputs[0], op.Outputs[0]
	if _, err := m.data(x); err != nil {
		return err
	}
	reduced, err := m.from.Reduced(op)
	if err != nil {
		return err
	}
	var axes []int
	for d, r := range reduced {
		if r {
			axes = append(axes, d+1)
		}
	}
	in := m.reshaped(m.get(x, 1), opened(m.shape(x), 0, m.n))
	m.op(op.Kind, op.Attr, []graph.TensorID{m.add(out, 1, opened(m.shape(out), 0, m.n))}, in, m.ints("axes", axes, len(axes)))
	return nil
}
