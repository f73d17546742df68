// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// scale standardizes the targets of a regression, output by output, while it is trained:
// a head that begins at 0 is then as far from them as a head for any other task. The
// network that comes out has the scale in its head and gives the targets as they are.
type scale struct{ mean, std []float32 }

// targetScale returns the mean and deviation of every output over the steps that have a
// target.
func targetScale(set *dataset.Set) *scale {
	k, rows := set.Outputs, 1
	if set.PerStep {
		rows = set.Steps
	}
	s := &scale{make([]float32, k), make([]float32, k)}
	sum, square, n := make([]float64, k), make([]float64, k), make([]float64, k)
	v := make([]float32, rows*k)
	pass := func(use func(j int, x float64)) {
		for i := range set.Len() {
			set.Target(i, v)
			for at, x := range v {
				if x == x {
					use(at%k, float64(x))
				}
			}
		}
	}
	pass(func(j int, x float64) { sum[j] += x; n[j]++ })
	pass(func(j int, x float64) { d := x - sum[j]/max(n[j], 1); square[j] += float64(d * d) })
	for j := range k {
		s.mean[j] = float32(sum[j] / max(n[j], 1))
		s.std[j] = float32(math.Sqrt(square[j] / max(n[j], 1)))
		if !(s.std[j] > 0) {
			s.std[j] = 1
		}
	}
	return s
}

// apply standardizes rows of targets in place.
func (s *scale) apply(targets []float32) {
	if s == nil {
		return
	}
	for i := range targets {
		j := i % len(s.mean)
		targets[i] = (targets[i] - s.mean[j]) / s.std[j]
	}
}

// fold puts the scale into the head of a network.
func (s *scale) fold(net *nn.Network) {
	if s == nil {
		return
	}
	for i := range net.HeadKernel {
		net.HeadKernel[i] *= s.std[i%net.Outputs]
	}
	for j := range net.HeadBias {
		net.HeadBias[j] = float32(net.HeadBias[j]*s.std[j]) + s.mean[j]
	}
}
