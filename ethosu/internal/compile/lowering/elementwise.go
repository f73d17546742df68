// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// operand is an input of an elementwise operation: a view or one raw value.
type operand struct {
	v      view
	scalar bool
	value  int
	zp     int

	constant *graph.TensorID // the tensor that a scalar is of, where it is one
}

// operandOf returns the operand for a tensor; an 8- or 16-bit constant whose
// elements are all equal becomes a scalar.
func (l *lowering) operandOf(id graph.TensorID) (operand, error) {
	t := l.g.Tensors[id]
	if t.IsConst() && t.Type != graph.Int32 {
		if x, ok := uniform(t); ok {
			return operand{scalar: true, value: x, constant: &id, zp: int(t.ZeroPoint()), v: view{dt: t.Type, shape: t.Shape, strides: make([]int, len(t.Shape)), name: t.Name}}, nil
		}
	}
	v, err := l.in(id)
	return operand{v: v, zp: int(t.ZeroPoint())}, err
}

// uniform returns the one value of a constant tensor, and false when it has several.
func uniform(t *graph.Tensor) (int, bool) {
	if len(t.Data) != t.Bytes() || t.Elems() == 0 {
		return 0, false
	}
	at := func(i int) int {
		if t.Type == graph.Int16 {
			return int(int16(binary.LittleEndian.Uint16(t.Data[2*i:])))
		}
		return int(int8(t.Data[i]))
	}
	if t.Type != graph.Int8 && t.Type != graph.Int16 {
		return 0, false
	}
	for i := 1; i < t.Elems(); i++ {
		if at(i) != at(0) {
			return 0, false
		}
	}
	return at(0), true
}

// elementwise emits the operations for out = a op b, or for a unary op when b is
// nil. proto carries everything but the feature maps. Operands are swapped when
// only the first can be broadcast; maps of more than three dimensions become
// several operations.
func (l *lowering) elementwise(proto kernel.Kernel, a operand, b *operand, out view, outZP int) error {
	proto.Kind = kernel.Elementwise
	shape := out.shape
	stretch := func(x *operand) {
		if !x.scalar {
			x.v = x.v.broadcast(shape)
		}
	}
	stretch(&a)
	if b != nil {
		stretch(b)
		if a.scalar || (isBroadcast(a.v) && !isBroadcast(b.v) && !b.scalar) ||
			(!b.scalar && a.v.buf.Constant() && !b.v.buf.Constant() && !isBroadcast(b.v)) {
			a, *b = *b, a
			proto.Swapped = !proto.Swapped
		}
		if a.scalar {
			return fmt.Errorf("both operands are constant")
		}
		if b.scalar && isBroadcast(a.v) && b.constant != nil { // a scalar would leave nothing that has the output's shape
			v, err := l.in(*b.constant)
			if err != nil {
				return err
			}
			whole := operand{v: v.broadcast(shape), zp: b.zp}
			if isBroadcast(whole.v) {
				return l.alongBroadcast(proto, a, whole, out, outZP)
			}
			a, *b = whole, a
			proto.Swapped = !proto.Swapped
		}
		if !b.scalar && isBroadcast(a.v) && isBroadcast(b.v) {
			return l.alongBroadcast(proto, a, *b, out, outZP)
		}
	}
	strides := [][]int{out.strides, a.v.strides}
	elem := []int{out.dt.Size(), a.v.dt.Size()}
	if b != nil && !b.scalar {
		strides = append(strides, b.v.strides)
		elem = append(elem, b.v.dt.Size())
	}
	loops, box := boxes(shape, strides, elem)
	for _, start := range loops {
		o := proto
		o.OFM = box.fmap(out, start, 0, outZP)
		o.IFM = box.fmap(a.v, start, 1, a.zp)
		if b != nil {
			if b.scalar {
				o.Scalar, o.ScalarValue = true, b.value
				o.IFM2 = &kernel.Map{Type: a.v.dt, H: 1, W: 1, C: 1, Zero: b.zp, Buf: nil, Name: b.v.name}
			} else {
				o.IFM2 = box.fmap(b.v, start, 2, b.zp)
			}
		}
		for _, n := range []int{o.OFM.H, o.OFM.W, o.OFM.C} {
			if n > 65536 {
				return fmt.Errorf("an extent of %d exceeds the limit of 65536", n)
			}
		}
		l.emit(&o)
	}
	return nil
}

// alongBroadcast emits an operation of which both operands are broadcast, where the NPU
// broadcasts the second alone: in pieces, along an axis of the first.
func (l *lowering) alongBroadcast(proto kernel.Kernel, a, b operand, out view, outZP int) error {
	axis := 0
	for a.v.strides[axis] != 0 || a.v.shape[axis] == 1 {
		axis++
	}
	for k := range out.shape[axis] {
		x, y := a, b
		x.v, y.v = a.v.cut(axis, k, 1, 1), b.v.cut(axis, k, 1, 1)
		if err := l.elementwise(proto, x, &y, out.cut(axis, k, 1, 1), outZP); err != nil {
			return err
		}
	}
	return nil
}

