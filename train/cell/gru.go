// SPDX-License-Identifier: Apache-2.0

package cell

import (
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// gru is the gated recurrent unit, z = s(xz + hz), r = s(xr + hr),
// h' = z*h + (1-z)*n. With reset_after, Keras' default, n = tanh(xn + r*hn); the
// classic variant, in gru_classic.go, resets before the product. Gates of the tensors: z, r, n.
type gru struct{}

var _ = Register(nn.GRU, gru{})

func (gru) Facts() nn.Facts {
	return nn.Facts{Name: "gru", LowRank: true, Check: TanhOrRelu, Trainable: TanhOnly, Gates: 3, Torch: []int{1, 0, 2}, Keras: "gru",
		Parameters: func(l *nn.Layer) []nn.Parameter {
			if l.ResetAfter {
				return l.Classic(2, nn.Zeros)
			}
			return l.Classic(1, nn.Zeros)
		},
	}
}

func (gru) States(l *nn.Layer) []State { return []State{{Name: "h", Bounded: l.Activation == nn.Tanh}} }

func (gru) Step(l *nn.Layer, x []float64, states [][]float64) []float64 {
	n, h := l.Units, states[H]
	cols := 3 * n
	input := func(gate, j int) float64 { return dot(x, l.Kernel, gate*n+j, cols) + float64(l.Bias[gate*n+j]) }
	rec := func(v []float64, gate, j int) float64 {
		sum := dot(v, l.Recurrent, gate*n+j, cols)
		if l.ResetAfter {
			sum += float64(l.Bias[cols+gate*n+j])
		}
		return sum
	}
	seen := carried(l, h)
	reset, next := make([]float64, n), make([]float64, n)
	for j := range n {
		reset[j] = logistic(input(1, j) + rec(seen, 1, j))
	}
	gated := make([]float64, n)
	for j := range n {
		gated[j] = float64(reset[j] * h[j])
	}
	for j := range n {
		z := logistic(input(0, j) + rec(seen, 0, j))
		var candidate float64
		if l.ResetAfter {
			candidate = float64(reset[j] * rec(seen, 2, j))
		} else {
			candidate = rec(gated, 2, j)
		}
		next[j] = float64(z*h[j]) + float64((1-z)*activation(l, input(2, j)+candidate))
	}
	copy(h, next)
	return h
}

// Gate blocks with reset_after: n, z, r, hn. The input product writes the first
// three; the recurrent one adds to z and r and writes hn, so that both gradients,
// [dn dz dr] of the input and [dz dr dn*r] of the recurrence, are contiguous.
func (gru) Layout(l *nn.Layer) Layout {
	if !l.ResetAfter {
		return classicLayout()
	}
	return Layout{Blocks: 4,
		Matrices: []Part{{FromInput, true, 0, 3}, {FromState, true, 1, 3}},
		Gates:    []Place{{1, 1, 0}, {2, 1, 1}, {0, 1, 2}}}
}

func (gru) Forward(r *Run, first, after, t int) {
	if !r.Layer.ResetAfter {
		classicForward(r, first, after, t)
		return
	}
	block := r.N / gemm.Width
	r.Recur(r.Matrices[1], first, after, t, 0, 2*block, r.N, true)
	r.Recur(r.Matrices[1], first, after, t, 2*block, block, 3*r.N, false)
	for b := first; b < after; b++ {
		elementwise.GRUForward(r.N, r.Gates.At(b, t), r.H.At(b, t), r.H.At(b, t+1))
	}
}

func (gru) Backward(r *Run, first, after, t int) {
	if !r.Layer.ResetAfter {
		classicBackward(r, first, after, t)
		return
	}
	for b := first; b < after; b++ {
		elementwise.GRUBackward(r.N, r.Gates.At(b, t), r.H.At(b, t), r.DH[b*r.N:])
	}
	r.RecurBack(r.Matrices[1], first, after, t, r.N, true)
}

// NPU builds a GRU of 7 block operations a step (8 in the classic variant).
//
// The gate rows are ordered u, r, n with u = 1-z: sigmoid(-a) = 1-sigmoid(a),
// so the z rows are negated and the complement costs no operation. u and r lie
// side by side and take one ADD with LOGISTIC in its table. The z and r parts
// of the recurrent bias join the input bias; the n part stays, for the reset
// gate multiplies it.
func (gru) NPU(c *Lowering, x Value) []Value {
	const z, r, n = 0, 1, 2
	h := c.Units
	w := gates(c.Kernel, c.Width(), h, 3, z, r, n)
	u := gates(c.Recurrent, c.Carried(), h, 3, z, r, n)
	bias := append([]float32(nil), c.Bias[:3*h]...)
	rec := make([]float32, 3*h)
	if c.ResetAfter {
		copy(bias, plus(bias[:2*h], c.Bias[3*h:5*h]))
		copy(rec[2*h:], c.Bias[5*h:])
	}
	if c.Blend == Update {
		negate(w.Data[:h*c.Width()])
		negate(u.Data[:h*c.Carried()])
		negate(bias[:h])
	}
	rows := c.Project(x, w, bias)
	if !c.ResetAfter {
		gatesU := c.Weights("recurrent_gates", Weights{2 * h, h, u.Data[:2*h*h]})
		candU := c.Weights("recurrent_candidate", Weights{h, h, u.Data[2*h*h:]})
		return c.Run(func(t int) { c.classicStep(rows[t], gatesU, candU) })
	}
	recU := c.Weights("recurrent", u)
	recB := c.BiasOf("recurrent_bias", rec)
	var folded Value = None // what the candidate's product is of a zero state
	if !allZero(rec) && c.Zero {
		folded = c.Constant(c.Role("recurrent_bias_n"), rec[2*h:], 1, h)
	}
	return c.Run(func(t int) { c.gruStep(rows[t], recU, recB, folded) })
}

func (c *Lowering) gruStep(x, recU, recB, folded Value) {
	h := c.Units
	part := []int{2 * h, h}
	xs := c.SplitV(x, 1, part, c.At("x_g"), c.At("x_n"))
	var pre, recN Value
	if c.S[H] == None {
		pre, recN = xs[0], folded
	} else {
		rec := c.FC(c.At("rec"), c.TiedRole("rec", "pre"), c.Reduced(), recU, recB)
		recs := c.SplitV(rec, 1, part, c.At("rec_g"), c.At("rec_n"))
		pre = c.Sum(c.At("pre_g"), c.Role("pre_g"), false, xs[0], recs[0])
		recN = recs[1]
	}
	g := c.Split(c.Logistic(c.At("g"), c.Role("g"), pre), 1, c.At("u"), c.At("r"))
	var n Value
	if recN == None {
		n = c.activate("n", xs[1])
	} else {
		n = c.candidate("n", xs[1], c.Mul(c.At("rn"), c.TiedRole("rn", "pre"), g[1], recN))
	}
	c.blend(g[0], n)
}

// blend computes the new state from the gate (u or z, as Blend says)
// and the candidate.
func (c *Lowering) blend(gate, n Value) {
	name, role := c.StateName("h"), c.Role("h")
	first := c.S[H] == None
	switch {
	case c.Blend == Update && first:
		c.S[H] = c.Mul(name, role, gate, n)
	case c.Blend == Update:
		d := c.Sub(c.At("d"), c.Role("d"), n, c.S[H])
		e := c.Mul(c.At("e"), c.TiedRole("e", "h"), gate, d)
		c.S[H] = c.Sum(name, role, false, c.S[H], e)
	case c.Blend == Keep && first:
		e := c.Mul(c.At("e"), c.Role("e"), gate, n)
		c.S[H] = c.Sub(name, role, n, e)
	case c.Blend == Keep:
		d := c.Sub(c.At("d"), c.Role("d"), c.S[H], n)
		e := c.Mul(c.At("e"), c.Role("e"), gate, d)
		c.S[H] = c.Sum(name, role, false, n, e)
	default:
		u := c.Sub(c.At("1-z"), c.Role("1-z"), c.oneScalar(), gate)
		if first {
			c.S[H] = c.Mul(name, role, u, n)
			return
		}
		zh := c.Mul(c.At("zh"), c.Role("zh"), gate, c.S[H])
		un := c.Mul(c.At("un"), c.Role("un"), u, n)
		c.S[H] = c.Sum(name, role, false, zh, un)
	}
}

// Keras builds the reset_after step of 14 operators; the classic variant,
// for which the converter has two more products, follows the same pattern.
func (gru) Keras(c *Lowering, xs []Value) []Value {
	h := c.Units
	w := c.Weights("kernel", Turn(c.Kernel, c.Width(), 3*h, 0, 3*h))
	b := c.BiasOf("bias", c.Bias[:3*h])
	if !c.ResetAfter {
		u := c.Weights("recurrent_gates", Turn(c.Recurrent, h, 3*h, 0, 2*h))
		un := c.Weights("recurrent_candidate", Turn(c.Recurrent, h, 3*h, 2*h, 3*h))
		return c.Run(func(t int) { c.kerasGRUStep(xs[t], w, b, u, None, un, nil) })
	}
	u := c.Weights("recurrent", Turn(c.Recurrent, h, 3*h, 0, 3*h))
	br := c.BiasOf("recurrent_bias", c.Bias[3*h:])
	var folded []Value
	if c.Zero {
		for i, what := range []string{"z", "r", "n"} {
			part := c.Bias[(3+i)*h : (4+i)*h]
			folded = append(folded, c.Constant(c.Role("recurrent_bias_"+what), part, 1, h))
		}
	}
	return c.Run(func(t int) { c.kerasGRUStep(xs[t], w, b, u, br, None, folded) })
}

func (c *Lowering) kerasGRUStep(x, w, b, u, br, un Value, folded []Value) {
	h := c.Units
	xs := c.Split(c.FC(c.At("xp"), c.Role("xp"), x, w, b), 1, c.At("x_z"), c.At("x_r"), c.At("x_n"))
	first := c.S[H] == None
	gate := func(name string, x Value, rec []Value, i int) Value {
		if rec != nil {
			x = c.Sum(c.At("pre_"+name), c.Role("pre_"+name), false, x, rec[i])
		}
		return c.Logistic(c.At(name), c.Role(name), x)
	}
	rec := folded
	switch {
	case first: // folded, or none in the classic variant
	case c.ResetAfter:
		all := c.FC(c.At("rec"), c.Role("rec"), c.S[H], u, br)
		rec = c.SplitV(all, 1, []int{h, h, h}, c.At("rec_z"), c.At("rec_r"), c.At("rec_n"))
	default:
		rec = c.Split(c.FC(c.At("rec"), c.Role("rec"), c.S[H], u, None), 1, c.At("rec_z"), c.At("rec_r"))
	}
	z := gate("z", xs[0], rec, 0)
	var zh Value
	if first {
		zero := c.Constant(c.At("h_zero"), []float32{0})
		zh = c.Mul(c.At("zh"), c.Role("zh_zero"), z, zero)
	} else {
		zh = c.Mul(c.At("zh"), c.Role("zh"), z, c.S[H])
	}
	keep := c.Sub(c.At("1-z"), c.Role("1-z"), c.oneScalar(), z)
	r := gate("r", xs[1], rec, 1)
	var n Value
	switch {
	case c.ResetAfter:
		n = c.candidate("n", xs[2], c.Mul(c.At("rn"), c.Role("rn"), r, rec[2]))
	case first:
		n = c.activate("n", xs[2])
	default:
		rh := c.Mul(c.At("rh"), c.Role("rh"), r, c.S[H])
		n = c.candidate("n", xs[2], c.FC(c.At("rec_n"), c.Role("rec_n"), rh, un, None))
	}
	c.S[H] = c.Sum(c.StateName("h"), c.Role("h"), false, zh, c.Mul(c.At("un"), c.Role("un"), keep, n))
}
