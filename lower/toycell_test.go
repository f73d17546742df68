// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"math"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// The recipe of CONTRIBUTING.md, "Add a cell", step by step: the row …
const leaky nn.Cell = 1000

// … and the file. A leaky integrator: h' = h + (tanh(x.W + b) - h)/4.
type leakyCell struct{}

var _ = cell.Register(leaky, leakyCell{})

func (leakyCell) Facts() nn.Facts {
	return nn.Facts{Name: "leaky", Gates: 1, Check: cell.TanhOrRelu, Trainable: cell.TanhOnly,
		Parameters: func(l *nn.Layer) []nn.Parameter {
			return []nn.Parameter{
				{Name: "kernel", Shape: []int{l.Width(), l.Units}, Data: &l.Kernel, Start: nn.Glorot},
				{Name: "bias", Shape: []int{l.Units}, Data: &l.Bias},
			}
		}}
}

func (leakyCell) States(*nn.Layer) []cell.State { return []cell.State{{Name: "h", Bounded: true}} }

func (leakyCell) Step(l *nn.Layer, x []float64, states [][]float64) []float64 {
	h := states[cell.H]
	for j := range h {
		sum := float64(l.Bias[j])
		for i, v := range x {
			sum += v * float64(l.Kernel[i*l.Units+j])
		}
		h[j] += (math.Tanh(sum) - h[j]) / 4
	}
	return h
}

func (leakyCell) Layout(*nn.Layer) cell.Layout {
	return cell.Layout{Blocks: 1, Matrices: []cell.Part{{Source: cell.FromInput, Bias: true, Blocks: 1}}, Gates: []cell.Place{{}}}
}

func (leakyCell) Forward(r *cell.Run, first, after, t int) {
	for b := first; b < after; b++ {
		g, h0, h1 := r.Gates.At(b, t)[:r.N], r.H.At(b, t), r.H.At(b, t+1)
		elementwise.Tanh(g)
		for i, n := range g {
			h1[i] = h0[i] + (n-h0[i])/4
		}
	}
}

func (leakyCell) Backward(r *cell.Run, first, after, t int) {
	for b := first; b < after; b++ {
		g, dh := r.Gates.At(b, t)[:r.N], r.DH[b*r.N:][:r.N]
		for i, n := range g {
			g[i] = dh[i] / 4 * (1 - n*n)
			dh[i] *= 0.75
		}
	}
}

func (leakyCell) NPU(c *cell.Lowering, x cell.Value) []cell.Value {
	rows := c.Project(x, cell.Turn(c.Kernel, c.Width(), c.Units, 0, c.Units), c.Bias)
	quarter := c.Constant(c.Role("quarter"), []float32{0.25})
	return c.Run(func(t int) {
		n := c.Tanh(c.At("n"), c.Role("n"), rows[t])
		if c.S[cell.H] == cell.None {
			c.S[cell.H] = c.Mul(c.StateName("h"), c.Role("h"), n, quarter)
			return
		}
		e := c.Mul(c.At("e"), c.Role("e"), c.Sub(c.At("d"), c.Role("d"), n, c.S[cell.H]), quarter)
		c.S[cell.H] = c.Sum(c.StateName("h"), c.Role("h"), false, c.S[cell.H], e)
	})
}

func (leakyCell) Keras(*cell.Lowering, []cell.Value) []cell.Value { return nil }