func isBroadcast(v view) bool {
	for i, s := range v.strides {
		if s == 0 && v.shape[i] > 1 {
			return true
		}
	}
	return false
}

// box is a common height x width x channels walk of several maps.
type box struct {
	dims    [3]int
	strides [][3]int // for each map
}

// fmap returns the window of v that starts at the given loop offsets.
func (b *box) fmap(v view, start []int, k, zp int) *kernel.Map {
	f := &kernel.Map{Buf: v.buf, Off: v.off + start[k], Type: v.dt, Zero: zp, Name: v.name}
	f.H, f.W, f.C = b.dims[0], b.dims[1], b.dims[2]
	f.StrideY, f.StrideX = b.strides[k][0], b.strides[k][1]
	// A zero stride over an extent is a broadcast: the map is 1 there.
	if f.H > 1 && f.StrideY == 0 {
		f.H = 1
	}
	if f.W > 1 && f.StrideX == 0 {
		f.W = 1
	}
	if f.C > 1 && b.strides[k][2] == 0 {
		f.C = 1
	}
	if f.StrideX == 0 {
		f.StrideX = f.C * v.dt.Size()
	}
	if f.StrideY == 0 {
		f.StrideY = f.W * f.StrideX
	}
	return f
}

// boxes finds the fewest height x width x channels walks that cover a shape with
// the given byte strides of each map. It returns for each walk the byte offset of
// every map. Channels must be contiguous in the maps 0 and 1, and contiguous or
// broadcast in the others; where they are not, a channel axis of 1 is added.
func boxes(shape []int, strides [][]int, elem []int) ([][]int, *box) {
	var dims []int
	st := make([][]int, len(strides))
	for i, d := range shape {
		if d == 1 {
			continue
		}
		n := len(dims)
		merge := n > 0
		for k := range strides {
			if merge && st[k][n-1] != strides[k][i]*d {
				merge = false
			}
		}
		if merge {
			dims[n-1] *= d
			for k := range strides {
				st[k][n-1] = strides[k][i]
			}
			continue
		}
		dims = append(dims, d)
		for k := range strides {
			st[k] = append(st[k], strides[k][i])
		}
	}
	inner := len(dims) > 0
	for k := range strides {
		if !inner {
			break
		}
		s := st[k][len(dims)-1]
		if s != elem[k] && !(k >= 2 && s == 0) {
			inner = false
		}
	}
	if !inner {
		dims = append(dims, 1)
		for k := range strides {
			st[k] = append(st[k], elem[k])
		}
	}
	b := &box{dims: [3]int{1, 1, 1}, strides: make([][3]int, len(strides))}
	n := len(dims)
	for j := 0; j < min(3, n); j++ {
		b.dims[2-j] = dims[n-1-j]
		for k := range strides {
			b.strides[k][2-j] = st[k][n-1-j]
		}
	}
	loops := [][]int{make([]int, len(strides))}
	for i := 0; i < n-3; i++ {
		var next [][]int
		for _, base := range loops {
			for x := 0; x < dims[i]; x++ {
				at := append([]int(nil), base...)
				for k := range at {
					at[k] += x * st[k][i]
				}
				next = append(next, at)
			}
		}
		loops = next
	}
	return loops, b
}

// copyView emits an identity copy.
func (l *lowering) copyView(name string, from, to view) error {
	if from.dt.Size() > 2 {
		return fmt.Errorf("cannot copy elements of type %v on the NPU", from.dt)
	}
	p := kernel.Kernel{Mode: kernel.Mul, Name: name, Source: to.name, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}, Global: true}}
	p.Lo, p.Hi = kernel.TypeRange(to.dt)
	one := &operand{scalar: true, value: 1}
	if to.dt.Size() == from.dt.Size() && !slices.Equal(from.shape, to.shape) {
		w, ok := from.reshape(to.shape)
		if !ok {
			return fmt.Errorf("cannot copy shape %v to %v", from.shape, to.shape)
		}
		from = w
	}
	return l.elementwise(p, operand{v: from}, one, to, 0)
}

// dense returns the view itself when it is contiguous, else a copy that is.
func (l *lowering) dense(v view) (view, error) {
	if v.contiguous() {
		return v, nil
	}
	w := l.fresh(v.name+"/dense", v.dt, v.shape)
	return w, l.copyView("COPY to dense", v, w)
}

func (l *lowering) binary(op *graph.Op) (a, b operand, err error) {
	if len(op.Inputs) != 2 || len(op.Outputs) != 1 {
		return a, b, fmt.Errorf("%d inputs and %d outputs, expected 2 and 1", len(op.Inputs), len(op.Outputs))
	}
	if a, err = l.operandOf(op.Inputs[0]); err != nil {
		return
	}
	if b, err = l.operandOf(op.Inputs[1]); err != nil {
		return
	}
	if a.scalar && b.scalar {
		// Nothing left to compute with; keep one as a map.
		v, e := l.in(op.Inputs[0])
		a, err = operand{v: v, zp: a.zp}, e
	}
	return
}

