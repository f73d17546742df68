// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"encoding/binary"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// longestStride is what NPUs, and fast kernels elsewhere, take.
const longestStride = 3

// strides writes convolutions with a long stride along the width, the way exporters
// write a short-time Fourier transform, as convolutions of stride 1 over pixels of as
// many channels as the stride has values: the same bytes, looked at otherwise.
func (a *arranger) strides() {
	var ops []*graph.Op
	for _, op := range a.g.Ops {
		c, ok := op.Attr.(graph.Conv2DAttr)
		if !ok || c.StrideW <= longestStride || c.DilationW > 1 || !a.isFloatConstant(op.Inputs[1]) {
			ops = append(ops, op)
			continue
		}
		ops = append(ops, a.folded(op, c)...)
	}
	a.g.Ops = ops
}

func (a *arranger) isFloatConstant(id graph.TensorID) bool {
	t := a.g.Tensors[id]
	return t.IsConst() && t.Type == graph.Float32
}

// folded returns the operators of a convolution whose stride became channels.
func (a *arranger) folded(op *graph.Op, c graph.Conv2DAttr) []*graph.Op {
	var ops []*graph.Op
	in, w, out := a.g.Tensors[op.Inputs[0]], a.g.Tensors[op.Inputs[1]], a.g.Tensors[op.Outputs[0]]
	name, s, channels := out.Name, c.StrideW, in.Shape[3]
	taps := (w.Shape[2] + s - 1) / s
	x, shape := op.Inputs[0], slices.Clone(in.Shape)
	step := func(k graph.Kind, attr any, suffix string, in ...graph.TensorID) {
		y := a.value(name+suffix, slices.Clone(shape)...)
		ops = append(ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{y}})
		x = y
	}
	// before and behind are what lies around the image; the width also ends where
	// whole strides do, for the weights behind are 0.
	var before, behind [2]int
	if c.Padding == graph.PadSame {
		span := [2]int{(w.Shape[1]-1)*max(c.DilationH, 1) + 1, w.Shape[2]}
		for d, stride := range [2]int{c.StrideH, s} {
			all := max((out.Shape[1+d]-1)*stride+span[d]-in.Shape[1+d], 0)
			before[d], behind[d] = all/2, all-all/2
		}
	}
	length := (out.Shape[2] - 1 + taps) * s
	if have := before[1] + in.Shape[2]; have > length { // nobody reads the rest
		shape[2], behind[1] = length-before[1], 0
		step(graph.Slice, nil, "/read", x, a.ints(name+"/begin", []int{0, 0, 0, 0}), a.ints(name+"/size", shape))
	} else {
		behind[1] = length - have
	}
	if before != [2]int{} || behind != [2]int{} {
		shape[1], shape[2] = shape[1]+before[0]+behind[0], length
		step(graph.Pad, nil, "/padded", x, a.pads(name+"/pads", 0, 0, before[0], behind[0], before[1], behind[1], 0, 0))
	}
	shape[2], shape[3] = length/s, s*channels
	step(graph.Reshape, graph.ReshapeAttr{NewShape: slices.Clone(shape)}, "/pixels", x, a.ints(name+"/pixels_shape", shape))
	c.StrideW, c.Padding = 1, graph.PadValid
	next := &graph.Op{Kind: graph.Conv2D, Attr: c, Inputs: slices.Clone(op.Inputs), Outputs: op.Outputs}
	next.Inputs[0], next.Inputs[1] = x, a.widened(name+"/kernel", w, taps, s)
	return append(ops, next)
}

// widened returns weights [O,H,W,C] as [O,H,taps,s*C], with zeros behind every row.
func (a *arranger) widened(name string, w *graph.Tensor, taps, s int) graph.TensorID {
	row, room := 4*w.Shape[2]*w.Shape[3], 4*taps*s*w.Shape[3]
	raw := make([]byte, w.Shape[0]*w.Shape[1]*room)
	for i := range w.Shape[0] * w.Shape[1] {
		copy(raw[i*room:], w.Data[i*row:(i+1)*row])
	}
	return a.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{w.Shape[0], w.Shape[1], taps, s * w.Shape[3]}, Data: raw})
}

// pads adds the paddings of a PAD, [4,2].
func (a *arranger) pads(name string, v ...int) graph.TensorID {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
	}
	return a.add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v) / 2, 2}, Data: raw})
}
