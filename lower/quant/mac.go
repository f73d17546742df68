// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// MAC holds the parameters of FULLY_CONNECTED, CONV_2D and DEPTHWISE_CONV_2D:
//
//	acc = bias[o] + sum of w[o,..] * (x - In)
//	y   = clamp(scaled(acc) + Out, Lo, Hi)
type MAC struct {
	// Mult has one multiplier for every output channel, also when the weights
	// have one scale.
	Mult []Multiplier
	// Reduced selects a 64-bit accumulator and MBQM64 (int16 activations with
	// a 64-bit bias or none); otherwise 32 bits and MBQM.
	Reduced bool
	In, Out int32 // zero points
	Lo, Hi  int32
}

// ForMAC computes the parameters of a FULLY_CONNECTED, CONV_2D or
// DEPTHWISE_CONV_2D with constant or computed int8 weights of zero point 0.
func ForMAC(g *graph.Graph, op *graph.Op) (MAC, error) {
	m, err := forMAC(g, op)
	if err != nil {
		return MAC{}, at(g, op, err)
	}
	return m, nil
}

func forMAC(g *graph.Graph, op *graph.Op) (MAC, error) {
	var act graph.Activation
	channelAxis := 0
	switch a := op.Attr.(type) {
	case graph.FullyConnectedAttr:
		act = a.Activation
	case graph.Conv2DAttr:
		act = a.Activation
	case graph.DepthwiseConv2DAttr:
		act, channelAxis = a.Activation, 3
	case graph.TransposeConvAttr: // the weights are those of the convolution that it transposes
		act = a.Activation
		forward := &graph.Op{Kind: op.Kind, Attr: graph.Conv2DAttr{Activation: act, Bias32: a.Bias32}, Inputs: []graph.TensorID{op.Inputs[2], op.Inputs[1]}, Outputs: op.Outputs}
		if len(op.Inputs) > 3 {
			forward.Inputs = append(forward.Inputs, op.Inputs[3])
		}
		return forMAC(g, forward)
	default:
		return MAC{}, attrError(op, graph.FullyConnectedAttr{})
	}
	in, _, out, err := operands(g, op, false, true)
	if err != nil {
		return MAC{}, err
	}
	if in.t.Type != out.t.Type {
		return MAC{}, fmt.Errorf("input is %v and output %v, expected the same type", in.t.Type, out.t.Type)
	}
	w, err := weightsOf(g, op, channelAxis)
	if err != nil {
		return MAC{}, err
	}
	m := MAC{Mult: make([]Multiplier, w.Shape[channelAxis]), In: in.zero, Out: out.zero}
	if m.Lo, m.Hi, err = ClampRange(act, out.t.Type, out.scale, out.zero); err != nil {
		return MAC{}, err
	}
	// FULLY_CONNECTED with one weight scale multiplies in float32, everything else in float64.
	product := func(ws float32) float64 { return float64(in.scale) * float64(ws) }
	if op.Kind == graph.FullyConnected && len(w.Quant.Scales) == 1 {
		product = func(ws float32) float64 { return float64(float32(in.scale * ws)) }
	}
	for o := range m.Mult {
		if o >= len(w.Quant.Scales) {
			m.Mult[o] = m.Mult[o-1] // one scale for all
			continue
		}
		d := product(w.Quant.Scales[o]) / float64(out.scale)
		if m.Mult[o], err = factor(d, fmt.Sprintf("multiplier of output channel %d", o)); err != nil {
			return MAC{}, err
		}
	}
	m.Reduced, err = biasWidth(g, op, in, out, w, len(m.Mult))
	if err != nil {
		return MAC{}, err
	}
	if m.Reduced {
		for o, mult := range m.Mult {
			if mult.Exp >= 8 {
				return MAC{}, fmt.Errorf("multiplier of output channel %d is %g, expected below 128 for int16 activations", o, mult.Real())
			}
		}
	}
	return m, nil
}

// weightsOf returns the int8 weight tensor with its channel axis in range.
func weightsOf(g *graph.Graph, op *graph.Op, axis int) (*graph.Tensor, error) {
	if len(op.Inputs) < 2 || op.Inputs[1] < 0 || int(op.Inputs[1]) >= len(g.Tensors) {
		return nil, fmt.Errorf("weights (input 1) are missing")
	}
	w := g.Tensors[op.Inputs[1]]
	if w.Type != graph.Int8 {
		return nil, fmt.Errorf("weights %q are %v, expected int8", w.Name, w.Type)
	}
	if err := w.CheckQuant(); err != nil {
		return nil, fmt.Errorf("weights %q: %w", w.Name, err)
	}
	if axis >= len(w.Shape) {
		return nil, fmt.Errorf("weights %q have shape %v, expected more than %d dimensions", w.Name, w.Shape, axis)
	}
	if len(w.Quant.Scales) > 1 && w.Quant.Axis != axis {
		return nil, fmt.Errorf("weights %q are quantized along dimension %d, expected the output channels, dimension %d", w.Name, w.Quant.Axis, axis)
	}
	for i, z := range w.Quant.ZeroPoints {
		if z != 0 {
			return nil, fmt.Errorf("weights %q have zero point %d (entry %d), expected 0; quantize weights symmetrically", w.Name, z, i)
		}
	}
	return w, nil
}

// biasWidth checks the bias and reports whether the accumulator is the 64-bit one.
func biasWidth(g *graph.Graph, op *graph.Op, in, out operand, w *graph.Tensor, channels int) (bool, error) {
	wide := in.t.Type == graph.Int16
	switch a := op.Attr.(type) {
	case graph.FullyConnectedAttr:
		wide = wide && !a.Bias32
	case graph.Conv2DAttr:
		wide = wide && !a.Bias32
	}
	if len(op.Inputs) < 3 || op.Inputs[2] == graph.None {
		return wide, nil
	}
	if op.Inputs[2] < 0 || int(op.Inputs[2]) >= len(g.Tensors) {
		return false, fmt.Errorf("bias (input 2) names tensor %d of %d", op.Inputs[2], len(g.Tensors))
	}
	b := g.Tensors[op.Inputs[2]]
	switch {
	case b.Type == graph.Int32:
		wide = false
	case b.Type == graph.Int64 && in.t.Type == graph.Int16:
		wide = true
	default:
		return false, fmt.Errorf("bias %q is %v, expected int32 (or int64 with int16 activations)", b.Name, b.Type)
	}
	if b.Elems() != channels {
		return false, fmt.Errorf("bias %q has %d elements, expected one for each of the %d output channels", b.Name, b.Elems(), channels)
	}
	if b.Quant == nil || len(b.Quant.Scales) == 0 {
		return wide, nil // the scale is implied by input and weights
	}
	if err := b.CheckQuant(); err != nil {
		return false, fmt.Errorf("bias %q: %w", b.Name, err)
	}
	if len(b.Quant.Scales) == 1 && len(w.Quant.Scales) == 1 {
		want := float64(float32(in.scale * w.Quant.Scales[0]))
		if math.Abs(want-float64(b.Scale())) > 0.02*float64(out.scale) {
			return false, fmt.Errorf("bias %q has scale %g, expected input scale times weight scale %g", b.Name, b.Scale(), want)
		}
	}
	return wide, nil
}
