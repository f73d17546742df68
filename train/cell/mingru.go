// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// minGRU is a gated unit without a recurrent matrix, h' = h + u*(n-h) with u = s(xu) and
// n = tanh(xn) (Feng et al., "Were RNNs All We Needed?", 2024, with tanh instead of
// its linear candidate). An output gate gives y = o*h', o = s(xo). Gates and blocks: n, u, o.
// What takes most of an NPU's time in other cells, a recurrent matrix at every
// step, is not there: all products of a layer are one for all steps.
type minGRU struct{}

var _ = Register(nn.MinGRU, minGRU{})

func (minGRU) Facts() nn.Facts {
	return nn.Facts{Name: "mingru", Gates: 2, OutputGate: true, Check: onlyTanh,
		Parameters: func(l *nn.Layer) []nn.Parameter {
			return []nn.Parameter{
				{Name: "kernel", Shape: []int{l.Width(), l.Columns()}, Data: &l.Kernel, Start: nn.Glorot},
				{Name: "bias", Shape: []int{l.Columns()}, Data: &l.Bias, Start: nn.Zeros},
			}
		}}
}

func (minGRU) States(*nn.Layer) []State { return []State{{Name: "h", Bounded: true}} }

func (minGRU) Step(l *nn.Layer, x []float64, states [][]float64) []float64 {
	n, h, cols := l.Units, states[H], l.Columns()
	y := make([]float64, n)
	for j := range n {
		a := func(gate int) float64 { return dot(x, l.Kernel, gate*n+j, cols) + float64(l.Bias[gate*n+j]) }
		h[j] += float64(logistic(a(1)) * (activation(l, a(0)) - h[j]))
		if l.OutputGate {
			y[j] = logistic(a(2)) * h[j]
		}
	}
	if l.OutputGate {
		return y
	}
	return h
}

func (minGRU) Layout(l *nn.Layer) Layout {
	if !l.OutputGate {
		return Layout{Blocks: 2, Matrices: []Part{{FromInput, true, 0, 2}}, Gates: []Place{{0, 0, 0}, {1, 0, 0}}}
	}
	return Layout{Blocks: 3, Matrices: []Part{{FromInput, true, 0, 3}}, Gates: []Place{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}},
		Rows: []Extra{Outputs}, Output: FromRows}
}

func (minGRU) Forward(r *Run, first, after, t int) {
	n := r.N
	for b := first; b < after; b++ {
		g, h1 := r.Gates.At(b, t)[:r.Gates.Width], r.H.At(b, t+1)[:n]
		elementwise.MinGRUForward(n, g, r.H.At(b, t), h1)
		if r.Layer.OutputGate {
			y := r.Rows[0].At(b, t)
			elementwise.Sigmoid(g[2*n : 3*n])
			for i, o := range g[2*n : 3*n] {
				y[i] = o * h1[i]
			}
		}
	}
}

func (minGRU) Backward(r *Run, first, after, t int) {
	n := r.N
	for b := first; b < after; b++ {
		g, dh := r.Gates.At(b, t), r.DH[b*n:][:n]
		if r.Layer.OutputGate {
			h1, dy := r.H.At(b, t+1), r.DY[b*n:][:n]
			for i, o := range g[2*n : 3*n] {
				dh[i] += float32(dy[i] * o)
				g[2*n+i] = dy[i] * h1[i] * o * (1 - o)
			}
		}
		elementwise.MinGRUBackward(n, g, r.H.At(b, t), dh)
	}
}

// NPU builds a MinGRU of 2 block operations a step, h' = a*h + b, with what a state is
// kept by, a = 1-u = s(-xu), and b = (1-a)*n = n - a*n for all steps at once. Where the gate
// keeps the state, a*h rounds to every 8-bit h again although a stays 1/256 below 1. The
// gates of all steps are one product each, and so is what an output gate multiplies.
func (minGRU) NPU(c *Lowering, x Value) []Value {
	h, cols := c.Units, c.Columns()
	gate := func(name string, i int) Value {
		w, bias := Turn(c.Kernel, c.Width(), cols, i*h, (i+1)*h), append([]float32(nil), c.Bias[i*h:(i+1)*h]...)
		if i == 1 { // the complement of u
			negate(w.Data)
			negate(bias)
		}
		return c.FC(c.Role("pre_"+name), c.Role("pre_"+name), x, c.Weights("kernel_"+name, w), c.BiasOf("bias_"+name, bias))
	}
	n := c.Tanh(c.Role("n"), c.Role("n"), gate("n", 0))
	a := c.Logistic(c.Role("a"), c.Role("a"), gate("a", 1))
	b := c.Sub(c.Role("b"), c.Role("h"), n, c.Mul(c.Role("an"), c.Role("n"), n, a))
	as, bs := c.Split(a, 0, c.eachStep("a")...), c.Split(b, 0, c.eachStep("b")...)
	hs := c.Run(func(t int) {
		if c.S[H] == None {
			c.S[H] = bs[t]
			return
		}
		kept := c.Mul(c.At("kept"), c.TiedRole("kept", "h"), as[t], c.S[H])
		c.S[H] = c.Sum(c.StateName("h"), c.Role("h"), false, kept, bs[t])
	})
	if !c.OutputGate {
		return hs
	}
	o := c.Logistic(c.Role("o"), c.Role("o"), gate("o", 2))
	return c.Split(c.Mul(c.Role("y"), c.Role("y"), o, c.Join(c.Role("hs"), 0, hs...)), 0, c.eachStep("y")...)
}

// Keras has no such cell.
func (minGRU) Keras(*Lowering, []Value) []Value { return nil }
