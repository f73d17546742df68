// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

// prepare returns the network that is unrolled: the given one, or a copy whose
// first layer takes raw features, where that can be.
func prepare(net *nn.Network, o Options) *nn.Network {
	if !o.FoldStandardization || net.Mean == nil || len(net.Layers) == 0 {
		return net
	}
	for i := range net.Layers {
		// Only a recurrent layer takes a constant for what it is at every step, and the
		// constants must not be needed a second time.
		sources, err := net.Sources(i)
		first := i == 0 && net.Layers[i].Kind == nn.Recurrent && net.Layers[i].Window <= 1
		if err != nil || !first && slices.Contains(sources, -1) {
			return net
		}
	}
	folded := *net
	folded.Mean, folded.Std = nil, nil
	folded.Layers = append([]nn.Layer(nil), net.Layers...)
	l := &folded.Layers[0]
	columns := l.Columns()
	l.Kernel = append([]float32(nil), l.Kernel...)
	l.Bias = append([]float32(nil), l.Bias...)
	if len(l.Kernel) != net.Features*columns || len(l.Bias) < columns {
		return net // wrong dimensions: unrolling reports them
	}
	// ((x-m)/s) . W + b  =  x . (W/s) + (b - (m/s) . W)
	shift := make([]float64, columns)
	for f := range net.Features {
		m, s := float64(net.Mean[f]), float64(net.Std[f])
		for c := range columns {
			w := float64(l.Kernel[f*columns+c]) / s
			l.Kernel[f*columns+c] = float32(w)
			shift[c] += float64(m * w)
		}
	}
	for c, v := range shift {
		l.Bias[c] = float32(float64(l.Bias[c]) - v)
	}
	return &folded
}