func lowerAddSub(l *lowering, gop *graph.Op) error {
	q, err := quant.ForAddSub(l.g, gop)
	if err != nil {
		return err
	}
	a, b, err := l.binary(gop)
	if err != nil {
		return err
	}
	p := kernel.Kernel{Mode: kernel.Add, Rescale: kernel.Rescale{Global: true}, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}}
	if gop.Kind == graph.Sub {
		p.Mode = kernel.Sub
	}
	if p.Out, err = kernel.ScaleOf(q.Out); err != nil {
		return err
	}
	half := quant.Multiplier{M: 1 << 30}
	big := 19 // bits that the hardware shifts the unscaled operand by
	if l.g.Tensors[gop.Outputs[0]].Type == graph.Int16 {
		big = 14
	}
	one := func(m quant.Multiplier) (kernel.Scale, error) {
		s, err := kernel.ScaleOf(m)
		s.Shift -= big + 1
		if err == nil && s.Mul == 0 {
			s.Shift = 0
		}
		if s.Shift < 0 {
			return s, fmt.Errorf("operand rescaling by %g is beyond the NPU's range", m.Real())
		}
		return s, err
	}
	switch {
	case q.A == half && q.B == half && big == 14:
		p.OperandMode, p.OPA, p.OPB = 0, kernel.Scale{Mul: 16384}, 16384
	case q.A == half:
		p.OperandMode = 2
		p.OPA, err = one(q.B)
	default:
		p.OperandMode = 1
		p.OPA, err = one(q.A)
	}
	if err != nil {
		return err
	}
	out, err := l.finish(&p, gop.Outputs[0], true)
	if err != nil {
		return err
	}
	return l.elementwise(p, a, &b, out, int(q.ZeroOut))
}

func lowerMul(l *lowering, gop *graph.Op) error {
	q, err := quant.ForMul(l.g, gop)
	if err != nil {
		return err
	}
	a, b, err := l.binary(gop)
	if err != nil {
		return err
	}
	p := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true}, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}}
	if p.Out, err = kernel.ScaleOf(q.Out); err != nil {
		return err
	}
	out, err := l.finish(&p, gop.Outputs[0], true)
	if err != nil {
		return err
	}
	return l.elementwise(p, a, &b, out, int(q.ZeroOut))
}

func lowerMinMax(l *lowering, gop *graph.Op) error {
	a, b, err := l.binary(gop)
	if err != nil {
		return err
	}
	out := l.g.Tensors[gop.Outputs[0]]
	for _, id := range gop.Inputs {
		if t := l.g.Tensors[id]; t.Scale() != out.Scale() || t.ZeroPoint() != out.ZeroPoint() || t.Type != out.Type {
			return fmt.Errorf("input %q has another quantization than the result", t.Name)
		}
	}
	p := kernel.Kernel{Mode: kernel.Min, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}}}
	if gop.Kind == graph.Maximum {
		p.Mode = kernel.Max
	}
	p.Lo, p.Hi = kernel.TypeRange(out.Type)
	a.zp, b.zp = 0, 0
	return l.elementwise(p, a, &b, l.out(gop.Outputs[0]), 0)
}

// lowerRequant lowers QUANTIZE, RELU and RELU6 to a multiplication by one.
func lowerRequant(l *lowering, gop *graph.Op) error {
	for _, id := range []graph.TensorID{gop.Inputs[0], gop.Outputs[0]} {
		if t := l.g.Tensors[id]; t.Type == graph.Int32 {
			return fmt.Errorf("tensor %q is int32, which the NPU does not rescale; quantize it to int8 or int16", t.Name)
		}
	}
	q, err := quant.ForRequant(l.g, gop)
	if err != nil {
		return err
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	p := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: 1}}, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}}
	in, zero := int(q.In), int(q.Zero)
	if q.Copy {
		in, zero = 0, 0
	} else if p.Out, err = kernel.ScaleOf(q.Out); err != nil {
		return err
	}
	out := l.out(gop.Outputs[0])
	return l.elementwise(p, operand{v: v, zp: in}, &operand{scalar: true, value: 1}, out, zero)
}

// lowerCast lowers CAST from int8 to int16, a copy of the integers, to a
// multiplication by one, unless all that read it take the 8-bit values.
func lowerCast(l *lowering, gop *graph.Op) error {
	if in, out := l.g.Tensors[gop.Inputs[0]].Type, l.g.Tensors[gop.Outputs[0]].Type; in != graph.Int8 || out != graph.Int16 {
		return fmt.Errorf("from %v to %v: the NPU copies int8 to int16 only, others it would saturate; use QUANTIZE", in, out)
	}
	wide := l.output[gop.Outputs[0]]
	for _, i := range l.consumers[gop.Outputs[0]] {
		wide = wide || !l.narrow(l.cur, l.g.Ops[i])
	}
	if !wide && len(l.consumers[gop.Outputs[0]]) > 0 {
		return nil
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	p := kernel.Kernel{Mode: kernel.Mul, Rescale: kernel.Rescale{Global: true, Out: kernel.Scale{Mul: 1}}}
	p.Lo, p.Hi = kernel.TypeRange(graph.Int16)
	return l.elementwise(p, operand{v: v}, &operand{scalar: true, value: 1}, l.out(gop.Outputs[0]), 0)
}
