// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	register(power, graph.Pow)
	register(floored, graph.FloorDiv, graph.FloorMod)
	register(limited, graph.Relu0To1)
	register(neighbours, graph.LocalResponseNormalization)
	register(rootOfPool, graph.L2Pool2D)
	register(product, graph.ReduceProd)
	register(connected, graph.FullyConnected)
	register(convolution, graph.Conv2D)
	register(toBatches, graph.SpaceToBatchND)
	register(dequantized, graph.Dequantize)
}

// power writes the exponents that have an operator of their own.
func power(b *block) {
	x := b.real(0)
	e, ok := b.number(b.real(1))
	if s := b.shape(b.real(1)); !ok || len(s) > len(b.shape(x)) || graph.Elems(s) > graph.Elems(b.shape(x)) {
		b.asIs()
		return
	}
	switch e {
	case 1:
		b.end(graph.Reshape, graph.ReshapeAttr{NewShape: b.shape(x)}, x, b.list(b.shape(x)...))
	case 2:
		b.end(graph.Mul, graph.MulAttr{}, x, x)
	case 3:
		b.end(graph.Mul, graph.MulAttr{}, b.value(graph.Mul, graph.MulAttr{}, "/square", nil, x, x), x)
	case 4:
		square := b.value(graph.Mul, graph.MulAttr{}, "/square", nil, x, x)
		b.end(graph.Mul, graph.MulAttr{}, square, square)
	case 0.5:
		b.end(graph.Sqrt, nil, x)
	case 0.25:
		b.end(graph.Sqrt, nil, b.value(graph.Sqrt, nil, "/root", nil, x))
	case 1.5:
		b.end(graph.Mul, graph.MulAttr{}, x, b.value(graph.Sqrt, nil, "/root", nil, x))
	case -2:
		inverse := b.value(graph.Rsqrt, nil, "/inverse", nil, b.value(graph.Mul, graph.MulAttr{}, "/square", nil, x, x))
		b.end(graph.Mul, graph.MulAttr{}, inverse, inverse)
	case -0.5:
		b.end(graph.Rsqrt, nil, x)
	case -1:
		b.end(graph.Div, graph.DivAttr{}, b.scalar(b.name()+"/one", 1), x)
	default:
		b.asIs()
	}
}

// floored is the quotient, rounded down, or what it leaves.
func floored(b *block) {
	x, y := b.real(0), b.real(1)
	quotient := b.value(graph.Div, graph.DivAttr{}, "/quotient", nil, x, y)
	if b.op.Kind == graph.FloorDiv {
		b.end(graph.Floor, nil, quotient)
		return
	}
	times := b.value(graph.Mul, graph.MulAttr{}, "/taken", nil, b.value(graph.Floor, nil, "/times", nil, quotient), y)
	b.end(graph.Sub, graph.SubAttr{}, x, times)
}

func limited(b *block) {
	b.end(graph.Minimum, nil, b.value(graph.Relu, nil, "/low", nil, b.real(0)), b.scalar(b.name()+"/one", 1))
}

// maxBand bounds the channels that are added up by a matrix.
const maxBand = 1 << 10

// neighbours divides by a power of the sum of squares over neighbouring channels, which is a
// product with a band of weights.
func neighbours(b *block) {
	a, x := b.op.Attr.(graph.LRNAttr), b.real(0)
	s := b.shape(x)
	if len(s) == 0 || s[len(s)-1] > maxBand || s[len(s)-1] < 1 {
		b.refuse("its input has shape %v, expected at most %d channels", s, maxBand)
	}
	n := s[len(s)-1]
	band, add := make([]float64, n*n), make([]float64, n)
	for to := range n {
		add[to] = float64(a.Bias)
		for from := max(0, to-a.Radius); from <= min(n-1, to+a.Radius); from++ {
			band[to*n+from] = float64(a.Alpha)
		}
	}
	squares := b.value(graph.Mul, graph.MulAttr{}, "/squares", nil, x, x)
	sum := b.value(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: true}, "/sums", s, squares, b.floats(b.name()+"/band", band, n, n), b.floats(b.name()+"/bias", add, n))
	b.end(graph.Mul, graph.MulAttr{}, x, b.lowered(sum, a.Beta))
}

// lowered is x to the power of -beta, by roots where they give it.
func (b *block) lowered(x graph.TensorID, beta float32) graph.TensorID {
	root := func() graph.TensorID { return b.value(graph.Rsqrt, nil, "/inverse_root", nil, x) }
	switch beta {
	case 0.5:
		return root()
	case 0.75:
		fourth := b.value(graph.Rsqrt, nil, "/inverse_fourth", nil, b.value(graph.Sqrt, nil, "/root", nil, x))
		return b.value(graph.Mul, graph.MulAttr{}, "/factor", nil, root(), fourth)
	case 1:
		return b.value(graph.Div, graph.DivAttr{}, "/factor", nil, b.scalar(b.name()+"/one", 1), x)
	}
	log := b.value(graph.Log, nil, "/log", nil, x)
	return b.value(graph.Exp, nil, "/factor", nil, b.value(graph.Mul, graph.MulAttr{}, "/exponent", nil, log, b.scalar(b.name()+"/beta", -float64(beta))))
}

