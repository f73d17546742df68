// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	planners.Set(planRealMAC, graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D)
	planners.Set(planRealSoftmax, graph.Softmax)
}

// product is a product that is rounded before it is added to anything.
func product(a, b float32) float32 { return float32(a * b) }

// planRealMAC computes convolutions of real numbers, and products with matrices, which have
// one position. Sums grow in the order of rows, columns and channels of the window, in
// float32, and the bias comes last, as in the kernels of TFLite.
func planRealMAC(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Float32 || o.in(1).Type != graph.Float32 || o.out(0).Type != graph.Float32 {
		return nil, o.refuse(0, "float32 throughout; the NPU does it in integers")
	}
	x, weights, in, w := o.operand(0), o.operand(1), o.in(0).Shape, o.in(1).Shape
	act, single := graph.ActNone, graph.Window{In: 1, Out: 1, Kernel: 1, Stride: 1, Dilation: 1}
	height, width := single, single
	var batches, channels, outputs, depth, sharing, fromOutput, fromPlace int
	switch at := o.op.Attr.(type) {
	case graph.FullyConnectedAttr:
		act, outputs, depth = at.Activation, w[0], w[1]
		channels, sharing, fromOutput, fromPlace = depth, outputs, depth, depth
		if depth > 0 {
			batches = o.in(0).Elems() / depth
		}
	case graph.Conv2DAttr:
		act, batches, channels, outputs, depth = at.Activation, in[0], in[3], w[0], w[3]
		fromOutput, fromPlace = w[1]*w[2]*depth, depth
		sharing = outputs / (channels / depth)
	case graph.DepthwiseConv2DAttr:
		act, batches, channels, outputs, depth = at.Activation, in[0], in[3], w[3], 1
		fromOutput, fromPlace, sharing = 1, outputs, outputs/channels
	}
	if act > graph.ActRelu6 {
		return nil, fmt.Errorf("the CPU does not do the fused activation %v", act)
	}
	if o.op.Kind != graph.FullyConnected {
		var err error
		if height, width, err = o.Windows(o.op); err != nil {
			return nil, err
		}
	}
	bias, hasBias := x, len(o.op.Inputs) > 2 && o.op.Inputs[2] != graph.None
	if hasBias {
		bias = o.operand(2)
	}
	table := func(w graph.Window) Table {
		return Table{uint32(w.In), uint32(w.Out), uint32(w.Kernel), uint32(w.Stride), uint32(w.Dilation), uint32(w.PadBefore)}
	}
	size := Table{uint32(batches), uint32(channels), uint32(outputs), uint32(depth), uint32(max(sharing, 1)), uint32(fromOutput), uint32(fromPlace)}
	flag := 0
	if hasBias {
		flag = 1
	}
	return one("real_mac", func(buf, out [][]byte) {
		u, v, n := x.of(buf), weights.of(buf), 0
		for b := range batches {
			for i := range height.Out * width.Out {
				for c := range outputs {
					sum := float32(0)
					for k := range height.Kernel * width.Kernel {
						row := i/width.Out*height.Stride + k/width.Kernel*height.Dilation - height.PadBefore
						column := i%width.Out*width.Stride + k%width.Kernel*width.Dilation - width.PadBefore
						if row < 0 || row >= height.In || column < 0 || column >= width.In {
							continue
						}
						at := ((b*height.In+row)*width.In+column)*channels + c/sharing*depth
						for d := range depth {
							sum += product(float(u, at+d), float(v, c*fromOutput+k*fromPlace+d))
						}
					}
					if hasBias {
						sum += float(bias.of(buf), c)
					}
					putReal(out[0], n, activate(sum, act))
					n++
				}
			}
		}
	}, args(Output(0), x.arg(), weights.arg(), bias.arg(), Integer(flag), Integer(act), size, table(height), table(width))...), nil
}

// planRealSoftmax computes the softmax of every row of real numbers.
func planRealSoftmax(o *operator) (*Kernel, error) {
	if o.in(0).Type != graph.Float32 || o.out(0).Type != graph.Float32 {
		return nil, o.refuse(0, "float32; the NPU does it in integers")
	}
	x, beta := o.operand(0), o.op.Attr.(graph.SoftmaxAttr).Beta
	if beta != beta || math.IsInf(float64(beta), 0) {
		return nil, fmt.Errorf("the CPU does not do a factor of %v", beta)
	}
	rows, depth := o.in(0).Rows()
	return one("real_softmax", func(in, out [][]byte) {
		u := x.of(in)
		for r := range rows {
			most, sum := float32(-math.MaxFloat32), float32(0)
			for i := range depth {
				if v := float(u, r*depth+i); most < v {
					most = v
				}
			}
			for i := range depth {
				part := exponential(product(float(u, r*depth+i)-most, beta))
				putFloat(out[0], r*depth+i, part)
				sum += part
			}
			for i := range depth {
				putReal(out[0], r*depth+i, float(out[0], r*depth+i)/sum)
			}
		}
	}, args(Output(0), x.arg(), ints(rows, depth), Real(beta))...), nil
}
