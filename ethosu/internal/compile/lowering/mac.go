// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// weightsOf returns the weights of a constant int8 tensor in OHWI order.
func (l *lowering) weightsOf(id graph.TensorID, o, kh, kw, i int, depthwise bool) (*kernel.Weights, error) {
	t := l.g.Tensors[id]
	if !t.IsConst() {
		return nil, fmt.Errorf("weights %q are not constant; the NPU needs them compressed at compile time", t.Name)
	}
	if t.Type != graph.Int8 {
		return nil, fmt.Errorf("weights %q are %v, expected int8", t.Name, t.Type)
	}
	if len(t.Data) != o*kh*kw*i {
		return nil, fmt.Errorf("weights %q have %d values, expected %dx%dx%dx%d", t.Name, len(t.Data), o, kh, kw, i)
	}
	data := t.Data
	if depthwise { // [1,kh,kw,c] to [c][kh][kw]
		data = make([]byte, len(t.Data))
		for c := 0; c < o; c++ {
			for k := 0; k < kh*kw; k++ {
				data[c*kh*kw+k] = t.Data[k*o+c]
			}
		}
	}
	return l.m.Weights.Of(t.Name, data, o, kh, kw, i, depthwise)
}

// recordsOf builds the bias and kernel.Scale records of a MAC operator.
func (l *lowering) recordsOf(q quant.MAC, biasID graph.TensorID) ([]weights.Record, error) {
	bias, err := l.bias(biasID, len(q.Mult))
	if err != nil {
		return nil, err
	}
	rec := make([]weights.Record, len(q.Mult))
	for i, m := range q.Mult {
		s, err := kernel.ScaleOf(m)
		if q.Reduced {
			mr, shift := m.Reduce()
			s = kernel.Scale{Mul: uint32(mr), Shift: shift}
			if m.M == 0 {
				s.Shift = 0
			}
			if s.Shift < 0 || s.Shift > 63 {
				err = fmt.Errorf("rescaling by %g is beyond the NPU's range", m.Real())
			}
		}
		if err != nil {
			return nil, fmt.Errorf("output channel %d: %v", i, err)
		}
		rec[i] = weights.Record{Scale: s.Mul, Shift: uint8(s.Shift)}
		if bias != nil {
			rec[i].Bias = bias[i]
		}
	}
	return l.opt.Memo.shared(rec), nil
}

// bias returns the values of a bias tensor, or nil when it is absent.
func (l *lowering) bias(id graph.TensorID, n int) ([]int64, error) {
	if id == graph.None {
		return nil, nil
	}
	t := l.g.Tensors[id]
	if !t.IsConst() {
		return nil, fmt.Errorf("bias %q is not constant", t.Name)
	}
	if t.Elems() != n || len(t.Data) != n*t.Type.Size() {
		return nil, fmt.Errorf("bias %q has %d values in %d bytes, expected %d", t.Name, t.Elems(), len(t.Data), n)
	}
	v := make([]int64, n)
	for i := range v {
		switch t.Type {
		case graph.Int32:
			v[i] = int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case graph.Int64:
			v[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
		default:
			return nil, fmt.Errorf("bias %q is %v, expected int32 or int64", t.Name, t.Type)
		}
		if v[i] < -1<<39 || v[i] >= 1<<39 {
			return nil, fmt.Errorf("bias %q, channel %d: %d does not fit 40 bits", t.Name, i, v[i])
		}
	}
	return v, nil
}

func (l *lowering) macInputs(gop *graph.Op) (in, w, b graph.TensorID, err error) {
	if len(gop.Inputs) < 2 || len(gop.Inputs) > 3 || len(gop.Outputs) != 1 {
		return 0, 0, 0, fmt.Errorf("%d inputs and %d outputs, expected 2 or 3 and 1", len(gop.Inputs), len(gop.Outputs))
	}
	b = graph.None
	if len(gop.Inputs) == 3 {
		b = gop.Inputs[2]
	}
	return gop.Inputs[0], gop.Inputs[1], b, nil
}

func lowerFullyConnected(l *lowering, gop *graph.Op) error {
	in, w, b, err := l.macInputs(gop)
	if err != nil {
		return err
	}
	q, err := quant.ForMAC(l.g, gop)
	if err != nil {
		return err
	}
	wt := l.g.Tensors[w]
	if len(wt.Shape) != 2 {
		return fmt.Errorf("weights %q have shape %v, expected [outputs, inputs]", wt.Name, wt.Shape)
	}
	if !wt.IsConst() {
		return l.dynamicFullyConnected(gop, q, b)
	}
	o, i := wt.Shape[0], wt.Shape[1]
	if l.narrow(l.producer[in], gop) {
		in = l.g.Ops[l.producer[in]].Inputs[0]
	}
	v, err := l.rows(in, i)
	if err != nil {
		return err
	}
	p := kernel.Kernel{Kind: kernel.Conv, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}, Acc40: v.dt == graph.Int16}
	if q.Reduced {
		p.Round = kernel.RoundNatural
	}
	if p.Weights, err = l.weightsOf(w, o, 1, 1, i, false); err != nil {
		return err
	}
	if p.Records, err = l.recordsOf(q, b); err != nil {
		return err
	}
	out, err := l.finish(&p, gop.Outputs[0], false)
	if err != nil {
		return err
	}
	return l.matmul(p, v, out, int(q.In), int(q.Out))
}

