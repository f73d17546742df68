// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"math"
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

// Plain is a whole network without standardization in plain floats, straight from the
// definitions of its layers: what training and lowering are tested against, as cells are
// against Step. The network must be sound (nn.Network.Check).
type Plain struct {
	net    *nn.Network
	states [][][]float64 // of every layer
	before [][][]float64 // of every layer that looks at a window: the rows of its input before the next one
}

// NewPlain begins with all states zero.
func NewPlain(net *nn.Network) *Plain {
	p := &Plain{net: net}
	for i := range net.Layers {
		l := &net.Layers[i]
		var states, before [][]float64
		if l.Kind == nn.Recurrent {
			for range Of(l).States(l) {
				states = append(states, make([]float64, l.Units))
			}
		}
		for range max(l.Window, 1) - 1 {
			before = append(before, make([]float64, l.Features))
		}
		p.states, p.before = append(p.states, states), append(p.before, before)
	}
	return p
}

// Clone returns a copy with states of its own.
func (p *Plain) Clone() *Plain {
	c := &Plain{net: p.net}
	for i := range p.states {
		var states [][]float64
		for _, s := range p.states[i] {
			states = append(states, slices.Clone(s))
		}
		c.states, c.before = append(c.states, states), append(c.before, slices.Clone(p.before[i]))
	}
	return c
}

// Next runs the rows x[t][f] that follow and returns what the head gives for every row of
// the last layer's output, before any softmax.
func (p *Plain) Next(x [][]float64) [][]float64 {
	outs := make([][][]float64, len(p.net.Layers))
	for i := range p.net.Layers {
		sources, err := p.net.Sources(i)
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
		outs[i] = p.layer(i, in)
	}
	var out [][]float64
	for _, row := range outs[len(outs)-1] {
		y := make([]float64, p.net.Outputs)
		for k := range y {
			y[k] = dot(row, p.net.HeadKernel, k, p.net.Outputs) + float64(p.net.HeadBias[k])
		}
		out = append(out, y)
	}
	return out
}

func (p *Plain) layer(i int, in [][]float64) [][]float64 {
	l, steps := &p.net.Layers[i], len(in)
	out := make([][]float64, steps)
	at := func(t int) int {
		if l.Reversed {
			return steps - 1 - t
		}
		return t
	}
	rows := slices.Clone(p.before[i]) // in the order of the steps that run
	for t := range steps {
		rows = append(rows, in[at(t)])
	}
	seen := func(t int) []float64 { return slices.Concat(rows[t : t+max(l.Window, 1)]...) }
	p.before[i] = rows[steps:]
	switch l.Kind {
	case nn.Recurrent:
		for t := range steps {
			out[at(t)] = slices.Clone(Of(l).Step(l, seen(t), p.states[i]))
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
