// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"

	"github.com/unroll-npu/unroll/train/nn"
)

// scalar is a network in float64, written from the equations one element at a
// time: the witness for the panels, tiles and vector loops of the engine. It knows
// the loss alone; its gradients are finite differences.
type scalar struct {
	net    *nn.Network
	layers []scalarLayer
	head   []float64 // units x outputs
	bias   []float64
	smooth float64
	weight []float64
}

type scalarLayer struct {
	nn.Layer
	w, u, b []float64
}

func newScalar(net *nn.Network) *scalar {
	s := &scalar{net: net, head: wide(net.HeadKernel), bias: wide(net.HeadBias)}
	for _, l := range net.Layers {
		s.layers = append(s.layers, scalarLayer{l, wide(l.Kernel), wide(l.Recurrent), wide(l.Bias)})
	}
	return s
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

// tensors lists all parameters, in the order of tensors of an nn.Network below.
func (s *scalar) tensors() map[string][]float64 {
	m := map[string][]float64{"head.kernel": s.head, "head.bias": s.bias}
	for i, l := range s.layers {
		n := string(rune('0' + i))
		m[n+".kernel"], m[n+".recurrent"], m[n+".bias"] = l.w, l.u, l.b
	}
	return m
}

func tensorsOf(net *nn.Network) map[string][]float32 {
	m := map[string][]float32{"head.kernel": net.HeadKernel, "head.bias": net.HeadBias}
	for i, l := range net.Layers {
		n := string(rune('0' + i))
		m[n+".kernel"], m[n+".recurrent"], m[n+".bias"] = l.Kernel, l.Recurrent, l.Bias
	}
	return m
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// run returns the states of the last layer after every step for one sequence
// x[t][f].
func (s *scalar) run(x [][]float64) [][]float64 {
	for i := range s.layers {
		x = s.layers[i].run(x)
	}
	return x
}

func (l *scalarLayer) run(x [][]float64) [][]float64 {
	n := l.Units
	cols := l.Cell.Gates() * n
	dot := func(v, m []float64, j int) float64 {
		sum := 0.0
		for i, a := range v {
			sum += a * m[i*cols+j]
		}
		return sum
	}
	h, c := make([]float64, n), make([]float64, n)
	var out [][]float64
	for _, xt := range x {
		next := make([]float64, n)
		input := func(gate, j int) float64 { return dot(xt, l.w, gate*n+j) + l.b[gate*n+j] }
		switch {
		case l.Cell == nn.GRU && l.ResetAfter:
			recurrent := func(gate, j int) float64 { return dot(h, l.u, gate*n+j) + l.b[cols+gate*n+j] }
			for j := range n {
				z := logistic(input(0, j) + recurrent(0, j))
				r := logistic(input(1, j) + recurrent(1, j))
				a := math.Tanh(input(2, j) + r*recurrent(2, j))
				next[j] = z*h[j] + (1-z)*a
			}
		case l.Cell == nn.GRU:
			reset := make([]float64, n)
			for j := range n {
				reset[j] = logistic(input(1, j)+dot(h, l.u, n+j)) * h[j]
			}
			for j := range n {
				z := logistic(input(0, j) + dot(h, l.u, j))
				a := math.Tanh(input(2, j) + dot(reset, l.u, 2*n+j))
				next[j] = z*h[j] + (1-z)*a
			}
		case l.Cell == nn.LSTM:
			for j := range n {
				i := logistic(input(0, j) + dot(h, l.u, j))
				f := logistic(input(1, j) + dot(h, l.u, n+j))
				g := math.Tanh(input(2, j) + dot(h, l.u, 2*n+j))
				o := logistic(input(3, j) + dot(h, l.u, 3*n+j))
				c[j] = f*c[j] + i*g
				next[j] = o * math.Tanh(c[j])
			}
		default:
			for j := range n {
				next[j] = input(0, j) + dot(h, l.u, j)
				if l.Activation == nn.Relu {
					next[j] = max(next[j], 0)
				} else {
					next[j] = math.Tanh(next[j])
				}
			}
		}
		h = next
		out = append(out, h)
	}
	return out
}

// loss returns the mean loss of a batch: x[b][t][f]; labels and targets a row
// each, T rows a sequence for a per-step head.
func (s *scalar) loss(x [][][]float64, labels []int, targets [][]float64) float64 {
	total, row := 0.0, 0
	for _, sequence := range x {
		states := s.run(sequence)
		if !s.net.PerStep {
			states = states[len(states)-1:]
		}
		for _, h := range states {
			out := make([]float64, s.net.Outputs)
			for k := range out {
				out[k] = s.bias[k]
				for i, v := range h {
					out[k] += v * s.head[i*s.net.Outputs+k]
				}
			}
			if s.net.Task == nn.Regression {
				for k, v := range out {
					total += (v - targets[row][k]) * (v - targets[row][k]) / float64(len(out))
				}
			} else {
				sum := 0.0
				for _, v := range out {
					sum += math.Exp(v)
				}
				w := 1.0
				if s.weight != nil {
					w = s.weight[labels[row]]
				}
				for k, v := range out {
					target := s.smooth / float64(len(out))
					if k == labels[row] {
						target += 1 - s.smooth
					}
					total -= w * target * (v - math.Log(sum))
				}
			}
			row++
		}
	}
	return total / float64(row)
}