// narrow reports whether a FULLY_CONNECTED can read the 8-bit operand of the CAST that
// widens its input, at twice the weights a cycle: the sums must fit 32 bits, where those
// of 16-bit inputs have 40, and the operand be there as rows that nothing writes again.
func (l *lowering) narrow(cast int, fc *graph.Op) bool {
	if cast < 0 || l.g.Ops[cast].Kind != graph.Cast || fc.Kind != graph.FullyConnected || fc.Inputs[0] != l.g.Ops[cast].Outputs[0] {
		return false
	}
	_, w, b, err := l.macInputs(fc)
	if err != nil || w == graph.None || !l.g.Tensors[w].IsConst() || len(l.g.Tensors[w].Shape) != 2 {
		return false
	}
	v, n := l.views[l.g.Ops[cast].Inputs[0]], l.g.Tensors[w].Shape[1]
	if v.buf == nil || v.dt != graph.Int8 || l.ofVariable(v) || n == 0 || v.elems()%n != 0 {
		return false
	}
	if r, ok := v.reshape([]int{v.elems() / n, n}); !ok || r.strides[1] != 1 && n > 1 {
		return false
	}
	bias, err := l.bias(b, l.g.Tensors[w].Shape[0])
	for _, x := range bias { // CAST has no zero point
		if x < -1<<30 || x > 1<<30 {
			return false
		}
	}
	return err == nil
}

// rows returns the tensor as [rows, n] with contiguous rows.
func (l *lowering) rows(id graph.TensorID, n int) (view, error) {
	v, err := l.in(id)
	if err != nil {
		return v, err
	}
	if n == 0 || v.elems()%n != 0 {
		return v, fmt.Errorf("input %q of shape %v cannot be divided into rows of %d", v.name, v.shape, n)
	}
	r, ok := v.reshape([]int{v.elems() / n, n})
	if !ok || (r.strides[1] != v.dt.Size() && n > 1) {
		if v, err = l.dense(v); err != nil {
			return v, err
		}
		r, _ = v.reshape([]int{v.elems() / n, n})
	}
	r.name = v.name
	return r, nil
}

// matmul emits a 1x1 convolution of the rows of v into the rows of out.
func (l *lowering) matmul(p kernel.Kernel, v, out view, zpIn, zpOut int) error {
	b, o := v.shape[0], p.Weights.O
	dst, ok := out.reshape([]int{b, o})
	final := out
	if !ok || (dst.strides[1] != out.dt.Size() && o > 1) {
		out = l.fresh(out.name+"/dense", out.dt, []int{b, o})
		dst = out
	}
	p.Kind = kernel.Conv
	p.IFM = rowMap(v, zpIn)
	p.OFM = rowMap(dst, zpOut)
	p.OFM.Name = final.name
	l.emit(&p)
	if out.buf != final.buf {
		return l.copyView("COPY to place", out, final)
	}
	return nil
}

// rowMap returns [rows, n] as a 1 x rows x n feature map.
func rowMap(v view, zp int) *kernel.Map {
	f := &kernel.Map{Buf: v.buf, Off: v.off, H: 1, W: v.shape[0], C: v.shape[1], Type: v.dt, Zero: zp, Name: v.name}
	f.StrideX = v.strides[0]
	if f.W == 1 {
		f.StrideX = f.C * v.dt.Size()
	}
	f.StrideY = f.W * f.StrideX
	return f
}

