// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"math"

	"github.com/unroll-npu/unroll/train/nn"
)

// Plain is a whole network without standardization in plain floats, one sequence x[t][f],
// straight from the definitions of its layers: what training and lowering are tested against, as
// they are against Step. It returns what the head gives for every row of the last
// layer's output, before any softmax. The network must be sound (nn.Network.Check).
func Plain(net *nn.Network, x [][]float64) [][]float64 {
	outs := make([][][]float64, len(net.Layers))
	for i := range net.Layers {
		sources, err := net.Sources(i)
		if err != nil {
			panic("BUG: " + err.Error())
		}
		var in [][]float64
		for _, s := range sources {
			rows := x
			if s >= 0 {
				rows = outs[s]
			}
			if in == nil {
				in = make([][]float64, len(rows))
			}
			for t, row := range rows {
				in[t] = append(in[t], row...)
			}
		}
		outs[i] = plainLayer(&net.Layers[i], in)
	}
	var out [][]float64
	last := outs[len(outs)-1]
	for _, row := range last {
		y := make([]float64, net.Outputs)
		for k := range y {
			y[k] = dot(row, net.HeadKernel, k, net.Outputs) + float64(net.HeadBias[k])
		}
		out = append(out, y)
	}
	return out
}

func plainLayer(l *nn.Layer, in [][]float64) [][]float64 {
	steps := len(in)
	out := make([][]float64, steps)
	at := func(t int) int {
		if l.Reversed {
			return steps - 1 - t
		}
		return t
	}
	seen := func(t int) []float64 { // the window of the step that runs as number t
		var v []float64
		for back := max(l.Window, 1) - 1; back >= 0; back-- {
			if t-back < 0 {
				v = append(v, make([]float64, l.Features)...)
			} else {
				v = append(v, in[at(t-back)]...)
			}
		}
		return v
	}
	switch l.Kind {
	case nn.Recurrent:
		var states [][]float64
		for range Of(l).States(l) {
			states = append(states, make([]float64, l.Units))
		}
		for t := range steps {
			out[at(t)] = append([]float64(nil), Of(l).Step(l, seen(t), states)...)
		}
	case nn.Dense, nn.Convolution:
		for t := range steps {
			v := seen(t)
			for j := range l.Units {
				out[t] = append(out[t], plainActivation(l.Activation, dot(v, l.Kernel, j, l.Units)+float64(l.Bias[j])))
			}
		}
	case nn.Activate:
		for t := range steps {
			for _, v := range in[t] {
				out[t] = append(out[t], plainActivation(l.Activation, v))
			}
		}
	case nn.Pooling:
		return [][]float64{plainPool(l.Pool, in)}
	default:
		return in
	}
	return out
}

func plainPool(p nn.Pool, in [][]float64) []float64 {
	y := append([]float64(nil), in[0]...)
	switch p {
	case nn.PoolLast:
		copy(y, in[len(in)-1])
	case nn.PoolMean, nn.PoolMax:
		for _, row := range in[1:] {
			for j, v := range row {
				if p == nn.PoolMax {
					y[j] = max(y[j], v)
				} else {
					y[j] += v
				}
			}
		}
		if p == nn.PoolMean {
			for j := range y {
				y[j] /= float64(len(in))
			}
		}
	}
	return y
}

func plainActivation(a nn.Activation, x float64) float64 {
	switch a {
	case nn.Relu:
		return math.Max(x, 0)
	case nn.Sigmoid:
		return logistic(x)
	case nn.Linear:
		return x
	}
	return math.Tanh(x)
}
