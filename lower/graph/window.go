// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Window is one spatial dimension of a convolution or pooling.
type Window struct {
	In, Out          int
	Kernel           int
	Stride, Dilation int
	PadBefore        int
}

// NewWindow computes output size and padding: SAME gives ceil(in/stride)
// outputs, VALID as many as fit.
func NewWindow(in, kernel, stride, dilation int, pad Padding) (Window, error) {
	const most = 1 << 16
	if in < 1 || kernel < 1 || stride < 1 || dilation < 1 || in > MaxTensorBytes || kernel > most || stride > most || dilation > most {
		return Window{}, fmt.Errorf("size %d, kernel %d, stride %d, dilation %d: expected all from 1 to %d", in, kernel, stride, dilation, most)
	}
	extent := (kernel-1)*dilation + 1
	w := Window{In: in, Kernel: kernel, Stride: stride, Dilation: dilation}
	switch pad {
	case PadSame:
		w.Out = (in + stride - 1) / stride
		w.PadBefore = max((w.Out-1)*stride+extent-in, 0) / 2
	case PadValid:
		w.Out = (in - extent + stride) / stride
	default:
		return Window{}, fmt.Errorf("padding %d, expected SAME (0) or VALID (1)", pad)
	}
	if w.Out < 1 {
		return Window{}, fmt.Errorf("kernel of extent %d does not fit into size %d", extent, in)
	}
	return w, nil
}

// Windows returns the height and width of a CONV_2D, DEPTHWISE_CONV_2D,
// AVERAGE_POOL_2D or MAX_POOL_2D.
func (g *Graph) Windows(op *Op) (h, w Window, err error) {
	in := g.Tensors[op.Inputs[0]]
	if len(in.Shape) != 4 {
		return h, w, fmt.Errorf("input %q has shape %v, expected [batch, height, width, channels]", in.Name, in.Shape)
	}
	var pad Padding
	var kh, kw, sh, sw int
	dh, dw := 1, 1
	switch a := op.Attr.(type) {
	case Conv2DAttr:
		pad, sh, sw, dh, dw = a.Padding, a.StrideH, a.StrideW, a.DilationH, a.DilationW
	case DepthwiseConv2DAttr:
		pad, sh, sw, dh, dw = a.Padding, a.StrideH, a.StrideW, a.DilationH, a.DilationW
	case Pool2DAttr:
		pad, sh, sw, kh, kw = a.Padding, a.StrideH, a.StrideW, a.FilterH, a.FilterW
	default:
		return h, w, attrMissing(op, Conv2DAttr{})
	}
	if len(op.Inputs) > 1 {
		weights := g.Tensors[op.Inputs[1]]
		if len(weights.Shape) != 4 {
			return h, w, fmt.Errorf("weights %q have shape %v, expected 4 dimensions", weights.Name, weights.Shape)
		}
		kh, kw = weights.Shape[1], weights.Shape[2]
	}
	if h, err = NewWindow(in.Shape[1], kh, sh, dh, pad); err != nil {
		return h, w, fmt.Errorf("height: %w", err)
	}
	if w, err = NewWindow(in.Shape[2], kw, sw, dw, pad); err != nil {
		return h, w, fmt.Errorf("width: %w", err)
	}
	return h, w, nil
}

func shapesPool(g *Graph, op *Op) ([][]int, error) {
	if _, ok := op.Attr.(Pool2DAttr); !ok {
		return nil, attrMissing(op, Pool2DAttr{})
	}
	h, w, err := g.Windows(op)
	in := g.Tensors[op.Inputs[0]]
	if err != nil {
		return nil, err
	}
	return [][]int{{in.Shape[0], h.Out, w.Out, in.Shape[3]}}, nil
}

func shapesConv(g *Graph, op *Op) ([][]int, error) {
	if _, ok := op.Attr.(Conv2DAttr); !ok {
		return nil, attrMissing(op, Conv2DAttr{})
	}
	h, w, err := g.Windows(op)
	if err != nil {
		return nil, err
	}
	in, k := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	if k.Shape[0] == 0 || k.Shape[3] == 0 || in.Shape[3] == 0 {
		return nil, fmt.Errorf("weights %q have shape %v and the input %v, expected at least one channel in and out", k.Name, k.Shape, in.Shape)
	}
	// Fewer channels of the weights than of the input make groups.
	if in.Shape[3]%k.Shape[3] != 0 || k.Shape[0]%max(in.Shape[3]/k.Shape[3], 1) != 0 {
		return nil, fmt.Errorf("weights %q have shape %v, expected %d input channels as in %v, or groups of them with as many outputs each", k.Name, k.Shape, in.Shape[3], in.Shape)
	}
	if err := checkBias(g, op, k.Shape[0]); err != nil {
		return nil, err
	}
	return [][]int{{in.Shape[0], h.Out, w.Out, k.Shape[0]}}, nil
}

func shapesDepthwise(g *Graph, op *Op) ([][]int, error) {
	a, ok := op.Attr.(DepthwiseConv2DAttr)
	if !ok {
		return nil, attrMissing(op, DepthwiseConv2DAttr{})
	}
	h, w, err := g.Windows(op)
	if err != nil {
		return nil, err
	}
	in, k := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	if k.Shape[0] != 1 || in.Shape[3] == 0 || k.Shape[3]%in.Shape[3] != 0 || k.Shape[3] == 0 {
		return nil, fmt.Errorf("weights %q have shape %v, expected [1, h, w, a multiple of %d channels]", k.Name, k.Shape, in.Shape[3])
	}
	if m := k.Shape[3] / in.Shape[3]; a.DepthMultiplier != 0 && a.DepthMultiplier != m {
		return nil, fmt.Errorf("depth multiplier is %d, expected %d from the shapes", a.DepthMultiplier, m)
	}
	if err := checkBias(g, op, k.Shape[3]); err != nil {
		return nil, err
	}
	return [][]int{{in.Shape[0], h.Out, w.Out, k.Shape[3]}}, nil
}