func lowerConv2D(l *lowering, gop *graph.Op) error {
	a, ok := gop.Attr.(graph.Conv2DAttr)
	if !ok {
		return fmt.Errorf("attributes are missing")
	}
	return l.convolution(gop, convShape{a.Padding, a.StrideH, a.StrideW, a.DilationH, a.DilationW}, false)
}

func lowerDepthwise(l *lowering, gop *graph.Op) error {
	a, ok := gop.Attr.(graph.DepthwiseConv2DAttr)
	if !ok {
		return fmt.Errorf("attributes are missing")
	}
	return l.convolution(gop, convShape{a.Padding, a.StrideH, a.StrideW, a.DilationH, a.DilationW}, true)
}

type convShape struct {
	pad                                    graph.Padding
	strideH, strideW, dilationH, dilationW int
}

func (l *lowering) convolution(gop *graph.Op, s convShape, depthwise bool) error {
	id, w, b, err := l.macInputs(gop)
	if err != nil {
		return err
	}
	q, err := quant.ForMAC(l.g, gop)
	if err != nil {
		return err
	}
	in, err := l.in(id)
	if err != nil {
		return err
	}
	it, wt, ot := l.g.Tensors[id], l.g.Tensors[w], l.g.Tensors[gop.Outputs[0]]
	if len(it.Shape) != 4 || len(wt.Shape) != 4 || len(ot.Shape) != 4 {
		return fmt.Errorf("input %v, weights %v and output %v must have four dimensions", it.Shape, wt.Shape, ot.Shape)
	}
	kh, kw := wt.Shape[1], wt.Shape[2]
	p := kernel.Kernel{Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}, Window: kernel.Window{KH: kh, KW: kw, StrideH: s.strideH, StrideW: s.strideW, DilH: max(s.dilationH, 1), DilW: max(s.dilationW, 1)}, Kind: kernel.Conv, Acc40: it.Type == graph.Int16}
	if p.StrideH > 3 || p.StrideW > 3 {
		return fmt.Errorf("stride %dx%d: the NPU has strides 1 to 3", p.StrideH, p.StrideW)
	}
	if q.Reduced {
		p.Round = kernel.RoundNatural
	}
	o, i := wt.Shape[0], wt.Shape[3]
	if depthwise {
		switch c := it.Shape[3]; {
		case wt.Shape[3] == c:
			p.Kind, o, i = kernel.Depthwise, c, 1
		case c == 1:
			// One input channel and several outputs is an ordinary convolution.
			o, i = wt.Shape[3], 1
		default:
			// Every channel as often as it has outputs: one input for each again.
			if in, err = l.repeated(id, wt.Shape[3]/c); err != nil {
				return err
			}
			p.Kind, o, i = kernel.Depthwise, wt.Shape[3], 1
		}
	} else if it.Shape[3] != i {
		return l.grouped(gop, p, q, s, it.Shape[3]/i)
	}
	// The weight order [1,kh,kw,c] of a depthwise tensor is transposed for both forms.
	if p.Weights, err = l.weightsOf(w, o, kh, kw, i, depthwise); err != nil {
		return err
	}
	if err := l.spread(&p); err != nil {
		return err
	}
	if p.Kind == kernel.Conv {
		p.Weights, err = l.m.Weights.Of(p.Weights.Name, p.Weights.Values, o, p.KH, p.KW, i, false)
		if err != nil {
			return err
		}
		p.PartKernel = l.partKernelFirst(i, p.KH*p.KW, it.Type.Size()*8)
	}
	if p.Records, err = l.recordsOf(q, b); err != nil {
		return err
	}
	out, err := l.finish(&p, gop.Outputs[0], false)
	if err != nil {
		return err
	}
	return l.slideOver(p, in, out, s.pad, int(q.In), int(q.Out))
}

// partKernelFirst is the rule for the weight order of a convolution.
func (l *lowering) partKernelFirst(depth, k, ifmBits int) bool {
	if l.opt.U85 {
		return partKernelFirst85(depth, k, ifmBits)
	}
	a, b := 32, 4
	if ifmBits == 16 {
		a, b = 16, 2
	}
	up := func(n, m int) int { return (n + m - 1) / m * m }
	df := float64(depth) / float64(up(depth, a))
	pk := float64(depth*k) / float64(up(depth, 8)*up(k, b))
	return depth <= 8 || pk >= df
}