func rootOfPool(b *block) {
	a, x := b.op.Attr.(graph.Pool2DAttr), b.real(0)
	act := a.Activation
	a.Activation = graph.ActNone
	pooled := b.value(graph.AveragePool2D, a, "/mean", nil, b.value(graph.Mul, graph.MulAttr{}, "/squares", nil, x, x))
	if act == graph.ActNone || act == graph.ActRelu { // a root is not negative
		b.end(graph.Sqrt, nil, pooled)
		return
	}
	b.end(b.activation(act), nil, b.value(graph.Sqrt, nil, "/root", nil, pooled))
}

// maxFactors bounds the elements that are multiplied one after the other.
const maxFactors = 256

// product multiplies slices.
func product(b *block) {
	over, err := b.out.Reduced(&graph.Op{Inputs: []graph.TensorID{b.in(0), b.in(1)}})
	if err != nil {
		b.refuse("%v", err)
	}
	x := b.real(0)
	for d, n := range append([]int{}, b.shape(x)...) {
		if !over[d] || n == 1 {
			continue
		}
		if n < 1 || n > maxFactors {
			b.refuse("it multiplies %d elements, expected 1 to %d", n, maxFactors)
		}
		all := graph.TensorID(graph.None)
		for i := range n {
			begin, size := make([]int, len(over)), append([]int{}, b.shape(x)...)
			begin[d], size[d] = i, 1
			part := b.value(graph.Slice, nil, fmt.Sprintf("/factor%d", i), nil, x, b.list(begin...), b.list(size...))
			if all == graph.None {
				all = part
				continue
			}
			all = b.value(graph.Mul, graph.MulAttr{}, fmt.Sprintf("/product%d", i), nil, all, part)
		}
		x = all
	}
	shape := []int{}
	for d, n := range b.shape(x) {
		if !over[d] || b.op.Attr.(graph.ReducerAttr).KeepDims {
			shape = append(shape, n)
		}
	}
	b.end(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, x, b.list(shape...))
}

// connected is a product of two computed values where the weights are one.
func connected(b *block) {
	a := b.op.Attr.(graph.FullyConnectedAttr)
	w := b.tensor(1)
	if len(w.Shape) != 2 || w.Shape[1] < 1 {
		b.refuse("weights %q have shape %v, expected [outputs, inputs]", w.Name, w.Shape)
	}
	if w.IsConst() {
		bias := graph.TensorID(graph.None)
		if len(b.op.Inputs) > 2 {
			bias = b.at(b.op.Inputs[2])
		}
		if bias == graph.None || b.out.Tensors[bias].IsConst() {
			b.asIs()
			return
		}
		attr := a
		attr.Activation = graph.ActNone
		attr.KeepNumDims = true
		x := b.real(0)
		rows := []int{graph.Elems(b.shape(x)) / w.Shape[1], w.Shape[0]}
		y := b.value(graph.FullyConnected, attr, "/product", rows, x, b.in(1), graph.None)
		b.added(y, bias, a.Activation)
		return
	}
	x := b.real(0)
	rows := []int{graph.Elems(b.shape(x)) / w.Shape[1], w.Shape[1]}
	x = b.value(graph.Reshape, graph.ReshapeAttr{NewShape: rows}, "/rows", rows, x, b.list(rows...))
	y := b.value(graph.BatchMatMul, graph.BatchMatMulAttr{AdjY: true}, "/product", nil, x, b.real(1))
	bias := graph.TensorID(graph.None)
	if len(b.op.Inputs) > 2 && b.op.Inputs[2] != graph.None {
		bias = b.real(2)
	}
	b.added(y, bias, a.Activation)
}

// added ends a product with a bias, the activation and the shape of the output.
func (b *block) added(y, bias graph.TensorID, act graph.Activation) {
	if bias != graph.None {
		y = b.value(graph.Add, graph.AddAttr{}, "/sum", nil, y, bias)
	}
	if act != graph.ActNone {
		y = b.value(b.activation(act), nil, "/activated", nil, y)
	}
	shape := b.shape(y)
	if b.ids == nil {
		shape = b.shape(b.made[0])
	}
	b.end(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, y, b.list(shape...))
}

// maxGroups bounds the convolutions that one with groups becomes.
const maxGroups = 256

