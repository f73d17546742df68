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

// carried is what the gates of a layer see of its state: all of it, or the rank's values.
func carried(l *nn.Layer, h []float64) []float64 {
	if l.Rank == 0 {
		return h
	}
	seen := make([]float64, l.Rank)
	for j := range seen {
		seen[j] = dot(h, l.Reduce, j, l.Rank)
	}
	return seen
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// activation is the candidate activation of a layer.
func activation(l *nn.Layer, x float64) float64 {
	if l.Activation == nn.Relu {
		return math.Max(x, 0)
	}
	return math.Tanh(x)
}