// windows emits a sliding-window operation for each batch entry.
func (l *lowering) windows(p kernel.Kernel, in graph.TensorID, out view, pad graph.Padding, zpIn, zpOut int) error {
	v, err := l.in(in)
	if err != nil {
		return err
	}
	return l.slideOver(p, v, out, pad, zpIn, zpOut)
}

// slideOver is windows for an input that is there already.
func (l *lowering) slideOver(p kernel.Kernel, v, out view, pad graph.Padding, zpIn, zpOut int) (err error) {
	if v.strides[3] != v.dt.Size() && v.shape[3] > 1 {
		if v, err = l.dense(v); err != nil {
			return err
		}
	}
	final := out
	if len(out.shape) != 4 || (out.strides[3] != out.dt.Size() && out.shape[3] > 1) {
		out = l.fresh(out.name+"/dense", out.dt, out.shape)
	}
	kah, kaw := (p.KH-1)*p.DilH+1, (p.KW-1)*p.DilW+1
	oh, ow := out.shape[1], out.shape[2]
	if pad == graph.PadSame {
		p.PadTop, p.PadBottom = samePad(v.shape[1], oh, p.StrideH, kah)
		p.PadLeft, p.PadRight = samePad(v.shape[2], ow, p.StrideW, kaw)
	}
	ih := (oh-1)*p.StrideH + kah - p.PadTop - p.PadBottom
	iw := (ow-1)*p.StrideW + kaw - p.PadLeft - p.PadRight
	if ih < 1 || iw < 1 || ih > v.shape[1] || iw > v.shape[2] || v.shape[0] != out.shape[0] {
		return fmt.Errorf("input %v, kernel %dx%d and output %v do not fit", v.shape, p.KH, p.KW, out.shape)
	}
	for n := 0; n < v.shape[0]; n++ {
		o := p
		o.IFM = imageMap(v.cut(0, n, 1, 1), zpIn)
		o.IFM.H, o.IFM.W = ih, iw
		o.OFM = imageMap(out.cut(0, n, 1, 1), zpOut)
		o.OFM.Name = final.name
		l.emit(&o)
	}
	if out.buf != final.buf {
		return l.copyView("COPY to place", out, final)
	}
	return nil
}

func samePad(in, out, stride, kernel int) (before, after int) {
	total := max((out-1)*stride+kernel-in, 0)
	return total / 2, total - total/2
}

func imageMap(v view, zp int) *kernel.Map {
	return &kernel.Map{Buf: v.buf, Off: v.off, H: v.shape[1], W: v.shape[2], C: v.shape[3], StrideY: v.strides[1], StrideX: v.strides[2], Type: v.dt, Zero: zp, Name: v.name}
}

func lowerMaxPool(l *lowering, gop *graph.Op) error {
	a, ok := gop.Attr.(graph.Pool2DAttr)
	if !ok {
		return fmt.Errorf("attributes are missing")
	}
	it, ot := l.g.Tensors[gop.Inputs[0]], l.g.Tensors[gop.Outputs[0]]
	if it.Scale() != ot.Scale() || it.ZeroPoint() != ot.ZeroPoint() || it.Type != ot.Type || len(it.Shape) != 4 {
		return fmt.Errorf("input and output of MAX_POOL_2D must have the same type and quantization and four dimensions")
	}
	lo, hi, err := quant.ClampRange(a.Activation, ot.Type, ot.Scale(), ot.ZeroPoint())
	if err != nil {
		return err
	}
	if a.FilterH > 256 || a.FilterH*a.FilterW > 65536 {
		return fmt.Errorf("filter %dx%d: the NPU has filters up to 256 rows and 65536 elements", a.FilterH, a.FilterW)
	}
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolMax, Window: kernel.Window{KH: a.FilterH, KW: a.FilterW, StrideH: a.StrideH, StrideW: a.StrideW, DilH: 1, DilW: 1}, Output: kernel.Output{Lo: int(lo), Hi: int(hi)}, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}}}
	if a.StrideH > 3 || a.StrideW > 3 {
		return l.pool(gop, p, func(int) (kernel.Scale, error) { return unscaled, nil })
	}
	return l.windows(p, gop.Inputs[0], l.out(gop.Outputs[0]), a.Padding, 0, 0)
}