// convolution is one for every group of channels.
func convolution(b *block) {
	a, x, w := b.op.Attr.(graph.Conv2DAttr), b.in(0), b.tensor(1)
	s := b.shape(x)
	if len(s) != 4 || len(w.Shape) != 4 || w.Shape[3] < 1 || s[3] < 1 || s[3] == w.Shape[3] || s[3]%w.Shape[3] != 0 || !w.IsConst() || w.Type != graph.Float32 {
		b.asIs()
		return
	}
	groups := s[3] / w.Shape[3]
	if groups > maxGroups || w.Shape[0]%groups != 0 {
		b.refuse("its weights %v make %d groups of the %d channels, expected at most %d that divide the outputs", w.Shape, groups, s[3], maxGroups)
	}
	weights := b.constant(b.in(1))
	bias := make([]float64, w.Shape[0])
	if len(b.op.Inputs) > 2 && b.op.Inputs[2] != graph.None {
		if v := b.constant(b.in(2)); len(v) == len(bias) {
			bias = v
		} else {
			b.refuse("its bias is no constant of %d elements", len(bias))
		}
	}
	part := a // of each group
	if !fuses(graph.Conv2D, a.Activation) {
		part.Activation = graph.ActNone
	}
	var outs []graph.TensorID
	n, each := w.Shape[0]/groups, len(weights)/groups
	for i := range groups {
		channels := b.value(graph.Slice, nil, fmt.Sprintf("/in%d", i), nil, x, b.list(0, 0, 0, i*w.Shape[3]), b.list(s[0], s[1], s[2], w.Shape[3]))
		outs = append(outs, b.value(graph.Conv2D, part, fmt.Sprintf("/group%d", i), nil, channels,
			b.floats(fmt.Sprintf("%s/weights%d", b.name(), i), weights[i*each:(i+1)*each], n, w.Shape[1], w.Shape[2], w.Shape[3]),
			b.floats(fmt.Sprintf("%s/bias%d", b.name(), i), bias[i*n:(i+1)*n], n)))
	}
	if part == a {
		b.end(graph.Concatenation, graph.ConcatenationAttr{Axis: 3}, outs...)
		return
	}
	b.added(b.value(graph.Concatenation, graph.ConcatenationAttr{Axis: 3}, "/groups", nil, outs...), graph.None, a.Activation)
}

// toBatches pads before it cuts into blocks.
func toBatches(b *block) {
	block, pads := b.ints(1), b.ints(2)
	any := false
	for _, p := range pads {
		any = any || p != 0
	}
	s := b.shape(b.in(0))
	if !any || len(pads) != 2*len(block) || len(s) < len(block)+1 {
		b.asIs()
		return
	}
	list := make([]int, 2*len(s))
	copy(list[2:], pads)
	padded := b.value(graph.Pad, nil, "/padded", nil, b.real(0), b.numbers([]int{len(s), 2}, list...))
	b.end(graph.SpaceToBatchND, nil, padded, b.in(1), b.numbers([]int{len(block), 2}, make([]int, len(pads))...))
}

// dequantized are weights that are stored as integers.
func dequantized(b *block) {
	t := b.tensor(0)
	if !t.IsConst() || t.Quant == nil {
		b.refuse("input %q is %v and no constant: a network in part quantized; convert it without quantization for unroll lower, or with full integer quantization for unroll compile", t.Name, t.Type)
	}
	plain := *t
	plain.Quant = nil
	v, err := values(&plain)
	q := t.Quant
	if err == nil && (len(q.Scales) > 1 && (q.Axis < 0 || q.Axis >= len(t.Shape) || t.Shape[q.Axis] != len(q.Scales)) || len(q.Scales) != len(q.ZeroPoints)) {
		err = fmt.Errorf("%q has %d scales for shape %v", t.Name, len(q.Scales), t.Shape)
	}
	if err != nil {
		b.refuse("%v", err)
	}
	inner := 1
	if len(q.Scales) > 1 {
		inner = graph.Elems(t.Shape[q.Axis+1:])
	}
	for i := range v {
		k := i / inner % len(q.Scales)
		v[i] = (v[i] - float64(q.ZeroPoints[k])) * float64(q.Scales[k])
	}
	b.gives(v, t.Shape...)
}

// gives makes the output a constant.
func (b *block) gives(v []float64, shape ...int) {
	t := b.out.Tensors[b.made[0]]
	if err := setValues(t, v, shape); err != nil {
		b.refuse("%v", err)
	}
}

// setValues gives a tensor its constant value, whole numbers cut towards zero.
func setValues(t *graph.Tensor, v []float64, shape []int) error {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > graph.MaxTensorBytes/8/d {
			return fmt.Errorf("shape %v is none, or too large", shape)
		}
		n *= d
	}
	if n != len(v) {
		return fmt.Errorf("%d values do not fill shape %v", len(v), shape)
	}
	t.Shape = append([]int{}, shape...)
	t.Data = make([]byte, 0, n*max(t.Type.Size(), 1))
	for _, x := range v {
		bits := uint64(0)
		switch t.Type {
		case graph.Float32:
			bits = uint64(math.Float32bits(float32(x)))
		case graph.Bool:
			if x != 0 {
				bits = 1
			}
		case graph.Int32, graph.Int64, graph.Int8, graph.Uint8, graph.Int16:
			bits = uint64(int64(math.Trunc(math.Max(math.Min(x, math.MaxInt64/2), math.MinInt64/2))))
		default:
			return fmt.Errorf("%q is %v", t.Name, t.Type)
		}
		for k := range t.Type.Size() {
			t.Data = append(t.Data, byte(bits>>(8*k)))
		}
	}
	return nil
}
