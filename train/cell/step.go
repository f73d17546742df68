// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"math"

	"github.com/unroll-npu/unroll/train/nn"
)

// Parts of Step. Products are rounded before they are added, so that compilers which
// fuse the two give the same bits as those which do not.

// dot is x times column col of a matrix of cols columns.
func dot(x []float64, m []float32, col, cols int) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v * float64(m[i*cols+col]))
	}
	return sum
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// activation is the candidate activation of a layer.
func activation(l *nn.Layer, x float64) float64 {
	if l.Activation == nn.Relu {
		return math.Max(x, 0)
	}
	return math.Tanh(x)
}
