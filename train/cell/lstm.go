// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// lstm is the long short-term memory, c' = f*c + i*g, h' = o*tanh(c'). Gates in Keras'
// order: i, f, g (the candidate, Keras' c), o.
type lstm struct{}

var _ = Register(nn.LSTM, lstm{})

func (lstm) Facts() nn.Facts {
	return nn.Facts{Name: "lstm", LowRank: true, Check: TanhOrRelu, Trainable: TanhOnly, Gates: 4, Torch: []int{0, 1, 2, 3}, Keras: "lstm",
		Parameters: func(l *nn.Layer) []nn.Parameter { return l.Classic(1, nn.ForgetOne) }}
}

// The forget gate is at most 1, so f*c is never larger than c.
func (lstm) States(l *nn.Layer) []State {
	return []State{{Name: "h", Bounded: l.Activation == nn.Tanh}, {Name: "c", Sums: true, Within: "fc"}}
}

func (lstm) Step(l *nn.Layer, x []float64, states [][]float64) []float64 {
	n, h, c := l.Units, states[H], states[C]
	next, seen := make([]float64, n), carried(l, h)
	for j := range n {
		a := func(gate int) float64 {
			return dot(x, l.Kernel, gate*n+j, 4*n) + dot(seen, l.Recurrent, gate*n+j, 4*n) + float64(l.Bias[gate*n+j])
		}
		c[j] = float64(logistic(a(1))*c[j]) + float64(logistic(a(0))*activation(l, a(2)))
		next[j] = logistic(a(3)) * activation(l, c[j])
	}
	copy(h, next)
	return h
}

func (lstm) Layout(*nn.Layer) Layout {
	return Layout{Blocks: 4,
		Matrices: []Part{{FromInput, true, 0, 4}, {FromState, false, 0, 4}},
		Rows:     []Extra{Between, EachStep}, // cell states, and their tanh
		Gates:    []Place{{0, 1, 0}, {1, 1, 1}, {2, 1, 2}, {3, 1, 3}}}
}

func (lstm) Forward(r *Run, first, after, t int) {
	r.Recur(r.Matrices[1], first, after, t, 0, r.Matrices[1].Cols/gemm.Width, 0, true)
	for b := first; b < after; b++ {
		elementwise.LSTMForward(r.N, r.Gates.At(b, t), r.Rows[0].At(b, t), r.Rows[0].At(b, t+1), r.Rows[1].At(b, t), r.H.At(b, t+1))
	}
}

func (lstm) Backward(r *Run, first, after, t int) {
	for b := first; b < after; b++ {
		elementwise.LSTMBackward(r.N, r.Gates.At(b, t), r.Rows[0].At(b, t), r.Rows[1].At(b, t), r.DH[b*r.N:], r.DC[b*r.N:])
	}
	r.RecurBack(r.Matrices[1], first, after, t, 0, false)
}

// NPU builds an LSTM of 8 block operations a step. The gate rows are
// ordered i, f, o, g, so that the three sigmoids are one operation.
func (lstm) NPU(c *Lowering, x Value) []Value {
	const i, f, g, o = 0, 1, 2, 3
	h := c.Units
	rows := c.Project(x, gates(c.Kernel, c.Width(), h, 4, i, f, o, g), blocks(c.Bias, h, i, f, o, g))
	rec := c.Weights("recurrent", gates(c.Recurrent, c.Carried(), h, 4, i, f, o, g))
	return c.Run(func(t int) { c.lstmStep(rows[t], rec) })
}

func (c *Lowering) lstmStep(x, recU Value) {
	h := c.Units
	part := []int{3 * h, h}
	xs := c.SplitV(x, 1, part, c.At("x_g"), c.At("x_n"))
	pre := xs[0]
	var n Value
	if c.S[H] == None {
		n = c.activate("n", xs[1])
	} else {
		rec := c.FC(c.At("rec"), c.TiedRole("rec", "pre"), c.Reduced(), recU, None)
		recs := c.SplitV(rec, 1, part, c.At("rec_g"), c.At("rec_n"))
		pre = c.Sum(c.At("pre_g"), c.Role("pre_g"), false, xs[0], recs[0])
		n = c.candidate("n", xs[1], recs[1])
	}
	g := c.Split(c.Logistic(c.At("g"), c.Role("g"), pre), 1, c.At("i"), c.At("f"), c.At("o"))
	if c.S[C] == None {
		c.S[C] = c.Mul(c.StateName("c"), c.Role("c"), g[0], n)
	} else {
		fc := c.Mul(c.At("fc"), c.TiedRole("fc", "c"), g[1], c.S[C])
		in := c.Mul(c.At("in"), c.TiedRole("in", "c"), g[0], n)
		c.S[C] = c.Sum(c.StateName("c"), c.Role("c"), false, fc, in)
	}
	c.S[H] = c.Mul(c.StateName("h"), c.Role("h"), g[2], c.activate("q", c.S[C]))
}

// Keras builds the step of 16 operators, two products without bias and the
// bias as a constant operand.
func (lstm) Keras(c *Lowering, xs []Value) []Value {
	h := c.Units
	w := c.Weights("kernel", Turn(c.Kernel, c.Width(), 4*h, 0, 4*h))
	u := c.Weights("recurrent", Turn(c.Recurrent, h, 4*h, 0, 4*h))
	var firstBias, bias Value = None, None
	if c.Zero {
		firstBias = c.BiasOf("bias", c.Bias)
	}
	if !allZero(c.Bias) {
		bias = c.Constant(c.Role("bias_row"), c.Bias, 1, 4*h)
	}
	return c.Run(func(t int) {
		var pre Value
		if c.S[H] == None {
			pre = c.FC(c.At("pre"), c.Role("pre"), xs[t], w, firstBias)
		} else {
			xp := c.FC(c.At("xp"), c.Role("xp"), xs[t], w, None)
			rec := c.FC(c.At("rec"), c.Role("rec"), c.S[H], u, None)
			if bias == None {
				pre = c.Sum(c.At("pre"), c.Role("pre"), false, xp, rec)
			} else {
				pre = c.Sum(c.At("sum"), c.Role("sum"), false, xp, rec)
				pre = c.Sum(c.At("pre"), c.Role("pre"), false, pre, bias)
			}
		}
		c.kerasLSTMStep(pre)
	})
}

func (c *Lowering) kerasLSTMStep(pre Value) {
	g := c.Split(pre, 1, c.At("pre_i"), c.At("pre_f"), c.At("pre_n"), c.At("pre_o"))
	i := c.Logistic(c.At("i"), c.Role("i"), g[0])
	if c.S[C] == None {
		c.S[C] = c.Mul(c.StateName("c"), c.Role("c"), i, c.activate("n", g[2]))
	} else {
		f := c.Logistic(c.At("f"), c.Role("f"), g[1])
		fc := c.Mul(c.At("fc"), c.Role("fc"), f, c.S[C])
		in := c.Mul(c.At("in"), c.Role("in"), i, c.activate("n", g[2]))
		c.S[C] = c.Sum(c.StateName("c"), c.Role("c"), false, fc, in)
	}
	o := c.Logistic(c.At("o"), c.Role("o"), g[3])
	c.S[H] = c.Mul(c.StateName("h"), c.Role("h"), o, c.activate("q", c.S[C]))
}
