package arrange

import (
	"encoding/binary"

	"github.com/unroll-npu/unroll/lower/graph"
)

// longestStride is what NPUs, and fast kernels elsewhere, take.
const longestStride = 3

// strides writes convolutions along one line with a long stride, the way exporters write
// a short-time Fourier transform, as convolutions of stride 1 over pixels of as many
// channels as the stride has values: the same bytes, looked at otherwise.
func (a *arranger) strides() {
	var ops []*graph.Op
	for _, op := range a.g.Ops {
		c, ok := op.Attr.(graph.Conv2DAttr)
		if !ok || c.StrideW <= longestStride || c.Padding != graph.PadValid || c.DilationW > 1 {
			ops = append(ops, op)
			continue
		}
		in, w := a.g.Tensors[op.Inputs[0]], a.g.Tensors[op.Inputs[1]]
		if in.Shape[0] != 1 || in.Shape[1] != 1 || w.Shape[1] != 1 || !w.IsConst() || w.Type != graph.Float32 {
			ops = append(ops, op)
			continue
		}
		ops = append(ops, a.folded(op, c)...)
	}
	a.g.Ops = ops
}

// folded returns the operators of a convolution whose stride became channels.
func (a *arranger) folded(op *graph.Op, c graph.Conv2DAttr) []*graph.Op {
	var ops []*graph.Op
	in, w, out := a.g.Tensors[op.Inputs[0]], a.g.Tensors[op.Inputs[1]], a.g.Tensors[op.Outputs[0]]
	name, s, channels := out.Name, c.StrideW, in.Shape[3]
	taps := (w.Shape[2] + s - 1) / s
	length := (out.Shape[2] - 1 + taps) * s
	x := op.Inputs[0]
	step := func(k graph.Kind, attr any, suffix string, shape []int, in ...graph.TensorID) graph.TensorID {
		y := a.value(name+suffix, shape...)
		ops = append(ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{y}})
		return y
	}
	line := []int{1, 1, length, channels}
	switch n := in.Shape[2]; {
	case n > length: // nobody reads the rest
		x = step(graph.Slice, nil, "/read", line, x, a.ints(name+"/begin", []int{0, 0, 0, 0}), a.ints(name+"/size", line))
	case n < length: // the weights there are 0
		x = step(graph.Pad, nil, "/padded", line, x, a.pads(name+"/behind", 0, 0, 0, 0, 0, length-n, 0, 0))
	}
	pixels := []int{1, 1, length / s, s * channels}
	x = step(graph.Reshape, graph.ReshapeAttr{NewShape: pixels}, "/pixels", pixels, x, a.ints(name+"/pixels_shape", pixels))
	c.StrideW, c.StrideH = 1, 1
	next := &graph.Op{Kind: graph.Conv2D, Attr: c, Inputs: append([]graph.TensorID(nil), op.Inputs...), Outputs: op.Outputs}
	next.Inputs[0], next.Inputs[1] = x, a.widened(name+"/kernel", w, taps, s)
	return append(ops, next)
}

// widened returns weights [O,1,W,C] as [O,1,taps,s*C], with zeros behind them.
func (a *arranger) widened(name string, w *graph.Tensor, taps, s int) graph.TensorID {
	each := w.Shape[2] * w.Shape[3]
	room := taps * s * w.Shape[3]
	raw := make([]byte, 4*w.Shape[0]*room)
	for o := range w.Shape[0] {
		copy(raw[4*o*room:], w.Data[4*o*each:4*(o+1)*each])
	}
	return a.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{w.Shape[0], 1, taps, s * w.Shape[3]}, Data: raw})
}

// pads adds the paddings of a PAD, [4,2].
func (a *arranger) pads(name string, v ...int) graph.TensorID {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
	}
	return a.add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v) / 2, 2}, Data: raw})
}
