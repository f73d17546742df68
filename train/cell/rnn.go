// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// rnn is the simple recurrent cell: h' = tanh(x.W + h.U + b), or max(0, …) instead of tanh.
type rnn struct{}

var _ = Register(nn.SimpleRNN, rnn{})

func (rnn) Facts() nn.Facts {
	return nn.Facts{Name: "rnn", LowRank: true, Check: TanhOrRelu, Gates: 1, Torch: []int{0}, Keras: "simple_rnn",
		Parameters: func(l *nn.Layer) []nn.Parameter { return l.Classic(1, nn.Zeros) }}
}

func (rnn) States(l *nn.Layer) []State { return []State{{Name: "h", Bounded: l.Activation == nn.Tanh}} }

func (rnn) Step(l *nn.Layer, x []float64, states [][]float64) []float64 {
	n, h := l.Units, states[H]
	next, seen := make([]float64, n), carried(l, h)
	for j := range n {
		next[j] = activation(l, dot(x, l.Kernel, j, n)+dot(seen, l.Recurrent, j, n)+float64(l.Bias[j]))
	}
	copy(h, next)
	return h
}

func (rnn) Layout(*nn.Layer) Layout {
	return Layout{Blocks: 1,
		Matrices: []Part{{FromInput, true, 0, 1}, {FromState, false, 0, 1}},
		Gates:    []Place{{0, 1, 0}}}
}

func (rnn) Forward(r *Run, first, after, t int) {
	r.Recur(r.Matrices[1], first, after, t, 0, r.Matrices[1].Cols/gemm.Width, 0, true)
	for b := first; b < after; b++ {
		h := r.H.At(b, t+1)[:r.N]
		copy(h, r.Gates.At(b, t))
		if r.Layer.Activation == nn.Tanh {
			elementwise.Tanh(h)
			continue
		}
		for i, v := range h {
			if v < 0 { // a NaN stays one
				h[i] = 0
			}
		}
	}
}

func (rnn) Backward(r *Run, first, after, t int) {
	for b := first; b < after; b++ {
		d, h, dh := r.Gates.At(b, t)[:r.N], r.H.At(b, t+1)[:r.N], r.DH[b*r.N:][:r.N]
		if r.Layer.Activation == nn.Tanh {
			elementwise.RNNTanhBackward(r.N, d, h, dh)
			continue
		}
		for i, v := range h {
			d[i] = 0
			if v > 0 {
				d[i] = dh[i]
			}
		}
	}
	r.RecurBack(r.Matrices[1], first, after, t, 0, false)
}

// NPU builds a SimpleRNN of 2 block operations a step.
func (rnn) NPU(c *Lowering, x Value) []Value {
	h := c.Units
	rows := c.Project(x, Turn(c.Kernel, c.Width(), h, 0, h), c.Bias)
	rec := c.Weights("recurrent", Turn(c.Recurrent, c.Carried(), h, 0, h))
	return c.Run(func(t int) {
		if c.S[H] == None {
			c.S[H] = c.stateActivate(rows[t])
			return
		}
		c.rnnStep(rows[t], c.FC(c.At("rec"), c.TiedRole("rec", "pre"), c.Reduced(), rec, None))
	})
}

// rnnStep sums the two products and applies the activation.
func (c *Lowering) rnnStep(x, rec Value) {
	if c.Activation == nn.Relu {
		c.S[H] = c.Sum(c.StateName("h"), c.Role("h"), true, x, rec)
		return
	}
	pre := c.Sum(c.At("pre_h"), c.Role("pre_h"), false, x, rec)
	c.S[H] = c.Tanh(c.StateName("h"), c.Role("h"), pre)
}

// stateActivate makes the state of the first step, which no product precedes.
// A RELU that must change scale is an ADD of zero with a fused activation.
func (c *Lowering) stateActivate(x Value) Value {
	if c.Activation == nn.Relu {
		zero := c.Constant(c.At("zero"), []float32{0})
		return c.Sum(c.StateName("h"), c.Role("h"), true, x, zero)
	}
	return c.Tanh(c.StateName("h"), c.Role("h"), x)
}

// Keras builds the step of 4 operators; the first of a zero state has 2.
func (rnn) Keras(c *Lowering, xs []Value) []Value {
	h := c.Units
	w := c.Weights("kernel", Turn(c.Kernel, c.Width(), h, 0, h))
	u := c.Weights("recurrent", Turn(c.Recurrent, h, h, 0, h))
	b := c.BiasOf("bias", c.Bias)
	return c.Run(func(t int) {
		xp := c.FC(c.At("xp"), c.Role("xp"), xs[t], w, b)
		if c.S[H] == None {
			c.S[H] = c.stateActivate(xp)
			return
		}
		c.rnnStep(xp, c.FC(c.At("rec"), c.Role("rec"), c.S[H], u, None))
	})
}
