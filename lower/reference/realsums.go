// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// plusProduct is sum + a*b with both rounded to float32, as the kernels of TFLite have it
// where nothing is fused.
func plusProduct(sum, a, b float32) float32 {
	p := float32(a * b)
	return sum + p
}

// planRealConnected computes FULLY_CONNECTED of float32.
func planRealConnected(p *plan, op *graph.Op) (step, error) {
	w, a := p.in(op, 1), op.Attr.(graph.FullyConnectedAttr).Activation
	if err := realMAC(p, op, a); err != nil {
		return nil, err
	}
	n, cols := p.out(op, 0).Elems(), w.Shape[1]
	return func(m *memory) {
		for i := range n {
			o, sum := i%w.Shape[0], float32(0)
			for k := range cols {
				sum = plusProduct(sum, getReal(m.v[op.Inputs[0]], i/w.Shape[0]*cols+k), getReal(m.v[op.Inputs[1]], o*cols+k))
			}
			putReal(m.v[op.Outputs[0]], i, activated(realBias(m, op, o, sum), a))
		}
	}, nil
}

// planRealConv computes CONV_2D and DEPTHWISE_CONV_2D of float32. A depthwise one has as
// many groups as channels, and its weights have the output last.
func planRealConv(p *plan, op *graph.Op) (step, error) {
	a := op.Fused()
	if err := realMAC(p, op, a); err != nil {
		return nil, err
	}
	hin, win, err := p.g.Windows(op)
	if err != nil {
		return nil, err
	}
	in, w, out := p.in(op, 0).Shape, p.in(op, 1).Shape, p.out(op, 0).Shape
	outs, depth := out[3], w[3]
	weight := func(o, ky, kx, c int) int { return ((o*w[1]+ky)*w[2]+kx)*depth + c }
	if op.Kind == graph.DepthwiseConv2D {
		depth = 1
		weight = func(o, ky, kx, _ int) int { return (ky*w[2]+kx)*outs + o }
	}
	groups := in[3] / depth
	return func(m *memory) {
		x, v := m.v[op.Inputs[0]], m.v[op.Inputs[1]]
		for i := range graph.Elems(out) {
			o, ox, oy, b := i%outs, i/outs%out[2], i/outs/out[2]%out[1], i/outs/out[2]/out[1]
			first := o / (outs / groups) * depth
			sum := float32(0)
			for ky := range hin.Kernel {
				for kx := range win.Kernel {
					iy, ix := oy*hin.Stride+ky*hin.Dilation-hin.PadBefore, ox*win.Stride+kx*win.Dilation-win.PadBefore
					for c := 0; c < depth && iy >= 0 && iy < in[1] && ix >= 0 && ix < in[2]; c++ {
						sum = plusProduct(sum, getReal(x, ((b*in[1]+iy)*in[2]+ix)*in[3]+first+c), getReal(v, weight(o, ky, kx, c)))
					}
				}
			}
			putReal(m.v[op.Outputs[0]], i, activated(realBias(m, op, o, sum), a))
		}
	}, nil
}

// realMAC checks what products and sums of float32 need.
func realMAC(p *plan, op *graph.Op, a graph.Activation) error {
	if p.in(op, 1).Type != graph.Float32 || p.out(op, 0).Type != graph.Float32 {
		return floatError(p, op)
	}
	if a > graph.ActRelu6 {
		return fmt.Errorf("fused activation %v has no kernel of real numbers", a)
	}
	return nil
}

func realBias(m *memory, op *graph.Op, o int, sum float32) float32 {
	if len(op.Inputs) > 2 && op.Inputs[2] != graph.None {
		return sum + getReal(m.v[op.Inputs[2]], o)
	}
	return sum
}

// planRealSoftmax computes SOFTMAX of float32 rows.
func planRealSoftmax(p *plan, op *graph.Op, rows, depth int) (step, error) {
	if p.out(op, 0).Type != graph.Float32 {
		return nil, floatError(p, op)
	}
	beta, exp := op.Attr.(graph.SoftmaxAttr).Beta, reals[graph.Exp]
	return func(m *memory) {
		parts := make([]float32, depth)
		for r := range rows {
			most, sum := float32(-math.MaxFloat32), float32(0)
			for i := range parts {
				if parts[i] = getReal(m.v[op.Inputs[0]], r*depth+i); parts[i] > most {
					most = parts[i]
				}
			}
			for i, x := range parts {
				scaled := float32((x - most) * beta)
				parts[i] = exp(op, scaled)
				sum += parts[i]
			}
			for i, e := range parts {
				putReal(m.v[op.Outputs[0]], r*depth+i, e/sum)
			}
		}
	}, nil
}
