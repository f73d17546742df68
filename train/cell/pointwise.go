// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// pointwise is the training step of a dense layer or a convolution, y = act(x.W + b): a
// cell without a state, whose output is a row of its own.
type pointwise struct{}

func (pointwise) Layout(*nn.Layer) Layout {
	return Layout{Blocks: 1, Matrices: []Part{{FromInput, true, 0, 1}}, Gates: []Place{{0, 0, 0}}, Rows: []Extra{Outputs}, Output: FromRows}
}

func (pointwise) Forward(r *Run, first, after, t int) {
	for b := first; b < after; b++ {
		y := r.Rows[0].At(b, t)[:r.N]
		copy(y, r.Gates.At(b, t))
		switch r.Layer.Activation {
		case nn.Tanh:
			elementwise.Tanh(y)
		case nn.Sigmoid:
			elementwise.Sigmoid(y)
			clear(y[r.Layer.Units:]) // padding stays 0, whatever the function makes of it
		case nn.Relu:
			for i, v := range y {
				if v < 0 { // a NaN stays one
					y[i] = 0
				}
			}
		}
	}
}

func (pointwise) Backward(r *Run, first, after, t int) {
	for b := first; b < after; b++ {
		d, y, dy := r.Gates.At(b, t)[:r.N], r.Rows[0].At(b, t)[:r.N], r.DY[b*r.N:][:r.N]
		switch r.Layer.Activation {
		case nn.Tanh:
			for i, v := range y {
				d[i] = dy[i] * (1 - float32(v*v))
			}
		case nn.Sigmoid:
			for i, v := range y {
				d[i] = dy[i] * v * (1 - v)
			}
		case nn.Relu:
			for i, v := range y {
				d[i] = 0
				if v > 0 {
					d[i] = dy[i]
				}
			}
		default:
			copy(d, dy)
		}
	}
}
